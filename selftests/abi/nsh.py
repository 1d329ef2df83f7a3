#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""push_nsh, pop_nsh: what is taken and what refused, how it is dumped, and what it does
to packets."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, unload_module                                # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from abibed import (EINVAL, NSH, POP_NSH, PUSH_NSH, STOCK, Bed, clone, flow,   # noqa: E402
                    pop_eth, push_eth, push_vlan, set_ip, set_mac, vlan_frame)

t = Ktap()
bed = Bed()
out = nl.output(2)
BASE, MD1, MD2 = 1, 2, 3
IPV4, ETHERNET = 1, 3       # what follows
CONTEXT = bytes(range(16))


def base(mdtype=1, np=ETHERNET, flags=0, ttl=63, path=0x1234fe):
    return nl.attr(BASE, struct.pack('!BBBBI', flags, ttl, mdtype, np, path))


def push(*attrs):
    return nl.nest(PUSH_NSH, nl.nest(NSH, *attrs))


def pop():
    return nl.attr(POP_NSH, b'')


def header(np, mdtype=1, md=CONTEXT, ttl=63, flags=0, path=0x1234fe):
    return struct.pack('!HBBI', flags << 12 | ttl << 6 | (8 + len(md)) // 4, mdtype, np,
                       path) + md


def nsh_flow(np=ETHERNET, mdtype=1, **kw):
    key = [base(mdtype, np)] + ([nl.attr(MD1, bytes(16))] if mdtype == 1 else [])
    mask = [nl.attr(BASE, struct.pack('!BBBBI', 0, 0, 255, 255, 0))] + \
        ([nl.attr(MD1, bytes(16))] if mdtype == 1 else [])
    return flow(0x894f, extra=[(nl.nest(NSH, *key), nl.nest(NSH, *mask))], **kw)


md1, ip, l3 = nl.attr(MD1, CONTEXT), flow(), flow(eth=False)
OK = 0
for what, km, actions, want in (
        ('push_nsh', ip, [push(base(), md1), out], OK),
        ('push_nsh without Ethernet', l3, [push(base(), md1), out], OK),
        ('push_nsh on a tag', flow(tag=5), [push(base(), md1), out], OK),
        ('push_nsh without BASE', ip, [push(md1), out], EINVAL),
        ('push_nsh without metadata', ip, [push(base()), out], EINVAL),
        ('push_nsh of nothing', ip, [nl.nest(PUSH_NSH), out], EINVAL),
        ('push_nsh of another key', ip, [nl.nest(PUSH_NSH, nl.attr(nl.SKB_MARK, 1)), out], EINVAL),
        ('push_nsh, MD1 under MD type 2', ip, [push(base(2), md1), out], EINVAL),
        ('push_nsh, MD2 under MD type 1', ip, [push(base(), nl.attr(MD2, bytes(8))), out], EINVAL),
        ('push_nsh, both', ip, [push(base(), md1, nl.attr(MD2, bytes(8))), out], EINVAL),
        ('push_nsh, an empty MD2', ip, [push(base(2), nl.attr(MD2, b'')), out], EINVAL),
        ('push_nsh, MD2 of 4 bytes', ip, [push(base(2), nl.attr(MD2, bytes(4))), out], OK),
        ('push_nsh, MD2 of 248 bytes', ip, [push(base(2), nl.attr(MD2, bytes(248))), out], OK),
        ('push_nsh, MD2 of 252 bytes', ip, [push(base(2), nl.attr(MD2, bytes(252))), out], EINVAL),
        ('push_nsh, push_eth', ip, [push(base(), md1), push_eth(), out], OK),
        ('push_nsh, set MAC', ip, [push(base(), md1), set_mac(), out], EINVAL),
        ('push_nsh, push_vlan', ip, [push(base(), md1), push_vlan(5), out], EINVAL),
        ('push_nsh, pop_nsh, set MAC', ip, [push(base(), md1), pop(), set_mac(), out], EINVAL),
        ('pop_nsh', nsh_flow(), [pop_eth(), pop(), out], OK),
        ('pop_nsh without Ethernet', nsh_flow(eth=False), [pop(), out], OK),
        ('pop_nsh to Ethernet, set MAC', nsh_flow(), [pop_eth(), pop(), set_mac(), out], OK),
        ('pop_nsh to IPv4, set MAC', nsh_flow(IPV4), [pop_eth(), pop(), set_mac(), out], EINVAL),
        ('pop_nsh to IPv4, push_eth', nsh_flow(IPV4), [pop_eth(), pop(), push_eth(), out], OK),
        ('pop_nsh to IPv4, set IP', nsh_flow(IPV4), [pop_eth(), pop(), set_ip(), out], EINVAL),
        ('pop_nsh on IPv4', ip, [pop(), out], EINVAL),
        ('set(nsh)', nsh_flow(), [nl.nest(nl.SET, nl.nest(NSH, base(), md1)), out], EINVAL)):
    t.equal(bed.verdict(km, actions), want, '%s: %s' % (what, 'refused' if want else 'taken'))
for what, actions in (('MD type 1', [push(base(flags=1, ttl=9), md1), out]),
                      ('MD type 2', [push(base(2, IPV4), nl.attr(MD2, bytes(range(12)))), out])):
    t.equal(bed.dumped(ip, actions), b''.join(actions), 'push_nsh, %s: dumped as it came' % what)
if not STOCK:
    t.equal(bed.verdict(ip, [push(base(2), nl.attr(MD2, bytes(7))), out]), EINVAL,
            'push_nsh, MD2 of 7 bytes: refused, as the header counts words of 4')

frame = nl.udp4('10.0.0.1', '10.0.0.2', 1000, 2000)
eth = nl.mac(6) + nl.mac(5) + b'\x89\x4f'
encap = [push(base(), md1), push_eth(), out]
t.equal(bed.one(ip, encap, frame), eth + header(ETHERNET) + frame,
        'push_nsh, push_eth: around the frame')
t.equal(bed.one(ip, [pop_eth()] + encap, frame), eth + header(IPV4) + frame[14:],
        'pop_eth, push_nsh, push_eth: around the IPv4 packet, whatever BASE says')
if not STOCK:       # which warns of its own copying
    t.equal(bed.one(ip, [push(base(2, flags=2, ttl=7), nl.attr(MD2, bytes(range(12)))),
                         push_eth(), out], frame),
            eth + header(ETHERNET, 2, bytes(range(12)), ttl=7, flags=2) + frame,
            'push_nsh, MD type 2')
t.equal(bed.through(ip, [clone(*encap), out], frame)[2], [eth + header(ETHERNET) + frame, frame],
        'push_nsh in a clone is not seen behind it')
if not STOCK:       # the stock module puts the tag outside of the header
    t.equal(bed.one(flow(tag=5), encap, vlan_frame(frame, 5)),
            eth + header(ETHERNET) + vlan_frame(frame, 5), 'push_nsh takes a tag inside')
if not STOCK:       # which takes a pop of a header that came with the packet only
    t.equal(bed.one(ip, [push(base(), md1), pop(), out], frame), frame, 'push_nsh, pop_nsh')
t.equal(bed.one(nsh_flow(), [pop_eth(), pop(), out], eth + header(ETHERNET) + frame), frame,
        'pop_nsh to Ethernet')
t.equal(bed.one(nsh_flow(), [pop_eth(), pop(), set_mac(), out], eth + header(ETHERNET) + frame),
        nl.mac(8) + nl.mac(9) + frame[12:], 'pop_nsh to Ethernet, set MAC')
t.equal(bed.one(nsh_flow(IPV4), [pop_eth(), pop(), push_eth(), out],
                eth + header(IPV4) + frame[14:]),
        nl.mac(6) + nl.mac(5) + frame[12:], 'pop_nsh to IPv4, push_eth')
t.equal(bed.one(nsh_flow(mdtype=2), [pop_eth(), pop(), out],
                eth + header(ETHERNET, 2, bytes(20)) + frame), frame, 'pop_nsh, MD type 2')
if not STOCK:       # which takes no such key
    t.equal(bed.through(nsh_flow(9), [pop_eth(), pop(), out], eth + header(9) + frame)[2], [],
            'pop_nsh to an unknown protocol: dropped')
bed.dp.flush()
bed.dp.add_flow(*nsh_flow(), [pop_eth(), pop(), nl.attr(nl.RECIRC, 3)])
bed.dp.add_flow(*flow(recirc=3), [set_ip('8.8.8.8'), out])
bed.wires[1].send(eth + header(ETHERNET) + frame)
got = bed.recv(2)
t.ok(len(got) == 1 and got[0][26:30] == bytes((8, 8, 8, 8)) and nl.checksums_right(got[0]),
     'pop_nsh, recirculation, set IP', got)
bed.dp.flush()
bed.dp.add_flow(*ip, [push(base(), md1), nl.attr(nl.RECIRC, 4)])
bed.dp.add_flow(*nsh_flow(recirc=4, eth=False), [push_eth(), out])
bed.wires[1].send(frame)
t.equal(bed.recv(2), [eth + header(ETHERNET) + frame],
        'push_nsh, recirculation, a match on the header')

bed.dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
