#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""psample: what is taken and what refused, and what a listener to the group of samples
gets.  The stock module has this action since Linux 6.11."""
import errno
import os
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, skip_all, unload_module, wait_until          # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from abibed import (PSAMPLE, STOCK, Bed, clone, flow, kernel_at_least, sample, set_ip)  # noqa: E402

if STOCK and not kernel_at_least(6, 11):
    skip_all('the stock module of this kernel has no psample')
COOKIES = kernel_at_least(6, 11)
GROUP, COOKIE = 1, 2
(IIF, OIF, ORIGSIZE, SAMPLE_GROUP, SEQ, RATE, DATA) = range(7)
USER_COOKIE, PROBABILITY = 15, 16
ALWAYS = 0xffffffff
NESTED = 0x8000     # NLA_F_NESTED: of all actions, this one alone must say that it is a nest


def psample(group=None, cookie=None, *more, flag=NESTED):
    return nl.nest(PSAMPLE | flag, b'' if group is None else nl.attr(GROUP, group),
                   b'' if cookie is None else nl.attr(COOKIE, cookie), *more)


t = Ktap()
subprocess.run(['modprobe', 'psample'], check=True)
bed = Bed()
out = nl.output(2)
ip = flow()
frame = nl.udp4('10.0.0.1', '10.0.0.2', 1000, 2000, payload=bytes(range(100)))
E = errno.EINVAL
for what, action, want in (
        ('a group', psample(7), 0),
        ('no group', psample(None, b'cookie'), E),
        ('nothing at all', psample(), E),
        ('not marked as a nest', psample(7, flag=0), E),
        ('a group of 2 bytes', psample(b'\1\0'), (E, errno.ERANGE)),
        ('an unknown attribute', psample(7, None, nl.attr(9, 1)), E),
        ('a cookie of 16 bytes', psample(7, bytes(16)), 0 if COOKIES else E),
        ('a cookie of 17 bytes', psample(7, bytes(17)), (E, errno.ERANGE))):
    got = bed.verdict(ip, [action, out])
    t.ok(got == want or (isinstance(want, tuple) and got in want), 'psample, %s: %s' % (
        what, 'refused' if want else 'taken'), got)
for what, action in (('group', psample(7)), ('group and cookie', psample(7, b'cookie'))):
    if COOKIES or 'cookie' not in what:
        plain = nl.attr(PSAMPLE, nl.attrs(action)[PSAMPLE])
        t.equal(bed.dumped(ip, [action, out]), plain + out,
                'psample, %s: dumped as it came, without the mark' % what)

listener = nl.Genl()
listener.join('psample', 'packets')


def samples(actions, count=1, pkt=frame):
    """The frames that come out of port 2, and the samples taken."""
    bed.dp.flush()
    bed.dp.add_flow(*ip, actions)
    for _ in range(count):
        bed.wires[1].send(pkt)
    frames = bed.wires[2].recv_all(lambda fs: len(fs) >= count, 1)
    got = []
    listener.sock.settimeout(0.3)
    try:
        while True:
            got.append(nl.attrs(listener.sock.recv(1 << 17)[20:]))
    except (socket.timeout, TimeoutError):
        return frames, got


def u(a, kind, size=4):
    data = a.get(kind)
    return data and int.from_bytes(data, sys.byteorder)


ifindex = socket.if_nametoindex('p1')
frames, got = samples([psample(7), out])
t.equal(frames, [frame], 'the packet goes on')
a = got[0] if len(got) == 1 else {}
t.equal((len(got), a.get(DATA), u(a, SAMPLE_GROUP), u(a, ORIGSIZE)), (1, frame, 7, len(frame)),
        'one sample: the frame, its group and size')
t.equal(u(a, IIF), ifindex, 'it tells the port that the packet came by')
t.ok(u(a, RATE) == (ALWAYS if COOKIES else 1) and (PROBABILITY in a) == COOKIES,
     'not sampled: it stands for itself', a)
frames, got = samples([set_ip('9.9.9.9'), psample(8), out])
t.ok(len(got) == 1 and got[0][DATA] == frames[0] and frames[0][26:30] == bytes((9, 9, 9, 9)),
     'a sample of what the packet has become', got)
frames, got = samples([nl.attr(nl.TRUNC, 60), psample(8), out])
t.ok(len(got) == 1 and got[0][DATA] == frame[:60] and u(got[0], ORIGSIZE) == len(frame),
     'trunc: a sample of its first bytes', got)
t.equal(frames, [frame], 'and of nothing else')
frames, got = samples([sample(ALWAYS // 4, psample(9)), out], 200)
t.ok(len(frames) == 200 and 20 <= len(got) <= 85, 'one of four is sampled', len(frames), len(got))
want = ALWAYS // 4 if COOKIES else 4
t.ok({u(a, RATE) for a in got} <= {want, want + 1}, 'and says so', [u(a, RATE) for a in got][:3])
frames, got = samples([clone(psample(9)), out])
t.equal((frames, len(got)), ([frame], 1), 'psample in a clone')
if COOKIES:
    frames, got = samples([psample(9, b'sixteen bytes..!'), out])
    t.ok(len(got) == 1 and got[0].get(USER_COOKIE) == b'sixteen bytes..!', 'the cookie', got)
frames, got = samples([psample(9)])
t.equal((frames, len(got)), ([], 1), 'psample as the last action')

# The action holds on to the other module, and lets go of it.
bed.dp.flush()
bed.dp.add_flow(*ip, [psample(9), out])
del listener
t.ok(subprocess.run(['rmmod', 'psample'], stderr=subprocess.DEVNULL).returncode != 0,
     'psample does not unload while a flow uses it')
bed.dp.flush()
# The stock module is linked to it; a kernel may have it built in.
if not STOCK and os.path.exists('/sys/module/psample/refcnt'):
    t.ok(wait_until(lambda: subprocess.run(['rmmod', 'psample'],
                                           stderr=subprocess.DEVNULL).returncode == 0),
         'and does when it has gone')
    err = bed.refused(ip, [psample(9), out])
    t.ok(err and err.errno == errno.EOPNOTSUPP and 'psample is not loaded' in err.extack,
         'without it the action is refused, and why', err)
bed.dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
