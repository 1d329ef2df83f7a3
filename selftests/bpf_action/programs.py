#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# needs: jit
"""Whatever a program does to a packet, the datapath sees the packet as it is then:
sizes, tags, tunnels, other protocols, copies; linear or not, one segment or many."""
import json
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module, wait_until               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import (Bed, any_from, load, lookup, packet, set_masked, unload,  # noqa: E402
                    BYTE, NOTHING, SRC, TAIL)

(HEAD, ETHERNET, HEAD_ODD, VLAN_2, VLAN_POP, IPIP, UNIPIP, VXLAN, DIRECT, FOUR_TO_SIX, SUBPROG,
 TAIL_CALL, RINGBUF, SPIN_LOCK, CLONE_REDIRECT, REDIRECT_LATER, REDIRECT_FORGOT,
 LOOP) = range(18)
EMPTY = []

t = Ktap()
up = nl.Genl()
bed = Bed(pid=up.pid)
dp, wires = bed.dp, bed.wires
delta = load('delta')
key, mask = any_from(3)
tcp_key = [k for k in key if struct.unpack('=HH', k[:4])[1] not in (nl.IPV4, nl.UDP)] + [
    nl.attr(nl.IPV4, bytes(8) + bytes((6, 0, 0, 0))), nl.attr(nl.TCP, bytes(4)),
    nl.attr(nl.TCP_FLAGS, bytes(2))]
for dev in ('p2', 'w2', 'p3', 'w3'):
    run('ip link set %s mtu 9000' % dev)
run('ethtool -K p2 tso off gso off tx off sg off')
P = packet()
NEW_ETH = nl.mac(0x21) + nl.mac(0x22)


def act(what, param=0, mode=nl.PROGRAM, fd=None, **kw):
    return nl.bpf_action(fd or delta, mode, arg=what, param=param, **kw)


def install(*actions, keys=None):
    dp.flush()
    dp.add_flow(keys or key, mask, list(actions))


def through(*actions, frame=P, port=2, count=1, keys=None):
    """What comes out of a port after some actions, as a list of frames."""
    install(*actions, nl.output(2), keys=keys)
    wires[3].send(frame)
    return bed.recv(port, count)


def at_stage_5(kind, *more):
    """A flow for what recirculates as an untagged packet of another Ethernet type."""
    if not more:
        more = [(a, a) for a in {0x800: [nl.attr(nl.IPV4, bytes(12))],
                                 0x86dd: [nl.attr(nl.IPV6, bytes(40))]}.get(kind, ())]
    dp.add_flow([nl.attr(nl.RECIRC_ID, 5), nl.attr(nl.IN_PORT, 3), nl.attr(nl.ETHERNET, bytes(12)),
                 nl.attr(nl.ETHERTYPE, struct.pack('!H', kind)), *[k for k, _ in more]],
                [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.ETHERTYPE, b'\xff\xff'),
                 *[m for _, m in more]], [nl.output(1)])


def changed_to(what, kind, *more, used=EMPTY):
    """What recirculates in mode "changed", and is matched as what it has become."""
    install(act(what, mode=nl.CHANGED, recirc=5, used=used), nl.output(2))
    at_stage_5(kind, *more)
    wires[3].send(P)
    return bed.recv(1)


# The head.
shifted = NEW_ETH + b'\x88\xb5' + P
t.equal(through(act(HEAD)), [shifted], 'a header in front')
t.equal(through(act(HEAD), act(HEAD)), [NEW_ETH + b'\x88\xb5' + shifted], 'two of them')
t.equal(changed_to(HEAD, 0x88b5), [shifted], 'mode changed: looked up as what it is now')
t.equal(through(act(HEAD), set_masked(nl.ETHERNET, nl.mac(7) + nl.mac(8), b'\xff' * 12)),
        [nl.mac(8) + nl.mac(7) + shifted[12:]], 'an action behind sets the new header')
t.equal(through(act(HEAD_ODD)), [bytes(6) + P], 'bytes in front that are no header')
t.equal(through(act(HEAD), act(TAIL, 200, fd=bed.prog)), [shifted],
        'a program that finds no IPv4 any more leaves it alone')

# Tags.
two = P[:12] + struct.pack('!HHHH', 0x88a8, 8, 0x8100, 7) + P[12:]
t.equal(through(act(VLAN_2, 7)), [two], 'two tags pushed')
t.equal(through(act(VLAN_2, 7), nl.attr(nl.POP_VLAN, b''), nl.attr(nl.POP_VLAN, b'')), [P],
        'and popped by actions')
t.equal(through(act(VLAN_2, 7), act(VLAN_POP)), [P[:12] + b'\x81\0\0\7' + P[12:]],
        'or one by another program')
t.equal(through(nl.attr(nl.PUSH_VLAN, struct.pack('!HH', 0x8100, 0x1007)), act(VLAN_POP)), [P],
        "an action's tag popped by a program")

# Tunnels.
USED_IP = [nl.attr(nl.IPV4, b'\xff' * 8 + b'\xff\0\0\xff')]


def outer(frame):
    ip = frame[14:34]
    return struct.unpack('!H', ip[2:4])[0], ip[9], nl.csum(ip), ip[12:20]


OUTER_ADDRS = nl.ip4('192.0.2.1') + nl.ip4('192.0.2.2')
got = through(act(IPIP))
t.ok(got and outer(got[0]) == (len(P) + 6, 4, 0, OUTER_ADDRS) and got[0][34:] == P[14:],
     'IPv4 in IPv4', got)
t.equal(through(act(IPIP), act(UNIPIP)), [P], 'and out again')
proto_4 = (nl.attr(nl.IPV4, OUTER_ADDRS + b'\4\0\0\0'), nl.attr(nl.IPV4, b'\xff' * 9 + bytes(3)))
got = changed_to(IPIP, 0x800, proto_4, used=USED_IP)
t.ok(got and got[0][34:] == P[14:], 'mode changed: matched by the outer header', got)
got = through(act(VXLAN, 77))
t.ok(got and outer(got[0])[:3] == (len(P) + 36, 17, 0) and got[0][36:38] == b'\x12\xb5' and
     got[0][50:] == P, 'Ethernet in UDP', got)
udp = (nl.attr(nl.IPV4, OUTER_ADDRS + b'\x11\0\0\0'), nl.attr(nl.IPV4, b'\xff' * 9 + bytes(3)))
vx = (nl.attr(nl.UDP, struct.pack('!HH', 5000, 4789)), nl.attr(nl.UDP, b'\xff' * 4))
got = changed_to(VXLAN, 0x800, udp, vx, used=USED_IP)
t.ok(got and got[0][50:] == P, 'mode changed: matched by the outer ports', got)
got = through(act(FOUR_TO_SIX))
six = P[:12] + b'\x86\xdd' + struct.pack('!IHBB', 6 << 28, len(P) - 34, 17, 64) + \
    bytes(15) + b'\1' + bytes(15) + b'\2' + P[34:]
t.equal(got, [six], 'IPv4 to IPv6')
t.equal(changed_to(FOUR_TO_SIX, 0x86dd), [six], 'mode changed: matched as IPv6')

# Bytes, by all ways that there are.
install(nl.output(1), act(DIRECT), nl.output(2))
wires[3].send(P)
t.equal((bed.recv(1), bed.recv(2)), ([P], [P[:11] + b'\x33' + P[12:]]),
        'written directly: the copy that was sent before keeps its bytes')
run('bpftool map update pinned /sys/fs/bpf/delta_maps/jump key 0 0 0 0 '
    'value pinned /sys/fs/bpf/delta/called')
for what, param, tos, name in ((SUBPROG, 0x14, 0x14, 'a function of its own'),
                               (TAIL_CALL, 0, 0x24, 'a tail call'),
                               (LOOP, 100, 100, 'a bounded loop')):
    got = through(act(what, param))
    t.ok(got and got[0][15] == tos and nl.checksums_right(got[0]), '%s writes' % name, got)
t.equal(through(act(RINGBUF)), [P], 'a ring buffer')
t.equal(lookup('delta', 'told', 0), 16, 'got the event')
t.equal(through(act(SPIN_LOCK), act(SPIN_LOCK)), [P], 'a spin lock')
locked = lookup('delta', 'locked', 0)
t.equal((locked['packets'], locked['bytes']), (2, 2 * len(P)), 'counted under it')

# Redirection.


def ifindex(dev):
    return int(open('/sys/class/net/%s/ifindex' % dev).read())


install(act(CLONE_REDIRECT, ifindex('p1')), nl.output(2))
wires[3].send(P)
t.equal((bed.recv(1), bed.recv(2)), ([P], [P]), 'a clone is redirected, the packet goes on')
run('sysctl -qw net.ipv6.conf.dp0.disable_ipv6=1; ip link set dp0 up')
install(nl.attr(nl.TRUNC, 50), act(CLONE_REDIRECT, ifindex('dp0')), nl.output(2))
local = any_from(0)
dp.add_flow(*local, [act(REDIRECT_LATER, ifindex('p2')), nl.output(1)])
wires[3].send(P)
t.equal((bed.recv(1), bed.recv(2)), ([P], [P[:50]]),
        'or into the datapath again, whose programs run meanwhile')
before = dp.drops()['redirect']
install(act(REDIRECT_LATER, ifindex('p1')), act(REDIRECT_FORGOT))
wires[3].send(P)
t.equal((bed.quiet(1, 2), dp.drops()['redirect'] - before), (True, 1),
        'what one program asked bpf_redirect() for is not for the next')

# Not linear, checksum to be filled in, many segments.
big = nl.udp4('10.0.0.1', '10.0.0.9', 1001, 80, payload=bytes(range(256)) * 24)


def big_through(*actions):
    install(*actions, nl.output(2))
    wires[3].send_gso(big, 42)
    return bed.recv(2)


got = big_through(act(SRC, fd=bed.prog))
t.ok(got and got[0][26:30] == nl.ip4('10.0.0.2') and nl.checksums_right(got[0]) and
     got[0][42:] == big[42:], 'non-linear: rewritten', got and got[0][:42])
t.equal(big_through(act(HEAD)), [NEW_ETH + b'\x88\xb5' + big], 'non-linear: a header in front')
t.equal([f[50:] for f in big_through(act(VXLAN))], [big], 'non-linear: encapsulated')
t.equal([len(f) for f in big_through(act(TAIL, 500, fd=bed.prog))], [500], 'non-linear: cut')
t.equal([len(f) for f in big_through(act(TAIL, 7000, fd=bed.prog))], [7000], 'non-linear: longer')


def partial(proto, size, gso_size=0):
    """Headers with the sum of the pseudo header alone, as a sender with offload has it."""
    data = bytes(range(251)) * (size // 251)
    at = 6 if proto == 17 else 16
    if proto == 17:
        l4 = struct.pack('!HHHH', 1001, 80, 8 + len(data), 0) + data
    else:
        l4 = struct.pack('!HHIIBBHHH', 1001, 80, 1000, 1, 0x50, 0x10, 1000, 0, 0) + data
    pseudo = nl.ip4('10.0.0.1') + nl.ip4('10.0.0.9') + struct.pack('!BBH', 0, proto, len(l4))
    l4 = l4[:at] + struct.pack('!H', nl.csum(pseudo) ^ 0xffff) + l4[at + 2:]
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(l4), 1, 0x4000, 64, proto, 0,
                     nl.ip4('10.0.0.1'), nl.ip4('10.0.0.9'))
    ip = ip[:10] + struct.pack('!H', nl.csum(ip)) + ip[12:]
    return P[:14] + ip + l4, data


def offloaded(proto, size, *actions, gso_size=0, count=1):
    install(*actions, nl.output(2), keys=tcp_key if proto == 6 else None)
    frame, data = partial(proto, size)
    hdr = 42 if proto == 17 else 54
    wires[3].send_gso(frame, hdr, gso_size, csum_start=34, csum_offset=6 if proto == 17 else 16)
    return bed.recv(2, count), data


for name, actions, skip in (
        ('untouched', [act(NOTHING, fd=bed.prog)], 0),
        ('rewritten', [act(SRC, fd=bed.prog)], 0),
        ('in mode changed', [act(SRC, fd=bed.prog, mode=nl.CHANGED, recirc=5, used=EMPTY)], 0),
        ('encapsulated', [act(IPIP)], 20)):
    got, data = offloaded(17, 1000, *actions)
    inner = got and got[0][:14] + got[0][14 + skip:]
    t.ok(got and nl.checksums_right(inner) and inner[42:] == data,
         'a checksum that is to be filled in, %s: right' % name, got)
    got, data = offloaded(6, 6000, *actions, gso_size=1000, count=6)
    inner = [f[:14] + f[14 + skip:] for f in got]
    t.ok(len(got) == 6 and all(nl.checksums_right(f) for f in inner) and
         b''.join(f[54:] for f in inner) == data and
         all(outer(f)[0] == len(f) - 14 for f in got),
         'a packet of many segments, %s: cut right' % name, [len(f) for f in got])
got, data = offloaded(6, 6000, act(VLAN_2, 7), gso_size=1000, count=6)
t.ok(len(got) == 6 and all(f[12:20] == two[12:20] for f in got) and
     all(nl.checksums_right(f[:12] + f[20:]) for f in got), 'of many segments, tagged twice')

# A datagram that is to leave in fragments, whose header a program has spoilt.
short = nl.udp4('10.0.0.1', '10.0.0.9', 1001, 80, payload=b'\7\xdc' * 60)
for what, byte, n in (('as it was', 0x45, 3), ('shorter than any', 0x40, 0),
                      ('of IPv5', 0x55, 0)):
    dp.execute(short, [nl.attr(nl.IN_PORT, 3)],
               [act(BYTE, 14 << 8 | byte, fd=bed.prog), nl.output(2)], mru=76)
    t.equal(len(bed.recv(2, max(n, 1), timeout=3 if n else 0.3)), n,
            'to be fragmented, a header %s' % what)

# Packets without an Ethernet header.
L3 = [nl.attr(nl.IN_PORT, 3), nl.attr(nl.ETHERTYPE, b'\x08\0')]
dp.flush()
dp.execute(P[14:], L3, [act(ETHERNET), nl.output(2)])
t.equal(bed.recv(2), [NEW_ETH + b'\x08\0' + P[14:]], 'given an Ethernet header: may go out')
dp.execute(P[14:], L3, [act(NOTHING, fd=bed.prog), nl.output(2)])
t.ok(bed.quiet(2), 'without one: not by an Ethernet port')
at_stage_5(0x800)
dp.execute(P[14:], L3, [act(ETHERNET, mode=nl.CHANGED, recirc=5, used=EMPTY), nl.output(2)])
t.equal((bed.recv(1), bed.quiet(2)), ([NEW_ETH + b'\x08\0' + P[14:]], True),
        'mode changed: the header counts even with an empty USED')
for what, name in ((VLAN_2, 'a tag'), (HEAD_ODD, 'bytes that are no header')):
    before = dp.drops()['bad_packet']
    dp.execute(P[14:], L3, [act(what, 7), nl.output(2)])
    t.equal((bed.quiet(2), dp.drops()['bad_packet'] - before), (True, 1),
            'given %s: dropped, with a reason' % name)

dp.delete()
for fd in (bed.prog, delta):
    os.close(fd)
unload('alpha')
unload('delta')
t.ok(unload_module(), 'the module unloads')
t.ok(wait_until(lambda: not {'alpha', 'delta'} & {
    p.get('name') for p in json.loads(run('bpftool -j prog show'))}), 'no program is left')
t.finish()
