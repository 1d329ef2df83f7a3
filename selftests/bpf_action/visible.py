#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program does can be seen: a tracepoint for each run, drops with a place and a
reason, bpftool, run times."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module                           # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import (Bed, any_from, load, packet, unload,            # noqa: E402
                    CONST, NOTHING, RECLASSIFY, REDIRECT, SRC, VERDICT)

TRACING = '/sys/kernel/tracing/'
t = Ktap()
up = nl.Genl()
bed = Bed(pid=up.pid)
dp, wires = bed.dp, bed.wires
beta = load('beta')
key, mask = any_from(3)
k5, m5 = any_from(3, 5)
dp.add_flow(k5, m5, [nl.output(1)])


def shown(name):
    return json.loads(run('bpftool -j prog show pinned /sys/fs/bpf/%s/%s' % (name, name)))


IDS = {bed.prog: shown('alpha')['id'], beta: shown('beta')['id']}


def write(name, text):
    with open(TRACING + name, 'w') as f:
        f.write(text)


def traced(event, send):
    """The lines of a tracepoint while SEND runs."""
    write('trace', '')
    write('events/%s/enable' % event, '1')
    send()
    write('events/%s/enable' % event, '0')
    with open(TRACING + 'trace') as f:
        return [line for line in f if ': %s:' % event.split('/')[1] in line]


def one(fd, what, param=0, sport=1001, **kw):
    """Install an action, send a packet through it; the run as traced."""
    dp.put_flow(key, mask, [nl.bpf_action(fd, arg=what, param=param & 0xffffffff, **kw),
                            nl.output(2)])

    def send():
        wires[3].send(packet(sport))
        bed.quiet(1, 2)
    lines = traced('openvswitch/ovs_bpf_run', send)
    fields = [dict(re.findall(r'(\w+)=(\S+)', line)) for line in lines]
    if len(fields) != 1:
        return lines
    f = fields[0]
    ok = (f['dp'], f['in_port'], f['prog_id'], f['len']) == (
        'dp0', '3', str(IDS[fd]), str(len(packet())))
    return (ok, f['class'], int(f['verdict']), int(f['result']), f['decision'])


USED = [nl.attr(nl.IPV4, b'\xff' * 4 + bytes(8))]
CASES = {4: [nl.output(1)]}
port = int(open('/sys/class/net/p1/ifindex').read())
for what, got, want in (
        ('goes on', one(bed.prog, NOTHING, recheck=nl.PROGRAM), ('action', 0, 0, 'go_on')),
        ('recirculates by its word', one(bed.prog, RECLASSIFY, 9, recheck=nl.PROGRAM, recirc=5),
         ('action', 1, 9, 'recirc')),
        ('recirculates by the recheck', one(bed.prog, SRC, recheck=nl.CHANGED, recirc=5,
                                            used=USED), ('action', 0, SRC, 'recirc')),
        ('drops', one(bed.prog, VERDICT, 2, recheck=nl.PROGRAM), ('action', 2, VERDICT, 'drop')),
        ('returns nonsense', one(bed.prog, VERDICT, -9, recheck=nl.PROGRAM),
         ('action', -9, VERDICT, 'drop')),
        ('consumes', one(bed.prog, VERDICT, 4, recheck=nl.PROGRAM),
         ('action', 4, VERDICT, 'consume')),
        ('redirects', one(bed.prog, REDIRECT, port, recheck=nl.PROGRAM),
         ('action', 7, REDIRECT, 'redirect')),
        ('of a filter, with a case', one(beta, CONST, 4, cases=CASES), ('filter', 4, 4, 'case')),
        ('of a filter, with none', one(beta, CONST, 5, cases=CASES, default=[]),
         ('filter', 5, 5, 'default')),
        ('of a filter, that recirculates', one(beta, CONST, 6, recirc=5),
         ('filter', 6, 6, 'recirc'))):
    t.equal(got, (True,) + want, 'a run that %s is traced' % what if ' a filter' not in what
            else 'a run %s, is traced' % what)


def ours(line):
    """Whether the place of a traced drop is in the module."""
    place = re.search(r'location=(\S+)', line).group(1)
    rows = [row.split() for row in open('/proc/kallsyms') if '[openvswitch]' in row]
    if not re.fullmatch(r'(0x)?[0-9a-f]+', place):
        return place.split('+')[0] in [row[2] for row in rows]
    places = [int(row[0], 16) for row in rows]
    return min(places) <= int(place, 16) < max(places)


def drop(fd, what, param=0, **kw):
    """Send a packet into an action that drops it: the reasons counted, the places traced."""
    dp.put_flow(key, mask, [nl.bpf_action(fd, arg=what, param=param & 0xffffffff, **kw),
                            nl.output(2)])
    before = dp.drops()

    def send():
        wires[3].send(packet())
        bed.quiet(1, 2)
    lines = traced('skb/kfree_skb', send)
    after = dp.drops()
    return ({k: after[k] - before[k] for k in after if after[k] != before[k]},
            sum(ours(line) for line in lines))


write('options/hash-ptr', '0')
lo = 1     # its index is that everywhere
for reason, got in (
        ('shot', drop(bed.prog, VERDICT, 2, recheck=nl.PROGRAM)),
        ('bad_verdict', drop(bed.prog, VERDICT, 99, recheck=nl.PROGRAM)),
        ('redirect', drop(bed.prog, REDIRECT, lo, recheck=nl.PROGRAM)),
        ('no_recirc', drop(bed.prog, RECLASSIFY, recheck=nl.PROGRAM)),
        ('no_case', drop(beta, CONST, 5, cases=CASES))):
    t.equal(got, ({reason: 1}, 1), 'a drop is counted as %s, and traced as a drop' % reason)
dp.put_flow(k5, m5, [nl.bpf_action(beta, arg=CONST, recirc=5)])
t.equal(drop(beta, CONST, recirc=5), ({'recirc_limit': 1}, 1), 'a loop as recirc_limit')
t.equal(drop(bed.prog, VERDICT, 4, recheck=nl.PROGRAM), ({}, 0), 'what is consumed is no drop')

# Run times.  Where there is no JIT, in User-mode Linux, the clock that they are taken by
# ticks with the timer, and bpftool shows no runs that took no time.


def run_times(name, fd, **kw):
    dp.flush()
    dp.add_flow(key, mask, [nl.bpf_action(fd, arg=NOTHING, **kw), nl.output(2)])
    start = shown(name)
    run('sysctl -qw kernel.bpf_stats_enabled=1')
    for _ in range(25):
        wires[3].send(packet())
    bed.recv(2, 25)
    run('sysctl -qw kernel.bpf_stats_enabled=0')
    end = shown(name)
    t.equal(end.get('run_cnt', 0) - start.get('run_cnt', 0), 25,
            'bpftool counts the runs of %s while kernel.bpf_stats_enabled is set' % name)
    t.ok(end.get('run_time_ns', 0) > start.get('run_time_ns', 0), 'and their time',
         end.get('run_time_ns'))
    wires[3].send(packet())
    bed.recv(2)
    t.equal(shown(name).get('run_cnt', 0), end['run_cnt'], 'and not while it is not')


if os.path.exists('/proc/sys/net/core/bpf_jit_enable'):
    run_times('alpha', bed.prog, recheck=nl.PROGRAM)
    run_times('beta', beta, default=[])
else:
    t.skip('bpftool counts runs', 'the clock is too coarse')

dp.delete()
os.close(bed.prog)
os.close(beta)
unload('alpha')
unload('beta')
t.ok(unload_module(), 'the module unloads')
t.finish()
