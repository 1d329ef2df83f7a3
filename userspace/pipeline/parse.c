// SPDX-License-Identifier: GPL-2.0-or-later
/* Tokens and numbers; see parse.h. */
#include "parse.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* Up to one of @ends outside of parentheses and quotes. */
size_t token_len(const char *s, const char *ends)
{
	unsigned int depth = 0;
	bool quoted = false;
	size_t n;

	for (n = 0; s[n] && (depth || quoted || !strchr(ends, s[n])); n++) {
		if (s[n] == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (s[n] == '(')
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

static bool is_number(const char *tok)
{
	return *tok >= '0' && *tok <= '9';
}

bool parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	char *end;

	if (!is_number(s))
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
 * find_port - find a port by its number, by its name, which may be in quotes, or as LOCAL
 * @p: the text.
 * @tok: the token.
 * @number: of the port.
 *
 * Return: whether there is one, or may be one.
 */
bool find_port(struct parser *p, const char *tok, uint32_t *number)
{
	const struct rule_names *names = p->names;
	size_t len = strlen(tok);
	char name[64];
	uint64_t n;

	if (is_number(tok)) {
		if (!parse_u64(tok, MAX_PORT, &n))
			return false;
		*number = n;
		return true;
	}
	if (!strcasecmp(tok, "local")) {
		*number = LOCAL_PORT;
		return true;
	}
	if (*tok == '"') {
		if (len < 2 || strchr(tok + 1, '"') != tok + len - 1) {
			fail(p, tok, "the closing quote is missing");
			return false;
		}
		tok++;
		len -= 2;
	}
	if (!names || !names->port || len >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)len, tok);
	return names->port(name, number, names->arg);
}

/* Likewise; with an error if there is none. */
bool parse_port(struct parser *p, const char *tok, uint32_t *number)
{
	if (find_port(p, tok, number))
		return true;
	if (is_number(tok))
		fail(p, tok, "a port must be 0 to %d", MAX_PORT);
	else
		fail(p, tok, "no port has this name");
	return false;
}

/**
 * parse_value - read VALUE[/MASK], for in_port also a name
 * @p: the text.
 * @f: the field.
 * @tok: the token.
 * @v: filled in.
 *
 * Return: NULL, or what is wrong.
 */
const char *parse_value(struct parser *p, const struct field *f, const char *tok,
			struct field_value *v)
{
	char number[16];
	uint32_t port;

	if (f->ofs != offsetof(struct flow, in_port) || !*tok || is_number(tok))
		return field_parse(f, tok, v);
	if (!parse_port(p, tok, &port))
		return p->err;
	snprintf(number, sizeof(number), "%u", port);
	return field_parse(f, number, v);
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
