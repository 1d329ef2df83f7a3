# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests of connection tracking under a stock ovs-vswitchd; a test that has sourced
# ktap.sh and said its plan sources this:
#
#	a 10.0.0.1 --- br0 --- b 10.0.0.2
modprobe -a nf_conntrack_netlink nf_conntrack_ftp nf_nat_ftp nfnetlink_cttimeout
load_module
start_ovs
add_host a 10.0.0.1/24 fd00::1/64
add_host b 10.0.0.2/24 fd00::2/64
ovs-vsctl --timeout=30 add-br br0 -- set bridge br0 fail_mode=secure \
	-- add-port br0 a-br -- set interface a-br ofport_request=1 \
	-- add-port br0 b-br -- set interface b-br ofport_request=2

# flows: all flows, from standard input
flows() {
	conntrack -F 2>/dev/null
	{ echo "priority=5,arp,actions=NORMAL"
	  echo "priority=50000,icmp6,icmp_type=135,actions=NORMAL"
	  echo "priority=50000,icmp6,icmp_type=136,actions=NORMAL"
	  cat; } >/run/flows
	ovs-ofctl del-flows br0 && ovs-ofctl add-flows br0 /run/flows
}

# What a begins is let through, and what belongs to it; of zone $1, with options $2.
firewall() {
	local f
	for f in ip ip6; do
		cat <<-FLOWS
		table=0,in_port=1,$f,ct_state=-trk,actions=ct(zone=$1,table=1)
		table=0,in_port=2,$f,ct_state=-trk,actions=ct(zone=$1,table=1)
		table=1,in_port=1,$f,ct_state=+trk+new-rel,actions=ct(commit,zone=$1$2),2
		table=1,in_port=1,$f,ct_state=+trk+new+rel,actions=ct(commit,zone=$1),2
		table=1,in_port=2,$f,ct_state=+trk+new+rel,actions=ct(commit,zone=$1),1
		table=1,in_port=1,$f,ct_state=+trk+est,actions=2
		table=1,in_port=2,$f,ct_state=+trk+est,actions=1
		table=1,in_port=2,$f,ct_state=+trk+rel-new,actions=1
		table=1,$f,ct_state=+inv,actions=drop
		FLOWS
	done
}

# web HOST ADDRESS: serve one file
web() {
	ip netns exec "$1" python3 -m http.server --bind "$2" --directory /run/web 80 >/dev/null 2>&1 &
	echo $! >>/run/pids
	wait_until 30 ip netns exec "$1" bash -c "exec 3<>/dev/tcp/$2/80"
}
: >/run/pids
mkdir -p /run/web
head -c 200000 /dev/urandom >/run/web/f
get() {
	in_ns "$1" curl -sg --max-time 20 "http://$2/f" | cmp - /run/web/f
}

# ct_end: take it all away; a point
ct_end() {
	local pid
	while read -r pid; do
		kill "$pid" 2>/dev/null
	done </run/pids
	cp "$OVS_DIR"/ovs-vswitchd.log /run/dp /run/events "$VM_OUT" 2>/dev/null
	stop_ovs
	del_host a
	del_host b
	check "the module unloads" unload_module
	finish
}
