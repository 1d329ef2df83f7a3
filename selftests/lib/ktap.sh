# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests in shell that run as root in the VM: KTAP output, conditions to wait
# for, the module, ovs-vswitchd, namespaces.  A test sources this, calls plan,
# then `check WHAT COMMAND...` for each point, and finish.

KTAP_N=0 KTAP_FAILED=0 KTAP_PLAN=0
KTAP_SKIP=4
OVS_KMOD=${OVS_KMOD:-$PWD/kmod/openvswitch.ko}

plan() {
	KTAP_PLAN=$1
	echo "TAP version 13"
	echo "1..$1"
}

skip_all() {
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit $KTAP_SKIP
}

# point STATUS WHAT
point() {
	KTAP_N=$((KTAP_N + 1))
	if [ "$1" = 0 ]; then
		echo "ok $KTAP_N - $2"
	else
		echo "not ok $KTAP_N - $2"
		KTAP_FAILED=1
	fi
}

# check WHAT COMMAND...: a point that passes if COMMAND does
check() {
	local what=$1 out status
	shift
	out=$("$@" 2>&1)
	status=$?
	[ $status = 0 ] || printf '+ %s\n%s\n' "$*" "$out" | sed 's/^/# /'
	point $status "$what"
	return $status
}

# check_not WHAT COMMAND...: a point that passes if COMMAND fails
check_not() {
	local what=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "# unexpectedly worked: $*"
		point 1 "$what"
	else
		point 0 "$what"
	fi
}

finish() {
	if [ "$KTAP_N" != "$KTAP_PLAN" ]; then
		echo "# planned $KTAP_PLAN points, ran $KTAP_N"
		exit 1
	fi
	exit $KTAP_FAILED
}

bail() {
	echo "Bail out! $*"
	exit 1
}

# wait_until SECONDS COMMAND...: until COMMAND succeeds.  Counts tries a tenth of
# a second apart, as an emulated machine's clock may jump.
wait_until() {
	local tries=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.1
	done
}

load_module() {
	modprobe -a nf_conntrack nf_nat nf_defrag_ipv6 nf_conncount nsh psample libcrc32c veth 2>/dev/null
	if [ "$OVS_KMOD" = stock ]; then
		modprobe openvswitch || bail "no stock module"
	else
		insmod "$OVS_KMOD" || bail "can't load $OVS_KMOD"
	fi
}

unload_module() {
	wait_until 10 rmmod openvswitch
}

OVS_DIR=/run/openvswitch

start_ovs() {
	# Started in the first ten seconds of uptime, ovs-vswitchd 3.1 counts no
	# CPUs and loses every upcall.
	wait_until 30 awk '{ exit $1 < 11 }' /proc/uptime
	mkdir -p $OVS_DIR /etc/openvswitch
	rm -f $OVS_DIR/conf.db
	ovsdb-tool create $OVS_DIR/conf.db /usr/share/openvswitch/vswitch.ovsschema ||
		bail "no database"
	ovsdb-server $OVS_DIR/conf.db --remote=punix:$OVS_DIR/db.sock \
		--pidfile=$OVS_DIR/ovsdb-server.pid --detach --no-chdir \
		--log-file=$OVS_DIR/ovsdb-server.log >/dev/null 2>&1 || bail "no ovsdb-server"
	ovs-vsctl --no-wait init
	start_vswitchd
}

start_vswitchd() {
	ovs-vswitchd unix:$OVS_DIR/db.sock --pidfile=$OVS_DIR/ovs-vswitchd.pid \
		--detach --no-chdir --log-file=$OVS_DIR/ovs-vswitchd.log \
		>/dev/null 2>&1 || bail "no ovs-vswitchd"
}

stop_vswitchd() {
	local pid
	pid=$(cat $OVS_DIR/ovs-vswitchd.pid) || return
	ovs-appctl exit "$@" >/dev/null
	wait_until 20 eval "! kill -0 $pid"
}

stop_ovs() {
	local br
	for br in $(ovs-vsctl list-br); do
		ovs-vsctl del-br "$br"
	done
	stop_vswitchd --cleanup
	kill "$(cat $OVS_DIR/ovsdb-server.pid)"
}

# add_host NAME ADDRESS/LEN [ADDRESS/LEN]...: a namespace with eth0; its other
# end is NAME-br in the root namespace
add_host() {
	local ns=$1 a
	shift
	ip netns add "$ns"
	ip link add "$ns-br" type veth peer name eth0 netns "$ns"
	ip link set "$ns-br" up
	ip -n "$ns" link set lo up
	ip netns exec "$ns" sysctl -qw net.ipv6.conf.eth0.accept_dad=0
	ip -n "$ns" link set eth0 up
	for a in "$@"; do
		ip -n "$ns" addr add "$a" dev eth0
	done
}

del_host() {
	ip netns del "$1"
	wait_until 10 eval "! ip link show $1-br"
}

in_ns() {
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

can_ping() {
	wait_until 10 ip netns exec "$1" ping -c 1 -W 1 "$2"
}
