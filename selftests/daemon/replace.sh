#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules that are replaced under traffic, all of them at once: no packet takes some of the
# old ones and some of the new ones in one walk, be there a megaflow for it or an upcall.
# Each rule leaves a mark in the packet, that of the set A or of the set B.
# needs: speed
# wants: parallel
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"
# shellcheck source=../lib/pktgen.sh
. "$(dirname "$0")/../lib/pktgen.sh"

plan 23
load_module
flood_devices
start_daemon 60000
ctl port add f0 1
ctl port add g0 2
check "a program" ctl prog load dscp bpf-progs/dscp/dscp.bpf.o
ctl upcall set queue=4000

# There are 1024 kinds of packets, by their source port, in each stage: the rules of
# priority 20 want those bits to be read.
one_walk() {	# 1|2: the set
	cat <<RULES
table=0,priority=20,udp,tp_src=0x0/0x3ff,actions=drop
table=0,priority=5,udp,actions=mod_dl_dst:02:00:00:00:0$1:01,goto_table:1
table=1,priority=$((4 + $1)),actions=mod_dl_src:02:00:00:00:0$1:02,goto_table:2
table=2,priority=1,udp,actions=mod_nw_ttl:$((10 * $1)),mod_tp_dst:$((1000 * $1)),output:2
RULES
}
# The same with a program after which the packet is looked up again.
two_stages() {
	cat <<RULES
table=0,priority=20,udp,tp_src=0x0/0x3ff,actions=drop
table=0,priority=5,udp,actions=mod_dl_dst:02:00:00:00:0$1:01,goto_table:1
table=1,priority=$((4 + $1)),udp,actions=mod_dl_src:02:00:00:00:0$1:02,bpf(dscp,arg=$1,mode=always),goto_table:2
table=2,priority=20,udp,tp_src=0x1/0x3ff,actions=drop
table=2,priority=5,udp,actions=mod_nw_ttl:$((10 * $1)),goto_table:3
table=3,priority=$((4 + $1)),udp,actions=mod_tp_dst:$((1000 * $1)),output:2
RULES
}
# There is some time between what both sets have in the first table and in the others.
for i in $(seq 200); do
	echo "table=9,priority=$i,actions=drop"
done >/run/others
for set in 1 2; do
	one_walk $set | sed '2r /run/others' >/run/one_walk.$set
	two_stages $set | sed '2r /run/others' >/run/two_stages.$set
done

# The kernel counts what arrives, by its marks: a frame is of the first kind that it fits.
kind() {	# NUMBER FLOWER...
	local n=$1
	shift
	tc filter add dev g1 ingress pref "$n" protocol ip flower "$@" action ok || bail "no filter"
}
stage_1() {	# 1|2 [yes: the program has been there]
	echo "dst_mac 02:00:00:00:0$1:01 src_mac 02:00:00:00:0$1:02 ${2:+ip_tos $((4 * $1))}"
}
stage_2() {
	echo "ip_proto udp ip_ttl $((10 * $1)) dst_port $((1000 * $1))"
}
kinds() {	# [yes]
	tc qdisc del dev g1 clsact 2>/dev/null
	tc qdisc add dev g1 clsact
	# shellcheck disable=SC2046
	{
		kind 1 $(stage_1 1 "$1") $(stage_2 1)
		kind 2 $(stage_1 2 "$1") $(stage_2 2)
		[ -z "$1" ] || kind 3 $(stage_1 1 "$1") $(stage_2 2)
		[ -z "$1" ] || kind 4 $(stage_1 2 "$1") $(stage_2 1)
	}
	kind 5 ip_proto udp
}
frames() {	# KIND
	tc -j -s filter show dev g1 ingress pref "$1" | jq '[.[].options.actions[0].stats.packets // 0] | add'
}
hits() {
	ctl -j dp show | jq .lookups.hit
}

# switch RULES: between A and B, with traffic; B is there in the end
switch() {
	local pause
	for pause in 0 0.3 0 1; do
		ctl rule replace "$1.1" && sleep $pause && ctl rule replace "$1.2" && sleep $pause || return
	done
}
old_ones_are_gone() {
	local a b
	sleep 0.5
	a=$(frames 1)
	b=$(frames 2)
	wait_until 20 eval "[ \$(frames 2) -gt $((b + 100)) ]" && [ "$(frames 1)" = "$a" ]
}
# run WHAT RULES KINDS HITS: what holds when RULES are replaced; HITS: how many packets
# there are to be that need no upcall
run() {
	local h u
	ctl rule replace "$2.1" >/dev/null
	sleep 0.5	# what has been sent by those before
	kinds "$3"
	h=$(hits)
	u=$(field upcalls)
	check "$1: rules are replaced" switch "$2"
	h=$(($(hits) - h))
	u=$(($(field upcalls) - u))
	check "$1: packets took the rules of A, and those of B" eval '[ $(frames 1) -gt 200 ] && [ $(frames 2) -gt 200 ]'
	check "$1: enough of them by upcalls, and by megaflows if there are any" [ $u -gt 300 -a $h "${@:4}" ]
	check "$1: when B is said to be there, none takes A" old_ones_are_gone
	check "$1: none took both in one walk" [ "$(frames 5)" = 0 ]
	echo "# $u upcalls, $h hits; frames of A $(frames 1), B $(frames 2)," \
		"between stages to B ${3:+$(frames 3)}, A ${3:+$(frames 4)}"
}

flood_setup f1 "delay 1000000" "flag UDPSRC_RND" "udp_src_min 1" "udp_src_max 65535" "src_mac_count 1"
kinds
ctl rule load /run/one_walk.1
flood_start
check "traffic" wait_until 20 eval '[ $(frames 1) -gt 100 ]'

run "one walk" /run/one_walk "" -gt 300
run "two stages" /run/two_stages yes -gt 300
ctl upcall set flows=0
ctl flow flush >/dev/null
run "one walk, no megaflows" /run/one_walk "" -eq 0
run "two stages, no megaflows" /run/two_stages yes -eq 0

# Had one, it would have been seen.
ctl rule replace /run/one_walk.1 >/dev/null
kinds
grep table=0 /run/one_walk.2 >/run/part
ctl rule load /run/part
check "rules that come one after the other are taken so" wait_until 20 eval '[ $(frames 5) -gt 0 ]'
flood_stop
finish
