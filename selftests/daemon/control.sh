#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Control of the daemon: by the stock ovs-appctl, in batches, by a configuration, with
# events; metrics, what a service manager is told; and clients that misbehave.
# userspace/tests/test_control.sh runs the same where the module is not loaded, with
# the daemon on a datapath that is none.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

[ "$OVS_KMOD" = stock ] && skip_all "the stock module has no BPF action"
plan 95
ctl() {
	userspace/ovs-bpfctl "$@"
}
run=/run/openvswitch
daemon=userspace/ovs-bpfd
if [ -n "$WITHOUT_DATAPATH" ]; then
	daemon=userspace/tests/ovs-bpfd-without-datapath
else
	echo "install openvswitch /bin/false" >/etc/modprobe.d/no-stock.conf
	load_module
	ip link set lo up
	ip link add a0 type veth peer name a1
	ip link add b0 type veth peer name b1
	ip link set a0 up
	ip link set b0 up
fi
cat >/run/config <<CONFIG
# all of the switch
port add a0 1
port add b0 2
prog load alpha $PWD/bpf-progs/alpha/alpha.bpf.o
rule add "table=0,priority=1,in_port=1,actions=bpf(alpha),goto_table:1"
rule add table=1,actions=output:2
meter add meter=7,pktps,bands=type=drop,rate=100
meter add meter=8,kbps,bands=type=drop,rate=1000,burst_size=500
meter add meter=9,kbps,bands=type=drop,rate=1000
group add group_id=5,type=all,bucket=actions=meter:7,output:2
group add group_id=6,type=all,bucket=actions=output:1
rule add table=2,actions=meter:9,group:5
tlv add {class=0x102,type=1,len=4}->tun_metadata0
tlv add {class=0x102,type=2,len=4}->tun_metadata1
upcall set rate=500 masks=50
vlog set prog:file:dbg
CONFIG
check "start, with a configuration" $daemon --detach --dp sw0 --config /run/config --log-file /run/log --log-format json --metrics 19310
check_not "a second daemon does not start" timeout 10 $daemon --dp sw0
check "and says which one runs" eval \
	'timeout 10 $daemon --dp sw0 2>&1 | grep "runs, as process $(cat $run/ovs-bpfd.pid)"'

check "ovs-appctl lists commands" eval 'ovs-appctl -t ovs-bpfd list-commands | grep -q "^  port/add  *DEVICE \[NUMBER\] \[internal\]"'
check "and the version" eval 'ovs-appctl -t ovs-bpfd version | grep -q "^ovs-bpfd [0-9]"'
check "it dumps" eval 'ovs-appctl -t ovs-bpfd rule/dump | grep -q "^table=0,n_packets=0,n_bytes=0,priority=1,in_port=1,actions=bpf(alpha)"'
check "vlog/list" eval 'ovs-appctl -t ovs-bpfd vlog/list | grep -q "^prog  *INFO  *OFF  *DBG"'
check "vlog/set" eval 'ovs-appctl -t ovs-bpfd vlog/set flow:console:warn && ovs-appctl -t ovs-bpfd vlog/list | grep -q "^flow  *WARN  *OFF  *INFO"'
check_not "a level that there is not is refused" ovs-appctl -t ovs-bpfd vlog/set flow:console:wrn
check "an error is one of ovs-appctl" eval 'ovs-appctl -t ovs-bpfd port/add 2>&1 | grep -q "DEVICE is missing"'
check "every listed command is known to ovs-bpfctl, and has help" eval \
	'for c in $(ctl -j list-commands | jq -r ".[].name"); do ctl ${c%%/*} $([ $c = ${c#*/} ] || echo ${c#*/}) --help || exit 1; done'
json_all() {
	local c
	for c in version "config show" "dp show" "port list" "prog list" "prog show" "prog show alpha" \
		"map list" "map dump alpha runs" "rule dump" "table show" "flow dump" "flow dump -m" \
		"upcall show" "vlog list" list-commands top; do
		# shellcheck disable=SC2086
		ctl -j $c | jq -e . || { echo "-j $c"; return 1; }
		# shellcheck disable=SC2086
		ctl $c | grep -v '[{}]' | grep -q . || [ "${c%% *}" = flow ] || [ "$c" = top ] || { echo "$c"; return 1; }
	done
}
check "each answer is JSON with -j, text without" json_all
completed() {	# OBJECT VERB KEY WORD...: what is offered behind words is what a command lists by a key
	diff <(ctl -j "$1" "$2" | jq -r ".[].$3" | sort) <(ctl --complete "${@:4}" "" | sort)
}
check "completion knows what there is" eval \
	'ctl --complete meter del 9 | grep -x 9 && completed group dump id group del && completed meter dump meter meter del && completed tlv dump field tlv del && completed flow dump ufid flow why'
check "text and JSON say the same" eval \
	'[ "$(ctl port list | sed -n "s/^port \([0-9]*\): \([^ ]*\) .*/\1 \2/p")" = "$(ctl -j port list | jq -r ".[] | \"\(.port) \(.name)\"")" ]'
check "the log is JSON" eval 'jq -s -e "map(select(.module == \"config\" and .level == \"INFO\")) | length > 0" /run/log'

cat >/run/batch <<'BATCH'
rule add "table=5,actions=drop"
port add nosuch0 7
BATCH
check_not "a batch with a command that fails" ctl batch /run/batch
check "is told by line" eval 'ctl batch /run/batch 2>&1 | grep -q "^ovs-bpfctl: /run/batch:2: can.t add nosuch0: "'
check_not "and leaves nothing behind" eval 'ctl rule dump | grep table=5'
printf 'port del b0\nrule del table=1\nprog load alpha2 %s\nnonsense\n' "$PWD/bpf-progs/alpha/alpha.bpf.o" >/run/batch
check_not "whatever the commands are" ctl batch /run/batch
check "rules, ports and programs are as they were" eval \
	'ctl rule dump | grep -q table=1 && ctl port list | grep -q b0 && ! ctl prog list | grep alpha2 && ! ls /sys/fs/bpf/ovs-bpf/v1/sw0/map/alpha2/runs'
printf 'rule add table=5,actions=drop\nrule add table=6,actions=drop\ntable show\n' >/run/batch
check "a batch that is right is done, and its answers come" eval 'ctl batch /run/batch | grep -q "^table 6: 1 rules"'
printf 'dp del\n' >/run/batch
check_not "what can't be undone can't be in a batch" ctl batch /run/batch

check "a map's value is set" eval 'ctl map set alpha runs 00000000 0700000000000000 && ctl map get alpha runs 00000000 | grep -q "^00000000 = 0700000000000000"'
check_not "a value of the wrong size is refused" ctl map set alpha runs 00000000 07

hangup() {
	local n
	n=$(ctl -j config show | jq ".loads + .failures")
	kill -HUP "$(cat "$run/ovs-bpfd.pid")"
	wait_until 10 eval "[ \$(ctl -j config show | jq '.loads + .failures') -gt $n ]"
}
id=$(ctl -j prog show alpha | jq .id)
same_prog() {
	[ "$(ctl -j prog show alpha | jq .id)" = "$id" ] && ctl map get alpha runs 00000000 | grep -q "= 07"
}
sed -i -e 's/^rule add table=1.*/rule add table=1,priority=9,actions=output:2/' -e '/^port add b0/d' \
	-e '/meter=8/d' -e '/group_id=6/d' -e '/meter=9/s/rate=1000/rate=2000/' -e '/group_id=5/s/output:2/output:1/' \
	-e '/table=2/d' -e '/tun_metadata0/d' -e 's/^upcall set.*/upcall set masks=60/' /run/config
# Each meter has counted something; on a datapath that is none, they have from the start.
if [ -z "$WITHOUT_DATAPATH" ]; then
	ctl rule add table=0,priority=9,in_port=1,actions=meter:7,meter:8,meter:9,drop
	sysctl -qw net.ipv6.conf.a1.disable_ipv6=1
	ip link set a1 up
	wait_until 10 eval 'printf "%064d" 0 | /usr/bin/python3 -c "import socket, sys; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind((\"a1\", 0)); s.send(sys.stdin.buffer.read())"
		[ "$(ctl meter dump | grep -c "n_packets=[1-9]")" = 3 ]'
	ip link set a1 down
fi
meter() {	# the one of a number, with its counters
	ctl meter dump | grep "^meter=$1,"
}
meter7=$(meter 7)
meter7_stays() {
	ctl meter dump
	grep "n_packets=[1-9]" <<<"$meter7" && [ "$(meter 7)" = "$meter7" ]
}
check "SIGHUP reads the configuration again" hangup
check "a meter that is the same stays, with its counters" meter7_stays
check "one that differs is another, one that is not named goes" eval 'ctl meter dump && meter 9 | grep "rate=2000" && ! meter 8'
check "so do groups" eval 'ctl group dump | grep "group_id=5.*output:1" && ! ctl group dump | grep group_id=6'
check "its rules are the rules" eval '[ "$(ctl rule dump | grep -o "table=.*actions" | sed s/,n_.*prio/,prio/)" = "$(printf "table=0,priority=1,in_port=1,actions\ntable=1,priority=9,actions")" ]'
check "a limit that it no more names is what it is without" eval \
	'ctl -j upcall show | jq -c "[.masks, .max_masks, .rate, .burst]" | tee /dev/stderr | grep -q "\[0,60,0,1000\]"'
check "an option that it no more names is none" eval '[ "$(ctl -j tlv dump | jq -r ".[].field")" = tun_metadata1 ]'
check_not "a port that it no more names is gone" eval 'ctl port list | grep b0'
check "a program that has not changed is the same" same_prog
everything() {
	ctl rule dump
	ctl port list | grep -o '.*:'
	ctl prog list
	ctl group dump
	ctl meter dump
	ctl tlv dump
	ctl -j upcall show | jq -c "[.max_flows, .max_masks, .queue, .rate, .burst]"
}
before=$(everything)
as_before() {
	[ "$before" = "$(everything)" ]
}
for name in meter:7 group:5 "bpf(alpha)"; do
	printf 'meter add meter=1,pktps,bands=type=drop,rate=1\ngroup add group_id=1,type=all,bucket=actions=output:1\nrule add table=0,actions=%s\n' "$name" >/run/config
	hangup
	check "a rule can't name what only the switch of before has: $name" eval \
		'ctl config show | grep -E "failed: /run/config:3: (there is no (meter 7|group 5)|no program alpha is loaded)" && as_before'
done
printf 'rule add table=0,in_port=LOCAL,actions=sw0\nrule add table=0,actions=a0\n' >/run/config
hangup
check "nor a port" eval 'ctl config show | grep "failed: /run/config:2: no action or port has this name" && as_before'
printf 'upcall set rate=7\nrule add table=0,tun_metadata1=7,actions=drop\n' >/run/config
hangup
check "nor an option" eval 'ctl config show | grep "failed: /run/config:2: .*tun_metadata1" && as_before'
printf 'meter add meter=7,pktps,bands=type=drop,rate=1\nmeter add meter=2,pktps,bands=type=drop,rate=1\ngroup add group_id=5,type=all,bucket=actions=output:2\ngroup add group_id=2,type=all,bucket=actions=drop\nnonsense\n' >/run/batch
check_not "a batch that changes meters and groups, and fails" ctl batch /run/batch
check "leaves them as they were" eval 'ctl meter dump; ctl group dump; [ "$(everything | sed "s/n_[a-z_,=0-9]*//g")" = "$(sed "s/n_[a-z_,=0-9]*//g" <<<"$before")" ]'
printf 'meter del 9\nnonsense\n' >/run/batch
check "a meter that was only to go has its counters" eval '! ctl batch /run/batch && [ "$(meter 9)" = "$(grep ^meter=9, <<<"$before")" ]'
printf 'meter del 9\nmeter add meter=9,pktps,bands=type=drop,rate=1\nnonsense\n' >/run/batch
check "one that was to be another is back, too" eval '! ctl batch /run/batch && ctl meter dump && [ "$(meter 9 | sed "s/n_[a-z_,=0-9]*//g")" = "$(grep ^meter=9, <<<"$before" | sed "s/n_[a-z_,=0-9]*//g")" ]'
printf 'meter del 9\nmeter add meter=9,kbps,bands=type=drop,rate=2000\n' >/run/batch
check "one that comes back within a batch is there" eval 'ctl batch /run/batch && ctl meter dump && [ "$(meter 9 | sed "s/n_[a-z_,=0-9]*//g")" = "$(grep ^meter=9, <<<"$before" | sed "s/n_[a-z_,=0-9]*//g")" ]'
before=$(everything)
printf 'port add b0 2\nrule add table=0,actions=bpf(nosuch)\n' >/run/config
check "a configuration that is wrong" hangup
check "is told, by line" eval 'ctl config show | grep -q "the last attempt failed: /run/config:2: no program nosuch is loaded (at \"nosuch\", position 21)"'
check "and changes nothing" as_before

says() {	# WORDS COMMAND...: it is refused with these words
	local words=$1
	shift
	if ctl "$@" 2>/run/said; then
		echo "ovs-bpfctl $*: was done"
		return 1
	fi
	grep -qF -- "$words" /run/said || { echo "ovs-bpfctl $*: $(cat /run/said)"; return 1; }
}
says_where() {
	says 'there is no group 9 (at "9", position 24)' rule add ip,actions=flood,group:9 &&
		says 'no program nosuch is loaded (at "nosuch", position 13)' rule add 'actions=bpf(nosuch,arg=1)' &&
		says 'no program nosuch is loaded (at "nosuch", position 40)' \
			group add 'group_id=9,type=all,bucket=actions=bpf(nosuch)' || return 1
	printf 'table=3,actions=drop\n  ip, actions=meter:99\n' >/run/rules
	says '/run/rules:2: there is no meter 99 (at "99", position 21)' rule load /run/rules &&
		says '/run/rules:2: there is no meter 99 (at "99", position 21)' rule replace /run/rules || return 1
	printf 'rule add table=3,actions=drop\nrule add "ip, table=3"\n' >/run/batch
	says '/run/batch:2: a rule needs actions=... (at position 12)' batch /run/batch
}
meter_says_where() {
	says 'rate must be 1 to 4294967295 (at "0", position 19)' meter add meter=1,kbps,rate=0 &&
		says 'rate must be 1 to 4294967295 (at "1k", position 36)' meter add meter=1,pktps,bands=type=drop,rate=1k &&
		says 'meter must be 1 to 65535 (at "65536", position 7)' meter add meter=65536,kbps,rate=1 &&
		says 'type must be drop (at "dscp_remark", position 25)' meter add meter=1,kbps,bands=type=dscp_remark,rate=1 &&
		says 'a meter has meter=, kbps,' meter add meter=1,kbps,fast,rate=1 &&
		says 'needs meter=N, kbps or pktps, and rate=N (at position 13)' meter add meter=1,kbps
}
check "what is wrong with a rule is told by its place" says_where
check "so is what is wrong with a meter" meter_says_where

cat >/run/rules <<'RULES'
# a remark
table=4,in_port=a0,priority=4,actions=drop	# another: actions=output:9
 table=4,priority=3,actions=output:a0,sw0,"a0",LOCAL,resubmit(a0,5) #
RULES
named() {	# the ports of rules in table 4
	[ "$(ctl rule dump | sed -n 's/^table=4,.*priority=//p' | tee /dev/stderr | tr '\n' ' ')" = "$1" ]
}
all_named="4,in_port=1,actions=drop 3,actions=output:1,output:0,output:1,output:0,resubmit(1,5) "
check "ports have names, and rules of a file have remarks" eval 'ctl rule load /run/rules && named "$all_named"'
check "a trace knows them" eval 'ctl trace in_port=a0,ip,nw_src=1.2.3.4 | tee /dev/stderr | grep "^megaflow: .*in_port=1"'
renumber() {
	printf 'port del a0\n' >/run/batch
	ctl batch /run/batch && says 'no port has this name (at "a0", position 9)' rule add in_port=a0,actions=drop || return 1
	ctl port add a0 9 && named "$all_named" && ctl rule add table=4,in_port=a0,priority=2,actions=drop &&
		named "${all_named}2,in_port=9,actions=drop " && ctl port del a0 && ctl port add a0 1
}
check "a rule has the number that the port had when it was read" renumber
check "rules are deleted by a port's name" eval 'ctl rule del table=4,in_port=a0 && named "3${all_named#*3}2,in_port=9,actions=drop "'
check "and the others" eval 'ctl rule del table=4 && named ""'

printf 'table=0,priority=1,in_port=1,actions=bpf(alpha),goto_table:1\ntable=3,actions=drop\n' >/run/rules
check "rule replace" eval 'ctl rule replace /run/rules | grep -q "^1 rules added, 1 deleted, 1 kept"'
printf 'table=7,actions=drop\ntable=8,actions=dorp\n' >/run/rules
check_not "is all or nothing" ctl rule replace /run/rules
check "the rules are those of before" eval '[ "$(ctl rule dump | grep -c .)" = 2 ] && ! ctl rule dump | grep -q table=7'

# The text of a rule is long where options are.
check_not "an option of 128 bytes is refused" ctl tlv add '{class=0x102,type=3,len=128}->tun_metadata2'
check "one of 116 is not" ctl tlv add '{class=0x102,type=3,len=116}->tun_metadata2'
digits=7$(printf '%0230u' 0)5
long_rules() {	# VALUE: replaces all rules, the long one by one that sets at last a field to that
	printf 'table=0,priority=1,in_port=1,actions=bpf(alpha),goto_table:1\ntable=3,actions=drop\n' >/run/rules
	{
		printf 'table=4,priority=1,tun_metadata2=0x%s/0x%s,actions=' "$digits" "$digits"
		for _ in $(seq 40); do
			printf 'set_field:0x%s/0x%s->tun_metadata2,' "$digits" "$digits"
		done
		echo "set_field:$1->reg0"
	} >>/run/rules
	ctl rule replace /run/rules
}
check "a rule of twenty thousand characters" eval 'long_rules 0x5 | grep -q "^1 rules added, 0 deleted, 2 kept"'
check "is the same when it is dumped and read again" eval \
	'ctl rule dump >/run/dumped && ctl rule replace /run/dumped | grep -q "^0 rules added, 0 deleted, 3 kept"'
check "or loaded again" eval 'long_rules 0x5 | grep -q "^0 rules added, 0 deleted, 3 kept"'
check "and another one if its end is" eval 'long_rules 0x6 | grep -q "^1 rules added, 1 deleted, 2 kept"'
long_trace() {
	ctl trace "in_port=1,tun_metadata2=0x$digits" && ctl rule add "table=0,priority=9,in_port=1,actions=resubmit(,4)" &&
		ctl trace "in_port=1,tun_metadata2=0x$digits" | tee /dev/stderr | grep -q "actions=set_field:.*->tun_metadata2,set_field:0x6->reg0\$" &&
		ctl rule del --strict table=0,priority=9,in_port=1
}
check "a trace has all of it" long_trace
check "the rule is deleted by its priority, and no other of its match" eval \
	'[ "$(ctl -j rule dump table=0,in_port=1 | jq -c "[.[].priority]")" = "[1]" ]'
check "without --strict no priority is taken" eval 'ctl rule del table=0,priority=1 2>&1 | grep "only with --strict (at \"priority\", position 9)"'
check "the option goes with the rule" eval 'ctl rule del table=4 && ctl tlv del tun_metadata2'

reads() {	# what a packet's megaflow would look at
	ctl trace in_port=1,tcp,nw_dst=10.0.0.9,tp_dst=81 | grep -o 'megaflow: .*'
}
# One of the same fields stays, so that they are looked at.
ctl rule add table=0,priority=9,tcp,nw_dst=10.99.0.1,tp_dst=80,actions=drop
before=$(reads)
printf 'rule add table=0,priority=9,tcp,nw_dst=10.0.0.1,tp_dst=80,actions=drop\nnonsense\n' >/run/batch
reads_less_again() {
	ctl rule add table=0,priority=9,tcp,nw_dst=10.0.0.1,tp_dst=80,actions=drop || return
	reads | grep nw_dst=10.0.0 && ctl rule del tcp,nw_dst=10.0.0.1 && ! ctl batch /run/batch && reads &&
		[ "$(reads)" = "$before" ]
}
check "rules that are gone, or were undone, are not looked for" reads_less_again
ctl rule del tcp,nw_dst=10.99.0.1

userspace/ovs-bpfctl monitor rule port >/run/events 2>&1 &
monitor=$!
check "events come to who asked for them" eval \
	'wait_until 10 eval "ctl rule add table=9,actions=drop; grep -q \"rule: added table=9\" /run/events" && ctl rule del table=9 && wait_until 5 grep -q "rule: deleted table=9" /run/events'
ctl rule add table=9,idle_timeout=1,actions=drop
ctl rule add table=9,hard_timeout=2,priority=7,actions=drop
check "a dump tells timeouts" eval '[ "$(ctl rule dump table=9 | grep -o "\(idle\|hard\)_.*")" = "$(printf "idle_timeout=1,priority=32768,actions=drop\nhard_timeout=2,priority=7,actions=drop")" ]'
goes() {	# RULE REASON
	wait_until 20 grep -q "rule: deleted table=9,$1,actions=drop ($2)" /run/events
}
check "a rule that goes by itself is told of, too: unused" goes idle_timeout=1,priority=32768 idle_timeout
check "its time is over" goes hard_timeout=2,priority=7 hard_timeout
check "they are gone, and no other is" eval '! ctl rule dump | grep table=9 && ctl rule dump | grep table=0'
check "of ports too, whoever adds them" eval 'ctl port add b0 2 && wait_until 5 grep -q "port: added port 2" /run/events'
kill $monitor
userspace/ovs-bpfctl -j monitor rule >/run/events 2>&1 &
monitor=$!
check "as JSON each line is an event" eval \
	'wait_until 10 eval "ctl rule add table=9,actions=drop; test -s /run/events" && ctl rule del table=9 && wait_until 5 grep -q deleted /run/events && [ "$(jq -s "map(.event == \"rule\") | all" /run/events)" = true ]'
kill $monitor

cat >/run/misbehave.py <<'PY'
import json, os, socket, sys, time
pid = open('/run/openvswitch/ovs-bpfd.pid').read().strip()
def dial():
    s = socket.socket(socket.AF_UNIX)
    s.connect('/run/openvswitch/ovs-bpfd.%s.ctl' % pid)
    return s
def rss():
    return [int(l.split()[1]) for l in open('/proc/%s/status' % pid) if l.startswith('VmRSS')][0]
def ask(method, *params):
    return json.dumps({'id': 1, 'method': method, 'params': list(params)}).encode()
if sys.argv[1] == 'deaf':
    # Asks and asks, and never listens.
    deaf = [dial() for i in range(8)]
    before, asked = rss(), 0
    for s in deaf:
        s.setblocking(False)
        try:
            while asked < 1 << 26:
                asked += s.send(ask('list-commands') * 50)
        except BlockingIOError:
            pass
    s = dial()
    s.settimeout(20)
    s.sendall(ask('version'))
    assert b'ovs-bpfd' in s.recv(1000)
    grown = rss() - before
    print('grown by %d KiB' % grown)
    assert grown < 16384, grown
elif sys.argv[1] == 'dribble':
    # A request byte by byte, with others in between.
    slow, text = dial(), ask('version')
    for b in text:
        slow.sendall(bytes([b]))
        s = dial()
        s.sendall(ask('version'))
        assert b'ovs-bpfd' in s.recv(1000)
        s.close()
    assert b'ovs-bpfd' in slow.recv(1000)
elif sys.argv[1] == 'huge':
    s, sent = dial(), 0
    try:
        s.sendall(b'{"id":1,"method":"')
        while sent < 1 << 26:
            sent += s.send(b'A' * 65536)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert sent < 1 << 22, sent
elif sys.argv[1] == 'many':
    s = [dial() for i in range(100)]
    s[0].sendall(ask('version'))
    assert b'ovs-bpfd' in s[0].recv(1000)
elif sys.argv[1] == 'half':
    # Says no more, and still gets its answer.
    s = dial()
    s.sendall(ask('version'))
    s.shutdown(socket.SHUT_WR)
    assert b'ovs-bpfd' in s.recv(1000)
    assert s.recv(1000) == b''
PY
for how in deaf dribble huge many half; do
	check "a client that misbehaves: $how" timeout 60 /usr/bin/python3 /run/misbehave.py $how
done
mkfifo /run/fifo
check_not "a file that is a pipe is not waited for" timeout 10 userspace/ovs-bpfctl rule load /run/fifo

scrape() {
	curl -s --noproxy '*' "http://127.0.0.1:19310$1"
}
check "metrics have the exporter's names" eval \
	'scrape /metrics | grep -q "^openvswitch_datapath_stats_hits_total{datapath=\"sw0\"} [0-9]*$" && scrape /metrics | grep -q "^openvswitch_datapath_megaflow_stats_masks{datapath=\"sw0\"} [0-9]"'
check "each has a type and no sample comes twice" eval \
	'scrape /metrics | awk "/^# TYPE/ { t[\$3] = 1; next } /^#/ { next } { n = \$1; sub(/{.*/, \"\", n); if (!t[n] || seen[\$1]++) { print; bad = 1 } } END { exit bad || NR < 40 }"'
check "they are those of the daemon" eval '[ "$(scrape /metrics | sed -n "s/^ovs_bpfd_rules //p")" = "$(ctl rule dump | grep -c .)" ]'
check "rules that went by themselves are counted, by reason" eval \
	'[ "$(scrape /metrics | grep ^ovs_bpfd_rules_expired_total)" = "$(printf "ovs_bpfd_rules_expired_total{reason=\"%s\"} 1\n" idle_timeout hard_timeout)" ]'
check "another page is not there" eval '[ "$(curl -s --noproxy "*" -o /dev/null -w "%{http_code}" http://127.0.0.1:19310/x)" = 404 ]'
check "the daemon has two capabilities, and one more if it had that" eval 'grep -qE "^CapEff:[[:space:]]*000000c000001000$" /proc/$(cat $run/ovs-bpfd.pid)/status'
ctl dp del
wait_until 10 eval "! test -e $run/ovs-bpfd.pid"

cat >/run/manager.py <<'PY'
import os, signal, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('/run/notify')
s.settimeout(30)
env = dict(os.environ, NOTIFY_SOCKET='/run/notify', WATCHDOG_USEC='400000')
p = subprocess.Popen([sys.argv[1], '--dp', 'sw1'], env=env)
def until(word):
    seen = b''
    while word not in seen:
        seen = s.recv(1000)
until(b'READY=1')
for i in range(4):
    until(b'WATCHDOG=1')
p.send_signal(signal.SIGHUP)
until(b'RELOADING=1\nMONOTONIC_USEC=')
until(b'READY=1')
p.send_signal(signal.SIGTERM)
until(b'STOPPING=1')
assert p.wait(30) == 0
PY
check "a service manager is told how it goes" timeout 120 /usr/bin/python3 /run/manager.py $daemon
for cap in net_admin bpf; do
	check "without ${cap^^} it says so in a sentence" eval \
		"setpriv --bounding-set=-$cap timeout 10 $daemon --dp sw2 2>&1 | grep '^ovs-bpfd: CAP_${cap^^} is missing: '"
done
check "with those two it runs" eval \
	'timeout -s INT 5 setpriv --bounding-set=-all,+net_admin,+bpf $daemon --dp sw2 --detach && ctl prog load dscp bpf-progs/dscp/dscp.bpf.o'
for prog in alpha lb syn; do
	check "and loads our own programs: $prog" ctl prog load $prog bpf-progs/$prog/$prog.bpf.o
done
check "a program that needs one more is refused, with a hint" eval \
	'ctl prog load perfmon userspace/tests/progs/perfmon.bpf.o 2>&1 | grep "^hint: the daemon lacks CAP_PERFMON"'
ctl dp del
if [ -z "$WITHOUT_DATAPATH" ]; then
	check "the module unloads" unload_module
else
	point 0 "the module unloads # SKIP it is not loaded"
fi
finish
