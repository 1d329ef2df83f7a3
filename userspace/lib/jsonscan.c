// SPDX-License-Identifier: GPL-2.0-or-later
/* Where one JSON object of a stream ends: told in one pass, before it is parsed. */
#include "jsonscan.h"

#include <string.h>

/* The next byte.  Return: 1: the object's last; -1: this is none. */
static int scan_byte(struct json_scan *s, char b)
{
	if (s->in_string) {
		if (!s->escaped && b == '"')
			s->in_string = false;
		s->escaped = !s->escaped && b == '\\';
		return 0;
	}
	if (!s->depth && b != '{')
		return strchr(" \n\r\t", b) && b ? 0 : -1;
	if (b == '"')
		s->in_string = true;
	else if (b == '{' || b == '[')
		return s->depth++ < MAX_NESTING ? 0 : -1;
	else if (b == '}' || b == ']')
		return !--s->depth;
	return 0;
}

/**
 * json_scan - look at what has come
 * @s: goes on from here.
 * @buf: the bytes.
 * @len: how many.
 *
 * Return: 1 when an object is whole: it has @s->scanned bytes, and @s is to be
 * cleared; 0 if more must come; -1 if it can't become an object.
 */
int json_scan(struct json_scan *s, const char *buf, size_t len)
{
	size_t i;
	int end;

	for (i = 0; i < len; i++) {
		s->scanned++;
		end = scan_byte(s, buf[i]);
		if (end)
			return end;
	}
	return 0;
}
