#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A flood of packets without megaflows at one port: others and the control socket get
# their turns, losses are counted by port and reason, and the limits on megaflows, masks
# and rates hold.
# wants: parallel
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"
# shellcheck source=../lib/pktgen.sh
. "$(dirname "$0")/../lib/pktgen.sh"

plan 27
load_module
add_hosts 10.0.0.1/24 10.0.0.2/24 10.0.0.3/24
ip link add f0 type veth peer name f1
ip link set f0 up
ip link set f1 up
# Each source of the flood is a megaflow, and each connection of the others.
cat >/run/rules <<'RULES'
priority=20,in_port=4,dl_src=06:00:00:00:00:00,actions=drop
priority=10,in_port=4,actions=output:2
priority=9,udp,in_port=1,tp_src=1,actions=drop
priority=9,udp,in_port=3,tp_dst=1,actions=drop
priority=5,arp,actions=normal
priority=5,in_port=1,actions=output:3
priority=5,in_port=3,actions=output:1
RULES
start_daemon 60000
add_ports
ctl port add f0 4
check "rules" ctl rule load /run/rules
in_ns s1 ping -c1 -W5 10.0.0.3 >/dev/null

upcalls() {	# PORT FIELD
	ctl -j upcall ports | jq ".[] | select(.port == $1) | .$2"
}
dp() {
	ctl -j dp show | jq ".$1"
}
cat >/run/echo.py <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('10.0.0.3', 7))
while True:
    data, peer = s.recvfrom(100)
    s.sendto(data, peer)
PY
cat >/run/ask.py <<'PY'
# Ask from as many ports as told, one after the other: how many get an answer?
import socket, sys
n = 0
for i in range(int(sys.argv[1])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('10.0.0.1', int(sys.argv[2]) + i))
    s.settimeout(3)
    s.sendto(b'%d' % i, ('10.0.0.3', 7))
    try:
        n += s.recv(100) == b'%d' % i
    except socket.timeout:
        pass
    s.close()
print(n)
PY
in_ns c python3 /run/echo.py &
wait_until 10 in_ns c ss -lun '( sport = :7 )' -H
flooded() {	# PORT FIELD MORE-THAN
	[ "$(upcalls "$1" "$2")" -gt "$3" ]
}
ask() {	# FIRST-PORT
	local n
	n=$(in_ns s1 python3 /run/ask.py 40 "$1")
	echo "$n of 40 were answered"
	[ "$n" -ge 39 ]
}
check "without a flood all is answered" ask 10000

flood_setup f1 "src_mac 06:00:01:00:00:00" "src_mac_count 16000000"
before=$(field upcalls)
flood_start
check "a flood: its upcalls are answered" wait_until 20 flooded 4 answered 500
check "those that are too many are lost, and counted" wait_until 20 flooded 4 lost_queue 100
check "another port's are all answered meanwhile" ask 20000
check "so are commands" timeout 10 userspace/ovs-bpfctl rule add "table=7,priority=1,actions=drop"
check "and metrics tell of it" eval \
	'ctl -j upcall ports | jq -e ".[] | select(.port == 4) | .lost_queue > 100"'
flood_stop
check "no upcall of the other port was lost in a queue" [ "$(upcalls 1 lost_queue)" = 0 ]
echo "# $(($(field upcalls) - before)) upcalls, lost: $(ctl -j upcall ports | jq -c '.[] | select(.port == 4)')"

# While nobody empties the sockets: both use that of the first processor.
cat >/run/burst.py <<'PY'
# Ask from 20 ports at once: how many get an answer?
import socket
socks = []
for port in range(25000, 25020):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('10.0.0.1', port))
    s.settimeout(20)
    s.sendto(b'?', ('10.0.0.3', 7))
    socks.append(s)
print('asked', flush=True)
n = 0
for s in socks:
    try:
        n += s.recv(100) == b'?'
    except socket.timeout:
        break
print(n)
PY
pid=$(cat /run/openvswitch/ovs-bpfd.pid)
flood_setup f1 "src_mac 06:00:04:00:00:00" "src_mac_count 16000000" "count 20000"
ctl flow flush >/dev/null
kill -STOP "$pid"
echo start >$PKTGEN/pgctrl
in_ns s1 taskset -c 0 python3 /run/burst.py >/run/burst &
burst=$!
wait_until 20 grep -q asked /run/burst
kill -CONT "$pid"
wait $burst
check "what a flood leaves in a socket has room for another port's" eval 'tail -1 /run/burst | tee /dev/stderr | grep -qx 20'

# A batch of those is more than a netlink socket takes by default.
flood_setup f1 "src_mac 06:00:02:00:00:00" "src_mac_count 16000000" "pkt_size 1500"
n=$(upcalls 4 answered)
flood_start
check "packets as large as they get" wait_until 20 flooded 4 answered $((n + 500))
flood_stop
check "all of them go on, and have megaflows" eval \
	'ctl upcall show && [ "$(field install_failed)$(field execute_failed)" = 00 ]'
flood_setup f1 "src_mac 06:00:01:00:00:00" "src_mac_count 16000000"

check "a limit that makes no sense is refused" eval 'ctl upcall set rate=x 2>&1 | grep -q "rate takes 0 to"'
ctl upcall set rate=100 burst=50
sleep_until_idle() {
	local a b
	a=$(upcalls 4 answered)
	sleep 0.3
	b=$(upcalls 4 answered)
	[ "$a" = "$b" ]
}
wait_until 20 sleep_until_idle
n=$(upcalls 4 answered)
# Uptime is the machine's own clock, as the daemon's.
t=$(cut -d. -f1 /proc/uptime)
flood_start
wait_until 20 flooded 4 lost_rate 1000
wait_until 60 eval '[ $(($(cut -d. -f1 /proc/uptime) - t)) -ge 4 ]'
flood_stop
n=$(($(upcalls 4 answered) - n))
t=$(($(cut -d. -f1 /proc/uptime) - t))
echo "# $n upcalls in some $t seconds"
check "a rate: no more than that is answered" [ $n -le $(((t + 1) * 100 + 50)) ]
# A daemon that has to wait for its processor uses less than it may.
check "and not much less" [ $n -ge $(((t - 2) * 50)) ]
ctl upcall set rate=0

ctl flow flush >/dev/null
ctl upcall set flows=300
over=$(field over_limit)
flood_start
check "a limit on megaflows: beyond it, packets go without" wait_until 20 eval "[ \$(field over_limit) -gt $((over + 500)) ]"
check "the datapath has no more than that" [ "$(dp flows)" -le 300 ]
check "other ports' packets arrive all the same" ask 30000
flood_stop
ctl upcall set flows=200000

# Tuple-space attack: addresses and ports at random make masks of all lengths.
for i in $(seq 1 30); do
	echo "table=0,priority=$((40 + i)),in_port=4,udp,nw_dst=10.9.128.0/$i,tp_dst=$((1 << (i % 16))),actions=drop"
done >/run/masks
ctl flow flush >/dev/null
check "rules of many lengths" ctl rule load /run/masks
flood_setup f1 "src_mac 06:00:01:00:00:00" "src_mac_count 1" "flag IPDST_RND" "dst_min 0.0.0.1" \
	"dst_max 255.255.255.255" "flag UDPDST_RND" "udp_dst_min 1" "udp_dst_max 65535"
flood_start
check "an attack: masks grow" wait_until 30 eval '[ "$(field masks)" -gt 60 ]'
flood_stop
ctl upcall set masks=16
ctl flow flush >/dev/null
flood_start
check "a limit on masks: beyond it, megaflows look at every bit" wait_until 30 eval '[ "$(field narrowed)" -gt 200 ]'
check "there are no more than that" eval '[ "$(dp masks)" -le 20 ]'
flood_stop
echo "# $(dp masks) masks, $(dp flows) megaflows"

pid=$(cat /run/openvswitch/ovs-bpfd.pid)
check "the daemon is well" kill -0 "$pid"
check "and ends" eval 'ctl exit && wait_until 10 eval "! kill -0 $pid"'

# The kernel may refuse the filter at the socket: then handlers count what is too many.
cat >/run/nogate.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int (*real)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");

	if (level != SOL_SOCKET || name != SO_ATTACH_BPF)
		return real(fd, level, name, value, len);
	errno = EPERM;
	return -1;
}
C
cc -shared -fPIC -o /run/nogate.so /run/nogate.c || bail "no compiler"
check "a daemon without the filter" env LD_PRELOAD=/run/nogate.so userspace/ovs-bpfd --detach \
	--dp sw0 --log-file /run/log
check "says so" grep -q "no filter at the socket" /run/log
ctl rule load /run/rules
flood_setup f1 "src_mac 06:00:03:00:00:00" "src_mac_count 16000000" "count 20000"
echo start >$PKTGEN/pgctrl
check "upcalls that are too many are lost, and counted" wait_until 10 flooded 4 lost_queue 100
check "it ends" ctl exit
finish
