#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the ct action does to packets and to their keys: states, NAT, marks, labels,
force, fragments; and what becomes of a connection across an upcall."""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module                           # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from abibed import NSH, PUSH_NSH, STOCK, check_pkt_len, push_eth, push_mpls   # noqa: E402
from ctbed import (ACT_CT_CLEAR, COMMIT, CT_ORIG4, FORCE, LABELS, SRC, DST, IP_MIN,  # noqa: E402
                   PROTO_MIN, PROTO_MAX, IPV4, IPV6, Bed, addr, ct, flag, fragments4, fragments6,
                   icmp4, mark, nat, recirc, tcp4, u16, udp6, zone)

t = Ktap()
run('modprobe nf_conntrack_netlink')
bed = Bed()
C, F = flag(COMMIT), flag(FORCE)
A, B = '10.0.0.1', '10.0.0.2'
NEW, EST, REPLY = 'new+trk', 'est+trk', 'est+rpl+trk'


def udp(src=A, dst=B, sport=1000, dport=2000, **kw):
    return nl.udp4(src, dst, sport, dport, **kw)


def stages(port, *actions, **kw):
    """Packets from a port run the actions, then show their key."""
    bed.flow(0, port, *actions, recirc(1), **kw)
    bed.flow(1, port, bed.user, **kw)


def state(seen):
    return seen and seen.state


def addresses(seen):
    return seen and (seen.src, seen.dst, seen.ports)


def table():
    return run('conntrack -L 2>/dev/null')


# The life of a connection.
bed.clear()
stages(1, ct(C, zone(5)), proto=17)
stages(2, ct(zone(5)), proto=17)
s = bed.send(1, udp())
t.equal((state(s), s.zone), (NEW, 5), 'the first packet: new, in the zone')
t.equal(s.orig, (A, B, 1000, 2000, 17), 'the original direction is in the key')
t.equal(state(bed.send(1, udp())), NEW, 'a second packet, no reply yet: new')
s = bed.send(2, udp(B, A, 2000, 1000))
t.equal((state(s), s.orig), (REPLY, (A, B, 1000, 2000, 17)), 'the reply: established')
t.equal(state(bed.send(1, udp())), EST, 'a packet after the reply: established')
t.ok('sport=1000' in table() and 'zone=5' in table(), 'conntrack lists it', table())
s = bed.send(2, udp(B, A, 2000, 1001))
t.equal(state(s), NEW, 'another connection: new')
t.ok('1001' not in table(), 'which is not in the table, as it was not committed')
stages(3, ct(zone(5)), ct(zone(6)), proto=17)
s = bed.send(3, udp())
t.equal((state(s), s.zone), (NEW, 6), 'another zone: another connection')
bed.dp.flush()
stages(1, ct(zone(5)), flag(ACT_CT_CLEAR), proto=17)
s = bed.send(1, udp())
t.equal((s.state, s.zone, s.mark, s.orig), ('', 0, 0, None), 'ct_clear: nothing is left')

# Invalid packets.
bed.clear()
stages(1, ct(C, zone(9)), proto=17)
bad = bytearray(udp())
bad[41] ^= 0x55
s = bed.send(1, bytes(bad))
t.equal((state(s), s.zone, s.orig), ('inv+trk', 9, None), 'a wrong checksum: invalid')
t.equal(table(), '', 'committing it does nothing')
# A packet that has a connection, and then none: nothing of the first is left in its key.
bed.clear()
bed.flow(0, 1, ct(C, zone(5)), nl.output(3), proto=6)
bed.flow(0, 2, ct(zone(5)), ct(zone(6)), recirc(1), proto=6)
ORIG = [nl.attr(nl.RECIRC_ID, 1), nl.attr(nl.IN_PORT, 2), nl.attr(nl.ETHERNET, bytes(12)),
        nl.attr(nl.ETHERTYPE, b'\x08\0'), nl.attr(nl.IPV4, bytes(12)), nl.attr(CT_ORIG4, bytes(16))]
ORIG_MASK = [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.ETHERTYPE, b'\xff\xff'),
             nl.attr(CT_ORIG4, b'\xff' * 8 + bytes(8))]
if STOCK:
    t.skip('neither tracked nor with addresses of a connection', 'those of the former are left')
else:
    bed.dp.add_flow(ORIG, ORIG_MASK, [nl.output(3)])
    bed.wires[1].send(tcp4(A, B, 1000, 80, 1, 0, 2))
    bed.wires[2].send(tcp4(B, A, 80, 1000, 1, 2, 0x12))
    out = bed.wires[3].recv_all(lambda fs: len(fs) >= 2, 2)
    s = bed.see(0.1)
    t.equal((len(out), s and (state(s), s.orig)), (2, None),
            'not tracked any more: no addresses of a connection')
bed.clear()
stages(1, ct(C, zone(9)), proto=17)
padded = udp(payload=b'') + b'\xee' * 18
t.equal(state(bed.send(1, padded)), NEW, 'padding of the frame does not count')

# Marks and labels.
bed.clear()
stages(1, ct(C, zone(9), mark(0x0f, 0x0f),
             nl.attr(LABELS, b'\x01' + bytes(15) + b'\x0f' + bytes(15))), proto=17)
s = bed.send(1, udp())
t.equal((s.mark, s.labels, s.state), (0x0f, '01' + '00' * 15, NEW),
        'a mark and labels: in the key, whose state stays')
t.ok('mark=15' in table(), 'conntrack lists the mark', table())
bed.dp.flush()
stages(1, ct(C, zone(9), mark(0xa0, 0xf0),
             nl.attr(LABELS, b'\xf0' + bytes(14) + b'\x80' + b'\xf0' + bytes(14) + b'\x80')),
       proto=17)
s = bed.send(1, udp())
t.equal((s.mark, s.labels), (0xaf, 'f1' + '00' * 14 + '80'), 'only what the masks cover changes')
bed.dp.flush()
stages(1, ct(zone(9)), proto=17)
s = bed.send(1, udp())
t.equal((s.mark, s.labels), (0xaf, 'f1' + '00' * 14 + '80'), 'a lookup finds them again')

# Source NAT.
bed.clear()
snat = ct(C, zone(5), nat(flag(SRC), addr(IP_MIN, '10.0.0.99')))
bed.flow(0, 1, ct(zone(5), nat()), recirc(1), proto=17)
bed.flow(1, 1, bed.user, snat, recirc(2), proto=17)
bed.flow(2, 1, bed.user, proto=17)
stages(2, ct(zone(5), nat()), proto=17)
for which in ('first', 'second'):
    s = bed.send(1, udp())
    t.equal((state(s), s.src), (NEW, A), 'SNAT, %s packet: not before it is committed' % which)
    s = bed.see()
    t.equal((state(s), s.src, s.orig), (NEW + '+snat', '10.0.0.99', (A, B, 1000, 2000, 17)),
            'SNAT, %s packet: translated' % which)
    t.ok(nl.checksums_right(s.packet), 'SNAT, %s packet: checksums are right' % which)
s = bed.send(2, udp(B, '10.0.0.99', 2000, 1000))
t.equal((state(s), addresses(s)), (REPLY + '+dnat', (B, A, (2000, 1000))),
        'SNAT, the reply: translated back')
t.ok(nl.checksums_right(s.packet), 'SNAT, the reply: checksums are right')
s = bed.send(1, udp())
t.equal((state(s), s.src), (EST + '+snat', '10.0.0.99'), 'SNAT, established: at the lookup')
bed.see()
icmp_error = icmp4(B, '10.0.0.99', 3, 3, bytes(4) + udp('10.0.0.99')[14:])
stages(2, ct(zone(5), nat()), proto=1)
s = bed.send(2, icmp_error)
t.equal((state(s), s.dst), ('rel+rpl+trk+dnat', A), 'SNAT, an ICMP error: related, translated')
t.ok(s.packet[14:] == icmp4(B, A, 3, 3, bytes(4) + udp()[14:])[14:],
     'and so is what it quotes, with all checksums', s.packet.hex())
bed.dp.flush()
stages(2, ct(zone(5)), proto=17)
s = bed.send(2, udp(B, '10.0.0.99', 2000, 1000))
t.equal((state(s), s.dst), (REPLY, '10.0.0.99'), 'without NAT in the action nothing is translated')
bed.dp.flush()
stages(2, ct(zone(5), nat()), ct(zone(5), nat()), ct(zone(5)), proto=17)
s = bed.send(2, udp(B, '10.0.0.99', 2000, 1000))
t.equal((state(s), s.dst), (REPLY + '+dnat', A), 'a packet is translated once in a zone')

# Across an upcall the connection is found again, translated or not.
bed.dp.flush()
stages(2, ct(zone(5), nat()), proto=17)
s = bed.send(2, udp(B, '10.0.0.99', 2000, 1000))
bed.flow(3, 2, bed.user, proto=17)
bed.execute(s.packet, [ct(zone(5), nat()), recirc(3)], s.metadata())
s2 = bed.see()
t.equal(s2 and (s2.state, s2.dst, s2.orig), (REPLY + '+dnat', A, (A, B, 1000, 2000, 17)),
        'a translated packet that comes back from an upcall keeps its connection')

# Destination NAT, with ports; two connections that would look the same behind it.
bed.clear()
stages(1, ct(C, zone(3), nat(flag(DST), addr(IP_MIN, '10.0.0.50'), u16(PROTO_MIN, 80))),
       proto=17)
s = bed.send(1, udp())
t.equal((state(s), addresses(s)), (NEW + '+snat+dnat', (A, '10.0.0.50', (1000, 80))),
        'DNAT to an address and a port; the source counts as translated to itself')
s = bed.send(1, udp(dst='10.0.0.3'))
t.ok(state(s) == NEW + '+snat+dnat' and s.dst == '10.0.0.50' and s.ports[0] != 1000,
     'DNAT of a second connection to the same place: its source port tells it apart',
     s and vars(s))
bed.clear()
stages(1, ct(C, nat(flag(SRC), addr(IP_MIN, '10.0.0.99'), u16(PROTO_MIN, 3000),
                    u16(PROTO_MAX, 3001))), proto=17)
got = {bed.send(1, udp(sport=n)).ports[0] for n in (1000, 1001)}
t.equal(got, {3000, 3001}, 'SNAT to a range of ports: each is used once')
bed.wires[1].send(udp(sport=1002))
t.ok(bed.see(1) is None, 'when it is used up packets are dropped')

# IPv6.
bed.clear()
stages(1, ct(C, nat(flag(SRC), addr(IP_MIN, 'fd00::99'))), eth=IPV6, proto=17)
stages(2, ct(nat()), eth=IPV6, proto=17)
s = bed.send(1, udp6('fd00::1', 'fd00::2', 1000, 2000))
t.equal((state(s), s.src, s.orig), (NEW + '+snat', 'fd00::99',
                                    ('fd00::1', 'fd00::2', 1000, 2000, 17)), 'SNAT of IPv6')
s = bed.send(2, udp6('fd00::2', 'fd00::99', 2000, 1000))
t.equal((state(s), s.dst), (REPLY + '+dnat', 'fd00::1'), 'and the reply')
t.equal(s.packet[54:], udp6('fd00::2', 'fd00::1', 2000, 1000)[54:], 'with its checksum')

# ICMP: type and code are the ports of the original direction.
bed.clear()
stages(1, ct(C), proto=1)
s = bed.send(1, icmp4(A, B, 8, 0, struct.pack('!HH', 7, 1) + b'x' * 20))
t.equal((state(s), s.orig), (NEW, (A, B, 8, 0, 1)), 'an echo request')

# Force.
bed.clear()
stages(1, ct(C), proto=17)
bed.flow(0, 2, ct(), bed.user, ct(F), recirc(3), proto=17)
bed.flow(3, 2, bed.user, proto=17)
bed.send(1, udp())
s = bed.send(2, udp(B, A, 2000, 1000))
t.equal(state(s), REPLY, 'force: a reply as it was')
s = bed.see()
t.equal((state(s), s.orig), (NEW, (B, A, 2000, 1000, 17)), 'force: it begins a connection')
t.ok('src=10.0.0.2 dst=10.0.0.1 sport=2000 dport=1000 [UNREPLIED]' in table(),
     'force: which takes the place of the old one', table())
bed.dp.flush()
stages(1, ct(F), proto=17)
s = bed.send(1, udp())
t.equal((state(s), s.orig), (NEW, (A, B, 1000, 2000, 17)), 'force: also without a lookup before')

# TCP: once it is established, the window does not matter.
bed.clear()
for port in (1, 2):
    stages(port, ct(C), proto=6)
SYN, ACK = 2, 16
t.equal(state(bed.send(1, tcp4(A, B, 5000, 80, 100, 0, SYN))), NEW, 'TCP: SYN')
t.equal(state(bed.send(2, tcp4(B, A, 80, 5000, 500, 101, SYN | ACK))), REPLY, 'TCP: SYN+ACK')
t.equal(state(bed.send(1, tcp4(A, B, 5000, 80, 101, 501, ACK))), EST, 'TCP: ACK')
for n in (1, 2):
    bed.send(1, tcp4(A, B, 5000, 80, 101, 501, ACK, b'x' * 10))
s = bed.send(1, tcp4(A, B, 5000, 80, 101 + 100000, 501, ACK, b'x' * 10))
t.equal(state(s), EST, 'TCP: far out of the window')
t.equal(state(bed.send(1, tcp4(A, B, 5000, 81, 100, 0, 0))), 'inv+trk', 'TCP: no flags: invalid')

# Fragments.
bed.clear()
big = udp(payload=b'y' * 2000)
stages(1, ct(C))
bed.flow(0, 2, ct(C), nl.output(3))
for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
    frags = fragments4(big, 800, ident=50 + order[0])
    for i in order[:-1]:
        bed.wires[1].send(frags[i])
    t.ok(bed.see(0.5) is None, 'fragments in order %r: held until all are there' % (order,))
    s = bed.send(1, frags[order[-1]])
    t.equal(s and (s.mru, s.frag, s.ports, len(s.packet), s.packet[34:] == big[34:]),
            (820, 0, (1000, 2000), len(big), True),
            'fragments in order %r: one datagram, its key, its MRU' % (order,))
for f in fragments4(big, 800, ident=60):
    bed.wires[2].send(f)
out = bed.wires[3].recv_all(lambda fs: len(fs) >= 3)
t.equal([f[20:22] + f[34:] for f in out],
        [f[20:22] + f[34:] for f in fragments4(big, 800, ident=60)],
        'it goes out in the fragments that it came in')

if not STOCK:       # it takes headroom, or the IP header, for the Ethernet header
    bed.clear()
    bare = [nl.attr(nl.IN_PORT, 1), nl.attr(nl.ETHERTYPE, IPV4)]
    framed = [nl.attr(nl.IN_PORT, 1)]
    for ident, kinds, want in ((70, (bare, bare), 1), (71, (framed, framed), 1),
                               (72, (bare, framed), 0), (73, (framed, bare), 0)):
        first, last = fragments4(udp(payload=b'k' * 1000), 800, ident=ident)
        for f, kind in ((first, kinds[0]), (last, kinds[1])):
            bed.execute(f if kind is framed else f[14:], [ct(C), bed.user], kind)
        seen = bed.see(10 if want else 0.5)
        t.equal(seen and (seen.mru, seen.frag), (820, 0) if want else None,
                'the first fragment %s Ethernet header, the last %s' %
                tuple('with an' if k is framed else 'without' for k in kinds))

big6 = udp6('fd00::1', 'fd00::2', 1000, 2000, b'z' * 3000)
bed.clear()
stages(1, ct(C), eth=IPV6)
bed.flow(0, 2, ct(C), nl.output(3), eth=IPV6)
for f in fragments6(big6, 1304, ident=7):
    bed.wires[1].send(f)
s = bed.see()
t.equal(s and (s.mru, s.frag, s.ports, s.packet[54:] == big6[54:]),
        (1352, 0, (1000, 2000), True), 'IPv6 fragments: one datagram')
for f in fragments6(big6, 1304, ident=8):
    bed.wires[2].send(f)
out = bed.wires[3].recv_all(lambda fs: len(fs) >= 3)
t.equal([f[:20] + f[54:58] + f[62:] for f in out],
        [f[:20] + f[54:58] + f[62:] for f in fragments6(big6, 1304, ident=8)],
        'IPv6: it goes out in the fragments that it came in')

# The MRU of a packet from userspace.
for mru, want in ((0, []), (24, []), (27, []), (600, [610, 610, 610, 314]), (1500, [1514, 562]),
                  (1501, [])):
    bed.execute(big, [nl.output(3)], [nl.attr(nl.IN_PORT, 1)], mru)
    out = bed.wires[3].recv_all(lambda fs: want and len(fs) >= len(want), 5 if want else 0.5)
    t.equal([len(f) for f in out], want, 'executed with an MRU of %d, port MTU 1500' % mru)
run('ip link set p3 mtu 9000; ip link set w3 mtu 9000')
bed.execute(big, [nl.output(3)], [nl.attr(nl.IN_PORT, 1)], 3000)
t.equal([len(f) for f in bed.wires[3].recv_all(lambda fs: fs)], [len(big)],
        'executed with an MRU that it fits')
bed.execute(big, [nl.nest(nl.CLONE, nl.output(3)), nl.output(3)],
            [nl.attr(nl.IN_PORT, 1)], 1020)
t.equal(sorted(len(f) for f in bed.wires[3].recv_all(lambda fs: len(fs) >= 6)),
        [42, 42, 1034, 1034, 1034, 1034], 'a copy is fragmented, too')
bed.execute(big, [push_mpls(0x140), nl.output(3)], [nl.attr(nl.IN_PORT, 1)], 820)
out = bed.wires[3].recv_all(lambda fs: len(fs) >= 3)
t.equal([(len(f), f[12:14].hex(), f[18:19].hex(), f[24:26]) for f in out],
        [(n, '8847', '45', f[20:22]) for n, f in zip((838, 838, 446), fragments4(big, 800))],
        'behind an MPLS label each fragment has it')
if not STOCK:       # which goes by the inner protocol that it had, and warns
    bed.execute(big[:12] + b'\x88\x47\0\0\x11\x40' + big[14:],
                [nl.attr(nl.POP_MPLS, IPV4), nl.output(3)], [nl.attr(nl.IN_PORT, 1)], 820)
    out = bed.wires[3].recv_all(lambda fs: len(fs) >= 3)
    t.equal([f[20:22] + f[34:] for f in out], [f[20:22] + f[34:] for f in fragments4(big, 800)],
            'and none has it if it is taken off')
# Each fragment counts, with 14 bytes of Ethernet header.
for limit, port in ((833, 2), (834, 3)):
    bed.execute(big, [check_pkt_len(limit, [nl.output(2)], [nl.output(3)])],
                [nl.attr(nl.IN_PORT, 1)], 820)
    out = bed.wires[port].recv_all(lambda fs: len(fs) >= 3)
    t.equal(len(out), 3, 'check_pkt_len of %d: fragments of 834 are %s' %
            (limit, 'longer' if port == 2 else 'not longer'))
# What can't be fragmented is dropped.
push_nsh = nl.nest(PUSH_NSH, nl.nest(NSH, nl.attr(1, struct.pack('!BBBBI', 0, 63, 1, 3, 1)),
                                     nl.attr(2, bytes(16))))
for what, actions, reason in (
        ('behind 13 MPLS labels', [push_mpls(0x140)] + 12 * [push_mpls(0x40)], 'frag_l2_too_long'),
        ('in NSH', [push_nsh, push_eth()], 'frag_invalid_proto')):
    if STOCK and 'NSH' in what:
        continue        # it takes bytes of that header for the end of the packet
    before = bed.dp.drops() if not STOCK else {}
    bed.execute(big, actions + [nl.output(3)], [nl.attr(nl.IN_PORT, 1)], 820)
    t.equal(bed.wires[3].recv_all(lambda fs: fs, 0.5), [], 'fragments %s: dropped' % what)
    if not STOCK:
        t.equal(bed.dp.drops()[reason] - before[reason], 1, 'and counted as ' + reason)
vlan = nl.attr(nl.PUSH_VLAN, struct.pack('!HH', 0x8100, 0x1005))
bed.execute(big, [vlan, nl.output(3)], [nl.attr(nl.IN_PORT, 1)], 1020)
out = bed.wires[3].recv_all(lambda fs: len(fs) >= 3)
t.equal([(len(f), f[12:18].hex()) for f in out],
        [(n, '810000050800') for n in (1038, 1038, 46)], 'each fragment has the VLAN tag')

# What the host tracked before an internal port took it.
bed.clear()
run('sysctl -qw net.ipv6.conf.dp0.disable_ipv6=1; ip link set dp0 up')
run('ip addr add 192.168.77.1/24 dev dp0')
run('ip neigh add 192.168.77.2 lladdr 02:00:00:00:00:02 dev dp0')
run('nft "add table ip t; add chain ip t c { type filter hook output priority 0; }; '
    'add rule ip t c ct state new counter"')
host = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
host.bind(('192.168.77.1', 4443))
host.sendto(b'x', ('192.168.77.2', 4444))
s = bed.see()
t.equal(s and (s.state, s.zone, s.orig),
        (NEW, 0, ('192.168.77.1', '192.168.77.2', 4443, 4444, 17)),
        'a packet that the host tracked has its state when it comes in')
bed.flow(0, 0, ct(zone(4)), recirc(1), proto=17)
bed.flow(1, 0, bed.user, proto=17)
host.sendto(b'x', ('192.168.77.2', 4444))
s = bed.see()
t.equal(s and (s.state, s.zone), (NEW, 4), 'and another in another zone')
host.close()
run('nft delete table ip t')

# Unloading while connections live.
t.ok(table(), 'there are connections')
bed.dp.flush()
bed.dp.delete()
t.ok(unload_module(), 'the module unloads and leaves them')
t.finish()
