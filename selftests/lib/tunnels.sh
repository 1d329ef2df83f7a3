# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two switches, each with an ovs-vswitchd of its own, joined by tunnels of all kinds:
#
#	a 10.0.0.1 --- br0 --- tun0 === underlay u0, u1 === tun0 --- br1 --- b 10.0.0.2
#	                root namespace                      namespace r
# For a test that has sourced ktap.sh and said its plan: sourcing this makes them.
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

ip netns exec b iperf3 -s -D -I /run/iperf3.pid >/dev/null
wait_until 10 test -s /run/iperf3.pid
iperf() {
	in_ns a iperf3 -c 10.0.0.2 -t 1 -J "$@" >/run/iperf.json || return
	python3 -c "import json; r = json.load(open('/run/iperf.json'))['end']
s = r.get('sum_received') or r['sum']; print(s)
assert s['bytes'] > 1e5 and s.get('lost_percent', 0) < 50"
}

# tunnels_end: take it all away; a point
tunnels_end() {
	kill "$(cat /run/iperf3.pid)"
	vs1 del-br br1
	in_r ovs-appctl -t $R/ovs-vswitchd.*.ctl exit --cleanup >/dev/null
	kill "$(cat $R/db.pid)"
	cp "$OVS_DIR"/ovs-vswitchd.log $R/sw.log "$VM_OUT" 2>/dev/null
	stop_ovs
	del_host a
	ip netns del b
	ip netns del r
	[ "$OVS_KMOD" = stock ] && rmmod vport_vxlan vport_geneve vport_gre 2>/dev/null
	check "the module unloads" unload_module
	finish
}
