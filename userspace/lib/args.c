// SPDX-License-Identifier: GPL-2.0-or-later
/* Arguments of commands; see args.h. */
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One word of a description.  Return: 0, or -1 if it makes no sense. */
static int param_read(struct param *p, const char *word, size_t len)
{
	const char *range;
	size_t n;

	memset(p, 0, sizeof(*p));
	p->optional = len > 2 && word[0] == '[' && word[len - 1] == ']';
	if (p->optional) {
		word++;
		len -= 2;
	}
	p->rest = len > 3 && !memcmp(word + len - 3, "...", 3);
	if (p->rest)
		len -= 3;
	range = memchr(word, '=', len);
	n = range ? (size_t)(range - word) : len;
	if (!n || n >= sizeof(p->name))
		return -1;
	memcpy(p->name, word, n);
	p->keyword = !isupper((unsigned char)*word);
	p->number = range;
	if (range && sscanf(range, "=%lu-%lu", &p->low, &p->high) != 2)
		return -1;
	return p->keyword && (p->rest || p->number) ? -1 : 0;
}

/**
 * params_parse - read a description
 * @text: as told in args.h.
 * @params: room for MAX_PARAMS.
 *
 * Return: how many there are, or -1 if the description is wrong.
 */
int params_parse(const char *text, struct param *params)
{
	int n = 0;
	size_t len;

	for (; *(text += strspn(text, " ")); text += len) {
		len = strcspn(text, " ");
		if (n == MAX_PARAMS || (n && params[n - 1].rest) ||
		    param_read(&params[n], text, len))
			return -1;
		n++;
	}
	return n;
}

static bool number_ok(const struct param *p, const char *word, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(word, &end, 0);
	return isdigit((unsigned char)*word) && !*end && !errno &&
	       *value >= p->low && *value <= p->high;
}

/* The parameter that a word is for: a keyword, or the next value. */
static int param_for(const struct args *a, const char *word)
{
	unsigned int i;

	/* What must be there comes before a keyword that looks like it. */
	for (i = 0; *word != '-' && i < a->n_params; i++)
		if (!a->params[i].keyword && !a->params[i].optional &&
		    !a->given[i])
			return i;
	for (i = 0; i < a->n_params; i++)
		if (a->params[i].keyword && !a->given[i] &&
		    !strcmp(a->params[i].name, word))
			return i;
	for (i = 0; i < a->n_params; i++)
		if (!a->params[i].keyword && (!a->given[i] || a->params[i].rest))
			return i;
	return -1;
}

static int fail(const struct cmd *cmd, char *err, size_t size, const char *what,
		const char *token, const struct param *p)
{
	char usage[256], range[64] = "";

	if (p && p->number)
		snprintf(range, sizeof(range), " from %lu to %lu", p->low,
			 p->high);
	cmd_usage(cmd, ' ', usage, sizeof(usage));
	if (token)
		snprintf(err, size, "\"%.100s\" %s%s%s (usage: %s)", token, what,
			 p ? p->name : "", range, usage);
	else
		snprintf(err, size, "%s %s (usage: %s)", p->name, what, usage);
	return -1;
}

static int args_take(struct args *a, const struct cmd *cmd, const char *word,
		     char *err, size_t size)
{
	int i = param_for(a, word);
	struct param *p = i >= 0 ? &a->params[i] : NULL;
	uint64_t value;

	if (!p)
		return fail(cmd, err, size, "is one word too many", word, NULL);
	if (p->number && !number_ok(p, word, &value))
		return fail(cmd, err, size, "is no ", word, p);
	/* A mistyped option is no value. */
	if (!p->keyword && !strncmp(word, "--", 2) && word[2])
		return fail(cmd, err, size, "is no option here", word, NULL);
	if (p->rest && a->n_rest == MAX_ARGS)
		return fail(cmd, err, size, "is one word too many", word, NULL);
	if (!a->given[i])
		a->given[i] = word;
	if (p->rest)
		a->rest[a->n_rest++] = word;
	return 0;
}

/**
 * args_parse - take the arguments of a command
 * @a: filled in; it points into @argv.
 * @cmd: the command.
 * @argc: how many words.
 * @argv: the words.
 * @err: a sentence that names the wrong word, if it fails.
 * @size: its room.
 *
 * Return: 0 or -1.
 */
int args_parse(struct args *a, const struct cmd *cmd, int argc,
	       const char *const *argv, char *err, size_t size)
{
	unsigned int i;
	int n;

	memset(a, 0, sizeof(*a));
	n = params_parse(cmd->args, a->params);
	if (n < 0) {
		snprintf(err, size, "the table of commands is wrong");
		return -1;
	}
	a->n_params = n;
	for (n = 0; n < argc; n++)
		if (args_take(a, cmd, argv[n], err, size))
			return -1;
	for (i = 0; i < a->n_params; i++)
		if (!a->params[i].optional && !a->given[i])
			return fail(cmd, err, size, "is missing", NULL,
				    &a->params[i]);
	return 0;
}

/**
 * args_get - a value that was given
 * @a: the arguments.
 * @name: of the parameter.
 *
 * Return: the word, or NULL.
 */
const char *args_get(const struct args *a, const char *name)
{
	unsigned int i;

	for (i = 0; i < a->n_params; i++)
		if (!strcmp(a->params[i].name, name))
			return a->given[i];
	return NULL;
}

/* Whether a keyword was given. */
bool args_has(const struct args *a, const char *keyword)
{
	return args_get(a, keyword);
}

/* A number that was given, or @otherwise. */
uint64_t args_number(const struct args *a, const char *name, uint64_t otherwise)
{
	const char *word = args_get(a, name);

	return word ? strtoull(word, NULL, 0) : otherwise;
}

/* Take one word off a line, in place.  Return: its end, or NULL. */
static char *word_end(char *in, char **next)
{
	char quote = 0, *out = in;

	for (; *in && (quote || !isspace((unsigned char)*in)); in++) {
		if (quote && *in == quote)
			quote = 0;
		else if (!quote && (*in == '"' || *in == '\''))
			quote = *in;
		else if (*in == '\\' && in[1] && quote != '\'')
			*out++ = *++in;
		else
			*out++ = *in;
	}
	*next = *in ? in + 1 : in;
	return quote ? NULL : out;
}

/**
 * words_split - take a line apart as a shell does
 * @line: the line; cut up.  What follows a '#' that begins a word is a remark.
 * @words: the words.
 * @max: the most that there may be.
 * @err: a sentence, if it fails.
 * @size: its room.
 *
 * Return: how many words, or -1.
 */
int words_split(char *line, const char **words, unsigned int max, char *err,
		size_t size)
{
	unsigned int n = 0;
	char *end, *next;

	for (;; line = next) {
		while (isspace((unsigned char)*line))
			line++;
		if (!*line || *line == '#')
			return n;
		if (n == max) {
			snprintf(err, size, "more than %u words", max);
			return -1;
		}
		words[n++] = line;
		end = word_end(line, &next);
		if (!end) {
			snprintf(err, size, "a quote that is not closed");
			return -1;
		}
		*end = 0;
	}
}
