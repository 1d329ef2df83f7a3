#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stock ovs-vswitchd on the module, as a learning switch:
#
#	a 10.0.0.1 --- br0 --- b 10.0.0.2
#	                |
#	            br0 10.0.0.254 (internal port)
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 24
load_module
start_ovs
add_host a 10.0.0.1/24 fd00::1/64
add_host b 10.0.0.2/24 fd00::2/64

check "create a bridge" ovs-vsctl --timeout=10 add-br br0
check "add port a" ovs-vsctl --timeout=10 add-port br0 a-br
check "add port b" ovs-vsctl --timeout=10 add-port br0 b-br
check "ping" can_ping a 10.0.0.2
check "ping6" can_ping a fd00::2
ip link set br0 up
ip addr add 10.0.0.254/24 dev br0
check "ping through the internal port" can_ping a 10.0.0.254
check "ping from the internal port" wait_until 10 ping -c 1 -W 1 10.0.0.2

in_ns b iperf3 -s -D -I /run/iperf3.pid >/dev/null
wait_until 10 test -s /run/iperf3.pid
least=1000000	# bytes; a kernel that watches itself is slow
[ ! -e /sys/kernel/debug/kmemleak ] || least=100000
iperf() {
	in_ns a iperf3 -c 10.0.0.2 -t 2 -J "$@" >/run/iperf.json || return
	python3 - <<-PY
	import json
	r = json.load(open('/run/iperf.json'))['end']
	s = r.get('sum_received') or r['sum']
	print(s)
	assert s['bytes'] > $least and s.get('lost_percent', 0) < 50
	PY
}
check "iperf3 TCP with offloads" iperf
check "offloads were on: packets larger than the MTU" \
	awk '/a-br:/ { exit !($2 / $3 > 2000) }' /proc/net/dev
check "iperf3 TCP, reverse" iperf -R
check "iperf3 UDP" iperf -u -b 5M
in_ns a ethtool -K eth0 tso off gso off tx off >/dev/null 2>&1
in_ns b ethtool -K eth0 tso off gso off tx off >/dev/null 2>&1
check "iperf3 TCP without offloads" iperf

in_ns a ping -c 3 -i 0.2 10.0.0.2 >/dev/null
ovs-dpctl dump-flows -m >/run/flows
check "dump-flows has IPv4 megaflows with UFIDs and counts" \
	grep -Eq 'ufid:[0-9a-f-]+.*eth_type\(0x0800\).*packets:[1-9][0-9]*, bytes:[1-9].*actions:' /run/flows
check "a dumped megaflow wildcards what the switch did not read" \
	grep -Eq 'ipv4\(src=0.0.0.0/0.0.0.0' /run/flows
ovs-dpctl show -s >/run/show
check "show lists the ports" grep -q 'port [0-9]*: a-br' /run/show
check "show counts lookups" grep -Eq 'lookups: hit:[1-9][0-9]* missed:[1-9]' /run/show
check "show counts masks" grep -Eq 'masks: hit:[1-9][0-9]* total:[1-9]' /run/show
check "show has port statistics" grep -Eq 'RX packets:[1-9]' /run/show

check "VLAN access ports of one VLAN reach each other" eval \
	'ovs-vsctl set port a-br tag=10 && ovs-vsctl set port b-br tag=10 && can_ping a 10.0.0.2'
separate() {
	ovs-vsctl set port b-br tag=20
	ovs-appctl fdb/flush >/dev/null
	wait_until 10 eval '! ip netns exec a ping -c 1 -W 1 10.0.0.2'
}
check "VLAN access ports of different VLANs do not" separate
trunk() {
	ovs-vsctl clear port b-br tag
	in_ns b ip link add link eth0 name eth0.10 type vlan id 10
	in_ns b ip addr flush dev eth0
	in_ns b ip link set eth0.10 up
	in_ns b ip addr add 10.0.0.2/24 dev eth0.10
	can_ping a 10.0.0.2
}
check "a trunk carries the tag" trunk
check "flows push and pop the tag" eval \
	'ovs-dpctl dump-flows | grep -q push_vlan && ovs-dpctl dump-flows | grep -q pop_vlan'

kill "$(cat /run/iperf3.pid)"
cp $OVS_DIR/ovs-vswitchd.log /run/show /run/flows "$VM_OUT" 2>/dev/null; dmesg >"$VM_OUT/dmesg"
stop_ovs
check "no datapath is left" eval '[ -z "$(ovs-dpctl dump-dps)" ]'
del_host a
del_host b
check "the module unloads" unload_module
finish
