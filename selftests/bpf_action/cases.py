#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""CASES: each result finds its branch, whatever their number and nesting; counts add up."""
import json
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module, wait_until               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import (Bed, any_from, load, only_stats, packet,        # noqa: E402
                    set_masked, unload, CONST, LEN, NOTHING, RECLASSIFY, SPORT, SRC, VERDICT,
                    VLAN_PUSH)

t = Ktap()
up = nl.Genl()
bed = Bed(pid=up.pid)
dp, wires = bed.dp, bed.wires
beta = load('beta')
key, mask = any_from(3)
k5, m5 = any_from(3, 5)
k_tag = [*key[:3], nl.attr(nl.ETHERTYPE, b'\x81\0'), nl.attr(nl.VLAN, b'\x10\7'),
         nl.nest(nl.ENCAP, *key[3:])]
m_tag = [*mask[:2], nl.attr(nl.ETHERTYPE, b'\xff\xff'), nl.attr(nl.VLAN, b'\xff\xff'),
         nl.nest(nl.ENCAP, *mask[2:])]
PORT1, PORT2 = [nl.output(1)], [nl.output(2)]


def marked(n):
    """Actions that write a number where the destination's MAC address is, and send."""
    return [set_masked(nl.ETHERNET, bytes(6) + struct.pack('!IH', n, 0),
                       bytes(6) + b'\xff' * 6), nl.output(1)]


def number_of(frame):
    return struct.unpack('!I', frame[:4])[0]


def sport_of(frame):
    return struct.unpack('!H', frame[34:36])[0]


def install(fd, what, param=0, after=(), **kw):
    dp.flush()
    dp.add_flow(key, mask, [nl.bpf_action(fd, arg=what, param=param, **kw), *after])


def action():
    return nl.bpf_of([f for f in dp.flows() if nl.BPF in nl.attrs(f[2])][0])


# Every result finds its own case and no other: 1 to 256 of them.
rng = random.Random(4)
for count in (1, 2, 3, 64, 200):
    values = rng.sample(range(1, 65536), count)
    probes = sorted({v + d & 0xffff for v in rng.sample(values, min(count, 60)) + [values[0]]
                     for d in (-1, 0, 1)} | {0, 65535, min(values), max(values)})
    install(beta, SPORT, cases={v: marked(v) for v in values}, default=marked(0x10000))
    for sport in probes:
        wires[3].send(packet(sport))
    got = {sport_of(f): number_of(f) for f in bed.recv(1, len(probes))}
    t.equal(got, {s: s if s in values else 0x10000 for s in probes},
            '%d cases, %d results: each to its own' % (count, len(probes)))
    a = action()
    shown = nl.bpf_cases(a)
    t.equal(list(shown), sorted(values), '%d cases: dumped in order' % count)
    t.equal({v: hits for v, (_, hits) in shown.items()},
            {v: int(v in probes) for v in values}, '%d cases: counted one by one' % count)
    n = sum(s in values for s in probes)
    t.equal(nl.bpf_stats_of(a), only_stats(runs=len(probes), coalesced=len(probes), cases=n,
                                           default=len(probes) - n),
            '%d cases: the counts add up' % count)
    ok = all(acts == b''.join(marked(v)) for v, (acts, _) in shown.items())
    t.equal((ok, a[nl.DEFAULT]), (True, b''.join(marked(0x10000))),
            '%d cases: their actions are dumped as they came' % count)
install(beta, CONST, 255, cases={v: PORT1 if v == 255 else PORT2 for v in range(256)})
wires[3].send(packet())
t.equal(bed.recv(1), [packet()], '256 cases')
install(beta, CONST, 0xffffffff, cases={0xffffffff: PORT1, 0: PORT2, 0x7fffffff: PORT2,
                                        0x80000000: PORT2})
wires[3].send(packet())
t.equal(bed.recv(1), [packet()], 'results are unsigned')

# Bytes, of each way that a packet may go, in one go or with a copy for what stands behind.
FRAMES = [packet(payload=bytes(n)) for n in (1, 20, 300)]
TAGGED = [f[:12] + b'\x81\0\0\7' + f[12:] for f in FRAMES]


def ways(hit, n):
    """Of a program whose result is HIT: (what, its branches, bytes of packets that have N)."""
    return [('the first case', {'cases': {hit: PORT1}}, [n, 0, {hit: n}]),
            ('the second case', {'cases': {hit - 1: PORT2, hit: PORT1}},
             [n, 0, {hit - 1: 0, hit: n}]),
            ('the default beside a case', {'cases': {hit - 1: PORT2}, 'default': PORT1},
             [n, n, {hit - 1: 0}]),
            ('the default beside two', {'cases': {hit - 1: PORT2, hit + 1: PORT2},
                                        'default': PORT1},
             [n, n, {hit - 1: 0, hit + 1: 0}]),
            ('the default alone', {'default': PORT1}, [n, n, {}])]


def bytes_are(who, frames, fd, what, param, branches, want, **kw):
    """What the program counts of FRAMES; and the flow, which counts them as they come."""
    k, m, tag = (k_tag, m_tag, ', tagged') if frames is TAGGED else (key, mask, '')
    for after in ([], PORT2):
        dp.flush()
        dp.add_flow(k, m, [nl.bpf_action(fd, arg=what, param=param, **branches, **kw), *after])
        for f in frames:
            wires[3].send(f)
        assert wait_until(lambda: nl.bpf_stats_of(action())['runs'] == len(frames))
        flow, = dp.flows()
        t.equal((nl.bpf_bytes(nl.bpf_of(flow)), struct.unpack('=2Q', flow[3])[1]),
                (want, sum(map(len, frames))),
                '%s%s%s: bytes' % (who, tag, ', and more behind' if after else ''))


TRUSTED = {'recheck': nl.PROGRAM}
ASKED = {'recheck': nl.CHANGED, 'recirc': 5, 'used': []}
for frames in (FRAMES, TAGGED):
    size = sum(map(len, frames))
    for way, branches, want in ways(6, size):
        bytes_are('a filter, ' + way, frames, beta, CONST, 6, branches, want)
    for way, branches, want in ways(VERDICT, size):
        bytes_are('a program, ' + way, frames, bed.prog, VERDICT, 0, branches, want, **TRUSTED)
        bytes_are('a checked program, ' + way, frames, bed.prog, VERDICT, 0, branches, want,
                  **ASKED)
    bytes_are('a program', frames, bed.prog, VERDICT, 0, {}, [size, 0, {}], **TRUSTED)
    bytes_are('a checked program', frames, bed.prog, VERDICT, 0, {}, [size, 0, {}], **ASKED)
    bytes_are('a program that drops', frames, bed.prog, VERDICT, 2, {}, [0, 0, {}], **TRUSTED)
bytes_are('a program that pushes a tag', FRAMES, bed.prog, VLAN_PUSH, 9, {},
          [sum(map(len, TAGGED)), 0, {}], **TRUSTED)
for port in (1, 2):
    bed.recv(port, 9999, timeout=0.3)

# Nesting: a decision tree, in which each branch ends the walk.
tree = nl.bpf_action(beta, arg=SPORT, cases={
    1001: [nl.bpf_action(beta, arg=LEN, cases={len(packet()): marked(11)},
                         default=marked(12))],
    1002: [nl.bpf_action(bed.prog, nl.PROGRAM, arg=VERDICT, param=0,
                         cases={VERDICT: marked(21)}, default=marked(22))]},
    default=[nl.bpf_action(beta, arg=CONST, param=3, recirc=5, cases={4: marked(31)})])
dp.flush()
dp.add_flow(key, mask, [tree])
dp.add_flow(k5 + [nl.attr(nl.DP_HASH, 3)], m5 + [nl.attr(nl.DP_HASH, 0xffffffff)], marked(41))
for sport in (1001, 1002, 1003):
    wires[3].send(packet(sport))
wires[3].send(packet(1001, payload=b'another length'))
t.equal(sorted((sport_of(f), number_of(f)) for f in bed.recv(1, 4)),
        [(1001, 11), (1001, 12), (1002, 21), (1003, 41)], 'a tree of programs of both classes')
runs = bed.runs(0, 'beta')
deep = marked(99)
for _ in range(16):
    deep = [nl.bpf_action(beta, arg=CONST, param=6, cases={6: deep})]
dp.flush()
dp.add_flow(key, mask, deep)
wires[3].send(packet())
t.equal(([number_of(f) for f in bed.recv(1)], bed.runs(0, 'beta') - runs), ([99], 16),
        '16 deep: each program runs once')
deep = PORT1
for _ in range(15):     # each leaves a copy for the actions behind it
    deep = [nl.bpf_action(beta, arg=CONST, param=6, cases={6: deep}), nl.output(2)]
dp.flush()
dp.add_flow(key, mask, deep)
for _ in range(5):
    wires[3].send(packet())
t.equal((len(bed.recv(1, 5)), len(bed.recv(2, 75))), (5, 75),
        '15 deep, each in the middle of its list: 16 copies of each packet')
dp.flush()
dp.add_flow(key, mask, [nl.nest(nl.CLONE, nl.bpf_action(beta, arg=SPORT,
                                                        cases={1001: marked(1)})),
                        nl.bpf_action(beta, arg=SPORT, cases={1001: marked(2)})])
wires[3].send(packet())
t.equal(sorted(number_of(f) for f in bed.recv(1, 2)), [1, 2], 'within a clone, and behind it')

# A case may recirculate, drop, or trap like any list.
install(beta, SPORT, cases={1001: [nl.attr(nl.RECIRC, 5)], 1002: [nl.bpf_action(
    bed.prog, nl.ALWAYS, recirc=5, arg=NOTHING)]})
dp.add_flow(k5, m5, PORT1)
for sport in (1001, 1002):
    wires[3].send(packet(sport))
t.equal(sorted(sport_of(f) for f in bed.recv(1, 2)), [1001, 1002], 'a case that recirculates')
install(beta, SPORT, cases={1001: [nl.attr(nl.RECIRC, 5), nl.output(2)]}, after=PORT2)
dp.add_flow(k5, m5, PORT1)
wires[3].send(packet())
t.equal((len(bed.recv(1)), len(bed.recv(2, 2))), (1, 2),
        'or a copy of the packet, in the middle of a case in the middle of a list')
install(beta, SPORT, cases={1001: [nl.nest(nl.USERSPACE, nl.attr(1, up.pid), nl.attr(2, b'ud'),
                                           nl.attr(4, b''))]}, default=[])
wires[3].send(packet())
upcall = up.recv_upcall()
t.ok(upcall and upcall[1][1] == packet() and upcall[1][4] == b'ud', 'a case that asks userspace')
t.ok(upcall and nl.BPF in nl.attrs(upcall[1].get(3, b'')),
     "which is told the flow's actions", upcall and sorted(upcall[1]))

# Action programs: the recheck comes first, then the result.
USED = [nl.attr(nl.IPV4, b'\xff' * 4 + bytes(8))]
install(bed.prog, SRC, recheck=nl.CHANGED, recirc=5, used=USED,
        cases={SRC: marked(1)}, default=marked(2))
dp.add_flow(k5, m5, marked(3))
for sport in (1001, 1002):
    wires[3].send(packet(sport))
t.equal(sorted((sport_of(f), number_of(f)) for f in bed.recv(1, 2)), [(1001, 3), (1002, 1)],
        'mode changed with cases: a changed packet recirculates, another finds its case')
t.equal(nl.bpf_stats_of(action()), only_stats(runs=2, recirculated=1, coalesced=1, cases=1),
        'counted')
install(bed.prog, RECLASSIFY, 6, recheck=nl.PROGRAM, recirc=5, cases={6: marked(1)},
        default=marked(2))
dp.add_flow(k5, m5, marked(3))
for sport in (1001, 1002):
    wires[3].send(packet(sport))
t.equal(sorted((sport_of(f), number_of(f)) for f in bed.recv(1, 2)), [(1001, 3), (1002, 2)],
        'RECLASSIFY recirculates, case or not')
install(bed.prog, VERDICT, 2, recheck=nl.PROGRAM, cases={VERDICT: PORT1})
wires[3].send(packet())
t.ok(bed.quiet(1, 2), 'SHOT drops, case or not')
install(bed.prog, NOTHING, recheck=nl.PROGRAM, cases={77: PORT1})
before = dp.drops()['no_case']
wires[3].send(packet())
t.equal((bed.quiet(1, 2), dp.drops()['no_case'] - before, nl.bpf_stats_of(action())),
        (True, 1, only_stats(runs=1, dropped=1, no_case=1)),
        'an action program without a case for its result: dropped')
install(bed.prog, NOTHING, recheck=nl.PROGRAM, recirc=5, cases={77: PORT1})
dp.add_flow(k5, m5, marked(3))
wires[3].send(packet())
t.equal(([number_of(f) for f in bed.recv(1)], nl.bpf_stats_of(action())),
        ([3], only_stats(runs=1, recirculated=1, no_case=1)), 'or recirculated')

# Programs in cases live as long as the flow.


def held():
    names = [p.get('name') for p in json.loads(run('bpftool -j prog show'))]
    return sum(name in ('alpha', 'beta') for name in names)


install(beta, SPORT, cases={1001: [nl.bpf_action(bed.prog, nl.PROGRAM, arg=NOTHING),
                                   nl.output(1)]},
        default=[nl.bpf_action(beta, arg=CONST, param=1, cases={1: PORT2})])
os.close(bed.prog)
os.close(beta)
unload('alpha')
unload('beta')
for sport in (1001, 1002):
    wires[3].send(packet(sport))
t.equal((held(), bed.recv(1), bed.recv(2)), (2, [packet(1001)], [packet(1002)]),
        'the flow keeps the programs of its cases without descriptor and pin')
dp.flush()
t.ok(wait_until(lambda: not held()), 'they go with it')
dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
