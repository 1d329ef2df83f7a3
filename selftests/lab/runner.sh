#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The runner itself: a test that lies is caught.  On a copy with a test of its own.
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 11
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/scripts" "$dir/selftests/lab"
cp scripts/check "$dir/scripts/"
verdict() {	# WANT SCRIPT
	printf '#!/bin/sh\n%s\n' "$2" >"$dir/selftests/lab/t.sh"
	chmod +x "$dir/selftests/lab/t.sh"
	last=$("$dir/scripts/check" lab | tail -n 1)
	echo "said: $last"
	[ "$last" = "$1" ]
}
check "a good test passes" verdict "2 passed, 0 failed, 0 skipped" 'echo 1..2; echo ok 1; echo ok 2'
check "a bad point fails" verdict "1 passed, 1 failed, 0 skipped" 'echo 1..2; echo ok 1; echo not ok 2; exit 1'
check "no plan fails" verdict "1 passed, 1 failed, 0 skipped" 'echo ok 1'
check "fewer points than planned fail" verdict "1 passed, 1 failed, 0 skipped" 'echo 1..3; echo ok 1'
check "a crash behind good points fails" verdict "1 passed, 1 failed, 0 skipped" 'echo 1..1; echo ok 1; exit 3'
check "a skip is no failure" verdict "0 passed, 0 failed, 1 skipped" 'echo "1..0 # SKIP why"; exit 4'

# One that does not end is asked to end, and can clean up.
sed -i 's/^LIMIT = .*/LIMIT = 1/; s/^GRACE = .*/GRACE = 1/' "$dir/scripts/check"
check "a test that does not end fails" verdict "1 passed, 1 failed, 0 skipped" \
	"trap 'echo >$dir/cleaned; exit' TERM; echo 1..1; echo ok 1; while :; do sleep 0.1; done"
check "what it has started, it can end" [ -e "$dir/cleaned" ]

# The emulator's own fault, at first: a VM that is none tells how it was called.
mkdir "$dir/selftests/datapath"
cat >"$dir/scripts/vm" <<'SH'
#!/bin/sh
echo "$*" >>calls
[ "$(wc -l <calls)" -gt 1 ] || { echo "int3: 0000 [#1] SMP"; exit 125; }
echo 1..1
echo ok 1
SH
chmod +x "$dir/scripts/vm"
emulated() {	# WANT CALLS TEXT
	rm -f "$dir/calls"
	printf '#!/bin/sh\n%s\n' "$3" >"$dir/selftests/datapath/t.sh"
	chmod +x "$dir/selftests/datapath/t.sh"
	last=$("$dir/scripts/check" datapath | tail -n 1)
	cat "$dir/calls"
	[ "$last" = "$1" ] && [ "$(grep -c -- "$2" "$dir/calls")" = "$(wc -l <"$dir/calls")" ]
}
check "a test whose processors run at once is run again when the emulator fails" \
	emulated "1 passed, 0 failed, 0 skipped" --parallel '# wants: parallel'
check "another is not" emulated "0 passed, 1 failed, 0 skipped" datapath/t.sh ''
check_not "no test at all is a failure" scripts/check no-such-test
finish
