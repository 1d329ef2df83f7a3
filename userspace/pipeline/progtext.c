// SPDX-License-Identifier: GPL-2.0-or-later
/* What a program may write, in words. */
#include "progwrites.h"
#include "text.h"

#include <stdio.h>

bool pw_bytes_any(const struct pw_bytes *b)
{
	unsigned int i;

	for (i = 0; i < PW_BYTES / 64; i++)
		if (b->bits[i])
			return true;
	return b->beyond;
}

bool pw_bytes_has(const struct pw_bytes *b, unsigned int ofs)
{
	return ofs < PW_BYTES ? b->bits[ofs / 64] >> ofs % 64 & 1 : b->beyond;
}

/* Whether a byte of any packet may be written. */
bool progwrites_packet(const struct progwrites *pw)
{
	uint32_t i;

	for (i = 0; i < pw->n_classes; i++)
		if (pw_bytes_any(&pw->class[i].data) ||
		    pw_bytes_any(&pw->class[i].l4))
			return true;
	return pw->anything;
}

/* "0-11, 26-29, 256-" */
static int add_bytes(char *buf, size_t size, int n, const struct pw_bytes *b)
{
	const char *sep = "";
	unsigned int i, from;

	for (i = 0; i <= PW_BYTES; i++) {
		if (!pw_bytes_has(b, i))
			continue;
		from = i;
		while (i < PW_BYTES && pw_bytes_has(b, i + 1))
			i++;
		if (i == PW_BYTES)
			n = text_add(buf, size, n, "%s%u-", sep, from);
		else if (i == from)
			n = text_add(buf, size, n, "%s%u", sep, from);
		else
			n = text_add(buf, size, n, "%s%u-%u", sep, from, i);
		sep = ", ";
	}
	return n;
}

static int add_class(char *buf, size_t size, int n, const struct pw_class *c)
{
	bool data = pw_bytes_any(&c->data), l4 = pw_bytes_any(&c->l4);

	if (!data && !l4)
		return n;
	if (n)
		n = text_add(buf, size, n, "; ");
	if (c->eth_type == 0x0800)
		n = text_add(buf, size, n, "IPv4: ");
	else if (c->eth_type == 0x86dd)
		n = text_add(buf, size, n, "IPv6: ");
	else if (c->eth_type)
		n = text_add(buf, size, n, "type 0x%04x: ", c->eth_type);
	if (data) {
		n = text_add(buf, size, n, "bytes ");
		n = add_bytes(buf, size, n, &c->data);
	}
	if (l4) {
		n = text_add(buf, size, n, "%slayer 4 bytes ", data ? ", " : "");
		n = add_bytes(buf, size, n, &c->l4);
	}
	return n;
}

static int add_anything(char *buf, size_t size, const struct progwrites *pw)
{
	const char *name = bpf_helper_name(pw->helper);
	int n = text_add(buf, size, 0, "anything (");

	switch (pw->why) {
	case PW_WHY_NOT_ANALYZED:
		return text_add(buf, size, n, "not analyzed)");
	case PW_WHY_POINTER:
		n = text_add(buf, size, n, "a store by a pointer that can't be followed");
		break;
	case PW_WHY_HELPER:
		n = text_add(buf, size, n, "bpf_%s()", name ? name : "?");
		break;
	case PW_WHY_UNKNOWN_HELPER:
		n = name ? text_add(buf, size, n, "bpf_%s(), of unknown effect", name) :
		    text_add(buf, size, n, "unknown helper %d", pw->helper);
		break;
	case PW_WHY_KFUNC:
		n = text_add(buf, size, n, "a kernel function is called");
		break;
	case PW_WHY_TAIL_CALL:
		n = text_add(buf, size, n, "a tail call");
		break;
	case PW_WHY_CONTEXT:
		n = text_add(buf, size, n, "a store to an unknown field of __sk_buff");
		break;
	case PW_WHY_INSN:
		n = text_add(buf, size, n, "an unknown instruction");
		break;
	case PW_WHY_TOO_LARGE:
		n = text_add(buf, size, n, "too large to tell");
		break;
	}
	return text_add(buf, size, n, ", instruction %u)", pw->insn);
}

/**
 * progwrites_format - write which bytes of a packet a program may write
 * @pw: what it may write.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 *
 * Return: length of the text: "nothing", "anything (why)", or the bytes.
 */
int progwrites_format(const struct progwrites *pw, char *buf, size_t size)
{
	uint32_t i;
	int n = 0;

	buf[0] = 0;
	if (pw->anything)
		return add_anything(buf, size, pw);
	for (i = 0; i < pw->n_classes; i++)
		n = add_class(buf, size, n, &pw->class[i]);
	return n ? n : text_add(buf, size, n, "nothing");
}

static int add_flags(char *buf, size_t size, uint32_t flags,
		     const char *const *names, unsigned int n_names)
{
	unsigned int i;
	int n = 0;

	buf[0] = 0;
	for (i = 0; i < n_names; i++)
		if (flags & 1u << i)
			n = text_add(buf, size, n, "%s%s", n ? ", " : "", names[i]);
	return n ? n : text_add(buf, size, n, "nothing");
}

/* Likewise, of metadata. */
int progwrites_format_meta(const struct progwrites *pw, char *buf, size_t size)
{
	static const char *const names[] = {
		"mark", "priority", "result", "cb", "tc_index", "tc_classid",
		"queue_mapping", "tstamp", "hash", "pkt_type",
	};

	return add_flags(buf, size, pw->meta, names,
			 sizeof(names) / sizeof(names[0]));
}

/* Likewise, what else it may do. */
int progwrites_format_may(const struct progwrites *pw, char *buf, size_t size)
{
	static const char *const names[] = {
		"resize", "VLAN tags", "redirect", "send copies", "tail call",
		"kernel functions",
	};

	return add_flags(buf, size, pw->may, names,
			 sizeof(names) / sizeof(names[0]));
}
