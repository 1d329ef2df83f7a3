#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that go to userspace: to which socket, with what beside them, in what shape."""
import errno
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap                                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import (ALL, GSO_TCPV4, GSO_TCPV6, GSO_UDP, POP_VLAN, STOCK, Bed,    # noqa: E402
                   VnetWire, clone, hash_action, k_eth, k_u32, key_dict, possible_cpus,
                   push_vlan, recirc, sample, set_action, trunc, userspace)

PACKET, KEY, ACTIONS, USERDATA, LEN, HASH = 1, 2, 3, 4, 10, 11
UNALIGNED, VPORT_PIDS, PER_CPU = 1, 2, 8

t = Ktap()
bed = Bed(ports=3, mtu=9000)
up, dp = bed.up, bed.dp
other, third = nl.Genl(), nl.Genl()
U = f.ipv4(f.udp(payload=b'x' * 100))
META = [k_u32(nl.IN_PORT, 1), k_eth()]
NOTHING = None


def pids(*socks):
    return b''.join(struct.pack('=I', s.pid if isinstance(s, nl.Genl) else s) for s in socks)


def set_pids(port, *socks):
    dp.vport(nl.CMD_SET, nl.attr(1, port) + nl.attr(5, pids(*socks)))


def set_features(features, cpu_pids=None):
    dp.dp(nl.CMD_SET, nl.attr(5, features) +
          (b'' if cpu_pids is None else nl.attr(8, cpu_pids)))


def who(*socks):
    """Which of the sockets have an upcall; each has one at most."""
    return [bool(s.recv_upcall(2 if s is socks[0] else 0.1)) for s in socks]


def lost():
    return dp.stats()[2]


# Misses, by port.
set_pids(2, other)
bed.wires[1].send(U)
t.equal(who(up, other), [True, False], 'a miss goes to the socket of its port')
bed.wires[2].send(U)
t.equal(who(other, up), [True, False], 'one of another port to that of the other')
before = dp.stats()
bed.wires[1].send(U)
cmd, a = up.recv_upcall()
t.equal((cmd, sorted(a)), (nl.PACKET_MISS, sorted({PACKET, KEY} | ({HASH} & set(a)))),
        'a miss has a packet, a key and perhaps a hash')
t.equal([x - y for x, y in zip(dp.stats()[:3], before)], [0, 1, 0], 'and is counted as missed')
set_pids(2, 0)
before = lost()
bed.wires[2].send(U)
t.ok(other.recv_upcall(0.2) is None and lost() == before + 1, 'without a socket: counted as lost')
gone = nl.Genl()
set_pids(2, gone)
gone.sock.close()
bed.wires[2].send(U)
t.equal(lost(), before + 2, 'to a socket that is closed: counted as lost')
full = nl.Genl()
full.sock.setsockopt(1, 8, 4096)    # SO_RCVBUF
set_pids(2, full)
before = dp.stats()
for _ in range(100):
    bed.wires[2].send(f.ipv4(f.udp(payload=b'x' * 1000)))
n = dp.stats()
t.ok(n[1] - before[1] == 100 and 0 < n[2] - before[2] < 100, 'a full socket: some are lost', n)
bed.wires[1].send(U)
t.equal(who(up), [True], 'and the others have theirs')

# Several sockets for a port.
set_features(VPORT_PIDS)
try:
    set_pids(3, *[up] * (possible_cpus() + 1))
    t.ok(False, 'more sockets than there are CPUs: refused')
except nl.NlError as err:
    t.ok(err.errno == errno.EINVAL and (STOCK or 'CPU' in err.extack),
         'more sockets than there are CPUs: refused', err, err.extack)
if possible_cpus() < 2:
    t.ok(True, 'several sockets of a port # SKIP there is only one CPU')
else:
    set_pids(3, up, other)
    counts = {up: 0, other: 0}
    for sport in range(1, 61):
        bed.wires[3].send(f.ipv4(f.udp(sport)))
    for sock in counts:
        while sock.recv_upcall(0.3):
            counts[sock] += 1
    t.ok(sum(counts.values()) == 60 and min(counts.values()) > 5,
         'connections are spread over the sockets of a port', list(counts.values()))
    for _ in range(20):
        bed.wires[3].send(f.ipv4(f.udp(7)))
    counts = []
    for sock in (up, other):
        counts.append(0)
        while sock.recv_upcall(0.3):
            counts[-1] += 1
    t.equal(sorted(counts), [0, 20], 'those of one connection go to one')
set_features(0)

# By CPU.
cpus = sorted(os.sched_getaffinity(0))


def miss_on(cpu, port=1):
    os.sched_setaffinity(0, {cpu})
    bed.wires[port].send(U)
    os.sched_setaffinity(0, cpus)


if len(cpus) < 2:
    t.skip('misses by CPU', 'there is only one')
else:
    set_features(PER_CPU, pids(other, third))
    miss_on(0)
    t.equal(who(other, third, up), [True, False, False], 'a miss on CPU 0')
    miss_on(1)
    t.equal(who(third, other, up), [True, False, False], 'a miss on CPU 1')
    bed.flow([userspace(up.pid)])
    miss_on(1)
    t.equal(who(third, other, up), [True, False, False],
            'an action goes to the socket of the CPU, not to its own')
    dp.flush()
    set_features(PER_CPU, pids(other))
    miss_on(1)
    t.equal(who(other, third, up), [True, False, False], 'CPU 1 with one socket: that one')
    set_features(PER_CPU, pids(0))
    before = lost()
    miss_on(0)
    t.ok(lost() == before + 1 and who(other, third, up) == [False] * 3, 'no socket: lost')
    set_features(0, pids(other, third))
    miss_on(1)
    t.equal(who(up, other, third), [True, False, False], 'without the feature: by port')


# The action.
def upcall_of(actions, frame=U, sock=other, send=None):
    """The one upcall that a packet with these actions causes."""
    dp.flush()
    bed.flow(actions)
    (send or bed.wires[1].send)(frame)
    return sock.recv_upcall(3) or (NOTHING, {})


ACT = nl.PACKET_ACTION
for name, data in (('no userdata', None), ('empty userdata', b''), ('a byte of userdata', b'u'),
                   ('8 bytes of userdata', bytes(range(8))),
                   ('200 bytes of userdata', bytes(200))):
    cmd, a = upcall_of([userspace(other.pid, data)])
    t.equal((cmd, a.get(USERDATA), a.get(PACKET)), (ACT, data, U), 'userspace with ' + name)
    dp.execute(U, META, [userspace(other.pid, data)])
    cmd, a = other.recv_upcall() or (NOTHING, {})
    t.equal((cmd, a.get(USERDATA), a.get(PACKET)), (ACT, data, U),
            'userspace with ' + name + ', executed')
cmd, a = upcall_of([userspace(other.pid)])
t.ok(ACTIONS not in a and LEN not in a, 'no actions, no length unless asked for')
actions = [nl.output(2), clone(userspace(other.pid, b'u', True)), nl.output(3)]
# The stock module tells no more than the list that the action itself stands in.
told = userspace(other.pid, b'u', True) if STOCK else b''.join(actions)
cmd, a = upcall_of(actions)
t.equal(a.get(ACTIONS), told, 'with the actions of its flow')
dp.execute(U, META, actions)
cmd, a = other.recv_upcall() or (NOTHING, {})
t.equal(a.get(ACTIONS), told, 'with the actions of an executed packet')
for what, wrap in (('sample', lambda x: sample(ALL, x)), ('clone', clone),
                   ('sample in clone', lambda x: clone(sample(ALL, x)))):
    cmd, a = upcall_of([wrap(userspace(other.pid, what.encode())), nl.output(2)])
    t.equal((a.get(USERDATA), a.get(PACKET)), (what.encode(), U), 'userspace in ' + what)
bed.recv(2, 100, 0.2), bed.recv(3, 100, 0.1)

# What has been done to the packet by then.
MAC7 = set_action(nl.ETHERNET, nl.mac(7) + nl.mac(8))
U7 = f.eth(0x800, U[14:], nl.mac(7), nl.mac(8))
cmd, a = upcall_of([MAC7, userspace(other.pid), nl.output(2)])
t.equal(a.get(PACKET), U7, 'the packet as it was set')
t.equal(key_dict(a[KEY])['eth'], (nl.mac(7) + nl.mac(8)).hex(), 'and its key')
cmd, a = upcall_of([userspace(other.pid), MAC7, nl.output(2)])
t.equal(a.get(PACKET), U, 'not what is set behind')
bed.recv(2, 2)
tag = push_vlan(0x8100, 0xe007 | 0x1000)
cmd, a = upcall_of([tag, userspace(other.pid), POP_VLAN, nl.output(2)])
t.equal(a.get(PACKET), f.vlan(0x8100, 0xe007, U), 'a tag that was pushed is in the packet')
t.equal(bed.recv(2), [U], 'and the packet itself is as before')
cmd, a = upcall_of([tag, push_vlan(0x88a8, 0x1009), userspace(other.pid)])
t.equal(a.get(PACKET), f.vlan(0x88a8, 9, f.vlan(0x8100, 0xe007, U)), 'so are two')

# Truncation.
for size, want, length in ((50, U[:50], len(U)), (14, U[:14], len(U)),
                           (len(U), U, None), (len(U) + 1, U, None), (len(U) - 1, U[:-1], len(U))):
    cmd, a = upcall_of([trunc(size), userspace(other.pid), nl.output(2)])
    t.equal((a.get(PACKET), a.get(LEN)), (want, length and struct.pack('=I', length)),
            'trunc to %d of %d' % (size, len(U)))
    t.equal(bed.recv(2), [U], 'trunc to %d: what follows is whole' % size)
cmd, a = upcall_of([tag, trunc(50), userspace(other.pid)])
t.equal((a.get(PACKET), a.get(LEN)),
        (f.vlan(0x8100, 0xe007, U)[:50], struct.pack('=I', len(U) + 4)),
        'trunc with a tag that was pushed: its 4 bytes count')

# A packet goes back with its hash.
for value in (0x12345678 | 1 << 33, 0xdeadbeef | 3 << 32, 0x1 | 1 << 32):
    dp.nl.request(dp.nl.family('ovs_packet'), nl.PACKET_EXECUTE,
                  struct.pack('=i', dp.ifindex) + nl.attr(1, U) + nl.nest(2, *META) +
                  nl.nest(3, userspace(other.pid)) + nl.attr(HASH, struct.pack('=Q', value)))
    cmd, a = other.recv_upcall() or (NOTHING, {})
    t.equal(a.get(HASH) and struct.unpack('=Q', a[HASH])[0], value, 'hash %#x comes back' % value)
cmd, a = upcall_of([hash_action(0), userspace(other.pid)])
value, = struct.unpack('=Q', a.get(HASH, bytes(8)))
t.equal(value >> 32, 3, 'a hash that was computed is one of software, of layer 4')
dp.nl.request(dp.nl.family('ovs_packet'), nl.PACKET_EXECUTE,
              struct.pack('=i', dp.ifindex) + nl.attr(1, U) + nl.nest(2, *META) +
              nl.nest(3, userspace(other.pid)) + nl.attr(8, b''))
t.ok(other.recv_upcall(), 'a probe is executed too')

# Checksums are filled in, super-packets cut up.
wire = VnetWire('w1')
for name, frame in (('UDP', f.ipv4(f.udp())), ('TCP over IPv6', f.ipv6(f.tcp(payload=b'abc')))):
    dp.flush()
    partial, start, offset = f.with_partial(frame)
    wire.send(partial, start, offset)
    cmd, a = up.recv_upcall(3) or (NOTHING, {})
    t.equal(a.get(PACKET), frame, name + ' with a partial checksum: filled in')
data = bytes(range(256)) * 10


def tcp_segments(make):
    """The segments of 1000 bytes that a TCP packet of DATA is on the wire."""
    out = []
    for i, at in enumerate(range(0, len(data), 1000)):
        last = at + 1000 >= len(data)
        l4 = f.tcp(flags=f.ACK | (f.PSH if last else 0), payload=data[at:at + 1000])
        l4.data = l4.data[:4] + struct.pack('!I', 1 + at) + l4.data[8:]
        out.append((i, make(l4)))
    return out


def v4_segment(frame, i):
    """With the identification of the i-th."""
    ip = frame[14:34]
    ip = ip[:4] + struct.pack('!H', 1 + i) + ip[6:10] + b'\0\0' + ip[12:]
    return frame[:14] + ip[:10] + struct.pack('!H', nl.csum(ip)) + ip[12:] + frame[34:]


whole = f.tcp(flags=f.ACK | f.PSH, payload=data)
for name, frame, gso, segs in (
        ('IPv4', f.ipv4(whole), GSO_TCPV4, [v4_segment(x, i) for i, x in tcp_segments(f.ipv4)]),
        ('IPv6', f.ipv6(whole), GSO_TCPV6, [x for _, x in tcp_segments(f.ipv6)])):
    partial, start, offset = f.with_partial(frame)
    for what, actions, sock in (('a miss', None, up), ('an action', [userspace(other.pid, b'u')],
                                                       other)):
        if actions and name == 'IPv6':
            continue
        dp.flush()
        if actions:
            bed.flow(actions)
        wire.send(partial, start, offset, gso, 1000, linear=start + 20)
        got = [sock.recv_upcall(1) or (NOTHING, {}) for _ in segs]
        t.ok([a.get(PACKET) for _, a in got] == segs,
             'GSO, TCP over %s, %s: one upcall a segment' % (name, what),
             *[a.get(PACKET, b'')[:60].hex() for _, a in got], *[s[:60].hex() for s in segs])
        t.ok(sock.recv_upcall(0.1) is None, 'no more of them')
        t.equal({a.get(USERDATA) for _, a in got}, {b'u' if actions else None},
                'each with the userdata')
dp.flush()
frame = f.ipv4(f.udp(payload=data))
partial, start, offset = f.with_partial(frame)
wire.send(partial, start, offset, GSO_UDP, 1000, linear=start + 8)
got = [up.recv_upcall(1) or (NOTHING, {}) for _ in range(3)]
t.equal([key_dict(a.get(KEY, b'')).get('ipv4', '')[-2:] for _, a in got], ['01', '02', '02'],
        'GSO, UDP: a first and two later fragments in the keys')
parts = [a.get(PACKET, bytes(34)) for _, a in got]
t.equal(b''.join(p[34:] for p in parts), frame[34:], 'and all of the datagram in the packets')
t.ok(not [p for p in parts if f.wrong_checksums(p)], 'with right checksums')
while up.recv_upcall(0.1):
    pass

# What no message can hold.
before = lost()
dp.execute(f.eth(0x1234, bytes(65500)), META, [userspace(other.pid)])
cmd, a = other.recv_upcall() or (NOTHING, {})
t.equal(len(a.get(PACKET, b'')), 65514, 'a packet of 65514 bytes')
dp.execute(f.eth(0x1234, bytes(65515)), META, [tag, userspace(other.pid), nl.output(2)])
t.ok(other.recv_upcall(0.2) is None and lost() == before + 1, 'one of 65533 bytes: counted as lost')
dp.execute(U, META, [recirc(5)])
t.ok(up.recv_upcall(), 'the datapath goes on')

bed.done(t)
