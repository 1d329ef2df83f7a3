/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes as libnl has them, without a call for each step: for what is done for each
 * upcall.
 */
#ifndef ATTR_H
#define ATTR_H 1

#include <linux/netlink.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <string.h>

/* The attribute at @p, which ends before @end, or NULL. */
static inline const struct nlattr *attr_at(const void *p, const void *end)
{
	ptrdiff_t room = (const char *)end - (const char *)p;
	const struct nlattr *a = p;

	return room >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= room ?
	       a : NULL;
}

static inline const struct nlattr *attr_next(const struct nlattr *a, const void *end)
{
	return attr_at((const char *)a + NLA_ALIGN(a->nla_len), end);
}

static inline unsigned int attr_type(const struct nlattr *a)
{
	return a->nla_type & NLA_TYPE_MASK;
}

static inline int attr_len(const struct nlattr *a)
{
	return a->nla_len - NLA_HDRLEN;
}

static inline const void *attr_data(const struct nlattr *a)
{
	return (const char *)a + NLA_HDRLEN;
}

static inline const void *attr_end(const struct nlattr *a)
{
	return (const char *)a + a->nla_len;
}

#define for_each_attr(a, nest)						\
	for (a = attr_at(attr_data(nest), attr_end(nest)); a;		\
	     a = attr_next(a, attr_end(nest)))

/* The first attribute of a type in a nest, or NULL. */
static inline const struct nlattr *attr_find(const struct nlattr *nest, unsigned int type)
{
	const struct nlattr *a;

	for_each_attr(a, nest)
		if (attr_type(a) == type)
			break;
	return a;
}

/**
 * attr_room - make room at the end of a message
 * @msg: the message.
 * @len: bytes, a multiple of NLA_ALIGNTO.
 *
 * Return: where, or NULL if the message has no room.
 */
static inline void *attr_room(struct nl_msg *msg, size_t len)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	char *p = (char *)h + NLMSG_ALIGN(h->nlmsg_len);

	if (p - (char *)h + len > nlmsg_get_max_size(msg))
		return NULL;
	h->nlmsg_len = p - (char *)h + len;
	return p;
}

/* Add an attribute as it stands elsewhere.  Return: 0, or -1 if there is no room. */
static inline int attr_copy(struct nl_msg *msg, const struct nlattr *a)
{
	size_t len = a->nla_len, pad = NLA_ALIGN(len) - len;
	char *p = attr_room(msg, len + pad);

	if (!p)
		return -1;
	memcpy(p, a, len);
	if (pad)
		memset(p + len, 0, pad);
	return 0;
}

#endif
