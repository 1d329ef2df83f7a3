// SPDX-License-Identifier: GPL-2.0-or-later
/* Tokens and numbers; see parse.h. */
#include "parse.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * fail - note the first error
 * @p: the text.
 * @token: what is wrong, in the text; NULL: no single token is.
 * @fmt: sentence.
 */
void fail(struct parser *p, const char *token, const char *fmt, ...)
{
	va_list args;

	if (p->failed)
		return;
	p->failed = true;
	va_start(args, fmt);
	vsnprintf(p->err, p->size, fmt, args);
	va_end(args);
	if (token)
		text_add_place(p->err, p->size, strlen(p->err), token, p->start);
}

/* Up to a comma or a space outside of parentheses and brackets. */
static size_t token_len(const char *s, const char *ends)
{
	unsigned int depth = 0;
	size_t n;

	for (n = 0; s[n] && (depth || !strchr(ends, s[n])); n++) {
		if (s[n] == '(')
			depth++;
		else if (s[n] == ')' && depth)
			depth--;
	}
	return n;
}

/* The next token; NULL at the end. */
char *next_token(struct parser *p)
{
	char *tok;

	p->at += strspn(p->at, ", \t");
	if (!*p->at)
		return NULL;
	tok = p->at;
	p->at += token_len(tok, ", \t");
	if (*p->at)
		*p->at++ = 0;
	return tok;
}

/* The next argument of what is in parentheses; NULL at the end. */
char *next_arg(char **at)
{
	char *arg = *at;

	if (!*arg)
		return NULL;
	*at += token_len(arg, ",");
	if (**at)
		*(*at)++ = 0;
	return arg;
}

bool parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, 0);
	return !*end && !errno && *out <= max;
}

bool has_prefix(char *tok, const char *prefix, char **rest)
{
	size_t n = strlen(prefix);

	if (strncmp(tok, prefix, n))
		return false;
	*rest = tok + n;
	return true;
}

/* What is in the parentheses that end a token; NULL, and an error, without. */
char *inside(struct parser *p, char *tok, char *open)
{
	size_t n = strlen(open);

	if (!n || open[n - 1] != ')') {
		fail(p, tok, "the closing parenthesis is missing");
		return NULL;
	}
	open[n - 1] = 0;
	return open;
}

/**
 * parse_subfield - read NAME, NAME[], NAME[N] or NAME[FROM..TO]
 * @p: the text.
 * @text: the token.
 * @ofs: lowest bit.
 * @n_bits: how many bits.
 *
 * Return: the field, or NULL with an error.
 */
const struct field *parse_subfield(struct parser *p, char *text, uint16_t *ofs,
				   uint16_t *n_bits)
{
	size_t len = strcspn(text, "[");
	const struct field *f = field_find(text, len);
	unsigned long from, to;
	char *end;

	if (!f || f->flags & FF_INTERNAL) {
		fail(p, text, "no field has this name");
		return NULL;
	}
	*ofs = 0;
	*n_bits = f->bits;
	if (!text[len] || !strcmp(text + len, "[]"))
		return f;
	from = to = strtoul(text + len + 1, &end, 10);
	if (end != text + len + 1 && !strncmp(end, "..", 2))
		to = strtoul(end + 2, &end, 10);
	if (strcmp(end, "]") || from > to || to >= f->bits) {
		fail(p, text, "%s has the bits 0..%u, written [FROM..TO]",
		     f->name, f->bits - 1);
		return NULL;
	}
	*ofs = from;
	*n_bits = to - from + 1;
	return f;
}
