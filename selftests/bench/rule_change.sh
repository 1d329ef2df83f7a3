#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long a change of the rules takes that is about many megaflows (FLOWS), in a VM where
# a nanosecond is an instruction: the same on every machine, and whatever else that does.
# 100,000 may take 500 ms; fewer, 250 ms and 3 us each, so that few show what many would.
if [ "${1:-}" != inside ]; then
	exec "$(dirname "$0")/../../scripts/vm" run --icount --mem 4000 --timeout 1800 -- \
		env FLOWS="${FLOWS:-30000}" "$0" inside
fi
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"
# shellcheck source=../lib/pktgen.sh
. "$(dirname "$0")/../lib/pktgen.sh"

plan 5
load_module
flood_devices
# Megaflows stay without packets.
start_daemon 3600000
ctl port add f0 1
ctl port add g0 2
cat >/run/many <<'RULES'
table=0,priority=20,in_port=1,dl_src=06:00:00:00:00:00,actions=drop
table=0,priority=10,in_port=1,actions=goto_table:1
table=1,priority=1,actions=output:2
RULES
ctl rule load /run/many
flood_setup f1 "src_mac 06:00:01:00:00:00" "src_mac_count 16000000"
flood_start
check "$FLOWS megaflows come about" wait_until 1500 eval "[ \$(field flows) -ge $FLOWS ]"
flood_stop
n=$(field flows)
limit=$((250 + n * 3 / 1000))
[ $limit -le 500 ] || limit=500
change() {	# NAME RULE
	local t
	t=$(ms)
	ctl rule add "$2"
	t=$(($(ms) - t))
	echo "# $1 of $n megaflows: $t ms"
	check "a rule about $1 of them is there within $limit ms" [ $t -le $limit ]
}
change none "table=9,priority=3,actions=drop"
change one "table=1,priority=9,dl_src=06:00:01:00:00:07,actions=drop"
change all "table=1,priority=19,actions=in_port"
check "none is left" [ "$(ctl -j dp show | jq .flows)" = 0 ]
finish
