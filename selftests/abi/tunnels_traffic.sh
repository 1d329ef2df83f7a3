#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# VXLAN between two switches, with and without offloads (selftests/lib/tunnels.sh).
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 11
# shellcheck source=../lib/tunnels.sh
. "$(dirname "$0")/../lib/tunnels.sh"

V4='dst=172.31.0.2'
check "vxlan" tunnel vxlan 4 options:key=42
check "ping by vxlan" ping_b
check "it leaves by set(tunnel)" \
	flows0 "set\(tunnel\(tun_id=0x2a,$V4,ttl=64,tp_dst=4789,flags\(df\|key\)\)\)"
check "it arrives with a tunnel" \
	flows1 'tunnel\(tun_id=0x2a,src=172.31.0.1,dst=172.31.0.2,(ttl=[0-9/]+,)?.*flags\(.*key\)\),in_port\([0-9]+\).*eth_type\(0x0800\)'
check "a tunnel port is listed" eval "ovs-dpctl show | grep -q 'vxlan_sys_4789 (vxlan'"

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

tunnels_end
