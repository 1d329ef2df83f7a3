#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# selftests/daemon/control.sh on this machine: the daemon with a datapath that is none,
# and a /run, a bpffs and a network of the test's own.
cd "$(dirname "$0")/../.." || exit 2
if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP must run as root"
	exit 4
fi
exec unshare --mount --net --propagation private bash -c '
	ip link set lo up
	mount -t tmpfs tmpfs /run && mount -t bpf bpf /sys/fs/bpf || exit 2
	WITHOUT_DATAPATH=1 exec selftests/daemon/control.sh'
