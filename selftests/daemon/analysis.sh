#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What programs may write, as the daemon tells it and makes use of it: a program is
# rechecked only where the rules behind it read what it may write.
#
#	c (port 3) --- switch --- s1 (port 1), s2 (port 2)
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

plan 30
load_module
check "start" start_daemon
# shellcheck disable=SC2119
add_hosts
check "add ports" add_ports

check "load a program" ctl prog load dscp bpf-progs/dscp/dscp.bpf.o
check "its writes are told" eval \
	'ctl prog show dscp | tee /dev/stderr | grep -q "^  writes: IPv4: bytes 15, 24-25$"'
check "likewise as JSON" eval 'ctl -j prog show dscp | python3 -c "
import json, sys
p = json.load(sys.stdin)
assert p[\"name\"] == \"dscp\" and p[\"class\"] == \"action\" and p[\"id\"] > 0, p
assert p[\"writes\"] == \"IPv4: bytes 15, 24-25\" and p[\"metadata\"] == \"nothing\", p"'
tag=$(ctl -j prog show dscp | python3 -c 'import json, sys; print(json.load(sys.stdin)["tag"])')
check "the tag is that of bpftool" eval "bpftool prog show name dscp | grep -q 'tag $tag'"
check_not "of a program that is not loaded there is nothing to show" ctl prog show nosuch
check "what a program and a list of them are differs" eval "ctl -j prog show | jq -e 'length == 1 and .[0].name == \"dscp\"'"
check "load alpha" ctl prog load alpha bpf-progs/alpha/alpha.bpf.o
check "it may write anything, by a helper" eval \
	'ctl prog show alpha | tee /dev/stderr | grep -q "^  writes: anything (bpf_skb_.*, instruction [0-9]*)$"'

# Sends UDP with a source port; prints who received it, and its ToS.
cat >/run/probe.py <<'PY'
import ctypes, os, sys
sys.path.insert(0, 'selftests/lib')
import ovsnl
def inside(ns):
    ctypes.CDLL(None).setns(os.open('/run/netns/' + ns, os.O_RDONLY), 0)
    return ovsnl.Wire('eth0')
wires = {ns: inside(ns) for ns in ('s1', 's2', 'c')}
for sport in map(int, sys.argv[1:]):
    wires['c'].send(ovsnl.udp4('10.0.0.1', '10.0.0.9', sport, 80))
    got = [(ns, f) for ns in ('s1', 's2') for f in wires[ns].recv_all(lambda f: len(f) >= 1, 0.5)]
    print(','.join('%s:%d' % (ns, f[15]) for ns, f in got) or 'none', end=' ')
print()
PY
expect() {
	local want=$1 got
	shift
	got=$(/usr/bin/python3 /run/probe.py "$@")
	echo "want '$want', got '$got'"
	ctl flow dump
	ctl upcall show
	[ "$got" = "$want " ]
}
rules() {	# ACTION TABLE-1...
	{
		echo "table=0,priority=1,ip,actions=$1,goto_table:1"
		shift
		printf 'table=1,%s\n' "$@"
	} >/run/rules
	ctl rule del && ctl rule load /run/rules
}
flow() {
	ctl flow dump | tee /dev/stderr | grep -q "$1"
}

check "rules that do not read what it writes" rules 'bpf(dscp,arg=46)' \
	'priority=1,ip,nw_dst=10.0.0.9,actions=output:1' 'priority=0,actions=output:2'
check "go on with its packets" expect "s1:184 s1:184 s1:184" 1001 1002 1003
check "without a recheck" flow 'bpf(dscp.*mode=program,.*coalesced=[1-9][0-9]*,recirculated=0'
check "rules that read it" rules 'bpf(dscp,arg=46)' \
	'priority=1,ip,nw_tos=184,actions=output:1' 'priority=0,actions=output:2'
check "see what it has written" expect "s1:184 s1:184" 1001 1002
check "by a recheck" flow 'bpf(dscp.*mode=changed,.*recirculated=[1-9]'
check "a program that asks for a recirculation gets it, rechecked or not" eval \
	'rules "bpf(dscp,arg=0x12e)" "priority=1,ip,nw_dst=10.0.0.9,actions=output:1" "priority=0,actions=output:2" &&
	 expect "s1:184 s1:184" 1001 1002 && flow "bpf(dscp.*mode=program,.*coalesced=0,recirculated=[1-9]"'
check "what the user says holds" eval \
	'rules "bpf(dscp,arg=46,mode=always)" "priority=0,actions=output:2" &&
	 expect "s2:184 s2:184" 1001 1002 && flow "bpf(dscp.*mode=always"'
check "rules of before" rules 'bpf(dscp,arg=46)' 'priority=0,actions=output:2'
check "without a recheck again" eval 'expect "s2:184" 1001 && flow "bpf(dscp.*mode=program"'

pid=$(cat /run/openvswitch/ovs-bpfd.pid)
kill -9 "$pid"
wait_until 10 eval "! kill -0 $pid"
check "a restarted daemon" start_daemon
check "knows what a program may write" eval 'ctl prog show dscp | grep -q "^  writes: IPv4: bytes 15, 24-25$"'
check "another program of its name" eval \
	'ctl rule load /run/rules && expect "s2:184" 1001 && flow "bpf(dscp.*mode=program" &&
	 ctl prog load --replace dscp bpf-progs/alpha/alpha.bpf.o'
check "that may write anything is rechecked" eval \
	'ctl prog show dscp | grep -q "writes: anything" && expect "s2:0" 1002 && flow "bpf(alpha.*mode=changed"'
check_not "a program that the kernel refuses is not loaded" ctl prog load bad userspace/tests/progs/refused-1.bpf.o
refused() {
	local out
	out=$(ctl "$@" 2>&1)
	echo "$out"
	grep -q "hint: compare the pointer with data_end" <<<"$out" &&
		grep -q "invalid access to packet" <<<"$out" && ! grep -q "^ovs-bpfctl.*lost" <<<"$out"
}
check "and it is told why, and what to do" refused prog load bad userspace/tests/progs/refused-1.bpf.o
check "likewise of a file" refused prog check userspace/tests/progs/refused-1.bpf.o
check "as JSON, with a failure for a status" eval \
	'ctl -j prog check userspace/tests/progs/refused-1.bpf.o >/run/refused; [ $? = 1 ] &&
	 python3 -c "import json; assert json.load(open(\"/run/refused\"))[\"verdict\"] == \"refused\""'
check "of a good one: its size for the verifier" eval \
	'ctl prog check bpf-progs/lb/lb.bpf.o | tee /dev/stderr | grep -q "verified instructions: [1-9]" &&
	 ctl prog check bpf-progs/lb/lb.bpf.o | grep -q "writes: IPv4: bytes 0-11, 24-33, layer 4 bytes 6-7, 16-17"'
ctl dp del
check "the module unloads" unload_module
finish
