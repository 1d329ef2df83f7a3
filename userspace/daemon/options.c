// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of ovs-bpfd. */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/version.h"
#include "switch.h"

const char *argp_program_version = "ovs-bpfd " OVS_BPF_VERSION;

enum { OPT_LOG_FILE = 256, OPT_LOG_FORMAT, OPT_METRICS, OPT_HANDLERS };

static const struct argp_option options[] = {
	{ "dp", 'd', "NAME", 0, "the datapath to run; made if it is not there (default ovs-bpf)", 0 },
	{ "rundir", 'r', "DIR", 0, "where pidfile and control socket are (default $OVS_RUNDIR, else " DEFAULT_RUNDIR ")", 0 },
	{ "config", 'c', "FILE", 0, "commands that tell all of the switch; read again on SIGHUP", 0 },
	{ "idle-timeout", 'i', "MS", 0, "a megaflow unused for this long goes (default 10000)", 0 },
	{ "log-file", OPT_LOG_FILE, "FILE", 0, "log to a file as well", 0 },
	{ "log-format", OPT_LOG_FORMAT, "FORMAT", 0, "text (default), or json: an object a line", 0 },
	{ "metrics", OPT_METRICS, "PORT", 0, "metrics for Prometheus, by HTTP on this port of loopback", 0 },
	{ "handlers", OPT_HANDLERS, "N", 0, "threads that answer upcalls, at most 16 (default: one for each CPU)", 0 },
	{ "detach", 'D', NULL, 0, "go to the background when ready", 0 },
	{ 0 }
};

static unsigned long number(struct argp_state *state, const char *name,
			    const char *arg, unsigned long max)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || !n || n > max)
		argp_error(state, "--%s takes 1 to %lu, not \"%s\"", name, max,
			   arg);
	return n;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'd':
		if (!*arg || strlen(arg) > 15 || strchr(arg, '/'))
			argp_error(state, "\"%s\" can't be the name of a datapath", arg);
		o->dp = arg;
		return 0;
	case 'r':
		o->rundir = arg;
		return 0;
	case 'c':
		o->config = arg;
		return 0;
	case 'i':
		o->idle_ms = number(state, "idle-timeout", arg, 86400000);
		return 0;
	case OPT_LOG_FILE:
		o->log_file = arg;
		return 0;
	case OPT_LOG_FORMAT:
		if (strcmp(arg, "text") && strcmp(arg, "json"))
			argp_error(state, "--log-format takes text or json, not \"%s\"", arg);
		o->log_json = !strcmp(arg, "json");
		return 0;
	case OPT_METRICS:
		o->metrics = number(state, "metrics", arg, 65535);
		return 0;
	case OPT_HANDLERS:
		o->handlers = number(state, "handlers", arg, MAX_HANDLERS);
		return 0;
	case 'D':
		o->detach = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected \"%s\"", arg);
		return EINVAL;
	}
	return ARGP_ERR_UNKNOWN;
}

/**
 * options_parse - read the command line; ends the program if it is wrong
 * @argc: how many words.
 * @argv: the words.
 * @o: filled in.
 */
void options_parse(int argc, char **argv, struct options *o)
{
	static const struct argp argp = { options, parse_opt, NULL,
		"The daemon of a programmable switch: runs a datapath by rules that may name BPF programs.",
		NULL, NULL, NULL };
	const char *rundir = getenv("OVS_RUNDIR");

	*o = (struct options){
		.dp = "ovs-bpf",
		.rundir = rundir && *rundir ? rundir : DEFAULT_RUNDIR,
		.idle_ms = 10000,
	};
	argp_parse(&argp, argc, argv, 0, NULL, o);
}
