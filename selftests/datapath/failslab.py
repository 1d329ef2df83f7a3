#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every allocation of every request fails once: nothing of it takes effect, nothing leaks.

A request is repeated, with its first allocation failing, its second, and so on until one
comes through. Then packets pass while allocations fail at random. Only kernels with fault
injection (scripts/debug-kernel) can do this; leaks and misuse are for them to report.
"""
import errno
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, skip_all, unload_module, wait_until      # noqa: E402
import ovsnl as nl                                                  # noqa: E402

NTH = '/proc/thread-self/fail-nth'
FAILSLAB = '/sys/kernel/debug/failslab/'
if not os.path.exists(NTH) or not os.path.exists(FAILSLAB):
    skip_all('this kernel has no fault injection')
from bpfbed import Bed, MARK, VLAN_PUSH, any_from, packet, set_masked   # noqa: E402


def knob(name, value):
    with open(FAILSLAB + name, 'w') as f:
        f.write(str(value))


class ShakySocket:
    """A socket in whose send() the nth allocation of the kernel fails."""

    def __init__(self, sock):
        self.sock, self.nth, self.failed = sock, 0, False
        self.knob = os.open(NTH, os.O_RDWR)

    def send(self, data):
        os.pwrite(self.knob, b'%d' % self.nth, 0)
        try:
            return self.sock.send(data)
        finally:
            self.failed = os.pread(self.knob, 16, 0).strip() == b'0'
            os.pwrite(self.knob, b'0', 0)

    def __getattr__(self, name):
        return getattr(self.sock, name)


t = Ktap()
bed = Bed()
dp, prog = bed.dp, bed.prog
knob('verbose', 0)
knob('ignore-gfp-wait', 'N')

shaky = nl.Genl()
for family in ('ovs_datapath', 'ovs_vport', 'ovs_flow', 'ovs_packet'):
    shaky.family(family)
shaky.sock = ShakySocket(shaky.sock)
victim = nl.Datapath.__new__(nl.Datapath)
victim.nl, victim.name, victim.ifindex = shaky, dp.name, dp.ifindex


def state():
    """All datapaths, and ports and flows of the one under test, without counters."""
    every = dp.nl.request(dp.nl.family('ovs_datapath'), nl.CMD_GET, bytes(4), nl.NLM_F_DUMP,
                          2)
    ports = [nl.attrs(m[4:]) for m in dp.vport(nl.CMD_GET, b'', nl.NLM_F_DUMP)]
    flows = [(f[1], f.get(7), flow_actions(f)) for f in dp.flows()]
    return (sorted((nl.attrs(m[4:])[1], nl.attrs(m[4:])[5]) for m in every),
            sorted((p[3], p[5]) for p in ports), sorted(flows))


def flow_actions(flow):
    """The actions but the counters of a BPF action, of which all but the id differ."""
    actions = nl.attrs(flow[2])
    return sorted((kind, nl.attrs(a)[nl.PROG_ID] if kind == nl.BPF else a)
                  for kind, a in actions.items())


def sweep(what, act, undo=None, device=False, replies=False):
    """Let ACT's allocations fail one after the other; UNDO what it does when it works.

    Where a DEVICE is registered, some failures are told as EINVAL by others.  Where there
    are REPLIES, the error may be about them: what was asked for is done.
    """
    before, wrong = state(), None
    for nth in range(1, 500):
        shaky.sock.nth = nth
        code = 0
        try:
            act()
        except OSError as err:
            code = err.errno
        if not shaky.sock.failed:
            break
        after = state()
        if code == errno.EINVAL and device:
            code = errno.ENOMEM
        if code not in (0, errno.ENOMEM, errno.ENOBUFS):
            wrong = 'allocation %d: %s' % (nth, os.strerror(code))
        if code == errno.ENOMEM and after != before and not replies:
            wrong = 'allocation %d failed, yet it took effect: %r' % (nth, after)
        if code == 0 and undo and after == before:
            wrong = 'allocation %d failed, and nobody was told' % nth
        if after != before:
            undo()
        if state() != before:
            wrong = 'allocation %d: it is not undone: %r' % (nth, state())
        if wrong:
            break
    else:
        wrong = 'there is no end'
    if not wrong and code:
        wrong = 'without a failure: %s' % os.strerror(code)
    t.ok(not wrong and nth > 1, '%s: %d allocations, each failed once' % (what, nth - 1),
         wrong, 'before: %r' % (before,))
    if undo and not wrong:
        undo()


def dp1(genl, cmd, *attributes):
    """A request about another datapath, by its name."""
    return genl.request(genl.family('ovs_datapath'), cmd, bytes(4) +
                        b''.join((nl.attr(1, b'dp1\0'),) + attributes), 0, 2)


def new_dp1(genl):
    return dp1(genl, nl.CMD_NEW, nl.attr(2, 0), nl.attr(5, 0))


def del_port():
    dp.vport(nl.CMD_DEL, nl.attr(1, 8))


def output_only():
    dp.add_flow(key, mask, [nl.output(1)])


def named():
    dp.add_flow(key, mask, [nl.output(1)], ufid=NAME)


NAME, OTHER = b'a name of a flow', b'another one 16 b'
key, mask = any_from(3)
ACTIONS = {
    'output': [nl.output(2)],
    'a list in a list': [nl.nest(nl.SAMPLE, nl.attr(1, 1 << 31),
                                 nl.nest(2, nl.nest(nl.CLONE, nl.output(1)))), nl.output(2)],
    'set': [set_masked(nl.ETHERNET, nl.mac(9) * 2, b'\xff' * 12), nl.output(2)],
    'a program': [nl.bpf_action(prog, nl.ALWAYS, recirc=9, arg=MARK), nl.output(2)],
}


sweep('new datapath', lambda: new_dp1(shaky), lambda: dp1(dp.nl, nl.CMD_DEL),
      device=True)
new_dp1(dp.nl)
sweep('delete datapath', lambda: dp1(shaky, nl.CMD_DEL), lambda: new_dp1(dp.nl))
dp1(dp.nl, nl.CMD_DEL)
sweep('get datapath', lambda: victim.dp(nl.CMD_GET, b''))

run('ip link add q1 type veth peer name q2; ip link set q1 up; ip link set q2 up')
sweep('new netdev port', lambda: victim.add_port('q1', 8), del_port)
sweep('new internal port', lambda: victim.add_port('int1', 8, kind=2), del_port,
      device=True)
dp.add_port('q1', 8)
sweep('delete netdev port', lambda: victim.vport(nl.CMD_DEL, nl.attr(1, 8)),
      lambda: dp.add_port('q1', 8))
del_port()
sweep('dump ports', lambda: victim.vport(nl.CMD_GET, b'', nl.NLM_F_DUMP))

for name, actions in ACTIONS.items():
    sweep('new flow: ' + name, lambda: victim.add_flow(key, mask, actions), dp.flush)
sweep('new flow with its first packet',
      lambda: victim.add_flow(key, mask, ACTIONS['output'], first=[nl.attr(1, packet())]),
      dp.flush)
output_only()
for name, actions in ACTIONS.items():
    sweep('set flow: ' + name, lambda: victim.set_flow(key, mask, actions),
          lambda: dp.set_flow(key, mask, [nl.output(1)]))
sweep('get flow', lambda: victim.flow(nl.CMD_GET, nl.nest(1, *key)))
sweep('dump flows', victim.flows)
sweep('delete flow', lambda: victim.flow(nl.CMD_DEL, nl.nest(1, *key)), output_only)
sweep('flush', victim.flush, output_only)
dp.flush()
named()
dp.add_flow(*any_from(2), [], ufid=OTHER)


def delete_named():
    """Success means a reply for each; an error, that those that can be told are told."""
    names = nl.attr(nl.UFIDS, NAME + bytes(16) + OTHER)
    if len(victim.flow(nl.CMD_DEL, names, nl.NLM_F_ECHO)) != 2:
        raise OSError(errno.ENODATA, 'a reply is missing')


def named_again():
    named()
    dp.add_flow(*any_from(2), [], ufid=OTHER)


sweep('delete flows by their names', delete_named, named_again, replies=True)
dp.flush()

meta = [nl.attr(nl.IN_PORT, 3)]
for name, actions in ACTIONS.items():
    sweep('execute: ' + name, lambda: victim.execute(packet(), meta, actions))
sweep('execute: an upcall', lambda: victim.execute(
    packet(), meta, [nl.nest(nl.USERSPACE, nl.attr(1, dp.nl.pid))]))

# Packets while one in five allocations that can't wait fails.
dp.flush()
for wire in bed.wires.values():
    wire.recv_all(lambda frames: False, 0.3)
listener = nl.Genl()
vlan = nl.bpf_action(prog, nl.ALWAYS, recirc=9, arg=VLAN_PUSH)
dp.add_flow(key, mask, ACTIONS['a list in a list'] +
            [nl.nest(nl.USERSPACE, nl.attr(1, listener.pid)), vlan, nl.attr(nl.RECIRC, 9)])
key9, mask9 = any_from(3, stage=9)
dp.add_flow(key9, mask9, ACTIONS['set'])
for name, value in (('ignore-gfp-wait', 'Y'), ('interval', 1), ('times', -1),
                    ('probability', 20)):
    knob(name, value)
for i in range(1000):
    try:
        bed.wires[3].send(packet(1001 + i % 50, payload=b'x' * (i % 700)))
    except OSError:
        pass
    if i % 50 == 0:
        while listener.recv_upcall(timeout=0.01):
            pass
knob('probability', 0)
bed.wires[2].recv_all(lambda frames: False, 0.5)
dp.flush()
dp.add_flow(key, mask, ACTIONS['output'])
bed.wires[3].send(packet())
t.ok(bed.recv(2), 'packets pass again after failures at random')

dp.delete()
os.close(prog)
t.ok(unload_module(), 'the module unloads')
t.ok(wait_until(lambda: not os.path.exists('/sys/class/net/dp0')), 'no device is left')
t.finish()
