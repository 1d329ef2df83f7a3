# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of scripts/bench --lines that runs in the VM: lines_guest.py NAME@MODULE.

Two senders, each on a processor of its own: one from w1 to w2, the other from w3 to w4.
"""
import sys

import bed
from bed import dpbed, nl, wait_until

ROWS = {}
SETTLED = 4096          # packets of each, behind which caches and maps are filled


def row(name, *modules):
    def add(fn):
        for m in modules:
            ROWS['%s@%s' % (name, m)] = fn
        return fn
    return add


@row('veth', 'none')
def veth(b):
    return (('w1', 'p1'), ('w3', 'p3'))


def switch(b):
    b.switch((1, 2, 3, 4))
    return (('w1', 'w2'), ('w3', 'w4'))


@row('output', 'stock', 'this')
def output(b):
    """Each sender has a megaflow."""
    wires = switch(b)
    b.flow(nl.output(2), port=1)
    b.flow(nl.output(4), port=3)
    return wires


def common(b, *actions):
    """One megaflow for both, behind which each has its own."""
    wires = switch(b)
    for port, out in ((1, 2), (3, 4)):
        b.flow(nl.output(out), port=port, recirc_id=1)
    b.dp.add_flow([nl.attr(nl.RECIRC_ID, 0), nl.attr(nl.IN_PORT, 1), dpbed.k_eth(bytes(6), bytes(6)),
                   dpbed.k_ipv4()],
                  [nl.attr(nl.RECIRC_ID, dpbed.ALL), dpbed.k_type(0xffff)],
                  [*actions, dpbed.recirc(1)])
    return wires


@row('common-recirc', 'stock', 'this')
def common_recirc(b):
    return common(b)


@row('common-programs', 'this')
def common_programs(b):
    return common(b, nl.bpf_action(bed.trivial(nl.LWT_OUT, 0), default=[]),
                  nl.bpf_action(bed.trivial(nl.SCHED_CLS, 0), nl.PROGRAM))


def received(dev):
    with open('/sys/class/net/%s/statistics/rx_packets' % dev) as f:
        return int(f.read())


def main():
    name = sys.argv[1]
    module = name.split('@')[1]
    bed.prepare()
    bed.load_module(module)
    b = bed.Bed(module)
    b.ip('link add p4 type veth peer name w4', 'link set p4 up', 'link set w4 up')
    wires = ROWS[name](b)
    for cpu, (src, sink) in enumerate(wires):
        b.spawn('taskset', '-c', str(cpu), bed.HERE + '/send', src, sink, bed.frame().hex(),
                str(10 ** 9))
    for _, sink in wires:
        if not wait_until(lambda dev=sink: received(dev) >= SETTLED, 60):
            sys.exit('lines: nothing comes to ' + sink)
    bed.endless(SETTLED)
    wait_until(lambda: False, 600)


if __name__ == '__main__':
    main()
