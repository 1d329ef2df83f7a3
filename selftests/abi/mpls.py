#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""push_mpls, add_mpls, pop_mpls, set(mpls): what is taken and what refused, how it is
dumped, and what it does to packets."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, unload_module                                # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from abibed import (EINVAL, MPLS, Bed, add_mpls, clone, flow, mpls_flow,       # noqa: E402
                    pop_mpls, pop_vlan, push_eth, push_mpls, push_vlan, set_ip,
                    set_mac, set_masked, vlan_frame)

t = Ktap()
bed = Bed()
out = nl.output(2)
A, B = 0x12345140, 0x54321a3f       # label, traffic class, bottom of stack, TTL


def lse(n):
    return struct.pack('!I', n)


def set_lse(value, mask=0xffffffff):
    return set_masked(MPLS, lse(value), lse(mask))


ip, l3, tagged, lldp = flow(), flow(eth=False), flow(tag=5), flow(0x88cc)
OK = 0
for what, km, actions, want in (
        ('push_mpls on IPv4', ip, [push_mpls(A), out], OK),
        ('push_mpls on IPv6', flow(0x86dd), [push_mpls(A), out], OK),
        ('push_mpls on ARP', flow(0x0806), [push_mpls(A), out], OK),
        ('push_mpls on MPLS', mpls_flow(), [push_mpls(A), out], OK),
        ('push_mpls without Ethernet', l3, [push_mpls(A), out], OK),
        ('push_mpls on LLDP', lldp, [push_mpls(A), out], EINVAL),
        ('push_mpls of multicast', ip, [push_mpls(A, 0x8848), out], OK),
        ('push_mpls of type IPv4', ip, [push_mpls(A, 0x0800), out], EINVAL),
        ('push_mpls of 6 bytes', ip, [nl.attr(nl.PUSH_MPLS, bytes(6)), out], EINVAL),
        ('push_mpls on a tag', tagged, [push_mpls(A), out], EINVAL),
        ('pop_vlan, push_mpls', tagged, [pop_vlan(), push_mpls(A), out], OK),
        ('push_mpls, push_vlan', ip, [push_mpls(A), push_vlan(5), out], OK),
        ('push_mpls, push_vlan, push_mpls', ip, [push_mpls(A), push_vlan(5), push_mpls(A), out],
         EINVAL),
        ('push_mpls, set IP', ip, [push_mpls(A), set_ip(), out], EINVAL),
        ('push_mpls nested, set IP', ip, [clone(push_mpls(A)), set_ip(), out], OK),
        ('push_mpls, set MPLS', ip, [push_mpls(A), set_lse(B), out], OK),
        ('push_mpls five times', ip, [push_mpls(A)] * 5 + [out], OK),
        ('push_mpls, pop_mpls', ip, [push_mpls(A), pop_mpls(0x800), out], OK),
        ('push_mpls, pop_mpls, set IP', ip, [push_mpls(A), pop_mpls(0x800), set_ip(), out],
         EINVAL),
        ('push_mpls, pop_mpls, set MAC', ip, [push_mpls(A), pop_mpls(0x800), set_mac(), out], OK),
        ('push_mpls, pop_mpls twice', ip, [push_mpls(A), pop_mpls(0x8847), pop_mpls(0x800), out],
         EINVAL),
        ('push_mpls twice, pop_mpls twice', ip,
         [push_mpls(A), push_mpls(A), pop_mpls(0x8847), pop_mpls(0x800), out], OK),
        ('push_mpls twice, pop_mpls to IPv4, set IP', ip,
         [push_mpls(A), push_mpls(A), pop_mpls(0x800), set_ip(), out], EINVAL),
        ('push_mpls, pop_mpls, push_mpls', ip,
         [push_mpls(A), pop_mpls(0x800), push_mpls(A), out], EINVAL),
        ('push_mpls, pop_mpls, push_vlan', ip,
         [push_mpls(A), pop_mpls(0x800), push_vlan(5), out], OK),
        ('pop_mpls on IPv4', ip, [pop_mpls(0x800), out], EINVAL),
        ('pop_mpls on a tag', mpls_flow(tag=5), [pop_mpls(0x800), out], EINVAL),
        ('pop_mpls of 4 bytes', mpls_flow(), [nl.attr(nl.POP_MPLS, bytes(4)), out], EINVAL),
        ('pop_mpls to an unknown type', mpls_flow(), [pop_mpls(1), out], OK),
        ('pop_mpls of one label that is matched', mpls_flow(1), [pop_mpls(0x800), out], OK),
        ('pop_mpls of one more', mpls_flow(1), [pop_mpls(0x8847), pop_mpls(0x800), out], EINVAL),
        ('pop_mpls of two labels that are matched', mpls_flow(2),
         [pop_mpls(0x8847), pop_mpls(0x800), out], OK),
        ('pop_mpls of three labels that are matched', mpls_flow(3),
         [pop_mpls(0x8847)] * 3 + [out], OK),
        ('pop_mpls of four labels', mpls_flow(3), [pop_mpls(0x8847)] * 4 + [out], EINVAL),
        ('set MPLS', mpls_flow(), [set_lse(B), out], OK),
        ('set MPLS, masked', mpls_flow(), [set_lse(0x100, 0xf00), out], OK),
        ('set MPLS of a whole stack', mpls_flow(3), [set_masked(MPLS, lse(B) * 3), out], EINVAL),
        ('set MPLS on IPv4', ip, [set_lse(B), out], EINVAL),
        ('add_mpls before all', ip, [add_mpls(A, 0), push_eth(), out], OK),
        ('add_mpls before all, tagged', tagged, [add_mpls(A, 0), push_eth(), out], OK),
        ('add_mpls before all, LLDP', lldp, [add_mpls(A, 0), push_eth(), out], OK),
        ('add_mpls before all, then a tag', ip, [add_mpls(A, 0), push_vlan(5), out], EINVAL),
        ('add_mpls before all, pop_mpls', ip, [add_mpls(A, 0), pop_mpls(0x800), out], OK),
        ('add_mpls before all, pop_mpls twice', ip,
         [add_mpls(A, 0), pop_mpls(0x8847), pop_mpls(0x800), out], EINVAL),
        ('add_mpls before all of MPLS, pop_mpls twice', mpls_flow(),
         [add_mpls(A, 0), pop_mpls(0x8847), pop_mpls(0x800), out], EINVAL),
        ('add_mpls before layer 3', ip, [add_mpls(A, 1), out], OK),
        ('add_mpls before layer 3, no Ethernet', l3, [add_mpls(A, 1), out], OK),
        ('add_mpls before layer 3, tagged', tagged, [add_mpls(A, 1), out], EINVAL),
        ('add_mpls before layer 3, LLDP', lldp, [add_mpls(A, 1), out], EINVAL),
        ('add_mpls before layer 3, then a tag', ip, [add_mpls(A, 1), push_vlan(5), out], OK),
        ('add_mpls of type IPv4', ip, [add_mpls(A, 0, 0x800), out], EINVAL)):
    t.equal(bed.verdict(km, actions), want, '%s: %s' % (what, 'refused' if want else 'taken'))
for what, km, actions in (
        ('push_mpls, pop_mpls', ip, [push_mpls(A), push_mpls(B, 0x8848), pop_mpls(0x8847), out]),
        ('add_mpls', ip, [add_mpls(A, 1), add_mpls(B, 0), out]),
        ('set', mpls_flow(), [set_lse(0x100, 0xf00), out])):
    t.equal(bed.dumped(km, actions), b''.join(actions), '%s: dumped as it came' % what)

frame = nl.udp4('10.0.0.1', '10.0.0.2', 1000, 2000)
head, rest = frame[:12], frame[14:]


def mpls(*labels, kind=0x8847):
    return head + struct.pack('!H', kind) + b''.join(map(lse, labels)) + rest


t.equal(bed.one(ip, [push_mpls(A), out], frame), mpls(A), 'push_mpls')
t.equal(bed.one(ip, [push_mpls(A), push_mpls(B, 0x8848), out], frame),
        mpls(B, A, kind=0x8848), 'push_mpls twice: the type of the last')
t.equal(bed.one(ip, [push_mpls(A), push_vlan(7), out], frame), vlan_frame(mpls(A), 7),
        'push_mpls, push_vlan')
t.equal(bed.one(ip, [push_mpls(A), pop_mpls(0x800), out], frame), frame, 'push_mpls, pop_mpls')
t.equal(bed.one(tagged, [pop_vlan(), push_mpls(A), push_vlan(9), out], vlan_frame(frame, 5)),
        vlan_frame(mpls(A), 9), 'pop_vlan, push_mpls, push_vlan')
t.equal(bed.one(ip, [push_mpls(A), set_lse(B), out], frame), mpls(B), 'push_mpls, set MPLS')
t.equal(bed.one(ip, [push_mpls(A), set_lse(0x500, 0xfff), out], frame),
        mpls(A & ~0xfff | 0x500), 'set MPLS, masked')
t.equal(bed.one(ip, [add_mpls(A, 1), out], frame), mpls(A), 'add_mpls before layer 3')
outer = nl.mac(6) + nl.mac(5) + b'\x88\x47' + lse(A)
t.equal(bed.one(ip, [add_mpls(A, 0), push_eth(), out], frame), outer + frame,
        'add_mpls before all, push_eth')
t.equal(bed.through(ip, [clone(push_mpls(A), out), out], frame)[2], [mpls(A), frame],
        'push_mpls in a clone is not seen behind it')


def match(labels, n):
    """A flow of the given label stack."""
    blank = mpls_flow(0)
    data = b''.join(map(lse, labels))
    return (blank[0] + [nl.attr(MPLS, data)], blank[1] + [nl.attr(MPLS, b'\xff' * 4 * n)])


t.equal(bed.one(match((A,), 1), [pop_mpls(0x800), out], mpls(A)), frame, 'pop_mpls')
t.equal(bed.one(match((B, A), 2), [pop_mpls(0x8847), pop_mpls(0x800), out], mpls(B, A)), frame,
        'pop_mpls of both')
t.equal(bed.one(match((B, A), 2), [pop_mpls(0x8847), set_lse(B), out], mpls(B, A)), mpls(B),
        'pop_mpls of one, set the other')
t.equal(bed.one(match((B,), 1), [push_mpls(A), out], mpls(B)), mpls(A, B), 'push_mpls on MPLS')
t.equal(bed.one(match((B,), 1), [set_lse(0x40, 0xff), out], mpls(B)), mpls(B & ~0xff | 0x40),
        'set MPLS of a packet that came with it')
# Below the stack: after recirculation the packet is known again.
bed.dp.flush()
bed.dp.add_flow(*match((A,), 1), [pop_mpls(0x800), nl.attr(nl.RECIRC, 3)])
bed.dp.add_flow(*flow(recirc=3), [set_ip('8.8.8.8'), out])
bed.wires[1].send(mpls(A))
got = bed.recv(2)
t.ok(len(got) == 1 and got[0][26:30] == bytes((8, 8, 8, 8)) and nl.checksums_right(got[0]),
     'pop_mpls, recirculation, set IP', got)
bed.dp.flush()
bed.dp.add_flow(*ip, [push_mpls(A), nl.attr(nl.RECIRC, 4)])
blank = mpls_flow(0, recirc=4)
bed.dp.add_flow(blank[0] + [nl.attr(MPLS, lse(A))], blank[1] + [nl.attr(MPLS, b'\xff' * 4)],
                [set_lse(B), out])
bed.wires[1].send(frame)
t.equal(bed.recv(2), [mpls(B)], 'push_mpls, recirculation, a match on the label')
bed.dp.flush()
bed.dp.add_flow(*match((A,), 1), [set_lse(0x20, 0xff), nl.attr(nl.RECIRC, 5)])
blank = mpls_flow(0, recirc=5)
bed.dp.add_flow(blank[0] + [nl.attr(MPLS, lse(A & ~0xff | 0x20))],
                blank[1] + [nl.attr(MPLS, b'\xff' * 4)], [out])
bed.wires[1].send(mpls(A))
t.equal(bed.recv(2), [mpls(A & ~0xff | 0x20)], 'set MPLS, recirculation, a match on the label')

bed.dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
