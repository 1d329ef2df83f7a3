#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The demo, with fewer connections: what it prints must be so.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

[ "$OVS_KMOD" = stock ] && skip_all "the stock module has no BPF action"
plan 5
check "the demo runs, every reply is right" eval 'scripts/demo --inside 60 >/run/demo.log 2>&1 || { cat /run/demo.log; false; }'
check "both ways served all connections" eval '[ "$(grep -c "replies right: 60" /run/demo.log)" = 2 ]'
check "a handful of megaflows with the program" eval \
	'awk "/^megaflows  / { ok = \$2 <= 20 && \$3 >= 120 } END { exit !ok }" /run/demo.log'
check "with programs, an upcall for each megaflow, not for each connection" eval \
	'awk "/^upcalls  / { ok = \$2 <= 25 && \$3 >= 120 } END { exit !ok }" /run/demo.log'
check "the module unloads" unload_module
finish
