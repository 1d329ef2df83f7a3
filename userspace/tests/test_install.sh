#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# "make install" into a folder of the test's own, and what it put there at work.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=../../selftests/lib/ktap.sh
. selftests/lib/ktap.sh
plan 13
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
usr=$dest/opt/switch
check "make install" make -s install DESTDIR="$dest" PREFIX=/opt/switch
files() {
	local f
	for f in sbin/ovs-bpfd sbin/ovs-bpfctl share/man/man8/ovs-bpfd.8 share/man/man8/ovs-bpfctl.8 \
		share/bash-completion/completions/ovs-bpfctl lib/systemd/system/ovs-bpfd.service \
		include/ovs_bpf.h include/linux/openvswitch_bpf.h \
		lib/ovs-bpf/{dscp,lb,syn}.bpf.o share/ovs-bpf/examples/{dscp,lb,syn}.bpf.c share/ovs-bpf/examples/lb.h; do
		test -s "$usr/$f" || { echo "no $f"; return 1; }
		echo "$usr/$f"
	done
}
check "all is there" files
check "and nothing else" eval '[ "$(find "$dest" -type f | sort)" = "$(files | sort)" ]'
check "all may read it, only the programs are executable" eval \
	'[ "$(find "$dest" -type f -perm -a=r | wc -l)" = "$(files | wc -l)" ] && [ "$(find "$dest" -type f -perm /a=x | sort)" = "$(printf "%s\n" "$usr"/sbin/ovs-bpf{ctl,d})" ]'
check "the daemon runs from there" eval '"$usr/sbin/ovs-bpfd" --version | grep "^ovs-bpfd [0-9]"'
check "so does ovs-bpfctl" eval '"$usr/sbin/ovs-bpfctl" --version | grep "^ovs-bpfctl [0-9]"'
check "nothing names the place where it was built, or where it was first put" eval \
	'! grep -rl -e "$PWD" -e "$dest" -e /usr/sbin/ovs-bpf "$usr/share" "$usr/lib" "$usr/include"'
check "the service starts what is installed" grep -q '^ExecStart=/opt/switch/sbin/ovs-bpfd ' "$usr/lib/systemd/system/ovs-bpfd.service"
if command -v systemd-analyze >/dev/null; then
	# It looks whether the program is there.
	sed "s,=/opt/switch,=$usr," "$usr/lib/systemd/system/ovs-bpfd.service" >"$dest/ovs-bpfd.service"
	check "systemd takes the service file without a word" eval \
		'systemd-analyze verify --man=no --recursive-errors=no "$dest/ovs-bpfd.service" >"$dest/said" 2>&1 && ! grep "ovs-bpfd" "$dest/said"'
else
	point 0 "systemd takes the service file # SKIP there is no systemd-analyze"
fi
manual() {
	man --warnings -l -E UTF-8 "$usr/share/man/man8/$1.8" >"$dest/text" 2>"$dest/warnings" || return
	cat "$dest/warnings"
	[ ! -s "$dest/warnings" ] && grep -q '^SEE ALSO' "$dest/text"
}
check "the manual of ovs-bpfd has no fault" manual ovs-bpfd
check "nor that of ovs-bpfctl" manual ovs-bpfctl
completed() {
	bash -c '. "$1/share/bash-completion/completions/ovs-bpfctl" && PATH=$1/sbin:$PATH
		COMP_WORDS=(ovs-bpfctl port "") COMP_CWORD=2 && _ovs_bpfctl && printf "%s\n" "${COMPREPLY[@]}"' - "$usr" | grep -qx add
}
check "completion asks the ovs-bpfctl that is installed" completed
examples() {
	local c
	for c in "$usr"/share/ovs-bpf/examples/*.bpf.c; do
		clang -target bpf -O2 -g -Wall -Werror -I"$usr/include" "-I/usr/include/$(cc -print-multiarch)" -c "$c" -o "$dest/o" || return
	done
}
check "the examples compile with the headers that are installed" examples
finish
