#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The key that the datapath extracts from each kind of packet.

Each frame goes in twice: from a wire, where the stack takes an outer VLAN tag off first,
and as an executed packet that recirculates, where it is inline.  The whole key in the miss
upcall is compared, and the packet in it.
"""
import errno
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap                                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import (STOCK, Bed, VnetWire, difference, expected, k_eth, k_flags, k_ipv4, k_ipv6, k_ports,  # noqa: E402
                   k_type, k_u32, k_vlan, key_dict, recirc, refusal)

A4, B4, A6, B6 = f.A4, f.B4, f.A6, f.B6
FIRST, LATER = 1, 2
NONE, AH, DEST, FRAG, ROUTER, HOP, UNREP, UNSEQ = 1, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100
E = k_eth()


def v4(proto, **kw):
    return E + k_ipv4(A4, B4, proto, ttl=64, **kw)


def v6(proto, **kw):
    return E + k_ipv6(A6, B6, proto, hlim=64, **kw)


def k_tcp(sport, dport, flags):
    return k_ports(nl.TCP, sport, dport) + k_flags(flags)


def k_icmp(kind, code):
    return nl.attr(nl.ICMP, bytes((kind, code)))


def k_icmpv6(kind, code):
    return nl.attr(nl.ICMPV6, bytes((kind, code)))


def k_nd(target='::', sll=bytes(6), tll=bytes(6)):
    return nl.attr(nl.ND, f.addr(target) + sll + tll)


def k_arp(op, sip=A4, tip=B4, sha=nl.mac(1), tha=bytes(6)):
    return nl.attr(nl.ARP, nl.ip4(sip) + nl.ip4(tip) + struct.pack('!H', op) + sha + tha + b'\0\0')


T = '2001:db8::99'
SLL, TLL = f.lladdr(1, nl.mac(7)), f.lladdr(2, nl.mac(8))
UDP4, UDP6 = f.ipv4(f.udp()), f.ipv6(f.udp())
K_UDP4 = k_ipv4(A4, B4, 17, ttl=64) + k_ports(nl.UDP, 1000, 53)
K_UDP = k_ports(nl.UDP, 1000, 53)
NO_ADDR4, NO_ADDR6 = k_ipv4(), k_ipv6()

LINK = [
    ('an unknown Ethernet type', f.eth(0x1234, b'x' * 50), E + k_type(0x1234)),
    ('the smallest Ethernet type', f.eth(0x600, b'x' * 50), E + k_type(0x600)),
    ('Ethernet and nothing else', f.eth(0x1234, b''), E + k_type(0x1234)),
    ('addresses', f.eth(0x1234, b'x', src=b'\xff' * 6, dst=bytes(range(6))),
     k_eth(b'\xff' * 6, bytes(range(6))) + k_type(0x1234)),
    ('802.2 LLC', f.eth(46, b'\x42\x42\3' + b'x' * 43), E),
    ('802.3 with a length of 0x5ff', f.eth(0x5ff, b'\x42\x42\3' + b'x' * 43), E),
    ('802.2, too short for SNAP', f.eth(4, b'\xaa\xaa\3\0'), E),
    ('SNAP', f.eth(58, b'\xaa\xaa\3\0\0\0\x08\0' + f.ip4(f.udp())), E + K_UDP4),
    ('SNAP of another organization', f.eth(58, b'\xaa\xaa\3\0\0\xf8\x08\0' + f.ip4(f.udp())), E),
    ('SNAP with a type below 0x600', f.eth(58, b'\xaa\xaa\3\0\0\0\x05\xff' + b'x' * 40), E),
    ('SNAP with another control byte', f.eth(58, b'\xaa\xaa\4\0\0\0\x08\0' + f.ip4(f.udp())),
     E + K_UDP4),
    ('a VLAN tag', f.vlan(0x8100, 0x2abc & 0xefff, UDP4), E + k_vlan(0x8100, 0x3abc, K_UDP4)),
    ('an 802.1ad tag', f.vlan(0x88a8, 7, UDP4), E + k_vlan(0x88a8, 0x1007, K_UDP4)),
    ('a priority tag: VLAN 0', f.vlan(0x8100, 0xe000, UDP4), E + k_vlan(0x8100, 0xf000, K_UDP4)),
    ('two tags', f.vlan(0x88a8, 7, f.vlan(0x8100, 8, UDP4)),
     E + k_vlan(0x88a8, 0x1007, k_vlan(0x8100, 0x1008, K_UDP4))),
    ('two tags of one type', f.vlan(0x8100, 7, f.vlan(0x8100, 8, UDP6)),
     E + k_vlan(0x8100, 0x1007, k_vlan(0x8100, 0x1008, k_ipv6(A6, B6, 17, hlim=64) + K_UDP))),
    ('three tags: the third is a type',
     f.vlan(0x8100, 7, f.vlan(0x8100, 8, f.vlan(0x8100, 9, UDP4))),
     E + k_vlan(0x8100, 0x1007, k_vlan(0x8100, 0x1008, k_type(0x8100)))),
    ('a tag around an unknown type', f.vlan(0x8100, 7, f.eth(0x1234, b'x' * 40)),
     E + k_vlan(0x8100, 0x1007, k_type(0x1234))),
    ('a tag around 802.2', f.vlan(0x8100, 7, f.eth(46, b'\x42\x42\3' + b'x' * 43)),
     E + k_vlan(0x8100, 0x1007)),
]

ARP = [
    ('an ARP request', f.arp(), E + k_type(0x806) + k_arp(1)),
    ('an ARP reply', f.arp(2, tha=nl.mac(2)), E + k_type(0x806) + k_arp(2, tha=nl.mac(2))),
    ('a RARP request', f.arp(3, kind=0x8035), E + k_type(0x8035) + k_arp(3)),
    ('ARP opcode 255', f.arp(255), E + k_type(0x806) + k_arp(255)),
    ('ARP opcode 256', f.arp(256), E + k_type(0x806) + k_arp(0)),
    ('ARP opcode 0x101', f.arp(0x101), E + k_type(0x806) + k_arp(0)),
    ('ARP of other hardware', f.arp(hw=6), E + k_type(0x806) + k_arp(0, '0.0.0.0', '0.0.0.0',
                                                                    bytes(6))),
    ('ARP cut short', f.arp()[:41], E + k_type(0x806) + k_arp(0, '0.0.0.0', '0.0.0.0', bytes(6))),
]

IPV4 = [
    ('UDP', UDP4, v4(17) + K_UDP),
    ('UDP without a checksum', f.ipv4(f.udp(checksum=False)), v4(17) + K_UDP),
    ('ToS, TTL', f.ipv4(f.udp(), tos=0xab, ttl=1),
     E + k_ipv4(A4, B4, 17, tos=0xab, ttl=1) + K_UDP),
    ('IPv4 options', f.ipv4(f.udp(), options=b'\x94\4\0\0' + b'\1' * 36), v4(17) + K_UDP),
    ('TCP', f.ipv4(f.tcp()), v4(6) + k_tcp(1000, 80, 2)),
    ('TCP with options', f.ipv4(f.tcp(doff=6, options=b'\2\4\5\xb4')), v4(6) + k_tcp(1000, 80, 2)),
    ('all TCP flags', f.ipv4(f.tcp(flags=0xfff)), v4(6) + k_tcp(1000, 80, 0xfff)),
    ('no TCP flag', f.ipv4(f.tcp(flags=0)), v4(6) + k_tcp(1000, 80, 0)),
    ('SCTP', f.ipv4(f.sctp()), v4(132) + k_ports(nl.SCTP, 1000, 9)),
    ('ICMP', f.ipv4(f.icmp()), v4(1) + k_icmp(8, 0)),
    ('ICMP port unreachable', f.ipv4(f.icmp(3, 3)), v4(1) + k_icmp(3, 3)),
    ('another protocol', f.ipv4(f.raw(89, b'ospf' * 5)), v4(89)),
    ('protocol 0', f.ipv4(f.raw(0, b'hopopt')), v4(0)),
    ('ICMPv6 in IPv4', f.ipv4(f.raw(58, bytes(24))), v4(58)),
    ('a first fragment', f.ipv4(f.udp(payload=b'x' * 16), frag=0x2000),
     v4(17, frag=FIRST) + K_UDP),
    ('a later fragment', f.ipv4(f.raw(17, b'x' * 16), frag=0x2005), v4(17, frag=LATER)),
    ('the last fragment', f.ipv4(f.raw(6, b'x' * 24), frag=0x0005), v4(6, frag=LATER)),
    ('do not fragment', f.ipv4(f.udp(), frag=0x4000), v4(17) + K_UDP),
    ('a first fragment without its whole UDP header', f.ipv4(f.raw(17, b'x' * 7), frag=0x2000),
     v4(17, frag=FIRST) + k_ports(nl.UDP, 0, 0)),
    ('IPv4 cut short', UDP4[:33], E + NO_ADDR4),
    ('IPv4 missing', UDP4[:14], E + NO_ADDR4),
    ('an IPv4 header length of 4 words', f.ipv4(f.udp(), ihl=4), E + NO_ADDR4),
    ('an IPv4 header longer than the packet', f.ipv4(f.raw(17, b''), ihl=15), E + NO_ADDR4),
    ('UDP cut short', f.ipv4(f.raw(17, bytes(7))), v4(17) + k_ports(nl.UDP, 0, 0)),
    ('TCP cut short', f.ipv4(f.raw(6, b'x' * 19)), v4(6) + k_tcp(0, 0, 0)),
    ('a TCP header length of 4 words', f.ipv4(f.tcp(doff=4)), v4(6) + k_tcp(0, 0, 0)),
    ('a TCP header longer than the packet', f.ipv4(f.tcp(doff=6)), v4(6) + k_tcp(0, 0, 0)),
    ('SCTP cut short', f.ipv4(f.raw(132, b'x' * 11)), v4(132) + k_ports(nl.SCTP, 0, 0)),
    ('ICMP cut short', f.ipv4(f.raw(1, b'x' * 7)), v4(1) + k_icmp(0, 0)),
    ('trailing padding', UDP4 + bytes(10), v4(17) + K_UDP),
]

IPV6 = [
    ('UDP', UDP6, v6(17) + K_UDP),
    ('traffic class, label, hop limit', f.ipv6(f.udp(), tclass=0xab, label=0xfedcb, hlim=1),
     E + k_ipv6(A6, B6, 17, tclass=0xab, label=0xfedcb, hlim=1) + K_UDP),
    ('TCP', f.ipv6(f.tcp(flags=0x12)), v6(6) + k_tcp(1000, 80, 0x12)),
    ('SCTP', f.ipv6(f.sctp()), v6(132) + k_ports(nl.SCTP, 1000, 9)),
    ('ICMPv6', f.ipv6(f.icmpv6()), v6(58) + k_icmpv6(128, 0)),
    ('ICMPv6 packet too big', f.ipv6(f.icmpv6(2, 5)), v6(58) + k_icmpv6(2, 5)),
    ('ICMP in IPv6', f.ipv6(f.raw(1, bytes(24))), v6(1)),
    ('another protocol', f.ipv6(f.raw(89, b'ospf' * 5)), v6(89)),
    ('no next header', f.ipv6(f.raw(59, b'')), v6(59, ext=NONE)),
    ('hop-by-hop and destination options', f.ipv6(f.udp(), ext=[f.HOPOPTS, f.DSTOPTS]),
     v6(17, ext=HOP | DEST) + K_UDP),
    ('a routing header', f.ipv6(f.udp(), ext=[f.routing(1, A6)]),
     v6(17, ext=ROUTER) + K_UDP),
    ('an authentication header', f.ipv6(f.udp(), ext=[f.AUTH]), v6(17, ext=AH) + K_UDP),
    ('ESP', f.ipv6(f.raw(50, bytes(24))), v6(50)),
    ('a first fragment', f.ipv6(f.udp(payload=b'x' * 8), ext=[f.fragment(0, 1)]),
     v6(17, frag=FIRST, ext=FRAG) + K_UDP),
    ('an atomic fragment', f.ipv6(f.udp(), ext=[f.fragment(0, 0)]),
     v6(17, frag=FIRST, ext=FRAG) + K_UDP),
    ('a later fragment', f.ipv6(f.raw(17, b'x' * 16), ext=[f.fragment(5, 1)]),
     v6(44, frag=LATER, ext=FRAG)),
    ('the last fragment, behind options',
     f.ipv6(f.raw(17, b'x' * 16), ext=[f.HOPOPTS, f.fragment(5, 0)]),
     v6(44, frag=LATER, ext=HOP | FRAG)),
    ('a first fragment with options behind', f.ipv6(f.udp(), ext=[f.fragment(0, 1), f.DSTOPTS]),
     v6(17, frag=FIRST, ext=FRAG | DEST | UNSEQ) + K_UDP),
    ('a first fragment with options behind that are cut short',
     f.ipv6(f.raw(44, b'\x3c\0\0\1\0\0\0\1' + b'\x11\0\1')), v6(59, frag=FIRST, ext=FRAG | DEST | UNSEQ)),
    ('twenty extension headers', f.ipv6(f.udp(), ext=[f.DSTOPTS] * 20),
     v6(17, ext=DEST | UNREP) + K_UDP),
    ('IPv6 cut short', UDP6[:53], E + NO_ADDR6),
    ('IPv6 missing', UDP6[:14], E + NO_ADDR6),
    ('an extension header cut short', f.ipv6(f.raw(0, b'\x11\0\1\4')), v6(59, ext=HOP)),
    ('an extension header longer than the packet', f.ipv6(f.raw(60, b'\x11\x09' + bytes(14))),
     v6(59, ext=DEST)),
    ('UDP cut short', f.ipv6(f.raw(17, b'x' * 7)), v6(17) + k_ports(nl.UDP, 0, 0)),
    ('TCP cut short', f.ipv6(f.raw(6, b'x' * 19)), v6(6) + k_tcp(0, 0, 0)),
    ('ICMPv6 cut short', f.ipv6(f.raw(58, b'x' * 7)), v6(58) + k_icmpv6(0, 0)),
    ('neighbour solicitation', f.ipv6(f.nd(135, T, SLL)),
     v6(58) + k_icmpv6(135, 0) + k_nd(T, sll=nl.mac(7))),
    ('neighbour advertisement', f.ipv6(f.nd(136, T, TLL)),
     v6(58) + k_icmpv6(136, 0) + k_nd(T, tll=nl.mac(8))),
    ('both link-layer addresses', f.ipv6(f.nd(135, T, SLL, TLL)),
     v6(58) + k_icmpv6(135, 0) + k_nd(T, nl.mac(7), nl.mac(8))),
    ('no option', f.ipv6(f.nd(135, T)), v6(58) + k_icmpv6(135, 0) + k_nd(T)),
    ('another option first', f.ipv6(f.nd(136, T, b'\x0e\1' + b'n' * 6, TLL)),
     v6(58) + k_icmpv6(136, 0) + k_nd(T, tll=nl.mac(8))),
    ('a link-layer address of 14 bytes', f.ipv6(f.nd(135, T, b'\1\2' + b'l' * 14)),
     v6(58) + k_icmpv6(135, 0) + k_nd(T)),
    ('the same option twice', f.ipv6(f.nd(135, T, SLL, SLL)),
     v6(58) + k_icmpv6(135, 0) + k_nd()),
    ('an option of length 0', f.ipv6(f.nd(135, T, SLL, bytes(8))),
     v6(58) + k_icmpv6(135, 0) + k_nd(T, sll=nl.mac(7))),
    ('an option longer than the packet', f.ipv6(f.nd(135, T, SLL, b'\2\2' + bytes(6))),
     v6(58) + k_icmpv6(135, 0) + k_nd(T, sll=nl.mac(7))),
    ('half an option', f.ipv6(f.nd(135, T, SLL, b'\2\1\0\0')),
     v6(58) + k_icmpv6(135, 0) + k_nd(T, sll=nl.mac(7))),
    ('neighbour solicitation with code 1', f.ipv6(f.nd(135, T, SLL, code=1)),
     v6(58) + k_icmpv6(135, 1) + k_nd()),
    ('neighbour solicitation cut short', f.ipv6(f.raw(58, b'\x87' + bytes(22))),
     v6(58) + k_icmpv6(135, 0) + k_nd()),
]

TABLES = (('link layer', LINK), ('ARP', ARP), ('IPv4', IPV4), ('IPv6', IPV6))

t = Ktap()
bed = Bed(ports=2, mtu=9000)
up, dp = bed.up, bed.dp


def upcall(what, want, frame):
    got = up.recv_upcall(3)
    if not t.ok(got and got[0] == nl.PACKET_MISS, what + ': an upcall'):
        return
    key = key_dict(got[1][2])
    if not t.ok(key == want, what + ': its key', *difference(key, want)):
        while up.recv_upcall(0.1):
            pass        # whatever it was, the next point is not about it
    t.ok(got[1][1] == frame, what + ': its packet', got[1][1][:100].hex(), frame[:100].hex())


for layer, table in TABLES:
    for name, frame, headers in table:
        what = '%s, %s' % (layer, name)
        bed.wires[1].send(frame)
        upcall(what + ', from a wire', expected(headers), frame)
        # A stage of its own, so that no upcall can be taken for another's.
        dp.execute(frame, [k_u32(nl.IN_PORT, 2), k_eth()], [recirc(9)])
        upcall(what + ', executed', expected(headers, port=2, recirc_id=9), frame)

# A tag that is cut short: a type of VLAN and an empty tag (of stock, a type of 0).
cut = f.vlan(0x8100, 7, UDP4)[:16]
lost = dp.stats()
bed.wires[1].send(cut)
t.ok(up.recv_upcall(0.2) is None and dp.stats() == lost,
     'a VLAN tag cut short, from a wire: the stack drops it')
k_cut = k_vlan(0 if STOCK else 0x8100, 0)
for what, frame, headers in (
        ('a VLAN tag cut short', cut, E + k_cut),
        ('the second tag cut short', f.vlan(0x8100, 7, cut), E + k_vlan(0x8100, 0x1007, k_cut))):
    dp.execute(frame, [k_u32(nl.IN_PORT, 2), k_eth()], [recirc(9)])
    upcall(what, expected(headers, port=2, recirc_id=9), frame)
bed.wires[1].send(frame)
upcall('the second tag cut short, from a wire', expected(headers), frame)
for what, frame in (('13 bytes', UDP4[:13]), ('no byte', b'')):
    err = refusal(dp.execute, frame, [k_u32(nl.IN_PORT, 2), k_eth()], [recirc(9)])
    t.ok(err and err.errno == errno.ERANGE, what + ', executed: ERANGE', err)

# Metadata of an executed packet.
meta = [k_u32(nl.PRIORITY, 0x11), k_u32(nl.SKB_MARK, 0x22), k_u32(nl.DP_HASH, 0x33),
        k_u32(nl.RECIRC_ID, 0x44), k_u32(nl.IN_PORT, 1), k_eth()]
dp.execute(UDP4, meta, [recirc(10)])
upcall('metadata', expected(v4(17) + K_UDP, recirc_id=10, dp_hash=0x33, mark=0x22,
                            priority=0x11), UDP4)

# A packet without an Ethernet header.
ip = UDP4[14:]
dp.execute(ip, [k_u32(nl.IN_PORT, 1), k_type(0x800)], [recirc(11)])
upcall('a packet of layer 3', expected(K_UDP4, recirc_id=11), ip)

# Headers that lie in pages: the head of the packet has its Ethernet header alone.
wire = VnetWire('w1')
PAD = b'p' * 5000
for name, l4, want in (('TCP', f.tcp(payload=PAD), k_tcp(1000, 80, 2)),
                       ('UDP', f.udp(payload=PAD), K_UDP),
                       ('SCTP', f.sctp(payload=PAD), k_ports(nl.SCTP, 1000, 9))):
    for family, frame, headers in (('IPv4', f.ipv4(l4, options=b'\1' * 8), v4(l4.proto)),
                                   ('IPv6', f.ipv6(l4, ext=[f.HOPOPTS]),
                                    v6(l4.proto, ext=HOP))):
        wire.send(frame, linear=14)
        upcall('%s over %s in pages' % (name, family), expected(headers + want), frame)
        tagged = f.vlan(0x8100, 5, f.vlan(0x8100, 6, frame))
        wire.send(tagged, linear=14)
        upcall('%s over %s behind two tags in pages' % (name, family),
               expected(E + k_vlan(0x8100, 0x1005, k_vlan(0x8100, 0x1006, (headers + want)[len(E):]))),
               tagged)
big = f.ipv6(f.nd(135, T, SLL, *[b'\x0e\1' + b'n' * 6] * 600, TLL))
wire.send(big, linear=14)
upcall('neighbour discovery in pages',
       expected(v6(58) + k_icmpv6(135, 0) + k_nd(T, nl.mac(7), nl.mac(8))), big)

t.equal(dp.stats()[2], 0, 'no upcall was lost')
bed.done(t)
