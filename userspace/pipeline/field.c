// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of fields, and where they lie in a flow. */
#include "flow.h"

#include <arpa/inet.h>
#include <string.h>

#define LEN(m) sizeof(((struct flow *)0)->m)
/* A part of a member: so many bits, above so many others. */
#define PART(n, a, x, m, sh, b, fmt, req, fl)				\
	{ .name = n, .alias = a, .nxm = x, .ofs = offsetof(struct flow, m), \
	  .len = LEN(m), .shift = sh, .bits = b, .format = fmt,		\
	  .prereq = req, .flags = fl }
#define F(n, a, x, m, fmt, req, fl)					\
	PART(n, a, x, m, 0, 8 * LEN(m), fmt, req, fl)
#define REG(n) F("reg" #n, NULL, "NXM_NX_REG" #n, reg[n], FMT_HEX, REQ_NONE, FF_SET)
/* Two registers as one. */
#define XREG(n, m)							\
	{ .name = "xreg" #n, .nxm = "OXM_OF_PKT_REG" #n,		\
	  .ofs = offsetof(struct flow, m), .len = 8, .bits = 64,	\
	  .format = FMT_HEX, .flags = FF_SET | FF_HIDDEN }

/* An option of Geneve; see tlv.h. */
#define TLV(n)								\
	{ .name = "tun_metadata" #n, .nxm = "NXM_NX_TUN_METADATA" #n,	\
	  .format = FMT_HEX, .flags = FF_SET }
#define TLV10(t)							\
	TLV(t##0), TLV(t##1), TLV(t##2), TLV(t##3), TLV(t##4),		\
	TLV(t##5), TLV(t##6), TLV(t##7), TLV(t##8), TLV(t##9)

/*
 * In the order in which they are written.  Where two share bits, the first whose
 * prerequisite is met is written.
 */
struct field fields[] = {
	F("recirc_id", NULL, NULL, recirc_id, FMT_HEX, REQ_NONE, FF_INTERNAL),
	F("dp_hash", NULL, NULL, dp_hash, FMT_HEX, REQ_NONE, FF_INTERNAL),
	F("skb_priority", NULL, NULL, skb_priority, FMT_HEX, REQ_NONE, FF_SET),
	F("pkt_mark", "skb_mark", "NXM_NX_PKT_MARK", skb_mark, FMT_HEX, REQ_NONE, FF_SET),
	F("tun_id", "tunnel_id", "NXM_NX_TUN_ID", tun_id, FMT_HEX, REQ_NONE, FF_SET),
	F("tun_src", NULL, "NXM_NX_TUN_IPV4_SRC", tun_src, FMT_IP4, REQ_NONE, FF_SET),
	F("tun_dst", NULL, "NXM_NX_TUN_IPV4_DST", tun_dst, FMT_IP4, REQ_NONE, FF_SET),
	F("tun_ipv6_src", NULL, "NXM_NX_TUN_IPV6_SRC", tun_ipv6_src, FMT_IP6, REQ_NONE, FF_SET),
	F("tun_ipv6_dst", NULL, "NXM_NX_TUN_IPV6_DST", tun_ipv6_dst, FMT_IP6, REQ_NONE, FF_SET),
	F("tun_tos", NULL, NULL, tun_tos, FMT_DEC, REQ_NONE, FF_SET),
	F("tun_ttl", NULL, NULL, tun_ttl, FMT_DEC, REQ_NONE, FF_SET),
	PART("tun_flags", NULL, "NXM_NX_TUN_FLAGS", tun_flags, 0, 4, FMT_TUN_FLAGS, REQ_NONE, FF_SET),
	F("tun_tp_src", NULL, NULL, tun_tp_src, FMT_DEC, REQ_NONE, FF_SET),
	F("tun_tp_dst", NULL, NULL, tun_tp_dst, FMT_DEC, REQ_NONE, FF_SET),
	PART("tun_gbp_id", NULL, "NXM_NX_TUN_GBP_ID", tun_gbp, 0, 16, FMT_DEC, REQ_NONE, FF_SET),
	PART("tun_gbp_flags", NULL, "NXM_NX_TUN_GBP_FLAGS", tun_gbp, 16, 8, FMT_HEX, REQ_NONE, FF_SET),
	PART("tun_erspan_ver", NULL, "NXOXM_ET_ERSPAN_VER", tun_erspan_ver, 0, 4, FMT_DEC, REQ_NONE, FF_SET),
	PART("tun_erspan_idx", NULL, "NXOXM_ET_ERSPAN_IDX", tun_erspan_idx, 0, 20, FMT_HEX, REQ_NONE, FF_SET),
	PART("tun_erspan_dir", NULL, "NXOXM_ET_ERSPAN_DIR", tun_erspan_dir, 0, 1, FMT_DEC, REQ_NONE, FF_SET),
	PART("tun_erspan_hwid", NULL, "NXOXM_ET_ERSPAN_HWID", tun_erspan_hwid, 0, 6, FMT_HEX, REQ_NONE, FF_SET),
	F("metadata", NULL, "OXM_OF_METADATA", metadata, FMT_HEX, REQ_NONE, FF_SET),
	REG(0), REG(1), REG(2), REG(3), REG(4), REG(5), REG(6), REG(7),
	XREG(0, reg[0]), XREG(1, reg[2]), XREG(2, reg[4]), XREG(3, reg[6]),
	F("in_port", NULL, "NXM_OF_IN_PORT", in_port, FMT_DEC, REQ_NONE, FF_SET),
	F("packet_type", NULL, "OXM_OF_PACKET_TYPE", packet_type, FMT_PACKET_TYPE, REQ_NONE, 0),
	PART("ct_state", NULL, "NXM_NX_CT_STATE", ct_state, 0, 8, FMT_CT_STATE, REQ_NONE, 0),
	F("ct_zone", NULL, "NXM_NX_CT_ZONE", ct_zone, FMT_DEC, REQ_NONE, 0),
	F("ct_mark", NULL, "NXM_NX_CT_MARK", ct_mark, FMT_HEX, REQ_NONE, FF_CT),
	F("ct_label", NULL, "NXM_NX_CT_LABEL", ct_label, FMT_HEX, REQ_NONE, FF_CT),
	F("ct_nw_src", NULL, "NXM_NX_CT_NW_SRC", ct_nw_src, FMT_IP4, REQ_IP4, 0),
	F("ct_nw_dst", NULL, "NXM_NX_CT_NW_DST", ct_nw_dst, FMT_IP4, REQ_IP4, 0),
	F("ct_ipv6_src", NULL, "NXM_NX_CT_IPV6_SRC", ct_ipv6_src, FMT_IP6, REQ_IP6, 0),
	F("ct_ipv6_dst", NULL, "NXM_NX_CT_IPV6_DST", ct_ipv6_dst, FMT_IP6, REQ_IP6, 0),
	F("ct_nw_proto", NULL, "NXM_NX_CT_NW_PROTO", ct_nw_proto, FMT_DEC, REQ_IP, 0),
	F("ct_tp_src", NULL, "NXM_NX_CT_TP_SRC", ct_tp_src, FMT_DEC, REQ_IP, 0),
	F("ct_tp_dst", NULL, "NXM_NX_CT_TP_DST", ct_tp_dst, FMT_DEC, REQ_IP, 0),
	F("dl_src", "eth_src", "NXM_OF_ETH_SRC", dl_src, FMT_MAC, REQ_NONE, FF_SET),
	F("dl_dst", "eth_dst", "NXM_OF_ETH_DST", dl_dst, FMT_MAC, REQ_NONE, FF_SET),
	PART("vlan_vid", NULL, "OXM_OF_VLAN_VID", vlan_tci, 0, 13, FMT_HEX, REQ_NONE, FF_SET | FF_HIDDEN),
	PART("vlan_pcp", NULL, "OXM_OF_VLAN_PCP", vlan_tci, 13, 3, FMT_DEC, REQ_VLAN, FF_SET | FF_HIDDEN),
	F("vlan_tci", NULL, "NXM_OF_VLAN_TCI", vlan_tci, FMT_HEX, REQ_NONE, FF_SET),
	F("vlan_tpid", NULL, NULL, vlan_tpid, FMT_HEX, REQ_VLAN, 0),
	F("inner_vlan_tci", NULL, NULL, vlan_tci2, FMT_HEX, REQ_VLAN, 0),
	F("inner_vlan_tpid", NULL, NULL, vlan_tpid2, FMT_HEX, REQ_VLAN2, 0),
	F("dl_type", "eth_type", "NXM_OF_ETH_TYPE", dl_type, FMT_HEX, REQ_NONE, 0),
	PART("mpls_label", NULL, "OXM_OF_MPLS_LABEL", mpls_lse[0], 12, 20, FMT_DEC, REQ_MPLS, FF_SET),
	PART("mpls_tc", NULL, "OXM_OF_MPLS_TC", mpls_lse[0], 9, 3, FMT_DEC, REQ_MPLS, FF_SET),
	PART("mpls_bos", NULL, "OXM_OF_MPLS_BOS", mpls_lse[0], 8, 1, FMT_DEC, REQ_MPLS, 0),
	PART("mpls_ttl", NULL, "NXM_NX_MPLS_TTL", mpls_lse[0], 0, 8, FMT_DEC, REQ_MPLS, FF_SET),
	F("arp_spa", NULL, "NXM_OF_ARP_SPA", nw_src, FMT_IP4, REQ_ARP, 0),
	F("arp_tpa", NULL, "NXM_OF_ARP_TPA", nw_dst, FMT_IP4, REQ_ARP, 0),
	F("arp_op", NULL, "NXM_OF_ARP_OP", nw_proto, FMT_DEC, REQ_ARP, 0),
	F("arp_sha", NULL, "NXM_NX_ARP_SHA", arp_sha, FMT_MAC, REQ_ARP, 0),
	F("arp_tha", NULL, "NXM_NX_ARP_THA", arp_tha, FMT_MAC, REQ_ARP, 0),
	F("nw_src", "ip_src", "NXM_OF_IP_SRC", nw_src, FMT_IP4, REQ_IP4, FF_SET),
	F("nw_dst", "ip_dst", "NXM_OF_IP_DST", nw_dst, FMT_IP4, REQ_IP4, FF_SET),
	F("ipv6_src", NULL, "NXM_NX_IPV6_SRC", ipv6_src, FMT_IP6, REQ_IP6, FF_SET),
	F("ipv6_dst", NULL, "NXM_NX_IPV6_DST", ipv6_dst, FMT_IP6, REQ_IP6, FF_SET),
	PART("ipv6_label", NULL, "NXM_NX_IPV6_LABEL", ipv6_label, 0, 20, FMT_HEX, REQ_IP6, FF_SET),
	PART("ipv6_exthdr", NULL, "OXM_OF_IPV6_EXTHDR", ipv6_exthdr, 0, 9, FMT_EXTHDR, REQ_IP6, 0),
	F("nw_proto", "ip_proto", "NXM_OF_IP_PROTO", nw_proto, FMT_DEC, REQ_IP, 0),
	PART("nw_tos", NULL, "NXM_OF_IP_TOS", nw_tos, 2, 6, FMT_TOS, REQ_IP, FF_SET),
	PART("ip_dscp", NULL, "OXM_OF_IP_DSCP", nw_tos, 2, 6, FMT_DEC, REQ_IP, FF_SET | FF_HIDDEN),
	PART("nw_ecn", "ip_ecn", "NXM_NX_IP_ECN", nw_tos, 0, 2, FMT_DEC, REQ_IP, FF_SET),
	F("nw_ttl", NULL, "NXM_NX_IP_TTL", nw_ttl, FMT_DEC, REQ_IP, FF_SET),
	PART("nw_frag", "ip_frag", NULL, nw_frag, 0, 2, FMT_FRAG, REQ_IP, 0),
	F("tp_src", NULL, NULL, tp_src, FMT_DEC, REQ_L4, FF_SET),
	F("tp_dst", NULL, NULL, tp_dst, FMT_DEC, REQ_L4, FF_SET),
	F("tcp_src", NULL, "NXM_OF_TCP_SRC", tp_src, FMT_DEC, REQ_TCP, FF_SET | FF_HIDDEN),
	F("tcp_dst", NULL, "NXM_OF_TCP_DST", tp_dst, FMT_DEC, REQ_TCP, FF_SET | FF_HIDDEN),
	F("udp_src", NULL, "NXM_OF_UDP_SRC", tp_src, FMT_DEC, REQ_UDP, FF_SET | FF_HIDDEN),
	F("udp_dst", NULL, "NXM_OF_UDP_DST", tp_dst, FMT_DEC, REQ_UDP, FF_SET | FF_HIDDEN),
	F("sctp_src", NULL, "OXM_OF_SCTP_SRC", tp_src, FMT_DEC, REQ_SCTP, FF_SET | FF_HIDDEN),
	F("sctp_dst", NULL, "OXM_OF_SCTP_DST", tp_dst, FMT_DEC, REQ_SCTP, FF_SET | FF_HIDDEN),
	PART("tcp_flags", NULL, "NXM_NX_TCP_FLAGS", tcp_flags, 0, 12, FMT_TCP_FLAGS, REQ_TCP, 0),
	PART("icmp_type", NULL, "NXM_OF_ICMP_TYPE", tp_src, 0, 8, FMT_DEC, REQ_ICMP4, 0),
	PART("icmp_code", NULL, "NXM_OF_ICMP_CODE", tp_dst, 0, 8, FMT_DEC, REQ_ICMP4, 0),
	PART("icmpv6_type", NULL, "NXM_NX_ICMPV6_TYPE", tp_src, 0, 8, FMT_DEC, REQ_ICMP6, 0),
	PART("icmpv6_code", NULL, "NXM_NX_ICMPV6_CODE", tp_dst, 0, 8, FMT_DEC, REQ_ICMP6, 0),
	F("nd_target", NULL, "NXM_NX_ND_TARGET", nd_target, FMT_IP6, REQ_ND, 0),
	F("nd_sll", NULL, "NXM_NX_ND_SLL", nd_sll, FMT_MAC, REQ_NS, 0),
	F("nd_tll", NULL, "NXM_NX_ND_TLL", nd_tll, FMT_MAC, REQ_NA, 0),
	F("nsh_flags", NULL, "NXOXM_NSH_FLAGS", nsh_flags, FMT_DEC, REQ_NSH, 0),
	F("nsh_ttl", NULL, "NXOXM_NSH_TTL", nsh_ttl, FMT_DEC, REQ_NSH, 0),
	F("nsh_mdtype", NULL, "NXOXM_NSH_MDTYPE", nsh_mdtype, FMT_DEC, REQ_NSH, 0),
	F("nsh_np", NULL, "NXOXM_NSH_NP", nsh_np, FMT_DEC, REQ_NSH, 0),
	PART("nsh_spi", "nsp", "NXOXM_NSH_SPI", nsh_path, 8, 24, FMT_HEX, REQ_NSH, 0),
	PART("nsh_si", "nsi", "NXOXM_NSH_SI", nsh_path, 0, 8, FMT_DEC, REQ_NSH, 0),
	F("nsh_c1", "nshc1", "NXOXM_NSH_C1", nsh_c[0], FMT_HEX, REQ_NSH, 0),
	F("nsh_c2", "nshc2", "NXOXM_NSH_C2", nsh_c[1], FMT_HEX, REQ_NSH, 0),
	F("nsh_c3", "nshc3", "NXOXM_NSH_C3", nsh_c[2], FMT_HEX, REQ_NSH, 0),
	F("nsh_c4", "nshc4", "NXOXM_NSH_C4", nsh_c[3], FMT_HEX, REQ_NSH, 0),
	TLV10(), TLV10(1), TLV10(2), TLV10(3), TLV10(4), TLV10(5),
	TLV(60), TLV(61), TLV(62), TLV(63),
};

const unsigned int n_fields = sizeof(fields) / sizeof(fields[0]);

static bool is_name(const char *name, const char *s, size_t len)
{
	return name && strlen(name) == len && !strncmp(name, s, len);
}

/**
 * field_find - find a field by one of its names
 * @name: need not be terminated.
 * @len: its length.
 *
 * Return: the field, or NULL.
 */
const struct field *field_find(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < n_fields; i++)
		if (fields[i].bits &&
		    (is_name(fields[i].name, name, len) ||
		     is_name(fields[i].alias, name, len) ||
		     is_name(fields[i].nxm, name, len)))
			return &fields[i];
	return NULL;
}

/*
 * The prerequisites: Ethernet types (0: any), protocol (0: any), ICMPv6 type (0:
 * any); and what to call them.
 */
static const struct {
	const char *name;
	uint16_t type[2];
	uint8_t proto[3];
	uint8_t icmp6[2];
} prereqs[] = {
	[REQ_NONE] = { "nothing", {}, {}, {} },
	[REQ_VLAN] = { "dl_vlan=N", {}, {}, {} },
	[REQ_VLAN2] = { "inner_vlan_tci=0x1000/0x1000", {}, {}, {} },
	[REQ_MPLS] = { "mpls", { 0x8847, 0x8848 }, {}, {} },
	[REQ_ARP] = { "arp or rarp", { 0x0806, 0x8035 }, {}, {} },
	[REQ_IP4] = { "ip", { 0x0800 }, {}, {} },
	[REQ_IP4_ARP] = { "ip or arp", { 0x0800, 0x0806 }, {}, {} },
	[REQ_IP6] = { "ipv6", { 0x86dd }, {}, {} },
	[REQ_IP] = { "ip or ipv6", { 0x0800, 0x86dd }, {}, {} },
	[REQ_TCP] = { "tcp or tcp6", { 0x0800, 0x86dd }, { 6 }, {} },
	[REQ_UDP] = { "udp or udp6", { 0x0800, 0x86dd }, { 17 }, {} },
	[REQ_SCTP] = { "sctp or sctp6", { 0x0800, 0x86dd }, { 132 }, {} },
	[REQ_L4] = { "tcp, udp or sctp", { 0x0800, 0x86dd }, { 6, 17, 132 }, {} },
	[REQ_ICMP4] = { "icmp", { 0x0800 }, { 1 }, {} },
	[REQ_ICMP6] = { "icmp6", { 0x86dd }, { 58 }, {} },
	[REQ_ND] = { "icmp6,icmpv6_type=135 or 136", { 0x86dd }, { 58 }, { 135, 136 } },
	[REQ_NS] = { "icmp6,icmpv6_type=135", { 0x86dd }, { 58 }, { 135 } },
	[REQ_NSH] = { "nsh", { 0x894f }, {}, {} },
	[REQ_NA] = { "icmp6,icmpv6_type=136", { 0x86dd }, { 58 }, { 136 } },
};

const char *field_prereq_name(const struct field *f)
{
	return prereqs[f->prereq].name;
}

/**
 * field_prereq_met - whether a packet has a field
 * @f: the field.
 * @flow: the packet.
 */
bool field_prereq_met(const struct field *f, const struct flow *flow)
{
	const uint16_t *type = prereqs[f->prereq].type;
	const uint8_t *proto = prereqs[f->prereq].proto;
	const uint8_t *icmp6 = prereqs[f->prereq].icmp6;
	uint16_t t = ntohs(flow->dl_type), icmp = ntohs(flow->tp_src);
	uint8_t p = flow->nw_proto;

	if (f->prereq == REQ_VLAN)
		return flow->vlan_tci & htons(VLAN_PRESENT);
	if (f->prereq == REQ_VLAN2)
		return flow->vlan_tci2 & htons(VLAN_PRESENT);
	if (type[0] && t != type[0] && (!type[1] || t != type[1]))
		return false;
	if (!proto[0])
		return true;
	/* The transport header is in the first fragment. */
	if ((flow->nw_frag & FRAG_LATER) ||
	    (p != proto[0] && (!proto[1] || (p != proto[1] && p != proto[2]))))
		return false;
	return !icmp6[0] || icmp == icmp6[0] || (icmp6[1] && icmp == icmp6[1]);
}

/**
 * field_prereq_mask - add what tells whether a packet has a field
 * @f: the field.
 * @mask: its bits are set.
 */
void field_prereq_mask(const struct field *f, struct flow *mask)
{
	if (f->prereq == REQ_VLAN)
		mask->vlan_tci |= htons(VLAN_PRESENT);
	if (f->prereq == REQ_VLAN2)
		mask->vlan_tci2 |= htons(VLAN_PRESENT);
	if (prereqs[f->prereq].type[0])
		mask->dl_type = 0xffff;
	if (prereqs[f->prereq].proto[0]) {
		mask->nw_proto = 0xff;
		mask->nw_frag = 0xff;
	}
	if (prereqs[f->prereq].icmp6[0])
		mask->tp_src = 0xffff;
}

/**
 * bits_copy - copy bits between numbers of any length, in network order
 * @dst: number to change.
 * @dst_len: its bytes.
 * @dst_bit: lowest bit to change; 0 is the lowest of the last byte.
 * @src: number to read.
 * @src_len: its bytes.
 * @src_bit: lowest bit to read.
 * @n: how many bits.
 */
void bits_copy(uint8_t *dst, size_t dst_len, unsigned int dst_bit,
	       const uint8_t *src, size_t src_len, unsigned int src_bit,
	       unsigned int n)
{
	unsigned int k, s, d, ones;
	uint8_t *to;

	if (!(dst_bit % 8 || src_bit % 8 || n % 8)) {
		memmove(dst + dst_len - (dst_bit + n) / 8,
			src + src_len - (src_bit + n) / 8, n / 8);
		return;
	}
	/* As many as are in one byte of both. */
	for (; n; n -= k, dst_bit += k, src_bit += k) {
		d = dst_bit % 8;
		s = src_bit % 8;
		k = 8 - (d > s ? d : s);
		if (k > n)
			k = n;
		ones = (1u << k) - 1;
		to = &dst[dst_len - 1 - dst_bit / 8];
		*to = (*to & ~(ones << d)) |
		      (src[src_len - 1 - src_bit / 8] >> s & ones) << d;
	}
}

/**
 * bits_set - set bits of a number of any length, in network order
 * @dst: the number.
 * @dst_len: its bytes.
 * @dst_bit: lowest bit to set.
 * @n: how many.
 */
void bits_set(uint8_t *dst, size_t dst_len, unsigned int dst_bit, unsigned int n)
{
	static const uint8_t ones[FIELD_MAX] = { [0 ... FIELD_MAX - 1] = 0xff };

	bits_copy(dst, dst_len, dst_bit, ones, sizeof(ones), 0, n);
}

/**
 * field_get - read a field
 * @f: the field.
 * @flow: where.
 * @value: field_bytes() of it are filled in.
 */
void field_get(const struct field *f, const struct flow *flow, uint8_t *value)
{
	memset(value, 0, field_bytes(f));
	bits_copy(value, field_bytes(f), 0, (const uint8_t *)flow + f->ofs, f->len,
		  f->shift, f->bits);
}

void field_put(const struct field *f, struct flow *flow, const uint8_t *value)
{
	bits_copy((uint8_t *)flow + f->ofs, f->len, f->shift, value,
		  field_bytes(f), 0, f->bits);
}

/* Whether a mask has any bit of a field. */
bool field_any(const struct field *f, const struct flow *mask)
{
	static const uint8_t zero[FIELD_MAX];
	uint8_t m[FIELD_MAX];

	if (f->bits == 8 * f->len)
		return flow_has(mask, f->ofs, f->ofs + f->len);
	field_get(f, mask, m);
	return memcmp(m, zero, field_bytes(f));
}

static const struct flow no_bits;

void flow_or(struct flow *dst, const struct flow *src,
	     const struct flow *except)
{
	const flow_word *s = (const flow_word *)src;
	const flow_word *e = (const flow_word *)(except ?: &no_bits);
	flow_word *d = (flow_word *)dst;
	size_t i;

	/* Few words of a mask have bits. */
	for (i = 0; i + 1 < FLOW_WORDS; i += 2) {
		if (!(s[i] | s[i + 1]))
			continue;
		d[i] |= s[i] & ~e[i];
		d[i + 1] |= s[i + 1] & ~e[i + 1];
	}
	if (i < FLOW_WORDS)
		d[i] |= s[i] & ~e[i];
}

/* Whether a mask has a bit in its bytes from @ofs to before @end. */
bool flow_has(const struct flow *mask, size_t ofs, size_t end)
{
	return memcmp((const uint8_t *)mask + ofs, &no_bits, end - ofs);
}

bool flow_is_zero(const struct flow *flow)
{
	return !memcmp(flow, &no_bits, sizeof(*flow));
}

/**
 * mask_words_of - make a list of the words of a mask
 * @w: filled in.
 * @wc: the mask of a megaflow.
 */
void mask_words_of(struct mask_words *w, const struct flow *wc)
{
	struct flow all = *wc;
	unsigned int i;

	/* These every megaflow has exactly. */
	all.dl_type = all.vlan_tpid = all.vlan_tpid2 = UINT16_MAX;
	all.vlan_tci |= htons(VLAN_PRESENT);
	all.vlan_tci2 |= htons(VLAN_PRESENT);
	all.ethernet = UINT32_MAX;
	all.unknown = UINT64_MAX;
	w->wc = *wc;
	w->n = 0;
	for (i = 0; i < FLOW_WORDS; i++) {
		if (!((const flow_word *)&all)[i])
			continue;
		w->idx[w->n] = i;
		w->bits[w->n++] = ((const flow_word *)&all)[i];
	}
}

/**
 * mask_words_take - take what a mask lets through of a packet
 * @w: the mask.
 * @flow: the packet.
 * @masked: filled in, @w->n words.
 */
void mask_words_take(const struct mask_words *w, const struct flow *flow,
		     flow_word *masked)
{
	unsigned int i;

	for (i = 0; i < w->n; i++)
		masked[i] = ((const flow_word *)flow)[w->idx[i]] & w->bits[i];
}
