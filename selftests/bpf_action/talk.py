#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The example of the talk, by flows as a daemon would install them.

    table 0: ip_src=10.0.0.1  ->  alpha, goto 2
    table 2: ip_src=10.0.0.2  ->  output 1;  else -> output 2

alpha rewrites some packets (an odd source port) and others not. The megaflow for
10.0.0.1 is "alpha, output 2". Whatever alpha does, each packet must leave by the
port that a walk through the tables would choose, with as few lookups as the mode
allows. The same with tables that read the destination port, over UDP and TCP.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, unload_module                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import (Bed, only_stats, NOTHING, UNRELATED, SAME, SRC, # noqa: E402
                    SRC_RECLASSIFY, RECLASSIFY, DST_PORT)

PER_KIND = 6        # packets of odd, and as many of even source port
RESULT = 77

t = Ktap()
bed = Bed()
dp, wires, prog = bed.dp, bed.wires, bed.prog


def ipv4(src=None, proto=None, field=None):
    """An IPV4 attribute, or the mask of one with FIELD exact."""
    if field is None:
        return nl.attr(nl.IPV4, nl.ip4(src) + bytes(4) + bytes((proto, 0, 0, 0)))
    return nl.attr(nl.IPV4, (b'\xff' * 4 if field == 'src' else bytes(4)) + bytes(4) +
                   bytes((0xff, 0, 0, 0xff)))


def key_mask(stage, proto, src=None, dport=None, result=None):
    """Key and mask of a flow for packets from port 3."""
    l4 = nl.UDP if proto == 17 else nl.TCP
    key = [nl.attr(nl.RECIRC_ID, stage), nl.attr(nl.IN_PORT, 3),
           nl.attr(nl.ETHERNET, bytes(12)), nl.attr(nl.ETHERTYPE, b'\x08\0'),
           ipv4(src or '0.0.0.0', proto),
           nl.attr(l4, bytes(2) + struct.pack('!H', dport or 0))]
    mask = [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.IN_PORT, 0xffffffff),
            nl.attr(nl.ETHERTYPE, b'\xff\xff'),
            ipv4(field='src' if src else 'none')]
    if proto == 6:
        key.append(nl.attr(nl.TCP_FLAGS, bytes(2)))
    if dport is not None:
        mask.append(nl.attr(l4, bytes(2) + b'\xff\xff'))
    if result is not None:
        key.append(nl.attr(nl.DP_HASH, result))
        mask.append(nl.attr(nl.DP_HASH, 0xffffffff))
    return key, mask


def install(mode, what, proto, by_port):
    """The flows of the example; the first runs alpha."""
    dp.flush()
    if by_port:
        used = [nl.attr(nl.UDP if proto == 17 else nl.TCP, bytes(2) + b'\xff\xff')]
        stages = [dict(dport=2222), dict(dport=80)]
    else:
        used = [nl.attr(nl.IPV4, b'\xff' * 4 + bytes(8))]
        stages = [dict(src='10.0.0.2'), dict(src='10.0.0.1')]
    key, mask = key_mask(0, proto, src='10.0.0.1', dport=80)
    dp.add_flow(key, mask, [
        nl.bpf_action(prog, mode, recirc=1, arg=what, param=RESULT,
                      used=used if mode == nl.CHANGED else None), nl.output(2)])
    for out, fields in enumerate(stages, 1):
        key, mask = key_mask(1, proto, **fields)
        dp.add_flow(key, mask, [nl.output(out)])


def drive(proto):
    """Send packets; what came out of each port, odd source ports first."""
    for i in range(PER_KIND):
        for sport in (1001, 1002):
            wires[3].send(nl.udp4('10.0.0.1', '10.0.0.9', sport, 80, proto=proto))
    # The last packet tells that all before it are through.
    got = {1: {}, 2: {}}
    bad = 0
    want = 2 * PER_KIND
    for port in (2, 1):
        timeout = 5 if port == 2 else 0.3
        left = want - sum(sum(v.values()) for v in got.values())
        for f in wires[port].recv_all(lambda fs, n=left: len(fs) >= n,
                                      0.3 if port == 2 else timeout):
            sport = struct.unpack('!H', f[34:36])[0]
            got[port][sport] = got[port].get(sport, 0) + 1
            bad += not nl.checksums_right(f)
    return got, bad


NAMES = {NOTHING: 'never writes', UNRELATED: 'writes an unrelated field',
         SAME: 'writes the same value', SRC: 'writes the consulted field',
         DST_PORT: 'writes the consulted field', SRC_RECLASSIFY: 'writes and says RECLASSIFY',
         RECLASSIFY: 'says RECLASSIFY'}
MODES = {nl.PROGRAM: 'program', nl.ALWAYS: 'always', nl.CHANGED: 'changed'}


def case(mode, what, proto, by_port):
    wrote = what in (DST_PORT,) if by_port else what in (SRC, SRC_RECLASSIFY)
    says = what in (SRC_RECLASSIFY, RECLASSIFY)
    lies = mode == nl.PROGRAM and wrote and not says
    label = 'mode %s, alpha %s, %s, table 2 reads %s' % (
        MODES[mode], NAMES[what], 'UDP' if proto == 17 else 'TCP',
        'tp_dst' if by_port else 'ip_src')
    # A lie under "program" breaks the contract: the stale rest runs.
    odd = 1 if wrote and not lies else 2
    want = {1: {}, 2: {1002: PER_KIND}}
    want[odd][1001] = PER_KIND
    install(mode, what, proto, by_port)
    before = dp.stats()
    got, bad = drive(proto)
    after = dp.stats()
    t.equal(got, want, label + ': ports' + (' (a lie: the wrong port, as agreed)'
                                            if lies else ''))
    t.equal(bad, 0, label + ': checksums')

    recirculated = {nl.ALWAYS: 2 * PER_KIND, nl.PROGRAM: PER_KIND if says else 0,
                    nl.CHANGED: PER_KIND if wrote or says else 0}[mode]
    t.equal((after[0] - before[0], after[1] - before[1]),
            (2 * PER_KIND + recirculated, 0), label + ': lookups')
    stats = [nl.bpf_stats(f) for f in dp.flows() if nl.BPF in nl.attrs(f[2])][0]
    t.equal(stats, only_stats(runs=2 * PER_KIND, recirculated=recirculated,
                              coalesced=2 * PER_KIND - recirculated), label + ': counters')


for mode in (nl.PROGRAM, nl.ALWAYS, nl.CHANGED):
    for what in (NOTHING, UNRELATED, SAME, SRC, SRC_RECLASSIFY, RECLASSIFY):
        case(mode, what, 17, False)
    for proto in (17, 6):
        for what in (NOTHING, UNRELATED, DST_PORT):
            case(mode, what, proto, True)

# The other way round: a bit missing in USED must show.
dp.flush()
key, mask = key_mask(0, 17, src='10.0.0.1', dport=80)
dp.add_flow(key, mask, [nl.bpf_action(prog, nl.CHANGED, recirc=1, arg=SRC, used=[]),
                        nl.output(2)])
got, _ = drive(17)
t.equal(got, {1: {}, 2: {1001: PER_KIND, 1002: PER_KIND}},
        'USED without ip_src: the change is not seen')

# The result reaches the next stage as dp_hash.
install(nl.PROGRAM, RECLASSIFY, 17, False)
dp.flow(nl.CMD_DEL, nl.nest(1, *key_mask(1, 17, src='10.0.0.1')[0]))
key, mask = key_mask(1, 17, src='10.0.0.1', result=RESULT)
dp.add_flow(key, mask, [nl.output(1)])
got, _ = drive(17)
t.equal(got, {1: {1001: PER_KIND}, 2: {1002: PER_KIND}}, 'the result is matched as dp_hash')

dp.delete()
os.close(prog)
t.ok(unload_module(), 'the module unloads')
t.finish()
