// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of fields, and what is done with one. */
#include "flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F(n, a, member, fmt, req, set)					\
	{ .name = n, .alias = a, .ofs = offsetof(struct flow, member),	\
	  .len = sizeof(((struct flow *)0)->member), .format = fmt,	\
	  .prereq = req, .settable = set }

const struct field fields[] = {
	F("recirc_id", NULL, recirc_id, FMT_HEX, REQ_NONE, false),
	F("in_port", NULL, in_port, FMT_DEC, REQ_NONE, false),
	F("dp_hash", NULL, dp_hash, FMT_HEX, REQ_NONE, false),
	F("pkt_mark", "skb_mark", skb_mark, FMT_HEX, REQ_NONE, true),
	F("skb_priority", NULL, skb_priority, FMT_HEX, REQ_NONE, true),
	F("dl_dst", "eth_dst", dl_dst, FMT_MAC, REQ_NONE, true),
	F("dl_src", "eth_src", dl_src, FMT_MAC, REQ_NONE, true),
	F("dl_type", "eth_type", dl_type, FMT_HEX, REQ_NONE, false),
	F("vlan_tci", NULL, vlan_tci, FMT_HEX, REQ_NONE, false),
	F("nw_src", "ip_src", nw_src, FMT_IP4, REQ_IP4, true),
	F("nw_dst", "ip_dst", nw_dst, FMT_IP4, REQ_IP4, true),
	F("arp_spa", NULL, nw_src, FMT_IP4, REQ_ARP, false),
	F("arp_tpa", NULL, nw_dst, FMT_IP4, REQ_ARP, false),
	F("ipv6_src", NULL, ipv6_src, FMT_IP6, REQ_IP6, true),
	F("ipv6_dst", NULL, ipv6_dst, FMT_IP6, REQ_IP6, true),
	F("nw_proto", "ip_proto", nw_proto, FMT_DEC, REQ_IP, false),
	F("arp_op", NULL, nw_proto, FMT_DEC, REQ_ARP, false),
	F("nw_tos", NULL, nw_tos, FMT_DEC, REQ_IP, true),
	F("nw_ttl", NULL, nw_ttl, FMT_DEC, REQ_IP, true),
	F("nw_frag", NULL, nw_frag, FMT_DEC, REQ_IP, false),
	F("tp_src", "tcp_src", tp_src, FMT_DEC, REQ_L4, true),
	F("tp_dst", "tcp_dst", tp_dst, FMT_DEC, REQ_L4, true),
	F("udp_src", NULL, tp_src, FMT_DEC, REQ_L4, true),
	F("udp_dst", NULL, tp_dst, FMT_DEC, REQ_L4, true),
	F("icmp_type", "icmpv6_type", tp_src, FMT_DEC, REQ_ICMP, false),
	F("icmp_code", "icmpv6_code", tp_dst, FMT_DEC, REQ_ICMP, false),
	F("arp_sha", NULL, arp_sha, FMT_MAC, REQ_ARP, false),
	F("arp_tha", NULL, arp_tha, FMT_MAC, REQ_ARP, false),
	F("metadata", NULL, metadata, FMT_HEX, REQ_NONE, true),
	F("reg0", NULL, reg[0], FMT_HEX, REQ_NONE, true),
	F("reg1", NULL, reg[1], FMT_HEX, REQ_NONE, true),
	F("reg2", NULL, reg[2], FMT_HEX, REQ_NONE, true),
	F("reg3", NULL, reg[3], FMT_HEX, REQ_NONE, true),
	F("reg4", NULL, reg[4], FMT_HEX, REQ_NONE, true),
	F("reg5", NULL, reg[5], FMT_HEX, REQ_NONE, true),
	F("reg6", NULL, reg[6], FMT_HEX, REQ_NONE, true),
	F("reg7", NULL, reg[7], FMT_HEX, REQ_NONE, true),
};

const unsigned int n_fields = sizeof(fields) / sizeof(fields[0]);

/**
 * field_find - find a field by name or alias
 * @name: need not be terminated.
 * @len: its length.
 *
 * Return: the field, or NULL.
 */
const struct field *field_find(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < n_fields; i++) {
		const struct field *f = &fields[i];

		if ((strlen(f->name) == len && !strncmp(f->name, name, len)) ||
		    (f->alias && strlen(f->alias) == len &&
		     !strncmp(f->alias, name, len)))
			return f;
	}
	return NULL;
}

/**
 * field_prereq_met - whether a packet has a field
 * @f: the field.
 * @flow: the packet.
 */
bool field_prereq_met(const struct field *f, const struct flow *flow)
{
	uint16_t type = ntohs(flow->dl_type);
	bool ip = type == 0x0800 || type == 0x86dd;

	switch (f->prereq) {
	case REQ_ARP:
		return type == 0x0806 || type == 0x8035;
	case REQ_IP4:
		return type == 0x0800;
	case REQ_IP6:
		return type == 0x86dd;
	case REQ_IP:
		return ip;
	case REQ_L4:
		return ip && (flow->nw_proto == 6 || flow->nw_proto == 17 ||
			      flow->nw_proto == 132);
	case REQ_ICMP:
		return (type == 0x0800 && flow->nw_proto == 1) ||
		       (type == 0x86dd && flow->nw_proto == 58);
	default:
		return true;
	}
}

static int parse_number(const char *s, unsigned int len, uint8_t *out)
{
	unsigned long long v;
	unsigned int i;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (*end || errno || (len < 8 && v >> (8 * len)))
		return -EINVAL;
	for (i = 0; i < len; i++)
		out[len - 1 - i] = v >> (8 * i);
	return 0;
}

static int parse_mac(const char *s, uint8_t *out)
{
	unsigned int b[6];
	int i, n = 0;

	if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
		   &b[4], &b[5], &n) != 6 || s[n])
		return -EINVAL;
	for (i = 0; i < 6; i++)
		out[i] = b[i];
	return 0;
}

static int parse_value(const struct field *f, const char *s, uint8_t *out)
{
	switch (f->format) {
	case FMT_MAC:
		return parse_mac(s, out);
	case FMT_IP4:
		return inet_pton(AF_INET, s, out) == 1 ? 0 : -EINVAL;
	case FMT_IP6:
		return inet_pton(AF_INET6, s, out) == 1 ? 0 : -EINVAL;
	default:
		return parse_number(s, f->len, out);
	}
}

static int parse_prefix(const struct field *f, const char *s, uint8_t *mask)
{
	unsigned int bits, i;
	char *end;

	bits = strtoul(s, &end, 10);
	if (end == s || *end || bits > f->len * 8u)
		return -EINVAL;
	memset(mask, 0, f->len);
	for (i = 0; i < bits; i++)
		mask[i / 8] |= 0x80 >> i % 8;
	return 0;
}

/**
 * field_parse - read VALUE[/MASK]
 * @f: the field.
 * @text: the text; a mask of an address may be a prefix length.
 * @value: @f->len bytes, masked.
 * @mask: likewise.
 *
 * Return: 0 or -EINVAL.
 */
int field_parse(const struct field *f, const char *text, uint8_t *value,
		uint8_t *mask)
{
	char buf[128], *slash;
	unsigned int i;
	int err;

	if (strlen(text) >= sizeof(buf))
		return -EINVAL;
	strcpy(buf, text);
	memset(mask, 0xff, f->len);
	slash = strchr(buf, '/');
	if (slash) {
		*slash++ = 0;
		if ((f->format == FMT_IP4 || f->format == FMT_IP6) &&
		    !strpbrk(slash, ".:"))
			err = parse_prefix(f, slash, mask);
		else
			err = parse_value(f, slash, mask);
		if (err)
			return err;
	}
	err = parse_value(f, buf, value);
	for (i = 0; !err && i < f->len; i++)
		value[i] &= mask[i];
	return err;
}

static int format_value(const struct field *f, const uint8_t *v, char *buf,
			size_t size)
{
	char ip[INET6_ADDRSTRLEN];
	uint64_t n = 0;
	unsigned int i;

	switch (f->format) {
	case FMT_MAC:
		return snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x",
				v[0], v[1], v[2], v[3], v[4], v[5]);
	case FMT_IP4:
	case FMT_IP6:
		inet_ntop(f->format == FMT_IP4 ? AF_INET : AF_INET6, v, ip,
			  sizeof(ip));
		return snprintf(buf, size, "%s", ip);
	default:
		for (i = 0; i < f->len; i++)
			n = n << 8 | v[i];
		return snprintf(buf, size, f->format == FMT_HEX ? "0x%llx" :
				"%llu", (unsigned long long)n);
	}
}

/* Length of the prefix that a mask is, or -1. */
static int prefix_len(const struct field *f, const uint8_t *mask)
{
	unsigned int i, n = 0;

	if (f->format != FMT_IP4 && f->format != FMT_IP6)
		return -1;
	while (n < f->len * 8u && mask[n / 8] & (0x80 >> n % 8))
		n++;
	for (i = n; i < f->len * 8u; i++)
		if (mask[i / 8] & (0x80 >> i % 8))
			return -1;
	return n;
}

/**
 * field_format - write VALUE[/MASK]
 * @f: the field.
 * @value: where its value is.
 * @mask: where its mask is.
 * @buf: the text.
 * @size: its room.
 *
 * Return: length of the text.
 */
int field_format(const struct field *f, const struct flow *value,
		 const struct flow *mask, char *buf, size_t size)
{
	const uint8_t *v = (const uint8_t *)value + f->ofs;
	const uint8_t *m = (const uint8_t *)mask + f->ofs;
	bool exact = true;
	unsigned int i;
	int n;

	for (i = 0; i < f->len; i++)
		exact = exact && m[i] == 0xff;
	n = format_value(f, v, buf, size);
	if (!exact && prefix_len(f, m) >= 0) {
		n += snprintf(buf + n, size - n, "/%d", prefix_len(f, m));
	} else if (!exact && n < (int)size - 1) {
		buf[n++] = '/';
		n += format_value(f, m, buf + n, size - n);
	}
	return n;
}

void flow_or(struct flow *dst, const struct flow *src,
	     const struct flow *except)
{
	const uint8_t *s = (const uint8_t *)src, *e = (const uint8_t *)except;
	uint8_t *d = (uint8_t *)dst;
	size_t i;

	for (i = 0; i < sizeof(*dst); i++)
		d[i] |= s[i] & (e ? ~e[i] : 0xff);
}

bool flow_is_zero(const struct flow *flow)
{
	const uint8_t *p = (const uint8_t *)flow;
	size_t i;

	for (i = 0; i < sizeof(*flow); i++)
		if (p[i])
			return false;
	return true;
}
