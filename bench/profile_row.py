# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions of a row by function.

While the row sends without end, QEMU is told to translate one instruction at a time and to
log each that it executes, into a pipe.  Packets are counted from one system call of the
sender, of BURST packets, to a later one: what the rest of the machine does for them, be it
long after they came in, falls into that time.  Of a row about flows, each request is one
call, or each mask in a dump.
"""
import bisect
import collections
import os
import socket
import subprocess
import sys
import threading
import time

BURST = 64          # of bench/send.c
SENDS = '__x64_sys_sendmmsg'    # entered once a burst
BURSTS = 3
FLOWS = 100
LIMIT = 30 << 20    # instructions


class Monitor:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)

    def command(self, text):
        self.sock.sendall(text.encode() + b'\n')
        time.sleep(0.2)


def symbols(path):
    """Sorted addresses, and names; those of the module are marked."""
    syms = []
    with open(path) as f:
        for line in f:
            word = line.split()
            if word[1] in 'tTwW':
                syms.append((int(word[0], 16), ' '.join(word[2:])))
    syms.sort()
    return [s[0] for s in syms], [s[1] for s in syms]


def user_symbols(path):
    """The same of the daemons that run, by what of which file is mapped where."""
    syms = []
    with open(path) as f:
        maps = [line.split() for line in f]
    for m in maps:
        if len(m) < 6 or 'x' not in m[1] or not os.path.exists(m[5]):
            continue
        base = int(m[0].split('-')[0], 16) - int(m[2], 16)
        name = os.path.basename(m[5])
        syms.append((base + int(m[2], 16), '? [%s]' % name))
        for option in '-D', '-C':
            nm = subprocess.run(['nm', '--defined-only', option, m[5]], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)
            syms += [(base + int(w[0], 16), '%s [%s]' % (w[2].split('@')[0], name))
                     for w in map(str.split, nm.stdout.splitlines()) if w[1] in 'tTwWi']
        syms.append((int(m[0].split('-')[1], 16), '(user)'))
    syms.sort()
    return [s[0] for s in syms], [s[1] for s in syms]


class Counter:
    """Instructions by address, from one entry of MARK to as many later."""

    def __init__(self, mark, entries):
        self.mark, self.left = mark, entries
        self.counting = False
        self.pcs = collections.Counter()
        self.total = self.entries = 0
        self.done = threading.Event()

    def read(self, fifo):
        """Read the log, which QEMU opens when it begins, to its end, though no more of it
        may be counted: QEMU must not find the pipe full."""
        with open(fifo, 'rb', buffering=1 << 20) as pipe:
            for line in pipe:
                # Trace 0: 0x7f... [00000000/ffffffff81000000/flags/cflags] symbol
                if not self.done.is_set() and line.startswith(b'Trace'):
                    self.instruction(line.split(b'/', 2)[1])
        self.done.set()

    def instruction(self, pc):
        if pc == self.mark:
            self.entry()
        if self.counting:
            self.pcs[pc] += 1
            self.total += 1
            if self.total > LIMIT:
                self.done.set()

    def entry(self):
        if not self.counting:
            self.counting = True
            return
        self.entries += 1
        if self.entries == self.left:
            self.done.set()


def by_function(pcs, addrs, names, user_addrs, user_names):
    """Instructions by function, and how often each of the kernel's was entered."""
    where = set(addrs)
    by_name, entries = collections.Counter(), collections.Counter()
    for pc, n in pcs.items():
        pc = int(pc, 16)
        if pc < 1 << 63:
            i = bisect.bisect_right(user_addrs, pc) - 1
            name = user_names[i] if i >= 0 else '(user)'
        else:
            name = names[bisect.bisect_right(addrs, pc) - 1]
            if pc in where:
                entries[name] += n
        by_name[name] += n
    return by_name, entries


def start(script, row, mark, out, mem, *how):
    """Boot, and have SCRIPT start the row; the process, the monitor, and where MARK is."""
    path = os.path.abspath(os.path.join(out, 'monitor'))
    vm = subprocess.Popen(['scripts/vm', 'run', *how, '--mem', str(mem), '--out',
                           os.path.join(out, 'vm'), '--monitor', path, '--timeout', '1200',
                           '--', 'env', 'BENCH_PROFILE=' + mark, 'python3', script, row],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in vm.stdout:
        if line.startswith('profile: sending'):
            return vm, Monitor(path), line.split()[2].encode()
        print(line, end='')
    sys.exit('bench: the row did not start')


def marker(row, unit):
    """The function that is entered once a unit, or for some at once, and for how many."""
    if unit == 'packet':
        return SENDS, BURST
    if row.startswith('netlink/dump'):
        return 'ovs_nla_put_mask_nest', 1
    return '__x64_sys_sendto', 1


def profile(row, unit, out, mem):
    fifo = os.path.abspath(os.path.join(out, 'trace'))
    if os.path.exists(fifo):
        os.unlink(fifo)
    os.mkfifo(fifo)
    mark, each = marker(row, unit)
    vm, monitor, at = start('bench/guest.py', row, mark, out, mem, '--icount')
    counter = Counter(at, BURSTS if each > 1 else FLOWS)
    reader = threading.Thread(target=counter.read, args=(fifo,), daemon=True)
    reader.start()
    time.sleep(5)       # the warm-up is behind it
    monitor.command('logfile ' + fifo)
    monitor.command('singlestep on')
    monitor.command('log exec,nochain')
    counter.done.wait(300)
    monitor.command('log none')
    monitor.command('quit')
    vm.wait()
    reader.join(10)
    os.unlink(fifo)
    units = counter.entries * each
    if not units:
        sys.exit('bench: nothing was sent while the log was written')
    # Only now is the VM's table here.
    by_name, entries = by_function(counter.pcs,
                                   *symbols(os.path.join(out, 'vm', 'kallsyms')),
                                   *user_symbols(os.path.join(out, 'vm', 'maps')))
    print('%s: %d %ss' % (row, units, unit))
    print('%10s %8s %s' % ('per ' + unit, 'calls', 'function'))
    for name, n in by_name.most_common(60):
        print('%10.1f %8.2f %s' % (n / units, entries[name] / units, name))
    by_file = collections.Counter()
    for name, n in by_name.items():
        by_file[name[name.find('[') + 1:-1] if name.endswith(']') else 'kernel'] += n
    for name, n in by_file.most_common(12):
        print('%10.1f          all of %s' % (n / units, name))
    print('%10.1f          all' % (sum(by_name.values()) / units))
    return 0
