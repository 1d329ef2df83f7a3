#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is refused of flows, actions and packets: with which errno, and why.

Each line of the tables is a request, its errno and, of the module alone (the stock one
explains nothing), a word of the sentence in the extended acknowledgement.
"""
import errno
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap                                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import (ALL, POP_VLAN, STOCK, Bed, clone, hash_action, k_eth, k_flags,  # noqa: E402
                   k_ipv4, k_ipv6, k_ports, k_type, k_u32, k_vlan, p_ipv4, p_ipv6, p_ports,
                   push_vlan, refusal, sample, set_action, set_masked, trunc,
                   userspace)

E, R = errno.EINVAL, errno.ERANGE
t = Ktap()
bed = Bed(ports=2)
dp = bed.dp
A4, B4, A6, B6 = f.A4, f.B4, f.A6, f.B6
META = [k_u32(nl.RECIRC_ID, 0), k_u32(nl.IN_PORT, 1), k_eth()]
OUT = [nl.output(2)]
UDP4 = k_ipv4(A4, B4, 17, ttl=64) + k_ports(nl.UDP, 1, 2)
TCP4 = k_ipv4(A4, B4, 6, ttl=64) + k_ports(nl.TCP, 1, 2) + k_flags(2)
UDP6 = k_ipv6(A6, B6, 17, hlim=64) + k_ports(nl.UDP, 1, 2)
ARP = nl.attr(nl.ARP, bytes(24))
a = nl.attr


def flow(headers, mask=None, meta=None, actions=None):
    return dp.add_flow([*(META if meta is None else meta), headers], mask,
                       OUT if actions is None else actions)


KEYS = [    # what, headers, mask, meta, errno, word
    ('an unknown attribute', UDP4 + a(60, 0), None, None, E, 'not supported'),
    ('attribute 0', UDP4 + a(0, 0), None, None, E, 'not supported'),
    ('an attribute twice', UDP4 + k_ports(nl.UDP, 1, 2), None, None, E, 'twice'),
    ('IPV4 of 11 bytes', k_type(0x800) + a(nl.IPV4, bytes(11)), None, None, E, 'length'),
    ('IPV4 of 13 bytes', k_type(0x800) + a(nl.IPV4, bytes(13)), None, None, E, 'length'),
    ('an IN_PORT of 2 bytes', UDP4, None, [a(nl.IN_PORT, b'\1\0'), k_eth()], E, 'length'),
    ('an ETHERNET of 6 bytes', UDP4, None, [k_u32(nl.IN_PORT, 1), a(nl.ETHERNET, bytes(6))], E,
     'length'),
    ('an IN_PORT of 65535', UDP4, None, [k_u32(nl.IN_PORT, 65535), k_eth()], E, 'IN_PORT'),
    ('an IN_PORT of 2^32-1', UDP4, None, [k_u32(nl.IN_PORT, ALL), k_eth()], E, 'IN_PORT'),
    ('an ETHERTYPE of 0x5ff', k_type(0x5ff), None, None, E, 'ETHERTYPE'),
    ('IPv4 without IPV4', k_type(0x800), None, None, E, 'lacks'),
    ('IPv6 without IPV6', k_type(0x86dd), None, None, E, 'lacks'),
    ('ARP without ARP', k_type(0x806), None, None, E, 'lacks'),
    ('UDP without UDP', k_ipv4(A4, B4, 17), None, None, E, 'lacks'),
    ('TCP without TCP', k_ipv4(A4, B4, 6), None, None, E, 'lacks'),
    ('SCTP without SCTP', k_ipv4(A4, B4, 132), None, None, E, 'lacks'),
    ('ICMP without ICMP', k_ipv4(A4, B4, 1), None, None, E, 'lacks'),
    ('ICMPv6 without ICMPV6', k_ipv6(A6, B6, 58), None, None, E, 'lacks'),
    ('ND without ND', k_ipv6(A6, B6, 58) + a(nl.ICMPV6, b'\x87\0'), None, None, E, 'lacks'),
    ('IPV6 of an IPv4 packet', UDP4 + a(nl.IPV6, p_ipv6()), None, None, E, 'apply'),
    ('TCP of a UDP packet', UDP4 + k_ports(nl.TCP, 1, 2), None, None, E, 'apply'),
    ('UDP of an ARP packet', k_type(0x806) + ARP + k_ports(nl.UDP, 1, 2), None, None, E, 'apply'),
    ('UDP of a later fragment', k_ipv4(A4, B4, 17, frag=2) + k_ports(nl.UDP, 1, 2), None, None, E,
     'apply'),
    ('ICMP of an IPv6 packet', k_ipv6(A6, B6, 1) + a(nl.ICMP, b'\0\0'), None, None, E, 'apply'),
    ('fragment type 3', k_ipv4(A4, B4, 17, frag=3) + k_ports(nl.UDP, 1, 2), None, None, E,
     'fragment'),
    ('fragment type 3 of IPv6', k_ipv6(A6, B6, 17, frag=3) + k_ports(nl.UDP, 1, 2), None, None, E,
     'fragment'),
    ('an IPv6 label of 21 bits', k_ipv6(A6, B6, 17, label=1 << 20) + k_ports(nl.UDP, 1, 2), None,
     None, E, 'label'),
    ('an ARP opcode of 256', k_type(0x806) + a(nl.ARP, bytes(8) + b'\1\0' + bytes(14)), None, None,
     E, 'opcode'),
    ('VLAN without ENCAP', k_type(0x8100) + a(nl.VLAN, b'\x10\5'), None, None, E, 'ENCAP'),
    ('ENCAP without VLAN', k_type(0x8100) + nl.nest(nl.ENCAP, UDP4), None, None, E, 'VLAN'),
    ('VLAN and ENCAP of type IPv4', UDP4 + a(nl.VLAN, b'\x10\5') + nl.nest(nl.ENCAP), None, None, E,
     'VLAN'),
    ('a VLAN without the tag-present bit', k_vlan(0x8100, 5, UDP4), None, None, E, '0x1000'),
    ('an unknown attribute in ENCAP', k_vlan(0x8100, 0x1005, UDP4, a(60, 0)), None, None, E,
     'not supported'),
    ('mask: an unknown attribute', UDP4, [a(60, 1)], None, E, 'not supported'),
    ('mask: UDP of a TCP flow', TCP4, [k_type(0xffff), a(nl.IPV4, p_ipv4(proto=255)),
                                       a(nl.UDP, b'\xff' * 4)], None, E, 'mask'),
    ('mask: ports without the protocol', UDP4, [k_type(0xffff), a(nl.UDP, b'\xff' * 4)], None, E,
     'exact'),
    ('mask: addresses without the type', UDP4, [a(nl.IPV4, p_ipv4('255.0.0.0'))], None, E, 'exact'),
    ('mask: IPV4 of 11 bytes', UDP4, [k_type(0xffff), a(nl.IPV4, b'\xff' * 11)], None, E, 'length'),
    ('mask: a VLAN ETHERTYPE in part', k_vlan(0x8100, 0x1005, UDP4),
     [k_vlan(0xff00, 0xffff)], None, E, 'exact'),
    ('mask: a VLAN without the tag-present bit', k_vlan(0x8100, 0x1005, UDP4),
     [k_vlan(0xffff, 0xefff)], None, E, 'tag-present'),
]


def nested(levels, *actions):
    for _ in range(levels):
        actions = (clone(*actions),)
    return actions[0]


V4 = p_ipv4(A4, B4, 17, ttl=9)
V6 = p_ipv6(A6, B6, 17, hlim=9)
ACTIONS = [     # what, headers of the flow, action, errno, word
    ('an unknown action', UDP4, a(99, 0), E, 'not supported'),
    ('action 0', UDP4, a(0, 0), E, 'not supported'),
    ('an output of 2 bytes', UDP4, a(nl.OUTPUT, b'\1\0'), E, 'length'),
    ('an output of 8 bytes', UDP4, a(nl.OUTPUT, bytes(8)), E, 'length'),
    ('output to 65535', UDP4, nl.output(65535), E, 'range'),
    ('output to 2^32-1', UDP4, nl.output(ALL), E, 'range'),
    ('a recirc of 8 bytes', UDP4, a(nl.RECIRC, bytes(8)), E, 'length'),
    ('trunc to 13', UDP4, trunc(13), E, 'trunc'),
    ('trunc to 0', UDP4, trunc(0), E, 'trunc'),
    ('hash algorithm 7', UDP4, hash_action(1, 7), E, 'hash'),
    ('a hash of 4 bytes', UDP4, a(nl.HASH, 0), E, 'length'),
    ('push_vlan of an unknown TPID', UDP4, push_vlan(0x9100, 0x1005), E, 'TPID'),
    ('push_vlan without the tag-present bit', UDP4, push_vlan(0x8100, 5), E, '0x1000'),
    ('a push_vlan of 2 bytes', UDP4, a(nl.PUSH_VLAN, b'\x81\0'), E, 'length'),
    ('a pop_vlan of 4 bytes', UDP4, a(nl.POP_VLAN, 0), E, 'length'),
    ('an empty set', UDP4, nl.nest(nl.SET), E, 'one'),
    ('a set of two', UDP4, nl.nest(nl.SET, k_u32(nl.SKB_MARK, 1), k_u32(nl.PRIORITY, 1)), E, 'one'),
    ('a set of nothing known', UDP4, nl.nest(nl.SET, a(60, 0)), E, "can't be set"),
    ('a set of IN_PORT', UDP4, set_action(nl.IN_PORT, b'\1\0\0\0'), E, "can't be set"),
    ('a set of RECIRC_ID', UDP4, set_action(nl.RECIRC_ID, b'\1\0\0\0'), E, "can't be set"),
    ('a set of DP_HASH', UDP4, set_action(nl.DP_HASH, b'\1\0\0\0'), E, "can't be set"),
    ('a set of ETHERTYPE', UDP4, set_action(nl.ETHERTYPE, b'\x08\0'), E, "can't be set"),
    ('a set of VLAN', UDP4, set_action(nl.VLAN, b'\x10\1'), E, "can't be set"),
    ('a set of TCP_FLAGS', TCP4, set_action(nl.TCP_FLAGS, b'\0\1'), E, "can't be set"),
    ('a set of ARP', k_type(0x806) + ARP, set_action(nl.ARP, bytes(24)), E, "can't be set"),
    ('a set of ICMP', k_ipv4(A4, B4, 1) + a(nl.ICMP, b'\0\0'), set_action(nl.ICMP, b'\0\0'), E,
     "can't be set"),
    ('a set of IPV4 for IPv6', UDP6, set_action(nl.IPV4, V4), E, 'IPv4'),
    ('a set of IPV6 for IPv4', UDP4, set_action(nl.IPV6, V6), E, 'IPv6'),
    ('a set of the IPv4 protocol', UDP4, set_action(nl.IPV4, p_ipv4(A4, B4, 6)), E, 'protocol'),
    ('a masked set of the IPv4 protocol', UDP4,
     set_masked(nl.IPV4, p_ipv4(proto=6), p_ipv4(proto=255)), E, 'protocol'),
    ('a masked set of the IPv4 fragment type', UDP4,
     set_masked(nl.IPV4, p_ipv4(frag=1), p_ipv4(frag=3)), E, 'fragment'),
    ('a set of the IPv6 protocol', UDP6, set_action(nl.IPV6, p_ipv6(A6, B6, 6)), E, 'protocol'),
    ('a set of an IPv6 label of 21 bits', UDP6, set_action(nl.IPV6, p_ipv6(A6, B6, 17, label=1 << 20)),
     E, 'label'),
    ('a set of TCP for UDP', UDP4, set_action(nl.TCP, p_ports(1, 2)), E, 'protocol'),
    ('a set of UDP for TCP', TCP4, set_action(nl.UDP, p_ports(1, 2)), E, 'protocol'),
    ('a set of SCTP for UDP', UDP4, set_action(nl.SCTP, p_ports(1, 2)), E, 'protocol'),
    ('a set of UDP for ARP', k_type(0x806) + ARP, set_action(nl.UDP, p_ports(1, 2)), E, 'IP'),
    ('a set of ETHERNET of 6 bytes', UDP4, set_action(nl.ETHERNET, bytes(6)), E, 'length'),
    ('a masked set without a mask', UDP4, nl.nest(nl.SET_MASKED, a(nl.ETHERNET, bytes(12))), E,
     'length'),
    ('a masked set with bits outside its mask', UDP4,
     set_masked(nl.SKB_MARK, b'\3\0\0\0', b'\1\0\0\0'), E, 'mask'),
    ('userspace without a PID', UDP4, nl.nest(nl.USERSPACE), E, 'PID'),
    ('userspace with PID 0', UDP4, userspace(0), E, 'PID'),
    ('userspace with a PID of 2 bytes', UDP4, nl.nest(nl.USERSPACE, a(1, b'\1\0')), R, ''),
    ('a sample without probability', UDP4, nl.nest(nl.SAMPLE, nl.nest(2, *OUT)), E, 'PROBABILITY'),
    ('a sample without actions', UDP4, nl.nest(nl.SAMPLE, a(1, ALL)), E, 'ACTIONS'),
    ('a sample with a probability of 2 bytes', UDP4,
     nl.nest(nl.SAMPLE, a(1, b'\1\0'), nl.nest(2, *OUT)), E, ''),
    ('an unknown action in a sample', UDP4, sample(ALL, a(99, 0)), E, 'not supported'),
    ('an unknown action in a clone', UDP4, clone(a(99, 0)), E, 'not supported'),
    ('clones 16 deep', UDP4, nested(16, nl.output(2)), None, ''),
    ('clones 17 deep', UDP4, nested(17, nl.output(2)), errno.EOVERFLOW, 'deep'),
    ('clones 100 deep', UDP4, nested(100, nl.output(2)), errno.EOVERFLOW, 'deep'),
    ('samples 100 deep', UDP4, None, errno.EOVERFLOW, 'deep'),
    ('a set of IPV4 for another Ethernet type', k_type(0x1234), set_action(nl.IPV4, V4), E, 'IPv4'),
]
samples = nl.output(2)
for _ in range(100):
    samples = sample(ALL, samples)


def verdict(what, call, code, word):
    err = refusal(call)
    t.ok((err.errno if err else None) == code, '%s: %s' % (what, errno.errorcode.get(code, 'fine')),
         err, err and err.extack)
    if code and not STOCK:
        t.ok(err and word in err.extack and err.extack, '%s: says why' % what, err and err.extack)
    if code is None:
        dp.flush()


for what, headers, mask, meta, code, word in KEYS:
    verdict('a key with ' + what, lambda: flow(headers, mask, meta), code, word)
for what, headers, action, code, word in ACTIONS:
    action = samples if action is None else action
    for place, acts in (('', [action, *OUT]), (', in a clone', [clone(*OUT, action), *OUT])):
        if place and code in (None, errno.EOVERFLOW):
            continue
        verdict('a flow with ' + what + place, lambda: flow(headers, actions=acts), code, word)
    if headers == UDP4 and code not in (None, errno.EOVERFLOW):
        verdict('a packet with ' + what,
                lambda: dp.execute(f.ipv4(f.udp()), META[1:], [action, *OUT]), code, word)
L3 = [k_u32(nl.IN_PORT, 1)]
for what, action in (('push_vlan', push_vlan(0x8100, 0x1005)), ('pop_vlan', POP_VLAN),
                     ('a set of ETHERNET', set_action(nl.ETHERNET, bytes(12)))):
    verdict(what + ' without an Ethernet header', lambda: flow(UDP4, meta=L3, actions=[action]), E,
            'Ethernet')
t.equal(dp.flows(), [], 'nothing was installed')
t.ok(bed.quiet(1, 2), 'nothing was sent')

# What a flow or packet lacks.
for what, cmd, data, code, word in (
        ('NEW without a key', nl.CMD_NEW, nl.nest(2, *OUT), E, 'KEY'),
        ('NEW without actions', nl.CMD_NEW, nl.nest(1, *META, UDP4), E, 'ACTIONS'),
        ('NEW with a UFID and no key', nl.CMD_NEW, nl.attr(9, b'u') + nl.nest(2, *OUT), E, 'KEY'),
        ('SET without a key', nl.CMD_SET, nl.nest(2, *OUT), E, 'KEY'),
        ('GET without a key', nl.CMD_GET, b'', E, 'KEY'),
        ('GET of a UFID of 17 bytes', nl.CMD_GET, nl.attr(9, bytes(17)), E, 'KEY' if STOCK else 'UFID'),
        ('UFID flags of 2 bytes', nl.CMD_GET, nl.attr(9, b'u') + nl.attr(10, b'\1\0'), R, '')):
    verdict(what, lambda: dp.flow(cmd, data), code, word)
fam = dp.nl.family('ovs_packet')
U = f.ipv4(f.udp())
PKT, KEY, ACT = nl.attr(1, U), nl.nest(2, *META), nl.nest(3, *OUT)
for what, data, code, word in (
        ('a packet without packet', KEY + ACT, E, 'PACKET'), ('a packet without key', PKT + ACT, E, 'KEY'),
        ('a packet without actions', PKT + KEY, E, 'ACTIONS'),
        ('a packet with an unknown key attribute', PKT + nl.nest(2, a(60, 0)) + ACT, E, 'not supported'),
        ('a packet with an IN_PORT of 65535', PKT + nl.nest(2, k_u32(nl.IN_PORT, 65535), k_eth()) + ACT,
         E, 'IN_PORT'),
        ('a packet with an IN_PORT of 2 bytes', PKT + nl.nest(2, a(nl.IN_PORT, b'\1\0')) + ACT, E,
         'length')):
    verdict(what, lambda: dp.nl.request(fam, nl.PACKET_EXECUTE, struct.pack('=i', dp.ifindex) + data),
            code, word)
NODEV = errno.ENODEV
for what, call in (
        ('a packet', lambda: dp.nl.request(fam, nl.PACKET_EXECUTE, struct.pack('=i', 4711) + PKT + KEY + ACT)),
        *((name, lambda cmd=cmd: dp.nl.request(
            dp.nl.family('ovs_flow'), cmd, struct.pack('=i', 4711) + nl.nest(1, *META, UDP4) +
            nl.nest(2, *OUT))) for name, cmd in (('NEW', 1), ('DEL', 2), ('GET', 3), ('SET', 4)))):
    verdict(what + ' of no datapath', call, NODEV, 'datapath')
t.equal(dp.flows(), [], 'nothing was installed')
t.ok(bed.quiet(1, 2), 'nothing was sent')
bed.done(t)
