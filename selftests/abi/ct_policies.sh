#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stock ovs-vswitchd whose flows track connections: timeout policies, events, limits.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 7
# shellcheck source=../lib/ct.sh
. "$(dirname "$0")/../lib/ct.sh"

# Timeout policies.
ovs-vsctl --id=@m create Datapath datapath_version=0 -- \
	set Open_vSwitch . datapaths:system=@m >/dev/null
# ovs-vswitchd 3.5 puts a zone's policy into effect when it changes, not when the zone gets it.
policy() {
	ovs-vsctl --timeout=20 add-zone-tp system zone=6 udp_first=700 udp_single=700 &&
		ovs-vsctl --timeout=20 set CT_Timeout_Policy \
			"$(ovs-vsctl --bare --columns=_uuid list CT_Timeout_Policy)" \
			timeouts:udp_first=900 timeouts:udp_single=900
}
check "a zone gets a timeout policy, which changes" policy
firewall 6 "" | flows
timed() {
	in_ns a bash -c 'echo x | nc -u -w 1 10.0.0.2 9998'
	conntrack -L -p udp 2>/dev/null | grep zone=6 | awk '$3 > 800 { found = 1 } END { exit !found }'
}
check "its connections live as long as it says" wait_until 10 timed

# Events.
conntrack -E -p udp >/run/events 2>/run/events.err &
events=$!
events_of() {
	in_ns a bash -c "echo x | nc -u -w 1 -p $1 10.0.0.2 9997"
	grep "sport=$1" /run/events
}
check "a new connection is an event" wait_until 10 events_of 7001
check "and tells its zone" grep -q "NEW.*sport=7001.*zone=6" /run/events
kill $events

# Limits.
check "a limit is set" ovs-appctl dpctl/ct-set-limits zone=8,limit=2
firewall 8 "" | flows
limited() {
	local p
	for p in 8001 8002 8003 8004; do
		in_ns a bash -c "echo x | nc -u -w 1 -p $p 10.0.0.2 9996"
	done
	ovs-appctl dpctl/ct-get-limits zone=8 | grep -E 'zone=8,limit=2,count=2$' &&
		[ "$(conntrack -L -p udp 2>/dev/null | grep -c zone=8)" = 2 ]
}
check "no more connections than that" limited

ct_end
