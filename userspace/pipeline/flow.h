/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules match on and act on.  One table of fields (field.c) drives parsing,
 * formatting, prerequisites and actions.
 */
#ifndef FLOW_H
#define FLOW_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define N_REGS 8
#define MAX_MPLS 3
/* Bytes of the longest field: all options of Geneve together have as many. */
#define FIELD_MAX 124
/* Room for VALUE/MASK of any field. */
#define FIELD_TEXT (4 * FIELD_MAX + 8)

/* Presence of a tag, in a vlan_tci; host order. */
#define VLAN_PRESENT 0x1000

enum tun_flags { TUN_OAM = 1, TUN_DF = 2, TUN_CSUM = 4, TUN_KEY = 8 };

/* Of nw_frag. */
enum nw_frag { FRAG_ANY = 1, FRAG_LATER = 2 };

/**
 * struct flow - a packet's fields; as a mask, ones where a bit matters
 *
 * All numbers are in network order, whatever the datapath's order.  There are no
 * holes, so that flows can be compared and hashed as words.
 */
struct flow {
	/* Metadata. */
	uint32_t recirc_id;
	uint32_t in_port;
	uint32_t dp_hash;
	uint32_t skb_mark;
	uint32_t skb_priority;
	uint32_t ct_state;
	uint64_t tun_id;
	uint32_t tun_src;
	uint32_t tun_dst;
	uint8_t tun_ipv6_src[16];
	uint8_t tun_ipv6_dst[16];
	uint16_t tun_flags;
	uint8_t tun_tos;
	uint8_t tun_ttl;
	uint16_t tun_tp_src;
	uint16_t tun_tp_dst;
	uint32_t tun_gbp;	/* VXLAN's: the group in the low 16 bits, flags above */
	uint32_t tun_erspan_idx;
	uint8_t tun_erspan_ver;
	uint8_t tun_erspan_dir;
	uint8_t tun_erspan_hwid;
	uint8_t pad7;
	uint8_t tun_metadata[FIELD_MAX];	/* bodies of Geneve's options: tlv.h */
	uint64_t tun_options;	/* bit N: option N is there */
	uint32_t ct_mark;
	uint16_t ct_zone;
	uint8_t ct_nw_proto;
	uint8_t pad1;
	uint8_t ct_label[16];
	uint32_t ct_nw_src;
	uint32_t ct_nw_dst;
	uint8_t ct_ipv6_src[16];
	uint8_t ct_ipv6_dst[16];
	uint16_t ct_tp_src;
	uint16_t ct_tp_dst;
	uint8_t pad2[4];
	/* Layer 2. */
	uint8_t dl_dst[6];
	uint8_t dl_src[6];
	uint16_t dl_type;	/* behind all tags */
	uint8_t pad3[2];
	uint16_t vlan_tci;	/* outer; with VLAN_PRESENT if there is a tag */
	uint16_t vlan_tci2;	/* inner */
	uint16_t vlan_tpid;	/* every megaflow has these exactly, whatever its mask */
	uint16_t vlan_tpid2;
	uint32_t mpls_lse[MAX_MPLS];
	uint8_t pad4[4];
	/* Layer 3. */
	uint32_t nw_src;	/* and ARP's addresses */
	uint32_t nw_dst;
	uint8_t ipv6_src[16];
	uint8_t ipv6_dst[16];
	uint32_t ipv6_label;
	uint8_t nw_proto;	/* and ARP's opcode */
	uint8_t nw_tos;
	uint8_t nw_ttl;
	uint8_t nw_frag;
	uint8_t arp_sha[6];
	uint8_t arp_tha[6];
	uint16_t ipv6_exthdr;
	uint8_t pad5[2];
	uint8_t nsh_flags;
	uint8_t nsh_ttl;
	uint8_t nsh_mdtype;
	uint8_t nsh_np;
	uint32_t nsh_path;	/* service path, and index in the low 8 bits */
	uint32_t nsh_c[4];
	/* Layer 4. */
	uint8_t nd_target[16];
	uint8_t nd_sll[6];
	uint8_t nd_tll[6];
	uint16_t tp_src;	/* and ICMP's type and code */
	uint16_t tp_dst;
	uint16_t tcp_flags;
	uint8_t pad6[6];
	/* From here on the datapath knows nothing of it. */
	uint64_t metadata;
	uint32_t reg[N_REGS];
	/* 0: it begins with an Ethernet header; else 1, and the Ethernet type. */
	uint32_t packet_type;
	/* Not 0: that is known, though the addresses may be masked out. */
	uint32_t ethernet;
	/* A hash of what the datapath tells of the packet beyond all of this. */
	uint64_t unknown;
};

#define FLOW_DP_LEN offsetof(struct flow, metadata)

/* What a packet tells of its connection, but for ct_state. */
#define FLOW_CT_OFS offsetof(struct flow, ct_mark)
#define FLOW_CT_END offsetof(struct flow, dl_dst)

/* Of ct_state, as OVS_CS_F_*. */
#define CT_NEW 0x01
#define CT_REPLY 0x08
#define CT_INVALID 0x10
#define CT_TRACKED 0x20
#define FLOW_WORDS (sizeof(struct flow) / 8)
_Static_assert(sizeof(struct flow) % 8 == 0, "flows are made of words");

/* A part of a flow, as a word. */
typedef uint64_t __attribute__((may_alias)) flow_word;

/**
 * struct mask_words - the words of a packet that a megaflow's mask lets through
 * @wc: the mask.
 * @n: how many words.
 * @idx: which they are, ascending.
 * @bits: of each, the bits that count: those of the mask, and what every megaflow has
 *	exactly.
 */
struct mask_words {
	struct flow wc;
	unsigned int n;
	uint8_t idx[FLOW_WORDS];
	flow_word bits[FLOW_WORDS];
};
_Static_assert(FLOW_WORDS <= UINT8_MAX, "words are counted in bytes");

void mask_words_of(struct mask_words *w, const struct flow *wc);
void mask_words_take(const struct mask_words *w, const struct flow *flow,
		     flow_word *masked);

enum field_format {
	FMT_DEC, FMT_HEX, FMT_MAC, FMT_IP4, FMT_IP6,
	FMT_TOS,	/* six bits, written with two more */
	FMT_FRAG,
	FMT_PACKET_TYPE,
	FMT_TCP_FLAGS, FMT_CT_STATE, FMT_TUN_FLAGS, FMT_EXTHDR,	/* flags by name */
};

/* What a packet must be for a field to exist. */
enum field_prereq {
	REQ_NONE,
	REQ_VLAN,
	REQ_VLAN2,
	REQ_MPLS,
	REQ_ARP,
	REQ_IP4,
	REQ_IP4_ARP,
	REQ_IP6,
	REQ_IP,		/* either */
	REQ_TCP,
	REQ_UDP,
	REQ_SCTP,
	REQ_L4,		/* TCP, UDP or SCTP */
	REQ_ICMP4,
	REQ_ICMP6,
	REQ_ND,		/* neighbour solicitation or advertisement */
	REQ_NS,
	REQ_NA,
	REQ_NSH,
};

enum field_flags {
	FF_SET = 1,		/* set_field may change it */
	FF_HIDDEN = 2,		/* another name of what is written otherwise */
	FF_INTERNAL = 4,	/* of the datapath and the daemon: not for rules */
	FF_CT = 8,		/* settable in ct(exec()) alone */
};

/**
 * struct field - one field
 * @name: as in ovs-ofctl.
 * @alias: another name, or NULL.
 * @nxm: its name in the actions load and move, or NULL.
 * @ofs: offset in struct flow.
 * @len: bytes there.
 * @shift: bits below it in these bytes, as a number.
 * @bits: how many bits it has.
 * @format: &enum field_format.
 * @prereq: &enum field_prereq.
 * @flags: &enum field_flags.
 */
struct field {
	const char *name;
	const char *alias;
	const char *nxm;
	uint16_t ofs;
	uint8_t len;
	uint8_t shift;
	uint16_t bits;
	uint8_t format;
	uint8_t prereq;
	uint8_t flags;
};

/**
 * struct field_value - value and mask of a field
 * @value: as a big-endian number of field_bytes(); zero where @mask is.
 * @mask: likewise.
 */
struct field_value {
	uint8_t value[FIELD_MAX];
	uint8_t mask[FIELD_MAX];
};

/* Bytes of a field's value. */
static inline size_t field_bytes(const struct field *f)
{
	return (f->bits + 7) / 8;
}

/* The last N_TLVS are what the map of options makes of them: no bits, no field. */
extern struct field fields[];
extern const unsigned int n_fields;

/* field.c */
const struct field *field_find(const char *name, size_t len);
bool field_prereq_met(const struct field *f, const struct flow *flow);
const char *field_prereq_name(const struct field *f);
void field_prereq_mask(const struct field *f, struct flow *mask);
void bits_copy(uint8_t *dst, size_t dst_len, unsigned int dst_bit,
	       const uint8_t *src, size_t src_len, unsigned int src_bit,
	       unsigned int n);
void bits_set(uint8_t *dst, size_t dst_len, unsigned int dst_bit, unsigned int n);
void field_get(const struct field *f, const struct flow *flow, uint8_t *value);
void field_put(const struct field *f, struct flow *flow, const uint8_t *value);
bool field_any(const struct field *f, const struct flow *mask);

/* fieldtext.c */
const char *field_parse(const struct field *f, const char *text,
			struct field_value *v);
int field_format(const struct field *f, const uint8_t *value, const uint8_t *mask,
		 char *buf, size_t size);

/* dst |= src & ~except over whole flows; @except may be NULL, @dst is none of both. */
void flow_or(struct flow *dst, const struct flow *src,
	     const struct flow *except);
bool flow_has(const struct flow *mask, size_t ofs, size_t end);
bool flow_is_zero(const struct flow *flow);

#endif
