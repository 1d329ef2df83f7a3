// SPDX-License-Identifier: GPL-2.0-or-later
/* From the name of a command to its function, and batches. */
#include <stdlib.h>
#include <string.h>

#include "../lib/log.h"
#include "../lib/readfile.h"
#include "command.h"
#include "probes.h"
#include "switch.h"

#define MAX_BATCH (16u << 20)

#define COMMAND(object, verb, function, ...) function,
static const cmd_fn functions[] = {
#include "../lib/cmds.def"
};
#undef COMMAND

/* Run a command that has been found, in a transaction. */
static int run(struct sw *sw, struct reply *r, int argc, const char *const *argv)
{
	char why[1024];
	struct args a;
	int err;

	if (args_parse(&a, r->cmd, argc, argv, why, sizeof(why)))
		return reply_fail(r, "%s", why);
	txn_begin(sw, false);
	err = functions[r->cmd - cmds](sw, &a, r);
	/* What is too long to be told has been done all the same. */
	txn_end(sw, !err);
	return err || r->failed ? -1 : 0;
}

static void forget_j(int *argc, const char *const **argv, bool *json)
{
	*json = *argc && !strcmp(**argv, "-j");
	if (*json) {
		--*argc;
		++*argv;
	}
}

/**
 * command_run - run a command of a client's
 * @sw: the switch.
 * @client: who asks; NULL: nobody, such as a test.
 * @method: the command, as "port/add".
 * @argc: how many arguments.
 * @argv: the arguments; "-j" first asks for JSON.
 * @failed: whether the text is an error.
 *
 * Return: the answer's text, to be freed; NULL without memory.
 */
char *command_run(struct sw *sw, struct client *client, const char *method,
		  int argc, const char *const *argv, bool *failed)
{
	struct reply *r = calloc(1, sizeof(*r));
	char *text = NULL, object[CMD_NAME_LEN], *verb;
	size_t size;

	*failed = true;
	if (!r)
		return NULL;
	r->cmd = cmd_find(method);
	r->client = client;
	forget_j(&argc, &argv, &r->json);
	r->out = open_memstream(&text, &size);
	PROBE1(command_begin, method);
	if (r->out && r->cmd) {
		run(sw, r, argc, argv);
		reply_end(r);
	} else {
		snprintf(object, sizeof(object), "%s", method);
		verb = strchr(object, '/');
		if (verb)
			*verb++ = 0;
		cmd_explain_unknown(object, verb, r->err, sizeof(r->err));
		r->failed = true;
	}
	if (r->out)
		fclose(r->out);
	*failed = r->failed || !text;
	PROBE2(command_end, method, *failed);
	if (r->failed) {
		free(text);
		text = strdup(r->err);
		log_event(LOG_control, LEVEL_INFO, "a command was refused",
			  "{s:s,s:s}", "command", method, "why", text ? text : "");
	}
	free(r);
	return text;
}

/* Run a line of a batch; @outer takes the answer, or what is wrong. */
static int command_line(struct sw *sw, char *line, struct reply *outer)
{
	const char *words[MAX_ARGS + 2], *verb;
	struct reply *r;
	int n, skip, err;
	char why[512];

	n = words_split(line, words, MAX_ARGS + 2, why, sizeof(why));
	if (n <= 0)
		return n ? reply_fail(outer, "%s", why) : 0;
	verb = n > 1 ? words[1] : NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return reply_fail(outer, "out of memory");
	r->cmd = cmd_find_words(words[0], verb);
	r->out = outer->out;
	r->json = outer->json;
	if (!r->cmd) {
		cmd_explain_unknown(words[0], verb, r->err, sizeof(r->err));
		r->failed = true;
	} else if (!(r->cmd->flags & CMD_BATCH)) {
		reply_fail(r, "\"%s%s%s\" can't be part of a batch",
			   r->cmd->object, *r->cmd->verb ? " " : "", r->cmd->verb);
	} else {
		skip = *r->cmd->verb ? 2 : 1;
		run(sw, r, n - skip, words + skip);
		if (r->rows || r->list)
			reply_end(r);
	}
	err = r->failed ? reply_fail(outer, "%s", r->err) : 0;
	free(r);
	return err;
}

/**
 * batch_read - read a file of commands
 * @path: the file.
 * @r: takes what is wrong.
 *
 * Return: the text, to be freed; or NULL.
 */
char *batch_read(const char *path, struct reply *r)
{
	char why[512], *text;
	size_t len;

	text = read_file(path, MAX_BATCH, &len, why, sizeof(why));
	if (!text) {
		reply_fail(r, "%s", why);
	} else if (strlen(text) != len) {
		reply_fail(r, "%.400s is no text", path);
		free(text);
		text = NULL;
	}
	return text;
}

/**
 * batch_run - run the commands of a file, in the transaction that there is
 * @sw: the switch.
 * @path: the file.
 * @text: what it says; cut up.
 * @r: takes the answers, or what is wrong, with file and line.
 *
 * Return: 0 or -1.
 */
int batch_run(struct sw *sw, const char *path, char *text, struct reply *r)
{
	char *line, *next;
	unsigned int n = 0;
	int err = 0;

	for (line = text; !err && *line; line = next) {
		n++;
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = 0;
		err = command_line(sw, line, r);
		if (err) {
			char *reason = strdup(r->err);

			reply_fail(r, "%.400s:%u: %s", path, n,
				   reason ? reason : "out of memory");
			free(reason);
		}
	}
	return err;
}

/* batch FILE */
int cmd_batch(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *path = args_get(a, "FILE");
	char *text = batch_read(path, r);
	int err;

	if (!text)
		return -1;
	/* Each command answers as it would alone. */
	txn_begin(sw, true);
	err = batch_run(sw, path, text, r);
	if (!err && ports_settle(sw, r->err, sizeof(r->err))) {
		r->failed = true;
		err = -1;
	}
	txn_end(sw, !err);
	free(text);
	return err;
}
