#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# needs: vm
"""Packets that come with a sum over all of their bytes (CHECKSUM_COMPLETE), as many devices
give: whatever actions do to them, the sum must follow, or the host they go to says "hw csum
failure".  A GRE tunnel with checksums makes such packets.

	far: gf === gretap with checksums === gt, port 1 of the datapath
	host: an IP stack behind port 2
"""
import os
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, clear_kprobes, load_module, run, unload_module  # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import abibed as a                                                  # noqa: E402
import bpfbed                                                       # noqa: E402
import ctbed                                                        # noqa: E402
from dpbed import STOCK, in_ns, p_ipv4, p_ipv6, p_ports             # noqa: E402

TRACING = '/sys/kernel/tracing/'
NONE, UNNECESSARY, COMPLETE = range(3)


def trace(name, value):
    with open(TRACING + name, 'w') as f:
        f.write(value)


t = Ktap()
load_module()
dp = nl.Datapath()
for ns in ('far', 'host'):
    run('ip netns add %s; ip -n %s link set lo up' % (ns, ns))
run('ip link add u0 type veth peer name u1 netns far')
run('sysctl -qw net.ipv6.conf.default.disable_ipv6=1')
run('ethtool -K u0 tx off; ip netns exec far ethtool -K u1 tx off')
run('ip addr add 172.31.0.1/24 dev u0; ip link set u0 up')
run('ip -n far addr add 172.31.0.2/24 dev u1; ip -n far link set u1 up')
run('ip link add gt type gretap local 172.31.0.1 remote 172.31.0.2 csum')
run('ip -n far link add gf type gretap local 172.31.0.2 remote 172.31.0.1 csum')
run('ip link set gt up; ip -n far link set gf up')
run('ip link add p2 type veth peer name w2 netns host; ip link set p2 up')
run('ip netns exec host sysctl -qw net.ipv6.conf.w2.accept_dad=0')
run('ip -n host link set w2 address %s up' % nl.mac(2).hex(':'))
run('ip -n host addr add 10.0.0.2/24 dev w2; ip -n host addr add fd00::2/64 dev w2 nodad')
dp.add_port('gt', 1)
dp.add_port('p2', 2)
wire = in_ns('far', lambda: nl.Wire('gf'))
sock = in_ns('host', lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
sock.bind(('::', 2000))
trace('kprobe_events', 'p:csum_fault netdev_rx_csum_fault')
trace('events/kprobes/csum_fault/enable', '1')
trace('events/net/netif_rx_entry/filter', 'name == "w2"')
trace('events/net/netif_rx_entry/enable', '1')

ONES4, ONES6 = '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'


def masked(kind, pack, **fields):
    """set_masked of some fields of an IP header, under masks of ones."""
    ones = {k: (ONES6 if kind == nl.IPV6 else ONES4) if isinstance(v, str) else
            0xfffff if k == 'label' else 0xff for k, v in fields.items()}
    return a.set_masked(kind, pack(**fields), pack(**ones))


def ip4(**fields):
    return masked(nl.IPV4, p_ipv4, **fields)


def ip6(**fields):
    return masked(nl.IPV6, p_ipv6, **fields)


def ports(**kw):
    return a.set_masked(nl.UDP, p_ports(kw.get('src', 0), kw.get('dst', 0)),
                        p_ports(0xffff if 'src' in kw else 0, 0xffff if 'dst' in kw else 0))


def arrives(what, km, stages, frame, payload, sums=COMPLETE):
    """The frame goes through a list of actions for each stage, and must be taken by the
    host, who finds nothing wrong with its sum."""
    dp.flush()
    for number, (match, actions) in enumerate(zip([km] + stages[1::2], stages[::2])):
        more = [nl.attr(nl.RECIRC, number + 1)] if number < len(stages) // 2 else [nl.output(2)]
        dp.add_flow(*match, actions + more)
    trace('trace', '')
    wire.send(frame)
    sock.settimeout(3)
    try:
        got = sock.recv(2000)
    except (socket.timeout, TimeoutError):
        got = None
    with open(TRACING + 'trace') as f:
        log = f.read()
    seen = [int(line.split('ip_summed=')[1].split()[0]) for line in log.splitlines()
            if 'ip_summed=' in line]
    t.equal((got, 'csum_fault' in log, seen[:1]), (payload, False, [sums]), what)


PAY = b'eleven byte'
v4 = nl.udp4('10.0.0.1', '10.0.0.2', 1000, 2000, payload=PAY)
other4 = nl.udp4('10.9.9.1', '10.9.9.2', 1001, 2001, payload=PAY)
v6 = ctbed.udp6('fd00::1', 'fd00::2', 1000, 2000, payload=PAY)
other6 = ctbed.udp6('fd00::91', 'fd00::92', 1001, 2001, payload=PAY)
K4, K6 = a.flow(), a.flow(0x86dd)
tagged = a.flow(tag=5)
BASE, MD1 = 1, 2
nsh_base = struct.pack('!BBBBI', 0, 63, 1, 3, 0x1234fe)
push_nsh = nl.nest(a.PUSH_NSH, nl.nest(a.NSH, nl.attr(BASE, nsh_base), nl.attr(MD1, bytes(range(16)))))
pop_nsh = nl.attr(a.POP_NSH, b'')
nsh_inner = [(nl.nest(a.NSH, nl.attr(BASE, nsh_base), nl.attr(MD1, bytes(16))),
              nl.nest(a.NSH, nl.attr(BASE, struct.pack('!BBBBI', 0, 0, 255, 255, 0)),
                      nl.attr(MD1, bytes(16))))]
LSE = 0x00064140
mac2 = a.set_masked(nl.ETHERNET, nl.mac(1) + nl.mac(2))

arrives('output', K4, [[]], v4, PAY)
arrives('output, IPv6', K6, [[]], v6, PAY)
arrives('set Ethernet', K4, [[mac2]], nl.mac(7) + nl.mac(8) + v4[12:], PAY)
arrives('set IPv4 addresses', K4, [[ip4(src='10.0.0.1', dst='10.0.0.2'), ports(dst=2000)]],
        other4, PAY)
arrives('set TOS and TTL', K4, [[ip4(tos=0xb8, ttl=9)]], v4, PAY)
arrives('set UDP ports', K4, [[ports(src=77)]], v4, PAY)
arrives('dec_ttl', K4, [[a.dec_ttl()]], v4, PAY)
arrives('set IPv6 addresses', K6, [[ip6(src='fd00::1', dst='fd00::2'), ports(dst=2000)]],
        other6, PAY)
arrives('set traffic class, label, hop limit', K6, [[ip6(tclass=0xb8, label=0x12345, hlim=9)]],
        v6, PAY)
arrives('dec_ttl, IPv6', K6, [[a.dec_ttl()]], v6, PAY)
arrives('push_vlan twice, pop_vlan twice', K4,
        [[a.push_vlan(5), a.push_vlan(6, 0x88a8), a.pop_vlan(), a.pop_vlan()]], v4, PAY)
tag, ones = nl.attr(nl.ETHERTYPE, b'\x81\0'), nl.attr(nl.ETHERTYPE, b'\xff\xff')
key, mask = a.flow(recirc=1)
two_tags = (key[:3] + [tag, nl.attr(nl.VLAN, b'\x10\6'), nl.nest(
                nl.ENCAP, tag, nl.attr(nl.VLAN, b'\x10\5'), nl.nest(nl.ENCAP, *key[3:]))],
            mask[:2] + [ones, nl.attr(nl.VLAN, b'\xff\xff'), nl.nest(
                nl.ENCAP, ones, nl.attr(nl.VLAN, b'\xff\xff'), nl.nest(nl.ENCAP, *mask[2:]))])
arrives('push_vlan twice, recirculation, pop_vlan twice', K4,
        [[a.push_vlan(5), a.push_vlan(6)], two_tags, [a.pop_vlan(), a.pop_vlan()]], v4, PAY)
arrives('pop_vlan of a tag that came', tagged, [[a.pop_vlan()]], a.vlan_frame(v4, 5), PAY)
arrives('pop_vlan, set IPv4 addresses', tagged,
        [[a.pop_vlan(), ip4(src='10.0.0.1', dst='10.0.0.2'), ports(dst=2000)]],
        a.vlan_frame(other4, 5), PAY)
arrives('push_mpls, pop_mpls', K4, [[a.push_mpls(LSE), a.pop_mpls(0x800)]], v4, PAY)
arrives('push_mpls, set(mpls), push_mpls, pop_mpls twice', K4,
        [[a.push_mpls(LSE), a.set_masked(a.MPLS, struct.pack('!I', 0x000c8180)),
          a.push_mpls(0x000c8080), a.pop_mpls(0x8847), a.pop_mpls(0x800)]], v4, PAY)
mpls_km = a.flow(0x8847, extra=[(nl.attr(a.MPLS, bytes(4)), nl.attr(a.MPLS, bytes(4)))])
arrives('pop_mpls of a label that came, recirculation, set', mpls_km,
        [[a.pop_mpls(0x800)], a.flow(recirc=1),
         [ip4(src='10.0.0.1', dst='10.0.0.2'), ports(dst=2000)]],
        other4[:12] + b'\x88\x47' + struct.pack('!I', LSE) + other4[14:], PAY)
arrives('pop_eth, push_eth', K4, [[a.pop_eth(), a.push_eth(nl.mac(2), nl.mac(1))]], v4, PAY)
arrives('pop_eth, set IPv4 addresses, push_eth', K4,
        [[a.pop_eth(), ip4(src='10.0.0.1', dst='10.0.0.2'), ports(dst=2000),
          a.push_eth(nl.mac(2), nl.mac(1))]], other4, PAY)
arrives('push_nsh, recirculation, pop_nsh', K4,
        [[push_nsh], a.flow(0x894f, eth=False, extra=nsh_inner, recirc=1), [pop_nsh]], v4, PAY)
arrives('push_nsh, push_eth, recirculation, pop_eth, pop_nsh', K4,
        [[push_nsh, a.push_eth()], a.flow(0x894f, extra=nsh_inner, recirc=1),
         [a.pop_eth(), pop_nsh]], v4, PAY)
arrives('pop_nsh of a header that came', a.flow(0x894f, extra=nsh_inner),
        [[a.pop_eth(), pop_nsh]],
        nl.mac(6) + nl.mac(5) + b'\x89\x4f' +
        struct.pack('!HBBI', 63 << 6 | 6, 1, 3, 0x1234fe) + bytes(range(16)) + v4, PAY)
# Conntrack looks itself, and says what it found.
arrives('ct', K4, [[ctbed.ct(ctbed.zone(1))], a.flow(recirc=1), []], v4, PAY, UNNECESSARY)
arrives('ct with NAT', K4,
        [[ctbed.ct(ctbed.flag(ctbed.COMMIT), ctbed.zone(2),
                   ctbed.nat(ctbed.flag(ctbed.DST), ctbed.addr(ctbed.IP_MIN, '10.0.0.2'),
                             ctbed.u16(ctbed.PROTO_MIN, 2000)))]], other4, PAY,
        UNNECESSARY)
if not STOCK:       # which does not take what it cuts off out of the sum
    arrives('trunc of what is behind the datagram', K4, [[nl.attr(nl.TRUNC, len(v4))]],
            v4 + b'behind the datagram', PAY)
    # What a program writes without telling, the sum can't follow: nobody may trust it then.
    alpha = bpfbed.load('alpha')
    odd = nl.udp4('10.0.0.1', '10.0.0.2', 1001, 2000, payload=PAY)
    for mode in (nl.PROGRAM, nl.ALWAYS):
        program = nl.bpf_action(alpha, mode, arg=bpfbed.BYTE, param=11 << 8 | 77, recirc=1)
        arrives('a program writes a byte, ' + ('and is not rechecked' if mode == nl.PROGRAM else
                                               'and is looked up again'),
                K4, [[program], a.flow(recirc=1), []] if mode == nl.ALWAYS else [[program]],
                odd, PAY, NONE)
    bpfbed.unload('alpha')
    os.close(alpha)

# A sum that is wrong is noticed: what arrives here is not, and that is seen.
trace('events/net/netif_rx_entry/enable', '0')
trace('events/net/netif_rx_entry/filter', '0')
trace('events/kprobes/csum_fault/enable', '0')
clear_kprobes()
fault = subprocess.run(['dmesg'], stdout=subprocess.PIPE, text=True).stdout
t.ok('hw csum failure' not in fault, 'no "hw csum failure" in the log')
dp.delete()
run('ip link del gt; ip netns del far; ip netns del host')
t.ok(unload_module(), 'the module unloads')
t.finish()
