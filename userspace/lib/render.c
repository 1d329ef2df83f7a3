// SPDX-License-Identifier: GPL-2.0-or-later
/* Templates; see render.h. */
#include "render.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEY 64
#define MAX_NESTED 8

/**
 * struct scope - what names are looked up in
 * @outer: around it.
 * @value: the value.
 */
struct scope {
	const struct scope *outer;
	const json_t *value;
};

/**
 * struct tag - something in braces
 * @kind: '#', '^', '/', or 0 for a value.
 * @key: name.
 * @width: see render.h.
 * @indent: see render.h.
 * @end: behind it.
 */
struct tag {
	char kind;
	char key[MAX_KEY];
	int width;
	int indent;
	const char *end;
};

/* Read what is in braces.  Return: false if it is no tag. */
static bool tag_read(const char *p, struct tag *t)
{
	const char *close = strchr(p, '}');
	size_t len;

	memset(t, 0, sizeof(*t));
	if (*p++ != '{' || !close)
		return false;
	if (strchr("#^/", *p))
		t->kind = *p++;
	len = strcspn(p, ":|}");
	if (!len || len >= sizeof(t->key))
		return false;
	memcpy(t->key, p, len);
	if (p[len] == ':')
		t->width = atoi(p + len + 1);
	if (p[len] == '|')
		t->indent = atoi(p + len + 1);
	t->end = close + 1;
	return true;
}

static const json_t *member(const json_t *value, const char *key)
{
	char part[MAX_KEY];
	size_t len;

	for (; value && *key; key += len + (key[len] == '.')) {
		len = strcspn(key, ".");
		snprintf(part, sizeof(part), "%.*s", (int)len, key);
		value = json_object_get(value, part);
	}
	return value;
}

static const json_t *lookup(const struct scope *s, const char *key)
{
	const json_t *found = NULL;

	if (!strcmp(key, "."))
		return s->value;
	for (; s && !found; s = s->outer)
		found = member(s->value, key);
	return found;
}

static bool is_something(const json_t *v)
{
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		return json_object_size(v);
	case JSON_ARRAY:
		return json_array_size(v);
	case JSON_STRING:
		return json_string_length(v);
	case JSON_INTEGER:
		return json_integer_value(v);
	case JSON_REAL:
		return json_real_value(v) != 0;
	case JSON_TRUE:
		return true;
	default:
		return false;
	}
}

static void print_lines(FILE *out, const char *s, int indent)
{
	size_t len;

	for (; *s; s += len + (s[len] != 0)) {
		len = strcspn(s, "\n");
		fprintf(out, "%*s%.*s\n", indent, "", (int)len, s);
	}
}

static void print_value(FILE *out, const struct tag *t, const json_t *v)
{
	char buf[40];
	const char *s = buf;

	buf[0] = 0;
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_STRING:
		s = json_string_value(v);
		break;
	case JSON_INTEGER:
		snprintf(buf, sizeof(buf), "%lld",
			 (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		snprintf(buf, sizeof(buf), "%.1f", json_real_value(v));
		break;
	case JSON_TRUE:
		s = "yes";
		break;
	case JSON_FALSE:
		s = "no";
		break;
	default:
		break;
	}
	if (t->indent)
		print_lines(out, s, t->indent);
	else
		fprintf(out, "%*s", t->width, s);
}

/* The end of a section's body, and what is behind its closing tag. */
static const char *section_end(const char *p, const char *key, const char **behind)
{
	struct tag t;
	int depth = 1;

	for (; (p = strchr(p, '{')); p = t.end ? t.end : p + 1) {
		if (!tag_read(p, &t) || strcmp(t.key, key) || !t.kind)
			continue;
		depth += t.kind == '/' ? -1 : 1;
		if (!depth) {
			*behind = t.end;
			return p;
		}
	}
	return NULL;
}

static void render_part(FILE *out, const char *p, const char *end,
			const struct scope *s, int depth);

static void render_section(FILE *out, const struct tag *t, const char *end,
			   const struct scope *s, int depth)
{
	const json_t *v = lookup(s, t->key);
	struct scope inner = { .outer = s, .value = v };
	size_t i;

	if (is_something(v) == (t->kind == '^'))
		return;
	if (t->kind == '^' || !json_is_array(v)) {
		if (!json_is_object(v))
			inner = *s;
		render_part(out, t->end, end, &inner, depth + 1);
		return;
	}
	for (i = 0; i < json_array_size(v); i++) {
		inner.value = json_array_get(v, i);
		render_part(out, t->end, end, &inner, depth + 1);
	}
}

static void render_part(FILE *out, const char *p, const char *end,
			const struct scope *s, int depth)
{
	const char *body_end, *behind;
	struct tag t;
	size_t len;

	while (p < end) {
		if (*p != '{' || !tag_read(p, &t)) {
			len = 1 + strcspn(p + 1, "{");
			if (len > (size_t)(end - p))
				len = end - p;
			fwrite(p, 1, len, out);
			p += len;
			continue;
		}
		behind = t.end;
		if (!t.kind) {
			print_value(out, &t, lookup(s, t.key));
		} else {
			body_end = section_end(t.end, t.key, &behind);
			if (!body_end || depth == MAX_NESTED)
				return;
			render_section(out, &t, body_end, s, depth);
		}
		p = behind;
	}
}

/**
 * render - write a value by a template
 * @out: where to.
 * @text: the template.
 * @value: the value.
 */
void render(FILE *out, const char *text, const json_t *value)
{
	struct scope s = { .value = value };

	render_part(out, text, text + strlen(text), &s, 0);
}

/**
 * render_check - see whether a template is well-formed
 * @text: the template.
 *
 * Return: NULL, or where it is not.
 */
const char *render_check(const char *text)
{
	const char *behind, *p = text;
	struct tag t;
	char open[MAX_NESTED][MAX_KEY];
	int depth = 0;

	for (; (p = strchr(p, '{')); p = t.end) {
		if (!tag_read(p, &t))
			return p;
		if (t.kind == '/') {
			if (!depth || strcmp(open[--depth], t.key))
				return p;
		} else if (t.kind) {
			if (depth == MAX_NESTED || !section_end(t.end, t.key, &behind))
				return p;
			strcpy(open[depth++], t.key);
		}
	}
	return NULL;
}
