#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Deliberate faults (selftests/lab/faults) on a debug kernel: each is reported, by its
# name, and makes the run exit 125.  OVS_DEBUG=uml (the default) or x86 says on which.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

kind=${OVS_DEBUG:-uml}
scripts/debug-kernel --dir "$kind" >/dev/null ||
	skip_all "no such kernel is built: make debug-kernel-$kind"
case $kind in
uml) run=(scripts/uml run) ;;
x86) run=(scripts/vm run --kernel debug) ;;
esac

# A fault, and what the kernel says of it.
faults='out-of-bounds		BUG: KASAN: slab-out-of-bounds in out_of_bounds
use-after-free		BUG: KASAN: use-after-free in use_after_free
double-free		BUG: KASAN: double-free
leak			unreferenced object
inversion		WARNING: possible circular locking dependency detected
no-rcu-lock		WARNING: suspicious RCU usage
index-out-of-bounds	UBSAN: array-index-out-of-bounds
shift-out-of-bounds	UBSAN: shift-out-of-bounds'
# User-mode Linux does not count preemption, so it can't tell atomic context.
[ "$kind" = uml ] || faults+='
sleep-in-atomic		BUG: sleeping function called from invalid context'

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
OVS_KMOD=$(scripts/build-kmod "$kind") || bail "the module does not build for this kernel"
export OVS_KMOD
faulty=$PWD/build/$kind/selftests/lab/faults/faults.ko

# status FAULT: the exit status of a run that commits it
status() {
	rm -rf "${results:?}"/*
	"${run[@]}" --timeout 200 --out "$results" -- insmod "$faulty" fault="$1"
}
reported() {
	status "$1"
	[ $? = 125 ] && grep -E "$2" "$results/console.log"
}

plan $((2 + $(wc -l <<<"$faults")))
check "no fault, no report" status none
while read -r name report; do
	check "$name is reported and fails the run" reported "$name" "$report"
done <<<"$faults"
check "the module under test reports nothing" eval \
	'"${run[@]}" -- sh -c "insmod $OVS_KMOD && rmmod openvswitch"'
finish
