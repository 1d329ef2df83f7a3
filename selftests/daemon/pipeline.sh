#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules of all kinds under real traffic: learning, VLANs, rewrites, groups, meters,
# connection tracking with NAT, filters as matches, results, the controller; and
# megaflows that read what trace says.
#
#	c (port 3) --- switch --- s1 (port 1), s2 (port 2)
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

plan 64
load_module
check "start" start_daemon 300000	# a busy VM is slow
add_hosts 10.0.0.1/24 10.0.0.2/24 10.0.0.3/24
check "add ports" add_ports
mac() {
	in_ns "$1" cat /sys/class/net/eth0/address
}

rules() {	# replaces all rules by those on its input
	cat >/run/rules
	ctl rule replace /run/rules
}
ping_once() {	# NAMESPACE ADDRESS [OPTION...]
	local ns=$1 to=$2
	shift 2
	in_ns "$ns" ping -c 1 -W 1 "$@" "$to"
}

check "normal: load" rules <<<'actions=normal'
check "hosts reach each other" eval 'can_ping c 10.0.0.1 && can_ping s1 10.0.0.2'
check "addresses are learned" eval \
	'ctl fdb show | tee /dev/stderr | grep -q "^port 3 vlan 0 $(mac c) "'
sleep_flows() {	# the megaflow of what was flooded goes, and that of one port comes
	ping_once c 10.0.0.1 && flows_have "dl_dst=$(mac s1).*actions:1$"
}
check "a learned address has one way" wait_until 5 sleep_flows
check_not "the third host sees nothing of it" sees s2 "icmp and src 10.0.0.3 and dst 10.0.0.1" \
	ping_once c 10.0.0.1
frame_to() {	# ADDRESS, in hexadecimal
	in_ns c python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
s.send(bytes.fromhex(sys.argv[1] + "020000000077" + "88b5") + bytes(50))' "$1"
}
check "a frame to a group of addresses is flooded" sees s1 "ether proto 0x88b5" frame_to 0180c2000010
check_not "one for bridges themselves is not" sees s1 "ether proto 0x88b5" frame_to 0180c200000e
check "what was learned is forgotten" eval 'ctl fdb flush && [ -z "$(ctl fdb show)" ]'
check "and learned again" wait_until 5 eval 'ping_once c 10.0.0.1 && ctl fdb show | grep -q "$(mac s1)"'

check "counters: load" rules <<'RULES'
priority=1,arp,actions=flood
priority=2,icmp,in_port=3,cookie=0x77,actions=output:1
priority=1,icmp,in_port=1,actions=output:3
RULES
in_ns c ping -q -c 5 -i 0.01 10.0.0.1 >/dev/null
counted() {	# N: the rule has counted so many packets
	[ "$(ctl -j rule dump | tee /dev/stderr | jq '.[] | select(.cookie == "0x77").n_packets')" = "$1" ]
}
flow_is_old() {	# a packet that comes by an upcall says that somebody has deleted it
	[ "$(awk '{ printf "%d", $1 * 10 }' /proc/uptime)" -gt $((made + 15)) ]
}
made=$(awk '{ printf "%d", $1 * 10 }' /proc/uptime)
wait_until 10 flow_is_old
ovs-dpctl del-flows sw0
in_ns c ping -q -c 5 -i 0.01 10.0.0.1 >/dev/null
check "megaflows that somebody else deletes: each packet counts once" wait_until 10 counted 10

check "flood: load" rules <<<'actions=flood'
check "hosts reach each other" can_ping c 10.0.0.1
check "the third host sees it" sees s2 icmp ping_once c 10.0.0.1

check "no such port: load" rules <<'RULES'
priority=1,actions=flood
priority=9,icmp,in_port=3,actions=output:1,move:nw_src[]->reg0[],output:reg0,set_field:99999->in_port,in_port
RULES
check "an output to what is no port's number is left out" eval \
	'can_ping c 10.0.0.1 && ping_once c 10.0.0.1 && flows_have "icmp.*actions:1$"'

ip -n s1 link add link eth0 name eth0.5 type vlan id 5
ip -n s1 addr add 10.5.0.1/24 dev eth0.5
ip -n s1 link set eth0.5 up
ip -n c addr add 10.5.0.3/24 dev eth0
check "VLAN: load" rules <<'RULES'
in_port=3,actions=push_vlan:0x8100,set_field:5->vlan_vid,output:1
in_port=1,dl_vlan=5,actions=pop_vlan,output:3
RULES
check "a tag is put on and taken off" can_ping c 10.5.0.1
check "the tag's id is the one that was set" flows_have "push_vlan(tpid=0x8100,vid=5,pcp=0),1"
check "mod_vlan_vid puts a tag on as well" eval \
	'ctl rule add "in_port=3,actions=mod_vlan_vid:5,output:1" && can_ping c 10.5.0.1'

tagged() {	# TPID: what a rule asks for, of tags that are 0x8100
	rules <<RULES && can_ping c 10.5.0.1
in_port=c-br,actions=set_field:0x1005->vlan_tci,output:s1-br
priority=1,in_port=s1-br,dl_vlan=5,vlan_tpid=$1,actions=load:0->NXM_OF_VLAN_TCI[],c-br
RULES
}
check "a tag as one number is put on and taken off" tagged 0x8100
check_not "one of another type is another tag" tagged 0x88a8

check "a part of a packet: load" rules <<'RULES'
priority=1,actions=flood
priority=9,icmp,in_port=3,actions=output(port=2,max_len=60),output:1
RULES
check "leaves by one port" sees s2 "icmp and less 60" ping_once c 10.0.0.1 -s 500
check "the whole by another" sees s1 "icmp and greater 500" ping_once c 10.0.0.1 -s 500

check "rewrites: load" rules <<RULES
priority=1,arp,actions=flood
priority=9,ip,in_port=3,nw_dst=10.0.0.9,actions=set_field:10.0.0.1->nw_dst,set_field:$(mac s1)->dl_dst,dec_ttl,output:1
priority=9,ip,in_port=1,nw_src=10.0.0.1,actions=set_field:10.0.0.9->nw_src,output:3
RULES
in_ns c ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0
check "addresses are rewritten there and back" can_ping c 10.0.0.9
check_not "a packet without hops left is dropped" ping_once c 10.0.0.9 -t 1
check "one with two gets there" ping_once c 10.0.0.9 -t 2
any_ttl() {
	ctl upcall show
	[ "$(ctl flow dump | tee /dev/stderr | grep -c "in_port=3,.*dec_ttl")" = 1 ]
}
check "one megaflow does for any TTL" any_ttl

check "groups: add" eval 'ctl group add "group_id=1,type=all,bucket=actions=output:1,bucket=actions=set_field:9->pkt_mark,output:2" &&
	ctl group add "group_id=2,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_port:2,actions=output:2" &&
	ctl group add "group_id=3,type=select,bucket=weight:1,actions=output:1,bucket=weight:1,actions=output:2"'
check_not "a rule that names another is refused" ctl rule add "actions=group:4"
in_ns c ip neigh replace 10.0.0.8 lladdr 02:00:00:00:00:08 dev eth0
echo "in_port=3,actions=group:1" | rules
check "all: the first bucket" sees s1 "dst 10.0.0.8" ping_once c 10.0.0.8
check "all: the second bucket" sees s2 "dst 10.0.0.8" ping_once c 10.0.0.8
echo "in_port=3,actions=group:2" | rules
check "fast failover: the first port" sees s1 "dst 10.0.0.8" ping_once c 10.0.0.8
ip -n s1 link set eth0 down
check "the second, when the first has no carrier" wait_until 10 \
	sees s2 "dst 10.0.0.8" ping_once c 10.0.0.8
ip -n s1 link set eth0 up
ip -n s1 link set eth0.5 up
echo "in_port=3,actions=group:3" | rules
many() {	# from many ports: every connection has a way of its own
	in_ns c python3 -c '
import socket
for port in range(20000, 20048):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.0.0.3", port))
    s.sendto(b"x", ("10.0.0.8", 9))'
}
spread() {
	many
	flows_have "dp_hash=.*actions:1$" && flows_have "dp_hash=.*actions:2$" &&
		[ "$(ctl flow dump | grep -c dp_hash=)" -le 16 ]
}
check "select: by hash, over both, in few megaflows" spread

check "meter: add" ctl meter add "meter=1,pktps,bands=type=drop,rate=2,burst_size=2"
check_not "a rule that names another is refused" ctl rule add "actions=meter:2,flood"
check "meter: load" rules <<'RULES'
priority=2,ip,in_port=3,actions=meter:1,flood
priority=1,actions=flood
RULES
can_ping c 10.0.0.2
metered() {
	in_ns c ping -c 40 -i 0.01 -W 1 10.0.0.2 | tee /dev/stderr |
		grep -q "40 packets transmitted, [1-9] received\|40 packets transmitted, 1. received"
}
check "what exceeds the rate is dropped" metered
check_not "a meter that a rule names stays" ctl meter del 1

check "connection tracking: load" rules <<RULES
priority=1,arp,actions=flood
priority=5,ip,ct_state=-trk,actions=ct(table=1,zone=7,nat)
table=1,priority=9,ip,in_port=3,ct_state=+trk+new,nw_dst=10.0.0.100,actions=ct(commit,zone=7,nat(dst=10.0.0.1),exec(set_field:0x5->ct_mark)),set_field:$(mac s1)->dl_dst,output:1
table=1,priority=8,ip,in_port=3,ct_state=+trk+est,ct_mark=0x5,actions=set_field:$(mac s1)->dl_dst,output:1
table=1,priority=8,ip,in_port=1,ct_state=+trk+est+rpl,actions=output:3
RULES
in_ns c ip neigh replace 10.0.0.100 lladdr 02:00:00:00:00:64 dev eth0
check "NAT: there and back" can_ping c 10.0.0.100
check "the connection has zone and mark" eval \
	'conntrack -L -w 7 2>/dev/null | tee /dev/stderr | grep -q "dst=10.0.0.100.*src=10.0.0.1 .*mark=5"'
in_ns s1 sh -c 'while :; do printf hello | nc -N -l -p 80; done' >/dev/null 2>&1 &
server=$!
check "a TCP connection through it" wait_until 5 eval \
	'[ "$(in_ns c timeout 5 nc 10.0.0.100 80 </dev/null)" = hello ]'
kill $server
ip netns pids s1 | xargs -r kill
check_not "no connection the other way" ping_once s1 10.0.0.3

check "filter: load" eval 'ctl prog load syn bpf-progs/syn/syn.bpf.o && rules <<RULES
priority=9,in_port=3,tcp,bpf=syn,actions=output:1
priority=1,in_port=3,actions=output:2
RULES'
check_not "a filter has no mode" ctl rule add "actions=bpf(syn,mode=always),drop"
segment() {	# FLAGS [BYTES of payload]
	in_ns c python3 -c "
import logging; logging.getLogger('scapy.runtime').setLevel(logging.ERROR)
from scapy.all import *
sendp(Ether(dst='02:00:00:00:00:08')/IP(src='10.0.0.3',dst='10.0.0.8')/TCP(flags='$1')/Raw(bytes(${2:-0})), iface='eth0', verbose=0)"
}
check "what it wants goes one way" sees s1 "tcp and dst 10.0.0.8" segment S
check "all else the other" sees s2 "tcp and dst 10.0.0.8" segment A
no_upcall() {	# packets that the hosts send by themselves may cost one
	local before
	ctl flow flush
	segment S
	before=$(field upcalls)
	segment A
	[ "$(field upcalls)" = "$before" ]
}
check "and costs no upcall" wait_until 1 no_upcall
check "the two ways are one megaflow, counted" eval \
	'flows_have "bpf(syn,id=.*,filter,.*case(0,hits=1,actions(2)),default(hits=[0-9]*,actions(1))"'
counts() {
	segment A && segment A
	ctl rule dump | tee /dev/stderr | grep -q "table=0,n_packets=[3-9],n_bytes=[0-9]*,priority=1,"
}
check "each rule counts its own packets" counts
bytes() {	# of each rule of the first table, highest priority first
	ctl -j rule dump | jq -c '[.[] | select(.table == 0) | .n_bytes]'
}
own_bytes() {
	local before after
	before=$(bytes)	# those that the hosts send by themselves may be among them
	segment A 100 && segment S 1000 && segment A 200
	after=$(bytes)
	echo "$before $after"
	jq -en --argjson a "$before" --argjson b "$after" \
		'[$b[0] - $a[0], $b[1] - $a[1]] == [1054, 408]'
}
check "and their bytes" wait_until 5 own_bytes

check "a stage: load" eval 'ctl prog load alpha bpf-progs/alpha/alpha.bpf.o && rules <<RULES
table=0,priority=1,in_port=3,udp,nw_src=10.0.0.3,actions=bpf(alpha,mode=changed),goto_table:2
table=2,priority=1,ip,nw_src=10.0.0.2,actions=output:1
table=2,priority=0,actions=output:2
RULES'
same_mask() {
	many
	want=$(ctl trace in_port=3,udp,nw_src=10.0.0.3,tp_src=20000,tp_dst=9 |
		sed -n 's/^megaflow: //p' | head -n 1)
	echo "trace says: $want"
	[ -n "$want" ] && ctl flow dump | tee /dev/stderr | grep -qF -- "${want%%actions:*}packets:"
}
check "the megaflow reads what trace says" same_mask
# alpha changes those of odd ports, which are looked up again, and not those of even ones.
check "behind a program: load" rules <<'RULES'
table=0,priority=1,in_port=3,udp,cookie=0x70,actions=bpf(alpha,mode=changed,arg=3),goto_table:2
table=2,priority=1,ip,nw_src=10.0.0.2,cookie=0x71,actions=output:1
table=2,priority=0,cookie=0x72,actions=output:2
RULES
packets() {	# of each cookie
	ctl -j rule dump | jq -c '[.[].n_packets]'
}
go_on() {
	[ "$(packets | tee /dev/stderr)" = "[96,48,48]" ]
}
many
many
check "rules count packets that go on, not those that are looked up again" wait_until 10 go_on

ctl monitor packet >/run/packets &
monitor=$!
echo "in_port=3,cookie=0x77,actions=controller" | rules
to_controller() {
	segment S
	grep -q "packet: table 0, .*tcp,.*nw_dst=10.0.0.8" /run/packets
}
check "packets for the controller are events" wait_until 10 to_controller
kill $monitor
check "delete the datapath" eval 'ctl dp del; wait_until 5 eval "! test -e /run/openvswitch/ovs-bpfd.pid"'
check "the module unloads" unload_module
finish
