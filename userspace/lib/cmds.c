// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of commands, and looking it up. */
#include "cmds.h"

#include <stdio.h>
#include <string.h>

#include "../pipeline/text.h"
#include "args.h"

#define COMMAND(object, verb, function, ...) { object, verb, __VA_ARGS__ },
const struct cmd cmds[] = {
#include "cmds.def"
};
#undef COMMAND
const unsigned int n_cmds = sizeof(cmds) / sizeof(cmds[0]);

/**
 * cmd_name - the name of a command
 * @cmd: the command.
 * @sep: between object and verb: '/' as ovs-appctl has it, ' ' on a command line.
 * @name: filled in.
 */
void cmd_name(const struct cmd *cmd, char sep, char name[CMD_NAME_LEN])
{
	if (*cmd->verb)
		snprintf(name, CMD_NAME_LEN, "%s%c%s", cmd->object, sep,
			 cmd->verb);
	else
		snprintf(name, CMD_NAME_LEN, "%s", cmd->object);
}

/* By the name that ovs-appctl uses.  Return: the command, or NULL. */
const struct cmd *cmd_find(const char *method)
{
	char name[CMD_NAME_LEN];
	unsigned int i;

	for (i = 0; i < n_cmds; i++) {
		cmd_name(&cmds[i], '/', name);
		if (!strcmp(name, method))
			return &cmds[i];
	}
	return NULL;
}

/* By the words of a command line; @verb may be NULL.  Return: it, or NULL. */
const struct cmd *cmd_find_words(const char *object, const char *verb)
{
	unsigned int i;

	for (i = 0; i < n_cmds; i++)
		if (!strcmp(cmds[i].object, object) &&
		    (!*cmds[i].verb || (verb && !strcmp(cmds[i].verb, verb))))
			return &cmds[i];
	return NULL;
}

/* The objects, or the verbs of one. */
static int list_words(const char *object, char *buf, size_t size, int n)
{
	const char *last = "", *word;
	unsigned int i;

	for (i = 0; i < n_cmds; i++) {
		if (object && strcmp(cmds[i].object, object))
			continue;
		word = object ? cmds[i].verb : cmds[i].object;
		if (strcmp(word, last))
			n = text_add(buf, size, n, "%s%s", *last ? ", " : " ",
				     word);
		last = word;
	}
	return n;
}

/**
 * cmd_explain_unknown - say which word of a command is wrong
 * @object: the first word.
 * @verb: the second, or NULL.
 * @err: the sentence.
 * @size: its room.
 *
 * Return: -1.
 */
int cmd_explain_unknown(const char *object, const char *verb, char *err,
			size_t size)
{
	bool known = false;
	unsigned int i;
	int n = 0;

	for (i = 0; i < n_cmds; i++)
		known |= !strcmp(cmds[i].object, object);
	if (!known)
		n = text_add(err, size, n, "\"%.50s\" is not a valid command; there are", object);
	else if (!verb)
		n = text_add(err, size, n, "%s: what is to be done? There are", object);
	else
		n = text_add(err, size, n, "%s: \"%.50s\" is no verb of it; there are",
			     object, verb);
	list_words(known ? object : NULL, err, size, n);
	return -1;
}

/**
 * cmd_usage - how a command is to be called
 * @cmd: the command.
 * @sep: as of cmd_name().
 * @buf: the text.
 * @size: its room.
 *
 * Return: its length.
 */
int cmd_usage(const struct cmd *cmd, char sep, char *buf, size_t size)
{
	struct param params[MAX_PARAMS];
	int i, n, n_params = params_parse(cmd->args, params);
	char name[CMD_NAME_LEN];

	cmd_name(cmd, sep, name);
	n = text_add(buf, size, 0, "%s", name);
	for (i = 0; i < n_params; i++)
		n = text_add(buf, size, n, " %s%s%s%s",
			     params[i].optional ? "[" : "", params[i].name,
			     params[i].rest ? "..." : "",
			     params[i].optional ? "]" : "");
	return n;
}
