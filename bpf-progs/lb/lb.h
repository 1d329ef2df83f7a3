/* SPDX-License-Identifier: GPL-2.0 */
/* What lb.bpf.c and those who fill its maps share.  All in network order. */
#ifndef LB_H
#define LB_H 1

#include <linux/types.h>

#define LB_MAX_BACKENDS 64
/* Slots of the choice table: a prime, many times the backends. */
#define LB_SLOTS 1021
#define LB_MAX_CONNS 65536

/* A service: what clients connect to. */
struct lb_vip_key {
	__be32 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

struct lb_vip {
	__u8 mac[6];	/* of the VIP: source of the replies */
	__u8 pad[2];
};

struct lb_backend {
	__be32 addr;
	__u8 mac[6];
	__u8 pad[2];
};

/* A connection, as its packets come: from the client, or from the backend. */
struct lb_conn_key {
	__be32 src;
	__be32 dst;
	__u8 proto;
	__u8 pad[3];
	__be16 sport;
	__be16 dport;
};

/* What its packets become. */
struct lb_conn {
	__be32 addr;	/* new destination, or new source of a reply */
	__u8 mac[6];	/* likewise */
	__u8 is_reply;
	__u8 backend;
};

/* Counters of a backend. */
struct lb_stats {
	__u64 conns;
	__u64 packets;
};

#endif /* LB_H */
