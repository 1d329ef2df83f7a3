# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A flood of packets by the kernel's packet generator.
PKTGEN=/proc/net/pktgen

pktgen() {	# FILE LINE...
	local file=$PKTGEN/$1 line
	shift
	for line in "$@"; do
		echo "$line" >"$file" || bail "pktgen refuses: $line"
	done
}

# flood_devices: f1 to send by and g1 to receive at; f0 and g0 are for the switch
flood_devices() {
	local d
	for d in f g; do
		ip link add ${d}0 type veth peer name ${d}1
		sysctl -qw net.ipv6.conf.${d}0.disable_ipv6=1 net.ipv6.conf.${d}1.disable_ipv6=1
		ip link set ${d}0 up
		ip link set ${d}1 up
	done
}

# flood_setup DEVICE LINE...: packets of 60 bytes that leave by DEVICE; more as pktgen has it
flood_setup() {
	local dev=$1
	shift
	modprobe pktgen
	pktgen kpktgend_0 rem_device_all "add_device $dev"
	pktgen "$dev" "pkt_size 60" "clone_skb 0" "count 0" "delay 0" "dst_mac 02:00:00:00:00:99" \
		"src_min 10.9.0.1" "src_max 10.9.0.1" "dst_min 10.9.0.2" "dst_max 10.9.0.2" "$@"
}

FLOOD_PID=
flood_start() {
	echo start >$PKTGEN/pgctrl &
	FLOOD_PID=$!
}

flood_stop() {
	[ -n "$FLOOD_PID" ] || return 0
	kill "$FLOOD_PID" 2>/dev/null
	wait "$FLOOD_PID" 2>/dev/null
	echo stop >$PKTGEN/pgctrl
	FLOOD_PID=
}
