#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits of connections by zone: family ovs_ct_limit, and what they do to packets."""
import errno
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module, wait_until               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from ctbed import COMMIT, Bed, ct, flag, recirc, zone               # noqa: E402

SET, DEL, GET = 1, 2, 3
DEFAULT = -1

t = Ktap()
run('modprobe nf_conntrack_netlink')
bed = Bed()
family = bed.dp.nl.family('ovs_ct_limit')


def request(cmd, *limits, raw=None):
    """(zone, limit, count) of the answer, None if it has none."""
    data = raw if raw is not None else \
        nl.attr(1, b''.join(struct.pack('=iII', z, n, 0) for z, n in limits))
    reply, = bed.dp.nl.request(family, cmd, struct.pack('=i', bed.dp.ifindex) + data)
    a = nl.attrs(reply[4:])
    if 1 not in a:
        return None
    return [struct.unpack_from('=iII', a[1], i) for i in range(0, len(a[1]), 12)]


def everything():
    return request(GET, raw=b'')


def refused(cmd):
    try:
        request(cmd, raw=b'')
    except nl.NlError as err:
        return err.errno
    return 0


t.equal(everything(), [(DEFAULT, 0, 0)], 'to begin with there is no limit')
t.equal(request(GET, (5, 0)), [(5, 0, 0)], 'nor of a zone')
t.equal((refused(SET), refused(DEL)), (errno.EINVAL,) * 2, 'SET and DEL of nothing are refused')
t.equal(request(SET, (DEFAULT, 10), (5, 8), (6, 9)), None, 'limits are set; the answer is empty')
t.equal(everything(), [(DEFAULT, 10, 0), (5, 8, 0), (6, 9, 0)], 'and told, with the default')
t.equal(request(GET, (9, 0), (5, 0), (DEFAULT, 0)), [(9, 10, 0), (5, 8, 0), (DEFAULT, 10, 0)],
        'those asked for; a zone without its own has the default')
t.equal(request(SET, (5, 7)), None, 'a limit changes')
t.equal(request(GET, (5, 0)), [(5, 7, 0)], 'as it should')
t.equal((request(SET, (70000, 1), (-2, 1), (11, 3)), everything()),
        (None, [(DEFAULT, 10, 0), (5, 7, 0), (6, 9, 0), (11, 3, 0)]),
        'zones that cannot be are passed over')
t.equal((request(GET, (70000, 1)), request(DEL, (70000, 1))), ([], None), 'everywhere')
request(SET, (65535, 0xffffffff), (0, 0))
t.equal(request(GET, (65535, 0), (0, 0)), [(65535, 0xffffffff, 0), (0, 0, 0)],
        'the last zone, the largest limit; 0 is none, whatever the default')
request(DEL, (5, 0), (99, 0), (DEFAULT, 0), (65535, 0), (0, 0))
t.equal(everything(), [(DEFAULT, 0, 0), (6, 9, 0), (11, 3, 0)], 'limits are deleted')
request(DEL, (6, 0), (11, 0))


# More limits than the 16 bits of an attribute's length: that is known before there is room for them.
TRACING = '/sys/kernel/tracing/'
LARGE = TRACING + 'events/kmem/mm_page_alloc/'
MOST = (65535 - 4) // 12 - 1     # and the default


def set_many(cmd, zones):
    for at in range(0, len(zones), 4000):
        request(cmd, *[(z, 7) for z in zones[at:at + 4000]])


def write(path, text):
    with open(path, 'w') as out:
        out.write(text)


def large():
    """(errno, how many large allocations) of asking for everything."""
    have = os.path.exists(LARGE)
    if have:
        write(TRACING + 'trace', '')
        write(LARGE + 'filter', 'order >= 6 && common_pid == %d' % os.getpid())
        write(LARGE + 'enable', '1')
    try:
        err = refused(GET)
    finally:
        if have:
            write(LARGE + 'enable', '0')
            write(LARGE + 'filter', '0')
    with open(TRACING + 'trace' if have else '/dev/null') as trace:
        return err, sum('mm_page_alloc:' in line for line in trace)


if os.environ.get('OVS_KMOD') == 'stock':
    t.skip('as many limits as an answer can tell', 'the stock module tells fewer')
else:
    set_many(SET, range(MOST))
    t.equal(len(everything()), MOST + 1, 'as many limits as an answer can tell')
set_many(SET, range(30000))
t.equal(large(), (errno.EMSGSIZE, 0), 'more than that: refused at once')
t.equal(request(GET, (29999, 0)), [(29999, 7, 0)], 'but each can be asked for')
set_many(DEL, range(30000))


def connect(z, port):
    """Whether a new connection of a zone is let through."""
    bed.dp.flush()
    bed.flow(0, 1, ct(flag(COMMIT), zone(z)), recirc(1), proto=17)
    bed.flow(1, 1, bed.user, proto=17)
    bed.wires[1].send(nl.udp4('10.0.0.1', '10.0.0.2', port, 2000))
    return bool(bed.see(10 if port < 3000 else 0.5))


bed.clear()
t.ok(connect(5, 1000), 'no limit: a connection')
request(SET, (5, 2))
t.equal(request(GET, (5, 0)), [(5, 2, 0)], 'what was there before a limit does not count')
t.ok(connect(5, 1001) and connect(5, 1002), 'limit 2: two connections')
t.equal(request(GET, (5, 0)), [(5, 2, 2)], 'they are counted')
t.ok(not connect(5, 3003), 'limit 2: a third is dropped')
if os.environ.get('OVS_KMOD') != 'stock':
    t.equal(bed.dp.drops()['conntrack'], 1, 'and counted as conntrack')
t.ok('3003' not in run('conntrack -L 2>/dev/null'), 'and not in the table')
t.ok(connect(5, 1001), 'limit 2: packets of the two go on')
t.ok(connect(6, 1003), 'another zone is not concerned')
run('conntrack -D -p udp --orig-port-src 1001 >/dev/null 2>&1')
t.ok(wait_until(lambda: request(GET, (5, 0)) == [(5, 2, 1)]), 'one ends: the count goes down',
     request(GET, (5, 0)))
t.ok(connect(5, 1004), 'and another may begin')
request(DEL, (5, 0))
t.ok(connect(5, 1005), 'the limit is deleted: any number')
request(SET, (DEFAULT, 1))
t.ok(connect(7, 1006) and not connect(7, 3007), 'the default limit holds for other zones')
request(SET, (7, 0))
t.ok(connect(7, 1008), 'but not for one whose own is 0')

# A namespace has limits of its own, and they end with it.
run('ip netns add other')
run('ip netns exec other ovs-dpctl add-dp dpx')
run('ip netns exec other ovs-dpctl ct-set-limits default=5 zone=3,limit=4')
told = run('ip netns exec other ovs-dpctl ct-get-limits')
t.ok('default limit=5' in told and 'zone=3,limit=4,count=0' in told,
     'another namespace has its own, by ovs-dpctl', told)
t.ok((3, 4, 0) not in everything(), 'and only that')
run('ip netns exec other ovs-dpctl del-dp dpx')
run('ip netns del other')
bed.dp.delete()
t.ok(unload_module(), 'the module unloads with limits set')
t.finish()
