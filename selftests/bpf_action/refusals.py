#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad BPF actions: each is answered by the right errno and a sentence that names
what is wrong; nothing of the request takes effect and no program is kept."""
import errno
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module, wait_until               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import Bed, any_from, load, packet, unload              # noqa: E402

t = Ktap()
bed = Bed()
dp = bed.dp
key, mask = any_from(3)
EXIT_0 = struct.pack('=BBhiBBhi', 0xb7, 0, 0, 0, 0x95, 0, 0, 0)
socket_filter = nl.bpf_prog_load(nl.SOCKET_FILTER, EXIT_0)
xdp = nl.bpf_prog_load(nl.XDP, EXIT_0)
beta = load('beta')
a_map = nl.bpf_obj_get('/sys/fs/bpf/alpha_maps/runs')
a_file = os.open('/dev/null', os.O_RDONLY)


def device_bound():
    """A program that is bound to a device; None where there is no device for that."""
    try:
        with open('/sys/bus/netdevsim/new_device', 'w') as f:
            f.write('7 1')
    except OSError:
        return None
    name, = os.listdir('/sys/bus/netdevsim/devices/netdevsim7/net')
    return nl.bpf_prog_load(nl.SCHED_CLS, EXIT_0, socket.if_nametoindex(name))


bound = device_bound()
FD = nl.attr(nl.PROG_FD, bed.prog)
MODE = nl.attr(nl.RECHECK, nl.PROGRAM)
CHANGED = nl.attr(nl.RECHECK, nl.CHANGED)
RECIRC = nl.attr(nl.BPF_RECIRC_ID, 7)
EMPTY_USED = nl.nest(nl.USED)
ALWAYS = nl.attr(nl.RECHECK, nl.ALWAYS)
FILTER = nl.attr(nl.PROG_FD, beta)
ONE = nl.case(1, nl.output(1))
SRC_USED = nl.attr(nl.IPV4, b'\xff' * 4 + bytes(8))


def fd(n):
    return nl.attr(nl.PROG_FD, n & 0xffffffff)


def used(*attrs):
    return nl.nest(nl.BPF, FD, CHANGED, RECIRC, nl.nest(nl.USED, *attrs))


def cases(*cases):
    return nl.nest(nl.BPF, FILTER, nl.nest(nl.CASES, *cases))


def deep(levels):
    """Filters in the cases of filters."""
    inner = nl.output(1)
    for _ in range(levels):
        inner = cases(nl.case(1, inner))
    return inner


E = errno.EINVAL
BAD = [     # what, action, errno, a word of the sentence
    ('no PROG_FD', nl.nest(nl.BPF, MODE), E, 'PROG_FD'),
    ('an empty action', nl.nest(nl.BPF), E, 'PROG_FD'),
    ('no RECHECK', nl.nest(nl.BPF, FD), E, 'RECHECK'),
    ('an unknown RECHECK', nl.nest(nl.BPF, FD, nl.attr(nl.RECHECK, 3)), E, 'RECHECK'),
    ('a RECHECK of 2^32-1', nl.nest(nl.BPF, FD, nl.attr(nl.RECHECK, 0xffffffff)), E,
     'RECHECK'),
    ('a descriptor that is not open', nl.nest(nl.BPF, fd(999), MODE), errno.EBADF, 'descriptor'),
    ('descriptor -1', nl.nest(nl.BPF, fd(-1), MODE), errno.EBADF, 'descriptor'),
    ('the descriptor of a map', nl.nest(nl.BPF, fd(a_map), MODE), E, 'descriptor'),
    ('the descriptor of a file', nl.nest(nl.BPF, fd(a_file), MODE), E, 'descriptor'),
    ('a socket filter', nl.nest(nl.BPF, fd(socket_filter), MODE), E, 'SCHED_CLS'),
    ('an XDP program', nl.nest(nl.BPF, fd(xdp), MODE), E, 'SCHED_CLS'),
    ('always without RECIRC_ID', nl.nest(nl.BPF, FD, nl.attr(nl.RECHECK, nl.ALWAYS)), E,
     'RECIRC_ID'),
    ('changed without RECIRC_ID', nl.nest(nl.BPF, FD, CHANGED, EMPTY_USED), E, 'RECIRC_ID'),
    ('changed without USED', nl.nest(nl.BPF, FD, CHANGED, RECIRC), E, 'USED'),
    ('program with USED', nl.nest(nl.BPF, FD, MODE, EMPTY_USED), E, 'USED'),
    ('always with USED', nl.nest(nl.BPF, FD, nl.attr(nl.RECHECK, nl.ALWAYS), RECIRC,
                                 EMPTY_USED), E, 'USED'),
    ('RECIRC_ID 0', nl.nest(nl.BPF, FD, MODE, nl.attr(nl.BPF_RECIRC_ID, 0)), E, 'RECIRC_ID'),
    ('PROG_FD twice', nl.nest(nl.BPF, FD, FD, MODE), E, 'twice'),
    ('RECHECK twice', nl.nest(nl.BPF, FD, MODE, CHANGED), E, 'twice'),
    ('attribute 99', nl.nest(nl.BPF, FD, MODE, nl.attr(99, 0)), E, 'unknown'),
    ('attribute 0', nl.nest(nl.BPF, FD, MODE, nl.attr(0, 0)), E, 'unknown'),
    ('STATS', nl.nest(nl.BPF, FD, MODE, nl.nest(nl.STATS)), E, 'replies'),
    ('PROG_ID', nl.nest(nl.BPF, FD, MODE, nl.attr(nl.PROG_ID, 1)), E, 'replies'),
    ('NAME', nl.nest(nl.BPF, FD, MODE, nl.attr(nl.NAME, b'x\0')), E, 'replies'),
    ('CLASS', nl.nest(nl.BPF, FD, MODE, nl.attr(nl.CLASS, 0)), E, 'replies'),
    ('a PROG_FD of 2 bytes', nl.nest(nl.BPF, nl.attr(nl.PROG_FD, b'\1\0'), MODE), E, 'length'),
    ('a PROG_FD of 8 bytes', nl.nest(nl.BPF, nl.attr(nl.PROG_FD, bytes(8)), MODE), E,
     'length'),
    ('an ARG of 4 bytes', nl.nest(nl.BPF, FD, MODE, nl.attr(nl.ARG, 1)), E, 'length'),
    ('an ARG of 20 kB', nl.nest(nl.BPF, FD, MODE, nl.attr(nl.ARG, bytes(20000))), E, 'length'),
    ('junk behind', nl.nest(nl.BPF, FD, MODE, b'\1\0\0'), E, 'junk'),
    ('an attribute longer than its nest',
     nl.nest(nl.BPF, FD, MODE, struct.pack('=HH', 60, nl.ARG)), E, 'junk'),
    ('USED: an unknown attribute', used(nl.attr(60, 1)), E, 'not supported'),
    ('USED: an attribute twice', used(SRC_USED, SRC_USED), E, 'twice'),
    ('USED: a short attribute', used(nl.attr(nl.IPV4, b'\xff' * 4)), E, 'length'),
    ('USED: IPV4 and IPV6', used(SRC_USED, nl.attr(nl.IPV6, b'\xff' * 40)), E, 'USED'),
    ('USED: ENCAP', used(nl.nest(nl.ENCAP, SRC_USED)), E, 'ENCAP'),
    ('USED: junk', used(b'\1\0\0'), E, 'junk'),
    ('a filter that leads nowhere', nl.nest(nl.BPF, FILTER), E, 'CASES'),
    ('a filter with RECHECK', nl.nest(nl.BPF, FILTER, MODE, RECIRC), E, 'filter'),
    ('a filter with USED', nl.nest(nl.BPF, FILTER, EMPTY_USED, RECIRC), E, 'filter'),
    ('a filter with DEFAULT and RECIRC_ID',
     nl.nest(nl.BPF, FILTER, RECIRC, nl.nest(nl.DEFAULT)), E, 'RECIRC_ID'),
    ('always with CASES', nl.nest(nl.BPF, FD, ALWAYS, RECIRC, nl.nest(nl.CASES, ONE)), E,
     'always'),
    ('always with DEFAULT', nl.nest(nl.BPF, FD, ALWAYS, RECIRC, nl.nest(nl.DEFAULT)), E,
     'always'),
    ('CASES twice', nl.nest(nl.BPF, FILTER, nl.nest(nl.CASES, ONE), nl.nest(nl.CASES, ONE)),
     E, 'twice'),
    ('CASES: none', cases(), E, 'empty'),
    ('CASES: no CASE', cases(nl.attr(2, 1)), E, 'else than CASE'),
    ('CASES: a CASE without VALUE', cases(nl.nest(nl.CASE, nl.nest(nl.CASE_ACTIONS))), E,
     'VALUE'),
    ('CASES: a CASE without ACTIONS', cases(nl.nest(nl.CASE, nl.attr(nl.VALUE, 1))), E,
     'ACTIONS'),
    ('CASES: VALUE twice', cases(nl.nest(nl.CASE, nl.attr(nl.VALUE, 1), nl.attr(nl.VALUE, 1),
                                         nl.nest(nl.CASE_ACTIONS))), E, 'twice'),
    ('CASES: a VALUE of 8 bytes', cases(nl.nest(nl.CASE, nl.attr(nl.VALUE, bytes(8)),
                                                nl.nest(nl.CASE_ACTIONS))), E, 'length'),
    ('CASES: HITS', cases(nl.nest(nl.CASE, nl.attr(nl.VALUE, 1), nl.nest(nl.CASE_ACTIONS),
                                  nl.attr(nl.HITS, bytes(8)))), E, 'nothing else'),
    ('CASES: one VALUE in two', cases(ONE, nl.case(2), nl.case(1)), E, 'one VALUE'),
    ('CASES: junk in a CASE', cases(nl.nest(nl.CASE, nl.attr(nl.VALUE, 1),
                                            nl.nest(nl.CASE_ACTIONS), b'\1\0\0')), E,
     'junk'),
    ('CASES: junk behind', cases(ONE, b'\1\0\0'), E, 'junk'),
    ('CASES: 257', cases(*[nl.case(i) for i in range(257)]), E, 'too many CASES'),
    ('CASES: a bad action', cases(ONE, nl.case(2, nl.output(70000))), E, 'port'),
    ('CASES: a bad action behind a program',
     cases(ONE, nl.case(2, nl.bpf_action(bed.prog, nl.PROGRAM), nl.output(70000))), E, 'port'),
    ('DEFAULT: an unknown action', nl.nest(nl.BPF, FILTER, nl.nest(nl.CASES, ONE),
                                           nl.nest(nl.DEFAULT, nl.attr(99, 0))), E,
     'not supported'),
    ('CASES: a program with a dead descriptor',
     cases(nl.case(1, nl.bpf_action(999, nl.PROGRAM))), errno.EBADF, 'descriptor'),
    ('CASES: 17 deep', deep(17), errno.EOVERFLOW, 'deep'),
    ('65 programs', nl.bpf_action(bed.prog, nl.PROGRAM) * 65, E, 'too many programs'),
    ('more than a dump can hold', cases(*[nl.case(i, *[nl.output(1)] * 12)
                                          for i in range(256)]), E, 'long'),
]


if bound:
    BAD.append(('a program that is bound to a device', nl.nest(nl.BPF, fd(bound), MODE), E,
                'bound to a device'))
else:
    t.skip('a program that is bound to a device', 'the kernel has no netdevsim')

dp.add_flow(key, mask, [nl.bpf_action(bed.prog, nl.PROGRAM), nl.output(2)])
dump = dp.flows()
k1, m1 = any_from(1)


def attempt(call):
    try:
        call()
    except nl.NlError as err:
        return err
    return None


for what, action, code, word in BAD:
    actions = [nl.output(1), action, nl.output(2)]
    for how, call in (
            ('a new flow', lambda: dp.add_flow(k1, m1, actions)),
            ('a changed flow', lambda: dp.set_flow(key, mask, actions)),
            ('nested in clone', lambda: dp.add_flow(k1, m1, [
                nl.bpf_action(bed.prog, nl.PROGRAM), nl.nest(nl.CLONE, *actions)])),
            ('an executed packet', lambda: dp.execute(
                packet(), [nl.attr(nl.IN_PORT, 3)], actions))):
        err = attempt(call)
        t.ok(err and err.errno == code and word in err.extack,
             '%s, %s: refused' % (what, how), err, err and err.extack)


def without_caps(call):
    """What CALL is answered when nobody makes it."""
    pid = os.fork()
    if pid == 0:
        os.setgid(65534)
        os.setuid(65534)
        err = attempt(call)
        os._exit(err.errno if err else 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


GOOD = [nl.bpf_action(bed.prog, nl.PROGRAM), nl.output(2)]
for how, call in (('a new flow', lambda: dp.add_flow(k1, m1, GOOD)),
                  ('a changed flow', lambda: dp.set_flow(key, mask, GOOD)),
                  ('an executed packet', lambda: dp.execute(
                      packet(), [nl.attr(nl.IN_PORT, 3)], GOOD))):
    t.equal(without_caps(call), errno.EPERM,
            'a caller who holds the program but not CAP_NET_ADMIN, %s: refused' % how)
t.equal(dp.flows(), dump, 'nothing was applied')
t.ok(bed.quiet(1, 2), 'nothing was sent')

# Nothing is kept: with the one flow gone, so is the program.
prog_id = int(run('bpftool -j prog show pinned /sys/fs/bpf/alpha/alpha')
              .split('"id":')[1].split(',')[0])
os.close(bed.prog)
run('rm -r /sys/fs/bpf/alpha')


def gone():
    return '\n%d: ' % prog_id not in '\n' + run('bpftool prog show')


t.ok(not gone(), 'the flow keeps its program without descriptor and pin')
bed.wires[3].send(packet())
t.equal(len(bed.recv(2)), 1, 'and runs it')
dp.flush()
t.ok(wait_until(gone), 'the program goes with the flow: no refused request has kept it')

os.close(a_map)
os.close(beta)
unload('beta')
t.ok(wait_until(lambda: 'name beta' not in run('bpftool prog show')),
     'nor is a filter kept')
dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
