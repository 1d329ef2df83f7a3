#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tunnels on the wire: what set(tunnel) and output make of a packet, header by header, and
what the key of a packet that comes by a tunnel says, for each kind of tunnel; packets without an
Ethernet header; the tunnel of OVS_PACKET_ATTR_EGRESS_TUN_KEY.

The underlay is a pair of veth devices, u0 with the addresses and u1 with nothing: what leaves
is read from u1, what comes in is written to it, both as raw frames."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../lib'))
import ovsnl as nl  # noqa: E402
import tunattrs as t  # noqa: E402
from ktap import Ktap, load_module, run, unload_module  # noqa: E402

print('TAP version 13', flush=True)
load_module()
k = Ktap()
listener = nl.Genl()
dp = nl.Datapath()
LOCAL, REMOTE, LOCAL6, REMOTE6 = '172.31.0.1', '172.31.0.2', 'fd31::1', 'fd31::2'
U0, U1 = nl.mac(0x10), nl.mac(0x11)
VXLAN, GPE, GENEVE, GRE, GREL, ERSPAN, VETH = 10, 11, 12, 13, 14, 15, 1


def text(mac):
    return ':'.join('%02x' % b for b in mac)


run('modprobe -a vxlan geneve ip_gre')
run('ip link add u0 address %s type veth peer name u1 address %s' % (text(U0), text(U1)))
run('sysctl -qw net.ipv6.conf.u1.disable_ipv6=1 net.ipv6.conf.u0.accept_dad=0')
run('ip link set u0 up; ip link set u1 up; ethtool -K u0 tx off >/dev/null')
run('ip addr add %s/24 dev u0; ip addr add %s/64 dev u0' % (LOCAL, LOCAL6))
run('ip neigh add %s lladdr %s dev u0; ip neigh add %s lladdr %s dev u0' %
    (REMOTE, text(U1), REMOTE6, text(U1)))
run('ip link add p1 type veth peer name w1; ip link set p1 up; ip link set w1 up')
wire = nl.Wire('u1')
dp.add_port('p1', VETH)
for number, name, kind in (
        (VXLAN, 'vx', 'vxlan dstport 4789 gbp udp6zerocsumrx'), (GPE, 'gpe', 'vxlan gpe dstport 4790'),
        (GENEVE, 'gn', 'geneve dstport 6081'), (GRE, 'gt', 'gretap'), (GREL, 'gl', 'gre'),
        (ERSPAN, 'es', 'erspan')):
    run('ip link add %s type %s external; ip link set %s up' % (name, kind, name))
    dp.add_port(name, number, pid=listener.pid)


def csum_ok(ip):
    return nl.csum(ip[:20]) == 0


class Outer:
    """An encapsulated frame, taken apart."""

    def __init__(self, frame):
        self.mac = frame[:12]
        if frame[12:14] == b'\x08\0':
            ip = frame[14:14 + struct.unpack('!H', frame[16:18])[0]]
            self.tos, self.ttl, self.proto = ip[1], ip[8], ip[9]
            self.df = bool(ip[6] & 0x40)
            self.src, self.dst = ip[12:16], ip[16:20]
            self.good = csum_ok(ip)
            self.l4 = ip[20:]
        else:
            ip = frame[14:]
            self.tos = (ip[0] & 0xf) << 4 | ip[1] >> 4
            self.ttl, self.proto, self.df, self.good = ip[7], ip[6], False, True
            self.src, self.dst = ip[8:24], ip[24:40]
            self.l4 = ip[40:]
        if self.proto == 17:
            self.sport, self.dport, _, self.csum = struct.unpack('!HHHH', self.l4[:8])
            self.body = self.l4[8:]


def leave(frame, tun, port, l3=None):
    """The frame on the wire when FRAME is sent by a tunnel; None if nothing came."""
    wire.recv_all(lambda fs: False, 0.05)
    key = [nl.attr(nl.IN_PORT, VETH)]
    key.append(nl.attr(nl.ETHERTYPE, l3) if l3 else nl.attr(nl.ETHERNET, bytes(12)))
    dp.execute(frame, key, [nl.nest(nl.SET, nl.nest(nl.TUNNEL, *tun)), nl.output(port)])
    got = wire.recv_all(lambda fs: any(f[:12] == U1 + U0 for f in fs), 3)
    got = [f for f in got if f[:12] == U1 + U0]
    return Outer(got[0]) if got else None


FRAME = nl.udp4('10.0.0.1', '10.0.0.9', 1001, 80)
PACKET = FRAME[14:]
DST = t.v4(t.IPV4_DST, REMOTE)
DST6 = t.raw(t.IPV6_DST, bytes.fromhex('fd310000000000000000000000000002'))
TTL = t.u8(t.TTL, 33)
CSUM, DF, OAM = t.raw(t.CSUM), t.raw(t.DF), t.raw(t.OAM)

out = leave(FRAME, [t.ident(0x123456), DST, TTL, t.u8(t.TOS, 0x10), DF], VXLAN)
k.equal((out.src, out.dst, out.ttl, out.tos, out.df, out.good),
        (nl.ip4(LOCAL), nl.ip4(REMOTE), 33, 0x10, True, True), 'VXLAN: outer IPv4 header')
k.equal((out.dport, out.csum, out.body), (4789, 0, b'\x08\0\0\0\x12\x34\x56\0' + FRAME),
        'VXLAN: port, no checksum, VNI, the frame')
out = leave(FRAME, [DST, TTL, CSUM], VXLAN)
k.ok(out.csum and not out.df and out.tos == 0 and out.body[:8] == b'\x08' + bytes(7),
     'VXLAN: CSUM asks for a checksum; DF, TOS and ID only if they are given')
out = leave(FRAME, [t.ident(5), DST6, TTL, t.u8(t.TOS, 0x10)], VXLAN)
k.equal((out.src[-1], out.dst[-1], out.ttl, out.tos, out.csum, out.body[8:]),
        (1, 2, 33, 0x10, 0, FRAME), 'VXLAN over IPv6')
out = leave(FRAME, [t.ident(5), DST, TTL, t.gbp(0x8123)], VXLAN)
k.equal(out.body[:8], b'\x88\0\x81\x23\0\0\5\0', 'VXLAN: group policy')

OPTS = t.opt(0x102, 0x80, b'abcd') + t.opt(0x102, 3, b'efghijkl')
out = leave(FRAME, [t.ident(0x123456), DST, TTL, t.geneve(OPTS), OAM], GENEVE)
k.equal((out.dport, out.body),
        (6081, b'\x05\xc0\x65\x58\x12\x34\x56\0' + OPTS + FRAME),
        'Geneve: options; they make it critical; OAM')
out = leave(FRAME, [t.ident(1), DST, TTL, t.geneve(t.opt(0x102, 3, b'abcd'))], GENEVE)
k.equal(out.body[:8], b'\x02\0\x65\x58\0\0\1\0', 'Geneve: a harmless option')
out = leave(FRAME, [t.ident(1), DST, TTL, t.geneve(bytes(252))], GENEVE)
k.equal((out.body[0], len(out.body)), (0x3f, 8 + 252 + len(FRAME)), 'Geneve: 252 bytes of options')

out = leave(FRAME, [t.ident(0x12345678), DST, TTL], GRE)
k.equal((out.proto, out.l4), (47, b'\x20\0\x65\x58\x12\x34\x56\x78' + FRAME), 'GRE: key')
out = leave(FRAME, [DST, TTL], GRE)
k.equal(out.l4, b'\0\0\x65\x58' + FRAME, 'GRE: no key')
out = leave(FRAME, [DST, TTL, CSUM], GRE)
k.ok(out.l4[:4] == b'\x80\0\x65\x58' and nl.csum(out.l4) == 0, 'GRE: checksum')

out = leave(FRAME, [t.ident(9), DST, TTL, t.erspan(1, 5)], ERSPAN)
k.ok(out.l4[2:4] == b'\x88\xbe' and out.l4[8] >> 4 == 1 and
     struct.unpack('!I', out.l4[12:16])[0] & 0xfffff == 5 and
     struct.unpack('!H', out.l4[10:12])[0] & 0x3ff == 9 and out.l4[16:] == FRAME,
     'ERSPAN: version, session, index, the frame', out.l4.hex())

# Without an Ethernet header.
out = leave(PACKET, [t.ident(5), DST, TTL], GPE, b'\x08\0')
k.equal(out.body, b'\x0c\0\0\1\0\0\5\0' + PACKET, 'VXLAN-GPE: an IPv4 packet')
out = leave(PACKET, [t.ident(5), DST, TTL], GREL, b'\x08\0')
k.equal(out.l4, b'\x20\0\x08\0\0\0\0\5' + PACKET, 'GRE, layer 3: an IPv4 packet')
out = leave(FRAME, [t.ident(5), DST, TTL], GREL)
k.equal(out.l4, b'\x20\0\x65\x58\0\0\0\5' + FRAME, 'GRE, layer 3: an Ethernet frame')
k.ok(leave(PACKET, [t.ident(5), DST, TTL], VXLAN, b'\x08\0') is None,
     'a packet without an Ethernet header does not leave by an Ethernet device')
k.ok(leave(FRAME, [t.ident(1), t.raw(t.BRIDGE)], VXLAN) is None,
     'IPV4_INFO_BRIDGE: nothing leaves a device without an address')
wire.recv_all(lambda fs: False, 0.05)
dp.execute(FRAME, [nl.attr(nl.IN_PORT, VETH), nl.attr(nl.ETHERNET, bytes(12))],
           [nl.output(VXLAN)])
k.ok(not [f for f in wire.recv_all(lambda fs: fs, 0.3) if f[:12] == U1 + U0],
     'nothing leaves a tunnel without set(tunnel)')


def arrive(body, proto=17, port=None, tos=0x10, ttl=33, csum=False, v6=False):
    """The key of the upcall for an encapsulated frame that comes in."""
    if port:
        l4 = struct.pack('!HHHH', 5555, port, 8 + len(body), 0) + body
        if csum:
            pseudo = (nl.ip4(REMOTE) + nl.ip4(LOCAL) +
                      struct.pack('!BBH', 0, 17, len(l4)))
            l4 = l4[:6] + struct.pack('!H', nl.csum(pseudo + l4) or 0xffff) + l4[8:]
    else:
        l4 = body
    if v6:
        head = (struct.pack('!IHBB', 6 << 28 | tos << 20, len(l4), proto, ttl) +
                bytes.fromhex('fd310000000000000000000000000002'
                              'fd310000000000000000000000000001'))
        kind = b'\x86\xdd'
    else:
        head = struct.pack('!BBHHHBBH', 0x45, tos, 20 + len(l4), 1, 0, ttl, proto, 0) + \
            nl.ip4(REMOTE) + nl.ip4(LOCAL)
        head = head[:10] + struct.pack('!H', nl.csum(head)) + head[12:]
        kind = b'\x08\0'
    while listener.recv_upcall(0.01):
        pass
    wire.send(U0 + U1 + kind + head + l4)
    while True:
        got = listener.recv_upcall(3)
        if not got:
            return None, None
        key = nl.attrs(got[1][2])
        if key.get(nl.ETHERTYPE) == b'\x08\0':      # no neighbour discovery
            return key, got[1][1]


PAD = 14        # before a number of 64 bits, where the processor wants it aligned


def tun_attrs(nest):
    return {kind: data for kind, data in nl.attrs(nest).items() if kind != PAD}


def tunnel(key):
    return ' '.join('%d:%s' % (kind, data.hex())
                    for kind, data in tun_attrs(key[nl.TUNNEL]).items()) if key else None


BOTH = '1:ac1f0002 2:ac1f0001 3:10 4:21'
key, packet = arrive(b'\x08\0\0\0\x12\x34\x56\0' + FRAME, port=4789)
k.equal(tunnel(key), '0:0000000000123456 %s 9:15b3 10:12b5' % BOTH, 'from VXLAN')
k.equal((key[nl.IN_PORT][0], key[nl.IPV4][:4], packet), (VXLAN, nl.ip4('10.0.0.1'), FRAME),
        'the upcall has the port, the inner headers and the frame')
key, _ = arrive(b'\x08\0\0\0\0\0\5\0' + FRAME, port=4789, csum=True)
k.equal(tunnel(key), '0:0000000000000005 %s 6: 9:15b3 10:12b5' % BOTH,
        'from VXLAN with a checksum')
key, _ = arrive(b'\x88\0\x81\x23\0\0\5\0' + FRAME, port=4789)
k.equal(tunnel(key), '0:0000000000000005 %s 9:15b3 10:12b5 11:0800010023810000' % BOTH,
        'from VXLAN with a group policy')
key, _ = arrive(b'\x08\0\0\0\0\0\5\0' + FRAME, port=4789, v6=True)
k.equal(tunnel(key), '0:0000000000000005 12:fd310000000000000000000000000002 '
        '13:fd310000000000000000000000000001 3:10 4:21 9:15b3 10:12b5', 'from VXLAN over IPv6')
key, _ = arrive(b'\x05\xc0\x65\x58\x12\x34\x56\0' + OPTS + FRAME, port=6081)
k.equal(tunnel(key), '0:0000000000123456 %s 9:15b3 10:17c1 7: 8:%s' % (BOTH, OPTS.hex()),
        'from Geneve with options and OAM')
key, _ = arrive(b'\0\0\x65\x58\0\0\1\0' + FRAME, port=6081)
k.equal(tunnel(key), '0:0000000000000001 %s 9:15b3 10:17c1' % BOTH, 'from Geneve')
key, _ = arrive(b'\x20\0\x65\x58\x12\x34\x56\x78' + FRAME, proto=47)
k.equal(tunnel(key), '0:0000000012345678 ' + BOTH, 'from GRE')
key, _ = arrive(b'\0\0\x65\x58' + FRAME, proto=47)
k.equal(tunnel(key), BOTH, 'from GRE without a key')
key, packet = arrive(b'\x20\0\x08\0\0\0\0\5' + PACKET, proto=47)
k.ok(tunnel(key) == '0:0000000000000005 ' + BOTH and nl.ETHERNET not in key and
     key[nl.ETHERTYPE] == b'\x08\0' and key[nl.IN_PORT][0] == GREL and packet == PACKET,
     'from GRE without an Ethernet header', key, packet)
key, packet = arrive(b'\x0c\0\0\1\0\0\5\0' + PACKET, port=4790)
k.ok(key and nl.ETHERNET not in key and key[nl.IPV4][:4] == nl.ip4('10.0.0.1') and
     key[nl.IN_PORT][0] == GPE and packet == PACKET,
     'from VXLAN-GPE without an Ethernet header', key, packet)
key, packet = arrive(b'\x10\0\x88\xbe\0\0\0\1' + b'\x10\0\0\x09\0\0\0\5' + FRAME, proto=47)
k.ok(key and key[nl.IN_PORT][0] == ERSPAN and packet == FRAME and
     tunnel(key).startswith('0:0000000000000009 ' + BOTH) and
     tunnel(key).endswith('15:010000000000000500000000'), 'from ERSPAN', tunnel(key))
key, _ = arrive(b'\x08\0\0\0\0\0\1\0' + FRAME, port=4789)
k.equal(tunnel(key), '0:0000000000000001 %s 9:15b3 10:12b5' % BOTH,
        'from VXLAN after Geneve: no options are left')

run('ip link del gt')
key, packet = arrive(b'\x20\0\x65\x58\0\0\0\5' + FRAME, proto=47)
k.ok(key and key[nl.IN_PORT][0] == GREL and nl.ETHERNET in key and packet == FRAME,
     'an Ethernet frame from GRE, layer 3', key, packet)


def upcall_egress(acts, port):
    """EGRESS_TUN_KEY of an upcall, as text, or None."""
    lis = nl.Genl()
    dp.execute(FRAME, [nl.attr(nl.IN_PORT, VETH), nl.attr(nl.ETHERNET, bytes(12))],
               acts + [nl.nest(nl.USERSPACE, nl.attr(1, lis.pid), nl.attr(3, port))])
    a = lis.recv_upcall()[1]
    return {kind: v.hex() for kind, v in tun_attrs(a[5]).items()} if 5 in a else None


# No options: Linux 6.1 warns of the copy that it makes of them here (dst_metadata.h).
SET = nl.nest(nl.SET, nl.nest(nl.TUNNEL, t.ident(5), DST, TTL))
got = upcall_egress([SET], GENEVE) or {}
ports = {kind: got.pop(kind, '0') for kind in (t.TP_SRC, t.TP_DST)}
k.equal(got, {0: '%016x' % 5, 1: 'ac1f0001', 2: 'ac1f0002', 4: '21'},
        'EGRESS_TUN_KEY: with the source that the device chooses')
# Geneve takes its source port, a hash, out of all but 0 here.
k.ok(ports[t.TP_DST] == '17c1' and int(ports[t.TP_SRC], 16) > 0, 'and the ports', ports)
k.equal(upcall_egress([SET], VETH), None, 'no EGRESS_TUN_KEY for a port that is no tunnel')
k.equal(upcall_egress([SET], 999), None, 'nor for a port that is not there')
k.equal(upcall_egress([], GENEVE), None, 'nor for a packet without set(tunnel)')
dp.delete()
k.ok(unload_module(), 'the module unloads')
k.finish()
