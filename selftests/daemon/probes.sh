#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The USDT probes: each one that probes.h tells of is in the daemon's notes, can be
# attached to, and fires with the arguments that are promised.  The kernel's own uprobe
# events stand in for bpftrace, which finds the probes by the same notes.
# needs: vm
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

plan 12
T=/sys/kernel/tracing
[ -e $T/uprobe_events ] || skip_all "the kernel has no uprobe events"
probes=$(sed -n 's/^ \*\t\([a-z_]*\)(.*/\1/p' userspace/daemon/probes.h)

cat >/run/attach.py <<'PY'
"""attach.py PROGRAM: a line for uprobe_events, of each probe in its notes."""
import re, struct, subprocess, sys
program = sys.argv[1]
TYPES = {'1': 'u8', '2': 'u16', '4': 'u32', '8': 'u64', '-4': 's32', '-8': 's64'}
with open(program, 'rb') as f:
    elf = f.read()
phoff, = struct.unpack_from('<Q', elf, 32)
phentsize, phnum = struct.unpack_from('<HH', elf, 54)
loads = [struct.unpack_from('<IIQQQQ', elf, phoff + i * phentsize) for i in range(phnum)]

def offset(addr):
    """Where in the file an address is; 0 stays 0."""
    for kind, _, ofs, vaddr, _, size in loads:
        if kind == 1 and vaddr <= addr < vaddr + size:
            return addr - vaddr + ofs
    return 0

def register(name):
    """As the kernel calls it: %eax and %al are ax, %r14d is r14."""
    m = re.match(r'%(r\d+)[dwb]?$', name)
    if m:
        return '%' + m.group(1)
    name = name[1:].lstrip('re')
    return '%' + (name[0] + 'x' if re.match('[abcd][lx]$', name) else name[:2])

def fetch(arg):
    size, where = arg.split('@')
    m = re.match(r'(-?\d*)\((%\w+)\)$', where)
    if m:
        what = '+%d(%s)' % (int(m.group(1) or 0), register(m.group(2)))
        what = what.replace('+-', '-')
    elif where[0] == '$':
        what = '\\' + where[1:]
    else:
        what = register(where)
    return what, TYPES[size]

notes = subprocess.run(['readelf', '-n', program], stdout=subprocess.PIPE, text=True).stdout
notes = re.findall(r'Provider: ovs_bpfd\s+Name: (\w+)\s+Location: (\w+), Base: \w+, '
                   r'Semaphore: (\w+)\s+Arguments:(.*)', notes)
for i, (name, place, semaphore, args) in enumerate(notes):
    ref = '(0x%x)' % offset(int(semaphore, 16)) if int(semaphore, 16) else ''
    line = 'p:ovs_bpfd/%s__%d %s:0x%x%s' % (name, i, program, offset(int(place, 16)), ref)
    for n, arg in enumerate(args.split()):
        what, kind = fetch(arg)
        line += ' arg%d=%s:%s' % (n, what, kind)
        if n == 0 and name.startswith('command_'):
            line += ' text=+0(%s):string' % what
    print(line)
PY

load_module
# From a file system of which it is sure that it takes uprobes.
cp userspace/ovs-bpfd /run/ovs-bpfd
attach() {
	local line
	/usr/bin/python3 /run/attach.py /run/ovs-bpfd >/run/events || return
	cat /run/events
	while read -r line; do
		echo "$line" >>$T/uprobe_events || return
	done </run/events
	echo 1 >$T/events/ovs_bpfd/enable
	for line in $probes; do
		grep -q "ovs_bpfd/${line}__" $T/uprobe_events || { echo "no $line"; return 1; }
	done
}
check "each probe that is told of can be attached to" attach
check "the daemon starts" /run/ovs-bpfd --detach --dp sw0 --idle-timeout 60000
# seen PROBE WHAT: it fired, with WHAT among its arguments
seen() {
	wait_until 5 grep -qE " ${1}__[0-9]+: .*$2" $T/trace || { tail -n 40 $T/trace; false; }
}
# shellcheck disable=SC2119
add_hosts 10.0.0.1/24 10.0.0.2/24 10.0.0.3/24
add_ports
ctl rule add actions=FLOOD
check "they can reach each other" can_ping s1 10.0.0.2
check "command_begin, with the name" seen command_begin 'text="rule/add"'
check "command_end, with the name and that it worked" seen command_end 'arg1=0 .*text="rule/add"|text="rule/add" arg1=0'
ctl rule add nonsense 2>/dev/null
check "and that another did not" seen command_end 'arg1=1.*text="rule/add"|text="rule/add" arg1=1'
check "upcall, with the port of its packet and its length" seen upcall 'arg0=1 arg1=0 arg2=98'
check "flow_install, without an error" seen flow_install 'arg0=[1-9][0-9]* arg1=0'
check "there are megaflows" eval '[ "$(ctl flow dump | grep -c .)" -gt 0 ]'
echo >$T/trace
ctl rule add priority=65535,actions=drop
check "revalidate_begin, with the number of megaflows" seen revalidate_begin "arg0=[1-9]"
check "revalidate_end, with those that are left" seen revalidate_end arg0=0
check "flow_delete" seen flow_delete 'arg0=[1-9][0-9]*'
echo 0 >$T/events/ovs_bpfd/enable
ctl dp del
finish
