#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random pipelines, random programs that rewrite random fields, random packets.

The cached datapath must send each packet where a fresh walk through the tables would,
with the same headers, running each program exactly as often. The other way round, a
daemon that leaves one bit out of USED must be found out.

random_walk.py [PACKETS [SEED]]: how many for the first part (default 6000).
"""
import collections
import os
import random
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module                           # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import walkmodel as wm                                              # noqa: E402
from bpfbed import Bed, load, unload                                # noqa: E402

PACKETS = int(sys.argv[1]) if len(sys.argv) > 1 else 6000
SEED = sys.argv[2] if len(sys.argv) > 2 else '2026'
CONTROL = '2026/3'      # a pipeline in which single bits decide
PER_PIPELINE = 1500
BATCH = 64

t = Ktap()
up = nl.Genl()
up.sock.setsockopt(1, 33, 32 << 20)     # SO_RCVBUFFORCE
bed = Bed(pid=up.pid)
dp = bed.dp
prog = load('gamma')
filt = nl.bpf_obj_get('/sys/fs/bpf/gamma/gamma_filter')
recipes = nl.bpf_obj_get('/sys/fs/bpf/gamma_maps/recipes')
runs_map = nl.bpf_obj_get('/sys/fs/bpf/gamma_maps/runs')


class Traffic:
    """Packets under way."""

    def __init__(self, pipe, daemon, rng):
        self.pipe, self.daemon, self.rng = pipe, daemon, rng
        self.runs = collections.Counter()
        self.want, self.bad, self.sent = {}, [], 0
        self.changed = collections.Counter()

    def batch(self, count):
        frames = []
        for _ in range(count):
            self.sent += 1
            pkt = self.pipe.packet(self.rng, self.sent)
            frames.append(wm.frame_of(pkt))
            port = wm.walk(self.pipe, pkt, self.runs)
            if port:
                self.want[self.sent] = (port, wm.summary(pkt))
        for f in frames:
            bed.wires[3].send(f)
        self.settle()

    def settle(self, patience=3):
        """Answer upcalls and take in packets until all have come that should."""
        socks = {up.sock: None, bed.wires[1].sock: 1, bed.wires[2].sock: 2}
        end = time.monotonic() + patience
        while time.monotonic() < end:
            ready = select.select(list(socks), [], [], 0.05 if self.want else 0)[0]
            if not ready and not self.want:
                return
            for s in ready:
                if socks[s] is None:
                    cmd, a = up.recv_upcall()
                    self.daemon.upcall(a)
                else:
                    self.arrive(socks[s], bed.wires[socks[s]].recv_all(bool, 0.1))
            if ready:
                end = time.monotonic() + patience

    def arrive(self, port, frames):
        for f in frames:
            number, summary = wm.read_frame(f)
            want = self.want.pop(number, None)
            if want != (port, summary):
                self.bad.append((number, want, (port, summary)))

    def finish(self):
        self.settle(1)
        self.bad += [(n, w, None) for n, w in self.want.items()]
        self.want = {}


def pass_through(seed, count, omit=None):
    """A pipeline and some packets; what came of it."""
    rng = random.Random(seed)
    pipe = wm.Pipeline(rng)
    dp.flush()
    for r in pipe.recipes:
        nl.bpf_map_update(recipes, r.number, r.encode())
        nl.bpf_map_update(runs_map, r.number, bytes(8))
    daemon = wm.Daemon(pipe, dp, prog, filt, omit)
    traffic = Traffic(pipe, daemon, rng)
    for at in range(0, count, BATCH):
        traffic.batch(min(BATCH, count - at))
        if omit and len(traffic.bad) > 3:
            break
    traffic.finish()
    runs = {r.number: int.from_bytes(nl.bpf_map_lookup(runs_map, r.number, 8), 'little')
            for r in pipe.recipes}
    return pipe, daemon, traffic, runs


def totals():
    sums = collections.Counter()
    for f in dp.flows():
        todo = list(nl.attr_list(f[2]))
        while todo:
            kind, data = todo.pop()
            if kind != nl.BPF:
                continue
            a = nl.attrs(data)
            sums.update(nl.bpf_stats_of(a))
            for _, one in nl.attr_list(a.get(nl.CASES, b'')):
                todo += nl.attr_list(nl.attrs(one)[nl.CASE_ACTIONS])
            todo += nl.attr_list(a.get(nl.DEFAULT, b''))
    return sums


sums = collections.Counter()
for n in range((PACKETS + PER_PIPELINE - 1) // PER_PIPELINE):
    start = time.monotonic()
    seed = '%s/%d' % (SEED, n)
    pipe, daemon, traffic, runs = pass_through(seed, min(PER_PIPELINE, PACKETS))
    label = 'pipeline %s, %d packets' % (seed, traffic.sent)
    t.ok(not traffic.bad, label + ': each went where a fresh walk sends it',
         '%d wrong' % len(traffic.bad), *traffic.bad[:3])
    want = {r.number: traffic.runs[r.number] for r in pipe.recipes}
    t.equal(runs, want, label + ': each program ran once for each packet and stage')
    got = totals()
    sums.update(got)
    print('# %d flows, %d upcalls answered, %d runs, %d coalesced, %d recirculated, %.0f s' % (
        len(dp.flows()), daemon.n_upcalls, sum(runs.values()), got['coalesced'],
        got['recirculated'], time.monotonic() - start), flush=True)
t.ok(sums['coalesced'] > 0 and sums['recirculated'] > 0 and sums['default'] > 0,
     'both happened: coalesced, and recirculated; cases and defaults', dict(sums))
t.equal((sums['dropped'], sums['consumed'], sums['no_case']), (0, 0, 0), 'nothing else did')

# The other way round: a bit that programs write and later tables read, left out of USED.
pipe, daemon, traffic, _ = pass_through(CONTROL, 800)
t.ok(not traffic.bad, 'a pipeline with all bits in USED: nothing goes astray', traffic.bad[:3])
written = collections.Counter(
    (op.field, bit) for table in pipe.tables for rule in table for act in rule.acts
    if act[0] == 'prog' and not act[1].honest and act[2]
    for op in act[1].ops if op.field != 'vlan' for bit in pipe.bits[op.field])
both = sorted((min(n, daemon.consulted[k]), k) for k, n in written.items()
              if k in daemon.consulted)
astray = []
for _, omit in both[:-5:-1]:
    traffic = pass_through(CONTROL, 800, omit)[2]
    astray.append((omit, len(traffic.bad), traffic.sent))
    if traffic.bad:
        break
print('# left out, packets astray, packets: %s' % astray, flush=True)
t.ok(astray and astray[-1][1], 'with one bit missing in USED, packets go astray: found')

dp.delete()
for fd in (prog, filt, recipes, runs_map, bed.prog):
    os.close(fd)
unload('gamma')
unload('alpha')
t.ok(unload_module(), 'the module unloads')
t.finish()
