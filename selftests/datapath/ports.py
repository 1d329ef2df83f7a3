#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Datapaths and ports: how they come, are found, change and go; devices that move or vanish."""
import errno
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module, wait_until               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import STOCK, Bed, possible_cpus, refusal                # noqa: E402

# OVS_DP_ATTR_*, OVS_VPORT_ATTR_*
NAME, UPCALL_PID, STATS, MEGAFLOW, FEATURES, CACHE, CPU_PIDS, IFINDEX = 1, 2, 3, 4, 5, 7, 8, 9
V_NO, V_TYPE, V_NAME, V_OPTIONS, V_PID, V_STATS, V_IFINDEX, V_NETNSID = 1, 2, 3, 4, 5, 6, 8, 9
NETDEV, INTERNAL = 1, 2
UNALIGNED, VPORT_PIDS, PER_CPU = 1, 2, 8
DUMP, ECHO = nl.NLM_F_DUMP, nl.NLM_F_ECHO

t = Ktap()
bed = Bed(ports=2)
up, dp = bed.up, bed.dp
U = f.ipv4(f.udp(payload=b'x' * 58))        # 100 bytes


def text(name):
    return name.encode() + b'\0'


def u32(data):
    return struct.unpack('=I', data)[0]


def errno_of(call, *a, **kw):
    err = refusal(call, *a, **kw)
    return err.errno if err else 0


def dp_request(cmd, data=b'', ifindex=0, flags=0):
    """Of each reply: (ifindex of the header, attributes)."""
    got = dp.nl.request(dp.nl.family('ovs_datapath'), cmd, struct.pack('=i', ifindex) + data,
                        flags, 2)
    return [(struct.unpack_from('=i', m)[0], nl.attrs(m[4:])) for m in got]


def vp_request(cmd, data=b'', ifindex=None, flags=0):
    got = dp.nl.request(dp.nl.family('ovs_vport'), cmd, struct.pack(
        '=i', dp.ifindex if ifindex is None else ifindex) + data, flags)
    return [(struct.unpack_from('=i', m)[0], nl.attrs(m[4:])) for m in got]


def ifindex_of(dev):
    return int(open('/sys/class/net/%s/ifindex' % dev).read())


def exists(dev):
    return os.path.exists('/sys/class/net/' + dev)


def in_ns(ns, command):
    return run('ip netns exec %s %s' % (ns, command))


# Datapaths: how they are found.
for what, data, ifindex in (('name', nl.attr(NAME, text('dp0')), 0), ('ifindex', b'', dp.ifindex),
                            ('name, not ifindex', nl.attr(NAME, text('dp0')), 4711)):
    (index, a), = dp_request(nl.CMD_GET, data, ifindex)
    t.equal((index, a[NAME]), (dp.ifindex, text('dp0')), 'a datapath by ' + what)
t.equal((len(a[STATS]), len(a[MEGAFLOW]), u32(a[FEATURES]), u32(a[CACHE])), (32, 32, 0, 256),
        'counters, features, size of the mask cache')
for what, data, ifindex in (('name', nl.attr(NAME, text('nope')), 0), ('ifindex', b'', 4711),
                            ('ifindex of a port', b'', ifindex_of('p1')),
                            ('name of a port', nl.attr(NAME, text('p1')), 0), ('nothing', b'', 0)):
    for how, cmd in (('GET', nl.CMD_GET), ('SET', nl.CMD_SET), ('DEL', nl.CMD_DEL)):
        t.equal(errno_of(dp_request, cmd, data, ifindex), errno.ENODEV,
                '%s, no datapath of this %s: ENODEV' % (how, what))

# How they are made.
NEW = nl.attr(UPCALL_PID, 0) + nl.attr(FEATURES, 0)
for what, data, want in (
        ('no name', NEW, errno.EINVAL), ('no upcall pid', nl.attr(NAME, text('dpx')), errno.EINVAL),
        ('the name of a datapath', nl.attr(NAME, text('dp0')) + NEW, errno.EEXIST),
        ('the name of a device', nl.attr(NAME, text('w1')) + NEW, errno.EEXIST),
        ('a name of 16 bytes', nl.attr(NAME, text('d' * 16)) + NEW, errno.EINVAL),
        ('a name that is no name', nl.attr(NAME, text('a/b')) + NEW, errno.EINVAL),
        ('an unknown feature', nl.attr(NAME, text('dpx')) + nl.attr(UPCALL_PID, 0) +
         nl.attr(FEATURES, 1 << 31), errno.EOPNOTSUPP),
        ('the ifindex of a device', nl.attr(NAME, text('dpx')) + NEW +
         nl.attr(IFINDEX, ifindex_of('w1')), errno.EEXIST),
        ('a negative ifindex', nl.attr(NAME, text('dpx')) + NEW +
         nl.attr(IFINDEX, struct.pack('=i', -1)), errno.ERANGE)):
    t.equal(errno_of(dp_request, nl.CMD_NEW, data), want,
            'NEW with %s: %s' % (what, errno.errorcode[want]))
    t.ok(not exists('dpx'), 'NEW with %s: no device is left' % what)
ears = nl.Genl()
ears.join('ovs_datapath', 'ovs_datapath')
(index, a), = dp_request(nl.CMD_NEW, nl.attr(NAME, text('dp1')) + nl.attr(UPCALL_PID, up.pid) +
                         nl.attr(FEATURES, UNALIGNED | VPORT_PIDS) + nl.attr(IFINDEX, 500), 0, ECHO)
t.equal((index, ifindex_of('dp1'), u32(a[FEATURES])), (500, 500, 3), 'NEW with an ifindex, features')
t.equal(ears.recv_upcall(2)[0], nl.CMD_NEW, 'it is told to listeners')
t.equal(sorted(a[NAME] for _, a in dp_request(nl.CMD_GET, flags=DUMP)), [text('dp0'), text('dp1')],
        'a dump of all')

# How they change.
SOCKETS = struct.pack('=%dI' % os.cpu_count(), *range(5, 5 + os.cpu_count()))
dp_request(nl.CMD_SET, nl.attr(FEATURES, PER_CPU) + nl.attr(CPU_PIDS, SOCKETS) +
           nl.attr(CACHE, 64), 500)
(_, a), = dp_request(nl.CMD_GET, b'', 500)
t.equal((u32(a[FEATURES]), a[CPU_PIDS], u32(a[CACHE])), (PER_CPU, SOCKETS, 64),
        'SET of features, sockets, size of the mask cache')
for what, data, want in (
        ('an unknown feature', nl.attr(FEATURES, 1 << 31), errno.EOPNOTSUPP),
        ('an unknown feature beside others', nl.attr(FEATURES, VPORT_PIDS | 1 << 4) +
         nl.attr(CACHE, 128), errno.EOPNOTSUPP),
        ('a cache of 3', nl.attr(CACHE, 3), errno.EINVAL),
        ('a cache of 2^31', nl.attr(CACHE, 1 << 31), errno.ERANGE),
        ('half a socket', nl.attr(FEATURES, PER_CPU) + nl.attr(CPU_PIDS, b'\1\2'), errno.EINVAL),
        ('no socket', nl.attr(FEATURES, PER_CPU) + nl.attr(CPU_PIDS, b''), errno.EINVAL),
        ('the chains of tc', nl.attr(FEATURES, 4), errno.EOPNOTSUPP)):
    t.equal(errno_of(dp_request, nl.CMD_SET, data, 500), want,
            'SET with %s: %s' % (what, errno.errorcode[want]))
    t.equal(dp_request(nl.CMD_GET, b'', 500)[0][1][FEATURES], a[FEATURES],
            'SET with %s: nothing changes' % what)
while ears.recv_upcall(0.1):
    pass
for size in (0, 1, 256):
    dp_request(nl.CMD_SET, nl.attr(CACHE, size), 500)
    t.equal(u32(dp_request(nl.CMD_GET, b'', 500)[0][1][CACHE]), size, 'a cache of %d' % size)
t.equal(ears.recv_upcall(2)[0], nl.CMD_SET, 'SET is told to listeners')

# Ports: how they are made.
for i in range(3, 7):
    bed.add_wire(i)
run('ip link add br0 type bridge; ip link set p6 master br0')


def port(name, kind=NETDEV, number=None, pid=0, extra=b''):
    return nl.attr(V_NAME, text(name)) + nl.attr(V_TYPE, kind) + nl.attr(V_PID, pid) + extra + \
        (b'' if number is None else nl.attr(V_NO, number))


def ports(ifindex=None):
    return {u32(a[V_NO]): a[V_NAME].rstrip(b'\0').decode()
            for _, a in vp_request(nl.CMD_GET, b'', ifindex, DUMP)}


vears = nl.Genl()
vears.join('ovs_vport', 'ovs_vport')
t.equal(ports(), {0: 'dp0', 1: 'p1', 2: 'p2'}, 'the ports')
(index, a), = vp_request(nl.CMD_NEW, port('p3'), flags=ECHO)
t.equal((index, u32(a[V_NO]), u32(a[V_TYPE]), a[V_NAME], u32(a[V_IFINDEX]), len(a[V_STATS])),
        (dp.ifindex, 3, NETDEV, text('p3'), ifindex_of('p3'), 64), 'a new port takes the lowest number')
t.equal(vears.recv_upcall(2)[0], nl.CMD_NEW, 'it is told to listeners')
(_, a), = vp_request(nl.CMD_NEW, port('p5', number=0), flags=ECHO)
t.equal(u32(a[V_NO]), 4, 'one that asks for number 0 too')
vp_request(nl.CMD_DEL, nl.attr(V_NO, 4))
(_, a), = vp_request(nl.CMD_NEW, port('in1', INTERNAL, 1000), flags=ECHO)
t.equal((u32(a[V_NO]), u32(a[V_TYPE]), exists('in1')), (1000, INTERNAL, True), 'an internal port')
(_, a), = vp_request(nl.CMD_NEW, port('in2', INTERNAL, 65534, extra=nl.attr(V_IFINDEX, 600)), flags=ECHO)
t.equal((u32(a[V_NO]), ifindex_of('in2')), (65534, 600), 'one with an ifindex, and the last number')
for what, data, want in (
        ('a number that is taken', port('p4', number=1), errno.EBUSY),
        ('number 65535', port('p4', number=65535), errno.EFBIG),
        ('number 2^32-1', port('p4', number=0xffffffff), errno.EFBIG),
        ('no such device', port('nope'), errno.ENODEV),
        ('a device that is a port', port('p1'), errno.EEXIST),
        ('a device of a bridge', port('p6'), errno.EBUSY),
        ('the loopback device', port('lo'), errno.EINVAL),
        ('an internal device', port('dp1'), errno.EINVAL),
        ('an internal port whose name is taken', port('w1', INTERNAL), errno.EEXIST),
        ('an internal port whose name is no name', port('a/b', INTERNAL), errno.EINVAL),
        ('type 0', port('p4', 0), errno.EAFNOSUPPORT),
        ('type 77', port('p4', 77), errno.EAFNOSUPPORT),
        ('an ifindex of a device', port('in9', INTERNAL, extra=nl.attr(V_IFINDEX, ifindex_of('w1'))),
         errno.EBUSY),
        ('an ifindex for a netdev', port('p4', extra=nl.attr(V_IFINDEX, 700)), errno.EOPNOTSUPP),
        ('no name', nl.attr(V_TYPE, NETDEV) + nl.attr(V_PID, 0), errno.EINVAL),
        ('no type', nl.attr(V_NAME, text('p4')) + nl.attr(V_PID, 0), errno.EINVAL),
        ('no socket', nl.attr(V_NAME, text('p4')) + nl.attr(V_TYPE, NETDEV), errno.EINVAL),
        ('half a socket', nl.attr(V_NAME, text('p4')) + nl.attr(V_TYPE, NETDEV) +
         nl.attr(V_PID, b'\1\2'), errno.EINVAL),
        ('an empty list of sockets', nl.attr(V_NAME, text('p4')) + nl.attr(V_TYPE, NETDEV) +
         nl.attr(V_PID, b''), errno.EINVAL)):
    t.equal(errno_of(vp_request, nl.CMD_NEW, data), want,
            'port with %s: %s' % (what, errno.errorcode[want]))
t.equal(errno_of(vp_request, nl.CMD_NEW, port('p4'), 4711), errno.ENODEV, 'no such datapath: ENODEV')
want = {0: 'dp0', 1: 'p1', 2: 'p2', 3: 'p3', 1000: 'in1', 65534: 'in2'}
t.equal(ports(), want, 'the ports, none of them changed')

# How they are found.
for what, data, ifindex, name in (
        ('number', nl.attr(V_NO, 2), None, 'p2'), ('number 0', nl.attr(V_NO, 0), None, 'dp0'),
        ('name', nl.attr(V_NAME, text('p2')), None, 'p2'),
        ('name, in no datapath', nl.attr(V_NAME, text('p2')), 0, 'p2'),
        ('name of an internal one', nl.attr(V_NAME, text('in1')), 0, 'in1')):
    (index, a), = vp_request(nl.CMD_GET, data, ifindex)
    t.equal((index, a[V_NAME]), (dp.ifindex, text(name)), 'a port by ' + what)
for what, data, ifindex, code in (
        ('no port of this number', nl.attr(V_NO, 77), None, errno.ENODEV),
        ('a number that is too large', nl.attr(V_NO, 1 << 31), None, errno.EFBIG),
        ('no port of this name', nl.attr(V_NAME, text('p4')), None, errno.ENODEV),
        ('no device of this name', nl.attr(V_NAME, text('nope')), None, errno.ENODEV),
        ('the name of a port of another datapath', nl.attr(V_NAME, text('p1')), 500, errno.ENODEV),
        ('a number in no datapath', nl.attr(V_NO, 1), 4711, errno.ENODEV),
        ('neither', b'', None, errno.EINVAL)):
    for how, cmd in (('GET', nl.CMD_GET), ('SET', nl.CMD_SET), ('DEL', nl.CMD_DEL)):
        t.equal(errno_of(vp_request, cmd, data, ifindex), code,
                '%s, %s: %s' % (how, what, errno.errorcode[code]))
t.equal(errno_of(vp_request, nl.CMD_DEL, nl.attr(V_NO, 0)), errno.EINVAL, 'DEL of the local port: EINVAL')
t.equal(errno_of(vp_request, nl.CMD_SET, nl.attr(V_NO, 1) + nl.attr(V_TYPE, INTERNAL)), errno.EINVAL,
        'SET of another type: EINVAL')
t.equal(errno_of(vp_request, nl.CMD_SET, nl.attr(V_NO, 1) + nl.attr(V_PID, b'\1')), errno.EINVAL,
        'SET of half a socket: EINVAL')

# Sockets.
several = struct.pack('=II', 7, 8)[:4 * possible_cpus()]
vp_request(nl.CMD_SET, nl.attr(V_NO, 3) + nl.attr(V_PID, several))
(_, a), = vp_request(nl.CMD_GET, nl.attr(V_NO, 3))
t.equal(a[V_PID], struct.pack('=I', 7), 'of several sockets the first is told')
dp_request(nl.CMD_SET, nl.attr(FEATURES, VPORT_PIDS), dp.ifindex)
(_, a), = vp_request(nl.CMD_GET, nl.attr(V_NO, 3))
t.equal(a[V_PID], several, 'with the feature all')
dp_request(nl.CMD_SET, nl.attr(FEATURES, 0), dp.ifindex)

# Counters.
before = struct.unpack('=8Q', vp_request(nl.CMD_GET, nl.attr(V_NO, 1))[0][1][V_STATS])
before2 = struct.unpack('=8Q', vp_request(nl.CMD_GET, nl.attr(V_NO, 2))[0][1][V_STATS])
bed.flow([nl.output(2)])
for _ in range(3):
    bed.wires[1].send(U)
t.equal(len(bed.recv(2, 3)), 3, 'three packets from port 1 to port 2')
n = struct.unpack('=8Q', vp_request(nl.CMD_GET, nl.attr(V_NO, 1))[0][1][V_STATS])
t.equal((n[0] - before[0], n[2] - before[2]), (3, 300), 'received, packets and bytes')
n = struct.unpack('=8Q', vp_request(nl.CMD_GET, nl.attr(V_NO, 2))[0][1][V_STATS])
t.equal((n[1] - before2[1], n[3] - before2[3]), (3, 300), 'sent, packets and bytes')

# Devices that go, are renamed, move.
run('ip link set p3 down; ip link set p3 name p33; ip link set p33 up')
t.equal(ports()[3], 'p33', 'a port whose device is renamed')
if not STOCK:       # which looks for it under the name that it began with
    t.equal(u32(vp_request(nl.CMD_GET, nl.attr(V_NAME, text('p33')))[0][1][V_NO]), 3,
            'is found by the new name')
t.equal(errno_of(vp_request, nl.CMD_GET, nl.attr(V_NAME, text('p3'))), errno.ENODEV, 'not by the old one')
while vears.recv_upcall(0.1):
    pass
run('ip link del w3')
t.ok(wait_until(lambda: 3 not in ports()), 'a port whose device goes, goes')
cmd, a = vears.recv_upcall(2) or (0, {})
t.equal((cmd, a.get(V_NO)), (nl.CMD_DEL, struct.pack('=I', 3)), 'and listeners are told')
vp_request(nl.CMD_NEW, port('p4', number=3))
t.equal(ports()[3], 'p4', 'its number can be had again')
run('ip link set p4 up')
bed.flow([nl.output(3)], port=2)
bed.wires[2].send(U)
t.equal(bed.wires[4].recv_all(lambda fs: fs, 3), [U], 'and is switched to')
run('ip netns add ns1')
run('ip link set p4 netns ns1')
t.ok(wait_until(lambda: 3 not in ports()), 'a port whose device moves to another namespace goes')
bed.wires[2].send(U)
t.ok(bed.quiet(1), 'a flow to it stays, and drops')
run('ip link set in1 netns ns1')
(index, a), = vp_request(nl.CMD_GET, nl.attr(V_NO, 1000))
t.equal((a[V_NAME], V_NETNSID in a), (text('in1'), True), 'an internal port that moves stays a port')
t.equal(u32(vp_request(nl.CMD_GET, nl.attr(V_NAME, text('in1')))[0][1][V_NO]), 1000, 'and is found by name')
in_ns('ns1', 'sysctl -qw net.ipv6.conf.in1.disable_ipv6=1')
in_ns('ns1', 'ip link set in1 address 02:00:00:00:00:02')
in_ns('ns1', 'ip addr add 10.0.0.2/24 dev in1')
in_ns('ns1', 'ip link set in1 up')
in_ns('ns1', 'ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev in1')
dp.flush()
bed.flow([nl.output(1000)])
bed.flow([nl.output(1)], port=1000)
ping = f.ipv4(f.icmp())
bed.wires[1].send(ping)
got = bed.recv(1)
t.ok(got and got[0][14:][12:20] == f.addr(f.B4) + f.addr(f.A4) and not f.wrong_checksums(got[0]),
     'a namespace answers through it', got)
run('ip netns del ns1')
t.ok(wait_until(lambda: 1000 not in ports()), 'with the namespace it goes')
t.ok(subprocess.run(['ip', 'link', 'del', 'dp0'], stderr=subprocess.DEVNULL).returncode,
     'the local device cannot be deleted')
run('ip netns add ns1')
t.ok(subprocess.run(['ip', 'link', 'set', 'dp0', 'netns', 'ns1'], stderr=subprocess.DEVNULL).returncode,
     'nor moved')
vp_request(nl.CMD_DEL, nl.attr(V_NO, 65534))
t.ok(not exists('in2') and exists('p1'), 'DEL of an internal port takes its device')
vp_request(nl.CMD_DEL, nl.attr(V_NAME, text('p2')))
t.ok(exists('p2') and 2 not in ports(), 'of a netdev port it leaves it')
dp_request(nl.CMD_DEL, nl.attr(NAME, text('dp1')))
t.ok(not exists('dp1'), 'a datapath by name goes, its device too')
vp_request(nl.CMD_NEW, port('p2', number=2))

# What stands on the device of a port, and is a port itself, goes with it.
def stands_on(below, kind):
    run('ip link add link %s name on0 type %s' % (below, kind))
    vp_request(nl.CMD_NEW, port('on0'))
    return 'on0' in ports().values()


VLAN, MACVLAN = 'vlan id 7', 'macvlan mode bridge'
HAS_MACVLAN = not subprocess.run('ip link add link w1 name on0 type macvlan && ip link del on0', shell=True,
                                 stderr=subprocess.DEVNULL).returncode
vxlan = nl.nest(V_OPTIONS, nl.attr(1, struct.pack('=H', 4789)))
for what, new, kind in () if STOCK else (     # which waits for the port, under a lock that it needs
        ('a VLAN device on an internal port', lambda: port('in4', INTERNAL), VLAN),
        ('a MAC-VLAN device on an internal port', lambda: port('in4', INTERNAL), MACVLAN),
        ('a VLAN device on a tunnel', lambda: port('in4', 4, extra=vxlan), VLAN)):
    if kind == MACVLAN and not HAS_MACVLAN:
        t.skip(what, 'the kernel has no macvlan')
        continue
    vp_request(nl.CMD_NEW, new())
    both = stands_on('in4', kind)
    vp_request(nl.CMD_DEL, nl.attr(V_NAME, text('in4')))
    t.equal((both, exists('in4'), exists('on0'), ports()), (True, False, False, {0: 'dp0', 1: 'p1', 2: 'p2'}),
            '%s: both are ports, and go together' % what)
if not STOCK:
    dp_request(nl.CMD_NEW, nl.attr(NAME, text('dp2')) + nl.attr(UPCALL_PID, 0))
    both = stands_on('dp2', VLAN)
    dp_request(nl.CMD_DEL, nl.attr(NAME, text('dp2')))
    t.equal((both, exists('dp2'), exists('on0'), ports()), (True, False, False, {0: 'dp0', 1: 'p1', 2: 'p2'}),
            'a VLAN device on a local port: the datapath goes, and the port of another with it')

# A datapath that dies with its namespace.
code = ('import sys; sys.path.insert(0, "selftests/lib"); import ovsnl as nl; '
        'd = nl.Datapath("dpn"); d.add_port("v0", 1); d.add_port("in3", 2, 2); '
        'd.add_flow([nl.attr(nl.IN_PORT, 1), nl.attr(nl.ETHERTYPE, b"\\x12\\x34"), '
        'nl.attr(nl.ETHERNET, bytes(12))], None, [nl.output(2)]); print(len(d.flows()))')
run('ip link add v0 netns ns1 type veth peer name v1')
t.equal(run(['ip', 'netns', 'exec', 'ns1', 'python3', '-c', code]).strip(), '1', 'a datapath in a namespace')
t.equal(len(dp_request(nl.CMD_GET, flags=DUMP)), 1, 'is not seen from another')
run('ip netns del ns1')
t.ok(wait_until(lambda: not exists('v1')), 'with the namespace its devices go')
t.equal(ports(), {0: 'dp0', 1: 'p1', 2: 'p2'}, 'the datapath here is as it was')
dp.flush()
bed.flow([nl.output(2)])
bed.wires[1].send(U)
t.equal(bed.recv(2), [U], 'and switches')

dp.delete()
t.ok(not exists('dp0') and exists('p1'), 'the datapath goes')
t.ok(unload_module(), 'the module unloads')
t.finish()
