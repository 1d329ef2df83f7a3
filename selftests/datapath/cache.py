#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# wants: parallel
"""The flow cache: a flow that was removed or changed is not hit again, be it under traffic."""
import mmap
import os
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap                                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from dpbed import ALL, STOCK, Bed, k_ports, k_type, k_u32, p_ipv4, p_ports  # noqa: E402

DP_MEGAFLOW, DP_CACHE = 4, 7
SRC, DST, DPORT = '10.0.0.1', '10.0.0.9', 80
SPORTS = range(1000, 1008)
ROUNDS = int(os.environ.get('OVS_ROUNDS', 100))
SECONDS = 10    # for one round

t = Ktap()
bed = Bed(ports=4)
dp, wires = bed.dp, bed.wires
OUT = (2, 3, 4)

# Masks that all match the packets of the test.
PORT = [k_u32(nl.RECIRC_ID, ALL), k_u32(nl.IN_PORT, ALL)]
MASKS = {
    'the protocol': [k_type(0xffff), nl.attr(nl.IPV4, p_ipv4(proto=255))],
    'the source port': [k_type(0xffff), nl.attr(nl.IPV4, p_ipv4(proto=255)),
                        nl.attr(nl.UDP, p_ports(0xffff, 0))],
    'the destination': [k_type(0xffff), nl.attr(nl.IPV4, p_ipv4(dst='255.255.255.255'))],
    'half of the source': [k_type(0xffff), nl.attr(nl.IPV4, p_ipv4('255.255.0.0'))],
    'a MAC': [nl.attr(nl.ETHERNET, bytes(6) + b'\xff' * 6)],
}


def packet(sport, payload=b'payload'):
    frame = nl.udp4(SRC, DST, sport, DPORT, payload)
    return frame[:40] + bytes(2) + frame[42:]       # no checksum: it is stamped later


def key(sport):
    return [k_u32(nl.RECIRC_ID, 0), k_u32(nl.IN_PORT, 1),
            nl.attr(nl.ETHERNET, packet(0)[6:12] + packet(0)[:6]), k_type(0x800),
            nl.attr(nl.IPV4, p_ipv4(SRC, DST, 17)), k_ports(nl.UDP, sport, DPORT)]


def sports(what):
    return SPORTS if what == 'the source port' else SPORTS[:1]


def install(what, port, put=False):
    for s in sports(what):
        (dp.put_flow if put else dp.add_flow)(key(s), PORT + MASKS[what], [nl.output(port)])


def delete(what):
    for s in sports(what):
        dp.flow(nl.CMD_DEL, nl.nest(1, *key(s)))


def send():
    for s in SPORTS:
        wires[1].send(packet(s))


def came(port):
    return len(bed.recv(port, len(SPORTS)))


def cache_hits():
    return struct.unpack('=4Q', dp.get()[DP_MEGAFLOW])[2]


# One after the other.
for old in MASKS:
    bad = []
    before = cache_hits()
    for new in MASKS:
        install(old, 2)
        for _ in range(2):
            send()
            if came(2) != len(SPORTS):
                bad.append('%s: not all came' % new)
        delete(old)
        send()
        if not bed.quiet(2, 3):
            bad.append('%s: hit though it was removed' % new)
        install(new, 3)
        send()
        if came(3) != len(SPORTS) or not bed.quiet(2):
            bad.append('%s: the new one was not hit' % new)
        install(new, 2, put=True)
        send()
        if came(2) != len(SPORTS) or not bed.quiet(3):
            bad.append('%s: the new actions did not run' % new)
        delete(new)
    t.ok(not bad, 'a flow that matches %s goes, another comes, and changes' % old, *bad)
    t.ok(STOCK or cache_hits() > before, 'all that with packets that hit the cache')

# Under traffic: a process sends without end packets that are stamped with the number of the
# round, and the round counts on when the flow before is gone.  So a stamp that comes out
# of the port of the round before is that of a packet that hit a flow that was gone.
shared = mmap.mmap(-1, 16)


def sender():
    heads = [packet(s, bytes(8))[:-8] for s in SPORTS]
    n = 0
    while True:
        n += 1
        try:
            wires[1].send(heads[n % len(heads)] + shared[:8])
        except OSError:
            continue
        shared[8:] = struct.pack('=Q', n)


def drain(seen):
    """Count what came out, as (port, stamp)."""
    for port in OUT:
        for frame in wires[port].recv_all(lambda frames: len(frames) >= 200, timeout=0):
            at = port, struct.unpack('=Q', frame[-8:])[0]
            seen[at] = seen.get(at, 0) + 1


def out(number):
    return OUT[number % len(OUT)]


def change(number, last, what):
    """From one flow to the next, in one of several ways; the stamp counts on between."""
    way = number % 4
    if way == 3 and last == what:
        install(what, out(number), put=True)
        shared[:8] = struct.pack('=Q', number)
        return
    if way == 0:
        dp.flush()
    else:
        delete(last)
    shared[:8] = struct.pack('=Q', number)
    if way == 1:
        dp.dp(nl.CMD_SET, nl.attr(DP_CACHE, (0, 64, 256)[number // 4 % 3]))
    install(what, out(number))


pid = os.fork()
if not pid:
    try:
        sender()
    finally:
        os._exit(1)
stuck, stale, total = [], [], 0
last = None
for number in range(1, ROUNDS + 1):
    seen = {}
    # Every fourth keeps its mask, and changes its actions.
    what = last if number % 4 == 3 else list(MASKS)[number * 7 // 4 % len(MASKS)]
    if last is None:
        install(what, out(number))
        shared[:8] = struct.pack('=Q', number)
    else:
        change(number, last, what)
    end = time.monotonic() + SECONDS
    while seen.get((out(number), number), 0) < 4 * len(SPORTS):
        drain(seen)
        if time.monotonic() > end:
            stuck.append((number, what, seen))
            break
    stale += [(at, n) for at, n in seen.items() if at == (out(number - 1), number)]
    total += sum(seen.values())
    last = what
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
print('# %d packets in %d rounds' % (total, ROUNDS))
t.ok(not stuck, 'under traffic, each of %d flows is hit in its turn' % ROUNDS, *stuck[:5])
t.ok(not stale, 'and none that was removed or changed', *stale[:5])
bed.done(t)
