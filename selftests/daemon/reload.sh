#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real ports become those of an edited configuration, by SIGHUP and by a restart: another
# number, numbers that are swapped, another device by the same number; and are as before
# where the file is wrong.
#
#	h1, h2, h3 --- switch: port 1 and port 2 are connected
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

[ "$OVS_KMOD" = stock ] && skip_all "the stock module has no BPF action"
plan 22
ctl() {
	userspace/ovs-bpfctl "$@"
}
start_daemon() {
	userspace/ovs-bpfd --detach --dp sw0 --config /run/config --log-file /run/log
}
kill_daemon() {
	local pid
	pid=$(cat /run/openvswitch/ovs-bpfd.pid)
	kill -9 "$pid"
	wait_until 10 eval "! kill -0 $pid"
}
hangup() {
	local n
	n=$(ctl -j config show | jq ".loads + .failures")
	kill -HUP "$(cat /run/openvswitch/ovs-bpfd.pid)"
	wait_until 10 eval "[ \$(ctl -j config show | jq '.loads + .failures') -gt $n ]"
}
ports() {	# PORT...: the lines of the file about ports
	printf 'port add %s\n' "$@"
	printf 'rule add in_port=1,actions=output:2\nrule add in_port=2,actions=output:1\n'
}
ports_are() {	# "NUMBER NAME"...
	ctl config show
	diff <(printf '%s\n' "$@") <(ctl -j port list | jq -r '.[] | select(.port > 0) | "\(.port) \(.name)"' | sort -n)
}
cant_ping() {
	! ip netns exec "$1" ping -c 1 -W 2 "$2"
}

echo "install openvswitch /bin/false" >/etc/modprobe.d/no-stock.conf
load_module
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
for n in 1 2 3; do
	add_host h$n 10.0.0.$n/24
done
ports "h1-br 1" "h2-br 2" "i0 3 internal" >/run/config
check "start" start_daemon
check "two hosts reach each other" can_ping h1 10.0.0.2
check "in a batch, a port that goes may come with another number" eval \
	'printf "port del h1-br\nport add h1-br 9\n" >/run/batch && ctl batch /run/batch && ports_are "2 h2-br" "3 i0" "9 h1-br"'
check "its former number is nobody's" cant_ping h1 10.0.0.2
check "SIGHUP" hangup
check "gives it the number of the file" ports_are "1 h1-br" "2 h2-br" "3 i0"
check "and it is as it was" can_ping h1 10.0.0.2

ports "h1-br 2" "h2-br 1" "i0 3 internal" >/run/config
hangup
check "two ports swap their numbers" ports_are "1 h2-br" "2 h1-br" "3 i0"
check "and reach each other" can_ping h1 10.0.0.2
ports "h1-br 2" "h3-br 1" "i0 3 internal" >/run/config
hangup
check "another device takes a number over" ports_are "1 h3-br" "2 h1-br" "3 i0"
check "and is reached by it" can_ping h1 10.0.0.3
check "the one before is not" cant_ping h1 10.0.0.2
ports "h1-br 1" "h3-br 2" "nosuch0 3" >/run/config
hangup
check "if a device is not there, ports are as before" ports_are "1 h3-br" "2 h1-br" "3 i0"
check "and the reason is told" eval 'ctl config show | grep "nosuch0"'
check "they work" can_ping h1 10.0.0.3
printf 'port del h3-br\nport del h1-br\nport add h2-br 1\nport add nosuch0 2\n' >/run/batch
check_not "likewise in a batch" ctl batch /run/batch
check "which leaves them" ports_are "1 h3-br" "2 h1-br" "3 i0"

kill_daemon
ports "h1-br 1" "h2-br 2" "h3-br 3" "i0 internal" >/run/config
check "another daemon starts, with numbers swapped and devices replaced" start_daemon
check "ports are those of its file" ports_are "1 h1-br" "2 h2-br" "3 h3-br" "4 i0"
check "they work" can_ping h1 10.0.0.2
ctl dp del
wait_until 10 eval '! test -e /run/openvswitch/ovs-bpfd.pid'
for n in 1 2 3; do
	del_host h$n
done
check_not "nothing went wrong" grep "can't be" /run/log
check "the module unloads" unload_module
finish
