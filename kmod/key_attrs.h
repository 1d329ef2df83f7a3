/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What OVS_KEY_ATTR_* there are, and where their parts lie in a key.
 */
#ifndef OVS_KEY_ATTRS_H
#define OVS_KEY_ATTRS_H 1

#include <net/netlink.h>

#include "flow.h"

/* How a part of a payload lies in the key. */
enum key_field_kind {
	FIELD_COPY,
	FIELD_U8_IN_BE16,	/* a byte here, a 16-bit number in the key */
	FIELD_BE16_IN_U8,	/* a 16-bit number here, a byte in the key */
	FIELD_U32_IN_U8,	/* a 32-bit number here, a byte in the key */
	FIELD_PORT,		/* 32 bits, of which the upper half always counts */
};

struct key_field {
	u8 nl_ofs;
	u8 key_ofs;
	u8 len;		/* bytes in the payload */
	u8 kind;
};

/* Which header a packet must have for an attribute to apply; a bit of a set. */
enum key_prereq {
	PREREQ_NONE,
	PREREQ_ARP,
	PREREQ_IPV4,
	PREREQ_IPV6,
	PREREQ_MPLS,
	PREREQ_NSH,
	PREREQ_TCP,
	PREREQ_UDP,
	PREREQ_SCTP,
	PREREQ_ICMP,
	PREREQ_ICMPV6,
	PREREQ_ND,
	PREREQS
};

/**
 * struct key_prereq_attrs - the attributes of a header
 * @must: those that the key of a packet with it has, as bits.
 * @may: those and others that it may have.
 */
struct key_prereq_attrs {
	u64 must;
	u64 may;
};

/**
 * struct key_attr_nest - an attribute that is no fixed structure
 * @parse: validate it and put it into a key, or a mask.  0 or -EINVAL.
 * @check: of a mask that was parsed, whether it goes with the key; or NULL.  0 or
 *	-EINVAL.
 * @exact: make a mask match exactly on all that the attribute says of a key.
 * @put: write the whole attribute, if @key has what it is about; @out is @key,
 *	or its mask.  0 or -EMSGSIZE.
 * @size: bytes that it may take in a message, header included.
 */
struct key_attr_nest {
	int (*parse)(struct sw_flow_key *key, const struct nlattr *nla,
		     bool is_mask, struct netlink_ext_ack *extack);
	int (*check)(const struct sw_flow_key *key,
		     const struct sw_flow_key *mask, const struct nlattr *nla,
		     struct netlink_ext_ack *extack);
	void (*exact)(struct sw_flow_key *mask, const struct sw_flow_key *key);
	int (*put)(struct sk_buff *msg, const struct sw_flow_key *key,
		   const struct sw_flow_key *out, bool is_mask);
	size_t size;
};

/**
 * struct key_attr - an attribute
 * @name: for messages.
 * @len: bytes of the payload; 0 if it is a nest.
 * @prereq: what a packet must have for it to apply.
 * @optional: may be left out of a key that it applies to.
 * @n_fields: number of @fields.
 * @fields: the parts of a fixed payload.
 * @nest: what handles one that is not fixed, or NULL.
 */
struct key_attr {
	const char *name;
	u8 len;
	u8 prereq;
	bool optional;
	u8 n_fields;
	const struct key_field *fields;
	const struct key_attr_nest *nest;
};

/* One more than the largest attribute there is. */
#define OVS_KEY_ATTRS (OVS_KEY_ATTR_IPV6_EXTHDRS + 1)

extern const struct key_attr ovs_key_attrs[OVS_KEY_ATTRS];
extern struct key_prereq_attrs ovs_key_prereq_attrs[PREREQS];

/**
 * ovs_key_attr_find - what there is to know of an attribute
 * @type: OVS_KEY_ATTR_*.
 *
 * Context: any.
 * Return: the description; NULL if it is not supported.
 */
static inline const struct key_attr *ovs_key_attr_find(unsigned int type)
{
	if (type >= OVS_KEY_ATTRS || !ovs_key_attrs[type].name)
		return NULL;
	return &ovs_key_attrs[type];
}

int ovs_key_put_attr(struct sk_buff *msg, unsigned int type,
		     const struct sw_flow_key *key,
		     const struct sw_flow_key *out, bool is_mask);
int ovs_key_put_metadata(struct sk_buff *msg, const struct sw_flow_key *out);
u32 ovs_key_prereqs(const struct sw_flow_key *key);
bool ovs_key_prereq_exact(enum key_prereq prereq,
			  const struct sw_flow_key *mask);
int ovs_key_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr,
		   const char *msg);

extern const struct key_attr_nest ovs_mpls_key_nest;
extern const struct key_attr_nest ovs_nsh_key_nest;
extern const struct key_attr_nest ovs_tun_key_nest;

#endif /* OVS_KEY_ATTRS_H */
