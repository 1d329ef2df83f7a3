#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two senders on two processors, and one megaflow, filter and program for both: the module
# reads and writes no cache line that both have and one writes for its packets.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 2
table=$("$(dirname "$0")/../../scripts/bench" --lines common-programs@this)
check "two senders send" [ $? = 0 ]
while read -r line; do
	echo "# $line"
done <<<"$table"
module=$(echo "$table" | awk '$1 == "common-programs@this" { print $3 }')
check "no packet has a line of the module in common with the other processor" [ "$module" = 0.00 ]
finish
