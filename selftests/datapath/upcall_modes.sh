#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stock ovs-vswitchd with its upcalls by CPU, as it does by itself, and by port, as
# it does where the datapath refuses the former.
# needs: smp
# shellcheck source=../lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

plan 18
load_module

features() {
	/usr/bin/python3 - "$@" <<-PY
		import socket, struct, sys
		sys.path.insert(0, 'selftests/lib')
		import ovsnl as nl
		g = nl.Genl()
		a = nl.attrs(g.request(g.family('ovs_datapath'), nl.CMD_GET, struct.pack(
		    '=i', socket.if_nametoindex('ovs-system')), 0, 2)[0][4:])
		bits, = struct.unpack('=I', a[5])
		pids = len(a.get(8, b'')) // 4
		print(bits, pids)
		sys.exit(0 if bits == int(sys.argv[1]) and pids == int(sys.argv[2]) else 1)
	PY
}

misses() {
	ovs-dpctl show ovs-system | sed -n 's/.*missed:\([0-9]*\) lost:\([0-9]*\).*/\1/p'
}

losses() {
	ovs-dpctl show ovs-system | sed -n 's/.*lost:\([0-9]*\).*/\1/p'
}

# LOSSES: how many there were, of packets that came before all sockets were there.
none_lost() {
	echo "lost $(losses), of them $1 before"
	[ "$(losses)" = "$1" ]
}

more_misses() {
	[ "$(misses)" -gt "$1" ]
}

# Forty connections, which a socket has room for, from CPU $1, other ones from each.
connections() {
	in_ns a taskset -c "$1" /usr/bin/python3 -c '
import socket
for port in range(1, 41):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.1.1.1", 2000 + 1000 * '"$1"' + port))
    s.sendto(b"x", ("10.1.1.2", 3000 + port))'
}

# Traffic that misses, on both CPUs: userspace must answer all of it.  MODE, then
# what the datapath's features and number of sockets are to be.
traffic() {
	local before cpu lost
	check "$1: the dispatch mode" eval "ovs-appctl dpif-netlink/dispatch-mode | grep '$1 dispatch mode'"
	check "$1: features and sockets of the datapath" features "$2" "$3"
	check "$1: ping" can_ping a 10.1.1.2
	lost=$(losses)
	for cpu in 0 1; do
		before=$(misses)
		check "$1: connections on CPU $cpu" connections $cpu
		check "$1: they missed" wait_until 10 more_misses $((before + 20))
	done
	check "$1: no upcall is lost" none_lost "$lost"
}

setup() {
	ovs-vsctl add-br br0
	ovs-vsctl add-port br0 a-br -- add-port br0 b-br
	# Every bit of the port numbers is read, so that every connection misses.
	ovs-ofctl add-flow br0 'priority=9,udp,actions=move:NXM_OF_UDP_SRC[]->NXM_NX_REG0[0..15],move:NXM_OF_UDP_DST[]->NXM_NX_REG0[16..31],NORMAL'
	ovs-vsctl set Open_vSwitch . other_config:max-idle=60000
}

add_host a 10.1.1.1/24
add_host b 10.1.1.2/24
start_ovs
setup
traffic per-cpu 9 "$(nproc)"
stop_ovs

cat >/run/shim.c <<'SHIM'
/* Spoils the request for upcalls by CPU, so that the kernel refuses it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

static void spoil(void *buf, size_t size)
{
	struct nlmsghdr *nlh = buf;
	struct genlmsghdr *genl = NLMSG_DATA(nlh);
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN + 4;

	if (size < at || nlh->nlmsg_len > size || nlh->nlmsg_type < 17 || genl->version != 2)
		return;
	while (at + NLA_HDRLEN <= nlh->nlmsg_len) {
		struct nlattr *a = (void *)((char *)buf + at);
		uint32_t *value = (void *)(a + 1);

		if (a->nla_len < NLA_HDRLEN)
			return;
		if (a->nla_type == 5 && a->nla_len == 8 && *value & 8)
			*value |= 1U << 31;
		at += NLA_ALIGN(a->nla_len);
	}
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int, const struct msghdr *, int);
	size_t i;

	if (!next)
		next = dlsym(RTLD_NEXT, "sendmsg");
	for (i = 0; i < msg->msg_iovlen; i++)
		spoil(msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
	return next(fd, msg, flags);
}
SHIM
check "the shim that has upcalls by CPU refused" gcc -shared -fPIC -o /run/shim.so /run/shim.c -ldl
# For ovs-dpctl too: it would turn upcalls by CPU on, without sockets for them.
export LD_PRELOAD=/run/shim.so
start_ovs
setup
traffic per-vport 3 0
stop_ovs
unset LD_PRELOAD
del_host a
del_host b
check "the module unloads" unload_module
finish
