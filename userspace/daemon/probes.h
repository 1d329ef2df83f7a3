/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * USDT probes of provider ovs_bpfd, for bpftrace and perf.  Each is a nop until
 * somebody attaches to it.
 *
 *	upcall(in_port, recirc_id, bytes)	a packet came without a megaflow
 *	flow_install(ufid, error)		a megaflow was put in, or refused
 *	flow_delete(ufid)			one was taken out
 *	revalidate_begin(megaflows)		all are looked at anew
 *	revalidate_end(megaflows)		those that are left
 *	command_begin(name)			a client's command
 *	command_end(name, failed)
 *
 * Numbers are in host order; ufid points to 16 bytes, name to a string.
 */
#ifndef PROBES_H
#define PROBES_H 1

#include <sys/sdt.h>

#define PROBE1(name, a) DTRACE_PROBE1(ovs_bpfd, name, a)
#define PROBE2(name, a, b) DTRACE_PROBE2(ovs_bpfd, name, a, b)
#define PROBE3(name, a, b, c) DTRACE_PROBE3(ovs_bpfd, name, a, b, c)

#endif
