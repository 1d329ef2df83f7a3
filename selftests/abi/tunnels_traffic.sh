#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two switches, each with an ovs-vswitchd of its own, joined by tunnels of all kinds:
#
#	a 10.0.0.1 --- br0 --- tun0 === underlay u0, u1 === tun0 --- br1 --- b 10.0.0.2
#	                root namespace                      namespace r
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 38
load_module
start_ovs

# The other switch.
R=/run/ovs-r
ip netns add r
ip -n r link set lo up
ip link add u0 type veth peer name u1 netns r
for end in "" "ip netns exec r "; do
	$end sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
done
ip addr add 172.31.0.1/24 dev u0
ip -6 addr add fd31::1/64 dev u0 nodad
ip link set u0 up
ip -n r addr add 172.31.0.2/24 dev u1
ip -n r -6 addr add fd31::2/64 dev u1 nodad
ip -n r link set u1 up
mkdir -p $R
in_r() {
	OVS_RUNDIR=$R ip netns exec r "$@"
}
ovsdb-tool create $R/conf.db /usr/share/openvswitch/vswitch.ovsschema
in_r ovsdb-server $R/conf.db --remote=punix:$R/db.sock --pidfile=$R/db.pid --detach \
	--no-chdir --log-file=$R/db.log >/dev/null 2>&1
in_r ovs-vsctl --db=unix:$R/db.sock --no-wait init
in_r ovs-vswitchd unix:$R/db.sock --pidfile=$R/sw.pid --detach --no-chdir \
	--log-file=$R/sw.log >/dev/null 2>&1
vs0() { ovs-vsctl --timeout=60 "$@"; }
vs1() { in_r ovs-vsctl --db=unix:$R/db.sock --timeout=60 "$@"; }

add_host a 10.0.0.1/24
vs0 add-br br0
vs0 add-port br0 a-br -- set interface a-br ofport_request=1
vs1 add-br br1
ip netns add b
ip -n r link add b-br type veth peer name eth0 netns b
ip -n r link set b-br up
ip -n b link set eth0 up
ip -n b addr add 10.0.0.2/24 dev eth0
vs1 add-port br1 b-br -- set interface b-br ofport_request=1
ip -n a link set eth0 mtu 1400
ip -n b link set eth0 mtu 1400

# tunnel TYPE OPTIONS...: a tunnel of both switches; "remote" stands for the other's address
tunnel() {
	local type=$1 v=$2
	local l=172.31.0.1 r=172.31.0.2
	shift 2
	[ "$v" = 6 ] && l=fd31::1 r=fd31::2
	vs0 --if-exists del-port tun0
	vs1 --if-exists del-port tun0
	vs0 add-port br0 tun0 -- set interface tun0 ofport_request=2 type="$type" \
		"options:remote_ip=\"$r\"" "$@" &&
	vs1 add-port br1 tun0 -- set interface tun0 ofport_request=2 type="$type" \
		"options:remote_ip=\"$l\"" "$@" || return
	ovs-ofctl del-flows br0
	in_r ovs-ofctl del-flows br1
	ovs-ofctl add-flow br0 priority=0,actions=normal
	in_r ovs-ofctl add-flow br1 priority=0,actions=normal
	ovs-appctl fdb/flush >/dev/null
	in_r ovs-appctl -t $R/ovs-vswitchd.*.ctl fdb/flush >/dev/null
	ip -n a neigh flush dev eth0
}
ping_b() {
	wait_until 10 ip netns exec a ping -c 1 -W 1 10.0.0.2
}
no_ping_b() {
	wait_until 5 eval '! ip netns exec a ping -c 1 -W 1 10.0.0.2'
}
# flows0, flows1 PATTERN: a megaflow of the switch matches
flows0() { wait_until 3 eval "ping_once; ovs-dpctl dump-flows | grep -Eq '$1'"; }
flows1() { wait_until 3 eval "ping_once; in_r ovs-dpctl dump-flows | grep -Eq '$1'"; }
ping_once() { ip netns exec a ping -c 1 -W 1 10.0.0.2; }

V4='dst=172.31.0.2'
check "vxlan" tunnel vxlan 4 options:key=42
check "ping by vxlan" ping_b
check "it leaves by set(tunnel)" \
	flows0 "set\(tunnel\(tun_id=0x2a,$V4,ttl=64,tp_dst=4789,flags\(df\|key\)\)\)"
check "it arrives with a tunnel" \
	flows1 'tunnel\(tun_id=0x2a,src=172.31.0.1,dst=172.31.0.2,(ttl=[0-9/]+,)?.*flags\(.*key\)\),in_port\([0-9]+\).*eth_type\(0x0800\)'
check "a tunnel port is listed" eval "ovs-dpctl show | grep -q 'vxlan_sys_4789 (vxlan'"

ip netns exec b iperf3 -s -D -I /run/iperf3.pid >/dev/null
wait_until 10 test -s /run/iperf3.pid
iperf() {
	in_ns a iperf3 -c 10.0.0.2 -t 1 -J "$@" >/run/iperf.json || return
	python3 -c "import json; r = json.load(open('/run/iperf.json'))['end']
s = r.get('sum_received') or r['sum']; print(s)
assert s['bytes'] > 1e5 and s.get('lost_percent', 0) < 50"
}
check "iperf3 TCP by vxlan with offloads" iperf
big() {
	awk -v dev="$1:" '$1 == dev { exit !($10 / $11 > 2000) }' /proc/net/dev
}
check "offloads were on: packets larger than the MTU" big u0
check "iperf3 TCP, reverse" iperf -R
check "iperf3 UDP" iperf -u -b 2M
in_ns a ethtool -K eth0 tso off gso off tx off >/dev/null 2>&1
ethtool -K u0 tso off gso off tx off >/dev/null 2>&1
check "iperf3 TCP without offloads" iperf
in_ns a ethtool -K eth0 tso on gso on tx on >/dev/null 2>&1
ethtool -K u0 tso on gso on tx on >/dev/null 2>&1

check "vxlan over IPv6" tunnel vxlan 6 options:key=42
check "ping by vxlan over IPv6" ping_b
check "flows have IPv6 tunnels" \
	flows1 'tunnel\(tun_id=0x2a,ipv6_src=fd31::1,ipv6_dst=fd31::2,'
check "iperf3 by vxlan over IPv6" iperf

tunnel vxlan 4 options:key=42 options:exts=gbp options:dst_port=4790
ovs-ofctl add-flow br0 'priority=9,in_port=1,actions=set_field:0x1234->tun_gbp_id,2'
in_r ovs-ofctl add-flow br1 'priority=9,in_port=2,tun_gbp_id=0x1234,actions=1'
in_r ovs-ofctl add-flow br1 'priority=8,in_port=2,actions=drop'
check "ping by vxlan with a group policy" ping_b
check "the policy is matched" flows1 'tunnel\(.*vxlan\(gbp\(id=4660'
ovs-ofctl add-flow br0 'priority=9,in_port=1,actions=set_field:0x4321->tun_gbp_id,2'
check "another policy is not" no_ping_b

tunnel vxlan 4 options:key=flow
ovs-ofctl add-flow br0 'priority=9,in_port=1,actions=set_tunnel:77,2'
in_r ovs-ofctl add-flow br1 'priority=9,in_port=2,tun_id=77,actions=1'
in_r ovs-ofctl add-flow br1 'priority=8,in_port=2,actions=drop'
in_r ovs-ofctl add-flow br1 'priority=9,in_port=1,actions=set_tunnel:78,2'
check "ping with set_tunnel" ping_b
check "the id is in the flow" flows0 'set\(tunnel\(tun_id=0x4d,'
ovs-ofctl add-flow br0 'priority=9,in_port=1,actions=set_tunnel:79,2'
check "another id is not matched" no_ping_b

check "geneve" tunnel geneve 4 options:key=42
for map in '{class=0x102,type=0x80,len=4}->tun_metadata0,{class=0x103,type=3,len=8}->tun_metadata1'; do
	ovs-ofctl add-tlv-map br0 "$map"
	in_r ovs-ofctl add-tlv-map br1 "$map"
done
ovs-ofctl add-flow br0 'priority=9,in_port=1,actions=set_field:0xdeadbeef->tun_metadata0,set_field:0x0102030405060708->tun_metadata1,2'
in_r ovs-ofctl add-flow br1 'priority=9,in_port=2,tun_metadata0=0xdeadbeef,tun_metadata1=0x0102030000000000/0xffffff0000000000,actions=1'
in_r ovs-ofctl add-flow br1 'priority=8,in_port=2,actions=drop'
check "ping by geneve with options" ping_b
check "they leave with the packet" flows0 \
	'geneve\(\{class=0x102,type=0x80,len=4,0xdeadbeef\}\{class=0x103,type=0x3,len=8,0x102030405060708\}\)'
check "they are matched, masked" flows1 \
	'geneve\(\{class=0x102,type=0x80,len=4,0xdeadbeef\}\{class=0x103,type=0x3,len=8,0x102030000000000/0xffffff0000000000\}\)'
ovs-ofctl add-flow br0 'priority=9,in_port=1,actions=set_field:0xdeadbeee->tun_metadata0,set_field:0x0102030405060708->tun_metadata1,2'
check "other options are not" no_ping_b
check "geneve over IPv6, with checksums" tunnel geneve 6 options:key=42 options:csum=true
check "ping by it" ping_b
check "the checksum flag is in the flows" flows0 'set\(tunnel\(tun_id=0x2a,ipv6_dst=fd31::2,.*flags\(df\|csum\|key\)\)\)'
check "iperf3 by geneve over IPv6 with checksums" iperf

check "gre" tunnel gre 4 options:key=42 options:csum=true
check "ping by gre" ping_b
check "the flow has key and checksum" flows0 "set\(tunnel\(tun_id=0x2a,$V4,ttl=64,(tp_dst=[0-9]*,)?flags\(df\|csum\|key\)\)\)"
check "iperf3 by gre" iperf
check "gre over IPv6" tunnel ip6gre 6 options:key=42
check "ping by gre over IPv6" ping_b
check "erspan" tunnel erspan 4 options:key=42 options:erspan_ver=1 options:erspan_idx=3
check "ping by erspan" ping_b

kill "$(cat /run/iperf3.pid)"
vs1 del-br br1
in_r ovs-appctl -t $R/ovs-vswitchd.*.ctl exit --cleanup >/dev/null
kill "$(cat $R/db.pid)"
cp $OVS_DIR/ovs-vswitchd.log $R/sw.log "$VM_OUT" 2>/dev/null
stop_ovs
del_host a
ip netns del b
ip netns del r
[ "$OVS_KMOD" = stock ] && rmmod vport_vxlan vport_geneve vport_gre 2>/dev/null
check "the module unloads" unload_module
finish
