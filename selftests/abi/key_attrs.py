#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Key attributes of conntrack, MPLS, NSH and IPv6 extension headers in flows:
which are taken, how their masks are told, which are refused. And what the key of
a packet with such headers is, as its miss tells."""
import errno
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, load_module, run, unload_module              # noqa: E402
import ovsnl as nl                                                  # noqa: E402

MPLS, CT_STATE, CT_ZONE, CT_MARK, CT_LABELS, TUPLE4, TUPLE6, NSH = range(21, 29)
PACKET_TYPE, ND_EXTENSIONS, TUNNEL_INFO, EXTHDRS = range(29, 33)
a = nl.attr
STOCK = os.environ.get('OVS_KMOD') == 'stock'

t = Ktap()
load_module()
up = nl.Genl()
dp = nl.Datapath(pid=up.pid)
run('ip link add p1 type veth peer name w1; ip link set p1 up; ip link set w1 up')
run('sysctl -qw net.ipv6.conf.p1.disable_ipv6=1 net.ipv6.conf.w1.disable_ipv6=1')
dp.add_port('p1', 1, pid=up.pid)
wire = nl.Wire('w1')


def key(eth_type, *rest):
    return [a(nl.IN_PORT, 1), a(nl.ETHERNET, bytes(12)),
            a(nl.ETHERTYPE, struct.pack('!H', eth_type)), *rest]


def ones(n):
    return b'\xff' * n


def mpls(n):
    return key(0x8847, a(MPLS, b'\0\1\1\x40' * n))


def nsh(*attrs):
    return key(0x894f, nl.nest(NSH, *attrs))


def labels(name):
    return name.ljust(16, b'z')


V4 = key(0x800, a(nl.IPV4, bytes(8) + bytes((17, 0, 0, 0))), a(nl.UDP, bytes(4)))
V6 = key(0x86dd, a(nl.IPV6, bytes(36) + bytes((17, 0, 0, 0))), a(nl.UDP, bytes(4)))
ND = key(0x86dd, a(nl.IPV6, bytes(36) + bytes((58, 0, 0, 0))),
         a(nl.ICMPV6, bytes((135, 0))), a(nl.ND, bytes(28)))
ARP = key(0x806, a(nl.ARP, bytes(24)))
OTHER = key(0x1234)
TYPE = [a(nl.ETHERTYPE, ones(2))]
BASE = a(1, bytes((0, 63, 1, 1)) + bytes(4))        # metadata type 1
BASE2 = a(1, bytes((0, 63, 2, 1)) + bytes(4))
MD1 = a(2, b'x' * 16)
T4, T6 = bytes(12) + b'\6\0\0\0', bytes(36) + b'\6\0\0\0'
REFUSED = 'refused'

# What, key, mask, and: refused, or the attribute of the dumped mask that counts.
CASES = (
    ('ct_state', V4 + [a(CT_STATE, 0x21)], None, (CT_STATE, 'ff000000')),
    ('ct_state of unknown bits', V4 + [a(CT_STATE, 0x121)], None, REFUSED),
    ('mask of unknown ct_state bits', V4 + [a(CT_STATE, 0x21)],
     TYPE + [a(CT_STATE, 0xffffffff)], REFUSED),
    ('mask of ct_state', V4 + [a(CT_STATE, 0x21)], TYPE + [a(CT_STATE, 0x0f)],
     (CT_STATE, '0f000000')),
    ('mask of ct_state without a key', V4, TYPE + [a(CT_STATE, 0xff)], REFUSED),
    ('ct_zone, mark and labels', OTHER + [a(CT_ZONE, b'\5\0'), a(CT_MARK, 77),
                                          a(CT_LABELS, labels(b'l'))],
     TYPE + [a(CT_ZONE, ones(2)), a(CT_MARK, 0xff), a(CT_LABELS, ones(8) + bytes(8))],
     (CT_LABELS, 'ff' * 8 + '00' * 8)),
    ('original tuple of IPv4', V4 + [a(TUPLE4, T4)], None, (TUPLE4, 'ff' * 13 + '00' * 3)),
    ('its mask', V4 + [a(TUPLE4, T4)], TYPE + [a(TUPLE4, ones(4) + bytes(8) + b'\xff\0\0\0')],
     (TUPLE4, 'ffffffff' + '00' * 8 + 'ff000000')),
    ('its mask without the type', V4 + [a(TUPLE4, T4)], [a(TUPLE4, ones(16))], REFUSED),
    ('tuple cut short', V4 + [a(TUPLE4, T4[:13])], None, REFUSED),
    ('tuple of IPv4 on IPv6', V6 + [a(TUPLE4, T4)], None, REFUSED),
    ('tuple of IPv4 on ARP', ARP + [a(TUPLE4, T4)], None, REFUSED),
    ('tuple of IPv6 on IPv4', V4 + [a(TUPLE6, T6)], None, REFUSED),
    ('original tuple of IPv6', V6 + [a(TUPLE6, T6)], None, (TUPLE6, 'ff' * 37 + '00' * 3)),
    ('tuple of IPv6 with ND', ND + [a(TUPLE6, T6)], None, REFUSED),
    ('extension headers', V6 + [a(EXTHDRS, b'\x40\0')], None, (EXTHDRS, 'ffff')),
    ('mask of extension headers without a key', V6, TYPE + [a(EXTHDRS, ones(2))], REFUSED),
    ('one MPLS label', mpls(1), None, (MPLS, 'ff' * 4)),
    ('three MPLS labels', mpls(3), None, (MPLS, 'ff' * 12)),
    ('four MPLS labels', mpls(4), None, REFUSED),
    ('no MPLS label', mpls(0), None, REFUSED),
    ('MPLS without its attribute', mpls(1)[:3], None, REFUSED),
    ('half an MPLS label', key(0x8847, a(MPLS, bytes(6))), None, REFUSED),
    ('mask of one of two labels', mpls(2), TYPE + [a(MPLS, ones(4))], (MPLS, 'ff' * 4)),
    ('mask of MPLS without the type', mpls(1), [a(MPLS, ones(4))], REFUSED),
    ('MPLS on IPv4', V4 + [a(MPLS, b'\1\1\1\1')], None, REFUSED),
    ('NSH', nsh(BASE, MD1), TYPE + [nl.nest(NSH, a(1, ones(8)), a(2, ones(16)))],
     (NSH, '0c000100' + 'ff' * 8 + '14000200' + 'ff' * 16)),
    ('mask of the base header of NSH', nsh(BASE, MD1), TYPE + [nl.nest(NSH, a(1, ones(8)))],
     (NSH, '0c000100' + 'ff' * 8 + '14000200' + '00' * 16)),
    ('mask of the context of NSH', nsh(BASE, MD1), TYPE + [nl.nest(NSH, a(2, ones(16)))],
     (NSH, '0c000100' + '00' * 8 + '14000200' + 'ff' * 16)),
    ('NSH of metadata type 2', nsh(BASE2), TYPE + [nl.nest(NSH, a(1, ones(8)))],
     (NSH, '0c000100' + 'ff' * 8 + '14000200' + '00' * 16)),
    ('context with metadata type 2', nsh(BASE2, MD1), None, REFUSED),
    ('context alone', nsh(MD1), None, REFUSED),
    ('NSH without its attribute', nsh()[:3], None, REFUSED),
    ('metadata of NSH type 2', nsh(BASE2, a(3, bytes(8))), None, REFUSED),
    ('packet type', V4 + [a(PACKET_TYPE, 0)], None, REFUSED),
    ('ND extensions', ND + [a(ND_EXTENSIONS, bytes(8))], None, REFUSED),
    ('tunnel info', V4 + [a(TUNNEL_INFO, bytes(8))], None, REFUSED),
    ('an attribute that there is not', V4 + [a(33, bytes(8))], None, REFUSED),
    ('ARP opcode', ARP, None, (nl.ARP, 'ff' * 8 + '00' + 'ff' * 13 + '0000')),
    ('in_port', OTHER, TYPE + [a(nl.IN_PORT, 1)], (nl.IN_PORT, 'ffffffff')),
    ('no in_port', OTHER, TYPE, (nl.IN_PORT, '0000ffff')),
)
for what, k, mask, want in CASES:
    dp.flush()
    try:
        dp.add_flow(k, mask, [])
        flow = dp.flows()[0]
        kind, _ = want if want != REFUSED else (0, 0)
        got = (kind, nl.attrs(flow[7]).get(kind, b'').hex())
    except nl.NlError as err:
        got = REFUSED
        t.ok(err.errno == errno.EINVAL and (STOCK or err.extack),
             what + ': refused by EINVAL, and told why', err.errno, err.extack)
    t.equal(got, want, what)


def seen(frame):
    """The key of a packet, as the upcall of its miss tells."""
    wire.send(frame)
    upcall = up.recv_upcall()
    return nl.attrs(upcall[1][2]) if upcall else {}


dp.flush()
ETH = nl.mac(2) + nl.mac(1)


def lse(label, bottom, ttl=64):
    return struct.pack('!I', label << 12 | bottom << 8 | ttl)


stack = [lse(16 + i, 0) for i in range(5)]
for n in (1, 2, 3, 5):
    wired = b''.join(stack[:n - 1]) + lse(99, 1)
    got = seen(ETH + b'\x88\x47' + wired + bytes(40))
    t.equal((got.get(nl.ETHERTYPE), got.get(MPLS)), (b'\x88\x47', wired[:12]),
            'packet of %d MPLS labels' % n)
if not STOCK:   # which drops it
    got = seen(ETH + b'\x88\x48' + stack[0])
    t.equal(got.get(MPLS), stack[0], 'a stack without a bottom')

nsh_hdr = struct.pack('!HBBI', 63 << 6 | 6, 1, 3, 0x12345)
got = seen(ETH + b'\x89\x4f' + nsh_hdr + bytes(range(16)) + bytes(20))
t.equal(got.get(NSH), a(1, bytes((0, 63, 1, 3)) + struct.pack('!I', 0x12345)) +
        a(2, bytes(range(16))), 'packet of NSH, metadata type 1')
nsh_hdr = struct.pack('!HBBI', 1 << 12 | 62 << 6 | 2, 2, 1, 7)
got = seen(ETH + b'\x89\x4f' + nsh_hdr + bytes(20))
t.equal(got.get(NSH), a(1, bytes((1, 62, 2, 1)) + struct.pack('!I', 7)),
        'packet of NSH, metadata type 2')

HOP, ROUTING, FRAG, AUTH, DEST, NONE, UDP = 0, 43, 44, 51, 60, 59, 17
B_NONEXT, B_ESP, B_AUTH, B_DEST, B_FRAG, B_ROUTER, B_HOP, B_UNREP, B_UNSEQ = (
    1 << i for i in range(9))


def ipv6(*chain):
    """A packet with the extension headers of CHAIN, then UDP (or none)."""
    body = struct.pack('!HHHH', 1, 2, 8, 0)
    proto = UDP
    if chain and chain[-1] == NONE:
        body, proto, chain = b'', NONE, chain[:-1]
    for kind in reversed(chain):
        if kind == FRAG:
            body = bytes((proto, 0, 0, 1)) + bytes(4) + body
        elif kind == AUTH:
            body = bytes((proto, 1)) + bytes(10) + body
        else:
            body = bytes((proto, 0, 1, 4)) + bytes(4) + body
        proto = kind
    return (ETH + b'\x86\xdd' + struct.pack('!IHBB', 0x60000000, len(body), proto, 64) +
            bytes(15) + b'\1' + bytes(15) + b'\2' + body)


for chain, want in (
        ((), 0), ((HOP,), B_HOP), ((ROUTING,), B_ROUTER), ((DEST,), B_DEST),
        ((FRAG,), B_FRAG), ((AUTH,), B_AUTH), ((NONE,), B_NONEXT),
        ((HOP, DEST, ROUTING, FRAG, AUTH), B_HOP | B_DEST | B_ROUTER | B_FRAG | B_AUTH),
        ((HOP, ROUTING, DEST), B_HOP | B_ROUTER | B_DEST | B_UNSEQ),
        ((HOP, ROUTING, FRAG), B_HOP | B_ROUTER | B_FRAG),
        ((ROUTING, ROUTING), B_ROUTER | B_UNREP | B_UNSEQ),
        ((FRAG, ROUTING), B_FRAG | B_ROUTER | B_UNSEQ)):
    got = seen(ipv6(*chain)).get(EXTHDRS)
    t.equal(got and struct.unpack('=H', got)[0], want,
            'extension headers %s' % (chain,))

dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
