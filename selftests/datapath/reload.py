#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# wants: parallel
"""Load and unload the module under traffic, on the debug kernels a hundred times over.

Two neighbours of the datapath send all the time, whether it is there or not; a listener
reads its notifications and dumps. Each round loads the module, makes a datapath with
ports and flows, waits until packets have come through, and unloads the module as it is:
with the datapath, its ports, flows, and packets on their way. The stock module refuses
to go while there is a datapath, so it is taken down first.
"""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, load_module, run, unload_module, wait_until   # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import NOTHING, any_from, packet                         # noqa: E402

WATCHED = os.path.exists('/sys/kernel/debug/kmemleak')
# Where nothing watches memory and locks, repetition has little to find.
ROUNDS = int(os.environ.get('OVS_ROUNDS') or (100 if WATCHED else 20))
# Seconds between 32 packets.  There each of them leaves work for RCU, and a processor that
# does nothing but send does not get round to it: a module would wait for minutes to be gone.
PAUSE = 0.1 if WATCHED else 0.002
STOCK = os.environ.get('OVS_KMOD') == 'stock'


def devices():
    return set(os.listdir('/sys/class/net'))


def send_for_ever(dev):
    """A child that sends packets into a device, small pauses between them."""
    pid = os.fork()
    if pid:
        return pid
    wire = nl.Wire(dev)
    while True:
        for sport in range(1001, 1033):
            try:
                wire.send(packet(sport, payload=b'x' * 64))
            except OSError:
                pass
        time.sleep(PAUSE)


def round_trip(bpf):
    """Load, forward, unload; what went wrong, or None."""
    load_module()
    dp = nl.Datapath()
    for port in (1, 2):
        dp.add_port('p%d' % port, port)
    dp.add_port('int0', 3, kind=2)
    run('ip link set int0 up')
    # Through the stages of a recirculation, by way of a program where there is one.
    for port, to in ((1, 2), (2, 1)):
        key, mask = any_from(port)
        dp.add_flow(key, mask, [nl.attr(nl.RECIRC, 7) if STOCK else
                                nl.bpf_action(bpf, nl.ALWAYS, recirc=7, arg=NOTHING)])
        key, mask = any_from(port, stage=7)
        dp.add_flow(key, mask, [nl.output(3), nl.output(to)])
    through = wait_until(lambda: dp.stats()[0] > 100, 10)
    if not through:
        return 'no packets came through: %r' % (dp.stats(),)
    if STOCK:
        dp.delete()
    dp.nl.sock.close()
    if not unload_module():
        return 'the module does not unload'
    if not wait_until(lambda: not devices() & {'dp0', 'int0'}):
        return 'devices are left: %s' % (devices(),)
    return None


t = Ktap()
for port in (1, 2):
    run('ip link add p%d type veth peer name w%d' % (port, port))
    run('ip link set p%d up; ip link set w%d up' % (port, port))
bpf = 0
if not STOCK:
    run('bpftool prog loadall bpf-progs/alpha/alpha.bpf.o /sys/fs/bpf/alpha '
        'pinmaps /sys/fs/bpf/alpha_maps')
    bpf = nl.bpf_obj_get('/sys/fs/bpf/alpha/alpha')
senders = [send_for_ever('w1'), send_for_ever('w2')]

done, why = 0, None
while done < ROUNDS and not why:
    why = round_trip(bpf)
    done += not why
    if done % 10 == 0:
        print('# %d of %d' % (done, ROUNDS), flush=True)
t.ok(not why, '%d times loaded and unloaded under traffic' % done, why)
for pid in senders:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
t.ok(not os.path.exists('/sys/module/openvswitch'), 'no module is left')
t.equal(subprocess.call('ip link del p1; ip link del p2', shell=True), 0,
        'its ports can be deleted')
t.finish()
