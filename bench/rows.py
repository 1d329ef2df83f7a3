# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the bench.

A row is a function of a Bed that sets something up, sends, and returns how many packets
(or flows) and how many instructions; @row names it and the modules that it is for.  What
comes in series is a loop at the end of its section.
"""
import os
import struct

from bed import (DST, ETH_SRC_LOW, HERE, IP_DST, PINS, SRC, UDP_SRC, frame, insns, json_of,
                 nl, pin, redirect, run, trivial, wait_uptime, wait_until)
from dpbed import ALL, k_eth, k_ports, p_ipv4, recirc, set_action, set_masked

BOTH, THIS, NONE = ('stock', 'this'), ('this',), ('none',)
ROWS = []       # (name, unit, modules, function, arguments)


def add(name, fn, *args, modules=BOTH, unit='packet'):
    ROWS.append((name, unit, modules, fn, args))


def row(name, modules=BOTH, unit='packet'):
    def enter(fn):
        add(name, fn, modules=modules, unit=unit)
        return fn
    return enter


# Ways to get a packet from one device to another.

@row('base/veth', NONE)
def veth(b):
    return b.send(sink='p1')


@row('base/bridge', NONE)
def bridge(b):
    b.ip('link add br0 type bridge', 'link set br0 up', 'link set p1 master br0',
         'link set p2 master br0')
    b.undo.callback(b.ip, 'link del br0')
    run('bridge fdb add 02:00:00:00:00:02 dev p2 master static')
    return b.send()


@row('base/tc-redirect', NONE)
def tc_redirect(b):
    b.tc('p1', pin(redirect(b.ifindex('p2')), 'redirect'))
    return b.send()


# The datapath.

@row('switch/output')
def output(b):
    b.flow(nl.output(2))
    return b.send()


MAC = set_masked(nl.ETHERNET, bytes(6) + nl.mac(9), bytes(6) + b'\xff' * 6)
IP = set_masked(nl.IPV4, p_ipv4(dst='10.0.0.77'), p_ipv4(dst='255.255.255.255'))


@row('switch/set-mac')
def set_mac(b):
    b.flow(MAC, nl.output(2))
    return b.send()


@row('switch/set-mac-ip')
def set_mac_ip(b):
    b.flow(MAC, IP, nl.output(2))
    return b.send()


@row('switch/ct-recirc')
def ct_recirc(b):
    b.flow(nl.nest(12, nl.attr(1, b'')), recirc(1))     # commit
    b.flow(nl.output(2), recirc_id=1)
    b.send(packets=64)
    b.flow(nl.nest(12), recirc(1), put=True)
    return b.send()


def recircs(b, n):
    for i in range(n):
        b.flow(recirc(i + 1), recirc_id=i)
    b.flow(nl.output(2), recirc_id=n)
    return b.send()


for n in (1, 2, 5, 10):
    add('recirc/%d' % n, recircs, n)


def flow_tables(b, masks, flows):
    b.masked_flows(masks, max(masks, flows))
    return b.send([(IP_DST, flows)], packets=max(6400, 2 * flows))


for m in (1, 10, 50):
    for f in (1, 64, 1024, 65536):
        add('flows/%d-masks-%d' % (m, f), flow_tables, m, f)
add('flows/64-masks-65536', flow_tables, 64, 65536)


# Programs.

USED = [k_ports(nl.UDP, 0xffff, 0xffff), nl.attr(nl.IPV4, p_ipv4(SRC, DST, 255))]
MODES = {'program': nl.PROGRAM, 'always': nl.ALWAYS, 'changed': nl.CHANGED}


def filters(b, n, others=()):
    """A chain of filters, each in the case of the one before; cases of smaller values are
    searched first."""
    fd = trivial(nl.LWT_OUT, 1 + len(others))
    acts = nl.output(2)
    for _ in range(n):
        acts = nl.bpf_action(fd, cases={1 + len(others): [acts],
                                        **{v: [nl.output(2)] for v in others}})
    b.flow(acts)
    return b.send()


def filters_flat(b, n):
    """A chain of filters that drop what they don't match: a list, and no tree."""
    fd = trivial(nl.LWT_OUT, 1)
    b.flow(*[nl.bpf_action(fd, cases={0: [nl.attr(24, 0)]}, default=[]) for _ in range(n)],
           nl.output(2))
    return b.send()


def actions(b, n, mode):
    """A chain of action programs; those that always recirculate have a flow each."""
    fd = trivial(nl.SCHED_CLS, 0)
    if mode == 'always':
        for i in range(n):
            b.flow(nl.bpf_action(fd, nl.ALWAYS, recirc=i + 1), recirc_id=i)
        b.flow(nl.output(2), recirc_id=n)
    else:
        kw = {'recirc': 9, 'used': USED} if mode == 'changed' else {}
        b.flow(*[nl.bpf_action(fd, MODES[mode], **kw) for _ in range(n)], nl.output(2))
    return b.send()


for n in range(1, 11):
    add('filters/%d' % n, filters, n, modules=THIS)
for n in (1, 10):
    add('filters-flat/%d' % n, filters_flat, n, modules=THIS)
    add('filters-fourth/%d' % n, filters, n, (1, 2, 3), modules=THIS)
for mode in MODES:
    for n in range(1, 11):
        add('actions-%s/%d' % (mode, n), actions, n, mode, modules=THIS)


@row('program/set-mac', THIS)
def program_set_mac(b):
    """What switch/set-mac does, in a program."""
    low, high = struct.unpack('<IH', nl.mac(9))
    fd = nl.bpf_prog_load(nl.SCHED_CLS, insns([
        (0xb7, 0, 0, 0, 0),             # r0 = TC_ACT_OK
        (0x61, 2, 1, 76, 0),            # r2 = data
        (0x61, 3, 1, 80, 0),            # r3 = data_end
        (0xbf, 4, 2, 0, 0), (0x07, 4, 0, 0, 14),
        (0x2d, 4, 3, 2, 0),             # too short: out
        (0x62, 2, 0, 0, low), (0x6a, 2, 0, 4, high),
        (0x95, 0, 0, 0, 0)]))
    b.flow(nl.bpf_action(fd, nl.PROGRAM), nl.output(2))
    return b.send()


# A load balancer, in several places.

VIP = '10.0.0.100'
BACKEND = nl.ip4('10.0.0.11') + nl.mac(11)
CONNS = 64


def lb_load(b, path, name):
    fd = b.load(path, name)
    b.map_set(name, 'vips', nl.ip4(VIP) + struct.pack('!HBx', 80, 17), nl.mac(100) + bytes(2))
    b.map_set(name, 'backends', bytes(4), BACKEND + bytes(2))     # all slots are its
    return fd


def lb_send(b, conns=CONNS, **kw):
    return b.send([(UDP_SRC, conns)], data=frame(VIP, checksum=False, **kw))


LB = HERE + '/../bpf-progs/lb/lb.bpf.o'


@row('lb/switch', THIS)
def lb_switch(b, conns=CONNS):
    b.flow(nl.bpf_action(lb_load(b, LB, 'lb'), nl.PROGRAM), nl.output(2))
    return lb_send(b, conns)


# So many that none has two packets in a short time.
add('lb/switch-many', lb_switch, 16384, modules=THIS)


@row('lb/switch-changed', THIS)
def lb_changed(b):
    """The rest depends on fields that the balancer leaves alone."""
    b.flow(nl.bpf_action(lb_load(b, LB, 'lb'), nl.CHANGED, recirc=1,
                         used=[k_ports(nl.UDP, 0xffff, 0xffff)]), nl.output(2))
    return lb_send(b)


@row('lb/switch-recirculates', THIS)
def lb_recirculates(b):
    b.flow(nl.bpf_action(lb_load(b, LB, 'lb'), nl.ALWAYS, recirc=1), recirc_id=0)
    b.flow(nl.output(2), recirc_id=1)
    return lb_send(b)


@row('lb/tc', NONE)
def lb_tc(b):
    lb_load(b, HERE + '/lb_tc.bpf.o', 'lb_tc')
    b.map_set('lb_tc', 'target', bytes(4), struct.pack('=I', b.ifindex('p2')))
    b.tc('p1', PINS + '/lb_tc/lb_tc')
    return lb_send(b)


@row('lb/ipvs', NONE)
def lb_ipvs(b):
    """Direct routing: the balancer changes no address but the MAC's."""
    run('modprobe -a ip_vs ip_vs_rr; sysctl -qw net.ipv4.ip_forward=1 '
        'net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.p1.rp_filter=0')
    b.ip('addr add 10.0.0.254/24 dev p1', 'addr add %s/32 dev p1' % VIP,
         'addr add 10.1.0.254/24 dev p2',
         'neigh add 10.1.0.11 lladdr 02:00:00:00:00:0b dev p2')
    run('ipvsadm -A -u %s:80 -s rr; ipvsadm -a -u %s:80 -r 10.1.0.11:80 -m' % (VIP, VIP))
    b.undo.callback(run, 'ipvsadm -C; sysctl -qw net.ipv4.ip_forward=0; rmmod ip_vs_rr ip_vs')
    with open('/sys/class/net/p1/address') as f:
        mac = bytes.fromhex(f.read().strip().replace(':', ''))
    return lb_send(b, dst_mac=mac)


def lb_tap(b, batch):
    b.switch((1, 2))
    p = b.spawn(HERE + '/taplb', 'tap0', str(batch))
    assert wait_until(lambda: os.path.exists('/sys/class/net/tap0') or p.poll() is not None)
    b.ip('link set tap0 up')
    b.dp.add_port('tap0', 4)
    b.flow(nl.output(4))
    b.flow(nl.output(2), port=4)
    return lb_send(b)


add('lb/process-batch-64', lb_tap, 64)
add('lb/process-batch-1', lb_tap, 1)


@row('lb/namespace')
def lb_namespace(b):
    """In and out by one veth pair, whose other end runs the program on tc."""
    lb_load(b, HERE + '/lb_tc.bpf.o', 'lb_tc')
    b.ip('netns add lb', 'link set w3 netns lb')
    b.undo.callback(run, 'ip netns del lb')
    b.undo.callback(b.ip, 'link set w3 netns 1', netns='lb')
    b.map_set('lb_tc', 'target', bytes(4), struct.pack('=I', b.ifindex_in('lb', 'w3')))
    b.tc('w3', PINS + '/lb_tc/lb_tc', 'lb')
    b.ip('link set w3 up', netns='lb')
    b.flow(nl.output(3))
    b.flow(nl.output(2), port=3)
    return lb_send(b)


# The slow path: each packet has a source MAC of its own, which the megaflow matches.

UPCALLS = 1920


def upcall_send(b):
    b.send(packets=64)
    return b.send([(ETH_SRC_LOW, 1 << 30)], packets=UPCALLS, warm_up=False)


@row('upcall/ovs-bpfd', THIS)
def upcall_bpfd(b):
    d = HERE + '/../userspace/'
    b.spawn(d + 'ovs-bpfd', '--dp', 'sw0', '--idle-timeout', '60000')
    ctl = d + 'ovs-bpfctl '
    assert wait_until(lambda: os.system(ctl + 'rule dump >/dev/null 2>&1') == 0, 30)
    b.undo.callback(run, ctl + 'dp del')
    run(ctl + 'port add p1 1; ' + ctl + 'port add p2 2')
    with open('/run/rules', 'w') as f:
        f.write('priority=10,dl_src=06:00:00:00:00:00,actions=drop\n'
                'priority=1,in_port=1,actions=output:2\n')
    run(ctl + 'rule load /run/rules')
    return upcall_send(b)


@row('upcall/ovs-vswitchd')
def upcall_vswitchd(b):
    d = '/run/openvswitch'
    wait_uptime(12)     # started before, it counts no processors
    run('mkdir -p %s /etc/openvswitch; rm -f %s/*; '
        'ovsdb-tool create %s/conf.db /usr/share/openvswitch/vswitch.ovsschema' % (d, d, d))
    b.spawn('ovsdb-server', d + '/conf.db', '--remote=punix:%s/db.sock' % d,
            '--pidfile=%s/ovsdb-server.pid' % d, '--log-file=/dev/null')
    assert wait_until(lambda: os.path.exists(d + '/db.sock'), 30)
    run('ovs-vsctl --no-wait init')
    b.spawn('ovs-vswitchd', 'unix:%s/db.sock' % d, '--pidfile=%s/ovs-vswitchd.pid' % d,
            '--log-file=/dev/null')
    run('ovs-vsctl add-br br0 -- add-port br0 p1 -- set interface p1 ofport_request=1 '
        '-- add-port br0 p2 -- set interface p2 ofport_request=2')
    b.undo.callback(run, 'ovs-vsctl del-br br0')
    run('ovs-ofctl del-flows br0; '
        'ovs-ofctl add-flow br0 priority=10,dl_src=06:00:00:00:00:00,actions=drop; '
        'ovs-ofctl add-flow br0 priority=1,in_port=1,actions=output:2')
    return upcall_send(b)


# Flows by netlink.

@row('netlink/install', unit='flow')
def install(b):
    b.profile_flows = True
    return b.masked_flows(10, 10000)


@row('netlink/dump', unit='flow')
def dump(b):
    b.masked_flows(10, 10000)
    return b.dump_flows()


def table_size(b, flows, what):
    """One flow is looked up, or 1,000 more are installed, among so many."""
    b.masked_flows(1, flows)
    if what == 'lookup':
        return b.send([(IP_DST, min(flows, 4096))], packets=8192)
    return b.masked_flows(1, 1000)


for f in (10, 1000, 90000, 100000, 131000, 1000000):
    add('scale/lookup-%d' % f, table_size, f, 'lookup')
    add('scale/install-%d' % f, table_size, f, 'install', unit='flow')


@row('tcp/iperf3', unit='kB')
def iperf3(b):
    """Large TCP with offloads, both directions of the connection."""
    b.switch((1, 2))
    for port, to in ((1, 2), (2, 1)):
        key = [nl.attr(nl.RECIRC_ID, 0), nl.attr(nl.IN_PORT, port), k_eth(bytes(6), bytes(6))]
        b.dp.add_flow(key, [nl.attr(nl.IN_PORT, ALL)], [nl.output(to)])
    for i in (1, 2):
        b.ip('netns add h%d' % i, 'link set w%d netns h%d' % (i, i))
        b.ip('link set w%d up' % i, 'addr add 10.9.0.%d/24 dev w%d' % (i, i), netns='h%d' % i)
        b.undo.callback(run, 'ip netns del h%d' % i)
        b.undo.callback(b.ip, 'link set w%d netns 1' % i, netns='h%d' % i)
    b.spawn('ip', 'netns', 'exec', 'h2', 'iperf3', '-s', '-1')
    assert wait_until(lambda: '5201' in run('ip netns exec h2 ss -ltn'), 30)
    out = json_of('ip netns exec h1 iperf3 -c 10.9.0.2 -t 3 -J')['end']['sum_received']
    # One instruction a nanosecond, and no idling while a connection is greedy.
    return int(out['bytes'] / 1000), int(out['seconds'] * 1e9)

