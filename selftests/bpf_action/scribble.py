#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that write random bytes over the headers, resize and tag, with every kind of
action behind them: no fault, no packet lost without a reason, and the datapath goes on.

What is looked for is above all what the kernel itself reports: run it where memory is
watched (group debug). scribble.py [ROUNDS [SEED]].
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, run, unload_module                           # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from bpfbed import Bed, any_from, load, packet, unload, TAIL        # noqa: E402
from ctbed import COMMIT, FORCE, NAT, SRC, addr, ct, flag, fragments4, nat, zone  # noqa: E402
from dpbed import POP_VLAN, clone, hash_action, push_vlan, recirc, sample, set_masked, trunc, userspace  # noqa: E402
from walkmodel import PUSH, POP, STORE                              # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 400
rng = random.Random(sys.argv[2] if len(sys.argv) > 2 else '2026')
DELTA = range(12)       # those of delta.h that change the packet
VERSION_IHL = (0x40, 0x41, 0x44, 0x46, 0x4f, 0x55, 0x00, 0xff)

t = Ktap()
up = nl.Genl()
bed = Bed(pid=up.pid)
dp, wires = bed.dp, bed.wires
gamma = load('gamma')
# It calls programs by tail calls and functions both, which only compiled programs can.
delta = load('delta') if os.path.exists('/proc/sys/net/core/bpf_jit_enable') else None
recipes = nl.bpf_obj_get('/sys/fs/bpf/gamma_maps/recipes')
key, mask = any_from(3)
run('ip link add g0 type gretap external; ip link set g0 up; ip addr add 10.9.0.1/24 dev w2')
dp.add_port('g0', 4)
for dev in ('p2', 'w2', 'p3', 'w3'):
    run('ip link set %s mtu 9000' % dev)
EXEC_KEY = [nl.attr(nl.IN_PORT, 3)]
SHORT = nl.udp4('10.0.0.1', '10.0.0.9', 1001, 80, payload=b'\7\xdc' * 60)
BIG = nl.udp4('10.0.0.1', '10.0.0.9', 1001, 80, payload=bytes(range(256)) * 20)


def store():
    """One write: mostly where the lengths and types are."""
    at = rng.choice((12, 13, 14, 14, 16, 17, 20, 21, 23, 26, 34, 38, 39, 46, rng.randrange(80)))
    n = rng.choice((1, 1, 2, 4, 6))
    data = rng.getrandbits(8 * n).to_bytes(n, 'big')
    if at == 14:
        n, data = 1, bytes((rng.choice(VERSION_IHL),))
    if at == 12 and rng.random() < .8:
        n, data = 2, struct.pack('!H', rng.choice((0x8100, 0x88a8, 0x8847, 0x86dd, 0x894f,
                                                   0x0806, 0x0800, 46)))
    return struct.pack('8B8s', 0, 0, 0, STORE, at, 255, n, 0, data)


def op():
    if rng.random() < .85:
        return store()
    return struct.pack('8B8s', 0, 0, 0, rng.choice((PUSH, POP)), 255, 255, 0, 0,
                       struct.pack('=H', rng.randrange(4096)))


def recipe():
    number, n = rng.randrange(64), rng.randint(1, 4)
    nl.bpf_map_update(recipes, number, struct.pack('4B', n, 0, 3, rng.random() < .2) +
                      b''.join(op() for _ in range(n)).ljust(64, b'\0'))
    return gamma, number


def program():
    which = rng.random()
    if which < .6:
        fd, arg = recipe()
    elif which < .85 and delta:
        fd, arg = delta, rng.choice(DELTA)
    else:
        fd, arg = bed.prog, TAIL
    mode = rng.choice((nl.PROGRAM, nl.PROGRAM, nl.CHANGED, nl.ALWAYS))
    return nl.bpf_action(fd, mode, arg=arg, param=rng.randint(14, 200), recirc=5,
                         used=[nl.attr(nl.IPV4, b'\xff' * 8 + bytes(4))]
                         if mode == nl.CHANGED else None)


ADDR = nl.ip4('10.0.0.7')
ACTIONS = [
    lambda: set_masked(nl.IPV4, ADDR * 2 + bytes((0, 0x20, 9, 0)), b'\xff' * 8 + b'\0\xff\xff\0'),
    lambda: set_masked(nl.UDP, b'\1\2\3\4', b'\xff' * 4),
    lambda: set_masked(nl.ETHERNET, nl.mac(7) + nl.mac(8), b'\xff' * 12),
    lambda: nl.nest(23, nl.nest(1)),                            # DEC_TTL
    lambda: ct(), lambda: ct(flag(COMMIT), zone(3)),
    lambda: ct(flag(COMMIT), flag(FORCE), nat(flag(SRC), addr(3, '10.0.0.8'))),
    lambda: ct(flag(COMMIT), zone(5), nat(flag(SRC), addr(3, '10.0.0.8'))),
    lambda: nl.attr(16, b''),                                   # CT_CLEAR
    lambda: hash_action(1), lambda: hash_action(1, 1), lambda: trunc(rng.randint(14, 100)),
    lambda: userspace(up.pid), lambda: nl.output(2), lambda: nl.output(1), lambda: nl.output(0),
    lambda: clone(nl.output(2), recirc(5)), lambda: sample(1 << 31, userspace(up.pid)),
    lambda: nl.output(70) if rng.random() < .1 else nl.output(4), lambda: recirc(5),
    program, program,
]
LAST = [
    lambda: [push_vlan(0x8100, 0x1005), nl.output(2)], lambda: [nl.output(2)],
    lambda: [push_vlan(0x88a8, 0x1005), push_vlan(0x8100, 0x1006), nl.output(4)],
    lambda: [nl.attr(9, struct.pack('!IHxx', 0x1140, 0x8847)), nl.output(2)],      # PUSH_MPLS
    lambda: [nl.nest(17, nl.nest(29, nl.attr(1, bytes((0, 63, 1, 3)) + bytes(4)),
                                 nl.attr(2, bytes(16)))), nl.output(2)],         # PUSH_NSH
    lambda: [push_vlan(0x8100, 0x1005), POP_VLAN, nl.output(2)],
    lambda: [nl.output(4)], lambda: [recirc(5)],
]


def actions():
    return [program()] + [rng.choice(ACTIONS)() for _ in range(rng.randint(0, 4))] + \
        rng.choice(LAST)()


def send(acts):
    """One packet, or the fragments of one, by one of the ways that there are."""
    way = rng.randrange(5)
    if way == 0:
        dp.execute(packet(payload=b'z' * 60), EXEC_KEY, acts)
    elif way == 1:
        dp.execute(rng.choice((BIG, SHORT)), EXEC_KEY, acts, mru=rng.choice((68, 600, 1400)))
    else:
        dp.flush()
        dp.add_flow(key, mask, ([ct()] if way == 2 else []) + acts)
        k5, m5 = any_from(3, 5)
        dp.add_flow(k5, m5, rng.choice(LAST)())
        if way == 2:
            for f in fragments4(BIG, 1000, ident=rng.randrange(1, 65000)):
                wires[3].send(f)
        elif way == 3:
            wires[3].send_gso(BIG, rng.choice((14, 34, 42, 60)))
        else:
            tcp = nl.udp4('10.0.0.1', '10.0.0.9', 1001, 80, proto=6, payload=bytes(4000))
            wires[3].send_gso(tcp, 54, 1000, 34, 16)


refused = 0
for n in range(ROUNDS):
    try:
        send(actions())
    except nl.NlError as err:
        refused += 1
        if n < 20:
            print('# refused: %s' % err)
    while up.recv_upcall(0):
        pass
    if n % 100 == 99:
        print('# %d rounds' % (n + 1), flush=True)
t.ok(refused < ROUNDS / 2, 'most lists were taken', '%d of %d refused' % (refused, ROUNDS))
print('# drops: %s' % {k: v for k, v in dp.drops().items() if v}, flush=True)

# All is well: the next packet goes its way.
for w in wires.values():
    w.recv_all(lambda fs: False, 0.2)
dp.flush()
dp.add_flow(key, mask, [nl.output(2)])
wires[3].send(packet())
t.ok(packet() in wires[2].recv_all(lambda fs: packet() in fs, 5), 'the datapath goes on')

dp.delete()
for fd in (gamma, recipes, bed.prog):
    os.close(fd)
for name in ('alpha', 'gamma', *(['delta'] if delta else [])):
    unload(name)
if delta:
    os.close(delta)
run('conntrack -F >/dev/null 2>&1; ip link del g0')
t.ok(unload_module(), 'the module unloads')
t.finish()
