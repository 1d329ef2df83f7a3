#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: what must make a run fail does.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 7
status() {
	local want=$1 got
	shift
	timeout 200 scripts/vm run "$@"
	got=$?
	echo "status $got"
	[ "$got" = "$want" ]
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
check "the exit status comes back" status 7 -- sh -c 'exit 7'
check "a panic fails the run" status 125 -- sh -c 'echo c >/proc/sysrq-trigger; cat'
check "a warning fails the run" status 125 -- \
	sh -c 'echo "WARNING: CPU: 0 PID: 1 at net/x.c:1 f+0x0/0x1" >/dev/kmsg; exit 0'
check "a hang fails the run" status 124 --timeout 12 -- sh -c 'while :; do :; done'
thrice() {	# too little memory to boot with
	status 125 --mem 48 -- true >"$dir/out" 2>&1 && [ "$(grep -c 'once more' "$dir/out")" = 2 ]
}
check "a kernel that does not boot is tried three times" thrice
check "files come back" eval 'status 0 --out "$dir" -- sh -c "echo hello >\$VM_OUT/file" && grep -q hello "$dir/file"'
check_not "the machine's own files are not written" eval \
	'status 0 -- touch "$PWD/written-in-the-vm"; test -e written-in-the-vm'
finish
