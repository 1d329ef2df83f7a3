#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# VXLAN between two switches over IPv6, with group policies and with ids that flows set and
# match (selftests/lib/tunnels.sh).
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 11
# shellcheck source=../lib/tunnels.sh
. "$(dirname "$0")/../lib/tunnels.sh"

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

tunnels_end
