#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What ovs-vswitchd finds out about the datapath by probing it must be what it
# finds out about the stock module of the same kernel, or more.  Its log tells:
#
#	system@ovs-system: Datapath supports recirculation
#	system@ovs-system: Datapath does not support ...
#	system@ovs-system: MPLS label stack length probed as 3
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

BR_LOG=$OVS_DIR/ovs-vswitchd.log

# probes FILE: what ovs-vswitchd finds on the module that is loaded
probes() {
	rm -f "$BR_LOG"
	start_ovs
	ovs-vsctl --timeout=20 add-br br0 || return
	wait_until 20 grep -q "Datapath supports" "$BR_LOG"
	wait_until 20 grep -q "Datapath.* ct_state" "$BR_LOG"
	sed -n 's/.*|ofproto_dpif|INFO|system@ovs-system: //p' "$BR_LOG" | sort -u >"$1"
	stop_ovs
	wait_until 10 rmmod openvswitch
}

# not_less FILE-OF-STOCK FILE: prints what is missing, or smaller
not_less() {
	local line want got bad=0
	while read -r line; do
		case $line in
		*"does not support"*) continue ;;
		*" probed "*)
			want=${line##* }
			got=$(sed -n "s/^${line% *} //p" "$2")
			[ "${got:-0}" -ge "$want" ] && continue
			;;
		*) grep -qxF "$line" "$2" && continue ;;
		esac
		echo "missing: $line"
		bad=1
	done <"$1"
	return "$bad"
}

plan 6
modprobe openvswitch || bail "no stock module"
check "probe the stock module" probes /run/stock
load_module
check "probe the module" probes /run/ours
check "the stock module's probes were logged" [ "$(wc -l </run/stock)" -ge 10 ]
echo "# $(wc -l </run/stock) lines for stock, $(wc -l </run/ours) for the module"
check "all that stock supports is supported" not_less /run/stock /run/ours
grep -v "ct_state$" /run/stock >/run/less
echo "Datapath supports levitation" >>/run/less
check_not "a feature that is missing is found" not_less /run/less /run/ours
sed 's/\( probed .*\) [0-9]*$/\1 99/' /run/stock >/run/more
check_not "a limit that is lower is found" not_less /run/more /run/ours
finish
