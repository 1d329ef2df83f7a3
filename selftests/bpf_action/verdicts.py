#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every verdict, what a program sees, what it may do to the packet, loops."""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module                           # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import (Bed, any_from, only_stats, packet, set_masked,  # noqa: E402
                    NOTHING, UNRELATED, RECLASSIFY, MARK, VLAN_PUSH, CLOBBER, REDIRECT,
                    ETH_TYPE, TAIL, VERDICT, SRC)

OK, UNSPEC, RECL, SHOT, PIPE, STOLEN, QUEUED, REDIR, TRAP = 0, -1, 1, 2, 3, 4, 5, 7, 8

t = Ktap()
up = nl.Genl()
bed = Bed(pid=up.pid)
dp = bed.dp
key, mask = any_from(3)


def install(what, param=0, mode=nl.PROGRAM, recirc=None, used=None, before=(), after=None,
            high=None):
    dp.flush()
    dp.add_flow(key, mask, [*before, nl.bpf_action(
        bed.prog, mode, recirc=recirc, used=used, arg=what, param=param & 0xffffffff),
        *(after if after is not None else [nl.output(2)])])


def stats():
    return [nl.bpf_stats(f) for f in dp.flows() if nl.BPF in nl.attrs(f[2])][0]


def counted(name):
    return dp.drops()[name]


# Verdicts.
for verdict, name in ((OK, 'OK'), (UNSPEC, 'UNSPEC'), (PIPE, 'PIPE')):
    install(VERDICT, verdict)
    bed.wires[3].send(packet())
    t.equal(len(bed.recv(2)), 1, 'TC_ACT_%s: the actions behind run' % name)
    t.equal(stats(), only_stats(runs=1, coalesced=1), 'TC_ACT_%s: counted' % name)

for verdict, name, reason, what in (
        (SHOT, 'SHOT', 'shot', {}), (6, 'REPEAT', 'bad_verdict', {'bad_verdict': 1}),
        (77, 'number 77', 'bad_verdict', {'bad_verdict': 1}),
        (-2, 'number -2', 'bad_verdict', {'bad_verdict': 1}),
        (RECL, 'RECLASSIFY without RECIRC_ID', 'no_recirc', {})):
    install(VERDICT, verdict)
    before = counted(reason)
    bed.wires[3].send(packet())
    t.ok(bed.quiet(1, 2), '%s: dropped' % name)
    t.equal(stats(), only_stats(runs=1, dropped=1, **what), '%s: counted for the flow' % name)
    t.equal(counted(reason), before + 1, '%s: counted for the datapath' % name)

for verdict, name in ((STOLEN, 'STOLEN'), (QUEUED, 'QUEUED')):
    install(VERDICT, verdict)
    bed.wires[3].send(packet())
    t.ok(bed.quiet(1, 2), 'TC_ACT_%s: consumed' % name)
    t.equal(stats(), only_stats(runs=1, consumed=1), 'TC_ACT_%s: counted' % name)

install(VERDICT, TRAP)
bed.wires[3].send(packet())
upcall = up.recv_upcall()
t.ok(upcall and upcall[0] == nl.PACKET_ACTION and upcall[1][1] == packet(),
     'TC_ACT_TRAP: userspace gets the packet', upcall)
t.equal(stats(), only_stats(runs=1, consumed=1), 'TC_ACT_TRAP: counted')
t.ok(bed.quiet(1, 2), 'TC_ACT_TRAP: and nobody else')


def ifindex(dev):
    return int(open('/sys/class/net/%s/ifindex' % dev).read())


install(REDIRECT, ifindex('p1'))
bed.wires[3].send(packet())
t.equal(len(bed.recv(1)), 1, 'TC_ACT_REDIRECT: to a port of the datapath')
t.equal(stats(), only_stats(runs=1, redirected=1), 'TC_ACT_REDIRECT: counted')
for dev in ('lo', 'w1'):
    install(REDIRECT, ifindex(dev))
    before = counted('redirect')
    bed.wires[3].send(packet())
    t.ok(bed.quiet(1, 2), 'TC_ACT_REDIRECT to %s, no port: dropped' % dev)
    t.equal((stats(), counted('redirect')), (only_stats(runs=1, dropped=1), before + 1),
            'TC_ACT_REDIRECT to %s: counted' % dev)
install(VERDICT, REDIR)
bed.wires[3].send(packet())
t.ok(bed.quiet(1, 2), 'TC_ACT_REDIRECT without bpf_redirect(): not to where the last one went')

# What a program sees.
install(NOTHING, 0x12345678, before=[set_masked(nl.SKB_MARK, struct.pack('=I', 0x55),
                                                 b'\xff' * 4)])
bed.wires[3].send(packet())
bed.recv(2)
seen = bed.seen()
t.equal(seen['cb'], [NOTHING, 0x12345678, 3, 0, 0], 'cb: argument, port, stage, hook')
t.equal((seen['len'], seen['protocol'], seen['mark'], seen['vlan']),
        (len(packet()), 0x800, 0x55, 0), 'length, protocol, mark, no tag')
t.equal(seen['tc_classid'], 0, "nothing of the datapath's own control block")
install(NOTHING, before=[nl.attr(nl.PUSH_VLAN, struct.pack('!HH', 0x8100, 0x1007))],
        after=[nl.attr(nl.POP_VLAN, b''), nl.output(2)])
bed.wires[3].send(packet(1002))
t.equal(bed.recv(2), [packet(1002)], 'a tag pushed before and popped behind')
t.equal(bed.seen()['vlan'], 7, 'the program saw the tag')

# What a program may do.
install(CLOBBER, after=[nl.output(1), nl.output(2)])
bed.wires[3].send(packet())
t.equal((bed.recv(1), bed.recv(2)), ([packet()], [packet()]),
        'a program that scribbles over cb harms nothing')
install(UNRELATED, after=[set_masked(nl.IPV4, bytes(9) + b'\x80' + bytes(2),
                                     bytes(9) + b'\xc0' + bytes(2)), nl.output(2)])
bed.wires[3].send(packet())
got = bed.recv(2)
t.ok(got and got[0][15] == 0xa0 and nl.checksums_right(got[0]),
     'a masked set behind changes its bits and keeps the others of the program',
     got and hex(got[0][15]))
install(MARK, 9, mode=nl.CHANGED, recirc=5, used=[nl.attr(nl.SKB_MARK, b'\xff' * 4)])
k5, m5 = any_from(3, 5)
dp.add_flow(k5 + [nl.attr(nl.SKB_MARK, 9)], m5 + [nl.attr(nl.SKB_MARK, b'\xff' * 4)],
            [nl.output(1)])
bed.wires[3].send(packet())
t.equal(len(bed.recv(1)), 1, 'a changed mark is seen and matched')
install(MARK, 9, mode=nl.CHANGED, recirc=5, used=[nl.attr(nl.SKB_MARK, b'\xf0\xff\xff\xff')])
bed.wires[3].send(packet())
t.equal(len(bed.recv(2)), 1, 'a change outside of USED does not recirculate')

tagged = packet()[:12] + struct.pack('!HH', 0x8100, 7) + packet()[12:]
install(VLAN_PUSH, 7)
bed.wires[3].send(packet())
t.equal(bed.recv(2), [tagged], 'a tag pushed by the program goes out')
install(VLAN_PUSH, 7, mode=nl.CHANGED, recirc=5, used=[])
dp.add_flow([nl.attr(nl.RECIRC_ID, 5), nl.attr(nl.IN_PORT, 3), nl.attr(nl.ETHERNET, bytes(12)),
             nl.attr(nl.ETHERTYPE, b'\x81\0'), nl.attr(nl.VLAN, struct.pack('!H', 0x1007)),
             nl.nest(nl.ENCAP, nl.attr(nl.ETHERTYPE, b'\x08\0'), *any_from(3)[0][4:])],
            [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.VLAN, b'\xff\xff'),
             nl.attr(nl.ETHERTYPE, b'\xff\xff'),
             nl.nest(nl.ENCAP, nl.attr(nl.ETHERTYPE, b'\xff\xff'))],
            [nl.attr(nl.POP_VLAN, b''), nl.output(1)])
bed.wires[3].send(packet())
t.equal(bed.recv(1), [packet()], 'presence of a tag counts even with an empty USED')
install(ETH_TYPE, 0x1234, mode=nl.CHANGED, recirc=5, used=[])
before = dp.stats()[1]
bed.wires[3].send(packet())
t.ok(bed.quiet(1, 2) and dp.stats()[1] == before + 1 and stats()['recirculated'] == 1,
     'the Ethernet type counts even with an empty USED')
upcall = up.recv_upcall()
t.ok(upcall and nl.attrs(upcall[1][2]).get(nl.ETHERTYPE) == b'\x12\x34',
     'its upcall has the new type')
install(ETH_TYPE, 0x1234, after=[set_masked(nl.IPV4, nl.ip4('9.9.9.9') + bytes(8),
                                            b'\xff' * 4 + bytes(8)), nl.output(2)])
bed.wires[3].send(packet())
t.equal(bed.recv(2), [packet()[:12] + b'\x12\x34' + packet()[14:]],
        'a set of IPv4 behind leaves a packet alone that is none any more')
# Devices go by what the kernel says is the protocol, which is seen where a packet goes out.
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.bind(('p2', 0))
tap.settimeout(3)
install(ETH_TYPE, 0x1234, after=[nl.output(2)])
bed.wires[3].send(packet())
bed.recv(2)
frame, a = tap.recvfrom(2000)
t.equal((a[1], a[2], frame[12:14]), (0x1234, socket.PACKET_OUTGOING, b'\x12\x34'),
        'the device is told the new type')
tap.close()
install(SRC, after=[nl.attr(nl.RECIRC, 5)])
k5, m5 = any_from(3, 5)
k5[4] = nl.attr(nl.IPV4, nl.ip4('10.0.0.2') + bytes(4) + bytes((17, 0, 0, 0)))
m5[3] = nl.attr(nl.IPV4, b'\xff' * 4 + bytes(4) + bytes((0xff, 0, 0, 0xff)))
dp.add_flow(k5, m5, [nl.output(1)])
bed.wires[3].send(packet())
t.equal(len(bed.recv(1)), 1, 'a recirc action behind a trusted program sees what it wrote')
for size in (60, 400):
    install(TAIL, size, after=[set_masked(nl.ETHERNET, nl.mac(7) + nl.mac(8), b'\xff' * 12),
                               nl.output(2)])
    bed.wires[3].send(packet())
    got = bed.recv(2)
    t.ok(got and len(got[0]) == size and got[0][:12] == nl.mac(8) + nl.mac(7),
         'resized to %d, then set' % size, [len(f) for f in got])
install(TAIL, 14)
bed.wires[3].send(packet())
t.ok(bed.quiet(1, 2) and stats()['dropped'] == 1,
     'not resized to less than its headers: the program drops it')

# Once for each packet and stage, across a miss and the execution of its packet.
dp.flush()
runs = bed.runs()
bed.wires[3].send(packet())
cmd, a = up.recv_upcall()
dp.execute(a[1], [nl.attr(k, v) for k, v in nl.attrs(a[2]).items()],
           [nl.bpf_action(bed.prog, nl.ALWAYS, recirc=5, arg=SRC), nl.output(2)])
t.equal(bed.runs(), runs + 1, 'an executed packet runs its program once')
cmd, a = up.recv_upcall()
t.equal(struct.unpack('=I', nl.attrs(a[2])[nl.RECIRC_ID])[0], 5,
        'and misses at the next stage')
dp.execute(a[1], [nl.attr(k, v) for k, v in nl.attrs(a[2]).items()], [nl.output(1)])
got = bed.recv(1)
t.ok(got and got[0][26:30] == nl.ip4('10.0.0.2') and nl.checksums_right(got[0]),
     'as the program left it')
t.equal(bed.runs(), runs + 1, 'without another run')

# Loops.
install(RECLASSIFY, mode=nl.PROGRAM, recirc=5)
k5, m5 = any_from(3, 5)
dp.add_flow(k5, m5, [nl.bpf_action(bed.prog, nl.PROGRAM, recirc=5, arg=RECLASSIFY)])
before, runs5 = counted('recirc_limit'), bed.runs(5)
bed.wires[3].send(packet())
t.ok(bed.quiet(1, 2), 'a program that always recirculates: the packet is dropped')
t.equal((counted('recirc_limit') - before, bed.runs(5) - runs5), (1, 16),
        'after 16 recirculations, counted')
dp.flush()
dp.add_flow(key, mask, [nl.attr(nl.RECIRC, 5)])
dp.add_flow(k5, m5, [nl.attr(nl.RECIRC, 5), nl.attr(nl.RECIRC, 5)])
before = counted('recirc_limit')
bed.wires[3].send(packet())
t.ok(bed.quiet(1, 2) and counted('recirc_limit') > before,
     'a loop of recirc actions that multiplies ends too')
install(NOTHING)
bed.wires[3].send(packet())
t.equal(len(bed.recv(2)), 1, 'the datapath goes on')

dp.delete()
os.close(bed.prog)
run('rm -r /sys/fs/bpf/alpha /sys/fs/bpf/alpha_maps')
t.ok(unload_module(), 'the module unloads')
t.finish()
