#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drop, push_eth, pop_eth, check_pkt_len, dec_ttl, hash, sample, trunc, nesting: what is
taken and what refused, how it is dumped, and what it does to packets."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, unload_module                                # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from abibed import (CHECK_PKT_LEN, DEC_TTL, DROP, EINVAL, EOVERFLOW, STOCK,     # noqa: E402
                    Bed, check_pkt_len, clone, dec_ttl, flow, kernel_at_least,
                    pop_eth, pop_vlan, push_eth, push_vlan, sample, set_ip,
                    set_mac, set_masked, vlan_frame)

t = Ktap()
bed = Bed()
out, out3 = nl.output(2), nl.output(3)
ALWAYS = 0xffffffff


def drop(reason=0):
    return nl.attr(DROP, reason)


def hash_by(alg, basis=0):
    return nl.attr(nl.HASH, struct.pack('=II', alg, basis))


def nested(depth, how):
    acts = [out]
    for _ in range(depth):
        acts = [how(*acts)]
    return acts


ip, l3, tagged, arp = flow(), flow(eth=False), flow(tag=5), flow(0x0806)
nd = flow(0x86dd, 58, extra=[(nl.attr(nl.ICMPV6, b'\x87\0'), nl.attr(nl.ICMPV6, b'\xff\xff')),
                             (nl.attr(nl.ND, bytes(28)), nl.attr(nl.ND, bytes(28)))])
TAKEN, NEW = 0, not STOCK       # NEW: what the stock module of old kernels lacks
for what, km, actions, want in (
        ('push_eth without Ethernet', l3, [push_eth(), out], TAKEN),
        ('push_eth on Ethernet', ip, [push_eth(), out], EINVAL),
        ('push_eth, pop_eth', l3, [push_eth(), pop_eth(), out], TAKEN),
        ('push_eth, set MAC', l3, [push_eth(), set_mac(), out], TAKEN),
        ('set MAC without Ethernet', l3, [set_mac(), out], EINVAL),
        ('push_vlan without Ethernet', l3, [push_vlan(1), out], EINVAL),
        ('pop_eth', ip, [pop_eth(), out], TAKEN),
        ('pop_eth twice', ip, [pop_eth(), pop_eth(), out], EINVAL),
        ('pop_eth of a tagged packet', tagged, [pop_eth(), out], EINVAL),
        ('pop_vlan, pop_eth', tagged, [pop_vlan(), pop_eth(), out], TAKEN),
        ('pop_eth, push_vlan', ip, [pop_eth(), push_vlan(1), out], EINVAL),
        ('pop_eth, set MAC', ip, [pop_eth(), set_mac(), out], EINVAL),
        ('pop_eth, set IP', ip, [pop_eth(), set_ip(), out], TAKEN),
        ('pop_eth nested, pop_eth', ip, [clone(pop_eth()), pop_eth(), out], TAKEN),
        ('check_pkt_len', ip, [check_pkt_len(100, [out], [out3])], TAKEN),
        ('check_pkt_len, empty lists', ip, [check_pkt_len(100, [], [])], TAKEN),
        ('check_pkt_len of 0', ip, [check_pkt_len(0, [out], [out])], EINVAL),
        ('check_pkt_len without length', ip,
         [nl.nest(CHECK_PKT_LEN, nl.nest(2, out), nl.nest(3, out))], EINVAL),
        ('check_pkt_len without GREATER', ip,
         [nl.nest(CHECK_PKT_LEN, nl.attr(1, b'\1\0'), nl.nest(3, out))], EINVAL),
        ('check_pkt_len without LESS_EQUAL', ip,
         [nl.nest(CHECK_PKT_LEN, nl.attr(1, b'\1\0'), nl.nest(2, out))], EINVAL),
        ('check_pkt_len with an unknown attribute', ip,
         [nl.nest(CHECK_PKT_LEN, nl.attr(1, b'\1\0'), nl.nest(2, out), nl.nest(3, out),
                  nl.attr(9, 1))], EINVAL),
        ('check_pkt_len with a bad action in GREATER', ip,
         [check_pkt_len(9, [push_eth()], [out])], EINVAL),
        ('check_pkt_len with a bad action in LESS_EQUAL', ip,
         [check_pkt_len(9, [out], [push_eth()])], EINVAL),
        ('check_pkt_len, its lists work on copies', ip,
         [check_pkt_len(9, [pop_eth()], [pop_eth()]), pop_eth(), out], TAKEN),
        ('dec_ttl', ip, [dec_ttl(out3), out], TAKEN),
        ('dec_ttl, nothing for what expires', ip, [dec_ttl(), out], TAKEN),
        ('dec_ttl without actions', ip, [nl.nest(DEC_TTL), out], EINVAL),
        ('dec_ttl of ARP', arp, [dec_ttl(out3), out], TAKEN),
        ('dec_ttl with a bad action', ip, [dec_ttl(push_eth()), out], EINVAL),
        ('hash by L4', ip, [hash_by(0), out], TAKEN),
        ('hash by an unknown algorithm', ip, [hash_by(2), out], EINVAL),
        ('sample without actions', ip, [nl.nest(nl.SAMPLE, nl.attr(1, 5)), out], EINVAL),
        ('sample without probability', ip, [nl.nest(nl.SAMPLE, nl.nest(2, out)), out], EINVAL),
        ('sample of nothing', ip, [sample(5), out], TAKEN),
        ('clone of nothing', ip, [clone(), out], TAKEN),
        ('trunc to 13 bytes', ip, [nl.attr(nl.TRUNC, 13), out], EINVAL),
        ('trunc to 14 bytes', ip, [nl.attr(nl.TRUNC, 14), out], TAKEN),
        ('16 nested clones', ip, nested(16, clone), TAKEN),
        ('17 nested clones', ip, nested(17, clone), EOVERFLOW),
        ('16 nested samples', ip, nested(16, lambda *a: sample(ALWAYS, *a)), TAKEN),
        ('17 nested samples', ip, nested(17, lambda *a: sample(ALWAYS, *a)), EOVERFLOW),
        ('set(arp)', arp, [nl.nest(nl.SET, nl.attr(nl.ARP, bytes(24))), out], EINVAL),
        ('set_masked(arp)', arp, [set_masked(nl.ARP, bytes(24)), out], EINVAL),
        ('set(nd)', nd, [nl.nest(nl.SET, nl.attr(nl.ND, bytes(28))), out], EINVAL),
        ('set_masked(nd)', nd, [set_masked(nl.ND, bytes(28)), out], EINVAL),
        ('set(icmpv6)', nd, [nl.nest(nl.SET, nl.attr(nl.ICMPV6, bytes(2))), out], EINVAL),
        ('set(dp_hash)', ip, [nl.nest(nl.SET, nl.attr(nl.DP_HASH, 1)), out], EINVAL),
        ('set(recirc_id)', ip, [nl.nest(nl.SET, nl.attr(nl.RECIRC_ID, 1)), out], EINVAL),
        ('set(in_port)', ip, [nl.nest(nl.SET, nl.attr(nl.IN_PORT, 1)), out], EINVAL),
        ('set(tcp_flags)', ip, [nl.nest(nl.SET, nl.attr(nl.TCP_FLAGS, b'\0\1')), out], EINVAL),
        ('set outside of its mask', ip, [set_masked(nl.SKB_MARK, b'\1\0\0\0', bytes(4)), out],
         EINVAL)):
    t.equal(bed.verdict(km, actions), want,
            '%s: %s' % (what, 'refused' if want else 'taken'))
if NEW or kernel_at_least(6, 7):
    for what, actions, want in (
            ('drop', [drop()], TAKEN),
            ('drop with a reason', [out, drop(7)], TAKEN),
            ('drop at the end of a nested list', [clone(drop(1)), out], TAKEN),
            ('drop before another action', [drop(), out], EINVAL),
            ('drop of 2 bytes', [nl.attr(DROP, b'\1\0')], EINVAL),
            ('hash by symmetric L4', [hash_by(1), out], TAKEN)):
        t.equal(bed.verdict(ip, actions), want,
                '%s: %s' % (what, 'refused' if want else 'taken'))
for what, km, actions in (
        ('check_pkt_len', ip, [check_pkt_len(100, [out], [out3, clone(out)]), out]),
        ('dec_ttl', ip, [dec_ttl(out3, sample(7, out)), out]),
        ('push_eth', l3, [push_eth(), pop_eth(), push_eth(), out]),
        ('hash', ip, [hash_by(0, 77), out])):
    dump = bed.dumped(km, actions)
    want = b''.join(actions)
    if what == 'check_pkt_len':     # in the order of the stock module
        want = nl.nest(CHECK_PKT_LEN, nl.attr(1, b'\x64\0'), nl.nest(3, out3, clone(out)),
                       nl.nest(2, out)) + out
    t.equal(dump, want, '%s is dumped as it came' % what)

# What they do.
frame = nl.udp4('10.0.0.1', '10.0.0.2', 1000, 2000, payload=bytes(100))
LEN = len(frame)
t.equal(bed.one(ip, [pop_eth(), push_eth(), out], frame),
        nl.mac(6) + nl.mac(5) + frame[12:], 'pop_eth, push_eth: new addresses, the old type')
for what, action in (('clone', clone()), ('sample', sample(ALWAYS)),
                     ('check_pkt_len', check_pkt_len(100, [], []))):
    drops = bed.dp.drops()['last_action'] if NEW else 0
    t.equal(bed.one(ip, [action, out], frame), frame, '%s of nothing: the packet goes on' % what)
    if NEW:
        t.equal(bed.dp.drops()['last_action'] - drops, 0, '%s of nothing: no drop' % what)
got = bed.one(ip, [pop_eth(), set_ip('9.9.9.9'), push_eth(), out], frame)
t.ok(nl.checksums_right(got) and got[26:30] == bytes((9, 9, 9, 9)) and got[:6] == nl.mac(6),
     'pop_eth, set IP, push_eth', got)
t.equal(bed.one(ip, [pop_eth(), push_eth(), push_vlan(77), out], frame),
        vlan_frame(nl.mac(6) + nl.mac(5) + frame[12:], 77), 'pop_eth, push_eth, push_vlan')
t.equal(bed.through(ip, [pop_eth(), out], frame), {2: []},
        'without an Ethernet header it does not leave by an Ethernet device')
t.equal(bed.through(ip, [clone(pop_eth()), out], frame), {2: [frame]},
        'what a clone did is not seen behind it')

for what, limit, tag, greater in (('one less', LEN - 1, 0, True), ('equal', LEN, 0, False),
                                  ('one more', LEN + 1, 0, False)):
    got = bed.through(ip, [check_pkt_len(limit, [out], [out3])], frame, (2, 3))
    t.equal((len(got[2]), len(got[3])), (1, 0) if greater else (0, 1),
            'check_pkt_len, a limit %s than the packet' % what)
for what, limit, greater in (('equal', LEN, False), ('one less', LEN - 1, True)):
    got = bed.through(tagged, [check_pkt_len(limit, [out], [out3])],
                      vlan_frame(frame, 5), (2, 3))
    t.equal((len(got[2]), len(got[3])), (1, 0) if greater else (0, 1),
            'check_pkt_len does not count a tag that the device has taken off: %s' % what)
got = bed.through(ip, [check_pkt_len(10, [set_ip('1.2.3.4'), out], [out3]), out3], frame, (2, 3))
t.ok(got[2] and got[2][0][26:30] == bytes((1, 2, 3, 4)) and got[3] == [frame],
     'check_pkt_len in the middle works on a copy', got)

for ttl in (64, 2, 1, 0):
    pkt = nl.udp4('10.0.0.1', '10.0.0.2', 1000, 2000)
    ip_hdr = pkt[14:22] + bytes((ttl,)) + pkt[23:24] + b'\0\0' + pkt[26:34]
    ip_hdr = ip_hdr[:10] + struct.pack('!H', nl.csum(ip_hdr)) + ip_hdr[12:]
    pkt = pkt[:14] + ip_hdr + pkt[34:]
    got = bed.through(ip, [dec_ttl(out3), out], pkt, (2, 3))
    if ttl > 1:
        t.ok(len(got[2]) == 1 and not got[3] and got[2][0][22] == ttl - 1 and
             nl.checksums_right(got[2][0]), 'dec_ttl of %d' % ttl, got)
    else:
        t.equal(got, {2: [], 3: [pkt]}, 'dec_ttl of %d: expired, unchanged' % ttl)
t.equal(bed.through(ip, [dec_ttl(), out], pkt), {2: []}, 'dec_ttl: expired, nothing to do')
v6 = (nl.mac(2) + nl.mac(1) + b'\x86\xdd' + struct.pack('!IHBB', 6 << 28, 8, 17, 5) +
      bytes(15) + b'\1' + bytes(15) + b'\2' + struct.pack('!HHHH', 1, 2, 8, 0x1234))
got = bed.through(flow(0x86dd), [dec_ttl(out3), out], v6, (2, 3))
t.equal(got, {2: [v6[:21] + b'\4' + v6[22:]], 3: []}, 'dec_ttl of IPv6')
v6 = v6[:21] + b'\1' + v6[22:]
t.equal(bed.through(flow(0x86dd), [dec_ttl(out3), out], v6, (2, 3)), {2: [], 3: [v6]},
        'dec_ttl of IPv6: expired')
request = (b'\xff' * 6 + nl.mac(1) + b'\x08\x06' + struct.pack('!HHBBH', 1, 0x800, 6, 4, 1) +
           nl.mac(1) + bytes((10, 0, 0, 1)) + bytes(6) + bytes((10, 0, 0, 2)))
t.equal(bed.one(arp, [dec_ttl(out3), out], request), request, 'dec_ttl leaves ARP alone')


def bins(alg, reverse=False, basis=0):
    """The hash of a UDP flow, as a match on dp_hash behind recirculation tells it."""
    bed.dp.flush()
    bed.dp.add_flow(*ip, [hash_by(alg, basis), nl.attr(nl.RECIRC, 1)])
    for value in range(2):
        key, mask = flow(recirc=1)
        bed.dp.add_flow(key + [nl.attr(nl.DP_HASH, value)], mask + [nl.attr(nl.DP_HASH, 1)],
                        [nl.output(2 + value)])
    seen = ''
    for port in range(1000, 1024):
        a, b = ('10.0.0.1', '10.0.0.2')
        pkt = nl.udp4(b, a, 9, port) if reverse else nl.udp4(a, b, port, 9)
        bed.wires[1].send(pkt)
        for wire in (2, 3):
            if bed.wires[wire].recv_all(lambda fs: len(fs) == 1, 0.05 if wire == 2 else 1):
                seen += str(wire)
                break
    return seen


hashes = bins(0)
t.ok(len(hashes) == 24 and len(set(hashes)) == 2, 'hash by L4 spreads flows', hashes)
t.equal(bins(0), hashes, 'hash by L4 keeps a flow together')
t.ok(bins(0, basis=12345) != hashes, 'the basis counts')
if NEW or kernel_at_least(6, 7):
    hashes = bins(1)
    t.ok(len(hashes) == 24 and len(set(hashes)) == 2, 'symmetric hash spreads flows', hashes)
    t.equal(bins(1, reverse=True), hashes, 'and keeps both directions together')


def sampled(probability, n=400):
    bed.dp.flush()
    bed.dp.add_flow(*ip, [sample(probability, out)])
    for _ in range(n):
        bed.wires[1].send(frame)
    return len(bed.wires[2].recv_all(lambda fs: len(fs) == n, 0.3))


t.equal(sampled(ALWAYS), 400, 'sample, probability 1')
t.equal(sampled(0), 0, 'sample, probability 0')
n = sampled(ALWAYS // 4)
t.ok(50 <= n <= 150, 'sample, probability 1/4', n)
got = bed.through(ip, [sample(ALWAYS, set_ip('1.2.3.4'), out), out3], frame, (2, 3))
t.ok(got[2] and got[2][0][26:30] == bytes((1, 2, 3, 4)) and got[3] == [frame],
     'sample in the middle works on a copy', got)
for what, actions, want in (
        ('trunc, output, output', [nl.attr(nl.TRUNC, 60), out, out3], (60, LEN)),
        ('trunc, clone, output', [nl.attr(nl.TRUNC, 60), clone(out), out3], (60, 60)),
        ('clone of trunc, output', [clone(nl.attr(nl.TRUNC, 60)), out], (LEN, 0)),
        ('trunc to more than the packet', [nl.attr(nl.TRUNC, 6000), out], (LEN, 0)),
        ('trunc twice', [nl.attr(nl.TRUNC, 60), nl.attr(nl.TRUNC, 80), out], (80, 0))):
    got = bed.through(ip, actions, frame, (2, 3))
    t.equal(tuple(len(got[p][0]) if got[p] else 0 for p in (2, 3)), want, what)
got = bed.through(ip, nested(16, clone), frame)
t.equal(got, {2: [frame]}, '16 nested clones deliver')
got = bed.through(ip, [clone(clone(clone(clone(clone(clone(clone(clone(clone(clone(
    out), out), out), out), out), out), out), out), out), out)], frame)
t.equal(len(got[2]), 10, 'clones that are not last, ten deep')

if NEW:
    before = bed.dp.drops()
    bed.through(ip, [out3, drop()], frame, (3,))
    bed.through(ip, [drop(3)], frame)
    bed.through(ip, [dec_ttl(), out], pkt)
    bed.through(ip, [], frame)
    bed.through(ip, [set_mac(), sample(0, out)], frame)
    after = bed.dp.drops()
    t.equal([after[k] - before[k] for k in ('explicit', 'explicit_error', 'ip_ttl', 'last_action')],
            [1, 1, 1, 2],
            'drops are counted by reason')
    # A packet that recirculates for ever.
    bed.dp.flush()
    bed.dp.add_flow(*ip, [nl.attr(nl.RECIRC, 5)])
    bed.dp.add_flow(*flow(recirc=5), [nl.attr(nl.RECIRC, 5)])
    bed.wires[1].send(frame)
    bed.recv(2, timeout=0.2)
    t.equal(bed.dp.drops()['recirc_limit'], 1, 'endless recirculation ends in a drop')

bed.dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
