#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports by raw netlink: the tunnel types and their options, which devices may be a port, what
becomes of a port when its device goes, moves or is renamed, headroom, counters of upcalls."""
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../lib'))
import ovsnl as nl  # noqa: E402
from ktap import Ktap, clear_kprobes, load_module, run, unload_module, wait_until  # noqa: E402

print('TAP version 13', flush=True)
STOCK = load_module() == 'stock'
(PORT_NO, TYPE, NAME, OPTIONS, UPCALL_PID, STATS, PAD, IFINDEX, NETNSID,
 UPCALL_STATS) = range(1, 11)
NETDEV, INTERNAL, GRE, VXLAN, GENEVE = range(1, 6)
EINVAL, EEXIST, ENODEV, ERANGE, EOPNOTSUPP, EAFNOSUPPORT, EBUSY = 22, 17, 19, 34, 95, 97, 16
k = Ktap()
genl = nl.Genl()
dp = nl.Datapath(nl=genl)


def name_attr(name):
    return nl.attr(NAME, name.encode() + b'\0')


def add(name, kind, opts=None, extra=b''):
    data = name_attr(name) + nl.attr(TYPE, kind) + nl.attr(UPCALL_PID, 0) + extra
    if opts is not None:
        data += nl.nest(OPTIONS, *opts)
    return nl.attrs(dp.vport(nl.CMD_NEW, data, nl.NLM_F_ECHO)[0][4:])


def delete(name):
    dp.vport(nl.CMD_DEL, name_attr(name))


def get(name):
    """The port's attributes, or None."""
    try:
        return nl.attrs(dp.vport(nl.CMD_GET, name_attr(name))[0][4:])
    except nl.NlError as e:
        assert e.errno == ENODEV
        return None


def change(name, data):
    dp.vport(nl.CMD_SET, name_attr(name) + data)


def refusal(action, *args):
    """Do it; None, or the error's number. Of this module a refusal has a reason."""
    try:
        action(*args)
        return None
    except nl.NlError as e:
        return e.errno if STOCK or e.extack else 'no extack'


def link(name, netns=''):
    """What ip says of a device, or None."""
    cmd = 'ip %s -d -j link show dev %s' % ('-n ' + netns if netns else '', name)
    done = subprocess.run(cmd, shell=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout)[0] if done.returncode == 0 else None


def port(n):
    return nl.attr(1, struct.pack('=H', n))


GBP = nl.nest(2, nl.attr(1, b''))
run('lsmod >/run/lsmod')
loaded = [line.split()[0] for line in open('/run/lsmod')]
k.ok(not {'vxlan', 'geneve', 'ip_gre'} & set(loaded),
     'a host without tunnels has no tunnel drivers loaded')

# Each type makes its device, and its options come back.
for what, kind, opts, info, said in (
        ('VXLAN', VXLAN, [port(4789)], {'external': True, 'port': 4789},
         nl.attr(1, struct.pack('=H', 4789))),
        ('VXLAN with GBP', VXLAN, [port(4790), GBP], {'port': 4790, 'gbp': True},
         nl.attr(1, struct.pack('=H', 4790)) + GBP),
        ('VXLAN, default port', VXLAN, [port(0)], {'port': 8472},
         nl.attr(1, struct.pack('=H', 8472))),
        ('VXLAN with unknown options', VXLAN, [port(4789), nl.attr(9, 1)], {'port': 4789},
         nl.attr(1, struct.pack('=H', 4789))),
        ('Geneve', GENEVE, [port(6081)], {'external': True, 'port': 6081},
         nl.attr(1, struct.pack('=H', 6081))),
        ('GRE', GRE, None, {'external': True}, None),
        ('GRE with options', GRE, [port(1)], {}, None)):
    got = add('tnl0', kind, opts)
    dev = link('tnl0')
    data = dev['linkinfo']['info_data']
    k.equal((struct.unpack('=I', got[TYPE])[0], got.get(OPTIONS)), (kind, said),
            what + ': type and options in the reply')
    k.ok(dev.get('master') == 'dp0' and 'UP' in dev['flags'] and dev['mtu'] > 65000 and
         dev['promiscuity'] == 1 and all(data.get(key) == v for key, v in info.items()),
         what + ': the device is up, of the datapath, of the largest MTU', dev)
    k.equal(get('tnl0').get(OPTIONS), said, what + ': options in GET')
    delete('tnl0')
    k.ok(link('tnl0') is None and get('tnl0') is None, what + ': device and port are gone')

for what, want, args in (
        ('VXLAN without options', EINVAL, ('t', VXLAN)),
        ('VXLAN without a port', EINVAL, ('t', VXLAN, [])),
        ('a port of 8 bits', EINVAL, ('t', VXLAN, [nl.attr(1, b'a')])),
        ('a port of 32 bits', EINVAL, ('t', VXLAN, [nl.attr(1, 4789)])),
        ('an empty EXTENSION', EINVAL, ('t', VXLAN, [port(4789), nl.attr(2, b'')])),
        ('half an EXTENSION', EINVAL, ('t', VXLAN, [port(4789), nl.attr(2, b'\1\1')])),
        ('GBP that is no flag', ERANGE,
         ('t', VXLAN, [port(4789), nl.nest(2, nl.attr(1, 1))])),
        ('Geneve without options', EINVAL, ('t', GENEVE)),
        ('Geneve without a port', EINVAL, ('t', GENEVE, [])),
        ('a type that is none', EAFNOSUPPORT, ('t', 0)),
        ('an unknown type', EAFNOSUPPORT, ('t', 6)),
        ('a far unknown type', EAFNOSUPPORT, ('t', 0x7fffffff)),
        ('IFINDEX of a tunnel', EOPNOTSUPP, ('t', VXLAN, [port(4789)], nl.attr(IFINDEX, 77))),
        ('IFINDEX that is taken', EBUSY, ('t', INTERNAL, None, nl.attr(IFINDEX, 1))),
        ('a device that is not there', ENODEV, ('none', NETDEV))):
    k.equal(refusal(add, *args), want, 'refused: ' + what)
    assert link('t') is None

add('vx0', VXLAN, [port(4789)])
k.equal(refusal(add, 'vx1', VXLAN, [port(4789)]), EEXIST, 'refused: a UDP port twice')
k.equal(refusal(add, 'vx0', VXLAN, [port(4790)]), EEXIST, 'refused: a name twice')
k.ok(link('vx1') is None, 'no device is left of a refused port')
k.equal(refusal(change, 'vx0', nl.nest(OPTIONS, port(5000))), EOPNOTSUPP,
        'refused: a change of options')
k.equal(refusal(change, 'vx0', nl.attr(TYPE, GENEVE)), EINVAL, 'refused: a change of type')
k.ok(subprocess.run('rmmod vxlan', shell=True, stderr=subprocess.DEVNULL).returncode and
     link('vx0'), 'the driver of a port is in use')
run('ip link set vx0 down; ip link set vx0 name vx9; ip link set vx9 up')
k.ok(nl.attrs(dp.vport(nl.CMD_GET, nl.attr(PORT_NO, 1))[0][4:])[NAME] == b'vx9\0',
     'a port has the new name of its device')
run('ip link del vx9')
k.ok(refusal(dp.vport, nl.CMD_GET, nl.attr(PORT_NO, 1)) == ENODEV,
     'a port goes when its device is deleted')
run('ip netns add n1')
add('vx0', VXLAN, [port(4789)])
run('ip link set vx0 netns n1')
k.ok(get('vx0') is None, 'a tunnel port goes when its device moves')
k.ok(wait_until(lambda: link('vx0', 'n1') is None), 'and so does the device')
k.equal(refusal(add, 'vx0', VXLAN, [port(4789)]), None, 'and its UDP port is free again')
delete('vx0')

# Which devices of others may be ports.
run('ip link add br9 type bridge; ip link add v0 type veth peer name v1')
run('ip link set v0 master br9')
for dev, cmd, want in (
        ('lo', '', EINVAL),
        ('dum', 'ip link add dum type dummy', None),
        ('vxe', 'ip link add vxe type vxlan external dstport 4789', None),
        ('gpe', 'ip link add gpe type vxlan external gpe dstport 4790', None),
        ('gne', 'ip link add gne type geneve external', None),
        ('gret', 'ip link add gret type gretap external', None),
        ('grel', 'ip link add grel type gre external', None),
        ('gren', 'ip link add gren type gre local 1.1.1.1 remote 2.2.2.2', EINVAL),
        ('ersp', 'ip link add ersp type erspan external', None),
        ('gre6', 'ip link add gre6 type ip6gretap external', None),
        ('ipip0', 'ip link add ipip0 type ipip external', EINVAL),
        ('v0', '', EBUSY),
        ('dp0', '', EINVAL)):
    if dev == 'ipip0' and subprocess.call(cmd.split(), stderr=subprocess.DEVNULL):
        k.skip('as a netdev port: ' + cmd, 'this kernel has no such tunnel')
        continue
    if cmd and dev != 'ipip0':
        run(cmd)
    k.equal(refusal(add, dev, NETDEV), want, 'as a netdev port: ' + (cmd or dev))
    if want is None:
        delete(dev)
        k.ok(link(dev) and 'master' not in link(dev) and link(dev)['promiscuity'] == 0,
             dev + ' is left as it was')
        run('ip link del ' + dev)

# A netdev port whose device goes, comes back, moves.
run('ip link add v2 type veth peer name v3')
add('v2', NETDEV)
k.equal(refusal(add, 'v2', NETDEV), EEXIST, 'refused: a device twice')
run('ip link del v2')
k.ok(get('v2') is None, 'a port goes with its device')
run('ip link add v2 type veth peer name v3')
k.equal(refusal(add, 'v2', NETDEV), None, 'and can be added again when it is back')
run('ip link set v2 netns n1')
k.ok(get('v2') is None and 'master' not in link('v2', 'n1'),
     'a netdev port goes when its device moves, which stays')
add('in5', INTERNAL)
run('ip link set in5 netns n1')
moved = get('in5')
k.ok(moved and NETNSID in moved and link('in5', 'n1'),
     'an internal port stays when its device moves; NETNSID tells')
k.ok(NETNSID not in get('dp0'), 'a port of the same namespace has no NETNSID')
run('ip netns del n1')
k.ok(wait_until(lambda: get('in5') is None), 'it goes when that namespace goes')

# Room for the headers of the port that needs the most is left by all others.
TRACE = '/sys/kernel/tracing/'


def headrooms(action):
    """What veth devices are told, while ACTION runs."""
    open(TRACE + 'trace', 'w').close()
    action()
    return [int(line.split('room=')[1]) for line in open(TRACE + 'trace') if 'room=' in line]


def headroom():
    with open(TRACE + 'kprobe_events', 'w') as f:
        f.write('p:veth_room veth_set_rx_headroom room=%si:s32\n')
    with open(TRACE + 'events/kprobes/veth_room/enable', 'w') as f:
        f.write('1')
    run('ip link add v4 type veth peer name v5')
    k.equal(headrooms(lambda: add('v4', NETDEV)), [0], 'no headroom is asked for without tunnels')
    room = headrooms(lambda: add('gn0', GENEVE, [port(6081)]))
    k.ok(len(room) == 1 and room[0] >= 50, 'a tunnel port asks the others for headroom', room)
    run('ip link add v6 type veth peer name v7')
    k.equal(headrooms(lambda: add('v6', NETDEV)), room, 'and those that come later')
    k.equal(headrooms(lambda: delete('v6')), [-1], 'a port that goes gets its own back')
    k.equal(headrooms(lambda: delete('gn0')), [0], 'the others do when the tunnel goes')
    delete('v4')
    with open(TRACE + 'events/kprobes/veth_room/enable', 'w') as f:
        f.write('0')
    clear_kprobes()


if os.path.exists(TRACE + 'kprobe_events'):
    headroom()
else:
    k.skip('headroom', 'this kernel has no kprobes')

# Counters of upcalls. The uapi of 6.1 lacks them, but not this module.
if not STOCK or UPCALL_STATS in get('dp0'):
    listener = nl.Genl()
    run('ip link add v8 type veth peer name v9; ip link set v8 up; ip link set v9 up')
    dp.add_port('v8', 8, pid=listener.pid)
    wire = nl.Wire('v9')

    def counts():
        a = nl.attrs(get('v8')[UPCALL_STATS])
        return tuple(struct.unpack('=Q', a[i])[0] for i in (0, 1))

    before = counts()
    wire.send(nl.udp4('10.0.0.1', '10.0.0.2', 1, 2))
    k.ok(wait_until(lambda: counts()[0] > before[0]) and counts()[1] == before[1],
         'an upcall that arrives is counted', before, counts())
    change('v8', nl.attr(UPCALL_PID, 1))      # nobody
    good = counts()[0]
    wire.send(nl.udp4('10.0.0.1', '10.0.0.2', 1, 2))
    k.ok(wait_until(lambda: counts()[1]) and counts()[0] == good,
         'an upcall that does not is counted apart', counts())

dp.delete()
if STOCK:
    run('rmmod vport_vxlan vport_geneve vport_gre')
k.ok(unload_module(), 'the module unloads')
k.finish()
