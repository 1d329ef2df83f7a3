#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The talk's example through the daemon: rules in, megaflows and right ports out;
# then what the daemon must survive.
#
#	c (port 3) --- switch --- s1 (port 1), s2 (port 2)
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

plan 30
check_not "without the module it does not start" timeout 10 userspace/ovs-bpfd --dp sw0
check "and says why" eval 'timeout 10 userspace/ovs-bpfd --dp sw0 2>&1 | grep -q "is the module openvswitch loaded"'
load_module
check "start" start_daemon
# shellcheck disable=SC2119
add_hosts
check "add ports" add_ports
check "ovs-appctl speaks to it" eval \
	'ovs-appctl -t ovs-bpfd list-commands | grep -q rule/add'
check_not "a rule that names an unknown program is refused" ctl rule add 'ip,actions=bpf(alpha)'
check "load a program" ctl prog load alpha bpf-progs/alpha/alpha.bpf.o
check_not "a file that is no program is refused" ctl prog load other README.md
check "its maps are pinned" test -e /sys/fs/bpf/ovs-bpf/v1/sw0/map/alpha/runs

# Sends UDP from 10.0.0.1 with a source port; prints who received it.
cat >/run/probe.py <<'PY'
import os, socket, sys
sys.path.insert(0, 'selftests/lib')
import ovsnl
def inside(ns, dev='eth0'):
    fd = os.open('/run/netns/' + ns, os.O_RDONLY)
    import ctypes
    ctypes.CDLL(None).setns(fd, 0)
    try:
        return ovsnl.Wire(dev)
    except OSError:     # its device is gone
        return None
wires = {ns: inside(ns) for ns in ('s1', 's2', 'c')}
for sport in map(int, sys.argv[1:]):
    wires['c'].send(ovsnl.udp4('10.0.0.1', '10.0.0.9', sport, 80))
    got = [ns for ns in ('s1', 's2') if wires[ns] and wires[ns].recv_all(lambda f: len(f) >= 1, 0.5)]
    print(','.join(got) or 'none', end=' ')
print()
PY
probe() {
	/usr/bin/python3 /run/probe.py "$@"
}
expect() {
	local want=$1 got
	shift
	got=$(probe "$@")
	echo "want '$want', got '$got'"
	ctl flow dump
	ctl upcall show
	[ "$got" = "$want " ]
}

cat >/run/rules <<'RULES'
# alpha rewrites the source to 10.0.0.2 if the source port is odd
table=0,priority=1,ip,nw_src=10.0.0.1,actions=bpf(alpha,arg=3),goto_table:2
table=2,priority=1,ip,nw_src=10.0.0.2,actions=output:1
table=2,priority=0,actions=output:2
RULES
check "load rules" ctl rule load /run/rules
check "mode changed: each packet by its right port" expect "s1 s2 s1 s2" 1001 1002 1001 1002
check "two megaflows: one that runs alpha, one behind it" eval \
	'[ $(ctl flow dump | grep -c .) = 2 ] && ctl flow dump | grep -q "bpf(alpha.*mode=changed.*runs=3,coalesced=2,recirculated=1\|bpf(alpha"'
check "one upcall at each stage" eval 'ctl upcall show | grep -q "upcalls: 2, of recirculated packets: 1"'
check "alpha ran once for each packet" eval \
	'[ "$(bpftool -j map lookup pinned /sys/fs/bpf/ovs-bpf/v1/sw0/map/alpha/runs key 0 0 0 0 | python3 -c "import json,sys; print(json.load(sys.stdin)[\"formatted\"][\"value\"])")" = 4 ]'
counted() {
	ctl rule dump | tee /dev/stderr | grep -q 'table=0,n_packets=4,n_bytes=196'
}
check "rules count every packet, the first included" counted
for mode in always program; do
	sed "s/arg=3/arg=3,mode=$mode/" /run/rules >/run/rules.$mode
	want="s1 s2"
	[ $mode = program ] && want="s2 s2"	# alpha lies: it writes and says OK
	check "mode $mode: load" ctl rule load /run/rules.$mode
	check "mode $mode: ports" expect "$want" 1001 1002
done
check_not "a file with one bad rule changes nothing" eval \
	'printf "table=0,priority=7,actions=output:1\nnonsense\n" >/run/bad; ctl rule load /run/bad'
check_not "neither its good rule" eval 'ctl rule dump | grep -q priority=7'
check "a rule change reaches installed megaflows" eval \
	'ctl rule add "table=2,priority=0,actions=output:1" && expect "s1 s1" 1002 1002'
ctl rule load /run/rules

garbage() {
	/usr/bin/python3 - <<-PY
	import os, socket
	pid = open('/run/openvswitch/ovs-bpfd.pid').read().strip()
	path = '/run/openvswitch/ovs-bpfd.%s.ctl' % pid
	for junk in (b'\0' * 4096, b'GET / HTTP/1.0\r\n\r\n', b'{"id":1}', b'[' * 100000,
	             b'{"id":1,"method":"rule/add","params":[{}]}', b'"x"' * 1000, b'{' * 10,
	             b'{"id":1,"method":"' + b'A' * (1 << 21), os.urandom(5000)):
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(path)
	    try:
	        s.sendall(junk)
	        s.settimeout(0.3)
	        s.recv(100)
	    except OSError:
	        pass
	    s.close()
	PY
	ctl dp show
}
check "garbage on the control socket does no harm" garbage
check "a port's device vanishes, and the switch goes on" eval \
	'ip link del s1-br && wait_until 5 eval "! ctl port list | grep -q s1-br" && expect "s2" 1002'
check "kill -9: the datapath goes on forwarding" eval 'stop_daemon KILL; probe 1002 | grep -q s2'
check "a restarted daemon takes the datapath, ports and programs over" eval \
	'start_daemon 600 && ctl port list | grep -q c-br && ctl prog list | grep -q alpha'
check "and with rules in place forwards by them" eval 'ctl rule load /run/rules && wait_until 5 expect "s2" 1002'
flows_gone() {
	wait_until 60 eval '[ -z "$(ctl flow dump)" ]' || { ctl flow dump; ctl upcall show; false; }
}
check "idle megaflows go" flows_gone
check "delete the datapath: the daemon ends" eval \
	'ctl dp del; wait_until 5 eval "! test -e /run/openvswitch/ovs-bpfd.pid"'
check "the module unloads" unload_module
finish
