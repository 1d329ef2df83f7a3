#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every command of the table, and no other, is in the manual, in --help, has a help of
# its own, and is completed with its keywords.  The table is read as text here, not by
# the programs that live by it.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=../../selftests/lib/ktap.sh
. selftests/lib/ktap.sh
plan 16
# object:verb:arguments
rows=$(sed -n 's/^COMMAND("\([^"]*\)", "\([^"]*\)", cmd_[a-z_]*, "\([^"]*\)".*/\1:\2:\3/p' userspace/lib/cmds.def)
ctl() {
	userspace/ovs-bpfctl "$@"
}
# As a line tells of it, with the range of a number left out.
usages() {
	sed -e 's/:/ /g' -e 's/ \+/ /g' -e 's/ $//' -e 's/=[0-9]*-[0-9]*//g' <<<"$rows" | sort
}
same() {	# TEXT: are these the usages?
	diff <(usages) <(sort <<<"$1")
}
check "the table was read" eval '[ "$(grep -c . <<<"$rows")" = "$(grep -c ^COMMAND userspace/lib/cmds.def)" ] && [ "$(grep -c . <<<"$rows")" -gt 40 ]'
check "each command is in the manual" same \
	"$(sed -n '/^\.SH COMMANDS/,/^\.SH BATCHES/s/^\.B //p' userspace/man/ovs-bpfctl.8 | sed 's/\\-/-/g')"
check "each is in --help" same \
	"$(ctl --help | sed -n '/--version/,$p' | sed -n 's/^  \([a-z].*\)/\1/p' | sed -e 's/   .*//' -e 's/ $//')"
helped() {
	local object verb args
	while IFS=: read -r object verb args; do
		# shellcheck disable=SC2086,SC2001
		ctl $object $verb --help | grep -qxF "Usage: ovs-bpfctl [-j] $(sed 's/=[0-9]*-[0-9]*//' <<<"$object${verb:+ $verb}${args:+ $args}")" ||
			{ echo "$object $verb"; return 1; }
	done <<<"$rows"
}
check "each has a help of its own" helped
# What the shell would offer behind words of a command line.
offered() {
	# shellcheck disable=SC2016
	bash -c '. userspace/completion/ovs-bpfctl; COMP_WORDS=(userspace/ovs-bpfctl "$@"); COMP_CWORD=$#; _ovs_bpfctl; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
check "each object is completed" eval 'diff <(cut -d: -f1 <<<"$rows" | sort -u) <(offered "" | grep -v ^- | sort)'
verbs() {
	local object
	while read -r object; do
		diff <(sed -n "s/^$object:\([^:]*\):.*/\1/p" <<<"$rows" | sort) <(offered "$object" "" | sort) || return
	done < <(grep -v '^[a-z-]*::' <<<"$rows" | cut -d: -f1 | sort -u)
}
check "each verb" verbs
keywords() {
	local object verb args word
	while IFS=: read -r object verb args; do
		for word in $args; do
			word=${word#[}
			word=${word%]}
			case $word in
			[A-Z]*) continue ;;
			esac
			# shellcheck disable=SC2086
			offered $object $verb "" | grep -qxe "$word" || { echo "$object $verb: $word"; return 1; }
		done
	done <<<"$rows"
}
check "each keyword" keywords
check "a word that is begun is completed" eval '[ "$(offered prog unl)" = unload ]'
# Words that a row's text names behind a colon, up to a full stop.
named() {	# OBJECT VERB WHAT
	sed -n "/^COMMAND(\"$1\", \"$2\"/,/^\t\".*\")\$/p" userspace/lib/cmds.def | tr -d '"\n\t' | sed "s/.*$3: *\([a-z, ]*\).*/\1/" | tr -d ' ' | tr , '\n' | sort
}
check "each kind of event" eval 'named monitor "" "as they happen" | grep -qx packet && diff <(named monitor "" "as they happen") <(offered monitor "" | sort)'
check "behind others, too" eval '[ "$(offered monitor rule po)" = port ]'
check "each limit" eval 'diff <(sed -n "/\"upcall\", \"set\"/,/^COMMAND(\"monitor/p" userspace/lib/cmds.def | grep -o "[a-z]*=N" | tr -d N | sort) <(offered upcall set "" | sort)'
levels() {	# the modules of a log, then what the row tells of
	grep -o 'X([a-z]*)' userspace/lib/log.h | sed 's/X(\(.*\))/\1/' | grep -vx name
	named vlog set Destinations
	named vlog set Levels
}
check "what is logged where" eval 'levels | grep -qx emer && diff <(levels | sort) <(offered vlog set "" | sort)'
check "part by part" eval '[ "$(offered vlog set flow:con)" = "$(printf "flow:config\nflow:control\nflow:console")" ] && [ "$(offered vlog set flow:console:d)" = "$(printf "flow:console:datapath\nflow:console:dbg")" ]'
# As the shell has it by default.
split() {
	# shellcheck disable=SC2016
	bash -c '. userspace/completion/ovs-bpfctl; COMP_WORDBREAKS=" =:"; COMP_WORDS=(userspace/ovs-bpfctl "$@"); COMP_CWORD=$#; _ovs_bpfctl; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
check "though the shell takes words apart" eval '[ "$(split vlog set flow : console : d)" = "$(printf "datapath\ndbg")" ] && [ "$(split vlog set flow :)" = "$(offered vlog set "")" ] && [ "$(split upcall set rate = 7 bu)" = burst= ]'
check "nothing is offered behind a value" eval '[ -z "$(offered upcall set rate=)" ]'
options() {
	diff <(userspace/ovs-bpfd --help | grep -o -e ' --[a-z-]*' | grep -v -e --usage | tr -d ' ' | sort -u) \
		<(sed -n '/^\.SH OPTIONS/,/^\.SH CONF/p' userspace/man/ovs-bpfd.8 | sed -e 's/\\f[BIR]/ /g' -e 's/\\//g' | grep -o -e ' --[a-z-]*' | tr -d ' ' | sort -u)
}
check "each option of ovs-bpfd is in its manual" options
finish
