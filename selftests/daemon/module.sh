#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ovs-bpfd without the module, and with another one than its own.
# shellcheck source=../lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"
plan 5

# refused WHAT SENTENCE
refused() {
	check "$1: it does not start" eval '! start_daemon 2>/run/said'
	check "$1: and says why" grep -q "$2" /run/said
}

refused "without a module" "is the module openvswitch loaded?"
modprobe -a nf_conntrack nf_nat nf_conncount nsh libcrc32c
insmod "$(modinfo -n openvswitch)" || bail "the stock module can't be loaded"
refused "with the stock module" "is not that of ovs-bpf"
check "no datapath is left behind" [ ! -e /sys/class/net/sw0 ]
finish
