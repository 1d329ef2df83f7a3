#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# wants: parallel
"""Programs live as long as the flows that name them; dumps tell what bpftool does."""
import ctypes
import json
import os
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module, wait_until               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import Bed, any_from, packet, NOTHING                   # noqa: E402

SCHED_CLS = 3


def const_prog(verdict):
    return nl.bpf_prog_load(SCHED_CLS, struct.pack('=BBhiBBhi', 0xb7, 0, 0, verdict,
                                                   0x95, 0, 0, 0))


def progs():
    return {p['id'] for p in json.loads(run('bpftool -j prog show'))}


t = Ktap()
before = progs()
bed = Bed()
dp = bed.dp
key, mask = any_from(3)

# What a dump shows.
used = nl.attr(nl.IPV4, b'\xff' * 4 + bytes(8))
dp.add_flow(key, mask, [nl.bpf_action(bed.prog, nl.CHANGED, recirc=9, used=[used],
                                      arg=NOTHING, param=0x1234), nl.output(2)])
shown = json.loads(run('bpftool -j prog show pinned /sys/fs/bpf/alpha/alpha'))
action = nl.attrs(nl.attrs(dp.flows()[0][2])[nl.BPF])
t.equal((struct.unpack('=I', action[nl.PROG_ID])[0], action[nl.NAME].rstrip(b'\0').decode(),
         action[nl.TAG].hex()), (shown['id'], shown['name'], shown['tag']),
        'a dump has the id, name and tag that bpftool shows')
t.equal((action[nl.ARG], action[nl.RECHECK], action[nl.BPF_RECIRC_ID], action[nl.USED]),
        (struct.pack('=II', NOTHING, 0x1234), struct.pack('=I', nl.CHANGED),
         struct.pack('=I', 9), used), 'a dump has argument, mode, recirculation id, USED')
t.ok(nl.PROG_FD not in action, 'a dump has no descriptor')
text = run('ovs-dpctl dump-flows dp0 2>/dev/null')
t.ok('action128' in text, 'stock tools print the action as one they do not know', text)
dp.flush()
os.close(bed.prog)
run('rm -r /sys/fs/bpf/alpha /sys/fs/bpf/alpha_maps')
t.ok(wait_until(lambda: progs() == before), 'no program is left')

# Replacement under traffic: each packet is dropped by one program or passed by the other.
passes, drops = const_prog(0), const_prog(2)
dp.add_flow(key, mask, [nl.bpf_action(passes, nl.PROGRAM), nl.output(2)])
COUNT = 400


def replace():
    for i in range(150):
        dp.set_flow(key, mask, [nl.bpf_action((drops, passes)[i % 2], nl.PROGRAM),
                                nl.output(2)])


shot = dp.drops()['shot']
worker = threading.Thread(target=replace)
worker.start()
for i in range(COUNT):
    bed.wires[3].send(packet())
worker.join()
passed = len(bed.recv(2, COUNT, timeout=1))
dropped = dp.drops()['shot'] - shot
t.equal((passed + dropped, struct.unpack('=QQ', dp.flows()[0][3])[0]), (COUNT, COUNT),
        'replaced under traffic: none lost, none doubled (%d passed)' % passed)
os.close(passes)
os.close(drops)
t.equal(len(progs() - before), 1, 'only the program of the last replacement is held')
dp.delete()
t.ok(wait_until(lambda: progs() == before), 'deleting the datapath lets it go')

# A namespace that dies with its datapath and flows.
run('ip netns add doomed')
pid = os.fork()
if pid == 0:
    fd = os.open('/run/netns/doomed', os.O_RDONLY)
    ctypes.CDLL(None).setns(fd, 0)
    other = nl.Datapath('dp1')
    subprocess.run('ip link add q1 type veth peer name q2; ip link set q1 up; '
                   'ip link set q2 up', shell=True)
    other.add_port('q1', 1)
    other.add_flow(key, mask, [nl.bpf_action(const_prog(0), nl.PROGRAM)])
    os._exit(0 if len(other.flows()) == 1 else 1)
t.equal(os.waitpid(pid, 0)[1], 0, 'a datapath in a namespace of its own')
t.equal(len(progs() - before), 1, 'whose flow holds a program')
run('ip netns del doomed')
t.ok(wait_until(lambda: progs() == before), 'goes with the namespace')

# Unloading with flows in place.
dp = nl.Datapath('dp0')
dp.add_flow(key, mask, [nl.bpf_action(const_prog(0), nl.PROGRAM)])
dp.nl.sock.close()
t.ok(unload_module(), 'the module unloads with a datapath and a flow in place')
subprocess.run('ip link del p1; ip link del p2; ip link del p3', shell=True)
t.ok(wait_until(lambda: not os.path.exists('/sys/class/net/dp0')), 'the device is gone')


def mine():
    """Programs that only this process' descriptors still hold are not leaks."""
    for n in os.listdir('/proc/self/fd'):
        try:
            if 'bpf-prog' in os.readlink('/proc/self/fd/' + n):
                os.close(int(n))
        except OSError:
            pass


mine()
t.ok(wait_until(lambda: progs() == before), 'and the program with it')
t.finish()
