// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that are looked at again and again: each second, on a screen of their own. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static int ask(struct session *s, const struct cmd *cmd, int argc,
	       const char *const *argv, bool silent)
{
	json_t *message;
	const char *text;

	session_send(s, cmd, argc, argv);
	message = session_receive(s);
	text = json_string_value(json_object_get(message, "error"));
	if (text)
		die(text, NULL);
	text = json_string_value(json_object_get(message, "result"));
	if (!silent)
		fputs(text ? text : "", stdout);
	json_decref(message);
	return fflush(stdout) ? 1 : 0;
}

/**
 * repeat - run a command each second, on a terminal for ever, else once
 * @s: the connection.
 * @cmd: the command: what it tells is about the time since it was last given.
 * @argc: how many arguments.
 * @argv: the arguments.
 *
 * Return: exit status.
 */
int repeat(struct session *s, const struct cmd *cmd, int argc,
	   const char *const *argv)
{
	bool screen = isatty(STDOUT_FILENO) && !s->json;

	ask(s, cmd, argc, argv, true);
	do {
		sleep(1);
		if (screen)
			fputs("\033[H\033[2J", stdout);
		if (ask(s, cmd, argc, argv, false))
			return 1;
	} while (screen);
	return 0;
}
