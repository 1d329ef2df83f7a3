// SPDX-License-Identifier: GPL-2.0-or-later
/* Help, from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "../lib/version.h"
#include "ctl.h"

static void print_command(FILE *out, const struct cmd *cmd)
{
	char usage[256];

	cmd_usage(cmd, ' ', usage, sizeof(usage));
	if (strlen(usage) < 34)
		fprintf(out, "  %-34s %s\n", usage, cmd->summary);
	else
		fprintf(out, "  %s\n  %34s %s\n", usage, "", cmd->summary);
}

/* What there is. */
void help_all(FILE *out)
{
	unsigned int i;

	fputs("Usage: ovs-bpfctl [OPTION]... OBJECT VERB [ARGUMENT]...\n"
	      "Tell the daemon ovs-bpfd what to do, or ask it.\n\n"
	      "  -j, --json       answer in JSON\n"
	      "  --rundir DIR     where the daemon's pidfile is (default $OVS_RUNDIR, else "
	      DEFAULT_RUNDIR ")\n"
	      "  -h, --help       this; behind a command: about that command\n"
	      "  -V, --version\n\n", out);
	for (i = 0; i < n_cmds; i++)
		print_command(out, &cmds[i]);
	fputs("\nSee ovs-bpfctl(8).\n", out);
}

/* What can be done about something. */
void help_object(FILE *out, const char *object)
{
	unsigned int i;

	for (i = 0; i < n_cmds; i++)
		if (!strcmp(cmds[i].object, object))
			print_command(out, &cmds[i]);
}

/* One command. */
void help_command(FILE *out, const struct cmd *cmd)
{
	char usage[256];

	cmd_usage(cmd, ' ', usage, sizeof(usage));
	fprintf(out, "Usage: ovs-bpfctl [-j] %s\n\n%c%s.\n", usage,
		*cmd->summary >= 'a' && *cmd->summary <= 'z' ?
		*cmd->summary - 'a' + 'A' : *cmd->summary, cmd->summary + 1);
	if (*cmd->detail)
		fprintf(out, "\n%s\n", cmd->detail);
}

/* All that the table has, for the manual: a command a line, separated by tabs. */
void help_table(FILE *out)
{
	const char *d;
	char usage[256];
	unsigned int i;

	for (i = 0; i < n_cmds; i++) {
		cmd_usage(&cmds[i], ' ', usage, sizeof(usage));
		fprintf(out, "%s\t%s %s\t%s\t", usage,
			cmds[i].flags & CMD_BATCH ? "batch" : "-",
			cmds[i].flags & CMD_READ ? "read" : "-", cmds[i].summary);
		for (d = cmds[i].detail; *d; d++)
			*d == '\n' ? fputs("\\n", out) : fputc(*d, out);
		fputc('\n', out);
	}
}
