/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the filter at a socket for upcalls, and the handler behind it, share.  Who includes
 * this has gate_load(), which is bpf_skb_load_bytes() or does the same, and what it
 * loads from is a gate_msg.
 */
#ifndef GATE_BPF_H
#define GATE_BPF_H 1

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/openvswitch.h>

/* Ports of higher numbers share the last lane. */
#define GATE_LANES 4096

/**
 * struct lane - upcalls of a port, at one handler
 * @in: those that the filter has let in; written by the filter alone.
 * @out: those of them that have been dealt with; written by the handler alone.
 * @max: @in less @out, at most; written by the handler alone.
 * @pad: none.
 * @lost: those that were not let in; written by the filter alone.
 */
struct lane {
	__u32 in;
	__u32 out;
	__u32 max;
	__u32 pad;
	__u64 lost;
};

#define GATE_HEADERS (NLMSG_HDRLEN + GENL_HDRLEN + sizeof(struct ovs_header))
/*
 * What a key has before the tunnel, if there is one, and the port, as the module writes
 * it: seven attributes of up to four bytes, and labels.  A loop over them is more than the
 * verifier takes from those without CAP_PERFMON.
 */
#define GATE_METADATA (7 * 8 + NLA_HDRLEN + OVS_CT_LABELS_LEN)

/*
 * Which lane an upcall is of: that of the port where its packet came in; the last one,
 * if it does not say so where it is looked for.  Filter and handler ask the same, so what
 * goes in by a lane comes out of it.  Return: -1 if it is no upcall.
 */
static inline int gate_lane(gate_msg *msg)
{
	__u32 port, ofs = GATE_HEADERS + NLA_HDRLEN + GATE_METADATA;
	struct nlattr a;

	if (gate_load(msg, GATE_HEADERS, &a, sizeof(a)) ||
	    (a.nla_type & NLA_TYPE_MASK) != OVS_PACKET_ATTR_KEY)
		return -1;
	if (gate_load(msg, ofs, &a, sizeof(a)))
		return GATE_LANES - 1;
	if ((a.nla_type & NLA_TYPE_MASK) == OVS_KEY_ATTR_TUNNEL)
		ofs += NLA_ALIGN(a.nla_len);
	if (gate_load(msg, ofs, &a, sizeof(a)) ||
	    (a.nla_type & NLA_TYPE_MASK) != OVS_KEY_ATTR_IN_PORT ||
	    gate_load(msg, ofs + sizeof(a), &port, sizeof(port)))
		return GATE_LANES - 1;
	return port < GATE_LANES ? port : GATE_LANES - 1;
}

#endif
