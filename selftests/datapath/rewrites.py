#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Set, set_masked, push_vlan and pop_vlan: frames in, frames out, checksums included.

Each frame goes in from a wire, from a wire with a checksum that is only partial, and as an
executed packet.  What comes out is compared with a frame whose checksums were computed
from scratch; and so is the key with which the packet recirculates.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap                                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import (GSO_TCPV4, GSO_TCPV6, POP_VLAN, Bed, VnetWire, difference,  # noqa: E402
                   k_eth, k_u32, key_dict, p_ipv4, p_ipv6, p_ports, push_vlan, recirc,
                   set_action, set_masked)

A4, B4, A6, B6 = f.A4, f.B4, f.A6, f.B6
C4, D4, C6, D6 = '192.168.77.1', '192.168.77.254', 'fd00::77', 'fd00:1:2:3::feed'
M4, M6 = '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
ETH = nl.ETHERNET


def ipv4_all(src, dst, proto, tos, ttl, frag=0):
    return set_action(nl.IPV4, p_ipv4(src, dst, proto, tos, ttl, frag))


def ipv6_all(src, dst, proto, tclass, hlim, label, frag=0):
    return set_action(nl.IPV6, p_ipv6(src, dst, proto, tclass, hlim, frag, label))


def ipv4_masked(value, mask):
    return set_masked(nl.IPV4, p_ipv4(**value), p_ipv4(**mask))


def ipv6_masked(value, mask):
    return set_masked(nl.IPV6, p_ipv6(**value), p_ipv6(**mask))


SRC4 = ipv4_masked({'src': C4}, {'src': M4})
DST4 = ipv4_masked({'dst': D4}, {'dst': M4})
SRC6 = ipv6_masked({'src': C6}, {'src': M6})
DST6 = ipv6_masked({'dst': D6}, {'dst': M6})


def ports(kind, src, dst):
    return set_action(kind, p_ports(src, dst))


def first_fragment(src, dst, l4, **kw):
    """The first 16 bytes of a datagram whose checksum is over more than that."""
    return f.raw(l4.proto, l4.build(f.addr(src), f.addr(dst))[:16])


LONG_UDP = f.udp(payload=b'x' * 64)
ODD = f.udp(payload=b'odd')
TCP, UDP = f.tcp(payload=b'data'), f.udp()


def udp_whose_checksum_becomes_zero(src):
    """Behind the change of its source the sum is 0, which has to be written as 0xffff."""
    c, = struct.unpack('!H', f.udp(payload=b'\0\0').build(f.addr(src), f.addr(B4))[6:8])
    return f.udp(payload=struct.pack('!H', c))


ZERO = udp_whose_checksum_becomes_zero(C4)
assert ZERO.build(f.addr(C4), f.addr(B4))[6:8] == b'\xff\xff'


def spoilt(frame, at, by=0x55):
    return frame[:at] + bytes((frame[at] ^ by,)) + frame[at + 1:]


T = '2001:db8::99'
ND = f.nd(135, T, f.lladdr(1, nl.mac(7)))
V = f.vlan
U4, U6 = f.ipv4(UDP), f.ipv6(UDP)

TABLE = [   # what, frame, actions, frame afterwards
    ('Ethernet', U4, [set_action(ETH, nl.mac(7) + nl.mac(8))],
     f.eth(0x800, f.ip4(UDP), nl.mac(7), nl.mac(8))),
    ('Ethernet source', U4, [set_masked(ETH, nl.mac(7) + bytes(6), b'\xff' * 6 + bytes(6))],
     f.eth(0x800, f.ip4(UDP), nl.mac(7), nl.mac(2))),
    ('Ethernet destination', U4, [set_masked(ETH, bytes(6) + nl.mac(8), bytes(6) + b'\xff' * 6)],
     f.eth(0x800, f.ip4(UDP), nl.mac(1), nl.mac(8))),
    ('some bits of Ethernet', U4, [set_masked(ETH, b'\x04' + bytes(11), b'\x0f' + bytes(11))],
     f.eth(0x800, f.ip4(UDP), b'\x04' + nl.mac(1)[1:])),
    ('Ethernet of another type', f.eth(0x1234, b'x' * 40),
     [set_action(ETH, nl.mac(7) + nl.mac(8))], f.eth(0x1234, b'x' * 40, nl.mac(7), nl.mac(8))),

    ('IPv4, all of it', U4, [ipv4_all(C4, D4, 17, 0xff, 9)],
     f.ipv4(UDP, src=C4, dst=D4, tos=0xff, ttl=9)),
    ('IPv4 source, UDP', U4, [SRC4], f.ipv4(UDP, src=C4)),
    ('IPv4 destination, UDP', U4, [DST4], f.ipv4(UDP, dst=D4)),
    ('IPv4 addresses, TCP', f.ipv4(TCP), [SRC4, DST4], f.ipv4(TCP, src=C4, dst=D4)),
    ('IPv4 addresses, UDP of odd length', f.ipv4(ODD), [SRC4, DST4], f.ipv4(ODD, src=C4, dst=D4)),
    ('IPv4 addresses, UDP without checksum', f.ipv4(f.udp(checksum=False)), [SRC4, DST4],
     f.ipv4(f.udp(checksum=False), src=C4, dst=D4)),
    ('IPv4 source, UDP whose checksum becomes 0', f.ipv4(ZERO), [SRC4], f.ipv4(ZERO, src=C4)),
    ('IPv4 addresses, ICMP', f.ipv4(f.icmp()), [SRC4, DST4], f.ipv4(f.icmp(), src=C4, dst=D4)),
    ('IPv4 addresses, SCTP', f.ipv4(f.sctp()), [SRC4, DST4], f.ipv4(f.sctp(), src=C4, dst=D4)),
    ('IPv4 addresses, another protocol', f.ipv4(f.raw(89, b'ospf' * 8)), [SRC4, DST4],
     f.ipv4(f.raw(89, b'ospf' * 8), src=C4, dst=D4)),
    ('IPv4 addresses behind options', f.ipv4(TCP, options=b'\1' * 12), [SRC4, DST4],
     f.ipv4(TCP, options=b'\1' * 12, src=C4, dst=D4)),
    ('IPv4 addresses, the same', U4, [ipv4_masked({'src': A4, 'dst': B4},
                                                  {'src': M4, 'dst': M4})], U4),
    ('some bits of an IPv4 address', U4, [ipv4_masked({'src': '0.0.7.0'}, {'src': '0.0.255.0'})],
     f.ipv4(UDP, src='10.0.7.1')),
    ('IPv4 ToS', U4, [ipv4_masked({'tos': 0xb8}, {'tos': 0xff})], f.ipv4(UDP, tos=0xb8)),
    ('IPv4 DSCP alone', f.ipv4(UDP, tos=3), [ipv4_masked({'tos': 0xb8}, {'tos': 0xfc})],
     f.ipv4(UDP, tos=0xbb)),
    ('IPv4 TTL', U4, [ipv4_masked({'ttl': 63}, {'ttl': 0xff})], f.ipv4(UDP, ttl=63)),
    ('IPv4 TTL 0', U4, [ipv4_masked({'ttl': 0}, {'ttl': 0xff})], f.ipv4(UDP, ttl=0)),
    ('some bits of IPv4 TTL', U4, [ipv4_masked({'ttl': 1}, {'ttl': 0x0f})], f.ipv4(UDP, ttl=0x41)),
    ('IPv4 behind a tag', V(0x8100, 5, U4), [SRC4, DST4], V(0x8100, 5, f.ipv4(UDP, src=C4, dst=D4))),
    ('IPv4 behind two tags', V(0x88a8, 5, V(0x8100, 6, U4)), [SRC4, DST4],
     V(0x88a8, 5, V(0x8100, 6, f.ipv4(UDP, src=C4, dst=D4)))),
    ('IPv4 addresses of a first fragment', f.ipv4(first_fragment(A4, B4, LONG_UDP), frag=0x2000),
     [SRC4, DST4], f.ipv4(first_fragment(C4, D4, LONG_UDP), frag=0x2000, src=C4, dst=D4)),
    ('IPv4 addresses of a later fragment', f.ipv4(f.raw(17, b'y' * 24), frag=0x2005),
     [SRC4, DST4], f.ipv4(f.raw(17, b'y' * 24), frag=0x2005, src=C4, dst=D4)),
    ('IPv4 addresses of a UDP cut short', f.ipv4(f.raw(17, b'abcdefg')), [SRC4, DST4],
     f.ipv4(f.raw(17, b'abcdefg'), src=C4, dst=D4)),

    ('IPv6, all of it', U6, [ipv6_all(C6, D6, 17, 0xff, 9, 0xfffff)],
     f.ipv6(UDP, src=C6, dst=D6, tclass=0xff, hlim=9, label=0xfffff)),
    ('IPv6 source, UDP', U6, [SRC6], f.ipv6(UDP, src=C6)),
    ('IPv6 destination, UDP', U6, [DST6], f.ipv6(UDP, dst=D6)),
    ('IPv6 addresses, TCP', f.ipv6(TCP), [SRC6, DST6], f.ipv6(TCP, src=C6, dst=D6)),
    ('IPv6 addresses, UDP of odd length', f.ipv6(ODD), [SRC6, DST6], f.ipv6(ODD, src=C6, dst=D6)),
    ('IPv6 addresses, ICMPv6', f.ipv6(f.icmpv6()), [SRC6, DST6], f.ipv6(f.icmpv6(), src=C6, dst=D6)),
    ('IPv6 addresses, neighbour solicitation', f.ipv6(ND), [SRC6, DST6], f.ipv6(ND, src=C6, dst=D6)),
    ('IPv6 addresses, SCTP', f.ipv6(f.sctp()), [SRC6, DST6], f.ipv6(f.sctp(), src=C6, dst=D6)),
    ('IPv6 addresses behind extension headers', f.ipv6(TCP, ext=[f.HOPOPTS, f.DSTOPTS]),
     [SRC6, DST6], f.ipv6(TCP, ext=[f.HOPOPTS, f.DSTOPTS], src=C6, dst=D6)),
    ('IPv6 destination before a routing header', f.ipv6(UDP, ext=[f.routing(1, T)], final=T), [DST6],
     f.ipv6(UDP, ext=[f.routing(1, T)], dst=D6, final=T)),
    ('IPv6 source before a routing header', f.ipv6(UDP, ext=[f.routing(1, T)], final=T), [SRC6],
     f.ipv6(UDP, ext=[f.routing(1, T)], src=C6, final=T)),
    ('IPv6 destination before a routing header that is done', f.ipv6(UDP, ext=[f.routing(0, T)]),
     [DST6], f.ipv6(UDP, ext=[f.routing(0, T)], dst=D6)),
    ('some bits of an IPv6 address', U6, [ipv6_masked({'src': '::5:0'}, {'src': '::ffff:0'})],
     f.ipv6(UDP, src='2001:db8::5:1')),
    ('IPv6 traffic class', U6, [ipv6_masked({'tclass': 0xb8}, {'tclass': 0xff})],
     f.ipv6(UDP, tclass=0xb8)),
    ('IPv6 DSCP alone', f.ipv6(UDP, tclass=3, label=0x12345),
     [ipv6_masked({'tclass': 0xb8}, {'tclass': 0xfc})], f.ipv6(UDP, tclass=0xbb, label=0x12345)),
    ('IPv6 label', f.ipv6(UDP, tclass=0xab), [ipv6_masked({'label': 0xabcde}, {'label': 0xfffff})],
     f.ipv6(UDP, tclass=0xab, label=0xabcde)),
    ('some bits of the IPv6 label', f.ipv6(UDP, label=0x12345),
     [ipv6_masked({'label': 0xf0}, {'label': 0xff})], f.ipv6(UDP, label=0x123f0)),
    ('IPv6 hop limit', U6, [ipv6_masked({'hlim': 63}, {'hlim': 0xff})], f.ipv6(UDP, hlim=63)),
    ('IPv6 addresses of a first fragment',
     f.ipv6(first_fragment(A6, B6, LONG_UDP), ext=[f.fragment(0, 1)]), [SRC6, DST6],
     f.ipv6(first_fragment(C6, D6, LONG_UDP), ext=[f.fragment(0, 1)], src=C6, dst=D6)),
    ('IPv6 addresses of a later fragment', f.ipv6(f.raw(17, b'y' * 24), ext=[f.fragment(5, 1)]),
     [SRC6, DST6], f.ipv6(f.raw(17, b'y' * 24), ext=[f.fragment(5, 1)], src=C6, dst=D6)),

    ('TCP ports', f.ipv4(TCP), [ports(nl.TCP, 7, 65535)], f.ipv4(f.tcp(7, 65535, payload=b'data'))),
    ('TCP source port over IPv6', f.ipv6(TCP),
     [set_masked(nl.TCP, p_ports(7, 0), p_ports(0xffff, 0))], f.ipv6(f.tcp(7, payload=b'data'))),
    ('TCP destination port', f.ipv4(TCP), [set_masked(nl.TCP, p_ports(0, 8), p_ports(0, 0xff))],
     f.ipv4(f.tcp(dport=8, payload=b'data'))),
    ('UDP ports', U4, [ports(nl.UDP, 7, 65535)], f.ipv4(f.udp(7, 65535))),
    ('UDP ports over IPv6', U6, [ports(nl.UDP, 7, 65535)], f.ipv6(f.udp(7, 65535))),
    ('UDP ports without checksum', f.ipv4(f.udp(checksum=False)), [ports(nl.UDP, 7, 65535)],
     f.ipv4(f.udp(7, 65535, checksum=False))),
    ('SCTP ports', f.ipv4(f.sctp()), [ports(nl.SCTP, 7, 65535)], f.ipv4(f.sctp(7, 65535))),
    ('SCTP ports over IPv6', f.ipv6(f.sctp()), [ports(nl.SCTP, 7, 65535)], f.ipv6(f.sctp(7, 65535))),
    ('TCP ports behind extension headers', f.ipv6(TCP, ext=[f.DSTOPTS]), [ports(nl.TCP, 7, 8)],
     f.ipv6(f.tcp(7, 8, payload=b'data'), ext=[f.DSTOPTS])),
    ('all layers', V(0x8100, 5, f.ipv4(TCP)),
     [set_action(ETH, nl.mac(7) + nl.mac(8)), SRC4, DST4, ports(nl.TCP, 7, 8)],
     V(0x8100, 5, f.eth(0x800, f.ip4(f.tcp(7, 8, payload=b'data'), src=C4, dst=D4), nl.mac(7),
                        nl.mac(8)))),

    ('a tag onto none', U4, [push_vlan(0x8100, 0x1007)], V(0x8100, 7, U4)),
    ('an 802.1ad tag, priority 7', U4, [push_vlan(0x88a8, 0xffff)], V(0x88a8, 0xefff, U4)),
    ('a tag onto one', V(0x8100, 6, U4), [push_vlan(0x88a8, 0x1007)], V(0x88a8, 7, V(0x8100, 6, U4))),
    ('two tags', U4, [push_vlan(0x8100, 0x1006), push_vlan(0x88a8, 0x1007)],
     V(0x88a8, 7, V(0x8100, 6, U4))),
    ('pop the only tag', V(0x8100, 6, U4), [POP_VLAN], U4),
    ('pop the outer of two', V(0x88a8, 7, V(0x8100, 6, U4)), [POP_VLAN], V(0x8100, 6, U4)),
    ('pop both', V(0x88a8, 7, V(0x8100, 6, U4)), [POP_VLAN, POP_VLAN], U4),
    ('pop one of three', V(0x88a8, 7, V(0x8100, 6, V(0x8100, 5, U4))), [POP_VLAN],
     V(0x8100, 6, V(0x8100, 5, U4))),
    ('pop all of three', V(0x88a8, 7, V(0x8100, 6, V(0x8100, 5, U4))), [POP_VLAN] * 3, U4),
    ('pop without a tag', U4, [POP_VLAN], U4),
    ('push and pop', U4, [push_vlan(0x8100, 0x1007), POP_VLAN], U4),
    ('replace a tag', V(0x8100, 6, U4), [POP_VLAN, push_vlan(0x8100, 0x1007)], V(0x8100, 7, U4)),
    ('set behind push', f.ipv4(TCP), [push_vlan(0x8100, 0x1007), SRC4, ports(nl.TCP, 7, 8)],
     V(0x8100, 7, f.ipv4(f.tcp(7, 8, payload=b'data'), src=C4))),
    ('set behind pop', V(0x8100, 7, f.ipv6(TCP)), [POP_VLAN, SRC6, ports(nl.TCP, 7, 8)],
     f.ipv6(f.tcp(7, 8, payload=b'data'), src=C6)),
    ('a tag onto 802.2', f.eth(46, b'\x42\x42\3' + b'x' * 43), [push_vlan(0x8100, 0x1007)],
     V(0x8100, 7, f.eth(46, b'\x42\x42\3' + b'x' * 43))),
    ('nothing', U4, [], U4),
    ('mark and priority', U4, [set_action(nl.SKB_MARK, b'\1\2\3\4'),
                               set_action(nl.PRIORITY, b'\5\6\7\0')], U4),

    # An error that was there stays, and by as much.
    ('TCP with a wrong checksum', spoilt(f.ipv4(TCP), 50), [SRC4, ports(nl.TCP, 7, 8)], None),
    ('an IPv4 header with a wrong checksum', spoilt(U4, 24), [SRC4], None),
    ('SCTP with a wrong CRC', spoilt(f.ipv4(f.sctp()), 42), [ports(nl.SCTP, 7, 65535)],
     spoilt(f.ipv4(f.sctp(7, 65535)), 42)),
]

t = Ktap()
bed = Bed(ports=2, mtu=9000)
up, dp = bed.up, bed.dp
META = [k_u32(nl.IN_PORT, 1), k_eth()]
wire1, wire2 = VnetWire('w1'), VnetWire('w2')


def learn(send):
    """The key of what SEND sends, from its miss."""
    dp.flush()
    send()
    got = up.recv_upcall(3)
    return got[1][2] if got else b''


def compare(what, want, spoilt_at_all=False):
    got = wire2.recv()
    if not t.ok(got, what + ': came out'):
        return None
    frame = got[0]
    if want is None:
        t.ok(f.wrong_checksums(frame), what + ': is still wrong', frame.hex())
    else:
        t.ok(frame == want, what, 'got  ' + frame[:120].hex(), 'want ' + want[:120].hex())
    return got


def reextracted(frame):
    """The key of a frame as it comes in."""
    dp.execute(frame, META, [recirc(78)])
    got = up.recv_upcall(3)
    return key_dict(got[1][2]) if got else {}


for name, frame, actions, want in TABLE:
    # An executed packet, and the key behind the actions.
    dp.execute(frame, META, actions + [nl.output(2), recirc(77)])
    compare(name + ', executed', want)
    got = up.recv_upcall(3)
    if want is not None and t.ok(got, name + ': recirculates'):
        key, fresh = key_dict(got[1][2]), reextracted(want)
        fresh['recirc_id'] = key['recirc_id']
        if name == 'mark and priority':
            fresh.update(mark='01020304', priority='05060700')
        t.ok(key == fresh, name + ': the key follows', *difference(key, fresh))

    key = learn(lambda: bed.wires[1].send(frame))
    dp.flow(nl.CMD_NEW, nl.attr(1, key) + nl.nest(2, *actions, nl.output(2)), nl.NLM_F_CREATE)
    bed.wires[1].send(frame)
    compare(name + ', from a wire', want)
    proto = f.Parsed(frame).proto
    if want is not None and proto in (f.TCP, f.UDP) and f.Parsed(frame).l4 and \
            'without' not in name and 'cut short' not in name:
        partial, start, offset = f.with_partial(frame)
        wire1.send(partial, start, offset)
        got = compare(name + ', with a partial checksum', want)
        t.ok(got and got[1], name + ': the checksum is still partial')

# Headers that lie in pages, and copies that may not be written to.
PAD = b'p' * 5000
for name, l4, kind, new in (('TCP', f.tcp(payload=PAD), nl.TCP, f.tcp(7, 8, payload=PAD)),
                            ('UDP', f.udp(payload=PAD), nl.UDP, f.udp(7, 8, payload=PAD)),
                            ('SCTP', f.sctp(payload=PAD), nl.SCTP, f.sctp(7, 8, payload=PAD))):
    for family, frame, sets, want in (
            ('IPv4', f.ipv4(l4), [SRC4, DST4], f.ipv4(new, src=C4, dst=D4)),
            ('IPv6', f.ipv6(l4), [SRC6, DST6], f.ipv6(new, src=C6, dst=D6))):
        what = '%s over %s in pages' % (name, family)
        key = learn(lambda: wire1.send(frame, linear=14))
        dp.flow(nl.CMD_NEW, nl.attr(1, key) + nl.nest(2, nl.output(2), *sets, ports(kind, 7, 8),
                                                      push_vlan(0x8100, 0x1005), nl.output(2)),
                nl.NLM_F_CREATE)
        wire1.send(frame, linear=14)
        compare(what + ', sent before it is set', frame)
        compare(what, V(0x8100, 5, want))
        if kind == nl.SCTP:
            continue
        partial, start, offset = f.with_partial(frame)
        wire1.send(partial, start, offset, linear=14)
        compare(what + ', partial, sent before it is set', frame)
        compare(what + ', partial', V(0x8100, 5, want))
        if kind == nl.TCP:
            gso = GSO_TCPV4 if family == 'IPv4' else GSO_TCPV6
            wire1.send(partial, start, offset, gso, 1000, linear=start + 20)
            compare(what + ', GSO, sent before it is set', frame)
            got = compare(what + ', GSO', V(0x8100, 5, want))
            t.equal(got and got[1:], (True, gso, 1000), what + ', GSO: still to be segmented')

bed.done(t)
