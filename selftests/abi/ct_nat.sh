#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stock ovs-vswitchd whose flows track connections: related ones of FTP, active and
# passive, and NAT of all of them.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 13
# shellcheck source=../lib/ct.sh
. "$(dirname "$0")/../lib/ct.sh"

# Related connections: FTP.
ip netns exec b python3 "$(dirname "$0")/../lib/ftp.py" server 10.0.0.2 /run/ftp4 &
echo $! >>/run/pids
ip netns exec b python3 "$(dirname "$0")/../lib/ftp.py" server fd00::2 /run/ftp6 &
echo $! >>/run/pids
wait_until 30 test -e /run/ftp4 -a -e /run/ftp6
ftp() {
	in_ns a python3 "$(dirname "$0")/../lib/ftp.py" "$@"
}
firewall 2 "" | flows
check_not "active FTP without a helper" ftp active 10.0.0.2
helper() {
	firewall "$1" ""
	local f
	for f in tcp tcp6; do
		echo "table=1,priority=40000,in_port=1,$f,tp_dst=21,ct_state=+trk+new-rel,actions=ct(commit,zone=$1,alg=ftp,exec(set_field:0x9->ct_mark)),2"
	done
}
helper 3 | flows
check "active FTP with one" ftp active 10.0.0.2
check "active FTP over IPv6" ftp active fd00::2
check "passive FTP" ftp passive 10.0.0.2
check "the data connection has the mark of its master" eval \
	'conntrack -L -p tcp 2>/dev/null | grep "mark=9.*zone=3" | grep -v "dport=21 "'

# NAT: a goes as 10.0.0.100, which b sees; b's service is 10.0.0.200.
cat >/run/nat <<'FLOWS'
table=0,in_port=1,ip,actions=ct(zone=4,nat,table=1)
table=0,in_port=2,ip,actions=ct(zone=4,nat,table=1)
table=1,priority=40000,in_port=1,tcp,ct_state=+new-rel,tp_dst=21,actions=ct(commit,zone=4,alg=ftp,nat(src=10.0.0.100)),mod_dl_dst:MACB,2
table=1,priority=40000,in_port=1,ip,nw_dst=10.0.0.200,ct_state=+new-rel,actions=ct(commit,zone=4,nat(dst=10.0.0.2)),mod_dl_dst:MACB,2
table=1,in_port=1,ip,ct_state=+new-rel,actions=ct(commit,zone=4,nat(src=10.0.0.100-10.0.0.101:20000-29999,random)),mod_dl_dst:MACB,2
table=1,in_port=1,ip,ct_state=+new+rel,actions=ct(commit,zone=4,nat),2
table=1,in_port=2,ip,ct_state=+new+rel,actions=ct(commit,zone=4,nat),mod_dl_dst:MACA,1
table=1,in_port=1,ip,ct_state=+est,actions=mod_dl_dst:MACB,2
table=1,in_port=2,ip,ct_state=-new+trk,actions=mod_dl_dst:MACA,1
FLOWS
mac() {
	in_ns "$1" cat /sys/class/net/eth0/address
}
sed -i "s/MACA/$(mac a)/; s/MACB/$(mac b)/" /run/nat
flows </run/nat
web b 10.0.0.2
in_ns b ip neigh replace 10.0.0.100 lladdr "$(mac a)" dev eth0
in_ns b ip neigh replace 10.0.0.101 lladdr "$(mac a)" dev eth0
in_ns a ip neigh replace 10.0.0.200 lladdr "$(mac b)" dev eth0
check "SNAT: a fetches from b" get a 10.0.0.2
check "as another, from the ports given" eval \
	'conntrack -L -p tcp 2>/dev/null | grep -E "src=10.0.0.1 .*src=10.0.0.2 dst=10.0.0.10[01] sport=80 dport=2[0-9]{4} "'
check "DNAT: a fetches from b's other address" get a 10.0.0.200
check "NAT of ping" can_ping a 10.0.0.2
check "NAT of a datagram in fragments" in_ns a ping -c 1 -W 5 -s 3000 10.0.0.2
check "active FTP through NAT" ftp active 10.0.0.2
check "passive FTP through NAT" ftp passive 10.0.0.2

ct_end
