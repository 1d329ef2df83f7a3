#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed under traffic, and started again: the datapath goes on
# forwarding, megaflows that are right stay, others are mended, and no connection of
# the load balancer is lost.  The daemon has the privileges of the service file, no more.
#
#	client (port 1) --- switch --- b1, b2, b3 (ports 2, 3, 4), VIP 10.0.0.100
# needs: speed
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

[ "$OVS_KMOD" = stock ] && skip_all "the stock module has no BPF action"
plan 29
conns=24
ctl() {
	userspace/ovs-bpfctl "$@"
}
start_daemon() {
	: >/run/log
	as_service userspace/ovs-bpfd --detach --dp sw0 --idle-timeout 60000 --config /run/config \
		--log-file /run/log --log-format json
}
# as_service COMMAND...: with just the capabilities that the service file gives
as_service() {
	local caps
	caps=$(sed -n 's/^CapabilityBoundingSet=//p' userspace/systemd/ovs-bpfd.service)
	caps=${caps//CAP_/}
	caps=${caps,,}
	setpriv --no-new-privs --bounding-set="-all,+${caps// /,+}" "$@"
}
kill_daemon() {
	local pid
	pid=$(cat /run/openvswitch/ovs-bpfd.pid)
	kill -9 "$pid"
	wait_until 10 eval "! kill -0 $pid"
}
mac() {
	printf '02:00:00:00:00:%02x' "$1"
}

cat >/run/echo.py <<'PY'
"""server: echo lines on port 80.  client N: N connections, a line on each in turn; each
round is noted in /run/rounds, until there is /run/stop; then says how many it lost."""
import os, socket, socketserver, sys, time
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while True:
            data = self.request.recv(4096)
            if not data:
                return
            self.request.sendall(data)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64
def client(n):
    socks = []
    for i in range(n):
        socks.append(socket.create_connection(('10.0.0.100', 80), 30))
        socks[-1].settimeout(30)
    lost, rounds = set(), 0
    while not os.path.exists('/run/stop'):
        for i, s in enumerate(socks):
            if i in lost:
                continue
            line = b'%d %d\n' % (i, rounds)
            try:
                s.sendall(line)
                got = b''
                while len(got) < len(line):
                    more = s.recv(100)
                    if not more:
                        raise OSError('closed')
                    got += more
                if got != line:
                    raise OSError('wrong echo')
            except OSError as err:
                print('connection %d: %s' % (i, err), flush=True)
                lost.add(i)
        rounds += 1
        with open('/run/rounds.new', 'w') as f:
            f.write('%d\n' % rounds)
        os.rename('/run/rounds.new', '/run/rounds')
        time.sleep(0.05)
    print('lost %d of %d' % (len(lost), n), flush=True)
if sys.argv[1] == 'server':
    Server(('', 80), Echo).serve_forever()
else:
    client(int(sys.argv[2]))
PY

echo "install openvswitch /bin/false" >/etc/modprobe.d/no-stock.conf
load_module
n=1
{
	for host in client:1 b1:11 b2:12 b3:13; do
		ns=${host%:*} num=${host#*:}
		add_host "$ns" "10.0.0.$num/24" >&2
		in_ns "$ns" ip link set eth0 address "$(mac "$num")"
		in_ns "$ns" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
		sysctl -qw "net.ipv6.conf.$ns-br.disable_ipv6=1"
		echo "port add $ns-br $n"
		n=$((n + 1))
	done
	cat <<-CONFIG
	prog load lb $PWD/bpf-progs/lb/lb.bpf.o
	meter add meter=7,pktps,bands=type=drop,rate=1000000
	meter add meter=8,kbps,bands=type=drop,rate=1000
	group add group_id=1,type=all,bucket=actions=meter:7,output:1
	rule add "table=0,priority=10,tcp,nw_dst=10.0.0.100,tp_dst=80,actions=bpf(lb),goto_table:1"
	rule add "table=0,priority=10,tcp,nw_dst=10.0.0.1,tp_src=80,actions=bpf(lb),goto_table:1"
	rule add "table=0,priority=0,actions=goto_table:1"
	rule add "table=1,priority=1,dl_dst=$(mac 1),actions=group:1"
	rule add "table=1,priority=1,dl_dst=$(mac 11),actions=output:2"
	rule add "table=1,priority=1,dl_dst=$(mac 12),actions=output:3"
	rule add "table=1,priority=1,dl_dst=$(mac 13),actions=output:4"
	rule add "table=1,priority=0,actions=FLOOD"
	CONFIG
} >/run/config
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
check "start" start_daemon
check "it has no more than the two capabilities" grep -qE "^CapBnd:[[:space:]]*0000008000001000$" "/proc/$(cat /run/openvswitch/ovs-bpfd.pid)/status"
for ns in b1 b2 b3; do
	in_ns $ns /usr/bin/python3 /run/echo.py server &
	wait_until 60 ip netns exec $ns /usr/bin/python3 scripts/demo-http ping
done
in_ns client ip neigh add 10.0.0.100 lladdr "$(mac 100)" dev eth0
/usr/bin/python3 scripts/demo-http maps /sys/fs/bpf/ovs-bpf/v1/sw0/map/lb || bail "can't fill the maps"
in_ns client /usr/bin/python3 /run/echo.py client $conns >/run/client &
client=$!

# progress ROUNDS: the client gets through that many more
progress() {
	local from
	from=$(cat /run/rounds 2>/dev/null || echo 0)
	wait_until 60 eval "[ \$(cat /run/rounds 2>/dev/null || echo 0) -ge $((from + $1)) ]"
}
entries() {
	bpftool -j map dump pinned /sys/fs/bpf/ovs-bpf/v1/sw0/map/lb/conns | jq length
}
adopted() {	# EXPRESSION of kept, repaired, deleted
	jq -s -e "map(select(.message == \"a former daemon's megaflows were adopted\"))[0] | $1" /run/log ||
		{ cat /run/log; ctl flow dump -m; false; }
}
names() {
	ctl -j flow dump | jq -r '.[].ufid' | sort
}
still_there() {	# every megaflow of a list
	local now
	now=$(names)
	while read -r ufid; do
		grep -q "$ufid" <<<"$now" || { echo "$ufid is gone"; grep "$ufid" /run/before; cat /run/log; return 1; }
	done <<<"$1"
}

check_not "nor does it miss any other" grep -i -e '"WARN"' -e '"ERR"' /run/log
check "the load balancer works" progress 5
metered() {	# packets that meter 7 has counted
	ctl -j meter dump | jq '.[] | select(.meter == 7) | .n_packets'
}
# has_meter NUMBER: the datapath itself
has_meter() {
	PYTHONPATH=selftests/lib /usr/bin/python3 - "$1" <<-'PY'
	import socket, struct, sys
	import ovsnl
	nl = ovsnl.Genl()
	ifindex = struct.pack('=i', socket.if_nametoindex('sw0'))
	try:
	    nl.request(nl.family('ovs_meter'), 4, ifindex + ovsnl.attr(1, int(sys.argv[1])))
	except ovsnl.NlError:
	    sys.exit(1)
	PY
}
check "its replies pass a group and a meter" eval '[ "$(metered)" -gt 0 ] && has_meter 8'
check "some megaflows are of a second stage" eval 'ctl flow dump | tee /dev/stderr | grep -Eq "^[^:]*recirc_id[=(]0x0*[1-9a-f]"'
vip=$(ctl -j flow dump | jq -r '.[] | select(.flow | test("10.0.0.100.*bpf")) | .ufid' | head -n 1)
why() {	# FIELD: the rules that made the VIP's megaflow look at it
	ctl flow why "$vip"
	ctl -j flow why "$vip" | jq -e ".[] | select(.field == \"$1\") | .by[].rule | select(test(\"$2\"))"
}
check "it is told why a megaflow looks at a field" why nw_dst "table=0,priority=10,.*nw_dst=10.0.0.100"
check "by another table behind the program, too" why dl_dst "^table=1"
check "a name that is none is refused" eval 'ctl flow why nosuch 2>&1 | grep -q "\"nosuch\" is no UFID"'
before=$(names)
ctl flow dump -m >/run/before
held=$(entries)
prog=$(ctl -j prog show lb | jq .id)
passed=$(metered)
check "kill -9" kill_daemon
check "the datapath goes on forwarding" progress 5
check "another daemon starts" start_daemon
check "all megaflows were right, and stay" adopted '.kept >= 4 and .repaired == 0 and .deleted == 0'
check "they are the same" still_there "$before"
same_prog() {
	[ "$(ctl -j prog show lb | jq .id)" = "$prog" ]
}
same_map() {
	[ "$held" -gt 0 ] && [ "$(entries)" -ge "$held" ]
}
check "so is the program" same_prog
check "and its map" same_map
same_meter() {
	ctl meter dump
	[ "$(metered)" -ge "$passed" ] && ! grep -q '"datapath".*meter' /run/log
}
check "so is the meter, with what it has counted" same_meter
check "traffic goes on" progress 5
check "rules count again" eval 'wait_until 10 eval "ctl rule dump | grep \"nw_dst=10.0.0.100\" | grep -q \"n_packets=[1-9]\""'
check "no megaflow had to be made anew" eval 'ctl upcall show | tee /dev/stderr | grep -q "^megaflows installed: [01],"'

kill_daemon
sed -i -e "s/^\(.*dl_dst=$(mac 1),actions=\).*/\1set_field:$(mac 99)->dl_src,output:1\"/" \
	-e /^group/d -e /^meter/d /run/config
check "killed again; a rule's action is another now" start_daemon
check_not "meters that the configuration names no more are gone" eval 'ctl meter dump | grep meter= || has_meter 7 || has_meter 8'
check "megaflows are mended where they are" adopted '.repaired >= 1 and .kept >= 1 and .deleted == 0'
check "and are the same" still_there "$before"
check "traffic goes on" progress 5

kill_daemon
sed -i "s/^\(.*priority=1,dl_dst=$(mac 1),\)/rule add \"table=1,priority=5,udp,tp_dst=1,actions=drop\"\n\1/" /run/config
check "killed again; more of packets must be looked at now" start_daemon
check "megaflows that read too little go" adopted '.deleted >= 1'
check "traffic goes on" progress 5

touch /run/stop
wait $client
check "no connection was lost" eval 'cat /run/client; grep -q "^lost 0 of" /run/client'
for ns in b1 b2 b3; do
	ip netns pids $ns | xargs -r kill 2>/dev/null
done
ctl dp del
finish
