#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stock ovs-vswitchd whose flows track connections: a firewall (a may begin, b may not),
# fragments, ICMP errors.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 13
# shellcheck source=../lib/ct.sh
. "$(dirname "$0")/../lib/ct.sh"

# The firewall.
firewall 1 ",exec(set_field:0x7->ct_mark,set_field:0x50000->ct_label)" | flows
check "a pings b" can_ping a 10.0.0.2
check "a pings b by IPv6" can_ping a fd00::2
check_not "b does not ping a, unasked" in_ns b ping -c 1 -W 1 10.0.0.1
web b 10.0.0.2
check "a fetches from b" get a 10.0.0.2
check "conntrack lists the connection, its zone and mark" eval \
	'conntrack -L -p tcp 2>/dev/null | grep -E "src=10.0.0.1 dst=10.0.0.2.*mark=7 zone=1"'
check "ovs-dpctl lists it with its labels" eval \
	'ovs-dpctl dump-conntrack zone=1 | grep -E "tcp,orig=.src=10.0.0.1.*labels=0x50000"'
said() {
	get a 10.0.0.2
	ovs-dpctl dump-flows >/run/dp
	grep -Eq "ct\(commit,zone=1,mark=0x7/0xffffffff,label=0x50000(/0xf{32})?\)" /run/dp &&
		grep -Eq "ct_state\(.*\+est.*\+trk" /run/dp
}
check "the datapath's flows say what was asked" wait_until 3 said ||
	sed "s|^|# |" /run/dp
check "a datagram in fragments" in_ns a ping -c 1 -W 5 -s 3000 10.0.0.2
check "an IPv6 datagram in fragments" in_ns a ping -c 1 -W 5 -s 3000 fd00::2
tcpdump -Uni a-br -w /run/pcap 'icmp[icmptype] == icmp-unreach' 2>/run/tcpdump.err &
tcpdump=$!
wait_until 20 grep -q listening /run/tcpdump.err
in_ns a bash -c 'echo x | nc -u -w 1 10.0.0.2 9999'
check "an ICMP error about a's datagram comes back as related" \
	wait_until 10 eval 'tcpdump -nr /run/pcap 2>/dev/null | grep -q "port 9999 unreachable"'
kill $tcpdump

# Many connections, many segments.
in_ns b iperf3 -s -D -I /run/iperf3.pid >/dev/null
wait_until 20 test -s /run/iperf3.pid
check "iperf3 over three connections" in_ns a iperf3 -c 10.0.0.2 -P 3 -t 1
tr -d "\0" </run/iperf3.pid >>/run/pids
echo >>/run/pids

found_all() {
	local f
	for f in ct_state ct_zone ct_mark ct_label ct_state_nat ct_orig_tuple ct_orig_tuple6 \
		"eventmask in conntrack action" "timeout policy in conntrack action"; do
		grep -iq "Datapath supports $f" "$OVS_DIR/ovs-vswitchd.log" || echo "not found: $f"
	done | { ! grep .; }
}
check "ovs-vswitchd found all of conntrack" found_all

ct_end
