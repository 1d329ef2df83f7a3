// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Completion: the words that may come next, one a line, from the table of commands.
 * Words that only the daemon knows (programs, ports) are asked of it; files are left
 * to the shell, by the word "FILE".
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "../lib/args.h"
#include "ctl.h"

static void offer(const char *word, const char *begun)
{
	if (!strncmp(word, begun, strlen(begun)))
		puts(word);
}

static void offer_devices(const char *begun)
{
	DIR *d = opendir("/sys/class/net");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			offer(e->d_name, begun);
	if (d)
		closedir(d);
}

/* The names that a command lists. */
static void offer_names(struct session *s, const char *method, int argc,
			const char *const *argv, const char *begun)
{
	json_t *rows, *row;
	size_t i;

	s->json = true;
	if (s->fd < 0)
		session_open(s);
	rows = session_result(s, cmd_find(method), argc, argv);
	json_array_foreach(rows, i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));

		if (name)
			offer(name, begun);
	}
	json_decref(rows);
}

static void offer_value(struct session *s, const struct cmd *cmd,
			const struct param *p, const struct args *a,
			const char *begun)
{
	const char *prog = args_get(a, "PROG");

	if (!strcmp(p->name, "FILE"))
		puts("FILE");
	else if (!strcmp(p->name, "DEVICE") && !strcmp(cmd->verb, "add"))
		offer_devices(begun);
	else if (!strcmp(p->name, "DEVICE"))
		offer_names(s, "port/list", 0, NULL, begun);
	else if (!strcmp(p->name, "PROG") ||
		 (!strcmp(p->name, "NAME") && !strcmp(cmd->object, "prog")))
		offer_names(s, "prog/list", 0, NULL, begun);
	else if (!strcmp(p->name, "MAP") && prog)
		offer_names(s, "map/list", 1, &prog, begun);
}

/* What may follow the words that a command has got so far. */
static void offer_arguments(struct session *s, const struct cmd *cmd, int argc,
			    char **argv, const char *begun)
{
	struct args a = {};
	unsigned int i;
	int n = params_parse(cmd->args, a.params), k;

	if (n < 0)
		return;
	a.n_params = n;
	/* Values in order; what is a keyword is no value. */
	for (k = 0; k < argc; k++) {
		for (i = 0; i < a.n_params; i++)
			if (a.params[i].keyword && !strcmp(a.params[i].name, argv[k]))
				break;
		if (i == a.n_params)
			for (i = 0; i < a.n_params; i++)
				if (!a.params[i].keyword &&
				    (!a.given[i] || a.params[i].rest))
					break;
		if (i < a.n_params)
			a.given[i] = argv[k];
	}
	for (i = 0; i < a.n_params; i++)
		if (a.params[i].keyword && !a.given[i])
			offer(a.params[i].name, begun);
	for (i = 0; i < a.n_params; i++)
		if (!a.params[i].keyword && (!a.given[i] || a.params[i].rest))
			break;
	if (i < a.n_params)
		offer_value(s, cmd, &a.params[i], &a, begun);
}

/**
 * complete - print the words that may come next
 * @s: to ask the daemon, if it is there.
 * @argc: how many words there are, the one that is begun included.
 * @argv: the words.
 *
 * Return: exit status.
 */
int complete(struct session *s, int argc, char **argv)
{
	const char *begun = argc ? argv[argc - 1] : "", *last = "";
	const struct cmd *cmd;
	unsigned int i;

	if (argc <= 1) {
		offer("-j", begun);
		offer("--help", begun);
		offer("--rundir", begun);
	}
	for (i = 0; argc <= 1 && i < n_cmds; i++) {
		if (strcmp(cmds[i].object, last))
			offer(cmds[i].object, begun);
		last = cmds[i].object;
	}
	if (argc <= 1)
		return 0;
	for (i = 0; argc == 2 && i < n_cmds; i++)
		if (*cmds[i].verb && !strcmp(cmds[i].object, argv[0]))
			offer(cmds[i].verb, begun);
	cmd = cmd_find_words(argv[0], argc > 2 ? argv[1] : NULL);
	if (!cmd)
		return 0;
	i = *cmd->verb ? 2 : 1;
	offer_arguments(s, cmd, argc - 1 - i, argv + i, begun);
	return 0;
}
