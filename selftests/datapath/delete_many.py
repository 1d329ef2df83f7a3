#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many flows that are deleted by one request, with their last counts."""
# needs: ours
# wants: parallel
import errno
import os
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap                                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import ALL, Bed, any_from, k_eth, k_type, k_u32, p_ipv4, refusal    # noqa: E402

STATS, UFID, KEY, MASK, ACTIONS = 3, 9, 1, 7, 2
SO_RCVBUFFORCE = 33
OMIT_ALL = nl.attr(10, 7)
MANY = 3000
ROUNDS = 200
SPIN = 40000        # turns of the program's loop

t = Ktap()
bed = Bed(ports=3)
up, dp = bed.up, bed.dp


def name(i):
    return struct.pack('=QQ', 0x1234, i)


def source(i):
    return struct.pack('!HI', 0x0200, i)


def match(i):
    """Flow number I is for an Ethernet source of its own."""
    return ([k_u32(nl.IN_PORT, 1), k_eth(src=source(i)), k_type(0x800), nl.attr(nl.IPV4, p_ipv4())],
            [k_u32(nl.IN_PORT, ALL), nl.attr(nl.ETHERNET, b'\xff' * 6 + bytes(6))])


def install(i, actions=(nl.output(2),), named=True):
    dp.add_flow(*match(i), list(actions), ufid=name(i) if named else None)


def delete(numbers, *more, flags=nl.NLM_F_ECHO):
    """The rows of the reply, as dictionaries."""
    names = b''.join(name(i) for i in numbers)
    return [nl.attrs(m[4:]) for m in dp.flow(nl.CMD_DEL, nl.attr(nl.UFIDS, names) + b''.join(more), flags)]


def counts(row):
    return struct.unpack('=QQ', row[STATS]) if STATS in row else (0, 0)


def frame(i):
    return f.eth(0x800, f.ip4(f.udp(payload=b'x' * 58)), src=source(i))


def names_of(rows):
    return sorted(struct.unpack('=QQ', r[UFID])[1] for r in rows)


for n in range(1, 6):
    install(n)
install(6, named=False)
for n in (1, 1, 1, 2, 6):
    bed.wires[1].send(frame(n))
    bed.recv(2)
rows = delete([1, 99, 2, 3, 1])
t.equal(names_of(rows), [1, 2, 3], 'a row for each flow that there was, and for no other name')
t.equal([counts(r) for r in sorted(rows, key=lambda r: r[UFID])], [(3, 300), (1, 100), (0, 0)],
        'with its counts')
t.ok(all(KEY in r and MASK in r and ACTIONS in r for r in rows), 'and all of it')
t.equal(names_of([r for r in dp.flows() if UFID in r]), [4, 5], 'others are left')
bed.wires[1].send(frame(1))
cmd, a = up.recv_upcall() or (None, {})
t.equal((cmd, a.get(1)), (nl.PACKET_MISS, frame(1)), 'no packet takes one that went')
install(1)
t.equal(names_of(delete([1, 4], OMIT_ALL)), [1, 4], 'a name may be used again')
t.equal(delete([1, 4, 99]), [], 'of names that no flow has nothing is told')

listener = nl.Genl()
listener.join('ovs_flow', 'ovs_flow')
install(7)
listener.recv_upcall()
t.equal((delete([5, 7], OMIT_ALL, flags=0), len(dp.flows())), ([], 1), 'without an echo nothing is told')
cmd, a = listener.recv_upcall() or (None, {})
t.equal((cmd, a.get(UFID)), (nl.CMD_DEL, name(5)), 'but to those who listen')
t.equal(len(dp.flows()), 1, 'a flow without a name is left')
dp.flush()

for what, attrs, word in (
        ('no name', nl.attr(nl.UFIDS, b''), 'UFIDS'),
        ('one of 15 bytes', nl.attr(nl.UFIDS, bytes(15)), 'UFIDS'),
        ('one and a half', nl.attr(nl.UFIDS, bytes(24)), 'UFIDS'),
        ('names, and another one', nl.attr(nl.UFIDS, name(8)) + nl.attr(UFID, name(8)), 'UFIDS'),
        ('names, and a key', nl.attr(nl.UFIDS, name(8)) + nl.nest(KEY, *match(8)[0]), 'UFIDS')):
    install(8)
    err = refusal(dp.flow, nl.CMD_DEL, attrs)
    t.ok(err and err.errno == errno.EINVAL and word in err.extack, what + ': refused', err)
    t.equal(names_of(delete([8])), [8], what + ': nothing was deleted')
err = refusal(dp.nl.request, dp.nl.family('ovs_flow'), nl.CMD_DEL,
              struct.pack('=i', 12345) + nl.attr(nl.UFIDS, name(8)))
t.equal(err and err.errno, errno.ENODEV, 'there is no such datapath')

# Rows that fill a message, alone and together.
long_list = [nl.output(2)] * 2000
for n in range(MANY):
    install(n, long_list if n in (0, 700) else (nl.output(2),))
dp.nl.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
rows = delete(range(MANY))
t.equal(names_of(rows), list(range(MANY)), '%d flows are deleted by one request' % MANY)
t.equal([len(r[ACTIONS]) for r in rows if len(r[ACTIONS]) > 8], [16000] * 2, 'each has all its actions')
t.equal(dp.flows(), [], 'nothing is left')

# Each packet is counted by a flow or missed, whenever the flow goes; one that has found it
# runs a program for a while then, which counts it, too.
fd = nl.bpf_prog_load(nl.LWT_OUT, struct.pack('=HhiHhiHhiHhiHhi', 0x1b7, 0, SPIN, 0x107, 0, -1,
                                              0x155, -2, 0, 0xb7, 0, 0, 0x95, 0, 0))
key, mask = any_from(1)
hit, missed = dp.stats()[:2]
done = threading.Event()


def sender():
    while not done.is_set():
        bed.wires[1].send(frame(1))


thread = threading.Thread(target=sender)
thread.start()
packets = runs = 0
for _ in range(ROUNDS):
    dp.add_flow(key, mask, [nl.bpf_action(fd, default=[])], ufid=name(1))
    for row in delete([1]):
        packets += counts(row)[0]
        runs += nl.bpf_stats(row)['runs']
done.set()
thread.join()
t.equal(packets, dp.stats()[0] - hit, 'flows that come and go count each packet that hits them')
t.ok(packets, 'there were some')
t.equal(runs, packets, 'and each run of their program')
print('# %d hits, %d misses' % (packets, dp.stats()[1] - missed))
os.close(fd)
bed.done(t)
