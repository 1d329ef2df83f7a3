// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of fields as text, in the syntax of ovs-ofctl. */
#include "flow.h"
#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Names of single bits, each field's up to an empty one. */
static const struct flag { const char *name; uint32_t bit; } tcp_names[] = {
	{ "fin", 1 }, { "syn", 2 }, { "rst", 4 }, { "psh", 8 }, { "ack", 16 },
	{ "urg", 32 }, { "ece", 64 }, { "cwr", 128 }, { "ns", 256 },
	{ NULL, 0 }
}, ct_names[] = {
	{ "new", 1 }, { "est", 2 }, { "rel", 4 }, { "rpl", 8 }, { "inv", 16 },
	{ "trk", 32 }, { "snat", 64 }, { "dnat", 128 }, { NULL, 0 }
}, tun_names[] = {
	{ "oam", TUN_OAM }, { "df", TUN_DF }, { "csum", TUN_CSUM },
	{ "key", TUN_KEY }, { NULL, 0 }
}, exthdr_names[] = {
	{ "nonext", 1 }, { "esp", 2 }, { "auth", 4 }, { "dest", 8 },
	{ "frag", 16 }, { "router", 32 }, { "hop", 64 }, { "unrep", 128 },
	{ "unseq", 256 }, { NULL, 0 }
};

static const struct { const char *name; uint8_t value, mask; } frags[] = {
	{ "no", 0, FRAG_ANY | FRAG_LATER }, { "no", 0, FRAG_ANY },
	{ "yes", FRAG_ANY, FRAG_ANY },
	{ "first", FRAG_ANY, FRAG_ANY | FRAG_LATER },
	{ "later", FRAG_ANY | FRAG_LATER, FRAG_ANY | FRAG_LATER },
	{ "later", FRAG_LATER, FRAG_LATER }, { "not_later", 0, FRAG_LATER },
};

static const struct flag *flag_names(const struct field *f)
{
	return f->format == FMT_TCP_FLAGS ? tcp_names :
	       f->format == FMT_CT_STATE ? ct_names :
	       f->format == FMT_EXTHDR ? exthdr_names : tun_names;
}

/* The low 64 bits. */
static uint64_t to_u64(const struct field *f, const uint8_t *v)
{
	size_t i, len = field_bytes(f);
	uint64_t n = 0;

	for (i = len > 8 ? len - 8 : 0; i < len; i++)
		n = n << 8 | v[i];
	return n;
}

static void from_u64(const struct field *f, uint8_t *v, uint64_t n)
{
	size_t i;

	for (i = field_bytes(f); i; i--, n >>= 8)
		v[i - 1] = n;
}

/* All ones, as many as the field has bits. */
static void ones(const struct field *f, uint8_t *v)
{
	memset(v, 0, field_bytes(f));
	bits_set(v, field_bytes(f), 0, f->bits);
}

static const char *parse_hex(const struct field *f, const char *s, uint8_t *out)
{
	size_t n, i, len = field_bytes(f);

	n = strlen(s);
	if (!n || strspn(s, "0123456789abcdefABCDEF") != n)
		return "not a hexadecimal number";
	for (; n > 1 && *s == '0'; n--)
		s++;
	if (n > 2 * len)
		return "too large a number";
	memset(out, 0, len);
	for (i = 0; i < n; i++) {
		char c = s[n - 1 - i];
		unsigned int d = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;

		out[len - 1 - i / 2] |= d << 4 * (i % 2);
	}
	return NULL;
}

static const char *parse_number(const struct field *f, const char *s,
				uint8_t *out)
{
	unsigned long long v;
	char *end;

	if (f->bits > 64 && !strncasecmp(s, "0x", 2))
		return parse_hex(f, s + 2, out);
	if (*s < '0' || *s > '9')
		return "not a number";
	errno = 0;
	v = strtoull(s, &end, 0);
	if (*end)
		return "not a number";
	if (f->format == FMT_TOS) {
		if (v & 3 || v > 255)
			return "neither a multiple of 4 nor below 256";
		v >>= 2;
	}
	if (errno || (f->bits < 64 && v >> f->bits))
		return "too large a number";
	from_u64(f, out, v);
	return NULL;
}

static const char *parse_mac(const char *s, uint8_t *out)
{
	unsigned int i, n, digit;
	char *end;

	for (i = 0; i < 6; i++) {
		n = strspn(s, "0123456789abcdefABCDEF");
		digit = strtoul(s, &end, 16);
		if (!n || n > 2 || *end != (i < 5 ? ':' : 0))
			return "not an Ethernet address";
		out[i] = digit;
		s = end + 1;
	}
	return NULL;
}

static const char *parse_value(const struct field *f, const char *s,
			       uint8_t *out)
{
	switch (f->format) {
	case FMT_MAC:
		return parse_mac(s, out);
	case FMT_IP4:
		return inet_pton(AF_INET, s, out) == 1 ? NULL :
		       "not an IPv4 address";
	case FMT_IP6:
		return inet_pton(AF_INET6, s, out) == 1 ? NULL :
		       "not an IPv6 address";
	default:
		return parse_number(f, s, out);
	}
}

static const char *parse_prefix(const struct field *f, const char *s,
				uint8_t *mask)
{
	unsigned long n;
	char *end;

	n = *s >= '0' && *s <= '9' ? strtoul(s, &end, 10) : 999;
	if (n > f->bits || *end)
		return "not a length of a prefix";
	memset(mask, 0, field_bytes(f));
	bits_set(mask, field_bytes(f), f->bits - n, n);
	return NULL;
}

static bool flag_bit(const struct flag *names, const char *s, size_t len,
		     uint32_t *bit)
{
	for (; names->name; names++) {
		if (strlen(names->name) != len || strncmp(names->name, s, len))
			continue;
		*bit = names->bit;
		return true;
	}
	return false;
}

/* +this-that: these bits matter; this|that: all do.  NULL if it is neither. */
static const char *parse_flags(const struct field *f, const char *s,
			       struct field_value *v)
{
	uint32_t value = 0, mask = 0, bit;
	bool exact = *s != '+' && *s != '-';
	char sign = '+';
	size_t len;

	if (*s >= '0' && *s <= '9')
		return NULL;
	for (;;) {
		if (!exact)
			sign = *s++;
		len = strcspn(s, exact ? "|" : "+-");
		if (!flag_bit(flag_names(f), s, len, &bit))
			return "an unknown flag";
		if (mask & bit)
			return "a flag twice";
		mask |= bit;
		value |= sign == '+' ? bit : 0;
		s += len;
		if (!*s)
			break;
		s += exact;
	}
	from_u64(f, v->value, value);
	if (exact)
		ones(f, v->mask);
	else
		from_u64(f, v->mask, mask);
	return "";
}

static const char *parse_frag(const struct field *f, const char *s,
			      struct field_value *v)
{
	unsigned int i;

	for (i = 0; i < sizeof(frags) / sizeof(frags[0]); i++) {
		if (strcmp(frags[i].name, s))
			continue;
		from_u64(f, v->value, frags[i].value);
		from_u64(f, v->mask, frags[i].mask);
		return NULL;
	}
	return "none of no, yes, first, later, not_later";
}

/* (NS,TYPE): (0,0) is Ethernet, (1,TYPE) what has no Ethernet header. */
static const char *parse_packet_type(const struct field *f, const char *s,
				     struct field_value *v)
{
	int ns, type, len = 0;

	if (sscanf(s, "(%1d,%i)%n", &ns, &type, &len) != 2 || !len || s[len] ||
	    ns > 1 || type < 0 || type > 0xffff || (!ns && type))
		return "neither (0,0) nor (1,TYPE)";
	from_u64(f, v->value, (uint32_t)ns << 16 | type);
	ones(f, v->mask);
	return NULL;
}

/**
 * field_parse - read VALUE[/MASK]
 * @f: the field.
 * @text: the text; a mask of an address may be a prefix length.
 * @v: filled in.
 *
 * Return: NULL, or what the text is instead of a value.
 */
const char *field_parse(const struct field *f, const char *text,
			struct field_value *v)
{
	const char *why = NULL;
	char buf[FIELD_TEXT], *slash;
	size_t i;

	if (strlen(text) >= sizeof(buf))
		return "too long";
	if (f->format == FMT_FRAG)
		return parse_frag(f, text, v);
	if (f->format == FMT_PACKET_TYPE)
		return parse_packet_type(f, text, v);
	if (f->format >= FMT_TCP_FLAGS) {
		why = parse_flags(f, text, v);
		if (why)
			return *why ? why : NULL;
	}
	strcpy(buf, text);
	ones(f, v->mask);
	slash = strchr(buf, '/');
	if (slash) {
		*slash++ = 0;
		if ((f->format == FMT_IP4 || f->format == FMT_IP6) &&
		    !strpbrk(slash, ".:"))
			why = parse_prefix(f, slash, v->mask);
		else
			why = parse_value(f, slash, v->mask);
		if (why)
			return why;
	}
	why = parse_value(f, buf, v->value);
	for (i = 0; !why && i < field_bytes(f); i++)
		v->value[i] &= v->mask[i];
	return why;
}

static int format_u64(uint64_t v, bool hex, char *buf, size_t size)
{
	return snprintf(buf, size, hex ? "0x%llx" : "%llu", (unsigned long long)v);
}

static int format_number(const struct field *f, const uint8_t *v, bool hex,
			 char *buf, size_t size)
{
	size_t i = 0, len = field_bytes(f);
	int n;

	while (i + 8 < len && !v[i])
		i++;
	if (i + 8 >= len)
		return format_u64(to_u64(f, v), hex, buf, size);
	n = snprintf(buf, size, "0x%x", v[i]);
	while (++i < len)
		n = text_add(buf, size, n, "%02x", v[i]);
	return n;
}

static int format_value(const struct field *f, const uint8_t *v, bool hex,
			char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN];

	switch (f->format) {
	case FMT_MAC:
		return snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x",
				v[0], v[1], v[2], v[3], v[4], v[5]);
	case FMT_IP4:
	case FMT_IP6:
		inet_ntop(f->format == FMT_IP4 ? AF_INET : AF_INET6, v, ip, sizeof(ip));
		return snprintf(buf, size, "%s", ip);
	case FMT_TOS:
		return format_u64(to_u64(f, v) << 2, hex, buf, size);
	default:
		return format_number(f, v, hex, buf, size);
	}
}

/* Length of the prefix that a mask is, or -1 if it is none. */
static int prefix_len(const struct field *f, const uint8_t *mask)
{
	unsigned int i, n = 0;

	if (f->format != FMT_IP4 && f->format != FMT_IP6)
		return -1;
	while (n < f->bits && mask[n / 8] & 0x80 >> n % 8)
		n++;
	for (i = n; i < f->bits; i++)
		if (mask[i / 8] & 0x80 >> i % 8)
			return -1;
	return n;
}

/* By name, if all bits have one.  Return: length of the text, or -1. */
static int format_flags(const struct field *f, uint32_t value, uint32_t mask,
			bool exact, char *buf, size_t size)
{
	uint32_t named = 0;
	const struct flag *fl;
	int n = 0;

	for (fl = flag_names(f); fl->name; fl++)
		named |= fl->bit;
	if ((exact ? value : mask) & ~named || !(exact ? value : mask))
		return -1;
	for (fl = flag_names(f); fl->name; fl++) {
		if (!(mask & fl->bit) || (exact && !(value & fl->bit)))
			continue;
		n = text_add(buf, size, n, "%s%s", exact ? n ? "|" : "" :
			     value & fl->bit ? "+" : "-", fl->name);
	}
	return n;
}

static int format_frag(uint8_t value, uint8_t mask, char *buf, size_t size)
{
	unsigned int i;

	for (i = 0; i < sizeof(frags) / sizeof(frags[0]); i++)
		if (frags[i].value == value && frags[i].mask == mask)
			return snprintf(buf, size, "%s", frags[i].name);
	return snprintf(buf, size, "%u", value);	/* there is none such */
}

/**
 * field_format - write VALUE[/MASK], as field_parse() reads it
 * @f: the field.
 * @value: its value, as in &struct field_value.
 * @mask: its mask.
 * @buf: the text; FIELD_TEXT bytes do.
 * @size: its room.
 *
 * Return: length of the text.
 */
int field_format(const struct field *f, const uint8_t *value, const uint8_t *mask,
		 char *buf, size_t size)
{
	uint8_t all[FIELD_MAX];
	bool exact;
	int n, len;

	ones(f, all);
	exact = !memcmp(all, mask, field_bytes(f));
	if (f->format == FMT_FRAG)
		return format_frag(*value, *mask, buf, size);
	if (f->format == FMT_PACKET_TYPE)
		return snprintf(buf, size, "(%u,0x%x)",
				(unsigned int)(to_u64(f, value) >> 16),
				(unsigned int)to_u64(f, value) & 0xffff);
	if (f->format >= FMT_TCP_FLAGS) {
		n = format_flags(f, to_u64(f, value), to_u64(f, mask), exact, buf, size);
		if (n >= 0)
			return n;
	}
	n = format_value(f, value, !exact || f->format >= FMT_TCP_FLAGS ||
			 f->format == FMT_HEX, buf, size);
	if (exact)
		return n;
	len = prefix_len(f, mask);
	if (len >= 0)
		return text_add(buf, size, n, "/%d", len);
	n = text_add(buf, size, n, "/");
	return n + format_value(f, mask, true, buf + n, size - n);
}
