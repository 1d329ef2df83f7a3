#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What trace tells of a packet's way: rules, bits and what has read them, programs,
# megaflows, stage by stage; for people and as JSON.
cd "$(dirname "$0")/../.." || exit 2
if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP must run as root"
	exit 4
fi
if [ "${1:-}" != --inside ]; then
	exec unshare --mount --net --propagation private "$PWD/userspace/tests/test_trace.sh" --inside
fi
# shellcheck source=../../selftests/lib/ktap.sh
. selftests/lib/ktap.sh
plan 27
ctl() {
	userspace/ovs-bpfctl "$@"
}
mount -t tmpfs tmpfs /run || bail "can't mount"
mount -t bpf bpf /sys/fs/bpf || bail "can't mount"
userspace/tests/ovs-bpfd-without-datapath --detach --dp sw0 --log-file /run/log || bail "no daemon"
trap 'ctl exit' EXIT
for prog in alpha syn; do
	ctl prog load "$prog" "bpf-progs/$prog/$prog.bpf.o" || bail "no program"
done
ctl port add a0 1 && ctl port add b0 2 && ctl port add c0 3
rules() {
	cat >/run/rules && ctl rule replace /run/rules >/dev/null
}
shows() {	# LINE...: trace's answer has each, as a whole
	local line
	tee /dev/stderr </run/traced >/dev/null
	for line; do
		grep -qxF -e "$line" /run/traced || { echo "no line: $line"; return 1; }
	done
}
traces() {
	ctl trace "$@" | sed 's/0x[0-9a-f]\{5,8\}/ID/g' >/run/traced
}
as_json() {	# FILTER: of the same
	jq -e "$1" /run/json
}
in=in_port=1,udp,nw_src=10.0.0.2,nw_dst=10.0.0.1,nw_ttl=64,tp_dst=80
rules <<'RULES'
table=0,priority=2,udp,actions=mod_vlan_vid:5,resubmit(,1)
table=1,priority=1,ip,nw_dst=10.0.0.0/8,actions=ct(zone=3,table=2)
table=2,priority=2,ip,ct_state=+new,actions=output:2
table=2,priority=1,ip,ct_state=+est,actions=output:3
RULES
traces $in
check "each rule that matched, in its table" shows "  table=0,priority=2,udp,actions=mod_vlan_vid:5,resubmit(,1)" \
	"  table=1,priority=1,ip,nw_dst=10.0.0.0/8,actions=ct(zone=3,table=2)"
check "what lookups read" shows "      read: udp" "      read: ip,nw_dst=10.0.0.0/8"
check "what actions read" shows "      read: vlan_tci=0x0/0x1000 (mod_vlan_vid:5)" "      read: inner_vlan_tci (mod_vlan_vid:5)"
check "the megaflow, with its actions" shows \
	"megaflow: udp,recirc_id=0x0,in_port=1,vlan_tci=0x0/0x1000,nw_dst=10.0.0.0/8,actions:push_vlan(tpid=0x8100,vid=5,pcp=0),ct(zone=3),recirc(ID)"
check "a connection is new, if nothing else is told" shows "stage 1, back by ct, assumed: ct_state=+new+trk"
check "the packet as it comes there" eval 'shows && grep "^packet: udp,recirc_id=ID,in_port=1,ct_state=new|trk,ct_zone=3,.*dl_vlan=5.*tp_dst=80$" /run/traced'
check "the megaflow there" shows "megaflow: ip,recirc_id=ID,in_port=1,ct_state=+new,actions:2"
traces $in ct=trk,est
check "or what is told" shows "stage 1, back by ct, as told: ct_state=+est+trk" "megaflow: ip,recirc_id=ID,in_port=1,ct_state=-new+est,actions:3"
ctl -j trace $in ct=trk,est >/run/json
check "the same as JSON" as_json '[.[].stage] == [0, 1] and .[1].actions == "3" and .[1].by == "ct, as told: ct_state=+est+trk"
	and (.[0].way | any(test("read: vlan_tci=0x0/0x1000 .mod_vlan_vid:5")))'
check "and by ovs-appctl" eval 'diff <(ovs-appctl -t ovs-bpfd trace $in | sed "s/0x[0-9a-f]\{5,8\}/ID/g") <(traces $in; cat /run/traced)'
check_not "what is none is refused" ctl trace $in ct=bogus
check "with a sentence" eval 'ctl trace $in other 2>&1 | grep -qF "\"other\": there are ct=FLAGS, bpf=NAME:N and hash=N"'

rules <<'RULES'
table=0,priority=2,udp,actions=ct(table=0)
RULES
traces $in
check "a stage loop is named" shows \
	"  dropped: stage loop: a packet that recirculates from table 0 to table 0 comes back to table 0 for ever"

rules <<'RULES'
table=0,priority=2,ip,bpf=syn,actions=output:2
table=0,priority=1,ip,actions=bpf(alpha),goto_table:1
table=1,ip,nw_src=10.0.0.2,actions=bpf(alpha,mode=program),bpf(alpha,mode=always),output:3
RULES
traces $in
check "a filter" shows "program syn: filter: it changes nothing"
check "its branches" shows "    syn says no:" "    syn says yes:"
check "a program's mode, and why" shows \
	"program alpha: action program, mode=changed: it may write what is read behind it: ip,vlan_tci=0x0/0x1000,nw_src=10.0.0.2" \
	"program alpha: action program, mode=program: the rule says so" \
	"program alpha: action program, mode=always: the rule says so"
check "where they are in the megaflow" eval \
	'shows && grep "actions:bpf(syn,filter,case(0,actions(bpf(alpha,mode=changed,.*)),default(actions(2)))$" /run/traced'
check "the stage behind one that always has the packet come back" shows \
	"stage 1, back by alpha, assumed: it gives 0, and the packet is as before" "megaflow: ip,recirc_id=ID,in_port=1,actions:3"
traces $in bpf=syn:1
check "which branch a filter takes, if that is told" shows "program syn: filter: it changes nothing; it gives 1, as told: default"
check_not "and none but that is followed" grep "^stage 1" /run/traced

rules <<'RULES'
table=0,priority=1,ip,actions=output:2
RULES
traces 'in_port=1,packet_type=(1,0x800)'
check "a packet without an Ethernet header is of the type that it tells" shows \
	"packet: ip,in_port=1,packet_type=(1,0x800)" "  table=0,priority=1,ip,actions=output:2"
says() {	# SENTENCE FLOW: it is refused so
	! ctl trace "$2" >/run/said 2>&1 && grep -F -e "$1" /run/said
}
check "that and another one are refused" says "packet_type=(1,0x800) is not of dl_type=0x806" 'arp,packet_type=(1,0x800)'
check "the same one is not" eval 'traces "in_port=1,ip,packet_type=(1,0x800)" && shows "packet: ip,in_port=1,packet_type=(1,0x800)"'
check "nor has it an address" says "a packet without an Ethernet header has no dl_src" \
	'packet_type=(1,0x800),dl_src=02:00:00:00:00:01'
check "of either side" says "a packet without an Ethernet header has no dl_dst" 'packet_type=(1,0x800),dl_dst=02:00:00:00:00:01'
check "or a VLAN" says "a packet without an Ethernet header has no VLAN" 'packet_type=(1,0x800),dl_vlan=5'
check "what a program gives is no field of a packet" says \
	"a packet has no bpf=: tell trace by bpf=NAME:N behind it (at \"nosuch\", position 19)" in_port=1,arp,bpf=nosuch
