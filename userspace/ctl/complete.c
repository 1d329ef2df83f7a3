// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Completion: the words that may come next, one a line, from the table of commands.
 * Words that only the daemon knows (programs, ports) are asked of it; files are left
 * to the shell, by the word "FILE".
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "../lib/args.h"
#include "../lib/log.h"
#include "../lib/words.h"
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

/* What a command lists by a key. */
static void offer_listed(struct session *s, const char *method, const char *key, int argc,
			 const char *const *argv, const char *begun)
{
	json_t *rows, *row;
	size_t i;

	s->json = true;
	if (s->fd < 0)
		session_open(s);
	rows = session_result(s, cmd_find(method), argc, argv);
	json_array_foreach(rows, i, row) {
		const json_t *value = json_object_get(row, key);
		char number[24];

		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		if (json_is_string(value) || json_is_integer(value))
			offer(json_is_string(value) ? json_string_value(value) : number,
			      begun);
	}
	json_decref(rows);
}

/**
 * struct listed - a value of which another command knows which there are
 * @value: its name.
 * @object: of the commands that take it; NULL: of any.
 * @method: the command.
 * @key: what its rows have it by.
 */
static const struct listed {
	const char *value, *object, *method, *key;
} listed[] = {
	{ "DEVICE", "port", "port/list", "name" },
	{ "PROG", NULL, "prog/list", "name" },
	{ "NAME", "prog", "prog/list", "name" },
	{ "NUMBER", "group", "group/dump", "id" },
	{ "NUMBER", "meter", "meter/dump", "meter" },
	{ "FIELD", "tlv", "tlv/dump", "field" },
	{ "UFID", "flow", "flow/dump", "ufid" },
};

static const struct listed *find_listed(const struct cmd *cmd, const struct param *p)
{
	unsigned int i;

	for (i = 0; i < sizeof(listed) / sizeof(listed[0]); i++)
		if (!strcmp(listed[i].value, p->name) &&
		    (!listed[i].object || !strcmp(listed[i].object, cmd->object)))
			return &listed[i];
	return NULL;
}

static void offer_events(const char *begun)
{
#define OFFER(name) offer(#name, begun);
	EVENTS(OFFER)
#undef OFFER
}

static void offer_limits(const char *begun)
{
#define OFFER(name, low, high) offer(#name "=", begun);
	if (strchr(begun, '='))
		return;
	LIMITS(OFFER)
#undef OFFER
}

/* A word behind those that a colon ends, in small letters. */
static void offer_part(const char *word, const char *begun)
{
	const char *colon = strrchr(begun, ':');
	char whole[160];
	int n, i;

	n = snprintf(whole, sizeof(whole), "%.*s", colon ? (int)(colon + 1 - begun) : 0, begun);
	if (n + strlen(word) >= sizeof(whole))
		return;
	for (i = 0; word[i]; i++)
		whole[n + i] = tolower(word[i]);
	whole[n + i] = 0;
	offer(whole, begun);
}

static void offer_log(const char *begun)
{
	unsigned int i;

	for (i = 0; i < N_LOG_MODULES; i++)
		offer_part(log_module_name(i), begun);
	for (i = 0; i < N_PLACES; i++)
		offer_part(log_place_word(i), begun);
	for (i = 0; i < N_LEVELS; i++)
		offer_part(log_level_word(i), begun);
}

static void offer_value(struct session *s, const struct cmd *cmd,
			const struct param *p, const struct args *a,
			const char *begun)
{
	const char *prog = args_get(a, "PROG");
	const struct listed *l = find_listed(cmd, p);

	if (!strcmp(p->name, "FILE"))
		puts("FILE");
	else if (!strcmp(p->name, "DEVICE") && !strcmp(cmd->verb, "add"))
		offer_devices(begun);
	else if (!strcmp(p->name, "MAP") && prog)
		offer_listed(s, "map/list", "name", 1, &prog, begun);
	else if (!strcmp(p->name, "EVENT"))
		offer_events(begun);
	else if (!strcmp(p->name, "LIMIT"))
		offer_limits(begun);
	else if (!strcmp(p->name, "SPEC"))
		offer_log(begun);
	else if (l)
		offer_listed(s, l->method, l->key, 0, NULL, begun);
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
