/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules match on and act on.  One table of fields drives parsing,
 * formatting, matching and the netlink codec.
 */
#ifndef FLOW_H
#define FLOW_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define N_REGS 8

/**
 * struct flow - a packet's fields; as a mask, ones where a bit matters
 *
 * All numbers are in network order, whatever the datapath's order.
 */
struct flow {
	uint32_t recirc_id;
	uint32_t in_port;
	uint32_t dp_hash;
	uint32_t skb_mark;
	uint32_t skb_priority;
	uint8_t dl_dst[6];
	uint8_t dl_src[6];
	uint16_t dl_type;
	uint16_t vlan_tci;	/* with 0x1000 set if there is a tag */
	uint32_t nw_src;	/* and ARP's addresses */
	uint32_t nw_dst;
	uint8_t ipv6_src[16];
	uint8_t ipv6_dst[16];
	uint8_t nw_proto;	/* and ARP's opcode */
	uint8_t nw_tos;
	uint8_t nw_ttl;
	uint8_t nw_frag;
	uint16_t tp_src;	/* and ICMP's type and code */
	uint16_t tp_dst;
	uint8_t arp_sha[6];
	uint8_t arp_tha[6];
	/* From here on the datapath knows nothing of it. */
	uint64_t metadata;
	uint32_t reg[N_REGS];
};

#define FLOW_DP_LEN offsetof(struct flow, metadata)

enum field_format { FMT_DEC, FMT_HEX, FMT_MAC, FMT_IP4, FMT_IP6 };

/* What a packet must be for a field to exist. */
enum field_prereq {
	REQ_NONE,
	REQ_ARP,
	REQ_IP4,	/* or ARP */
	REQ_IP6,
	REQ_IP,		/* either */
	REQ_L4,		/* TCP, UDP or SCTP */
	REQ_ICMP,	/* either version */
};

/**
 * struct field - one field
 * @name: as in ovs-ofctl.
 * @alias: another name, or NULL.
 * @ofs: offset in struct flow.
 * @len: bytes.
 * @format: how it is written.
 * @prereq: when it exists.
 * @settable: whether set_field may change it.
 */
struct field {
	const char *name;
	const char *alias;
	uint16_t ofs;
	uint8_t len;
	uint8_t format;
	uint8_t prereq;
	bool settable;
};

extern const struct field fields[];
extern const unsigned int n_fields;

const struct field *field_find(const char *name, size_t len);
bool field_prereq_met(const struct field *f, const struct flow *flow);
int field_parse(const struct field *f, const char *text, uint8_t *value,
		uint8_t *mask);
int field_format(const struct field *f, const struct flow *value,
		 const struct flow *mask, char *buf, size_t size);

/* dst |= src & ~except, byte by byte over whole flows; @except may be NULL. */
void flow_or(struct flow *dst, const struct flow *src,
	     const struct flow *except);
bool flow_is_zero(const struct flow *flow);

#endif
