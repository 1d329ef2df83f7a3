/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of ovs-bpfd in one table, which the daemon, ovs-bpfctl's help, the
 * completion, the man page and the tests go by.  The rows are in cmds.def.
 */
#ifndef CMDS_H
#define CMDS_H 1

#include <stdbool.h>
#include <stddef.h>

/* A command may be a line of a batch or of a configuration. */
#define CMD_BATCH 1
/* It only asks: nothing changes. */
#define CMD_READ 2
/* Its answer goes on: the client gets events until it leaves. */
#define CMD_STREAM 4
/* It tells of the time since it was last given: ovs-bpfctl repeats it. */
#define CMD_REPEAT 8

/**
 * struct cmd - a command
 * @object: what it is about: "port"; or its whole name if there is no verb.
 * @verb: what is to be done: "add"; or "".
 * @args: its arguments, as args.h tells.
 * @flags: CMD_*.
 * @summary: a line of help.
 * @detail: more of it, "" if there is no more to say.
 * @text: how a row of its answer is written for people, as render.h tells.
 */
struct cmd {
	const char *object;
	const char *verb;
	const char *args;
	unsigned int flags;
	const char *summary;
	const char *detail;
	const char *text;
};

extern const struct cmd cmds[];
extern const unsigned int n_cmds;

#define CMD_NAME_LEN 48

void cmd_name(const struct cmd *cmd, char sep, char name[CMD_NAME_LEN]);
const struct cmd *cmd_find(const char *method);
const struct cmd *cmd_find_words(const char *object, const char *verb);
int cmd_explain_unknown(const char *object, const char *verb, char *err,
			size_t size);
int cmd_usage(const struct cmd *cmd, char sep, char *buf, size_t size);

#endif
