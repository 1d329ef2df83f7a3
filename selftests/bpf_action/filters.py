#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters: the verifier refuses them what would change a packet, the datapath puts
back what it lets them write, and their result alone decides."""
import errno
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module                           # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import (Bed, any_from, load, only_stats, packet,        # noqa: E402
                    set_masked, unload, NOTHING, MARK, CONST, SPORT, SCRIBBLE, PULL, LEN,
                    OF_MARK)

t = Ktap()
up = nl.Genl()
bed = Bed(pid=up.pid)
dp, wires = bed.dp, bed.wires
beta = load('beta')
key, mask = any_from(3)


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack('=BBhi', code, src << 4 | dst, off, imm)


EXIT = insn(0xb7) + insn(0x95)          # r0 = 0; exit
# if (data + 14 <= data_end) *(u8 *)data = 0
STORE = (insn(0x61, 2, 1, 76) + insn(0x61, 3, 1, 80) + insn(0xbf, 4, 2) +
         insn(0x07, 4, imm=14) + insn(0x2d, 4, 3, 1) + insn(0x72, 2) + EXIT)


def loaded(kind, insns):
    try:
        os.close(nl.bpf_prog_load(kind, insns))
        return 0
    except OSError as err:
        return err.errno


t.equal((loaded(nl.LWT_OUT, STORE), loaded(nl.SCHED_CLS, STORE)), (errno.EACCES, 0),
        'the verifier refuses a filter to store into the packet, and lets an action')
t.equal(loaded(nl.LWT_OUT, insn(0xb7, 2) + insn(0x85, imm=39) + EXIT), 0,
        'a filter may pull data')
for number, name in ((9, 'skb_store_bytes'), (10, 'l3_csum_replace'), (11, 'l4_csum_replace'),
                     (13, 'clone_redirect'), (18, 'skb_vlan_push'), (19, 'skb_vlan_pop'),
                     (21, 'skb_set_tunnel_key'), (23, 'redirect'), (31, 'skb_change_proto'),
                     (32, 'skb_change_type'), (38, 'skb_change_tail'), (40, 'csum_update'),
                     (41, 'set_hash_invalid'), (43, 'skb_change_head'), (48, 'set_hash'),
                     (50, 'skb_adjust_room'), (97, 'skb_ecn_set_ce')):
    t.equal((loaded(nl.LWT_OUT, insn(0x85, imm=number) + EXIT),
             loaded(nl.SCHED_CLS, insn(0x85, imm=number) + EXIT) in (0, errno.EACCES)),
            (errno.EINVAL, True), 'a filter has no bpf_%s(), which actions have' % name)


def install(what, param=0, before=(), after=(), fd=beta, **kw):
    dp.flush()
    dp.add_flow(key, mask, [*before, nl.bpf_action(fd, arg=what, param=param, **kw),
                            *after])


def stats():
    return [nl.bpf_stats(f) for f in dp.flows() if nl.BPF in nl.attrs(f[2])][0]


# The result is what the program returns, whatever number.
for value in (0, 1, 2, 7, 77, 0x7fffffff, 0x80000000, 0xffffffff):
    install(CONST, value, cases={value: [nl.output(1)]}, default=[nl.output(2)])
    wires[3].send(packet())
    t.equal(bed.recv(1), [packet()], 'result %#x has its case' % value)
    t.equal(stats(), only_stats(runs=1, coalesced=1, cases=1), '%#x: counted' % value)
install(CONST, 2, cases={1: [nl.output(1)]}, default=[nl.output(2)])
wires[3].send(packet())
t.equal((bed.recv(2), stats()), ([packet()], only_stats(runs=1, coalesced=1, default=1)),
        'TC_ACT_SHOT is no verdict of a filter, but a number')
install(SPORT, recirc=5)
k5, m5 = any_from(3, 5)
dp.add_flow(k5 + [nl.attr(nl.DP_HASH, 1001)], m5 + [nl.attr(nl.DP_HASH, 0xffffffff)],
            [nl.output(1)])
dp.add_flow(k5 + [nl.attr(nl.DP_HASH, 1002)], m5 + [nl.attr(nl.DP_HASH, 0xffffffff)],
            [nl.output(2)])
for sport in (1001, 1002):
    wires[3].send(packet(sport))
t.equal((bed.recv(1), bed.recv(2)), ([packet(1001)], [packet(1002)]),
        'a filter with RECIRC_ID alone: the result is matched as dp_hash')
t.equal(stats(), only_stats(runs=2, recirculated=2), 'counted as recirculated')
dump = nl.bpf_of([f for f in dp.flows() if nl.BPF in nl.attrs(f[2])][0])
t.equal((dump[nl.CLASS], nl.RECHECK in dump), (struct.pack('=I', nl.CLASS_FILTER), False),
        'a dump tells that it is a filter')
run('bpftool map update pinned /sys/fs/bpf/beta_maps/jump key 0 0 0 0 '
    'value pinned /sys/fs/bpf/beta/called')
caller = nl.bpf_obj_get('/sys/fs/bpf/beta/caller')
install(CONST, fd=caller, cases={0x7a11: [nl.output(1)]})
wires[3].send(packet())
t.equal(bed.recv(1), [packet()], 'a filter may end in another by a tail call')

# Pure: nothing but the result tells that one ran.
SET = [set_masked(nl.SKB_MARK, struct.pack('=I', 0x55), b'\xff' * 4),
       set_masked(nl.PRIORITY, struct.pack('=I', 0x66), b'\xff' * 4)]
LOOK = [nl.bpf_action(bed.prog, nl.PROGRAM, arg=NOTHING), nl.output(2)]
seen = []
for what in (CONST, SCRIBBLE):
    install(what, 9, before=SET, cases={9: LOOK})
    wires[3].send(packet(1002))
    t.equal(bed.recv(2), [packet(1002)], 'a packet behind a filter that %s' %
            ('scribbles' if what == SCRIBBLE else 'does not'))
    seen.append(bed.seen())
t.equal((seen[1]['mark'], seen[1]['priority']), (0x55, 0x66), 'mark and priority are put back')
t.equal(seen[1], seen[0], 'all that the next program sees is as if none had run')
install(SCRIBBLE, 9, before=[nl.attr(nl.TRUNC, 40)], cases={9: [nl.output(2)]})
wires[3].send(packet())
t.equal(bed.recv(2), [packet()[:40]], 'the datapath keeps what it noted of the packet itself')
install(SCRIBBLE, 9, before=SET, recirc=5)
dp.add_flow(k5 + [nl.attr(nl.SKB_MARK, 0x55), nl.attr(nl.PRIORITY, 0x66)],
            m5 + [nl.attr(nl.SKB_MARK, 0xffffffff), nl.attr(nl.PRIORITY, 0xffffffff)],
            [nl.output(1)])
wires[3].send(packet())
t.equal(bed.recv(1), [packet()], 'and the next stage matches mark and priority as they were')
install(OF_MARK, before=SET, cases={0x55: [nl.output(1)]})
wires[3].send(packet())
t.equal(bed.recv(1), [packet()], 'a filter sees the mark that an action set')
dp.flush()
dp.add_flow(key, mask, [nl.bpf_action(bed.prog, nl.PROGRAM, arg=MARK, param=7),
                        nl.bpf_action(beta, arg=OF_MARK, cases={7: [nl.output(1)]})])
wires[3].send(packet())
t.equal(bed.recv(1), [packet()], 'or that a program set')
dp.flush()
dp.add_flow(key, mask, [nl.bpf_action(bed.prog, nl.PROGRAM, arg=MARK, param=7),
                        nl.bpf_action(beta, arg=SCRIBBLE, param=9, cases={9: LOOK})])
wires[3].send(packet())
t.equal((bed.recv(2), bed.seen()['mark']), ([packet()], 7), 'and that one is put back too')

# Large, non-linear, tagged.
for dev in ('p2', 'w2', 'p3', 'w3'):
    run('ip link set %s mtu 9000' % dev)
big = nl.udp4('10.0.0.1', '10.0.0.9', 1001, 80, payload=bytes(range(256)) * 24)
install(PULL, len(big) - 1, cases={0xff: [nl.output(2)]})
wires[3].send_gso(big, 42)
t.equal(bed.recv(2), [big], 'a filter pulls a non-linear packet of %d bytes' % len(big))
install(LEN, before=[nl.attr(nl.PUSH_VLAN, struct.pack('!HH', 0x8100, 0x1007))],
        cases={len(packet()): [nl.output(2)]})
wires[3].send(packet())
t.equal(bed.recv(2), [packet()[:12] + b'\x81\0\0\7' + packet()[12:]],
        'a tagged packet: the tag stays, and is not part of what is seen')
tagged = packet()[:12] + b'\x81\0\0\7' + packet()[12:]
k_tag = [*key[:3], nl.attr(nl.ETHERTYPE, b'\x81\0'), nl.attr(nl.VLAN, b'\x10\7'),
         nl.nest(nl.ENCAP, *key[3:])]
m_tag = [*mask[:2], nl.attr(nl.ETHERTYPE, b'\xff\xff'), nl.attr(nl.VLAN, b'\xff\xff'),
         nl.nest(nl.ENCAP, *mask[2:])]
for what, want in ((LEN, len(packet())), (SPORT, 1001)):
    action = nl.bpf_action(beta, arg=what, cases={want: [nl.output(2)]})
    dp.flush()
    dp.add_flow(k_tag, m_tag, [action])
    wires[3].send(tagged)
    t.equal(bed.recv(2), [tagged], 'a packet that comes tagged: the tag is not part of what is seen')
    dp.execute(tagged, k_tag, [action])
    t.equal(bed.recv(2), [tagged], 'nor of one that userspace sends')

# One in the middle of a list.
install(SPORT, cases={1001: [nl.output(1)]}, default=[], after=[nl.output(2)])
wires[3].send(packet(1001))
wires[3].send(packet(1002))
t.equal((bed.recv(1), bed.recv(2, 2)), ([packet(1001)], [packet(1001), packet(1002)]),
        'after a case, and after an empty DEFAULT, the actions behind run')
SRC9 = set_masked(nl.IPV4, nl.ip4('9.9.9.9') + bytes(8), b'\xff' * 4 + bytes(8))
install(SPORT, cases={1001: [SRC9, nl.output(1)]}, default=[], after=[nl.output(2)])
wires[3].send(packet(1001))
t.equal((bed.recv(1)[0][26:30], bed.recv(2)), (nl.ip4('9.9.9.9'), [packet(1001)]),
        'which do not see what the case did')
install(SPORT, cases={1001: []}, after=[nl.output(2)])
dropped = dp.drops()['no_case']
for sport in (1001, 1002):
    wires[3].send(packet(sport))
t.equal((bed.recv(2), stats(), dp.drops()['no_case'] - dropped),
        ([packet(1001)], only_stats(runs=2, coalesced=1, cases=1, dropped=1, no_case=1), 1),
        'no case, no DEFAULT, no RECIRC_ID: dropped, with a reason of its own')
t.equal(bed.runs(0, 'beta') > 20, True, 'the filter counted its runs')

dp.delete()
os.close(bed.prog)
os.close(beta)
os.close(caller)
unload('alpha')
unload('beta')
t.ok(unload_module(), 'the module unloads')
t.finish()
