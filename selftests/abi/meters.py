#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Family ovs_meter by raw netlink: features, what is refused, statistics, and rates."""
from array import array
import errno
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, unload_module                                # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from abibed import STOCK, METER, Bed, flow                          # noqa: E402

FEATURES, SET, DEL, GET = 1, 2, 3, 4
ID, KBPS, STATS, BANDS, USED, CLEAR, MAX_METERS, MAX_BANDS = range(1, 9)
TYPE, RATE, BURST, BAND_STATS = range(1, 5)

t = Ktap()
bed = Bed()
dp = bed.dp
family = dp.nl.family('ovs_meter')


def meter(cmd, *attrs, ifindex=None):
    head = struct.pack('=i', dp.ifindex if ifindex is None else ifindex)
    reply = dp.nl.request(family, cmd, head + b''.join(attrs))
    return nl.attrs(reply[0][4:]) if reply else None


def bands(*of):
    return nl.nest(BANDS, *(nl.nest(0, *b) for b in of))


def band(rate=1000, burst=1000, kind=1):
    return [nl.attr(TYPE, kind), nl.attr(RATE, rate), nl.attr(BURST, burst)]


def set_meter(number, rate, burst, kbps=False):
    return meter(SET, nl.attr(ID, number), bands(band(rate, burst)),
                 *([nl.attr(KBPS, b'')] if kbps else []))


def counts(reply):
    """Packets and bytes seen, packets and bytes dropped."""
    inner = nl.attrs(nl.attrs(reply[BANDS])[0])[BAND_STATS] if reply[BANDS] else bytes(16)
    return struct.unpack('=2Q', reply[STATS]) + struct.unpack('=2Q', inner)


def used(reply):
    return struct.unpack('=Q', reply[USED])[0]


def now_ms():
    """The time in whole milliseconds, as USED has it."""
    return time.monotonic_ns() // 1000000


def error(call):
    try:
        call()
    except nl.NlError as err:
        return err.errno if STOCK or err.extack else -1
    return 0


f = meter(FEATURES)
t.equal((f[MAX_BANDS], f[BANDS]),
        (struct.pack('=I', 1), nl.nest(0, nl.attr(TYPE, 1))), 'features: one band, that drops')
t.ok(1000 <= struct.unpack('=I', f[MAX_METERS])[0] <= 1 << 20, 'features: a number of meters')
t.equal(error(lambda: meter(FEATURES, ifindex=9999)), errno.ENODEV, 'no such datapath')
t.equal(error(lambda: meter(SET, nl.attr(ID, 1), bands(), ifindex=9999)), errno.ENODEV,
        'no such datapath to set a meter in')

me = nl.attr(ID, 4)
for what, attrs in (
        ('no ID', [bands(band())]),
        ('no BANDS', [me]),
        ('two bands', [me, bands(band(), band())]),
        ('a band without TYPE', [me, bands(band()[1:])]),
        ('a band without RATE', [me, bands(band()[:1] + band()[2:])]),
        ('a band without BURST', [me, bands(band()[:2])]),
        ('a RATE of 0', [me, bands(band(rate=0))])):
    t.equal(error(lambda: meter(SET, *attrs)), errno.EINVAL, 'set, %s: refused' % what)
t.equal(error(lambda: meter(GET, me)), errno.ENOENT, 'get: a refused meter is not there')
t.equal(error(lambda: meter(GET)), errno.EINVAL, 'get without ID')
t.equal(error(lambda: meter(DEL)), errno.EINVAL, 'del without ID')
t.equal(meter(DEL, me), {}, 'del of none: an empty answer')

# In the stock module, numbers may stand in each other's way.
NUMBERS = (0, 1, 7) if STOCK else (0, 1, 7, 4096, 0x7fffffff, 0xffffffff)
began = now_ms()
for number in NUMBERS:
    t.equal(set_meter(number, 10, 10), {ID: struct.pack('=I', number)}, 'set meter %u' % number)
for number in NUMBERS:
    got = meter(GET, nl.attr(ID, number))
    t.equal((got[ID], counts(got)), (struct.pack('=I', number), (0,) * 4), 'get meter %u' % number)
t.ok(began <= used(got) <= now_ms(), 'USED is when the meter was made', began, used(got))
for number in NUMBERS:
    t.equal(counts(meter(DEL, nl.attr(ID, number))), (0,) * 4, 'del meter %u' % number)
t.equal(error(lambda: meter(GET, nl.attr(ID, 7))), errno.ENOENT, 'it is gone')
t.equal(meter(SET, nl.attr(ID, 5), bands()), {ID: struct.pack('=I', 5)}, 'a meter without bands')

# A burst, and what it counts.
packet = nl.udp4('10.0.0.1', '10.0.0.2', 1, 2, payload=bytes(958))
SIZE = len(packet)
km = flow()


def burst(number, n, wait=0.2):
    """Send N packets through a meter at once; how many come out."""
    dp.flush()
    dp.add_flow(*km, [nl.attr(METER, number), nl.output(2)])
    for _ in range(n):
        bed.wires[1].send(packet)
    return len(bed.wires[2].recv_all(lambda fs: len(fs) == n, wait))


began = now_ms()
t.equal(burst(77, 5), 5, 'a meter that does not exist lets everything through')
t.equal(burst(5, 5), 5, 'so does one without bands')
got = meter(GET, nl.attr(ID, 5))
t.equal(counts(got), (5, 5 * SIZE, 0, 0), 'which counts')
t.ok(began <= used(got) <= now_ms(), 'USED is when it has seen a packet', began, used(got))
set_meter(3, 1, 20)
passed = burst(3, 60)
t.ok(20 <= passed <= 24, '1 packet/s, burst of 20: of 60 packets about 20 pass', passed)
t.equal(counts(meter(GET, nl.attr(ID, 3))),
        (60, 60 * SIZE, 60 - passed, (60 - passed) * SIZE), 'the others are counted')
old = set_meter(3, 1, 10)
t.equal(counts(old), (60, 60 * SIZE, 60 - passed, (60 - passed) * SIZE),
        'changing a meter answers with the counters that it had')
t.equal(counts(meter(GET, nl.attr(ID, 3))), (0,) * 4, 'and starts from zero')
passed = burst(3, 30)
t.ok(10 <= passed <= 13, 'the bucket is full again, and the burst the new one', passed)
meter(SET, nl.attr(ID, 3), nl.attr(CLEAR, b''), bands(band(1, 10)))
t.equal(counts(meter(GET, nl.attr(ID, 3))), (0,) * 4, 'CLEAR clears')
set_meter(3, 8, 8 * 10 * SIZE // 1000, kbps=True)       # bits/8 = kilobits: ten packets
passed = burst(3, 30)
t.ok(9 <= passed <= 12, '8 kb/s, a burst of ten packets\' kilobits', passed)
set_meter(3, 1, 0)
t.equal(burst(3, 5), 0, 'with a burst of 0 nothing passes')
set_meter(3, 1, 7, kbps=True)
t.equal(burst(3, 5), 0, 'nor what is larger than the burst')


def measure(number, rate, size, kbps, seconds):
    """
    Between two moments at which the bucket is empty, all that the rate has brought must
    have passed, however unevenly packets were offered.  What did, as a fraction of that.
    """
    frame = nl.udp4('10.0.0.1', '10.0.0.2', 1, 2, payload=bytes(size - 42))
    cost = size * 8 / 1000 if kbps else 1
    dp.flush()
    dp.add_flow(*km, [nl.attr(METER, number)])

    def empty():
        """Send until something is dropped, and then so fast that the bucket must have been
        empty at the end: the time, and the counters.  A VM may stall, so more than once."""
        dropped = counts(meter(GET, nl.attr(ID, number)))[2]
        while counts(meter(GET, nl.attr(ID, number)))[2] == dropped:
            for _ in range(50):
                bed.wires[1].send(frame)
        for _ in range(100):
            began = time.monotonic()
            for _ in range(50):
                bed.wires[1].send(frame)
            now = time.monotonic()
            if now - began < min(25 * cost / rate, seconds / 200):
                break
        return now, counts(meter(GET, nl.attr(ID, number)))

    start, before = empty()
    while time.monotonic() < start + seconds:
        bed.wires[1].send(frame)
        time.sleep(0.02)
    end, after = empty()
    passed = after[0] - before[0] - (after[2] - before[2])
    return passed * cost / (rate * (end - start)), after[2] - before[2]


def can_send(seconds=0.5):
    """Packets per second that this machine can offer."""
    set_meter(8, 1, 1)
    dp.flush()
    dp.add_flow(*km, [nl.attr(METER, 8)])
    start, n = time.monotonic(), 0
    while time.monotonic() < start + seconds:
        bed.wires[1].send(packet)
        n += 1
    return n / seconds


# How exact the arithmetic is, at any rate, userspace/tests/test_token_bucket.c shows.
fast = min(int(can_send() / 6), 4000)
for what, rate, size, kbps, seconds in (
        ('20 packets/s', 20, 60, False, 5),
        ('%d packets/s' % fast, fast, 60, False, 3),
        ('32 kb/s', 32, 200, True, 5),
        ('%d kb/s' % (fast * 8), fast * 8, 1000, True, 3)):
    set_meter(9, rate, rate * 15, kbps)     # enough for a sender that stalls
    share, dropped = measure(9, rate, size, kbps, seconds)
    # A packet at either end; the stock module counts in milliseconds.
    tolerance = 0.01 + 2 / (rate / (size * 8 / 1000 if kbps else 1) * seconds) + 0.1 * STOCK
    t.ok(abs(share - 1) <= tolerance and dropped,
         '%s pass, exact within %.1f %%' % (what, tolerance * 100),
         'passed %.2f %% of that, dropped %d' % (share * 100, dropped))

if not STOCK:
    t.equal(error(lambda: meter(SET, me, bands(band(kind=2)))), errno.EINVAL,
            'an unknown type of band: refused')
    t.ok(dp.drops()['meter'] > 0, 'drops have a reason of their own')


def set_many(first, n):
    """Set meters of successive numbers, without reading the answers."""
    attrs = nl.attr(ID, 0) + bands(band())
    one = array('I', struct.pack('=IHHIIBBHi', 20 + 4 + len(attrs), family, nl.NLM_F_REQUEST, 0, 0,
                                 SET, 1, 0, dp.ifindex) + attrs)
    id_at = (20 + 4 + 4) // 4
    sender = nl.Genl()
    for at in range(first, first + n, 500):
        numbers = array('I', range(at, min(at + 500, first + n)))
        batch = one * len(numbers)
        batch[id_at::len(one)] = numbers
        sender.sock.send(batch)


# As many as there may be: too long where each allocation is watched.
if not STOCK and not os.path.exists('/sys/kernel/debug/kmemleak'):
    for number in (3, 5, 8, 9):
        meter(DEL, nl.attr(ID, number))
    most = struct.unpack('=I', f[MAX_METERS])[0]
    set_many(1000, most)
    t.equal(error(lambda: meter(GET, nl.attr(ID, 1000 + most - 1))), 0,
            'as many meters as the features say')
    t.equal(error(lambda: set_meter(1, 10, 10)), errno.ENOSPC, 'and no more')
    t.equal(error(lambda: set_meter(1000, 20, 20)), 0, 'one of them may still be changed')
    meter(DEL, nl.attr(ID, 1001))
    t.equal((error(lambda: set_meter(1, 10, 10)), error(lambda: set_meter(2, 10, 10))),
            (0, errno.ENOSPC), 'one goes: one may come')

dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
