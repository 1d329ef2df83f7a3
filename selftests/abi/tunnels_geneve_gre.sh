#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Geneve with options, GRE, ERSPAN, between two switches (selftests/lib/tunnels.sh).
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 18
# shellcheck source=../lib/tunnels.sh
. "$(dirname "$0")/../lib/tunnels.sh"

V4='dst=172.31.0.2'
check "geneve" tunnel geneve 4 options:key=42
map='{class=0x102,type=0x80,len=4}->tun_metadata0,{class=0x103,type=3,len=8}->tun_metadata1'
ovs-ofctl add-tlv-map br0 "$map"
in_r ovs-ofctl add-tlv-map br1 "$map"
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

# Without a checksum: over a veth, Linux 6.1 refuses its own.
check "gre" tunnel gre 4 options:key=42
check "ping by gre" ping_b
check "the flow has the key" flows0 "set\(tunnel\(tun_id=0x2a,$V4,ttl=64,(tp_dst=[0-9]*,)?flags\(df\|key\)\)\)"
check "iperf3 by gre" iperf
check "gre over IPv6" tunnel ip6gre 6 options:key=42
check "ping by gre over IPv6" ping_b
check "erspan" tunnel erspan 4 options:key=42 options:erspan_ver=1 options:erspan_idx=3
check "ping by erspan" ping_b

tunnels_end
