# SPDX-License-Identifier: GPL-2.0-or-later
"""Accesses to cache lines that two senders on two processors have in common.

A plugin of QEMU (lines_plugin.c) notes each access of the kernel to memory, while both
processors send.  A line that one of them writes and the other reads or writes, packet by
packet, goes back and forth between their caches on a real machine.
"""
import collections
import os
import sys
import time

from lines_guest import ROWS
from profile_row import BURST, SENDS, by_function, start, symbols

BURSTS = 100        # of each sender
LEAST = 0.01        # accesses a packet, of a function that is named
# So often a packet each must touch a line, and one write it, for packets to do so: the clock
# and the scheduler do now and then.
OFTEN = 0.25


def trace(row, out, mem):
    """Boot, send, and end; the plugin's file."""
    ctl, result = (os.path.abspath(os.path.join(out, 'lines.' + what)) for what in ('ctl', 'out'))
    for path in ctl, result:
        if os.path.exists(path):
            os.unlink(path)
    os.mkfifo(ctl)
    vm, monitor, at = start('bench/lines_guest.py', row, SENDS, out, mem, '--plugin',
                            'bench/lines_plugin.so,ctl=%s,out=%s,marks=%d' % (ctl, result, BURSTS))
    with open(ctl, 'wb') as f:
        f.write(at + b'\n')
    while vm.poll() is None and not os.path.exists(result):
        time.sleep(0.1)
    if vm.poll() is None:
        monitor.command('quit')
    vm.wait()
    os.unlink(ctl)
    if not os.path.exists(result):
        sys.exit('bench: %s did not send' % row)
    return result


def measure(row, out, mem):
    """Accesses a packet to lines in common, by function."""
    with open(trace(row, out, mem)) as f:
        packets = [BURST * int(n) for n in f.readline().split()]
        accesses = [(int(cpu), pc, line, int(reads), int(writes))
                    for cpu, pc, line, reads, writes in map(str.split, f)]
    touched, written, by_pc = (collections.Counter() for _ in range(3))
    for cpu, _, line, reads, writes in accesses:
        touched[cpu, line] += (reads + writes) / packets[cpu]
        written[cpu, line] += writes / packets[cpu]
    for cpu, pc, line, reads, writes in accesses:
        if all(touched[c, line] >= OFTEN for c in (0, 1)) and \
                any(written[c, line] >= OFTEN for c in (0, 1)):
            by_pc[pc] += reads + writes
    # Only now is the VM's table here.
    syms = symbols(os.path.join(out, 'vm', 'kallsyms'))
    return {name: n / sum(packets) for name, n in by_function(by_pc, *syms, [], [])[0].items()}


def ours(by_name):
    """What functions of the module do themselves."""
    return sum(n for name, n in by_name.items() if name.endswith('[openvswitch]'))


def main(rows, out, mem):
    """Print a table.  Return: an exit status."""
    unknown = set(rows) - set(ROWS)
    if unknown:
        print('bench: --lines has no row %s' % ', '.join(sorted(unknown)), file=sys.stderr)
        return 2
    rows = rows or ROWS
    os.makedirs(out, exist_ok=True)
    print('accesses a packet to cache lines that two senders on two processors have in common')
    print('%-24s %8s %8s  %s' % ('', 'all', 'module', 'by function'))
    for row in rows:
        by_name = measure(row, out, mem)
        print('%-24s %8.2f %8.2f  %s' % (row, sum(by_name.values()), ours(by_name),
                                         ', '.join('%s %.2f' % (n, x) for n, x in sorted(
                                             by_name.items(), key=lambda p: -p[1]) if x >= LEAST)),
              flush=True)
    return 0
