#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input: each fuzzer runs its corpus, and goes on from there for a while, with the
# address and undefined sanitizers.  FUZZ_SECONDS says how long (20).  What makes one
# fail is printed in base64; put it into tests/corpus when it is mended.
self=$(realpath "$0")
cd "$(dirname "$self")/../.." || exit 2
# shellcheck source=../../selftests/lib/ktap.sh
. selftests/lib/ktap.sh

[ "$(id -u)" = 0 ] || skip_all "must run as root"
fuzzers=(command rule request upcall)
if [ "${1:-}" != --inside ]; then
	make -s -C userspace fuzz >&2 || bail "the fuzzers do not build"
	exec unshare --mount --propagation private "$self" --inside
fi
plan $((2 * ${#fuzzers[@]}))
{ mount -t tmpfs tmpfs /run && mount -t bpf bpf /sys/fs/bpf; } || bail "no bpffs of its own"
top=$PWD
mkdir /run/files /run/new
cd /run/files || exit 2
# What commands may name.
cp "$top/bpf-progs/dscp/dscp.bpf.o" prog.o
cp "$top/userspace/tests/progs/refused-1.bpf.o" bad.o
head -c 3000 prog.o >cut.o
printf 'table=0,ip,actions=output:1\ntable=3,actions=drop\n' >rules
printf 'rule add table=4,actions=drop\nport add p3 3\nprog load x prog.o\n' >./batch
printf 'port del p3\nport add p4 3\nport add p3 4\ntlv add {class=1,type=2,len=40}->tun_metadata0\nvlog set flow:file:dbg\n' >./again

# fuzz NAME SECONDS: 0 seconds: the corpus alone
fuzz() {
	local args=(-timeout=25 -rss_limit_mb=1500 -print_final_stats=1 -artifact_prefix=/run/)
	if [ "$2" = 0 ]; then
		"$top/build/fuzz/fuzz_$1" "${args[@]}" -runs=0 "$top/userspace/tests/corpus/$1"
	else
		mkdir -p "/run/new/$1"
		"$top/build/fuzz/fuzz_$1" "${args[@]}" -max_total_time="$2" -max_len=2048 \
			"/run/new/$1" "$top/userspace/tests/corpus/$1"
	fi >/run/log 2>&1 && return
	grep -m 1 -A 12 'ERROR\|runtime error\|->' /run/log
	grep 'Base64' /run/log
	return 1
}
export UBSAN_OPTIONS=halt_on_error=1
for f in "${fuzzers[@]}"; do
	check "$f: the corpus" fuzz "$f" 0
	check "$f: and whatever else" fuzz "$f" "${FUZZ_SECONDS:-20}"
	sed -n 's/^stat::number_of_executed_units: */# inputs: /p' /run/log
done
finish
