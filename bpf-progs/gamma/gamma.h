/* SPDX-License-Identifier: GPL-2.0 */
/* What gamma.bpf.c and those who load it share. */
#ifndef GAMMA_H
#define GAMMA_H 1

#include <linux/types.h>

#define GAMMA_RECIPES 64
#define GAMMA_OPS 4
/* Bytes of random content that each packet has behind its UDP header. */
#define GAMMA_NONCE 8

enum gamma_kind {
	GAMMA_NONE,
	GAMMA_STORE,		/* bytes into the packet */
	GAMMA_MARK,		/* the mark: data, in host order */
	GAMMA_PRIORITY,		/* likewise */
	GAMMA_VLAN_PUSH,	/* a tag: data, 16 bits in host order */
	GAMMA_VLAN_POP,
};

/* Done if nonce[byte] & mask == value. */
struct gamma_op {
	__u8 byte;
	__u8 mask;
	__u8 value;
	__u8 kind;
	__u8 ofs4;		/* where to store in a packet of IPv4; 255: don't */
	__u8 ofs6;		/* likewise of IPv6 */
	__u8 len;
	__u8 pad;
	__u8 data[8];
};

/* What to do with a packet: the low half of the argument says which. */
struct gamma_recipe {
	__u8 n_ops;
	__u8 result_byte;	/* the result is nonce[byte] & mask */
	__u8 result_mask;
	__u8 honest;		/* return TC_ACT_RECLASSIFY if anything was done */
	struct gamma_op ops[GAMMA_OPS];
};

#endif /* GAMMA_H */
