/* SPDX-License-Identifier: GPL-2.0 */
/* What alpha.bpf.c and those who load it share. */
#ifndef ALPHA_H
#define ALPHA_H 1

#include <linux/types.h>

/* What to do with a packet: the low half of the argument. */
enum alpha_what {
	ALPHA_NOTHING,
	ALPHA_UNRELATED,	/* set the TOS */
	ALPHA_SAME,		/* write the source that it has */
	ALPHA_SRC,		/* source becomes 10.0.0.2 */
	ALPHA_SRC_RECLASSIFY,	/* likewise, and say so; result: the parameter */
	ALPHA_RECLASSIFY,	/* say so without a change */
	ALPHA_DST_PORT,		/* destination port becomes 2222 */
	ALPHA_MARK,		/* mark becomes the parameter */
	ALPHA_VLAN_PUSH,	/* tag with the parameter */
	ALPHA_CLOBBER,		/* scribble over all of cb */
	ALPHA_REDIRECT,		/* to the interface of this index */
	ALPHA_ETH_TYPE,		/* overwrite the Ethernet type */
	ALPHA_TAIL,		/* make it as long as the parameter */
	ALPHA_VERDICT,		/* return the parameter, for any packet */
	ALPHA_BYTE,		/* parameter: an offset << 8 | what is written there */
};

/* What the program saw. */
struct alpha_seen {
	__u32 cb[5];
	__u32 len;
	__u32 mark;
	__u32 protocol;
	__u32 vlan;
	__u32 tc_classid;
	__u32 priority;
	__u32 hash;
};

#endif /* ALPHA_H */
