#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the machine may lack: room on the disk of the log, for the pidfile and for the
# socket; types (BTF) in a program's file and in the kernel.  The daemon says so in a
# sentence, and goes on where it can.  It runs on a datapath that is none.
cd "$(dirname "$0")/../.." || exit 2
if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP must run as root"
	exit 4
fi
if [ "${1:-}" != --inside ]; then
	exec unshare --mount --net --propagation private "$PWD/userspace/tests/test_faults.sh" --inside
fi
# shellcheck source=../../selftests/lib/ktap.sh
. selftests/lib/ktap.sh
plan 20
mount -t tmpfs tmpfs /run || bail "can't mount"
mount -t bpf bpf /sys/fs/bpf || bail "can't mount"
ctl() {
	userspace/ovs-bpfctl "$@"
}
# tiny DIR OPTIONS: a file system with little room
tiny() {
	mkdir -p "$1" && mount -t tmpfs -o "$2" tmpfs "$1"
}
fill() {	# DIR
	dd if=/dev/zero of="$1/fill" bs=4096 2>/dev/null
	! echo x >"$1/more"
}
daemon() {
	userspace/tests/ovs-bpfd-without-datapath --dp sw0 "$@"
}

tiny /run/log size=16k
daemon --log-file /run/log/log --log-format json 2>/run/stderr &
pid=$!
check "start" wait_until 10 ctl version
check "the disk of the log is full" fill /run/log
many() {	# commands that are refused, which is logged
	local i
	for ((i = 0; i < 100; i++)); do
		ctl rule add "nonsense $i" && return 1
	done
	return 0
}
check "commands go on" many
check "the console tells of it, once" eval \
	'[ "$(grep -c "\"the log file can.t be written\",\"why\":\"No space left on device\"" /run/stderr)" = 1 ]'
lines=$(grep -c . /run/log/log)
missing=$(($(grep -vc "can't be written" /run/stderr) - lines))
rm -f /run/log/fill /run/log/more
ctl rule add nonsense 2>/dev/null
told() {
	echo "$lines, $missing"
	jq -s -e "map(select(.message | test(\"missing here\")))[0].number == $missing" /run/log/log
}
check "when there is room again, the log tells how many messages are missing" told
whole() {
	jq -s -e "length == $((lines + 2))" /run/log/log
}
check "each of its lines is whole" whole
rm /run/log/log
check "it is opened anew" eval 'ctl vlog reopen && ! ctl rule add nonsense && jq -e . /run/log/log'
ctl exit
wait $pid

tiny /run/pid size=4k
check_not "there is no room for a pidfile" eval '! fill /run/pid'
check "that is told, and no pidfile is left" eval \
	'timeout 10 userspace/tests/ovs-bpfd-without-datapath --rundir /run/pid 2>&1 | grep "^ovs-bpfd: can.t write /run/pid/ovs-bpfd.pid: No space left on device" && ! test -e /run/pid/ovs-bpfd.pid'
tiny /run/inodes nr_inodes=2
check "nor for a socket" eval \
	'timeout 10 userspace/tests/ovs-bpfd-without-datapath --rundir /run/inodes 2>&1 | grep "^ovs-bpfd: can.t listen on /run/inodes/ovs-bpfd.[0-9]*.ctl: No space left on device"'

daemon 2>/run/stderr &
check "start" wait_until 10 ctl version
ctl rule add table=7,priority=7,actions=drop
for ((i = 0; i < 40000; i++)); do
	echo "table=$((i % 3)),priority=$((i % 500)),tcp,nw_dst=10.0.$((i / 250)).$((i % 250)),tp_dst=$i,actions=drop"
done >/run/rules
pid=$(cat /run/openvswitch/ovs-bpfd.pid)
prlimit --pid "$pid" --as=$((($(awk '/^VmSize/ { print $2 }' "/proc/$pid/status") + 12000) * 1024)):
check "rules that there is no memory for are refused" eval \
	'ctl rule load /run/rules 2>&1 | tee /dev/stderr | grep -E "/run/rules:[0-9]+: out of memory"'
check "none of them is there, and the others are" eval '[ "$(ctl rule dump | grep -c .)" = 1 ]'
printf 'rule del\nrule load /run/rules\n' >/run/batch
check "nor is one of a batch, and what it deleted is back" eval \
	'! ctl batch /run/batch && [ "$(ctl rule dump | grep -c table=7,.*priority=7)" = 1 ] && [ "$(ctl rule dump | grep -c .)" = 1 ]'
prlimit --pid "$pid" --as=unlimited:
check "with more memory they load" eval 'ctl rule load /run/rules && [ "$(ctl -j rule dump | jq length)" = 40001 ]'
ctl exit
wait

daemon --detach 2>/run/stderr || bail "no daemon: $(cat /run/stderr)"
check "a program that has no BTF is refused, with what to do" eval \
	'ctl prog load nobtf userspace/tests/progs/nobtf.bpf.o 2>&1 | tee /dev/stderr | tr "\n" " " | grep "nobtf.bpf.o: it has no BTF, which describes its maps hint: compile it with -g"'
check "prog check says the same" eval \
	'ctl prog check userspace/tests/progs/nobtf.bpf.o 2>&1 | grep "it has no BTF"'
check "nothing is left of it" eval '! ctl prog list | grep . && ! ls /sys/fs/bpf/ovs-bpf/v1/sw0/map/nobtf'
mount -t tmpfs tmpfs /sys/kernel/btf
check "where the kernel has no BTF, a program that asks for it is refused, with the reason" eval \
	'ctl prog load core userspace/tests/progs/core.bpf.o 2>&1 | tee /dev/stderr | grep "^hint: .*there is no /sys/kernel/btf/vmlinux"'
check "one that does not ask for it loads" ctl prog load lb bpf-progs/lb/lb.bpf.o
ctl exit
finish
