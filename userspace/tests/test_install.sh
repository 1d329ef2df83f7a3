#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# "make install" into a folder of the test's own, and what it put there at work.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=../../selftests/lib/ktap.sh
. selftests/lib/ktap.sh
plan 17
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
	test -s "$dest/etc/ovs-bpf/switch.conf" && echo "$dest/etc/ovs-bpf/switch.conf"
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
conf=$dest/etc/ovs-bpf/switch.conf
check "the service's configuration is there" grep -q "^ExecStart=.* --config ${conf#"$dest"}\$" "$usr/lib/systemd/system/ovs-bpfd.service"
starts() {	# with a configuration, on a datapath that is none
	# shellcheck disable=SC2016
	unshare --mount --net --propagation private bash -c '
		mount -t tmpfs tmpfs /run && mount -t bpf bpf /sys/fs/bpf &&
			userspace/tests/ovs-bpfd-without-datapath --detach --config "$1" &&
			"$2/sbin/ovs-bpfctl" config show && "$2/sbin/ovs-bpfctl" rule dump &&
			"$2/sbin/ovs-bpfctl" exit' - "$1" "$usr"
}
if [ "$(id -u)" = 0 ]; then
	check "the daemon starts with it as it is" starts "$conf"
	# Examples are remarks without a space in front.
	sed -e 's/^#\([a-z]\)/\1/' -e "s,/opt/switch,$usr," "$conf" >"$dest/example"
	check "and with its examples" eval 'starts "$dest/example" >"$dest/said" && grep "actions=bpf(lb)" "$dest/said" && [ "$(grep -c "^table=" "$dest/said")" = "$(grep -c "^#rule add" "$conf")" ]'
else
	point 0 "the daemon starts with it as it is # SKIP must run as root"
	point 0 "and with its examples # SKIP must run as root"
fi
echo "# mine" >"$conf"
check "another \"make install\" leaves it alone" eval 'make -s install DESTDIR="$dest" PREFIX=/opt/switch && [ "$(cat "$conf")" = "# mine" ]'
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
