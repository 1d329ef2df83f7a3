/* SPDX-License-Identifier: GPL-2.0 */
/* What delta.bpf.c and those who load it share. */
#ifndef DELTA_H
#define DELTA_H 1

/* What to do with a packet: the low half of the argument; the high is a parameter. */
enum delta_what {
	DELTA_HEAD,		/* an Ethernet header more, of type 0x88b5 */
	DELTA_ETHERNET,		/* an Ethernet header for a packet without one */
	DELTA_HEAD_ODD,		/* bytes in front that are no header */
	DELTA_VLAN_2,		/* two tags: the parameter, and the parameter + 1 */
	DELTA_VLAN_POP,
	DELTA_IPIP,		/* IPv4 in IPv4 */
	DELTA_UNIPIP,		/* and out again */
	DELTA_VXLAN,		/* Ethernet in UDP */
	DELTA_DIRECT,		/* write the source MAC directly */
	DELTA_4TO6,		/* bpf_skb_change_proto() */
	DELTA_SUBPROG,		/* a function of its own sets the TOS */
	DELTA_TAIL_CALL,	/* a program called by a tail call does */
	DELTA_RINGBUF,		/* tell the length */
	DELTA_SPIN_LOCK,	/* count under a lock */
	DELTA_CLONE_REDIRECT,	/* a copy to this interface, then go on */
	DELTA_REDIRECT_LATER,	/* bpf_redirect() to this interface, but go on */
	DELTA_REDIRECT_FORGOT,	/* TC_ACT_REDIRECT without a call */
	DELTA_LOOP,		/* bpf_loop(), then the TOS */
};

#endif /* DELTA_H */
