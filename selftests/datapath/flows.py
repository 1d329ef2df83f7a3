#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Megaflows: names, masks, counters, changes, dumps, notifications."""
import errno
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap                                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import (ALL, STOCK, Bed, k_eth, k_ports, k_type, k_u32, k_vlan,  # noqa: E402
                   key_dict, p_ipv4, p_ports, refusal)

KEY, ACTIONS, STATS, TCP_FLAGS, USED, CLEAR, MASK, PROBE, UFID, UFID_FLAGS = range(1, 11)
PAD = 11                # where 64-bit values have to be aligned
OMIT_KEY, OMIT_MASK, OMIT_ACTIONS = 1, 2, 4
ECHO = nl.NLM_F_ECHO

t = Ktap()
bed = Bed(ports=3)
up, dp = bed.up, bed.dp
U = f.ipv4(f.udp(payload=b'x' * 58))        # 100 bytes
out = nl.output


def key_of(sport, port=1, dst=f.B4, label=0):
    """Key and mask: UDP from a source port."""
    return ([k_u32(nl.RECIRC_ID, 0), k_u32(nl.IN_PORT, port), k_eth(bytes(6), bytes((0, 0, 0, 0, 0, label))),
             k_type(0x800), nl.attr(nl.IPV4, p_ipv4('0.0.0.0', dst, 17)), k_ports(nl.UDP, sport, 53)],
            [k_u32(nl.RECIRC_ID, ALL), k_u32(nl.IN_PORT, ALL), k_type(0xffff),
             nl.attr(nl.IPV4, p_ipv4('0.0.0.0', '255.255.255.255', 0xff)),
             nl.attr(nl.UDP, p_ports(0xffff, 0))])


def packet(sport, **kw):
    return f.ipv4(f.udp(sport, payload=b'x' * 58), **kw)


def request(cmd, key=None, mask=None, actions=None, ufid=None, flags=None, extra=b'', nlflags=0):
    data = b''
    if key is not None:
        data += nl.nest(KEY, *key)
    if mask is not None:
        data += nl.nest(MASK, *mask)
    if actions is not None:
        data += nl.nest(ACTIONS, *actions)
    if ufid is not None:
        data += nl.attr(UFID, ufid)
    if flags is not None:
        data += nl.attr(UFID_FLAGS, flags)
    reply = dp.flow(cmd, data + extra, nlflags)
    return nl.attrs(reply[0][4:]) if reply else None


def new(*a, nlflags=nl.NLM_F_CREATE, **kw):
    return request(nl.CMD_NEW, *a, nlflags=nlflags, **kw)


def get(**kw):
    return request(nl.CMD_GET, **kw)


def errno_of(call, *a, **kw):
    err = refusal(call, *a, **kw)
    return err.errno if err else 0


def dump(flags=None):
    data = b'' if flags is None else nl.attr(UFID_FLAGS, flags)
    return [nl.attrs(m[4:]) for m in dp.flow(nl.CMD_GET, data, nl.NLM_F_DUMP)]


ID1, ID2 = bytes(range(16)), bytes(range(16, 32))

# A flow that is named by its key.
k1, m1 = key_of(1)
t.equal(new(k1, m1, [out(2)]), None, 'a flow is made')
a = get(key=k1)
t.equal(sorted(a), [KEY, ACTIONS, MASK], 'it has a key, a mask, actions, no counters yet')
t.equal(a[ACTIONS], out(2), 'its actions')
got = key_dict(a[KEY])
t.equal((got['ipv4'], got['udp'], got['in_port']),
        (p_ipv4('0.0.0.0', f.B4, 17).hex(), p_ports(1, 53).hex(), '01000000'), 'its key, as sent')
got = key_dict(a[MASK])
t.equal((got['ipv4'], got['udp'], got['type'], got['in_port'], got['eth']),
        (p_ipv4('0.0.0.0', '255.255.255.255', 0xff).hex(), p_ports(0xffff, 0).hex(), 'ffff',
         'ffffffff', bytes(12).hex()), 'its mask')
bed.wires[1].send(packet(1))
t.equal(bed.recv(2), [packet(1)], 'its packets take it')
bed.wires[1].send(packet(2))
t.ok(up.recv_upcall(), 'others do not')
t.equal(errno_of(get, key=key_of(2)[0]), errno.ENOENT, 'no flow of another key')
t.equal(errno_of(get, key=key_of(1, label=1)[0]), errno.ENOENT,
        'nor of one that differs under the mask alone')
t.equal(errno_of(get, ufid=ID1), errno.ENOENT, 'nor by a UFID')
t.equal(errno_of(new, k1, m1, [out(3)]), errno.EEXIST, 'made again: EEXIST')
t.equal(errno_of(new, k1, m1, [out(3)], nlflags=nl.NLM_F_EXCL), errno.EEXIST,
        'made again, exclusively: EEXIST')
t.equal(get(key=k1)[ACTIONS], out(2), 'and it is as before')
t.equal(errno_of(new, k1, m1, [out(3)], nlflags=0), 0, 'made again without CREATE: it is replaced')
a = get(key=k1)
t.equal((a[ACTIONS], STATS in a), (out(3), True), 'it has the new actions and the old counters')

# One that has a UFID.
k2, m2 = key_of(2)
new(k2, m2, [out(2)], ID1)
a = get(ufid=ID1)
t.equal(sorted(a), [KEY, ACTIONS, MASK, UFID], 'a flow by its UFID')
t.equal((a[UFID], key_dict(a[KEY])['udp']), (ID1, p_ports(2, 0).hex()), 'with its key, masked')
t.equal(errno_of(get, key=k2), errno.ENOENT, 'it is not found by its key')
t.equal(sorted(get(key=k1, ufid=ID1)), [KEY, ACTIONS, MASK, UFID], 'the UFID goes before the key')
for length in (1, 5, 15):
    new(*key_of(100 + length), [out(2)], ID2[:length])
    t.equal(get(ufid=ID2[:length])[UFID], ID2[:length], 'a UFID of %d bytes' % length)
t.equal(errno_of(get, ufid=ID2[:6]), errno.ENOENT, 'the length of a UFID counts')
t.equal(errno_of(get, ufid=ID2[:5] + bytes(3)), errno.ENOENT, 'so does a zero at its end')
t.equal(errno_of(new, *key_of(3), [out(2)], ID1), errno.EEXIST, 'another flow of the same UFID: EEXIST')
t.equal(errno_of(new, k2, m2, [out(2)], ID2), errno.EEXIST, 'the same flow of another UFID: EEXIST')
for what, flags, want in (
        ('nothing', 0, [KEY, ACTIONS, MASK, UFID]), ('the key', OMIT_KEY, [ACTIONS, MASK, UFID]),
        ('the mask', OMIT_MASK, [KEY, ACTIONS, UFID]), ('the actions', OMIT_ACTIONS, [KEY, MASK, UFID]),
        ('all', 7, [UFID])):
    t.equal(sorted(get(ufid=ID1, flags=flags)), want, 'a reply without ' + what)
    a = [x for x in dump(flags) if x.get(UFID) == ID1]
    t.equal([sorted(x) for x in a], [want], 'a dump without ' + what)
a = [x for x in dump(7) if UFID not in x]
t.equal([sorted(set(x) - {STATS, USED, PAD}) for x in a], [[KEY]],
        'a flow without a UFID is dumped with its key all the same')
t.equal(sorted(new(*key_of(4), [out(2)], b'id4', flags=OMIT_KEY | OMIT_MASK,
                   nlflags=nl.NLM_F_CREATE | ECHO)), [ACTIONS, UFID], 'so is the echo of a new flow')

# Counters.
dp.flush()
t.equal((dump(), dp.stats()[3]), ([], 0), 'flushed')
new(k1, m1, [out(2)])
new(*key_of(2), [out(2)], ID1)
before = time.clock_gettime(time.CLOCK_MONOTONIC) * 1000
hit = dp.stats()[0]
for _ in range(3):
    bed.wires[1].send(packet(1))
bed.recv(2, 3)
a = get(key=k1)
t.equal(struct.unpack('=2Q', a[STATS]), (3, 300), 'packets and bytes')
used, now = struct.unpack('=Q', a[USED])[0], time.clock_gettime(time.CLOCK_MONOTONIC) * 1000
t.ok(before - 20 <= used <= now + 20, 'time of last use', before, used, now)
t.ok(TCP_FLAGS not in a, 'no TCP flags of UDP')
t.ok(STATS not in get(ufid=ID1), 'the other flow has none')
t.equal(dp.stats()[0] - hit, 3, 'three hits')
dp.execute(packet(1), [k_u32(nl.IN_PORT, 1), k_eth()], [nl.attr(nl.RECIRC, 0)])
t.equal(struct.unpack('=2Q', get(key=k1)[STATS]), (4, 400), 'a packet that recirculates counts')
bed.recv(2, 1)
tagged = f.vlan(0x8100, 5, packet(1))
kv = [k_u32(nl.RECIRC_ID, 0), k_u32(nl.IN_PORT, 1), k_eth(bytes(6), bytes(6)),
      k_vlan(0x8100, 0x1005, k_type(0x800), nl.attr(nl.IPV4, p_ipv4()))]
new(kv, [k_u32(nl.RECIRC_ID, ALL), k_u32(nl.IN_PORT, ALL)], [out(2)], b'vlan')
bed.wires[1].send(tagged)
bed.recv(2)
t.equal(struct.unpack('=2Q', get(ufid=b'vlan')[STATS]), (1, 104), 'a tagged packet counts, and the tag')
ktcp = [k_u32(nl.RECIRC_ID, 0), k_u32(nl.IN_PORT, 1), k_eth(bytes(6), bytes(6)), k_type(0x800),
        nl.attr(nl.IPV4, p_ipv4(proto=6)), k_ports(nl.TCP, 0, 0), nl.attr(nl.TCP_FLAGS, b'\0\0')]
mtcp = [k_u32(nl.RECIRC_ID, ALL), k_u32(nl.IN_PORT, ALL), k_type(0xffff),
        nl.attr(nl.IPV4, p_ipv4(proto=0xff))]
new(ktcp, mtcp, [out(2)], b'tcp')
for flags, seen in ((f.SYN, 2), (f.ACK, 0x12), (f.NS | f.FIN, 0x13)):
    bed.wires[1].send(f.ipv4(f.tcp(flags=flags)))
    bed.recv(2)
    t.equal(get(ufid=b'tcp').get(TCP_FLAGS), bytes((seen,)), 'TCP flags gather: %#x' % seen)
a = request(nl.CMD_SET, k1, m1, extra=nl.attr(CLEAR, b''), nlflags=ECHO)
t.equal(struct.unpack('=2Q', a.get(STATS, bytes(16))), (4, 400), 'CLEAR tells the last counters')
a = get(key=k1)
t.ok(STATS not in a and USED not in a and a[ACTIONS] == out(2), 'and clears them; the actions stay', a)
request(nl.CMD_SET, ktcp, mtcp, [out(3)], b'tcp', extra=nl.attr(CLEAR, b''))
a = get(ufid=b'tcp')
t.ok(not {STATS, USED, TCP_FLAGS} & set(a) and a[ACTIONS] == out(3), 'CLEAR with new actions', a)
bed.wires[1].send(f.ipv4(f.tcp(flags=f.RST)))
bed.recv(3)
t.equal(get(ufid=b'tcp').get(TCP_FLAGS), b'\4', 'TCP flags gather anew')
bed.wires[1].send(packet(1))
t.equal(struct.unpack('=2Q', get(key=k1)[STATS]), (1, 100), 'and it counts again')
bed.recv(2)

# Changes.
request(nl.CMD_SET, k1, m1, [out(3)])
bed.wires[1].send(packet(1))
t.equal(bed.recv(3), [packet(1)], 'new actions take effect')
t.equal(struct.unpack('=2Q', get(key=k1)[STATS]), (2, 200), 'and the counters go on')
request(nl.CMD_SET, k1, m1)
t.equal(get(key=k1)[ACTIONS], out(3), 'a SET without actions keeps them')
request(nl.CMD_SET, k1, m1, [])
bed.wires[1].send(packet(1))
t.ok(get(key=k1)[ACTIONS] == b'' and bed.quiet(2, 3), 'one with an empty list: drop')
t.equal(errno_of(request, nl.CMD_SET, *key_of(77), [out(2)]), errno.ENOENT, 'SET of no flow: ENOENT')
t.equal(errno_of(request, nl.CMD_SET, *key_of(77), [out(2)], b'none'), errno.ENOENT,
        'SET of no UFID: ENOENT')
a = request(nl.CMD_DEL, key=k1, nlflags=ECHO)
t.equal(struct.unpack('=2Q', a[STATS]), (3, 300), 'DEL tells the last counters')
t.equal(errno_of(request, nl.CMD_DEL, key=k1), errno.ENOENT, 'DEL of no flow: ENOENT')
t.equal(errno_of(request, nl.CMD_DEL, ufid=b'none'), errno.ENOENT, 'DEL of no UFID: ENOENT')
request(nl.CMD_DEL, ufid=ID1)
bed.wires[1].send(packet(2))
t.ok(up.recv_upcall() and errno_of(get, ufid=ID1) == errno.ENOENT, 'DEL by UFID')
dp.flush()


# Masks.
def mega():
    return struct.unpack('=QIIQQ', dp.get()[4])


exact = key_of(5)[0]
exact[2] = k_eth()
exact[4] = nl.attr(nl.IPV4, p_ipv4(f.A4, f.B4, 17, ttl=64))
new(exact, None, [out(2)])
bed.wires[1].send(packet(5))
t.equal(bed.recv(2), [packet(5)], 'no mask: an exact match')
for what, frame in (('ToS', packet(5, tos=4)), ('TTL', packet(5, ttl=63)), ('source', packet(5, src='10.0.0.9')),
                    ('a tag', f.vlan(0x8100, 0, packet(5))), ('Ethernet', b'\2' * 6 + packet(5)[6:]),
                    ('a fragment', packet(5, frag=0x2000))):
    bed.wires[1].send(frame)
    t.ok(up.recv_upcall(), 'not with another ' + what)
t.equal(mega()[1], 1, 'one mask')
new(*key_of(6), [out(3)])
new(*key_of(7), [out(3)])
t.equal((mega()[1], dp.stats()[3]), (2, 3), 'three flows, two masks')
before, n = mega(), 20
for _ in range(n):
    for sport, port in ((5, 2), (6, 3), (7, 3)):
        bed.wires[1].send(packet(sport))
        got = bed.recv(port)
        if got != [packet(sport)]:
            t.ok(False, 'each packet finds its flow', sport, port, got)
after = mega()
t.ok(3 * n <= after[0] - before[0] <= 6 * n, 'masks tried are counted', before, after)
t.ok(n < after[3] - before[3] <= 3 * n, 'and hits of the mask cache', before, after)
dp.dp(nl.CMD_SET, nl.attr(7, 0))
before = mega()
for _ in range(5):
    bed.wires[1].send(packet(7))
bed.recv(3, 5)
t.equal(mega()[3], before[3], 'none without a cache')
dp.dp(nl.CMD_SET, nl.attr(7, 256))
request(nl.CMD_DEL, key=key_of(6)[0])
t.equal(mega()[1], 2, 'a mask stays with its last flow')
request(nl.CMD_DEL, key=key_of(7)[0])
t.equal(mega()[1], 1, 'and goes with it')
for what, key, mask, frames in (
        ('a prefix', p_ipv4('10.9.0.0', '0.0.0.0', 17), p_ipv4('255.255.0.0', '0.0.0.0', 0xff),
         [(packet(9, src='10.9.1.2'), True), (packet(9, src='10.8.1.2'), False)]),
        ('bits in the middle', p_ipv4('0.7.0.0', '0.0.0.0', 17), p_ipv4('0.15.0.0', '0.0.0.0', 0xff),
         [(packet(9, src='1.23.1.2'), True), (packet(9, src='1.24.1.2'), False)]),
        ('ToS alone', p_ipv4(tos=0x20, proto=17), p_ipv4(tos=0xfc, proto=0xff),
         [(packet(9, tos=0x22), True), (packet(9, tos=0x24), False)]),
        ('fragments', p_ipv4(frag=1, proto=17), p_ipv4(frag=3, proto=0xff),
         [(packet(9, frag=0x2000), True), (packet(9), False)])):
    dp.flush()
    k, m = key_of(0)
    new([*k[:4], nl.attr(nl.IPV4, key), k[5]], [*m[:3], nl.attr(nl.IPV4, mask)], [out(2)])
    for frame, want in frames:
        bed.wires[1].send(frame)
        got = bed.recv(2) == [frame] if want else bool(up.recv_upcall())
        t.ok(got, 'a mask of %s: %s' % (what, 'hit' if want else 'miss'))
dp.flush()

# Notifications.
ears = nl.Genl()
ears.join('ovs_flow', 'ovs_flow')
new(k1, m1, [out(2)], ID1)
request(nl.CMD_SET, k1, m1, [out(3)], ID1)
request(nl.CMD_DEL, ufid=ID1)
heard = [ears.recv_upcall(2) or (0, {}) for _ in range(3)]
t.equal([(cmd, a.get(ACTIONS)) for cmd, a in heard],
        [(nl.CMD_NEW, out(2)), (nl.CMD_SET, out(3)), (nl.CMD_DEL, out(3))],
        'NEW, SET and DEL are told to listeners')

# Many flows, and a dump that goes on while they change.
N = 400
for i in range(N):
    new(*key_of(1000 + i), [out(2)], b'n%d' % i)
t.equal(dp.stats()[3], N, '%d flows' % N)
t.equal(sorted(int(a[UFID][1:]) for a in dump()), list(range(N)), 'a dump has each once')
for i in (0, N // 2, N - 1):
    bed.wires[1].send(packet(1000 + i))
    t.equal(bed.recv(2), [packet(1000 + i)], 'flow %d is found' % i)


class Dump:
    """A dump that is read by the piece."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, nl.NETLINK_GENERIC)
        self.sock.bind((0, 0))
        self.sock.settimeout(5)
        body = struct.pack('=BBHi', nl.CMD_GET, 1, 0, dp.ifindex)
        self.sock.send(struct.pack('=IHHII', 16 + len(body), dp.nl.family('ovs_flow'),
                                   0x301, 1, 0) + body)
        self.done = False

    def piece(self):
        """UFIDs of the next piece."""
        out, buf, at = [], self.sock.recv(4096), 0
        while at < len(buf):
            n, kind = struct.unpack_from('=IH', buf, at)
            if kind == nl.NLMSG_DONE:
                self.done = True
            else:
                out.append(nl.attrs(buf[at + 24:at + n])[UFID])
            at += (n + 3) & ~3
        return out


d, seen, added, deleted, pieces = Dump(), [], 0, set(), 0
while not d.done:
    seen += d.piece()
    pieces += 1
    if pieces > 25:     # or it might never end
        continue
    # Take away one that was seen and one that was not, put in two.
    for i in range(N):
        name = b'n%d' % i
        if name not in deleted and (name in seen) == bool(len(deleted) & 1):
            request(nl.CMD_DEL, ufid=name)
            deleted.add(name)
            break
    for _ in range(2):
        new(*key_of(5000 + added), [out(2)], b'a%d' % added)
        added += 1
stayed = [b'n%d' % i for i in range(N) if b'n%d' % i not in deleted]
missed = [n for n in stayed if n not in seen]
t.ok(len(deleted) > 5 and pieces < 200, 'flows came and went during the dump', len(deleted), pieces)
# The stock module goes by buckets, and may skip one behind a flow that went.
t.ok(len(missed) <= (len(deleted) if STOCK else 0), 'those that stayed were all told', missed)
t.ok(len(seen) == len(set(seen)), 'none was told twice')
dp.flush()
t.equal((dump(), dp.stats()[3], mega()[1]), ([], 0, 0), 'flushed again')

# What is asked of another datapath.
two = nl.Datapath('dp1', nl=dp.nl)
new(k1, m1, [out(2)], ID1)
two.add_flow(k1, m1, [out(0)], ID1)
t.equal((len(two.flows()), len(dp.flows())), (1, 1), 'a flow of the same UFID in another datapath')
two.delete()
t.equal(len(dp.flows()), 1, 'it goes alone')
bed.done(t)
