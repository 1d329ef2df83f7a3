# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions of a row by function.

While the row sends without end, QEMU is told to translate one instruction at a time and to
log each that it executes; a hundred packets later it is stopped. How many they were is told
by what is called once for each that comes in; without a switch, by the sender's system calls;
of a dump, by the masks in it.
"""
import bisect
import collections
import os
import socket
import subprocess
import sys
import time

LOG_SIZE = int(os.environ.get('LOG_MB', 60)) << 20


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


def count(log, kallsyms, maps):
    """Instructions by function, and how often the sender's system call was entered."""
    addrs, names = symbols(kallsyms)
    user_addrs, user_names = user_symbols(maps)
    where = {a: n for a, n in zip(addrs, names)}
    pcs = collections.Counter()
    with open(log, errors='replace') as f:
        for line in f:
            # Trace 0: 0x7f... [00000000/ffffffff81000000/flags/cflags] symbol
            if line.startswith('Trace'):
                pcs[line.split('/', 2)[1]] += 1
    by_name, entries = collections.Counter(), collections.Counter()
    for pc, n in pcs.items():
        pc = int(pc, 16)
        i = bisect.bisect_right(addrs, pc) - 1
        if pc < 1 << 63:
            i = bisect.bisect_right(user_addrs, pc) - 1
            name = user_names[i] if i >= 0 else '(user)'
        else:
            name = names[i]
            if pc in where:
                entries[name] += n
        by_name[name] += n
    return by_name, entries


def start(row, out, mem):
    """Boot, and start the row; the process and the monitor's socket."""
    path = os.path.abspath(os.path.join(out, 'monitor'))
    vm = subprocess.Popen(['scripts/vm', 'run', '--icount', '--mem', str(mem), '--out',
                           os.path.join(out, 'vm'), '--monitor', path, '--timeout', '1200',
                           '--', 'env', 'BENCH_PROFILE=1', 'python3', 'bench/guest.py', row],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in vm.stdout:
        if line.startswith('profile: sending'):
            return vm, Monitor(path)
        print(line, end='')
    sys.exit('bench: the row did not start')


def profile(row, out, mem):
    log = os.path.abspath(os.path.join(out, 'trace'))
    vm, monitor = start(row, out, mem)
    time.sleep(5)       # the warm-up is behind it
    monitor.command('logfile ' + log)
    monitor.command('singlestep on')
    monitor.command('log exec,nochain')
    end = time.monotonic() + 300
    while time.monotonic() < end and not (os.path.exists(log) and
                                          os.path.getsize(log) > LOG_SIZE):
        time.sleep(0.2)
    monitor.command('log none')
    monitor.command('quit')
    vm.wait()
    by_name, entries = count(log, os.path.join(out, 'vm', 'kallsyms'),
                             os.path.join(out, 'vm', 'maps'))
    os.unlink(log)
    packets = (entries['netdev_frame_hook [openvswitch]'] or
               entries['ovs_nla_put_mask_nest [openvswitch]'] or
               entries['__x64_sys_sendmmsg'] * 64 or entries['__x64_sys_sendto'])
    if not packets:
        sys.exit('bench: no packet was sent while the log was written')
    print('%s: %d packets' % (row, packets))
    print('%10s %8s %s' % ('per packet', 'calls', 'function'))
    for name, n in by_name.most_common(int(os.environ.get("ROWS", 60))):
        print('%10.1f %8.2f %s' % (n / packets, entries[name] / packets, name))
    by_file = collections.Counter()
    for name, n in by_name.items():
        by_file[name[name.find('[') + 1:-1] if name.endswith(']') else 'kernel'] += n
    for name, n in by_file.most_common(12):
        print('%10.1f          all of %s' % (n / packets, name))
    print('%10.1f          all' % (sum(by_name.values()) / packets))
    return 0
