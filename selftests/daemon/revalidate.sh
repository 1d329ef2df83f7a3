#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Revalidation: rules count each packet once, whatever becomes of megaflows, and if there
# are none; a change of the rules reaches the datapath; many megaflows (FLOWS) are dumped
# and accounted for.
# wants: parallel
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"
# shellcheck source=../lib/pktgen.sh
. "$(dirname "$0")/../lib/pktgen.sh"

FLOWS=${FLOWS:-3000}
plan 24
load_module
flood_devices
# Megaflows go after a second without a packet, so that many come and go.
start_daemon 1000
ctl port add f0 1
ctl port add g0 2
ctl prog load half bpf-progs/half/half.bpf.o
cat >/run/rules <<'RULES'
table=0,priority=20,udp,tp_dst=0x0/0x1,actions=goto_table:1
table=0,priority=10,udp,bpf=half,actions=drop
table=0,priority=5,udp,actions=output:2
table=1,priority=2,udp,tp_dst=0x2/0x2,actions=output:2
table=1,priority=1,actions=drop
table=9,priority=1,actions=drop
RULES
check "rules" ctl rule load /run/rules
ctl upcall set queue=4000

count() {	# TABLE PRIORITY
	ctl -j rule dump | jq ".[] | select(.table == $1 and .priority == $2) | .n_packets"
}
# send COUNT: packets that the first table tells apart
send() {
	flood_setup f1 "count $1" "delay 2000000" "flag UDPDST_RND" "udp_dst_min 1" "udp_dst_max 4096" \
		"src_mac 06:00:01:00:00:00" "src_mac_count 1"
	flood_start
}
sent=0
sending_is_over() {
	wait "$FLOOD_PID"
	FLOOD_PID=
	# What is sent in all is told by pktgen itself.
	sent=$((sent + $(sed -n 's/.*pkts-sofar: \([0-9]*\).*/\1/p' $PKTGEN/f1)))
}
# A handler takes the limit when it has answered something.
send 20
sending_is_over
check "some" wait_until 20 eval '[ "$(field upcalls)" -gt 0 ]'

# No upcall may be lost.
send 2000
# Megaflows are made anew again and again, by rules that change nothing.
changes=0
while kill -0 "$FLOOD_PID" 2>/dev/null; do
	ctl rule add "table=0,priority=15,udp,tp_dst=0x1/0x1,tp_src=$((1000 + changes)),actions=output:2"
	ctl rule del "table=0,udp,tp_dst=0x1/0x1,tp_src=$((1000 + changes))"
	ctl flow flush >/dev/null
	changes=$((changes + 1))
done
sending_is_over
check "all was sent, while rules came and went" [ "$sent" = 2020 ]
lost() {
	ctl -j upcall ports | jq '[.[] | .lost_socket + .lost_queue + .lost_rate + .lost_memory] | add'
}
check "no upcall was lost" [ "$(lost)" = 0 ]
ctl -j upcall ports | jq -c ".[] | select(.answered > 0)" | sed "s/^/# /"
settled() {
	[ $(($(count 0 20) + $(count 0 10) + $(count 0 5))) = "$sent" ]
}
check "rules of the first table have counted each packet once" wait_until 20 settled
check "both outcomes of a filter" eval '[ $(count 0 10) -gt 200 ] && [ $(count 0 5) -gt 200 ]'
check "and those of the second table what came there" \
	eval '[ $(($(count 1 2) + $(count 1 1))) = $(count 0 20) ] && [ $(count 1 2) -gt 200 ]'
check "megaflows that nobody uses go" wait_until 30 eval '[ "$(field flows)" = 0 ]'
check "and rules still have their counts" settled
echo "# $sent packets, $changes changes, $(field installed) megaflows"

# Without any megaflow; what a filter says is asked of each packet then.
ctl upcall set flows=0
ctl flow flush >/dev/null
send 500
sending_is_over
check "packets without a megaflow count, too" wait_until 20 settled
check "there were none" [ "$(field over_limit)" -ge 500 ]
echo "# $(count 0 10) took the filter's branch, $(count 0 5) did not"
stop_daemon TERM
wait_until 10 eval '! pidof ovs-bpfd'

start_daemon 3600000

# Rules with timeouts, in one megaflow that would stay for an hour.
cat >/run/timeouts <<'RULES'
table=0,idle_timeout=4,priority=20,in_port=1,actions=goto_table:1
table=1,hard_timeout=6,priority=20,actions=output:2
table=1,priority=1,actions=drop
RULES
ctl rule load /run/timeouts
ctl monitor rule >/run/events 2>&1 &
monitor=$!
there() {	# TABLE PRIORITY
	[ -n "$(count "$1" "$2")" ]
}
sent=0
flood_setup f1 "count 150" "delay 100000000" "src_mac 06:00:02:00:00:00" "src_mac_count 1"
flood_start
check "a rule goes while packets take it, if its time is over" wait_until 120 eval '! there 1 20'
check "that was in the midst of them" kill -0 "$FLOOD_PID"
check "the next ones take the rule below it" wait_until 20 eval '[ "$(count 1 1)" -gt 2 ]'
check "one that is to go when unused does not, while they do" eval 'there 0 20 && kill -0 $FLOOD_PID'
sending_is_over
check "nor right after the last one" eval 'there 0 20 && [ "$(field flows)" = 1 ]'
check "then it goes" eval 'wait_until 60 eval "! there 0 20" && [ $sent = 150 ]'
check "so does its megaflow, though packets might come" eval '[ "$(ctl -j dp show | jq .flows)" = 0 ]'
check "both were told, with the reason" eval 'grep "deleted table=1,hard_timeout=6,.* (hard_timeout)$" /run/events && grep "deleted table=0,idle_timeout=4,.* (idle_timeout)$" /run/events'
kill $monitor

# Many megaflows.
cat >/run/many <<'RULES'
table=0,priority=20,in_port=1,dl_src=06:00:00:00:00:00,actions=drop
table=0,priority=10,in_port=1,actions=goto_table:1
table=1,priority=1,actions=output:2
RULES
ctl rule replace /run/many
flood_setup f1 "src_mac 06:00:01:00:00:00" "src_mac_count 16000000"
flood_start
check "$FLOWS megaflows come about" wait_until 600 eval "[ \$(field flows) -ge $FLOWS ]"
flood_stop
n=$(field flows)
accounted() {
	[ "$(count 1 1)" -ge "$n" ]
}
check "they are dumped and accounted for" wait_until 60 accounted
t=$(ms)
check "a rule of another table comes, which makes no difference to them" ctl rule add "table=9,priority=3,actions=drop"
none=$(($(ms) - t))
t=$(ms)
ctl rule add "table=1,priority=9,dl_src=06:00:01:00:00:07,actions=drop"
few=$(($(ms) - t))
check "one that is about one of them has one deleted" [ "$(field flows)" -ge $((n - 2)) ]
t=$(ms)
ctl rule add "table=1,priority=19,actions=in_port"
all=$(($(ms) - t))
check "one that is about all of them has all deleted" [ "$(ctl -j dp show | jq .flows)" = 0 ]
echo "# $n megaflows; a rule that changes none: $none ms, one: $few ms, all: $all ms"
finish
