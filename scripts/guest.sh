# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What scripts/vm and scripts/uml share: the command's way in, the end of its time, the
# verdict.  Between them the runner and its guest have a folder, $tmp/share: "command"
# goes in, "status" and out/ come back, and $tmp/console is the kernel's log.

# A line of the kernel's log that fails a run, and lines that only look like one.
FAULT='Kernel panic|\bBUG[: ]|Oops|general protection|WARNING:|Call Trace|UBSAN|KASAN:'
FAULT+='|kmemleak: ([0-9]+ new|.*disabled)|unreferenced object|ODEBUG:|unregister_netdevice: waiting'
FAULT+='|soft lockup|rcu.*stall|hung_task|blocked for more than'
FAULT+='|INFO: (possible|inconsistent|suspicious|task|trying to register non-static)'
HARMLESS='WARNING: CPU: [0-9]+ PID: [0-9]+ at .*(tsc|clocksource|timer/clock|tick-)'

# guest_log: what of the kernel's log is to be judged; a runner may say it again.  When a
# test has made an allocation of its fail, the kernel's core may show its stack: no fault.
# Nor are the options of a tunnel, which Linux 6.12 copies behind a struct and then takes
# for too long a copy (ip_tunnel_info_opts_set(); geneve's, and the stock module's).
guest_log() {
	awk '/WARNING: .* at include\/net\/ip_tunnels\.h:/ { copied = 1 }
	copied { copied = !/end trace/; next }
	/sysctl could not get directory: .* -12/ { expected = 1 }
	expected && /Call Trace:/ { expected = 0; next }
	{ print }' "$tmp/console"
}

die() {
	echo "scripts/${0##*/}: $*" >&2
	exit 2
}

# guest_option OPTION VALUE: the options that all runners have
guest_option() {
	case $1 in
	--mem) mem=${2:?} ;;
	--timeout) limit=${2:?} ;;
	--out) out=${2:?} ;;
	*) die "unknown option '$1' (try --help)" ;;
	esac
}

# guest_kmod uml|x86|VERSION: have the module under test built for that kernel
guest_kmod() {
	[ -z "${OVS_KMOD:-}" ] || return 0
	OVS_KMOD=$("$here/build-kmod" "$1") || die "the module does not build for this kernel"
	export OVS_KMOD
}

# guest_share COMMAND [ARG]...: make the folder
guest_share() {
	local v
	mkdir -p "$tmp/share/out"
	{
		printf 'cd %q\n' "$PWD"
		for v in OVS_KMOD OVS_ROUNDS CI TERM; do
			[ -n "${!v+set}" ] && printf 'export %s=%q\n' "$v" "${!v}"
		done
		printf 'exec'
		printf ' %q' "$@"
		printf '\n'
	} >"$tmp/share/command"
	cp "$here/guest-stage2" "$tmp/share/stage2"
	: >"$tmp/console"
	mkfifo "$tmp/output"
}

# guest_wait PID SECONDS: until the guest ends, or fail and kill it
guest_wait() {
	local started=$SECONDS down=0
	while kill -0 "$1" 2>/dev/null; do
		if [ $((SECONDS - started)) -ge "$2" ]; then
			kill -9 "$1"
			return 1
		fi
		# User-mode Linux may spin on when it is down.
		if grep -aq '^reboot: Power down' "$tmp/console" && [ $((++down)) -gt 10 ]; then
			kill -9 "$1"
			return 0
		fi
		# Returns as soon as the guest ends.
		timeout 1 tail --pid="$1" -f /dev/null 2>/dev/null
	done
	return 0
}

# guest_verdict HUNG: exit as --help promises
guest_verdict() {
	local fault
	if [ -n "$out" ]; then
		mkdir -p "$out"
		cp -a "$tmp/share/out/." "$out/"
		cp "$tmp/console" "$out/console.log"
	fi
	fault=$(guest_log | grep -aE "$FAULT" | grep -avE "$HARMLESS" | head -n 1)
	if [ -n "$fault" ]; then
		echo "scripts/${0##*/}: the kernel reported: $fault" >&2
		# The report that came first is the one to believe.
		guest_log | grep -aF -m 1 -A 100 -- "$fault" >&2
		exit 125
	fi
	if [ "$1" = 1 ]; then
		echo "scripts/${0##*/}: gave up after $limit s; the kernel's last words:" >&2
		tail -n 40 "$tmp/console" >&2
		exit 124
	fi
	if [ ! -s "$tmp/share/status" ]; then
		echo "scripts/${0##*/}: the guest ended without a status; the kernel's last words:" >&2
		cat "$tmp/guest.err" >&2
		tail -n 60 "$tmp/console" >&2
		exit 125
	fi
	exit "$(cat "$tmp/share/status")"
}
