#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real TCP through flows that rewrite addresses, ports and tags both ways, with the offloads
of the sender on and off: every byte arrives, in super-packets where there are any."""
import hashlib
import os
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, load_module, run, unload_module              # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from dpbed import (ALL, POP_VLAN, in_ns, k_eth, k_flags, k_ipv4, k_ipv6, k_ports, k_type,  # noqa: E402
                   k_u32, k_vlan, p_ipv4, p_ipv6, p_ports, push_vlan, recirc, set_masked)

SIZE = 3 << 20
DATA = os.urandom(1 << 16) * (SIZE >> 16)
WANT = hashlib.sha256(DATA).hexdigest()
MACS = {'a': nl.mac(1), 'b': nl.mac(2)}
V4 = {'a': '10.0.0.1', 'b': '10.0.0.2', 'vip': '10.0.0.9'}
V6 = {'a': 'fd00::1', 'b': 'fd00::2', 'vip': 'fd00::9'}


t = Ktap()
load_module()
dp = nl.Datapath()
for number, ns in ((1, 'a'), (2, 'b')):
    run('ip netns add %s' % ns)
    run('ip link add p%d type veth peer name eth0 netns %s' % (number, ns))
    run('ip -n %s link set eth0 address %s' % (ns, MACS[ns].hex(':')))
    run('ip netns exec %s sysctl -qw net.ipv6.conf.eth0.accept_dad=0' % ns)
    run('ip -n %s link set eth0 up; ip link set p%d up' % (ns, number))
    for a in (V4[ns] + '/24', V6[ns] + '/64 nodad'):
        run('ip -n %s addr add %s dev eth0' % (ns, a))
    dp.add_port('p%d' % number, number)
for table in (V4, V6):
    run('ip -n a neigh add %s lladdr %s dev eth0' % (table['vip'], nl.mac(9).hex(':')))
    run('ip -n b neigh add %s lladdr %s dev eth0' % (table['a'], MACS['a'].hex(':')))


def flows(v6):
    """From a to the VIP, port 80: to b, port 8080, with a tag on the way; and back."""
    k_ip, p_ip, attr, table = (k_ipv6, p_ipv6, nl.IPV6, V6) if v6 else \
        (k_ipv4, p_ipv4, nl.IPV4, V4)
    ones = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' if v6 else '255.255.255.255'

    def key(port, stage, ip, ports, tag=False):
        inner = k_ip(proto=6, **ip) + k_ports(nl.TCP, *ports) + k_flags(0)
        return [k_u32(nl.RECIRC_ID, stage), k_u32(nl.IN_PORT, port), k_eth(bytes(6), bytes(6)),
                k_vlan(0x8100, 0x1005, inner) if tag else inner]

    def mask(ip, ports, tag=False):
        inner = k_type(0xffff) + nl.attr(attr, p_ip(proto=255, **ip)) + k_ports(nl.TCP, *ports)
        return [k_u32(nl.RECIRC_ID, ALL), k_u32(nl.IN_PORT, ALL),
                k_vlan(0xffff, 0xffff, inner) if tag else inner]

    def set_ip(**value):
        return set_masked(attr, p_ip(**value), p_ip(**{k: ones for k in value}))

    dp.flush()
    dp.add_flow(key(1, 0, {'dst': table['vip']}, (0, 80)), mask({'dst': ones}, (0, 0xffff)),
                [set_ip(dst=table['b']), push_vlan(0x8100, 0x1005), recirc(1)])
    dp.add_flow(key(1, 1, {}, (0, 0), True), mask({}, (0, 0), True),
                [set_masked(nl.TCP, p_ports(0, 8080), p_ports(0, 0xffff)), POP_VLAN,
                 set_masked(nl.ETHERNET, bytes(6) + MACS['b'], bytes(6) + b'\xff' * 6),
                 nl.output(2)], b'1')
    dp.add_flow(key(2, 0, {'src': table['b']}, (8080, 0)), mask({'src': ones}, (0xffff, 0)),
                [set_ip(src=table['vip']), set_masked(nl.TCP, p_ports(80, 0), p_ports(0xffff, 0)),
                 set_masked(nl.ETHERNET, nl.mac(9) + bytes(6), b'\xff' * 6 + bytes(6)),
                 nl.output(1)], b'2')


def read_all(sock):
    digest, n = hashlib.sha256(), 0
    while n < SIZE:
        data = sock.recv(1 << 18)
        if not data:
            break
        digest.update(data)
        n += len(data)
    return digest.hexdigest()


def both_ways(v6):
    """Send DATA from a to b, then from b to a: the digests of what arrived."""
    family = socket.AF_INET6 if v6 else socket.AF_INET
    table, got = V6 if v6 else V4, []

    def serve(listener):
        conn = listener.accept()[0]
        conn.settimeout(30)
        got.append(read_all(conn))
        conn.sendall(DATA)
        conn.close()

    listener = in_ns('b', lambda: socket.socket(family))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((table['b'], 8080))
    listener.listen()
    listener.settimeout(30)
    server = threading.Thread(target=serve, args=(listener,), daemon=True)
    server.start()
    client = in_ns('a', lambda: socket.socket(family))
    client.settimeout(30)
    try:
        client.connect((table['vip'], 80))
        client.sendall(DATA)
        got.append(read_all(client))
    except OSError as err:
        got.append(err)
    client.close()
    server.join(30)
    listener.close()
    return got


def per_packet():
    """Mean length of the packets of the flows from a and from b."""
    means = []
    for f in dp.flows():
        if f.get(9) in (b'1', b'2') and 3 in f:
            packets, size = struct.unpack('=2Q', f[3])
            means.append(size // packets)
    return means


for what, options, big in (('offloads on', 'tx on tso on gso on', True),
                           ('segmentation off', 'tx on tso off gso off', False),
                           ('checksums and segmentation off', 'tx off', False)):
    for ns in 'ab':
        run('ip netns exec %s ethtool -K eth0 %s' % (ns, options))
    for v6 in (False, True):
        flows(v6)
        t.equal(both_ways(v6), [WANT, WANT], '%s, TCP over IPv%d: all arrives, both ways' %
                (what, 6 if v6 else 4))
        means = per_packet()
        t.ok(len(means) == 2 and (max(means) > 1600) == big,
             '%s: %s' % (what, 'super-packets' if big else 'packets of the MTU'), means)

# Nobody had to throw a packet away for its checksum.
for ns in 'ab':
    bad = [line for line in run('ip netns exec %s nstat -asz' % ns).splitlines()
           if 'Csum' in line or 'InErrs' in line or 'InHdrErrors' in line]
    t.ok(bad and not [line for line in bad if float(line.split()[1])],
         'no checksum error in ' + ns, *bad)
dp.delete()
run('ip netns del a; ip netns del b')
t.ok(unload_module(), 'the module unloads')
t.finish()
