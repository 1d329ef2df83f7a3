# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests of ovs-bpfd in the VM: the daemon, and three hosts on its switch.
#
#	c (port 3) --- switch --- s1 (port 1), s2 (port 2)
#
# A test sources this instead of ktap.sh.
# shellcheck source=ktap.sh
. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

[ "$OVS_KMOD" = stock ] && skip_all "the stock module has no BPF action"

# The name of the family would load the distribution's module by itself.
echo "install openvswitch /bin/false" >/etc/modprobe.d/no-stock.conf

ctl() {
	userspace/ovs-bpfctl "$@"
}

# start_daemon [IDLE-MS]
start_daemon() {
	userspace/ovs-bpfd --detach --dp sw0 --idle-timeout "${1:-10000}"
}

stop_daemon() {	# SIGNAL
	local pid
	pid=$(cat /run/openvswitch/ovs-bpfd.pid)
	kill "-$1" "$pid"
	wait_until 10 eval "! kill -0 $pid"
}

# add_hosts [ADDRESS/LEN of s1, s2, c]
add_hosts() {
	local ns
	for ns in s1 s2 c; do
		add_host $ns ${1:+"$1"}
		sysctl -qw net.ipv6.conf.$ns-br.disable_ipv6=1
		in_ns $ns sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
		[ $# = 0 ] || shift
	done
}

add_ports() {
	ctl port add s1-br 1 && ctl port add s2-br 2 && ctl port add c-br 3
}

# field NAME: what "upcall show" has under it
field() {
	ctl -j upcall show | jq ".$1"
}

# ms: the time, in milliseconds
ms() {
	awk '{ printf "%d", $1 * 1000 }' /proc/uptime
}

# flows_have PATTERN: among the megaflows
flows_have() {
	ctl flow dump | tee /dev/stderr | grep -q -- "$1"
}

# sees NAMESPACE FILTER COMMAND...: whether a packet gets there while COMMAND runs
sees() {
	local ns=$1 filter=$2 pid
	shift 2
	rm -f /run/tcpdump
	in_ns "$ns" timeout 100 tcpdump -lnni eth0 --immediate-mode -c 1 "$filter" >/run/seen 2>/run/tcpdump &
	pid=$!
	wait_until 10 grep -q listening /run/tcpdump
	"$@" >/dev/null 2>&1
	wait_until 3 eval "! kill -0 $pid"
	kill $pid 2>/dev/null
	grep -q . /run/seen	# one that is killed writes an empty line
}
