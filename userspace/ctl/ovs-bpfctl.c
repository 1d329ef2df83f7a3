// SPDX-License-Identifier: GPL-2.0-or-later
/* ovs-bpfctl: a command to the daemon, its answer to standard output. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/args.h"
#include "../lib/version.h"
#include "ctl.h"

static int usage_error(const char *why)
{
	fprintf(stderr, "ovs-bpfctl: %s\n", why);
	return 2;
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* The daemon has a working folder of its own. */
static const char *absolute(const char *file)
{
	char *path = realpath(file, NULL);

	if (!path)
		die(file, strerror(errno));
	return path;
}

/* Print what the daemon answers.  Return: exit status. */
static int show_answer(const struct session *s, const json_t *message)
{
	const char *error = json_string_value(json_object_get(message, "error"));
	const char *result = json_string_value(json_object_get(message, "result"));
	json_t *o;

	if (!error) {
		fputs(result ? result : "", stdout);
		return fflush(stdout) ? 1 : 0;
	}
	if (!s->json) {
		fprintf(stderr, "ovs-bpfctl: %s\n", error);
	} else if (*error == '{') {
		puts(error);
	} else {
		o = json_pack("{s:s}", "error", error);
		json_dumpf(o, stdout, JSON_COMPACT);
		puts("");
		json_decref(o);
	}
	return 1;
}

/* Events, until one of us goes. */
static int show_events(struct session *s)
{
	for (;;) {
		json_t *message = session_receive(s);
		const char *text = json_string_value(json_array_get(
			json_object_get(message, "params"), 0));

		if (text)
			fputs(text, stdout);
		json_decref(message);
		if (fflush(stdout))
			return 1;
	}
}

static int run(struct session *s, const struct cmd *cmd, int argc, char **argv)
{
	const char *words[MAX_ARGS + 1];
	struct args a;
	char why[1024];
	json_t *message;
	int i, status;

	if (args_parse(&a, cmd, argc, (const char *const *)argv, why, sizeof(why)))
		return usage_error(why);
	for (i = 0; i < argc && i < MAX_ARGS; i++)
		words[i] = argv[i] == args_get(&a, "FILE") ? absolute(argv[i]) :
			   argv[i];
	session_open(s);
	if (cmd->flags & CMD_REPEAT)
		return repeat(s, cmd, i, words);
	session_send(s, cmd, i, words);
	message = session_receive(s);
	/* Of events all that is said before them is that they will come. */
	if (cmd->flags & CMD_STREAM && json_is_null(json_object_get(message, "error"))) {
		json_decref(message);
		return show_events(s);
	}
	status = show_answer(s, message);
	json_decref(message);
	return status;
}

/* Options before the command.  Return: how many words they are, or -1. */
static int take_options(struct session *s, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json"))
			s->json = true;
		else if (!strcmp(argv[i], "--rundir") && i + 1 < argc)
			s->rundir = argv[++i];
		else
			break;
	}
	return i;
}

int main(int argc, char **argv)
{
	const char *rundir = getenv("OVS_RUNDIR");
	struct session s = { .fd = -1 };
	const struct cmd *cmd;
	char why[1024];
	int n;

	s.rundir = rundir && *rundir ? rundir : DEFAULT_RUNDIR;
	n = 1 + take_options(&s, argc - 1, argv + 1);
	argc -= n;
	argv += n;
	if (!argc) {
		help_all(stderr);
		return 2;
	}
	if (is_help(argv[0]) || !strcmp(argv[0], "help")) {
		help_all(stdout);
		return 0;
	}
	if (!strcmp(argv[0], "--version") || !strcmp(argv[0], "-V")) {
		puts("ovs-bpfctl " OVS_BPF_VERSION);
		return 0;
	}
	if (!strcmp(argv[0], "--commands")) {
		help_table(stdout);
		return 0;
	}
	if (!strcmp(argv[0], "--complete"))
		return complete(&s, argc - 1, argv + 1);
	if (argv[0][0] == '-') {
		snprintf(why, sizeof(why), "\"%.100s\" is no option (see --help)",
			 argv[0]);
		return usage_error(why);
	}
	cmd = cmd_find_words(argv[0], argc > 1 ? argv[1] : NULL);
	n = cmd && *cmd->verb ? 2 : 1;
	if (argc > n && is_help(argv[n]) && cmd) {
		help_command(stdout, cmd);
		return 0;
	}
	if (!cmd && argc == 2 && is_help(argv[1])) {
		help_object(stdout, argv[0]);
		return 0;
	}
	if (!cmd) {
		cmd_explain_unknown(argv[0], argc > 1 ? argv[1] : NULL, why,
				    sizeof(why));
		return usage_error(why);
	}
	return run(&s, cmd, argc - n, argv + n);
}
