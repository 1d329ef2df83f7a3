#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# wants: parallel
"""One run for each packet and stage: hit, miss, upcall, execution, recirculation, flows
replaced and flushed under traffic, userspace that dies and comes back. What is lost is
counted."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, unload_module, wait_until                    # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import Bed, any_from, packet, unload, NOTHING, SRC      # noqa: E402

t = Ktap()
up = nl.Genl()
bed = Bed(pid=up.pid)
dp, wires = bed.dp, bed.wires
PORTS = {stage: any_from(3, stage) for stage in (0, 5, 6)}


def alpha(what, *args, **kw):
    return nl.bpf_action(bed.prog, *args, arg=what, **kw)


# Two stages, the second of which both packets that changed and others get to.
ACTIONS = {0: [alpha(SRC, nl.ALWAYS, recirc=5)],
           5: [alpha(NOTHING, nl.CHANGED, recirc=6, used=[]), nl.output(2)]}


def install():
    dp.flush()
    for stage, actions in ACTIONS.items():
        dp.add_flow(*PORTS[stage], actions)


def answer(genl, add=True):
    """Answer all upcalls that are there; how many."""
    count = 0
    while True:
        upcall = genl.recv_upcall(0.3)
        if not upcall:
            return count
        count += 1
        a = upcall[1]
        stage = int.from_bytes(nl.attrs(a[2])[nl.RECIRC_ID], 'little')
        if add:
            dp.put_flow(*PORTS[stage], ACTIONS[stage])
        dp.execute(a[1], [nl.attr(k, v) for k, v in nl.attr_list(a[2])], ACTIONS[stage])


class Count:
    """Runs, arrivals and losses since it was made."""

    def __init__(self):
        self.before = self.now()

    @staticmethod
    def now():
        return (bed.runs(0), bed.runs(5), dp.stats()[2])

    def since(self):
        """(runs in stage 0, runs in stage 5, lost)."""
        return tuple(a - b for a, b in zip(self.now(), self.before))


def send(count):
    for i in range(count):
        wires[3].send(packet(1001 + i % 2))


install()
c = Count()
send(50)
t.equal((len(bed.recv(2, 50)), c.since()), (50, (50, 50, 0)), 'hit: once in each stage')

dp.flush()
c = Count()
send(60)
n = answer(up)
t.equal((len(bed.recv(2, 60)), c.since()), (60, (60, 60, 0)),
        'miss, upcall, flow, execution: once in each stage (%d upcalls)' % n)
t.ok(n >= 60, 'at least one for each packet')
dp.flush()
c = Count()
send(40)
n = answer(up, add=False)
t.equal((n, len(bed.recv(2, 40)), c.since()), (80, 40, (40, 40, 0)),
        'a daemon that installs nothing: two upcalls for each packet, still once')

# Flows that are replaced, and that go, under traffic.
install()
c = Count()
stop = threading.Event()


def replace():
    other = {0: [alpha(NOTHING, nl.ALWAYS, recirc=5)], 5: [alpha(SRC, nl.PROGRAM), nl.output(2)]}
    genl = nl.Genl()
    while not stop.is_set():
        for acts in (other, ACTIONS):
            for stage in (0, 5):
                k, m = PORTS[stage]
                genl.request(genl.family('ovs_flow'), nl.CMD_SET,
                             dp.ifindex.to_bytes(4, 'little') + nl.nest(1, *k) +
                             nl.nest(7, *m) + nl.nest(2, *acts[stage]))


worker = threading.Thread(target=replace)
worker.start()
send(400)
got = len(bed.recv(2, 400))
stop.set()
worker.join()
t.equal((got, c.since()), (400, (400, 400, 0)), 'flows replaced under traffic: once')

c = Count()
stop.clear()


def flush():
    genl = nl.Genl()
    while not stop.is_set():
        genl.request(genl.family('ovs_flow'), nl.CMD_DEL, dp.ifindex.to_bytes(4, 'little'))


worker = threading.Thread(target=flush)
worker.start()
got = 0
for _ in range(10):
    send(20)
    answer(up)
    got += len(bed.recv(2, 20, timeout=1))
stop.set()
worker.join()
answer(up)
got += len(bed.recv(2, 200 - got, timeout=0.3)) if got < 200 else 0
t.equal((got, c.since()), (200, (200, 200, 0)), 'flows flushed under traffic: once')

# Userspace dies, and comes back.
dp.flush()
dp.add_flow(*PORTS[0], ACTIONS[0])
up.sock.close()
c = Count()
send(30)
t.ok(wait_until(lambda: c.since()[2] == 30), 'userspace is gone: losses are counted', c.since())
t.equal((c.since(), bed.quiet(2)), ((30, 0, 30), True), 'each packet ran once before')
dp.flush()
send(10)
t.ok(wait_until(lambda: c.since() == (30, 0, 40)), 'a miss at once: lost before it ran', c.since())
up = nl.Genl()
dp.vport(nl.CMD_SET, nl.attr(1, 3) + nl.attr(5, up.pid))
c = Count()
send(30)
answer(up)
t.equal((len(bed.recv(2, 30)), c.since()), (30, (30, 30, 0)), 'userspace is back: once again')

# Userspace that does not keep up.
dp.flush()
dp.add_flow(*PORTS[0], ACTIONS[0])
slow = nl.Genl()
slow.sock.setsockopt(1, 8, 8192)    # SO_RCVBUF
slow.sock.setsockopt(nl.SOL_NETLINK, 5, 1)      # NETLINK_NO_ENOBUFS: losses are no error here
dp.vport(nl.CMD_SET, nl.attr(1, 3) + nl.attr(5, slow.pid))
c = Count()
send(300)
wait_until(lambda: c.since()[0] == 300)
lost = c.since()[2]
t.ok(0 < lost < 300, 'a full socket loses upcalls (%d of 300)' % lost)
n = answer(slow, add=False)
t.equal((n, len(bed.recv(2, n)), c.since()), (300 - lost, n, (300, n, lost)),
        'all others came, and each packet ran once')

dp.delete()
os.close(bed.prog)
unload('alpha')
t.ok(unload_module(), 'the module unloads')
t.finish()
