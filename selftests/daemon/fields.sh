#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fields and labels under real traffic: MPLS pushed, rewritten and popped, extension
# headers, network service headers, a tunnel and its options; resubmit as of another
# port.
#
#	c (port 3) --- switch --- s1 (port 1), s2 (port 2)
#	                  |
#	            geneve (port 4) --- u
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

plan 42
load_module
modprobe geneve 2>/dev/null
check "start" start_daemon 300000	# a busy VM is slow
add_hosts 10.0.0.1/24 10.0.0.2/24 10.0.0.3/24
add_host u 10.9.0.2/24
ip addr add 10.9.0.1/24 dev u-br
ip link add gnv0 type geneve dstport 6081 external
ip link set gnv0 up
check "add ports" eval 'add_ports && ctl port add gnv0 4'

rules() {	# replaces all rules by those on its input
	cat >/run/rules
	ctl rule replace /run/rules
}
scapy() {	# NAMESPACE EXPRESSION: sends that packet
	in_ns "$1" python3 -c "
import logging; logging.getLogger('scapy.runtime').setLevel(logging.ERROR)
from scapy.all import *
sendp($2, iface='eth0', verbose=0)"
}
udp_packet() {
	scapy c "Ether(dst='02:00:00:00:00:08')/IP(src='10.0.0.3',dst='10.0.0.8')/UDP(dport=9)"
}

check "labels: load" rules <<'RULES'
priority=1,arp,actions=flood
priority=9,ip,actions=push_mpls:0x8847,set_field:100->mpls_label,set_field:5->mpls_ttl,dec_mpls_ttl,goto_table:1
table=1,mpls,mpls_label=100,mpls_ttl=4,mpls_bos=1,actions=pop_mpls:0x0800,goto_table:2
table=2,ip,nw_dst=10.0.0.1,actions=output:1
table=2,ip,nw_dst=10.0.0.3,actions=output:3
RULES
check "what a label was pushed before and popped of is IP again" can_ping c 10.0.0.1
check "all of it is one megaflow, and another one behind" eval \
	'flows_have "actions:push_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),set(mpls_label=100,mpls_ttl=4),pop_mpls(eth_type=0x800),recirc(" &&
	flows_have "nw_dst=10.0.0.1.*actions:1$"'
echo 'in_port=3,ip,actions=push_mpls:0x8848,set_field:100->mpls_label,push_mpls:0x8848,set_mpls_label:200,output:1' | rules
# "mpls" is of unicast alone to tcpdump.
check "two labels, the new one outside" sees s1 \
	"ether[12:2] = 0x8848 and ether[14:4] >> 12 = 200 and ether[18:4] >> 12 = 100" udp_packet
echo 'in_port=3,ip,actions=push_vlan:0x8100,set_field:5->vlan_vid,push_mpls:0x8847,set_mpls_label:100,output:1' | rules
check "a tag stays before a label" sees s1 "vlan 5 and mpls 100" udp_packet
check "a label: load" rules <<'RULES'
in_port=3,mpls,mpls_label=7,actions=pop_mpls:0x8847,resubmit(,0)
in_port=3,mpls,mpls_label=8,actions=pop_mpls:0x0800,resubmit(,0)
in_port=3,udp,tp_dst=9,actions=output:1
RULES
labels() {
	scapy c "Ether(dst='02:00:00:00:00:08',type=0x8847)/bytes.fromhex('0000704000008140')/IP(src='10.0.0.3',dst='10.0.0.8')/UDP(dport=9)"
}
check "labels are popped one by one, and what is behind is looked up" \
	sees s1 "udp and dst 10.0.0.8" labels

check "resubmit: load" rules <<'RULES'
in_port=3,actions=resubmit(9,1)
in_port=1,actions=resubmit:9
in_port=9,actions=output:3
table=1,in_port=9,actions=output:1
RULES
check "as of another port" can_ping c 10.0.0.1

check "extension headers: load" rules <<'RULES'
priority=9,in_port=3,ipv6,ipv6_exthdr=+hop,actions=output:1
priority=8,in_port=3,ipv6,actions=output:2
RULES
check "with one" sees s1 "ip6 dst fd00::8" scapy c \
	"Ether(dst='02:00:00:00:00:08')/IPv6(src='fd00::3',dst='fd00::8')/IPv6ExtHdrHopByHop()/UDP(dport=9)"
check "without one" sees s2 "ip6 dst fd00::8" scapy c \
	"Ether(dst='02:00:00:00:00:08')/IPv6(src='fd00::3',dst='fd00::8')/UDP(dport=9)"
check "and that is in the megaflow" flows_have "ipv6_exthdr=.*hop"

check "service headers: load" rules <<'RULES'
priority=9,in_port=3,nsh,nsh_spi=0x123,nsh_si=255,nsh_c1=0x5,actions=output:1
priority=8,in_port=3,nsh,actions=output:2
RULES
nsh() {	# CONTEXT
	scapy c "Ether(dst='02:00:00:00:00:08',type=0x894f)/bytes.fromhex('0fc60103000123ff000000$1' + 24 * '0')/Ether()/IP(dst='10.0.0.8')/UDP()"
}
check "the path and context that are asked for" sees s1 "ether proto 0x894f" nsh 05
check "others" sees s2 "ether proto 0x894f" nsh 06
check "they are in the megaflow" flows_have "nsh_mdtype=1,nsh_spi=0x123,nsh_si=255,nsh_c1=0x5.*actions:1$"

check "an option" ctl tlv add '{class=0x102,type=0x80,len=4}->tun_metadata0'
check "tunnel: load" rules <<'RULES'
priority=9,in_port=4,tun_id=5,tun_metadata0=7,actions=output:1
priority=8,in_port=4,actions=output:2
priority=8,in_port=3,tun_id=5,actions=drop
priority=7,in_port=3,ip,actions=set_field:10.9.0.2->tun_dst,set_tunnel:5,set_field:9->tun_metadata0,output:4
RULES
check_not "an option that a rule names stays" ctl tlv del tun_metadata0
geneve() {	# VALUE
	scapy u "Ether(dst='$(cat /sys/class/net/u-br/address)')/IP(src='10.9.0.2',dst='10.9.0.1')/UDP(sport=7000,dport=6081)/bytes.fromhex('0240655800000500' + '01028001000000$1')/Ether(dst='02:00:00:00:00:08')/IP(src='10.0.0.4',dst='10.0.0.8')/UDP(dport=9)"
}
check "the option's value that is asked for" sees s1 "udp and dst 10.0.0.8" geneve 07
check "another one" sees s2 "udp and dst 10.0.0.8" geneve 08
check "it is in the megaflow" eval 'flows_have "tun_metadata0=0x7,.*actions:1$" &&
	flows_have "tun_metadata0=0x8,.*actions:2$"'
answered() {
	ctl -j upcall ports | jq '.[] | select(.port == 4) | .answered'
}
n=0
more_options() {	# MORE-THAN: sends some that have no megaflow yet, until so many were answered
	n=$((n + 10))
	scapy u "[Ether(dst='$(cat /sys/class/net/u-br/address)')/IP(src='10.9.0.2',dst='10.9.0.1')/UDP(sport=7000,dport=6081)/bytes.fromhex('02406558000005000102800100' + '%06x' % (0x10000 + $n + i))/Ether(dst='02:00:00:00:00:08')/IP()/UDP() for i in range(10)]"
	[ "$(answered)" -gt "$1" ]
}
ctl upcall set queue=4
check "more upcalls of a tunnel than wait at once" wait_until 60 more_options $(($(answered) + 30))
ctl upcall set queue=128
check "a tunnel's header with an option" sees u \
	"udp port 6081 and udp[16:4] = 0x01028001 and udp[20:4] = 9" udp_packet
check "by a megaflow" flows_have "in_port=3.*actions:set(tunnel(.*tun_metadata0=0x9.*)),4$"

# Long ones: the first and the last digit tell, and bits above the 128th are moved.
zeros() {	# HOW-MANY
	printf "%0$1u" 0
}
long_geneve() {	# LENGTH: three packets, with other ends
	scapy u "[Ether(dst='$(cat /sys/class/net/u-br/address)')/IP(src='10.9.0.2',dst='10.9.0.1')/UDP(sport=7000,dport=6081)/bytes.fromhex('$(printf %02x $(($1 / 4 + 1)))40655800000500' + '010281$(printf %02x $(($1 / 4)))' + e[0] + '$(zeros $((2 * $1 - 2)))' + e[1])/Ether(dst='02:00:00:00:00:08')/IP(src='10.0.0.4',dst='10.0.0.8')/UDP(dport=9) for e in ('79', '69', '78')]"
}
for len in 40 124; do
	top=$((8 * len - 1)) rest=$(zeros $((2 * len - 2)))
	rules </dev/null
	[ $len = 124 ] && ctl tlv del tun_metadata1 && ctl tlv del tun_metadata0
	check "an option of $len bytes" ctl tlv add "{class=0x102,type=0x81,len=$len}->tun_metadata1"
	check "long options: load" rules <<RULES
priority=9,in_port=4,tun_id=5,tun_metadata1=0x7${rest}9/0xf${rest}f,actions=move:tun_metadata1[$((top - 3))..$top]->reg0[0..3],move:reg0[0..3]->ip_dst[0..3],output:1
priority=8,in_port=4,actions=output:2
priority=7,in_port=3,ip,actions=set_field:10.9.0.2->tun_dst,set_tunnel:5,set_field:0x8a0b0c0d$(zeros $((2 * len - 16)))01020304->tun_metadata1,move:tun_metadata1[$((top - 31))..$top]->tun_metadata1[$((top - 65))..$((top - 34))],set_field:0x${rest}50/0x${rest}f0->tun_metadata1,output:4
RULES
	check "both ends as they are asked for" sees s1 "udp and dst 10.0.0.7" long_geneve $len
	check "they are in the megaflow, and no more of it; others go elsewhere" eval \
		'flows_have "tun_metadata1=0x7${rest}9/0xf${rest}f,.*actions:set(nw_dst=0.0.0.7/0.0.0.15),1$" &&
		flows_have "tun_metadata1=0x6${rest}9/0xf${rest}f,.*actions:2$" &&
		flows_have "tun_metadata1=0x7${rest}8/0xf${rest}f,.*actions:2$"'
	check "a tunnel's header with it" sees u \
		"udp port 6081 and udp[8:2] = $(((len / 4 + 1) << 8 | 0x40)) and udp[16:4] = $((0x01028100 + len / 4)) and udp[20:4] = 0x8a0b0c0d and udp[24:4] = 0x2282c303 and udp[28:4] = 0x40000000 and udp[$((16 + len)):4] = 0x01020354" udp_packet
	check "by a megaflow" flows_have "in_port=3.*actions:set(tunnel(.*tun_metadata1=0x8a0b0c0d2282c3034$(zeros $((2 * len - 24)))1020354.*)),4\$"
done

check "delete the datapath" eval 'ctl dp del; wait_until 5 eval "! test -e /run/openvswitch/ovs-bpfd.pid"'
check "the module unloads" eval 'ip link del gnv0; unload_module'
finish
