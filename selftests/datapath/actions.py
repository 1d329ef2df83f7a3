#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Actions that decide where a packet goes: output, trunc, sample, clone, recirc, hash.

A table of action lists, and what each sends to which port; both for a packet from a wire
and for an executed one.  (Rewriting is in rewrites.py, upcalls in upcalls.py.)
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run                                          # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import (ALL, POP_VLAN, STOCK, Bed, any_from, clone, hash_action, k_eth, k_type, k_u32,  # noqa: E402
                   p_ipv4, push_vlan, recirc, sample, set_action, trunc)

U = f.ipv4(f.udp(payload=b'x' * 100))
V = f.vlan
out = nl.output
MAC7 = set_action(nl.ETHERNET, nl.mac(7) + nl.mac(8))
U7 = f.eth(0x800, U[14:], nl.mac(7), nl.mac(8))
TAG = push_vlan(0x8100, 0x1007)
NEVER, ALWAYS = 0, ALL


def deep(levels, *actions):
    for _ in range(levels):
        actions = (clone(*actions),)
    return actions[0]


TABLE = [   # what, actions, frames at port 2, frames at port 3
    ('no action', [], [], []),
    ('output', [out(2)], [U], []),
    ('output twice', [out(2), out(2)], [U, U], []),
    ('output to two', [out(2), out(3)], [U], [U]),
    ('output to a port that is not there', [out(77), out(2), out(78)], [U], []),
    ('what is set behind an output is not in it', [out(2), MAC7, out(3)], [U], [U7]),
    ('what is set stays set', [MAC7, out(2), out(3)], [U7], [U7]),

    ('trunc', [trunc(50), out(2)], [U[:50]], []),
    ('trunc, for one output only', [trunc(50), out(2), out(3)], [U[:50]], [U]),
    ('trunc, each of its own', [trunc(50), out(2), trunc(60), out(3)], [U[:50]], [U[:60]]),
    ('trunc to the least', [trunc(14), out(2), out(3)], [U[:14]], [U]),
    ('trunc to its length', [trunc(len(U)), out(2)], [U], []),
    ('trunc to one byte less', [trunc(len(U) - 1), out(2)], [U[:-1]], []),
    ('trunc to more', [trunc(len(U) + 1), out(2)], [U], []),
    ('trunc to the most', [trunc(ALL), out(2)], [U], []),
    ('trunc with a set between', [trunc(50), MAC7, out(2), out(3)], [U7[:50]], [U7]),
    ('trunc within a clone', [clone(trunc(50), out(2)), out(3)], [U[:50]], [U]),
    ('trunc within a clone, as the last', [out(3), clone(trunc(50), out(2), out(2))],
     [U[:50], U], [U]),
    ('trunc with a tag', [TAG, trunc(50), out(2)], [V(0x8100, 7, U[:50])], []),

    ('clone', [clone(out(2)), out(3)], [U], [U]),
    ('clone as the last', [out(3), clone(out(2))], [U], [U]),
    ('an empty clone', [clone(), out(2)], [U], []),
    ('what a clone sets stays in it', [clone(MAC7, TAG, out(2)), out(3)], [V(0x8100, 7, U7)], [U]),
    ('what is set before a clone is in it', [MAC7, clone(out(2)), out(3)], [U7], [U7]),
    ('a pop in a clone', [TAG, clone(POP_VLAN, out(2)), out(3)], [U], [V(0x8100, 7, U)]),
    ('clones side by side', [clone(MAC7, out(2)), clone(out(2)), clone(TAG, out(3))], [U7, U],
     [V(0x8100, 7, U)]),
    ('clone in clone', [clone(clone(MAC7, out(2)), out(2)), out(3)], [U7, U], [U]),
    ('clones 12 deep', [deep(12, MAC7, out(2)), out(3)], [U7], [U]),
    ('clones 12 deep, each followed by more',
     [clone(clone(clone(clone(clone(clone(clone(clone(clone(clone(clone(clone(
         MAC7, out(2)), out(3)), out(3)), out(3)), out(3)), out(3)), out(3)), out(3)), out(3)),
         out(3)), out(3)), out(3)), out(3)], [U7], [U] * 12),

    ('sample always', [sample(ALWAYS, out(2)), out(3)], [U], [U]),
    ('sample never', [sample(NEVER, out(2)), out(3)], [], [U]),
    ('sample never, as the last', [out(3), sample(NEVER, out(2))], [], [U]),
    ('sample always, as the last', [out(3), sample(ALWAYS, out(2))], [U], [U]),
    ('what a sample sets stays in it', [sample(ALWAYS, MAC7, TAG, out(2)), out(3)],
     [V(0x8100, 7, U7)], [U]),
    ('sample in sample', [sample(ALWAYS, sample(ALWAYS, MAC7, out(2)), out(2)), out(3)], [U7, U],
     [U]),
    ('sample never in sample', [sample(ALWAYS, sample(NEVER, out(2)), out(2)), out(3)], [U], [U]),
    ('an empty sample', [sample(ALWAYS), out(2)], [U], []),

    # Stage 5: to port 2 if unchanged, stage 6 sets and outputs to 3.
    ('recirc', [recirc(5)], [U], []),
    ('recirc behind an output', [out(3), recirc(5)], [U], [U]),
    ('recirc before an output', [recirc(5), out(3)], [U], [U]),
    ('two recircs', [recirc(5), recirc(6)], [U], [U7]),
    ('recirc in a clone', [clone(recirc(6)), out(2)], [U], [U7]),
    ('recirc in a clone, as the last', [out(2), clone(recirc(6))], [U], [U7]),
    ('recirc in a sample', [sample(ALWAYS, MAC7, recirc(5)), out(3)], [U7], [U]),
    ('recirc with a tag', [TAG, recirc(8)], [V(0x8100, 7, U)], []),
    ('a chain of recircs', [recirc(11)], [U], []),
    ('recirc to where no flow is', [recirc(99), out(2)], [U], []),
]


t = Ktap()
bed = Bed(ports=3)
up, dp = bed.up, bed.dp
META = [k_u32(nl.IN_PORT, 1), k_eth()]


for stage, acts in ((0, []), (5, [out(2)]), (6, [MAC7, out(3)]), (11, [recirc(12)]),
                    (12, [recirc(13)]), (13, [recirc(14)]), (14, [out(2)])):
    bed.flow(acts, recirc_id=stage)
dp.add_flow([k_u32(nl.RECIRC_ID, 8), k_u32(nl.IN_PORT, 1), k_eth(), k_type(0x8100),
             nl.attr(nl.VLAN, b'\x10\7'), nl.nest(nl.ENCAP, k_type(0x800),
                                                 nl.attr(nl.IPV4, p_ipv4()))],
            [k_u32(nl.RECIRC_ID, ALL), k_u32(nl.IN_PORT, ALL)], [out(2)])


def install(actions):
    """Give the packets from port 1 these actions."""
    dp.set_flow(*any_from(1), actions)


def outcome(two, three):
    """What came out of ports 2 and 3, in no order: a copy may be put off."""
    got2, got3 = bed.recv(2, len(two)), bed.recv(3, len(three))
    got2 += bed.recv(2, timeout=0.02)
    got3 += bed.recv(3, timeout=0.001)
    return sorted(got2), sorted(got3)


def check(what, two, three):
    got, want = outcome(two, three), (sorted(two), sorted(three))
    t.ok(got == want, what, *['%s %s' % (w, [x.hex() for x in fs]) for w, side in
                             (('got', got), ('want', want)) for fs in side])


for name, actions, two, three in TABLE:
    install(actions)
    bed.wires[1].send(U)
    check(name + ', from a wire', two, three)
    dp.execute(U, META, actions)
    check(name + ', executed', two, three)
while up.recv_upcall(0.1):
    pass

# A packet may leave where it came from, but not one that is too long for the port.
install([out(1)])
bed.wires[1].send(U)
t.equal(bed.recv(1), [U], 'output to the port it came from')


def statistic(dev, name):
    return int(open('/sys/class/net/%s/statistics/%s' % (dev, name)).read())


def dropped(dev):
    return statistic(dev, 'tx_dropped')


install([TAG, out(2), TAG, out(3)])
run('ip link set p3 mtu 1400')
before = dropped('p2'), dropped('p3')
long = f.ipv4(f.udp(payload=b'l' * 1472))
bed.wires[1].send(long)
t.equal(bed.recv(2), [V(0x8100, 7, long)], 'a packet of the MTU, and a tag')
t.ok(bed.quiet(3), 'a packet longer than the MTU is not sent')
# The stock module counts it where veth does not look.
t.equal((dropped('p2') - before[0], dropped('p3') - before[1]), (0, 0 if STOCK else 1),
        'but counted')
run('ip link set p3 mtu 1500')

# The local port, both ways.
run('sysctl -qw net.ipv6.conf.dp0.disable_ipv6=1; ip link set dp0 up')
host = nl.Wire('dp0')
install([out(0)])
bed.wires[1].send(U)
t.equal(host.recv_all(lambda fs: fs, 3), [U], 'output to the local port')
bed.flow([out(2)], port=0)
host.send(U)
t.equal(bed.recv(2), [U], 'from the local port')
run('ip link set dp0 down')
before = statistic('dp0', 'rx_packets')
bed.wires[1].send(U)
t.equal(statistic('dp0', 'rx_packets'), before, 'not to a local port that is down')

# A probability between.
install([sample(ALL // 2, out(2))])
for _ in range(400):
    bed.wires[1].send(U)
n = len(bed.recv(2, 400, 0.3))
t.ok(100 < n < 300, 'about half are sampled', n)

# A stage that asks for itself.
install([recirc(7)])
bed.flow([recirc(7)], recirc_id=7)
hits = dp.stats()[0]
bed.wires[1].send(U)
bed.recv(2, timeout=0.1)
t.ok(2 <= dp.stats()[0] - hits <= 64, 'a loop of recircs ends', dp.stats()[0] - hits)
install([out(2)])
bed.wires[1].send(U)
t.equal(bed.recv(2), [U], 'and the datapath goes on')


# The hash, from the hash of the packet that the upcall tells.
def jhash_1word(a, basis):
    """Of Bob Jenkins' lookup3, for one word."""
    def rol(x, k):
        return (x << k | x >> 32 - k) & ALL
    a, b, c = ((x + 0xdeadbeef + 4 + basis) & ALL for x in (a, 0, 0))
    c = ((c ^ b) - rol(b, 14)) & ALL
    a = ((a ^ c) - rol(c, 11)) & ALL
    b = ((b ^ a) - rol(a, 25)) & ALL
    c = ((c ^ b) - rol(b, 16)) & ALL
    a = ((a ^ c) - rol(c, 4)) & ALL
    b = ((b ^ a) - rol(a, 14)) & ALL
    return ((c ^ b) - rol(b, 24)) & ALL


def hashed(frame, basis):
    """dp_hash of a packet, and the one it should have."""
    install([hash_action(basis), recirc(99)])
    bed.wires[1].send(frame)
    got = up.recv_upcall(3)
    if not got or 11 not in got[1]:
        return got, 'an upcall with HASH'
    skb_hash, = struct.unpack('=Q', got[1][11])
    return struct.unpack('=I', nl.attrs(got[1][2])[nl.DP_HASH])[0], \
        jhash_1word(skb_hash & ALL, basis)


for basis in (0, 1, 0xffffffff):
    t.equal(*hashed(U, basis), 'hash with basis %#x' % basis)
seen = {hashed(f.ipv4(f.udp(sport)), 0)[0] for sport in range(1, 17)}
t.ok(len(seen) > 12, 'hashes of many connections differ', seen)
t.ok(hashed(U, 0)[0] == hashed(U, 0)[0] != hashed(U, 1)[0], 'that of one does not, under one basis')
bed.flow([recirc(99)], recirc_id=98)
want = hashed(U, 5)[0]
install([hash_action(5), recirc(98)])
bed.wires[1].send(U)
got = up.recv_upcall(3)
t.equal(got and struct.unpack('=I', nl.attrs(got[1][2])[nl.DP_HASH])[0], want,
        'a hash stays through another recirc')

bed.done(t)
