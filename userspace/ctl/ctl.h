/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of ovs-bpfctl. */
#ifndef CTL_H
#define CTL_H 1

#include <jansson.h>
#include <stdio.h>
#include <stdbool.h>

#include "../lib/cmds.h"

/**
 * struct session - a connection to the daemon
 * @rundir: where its pidfile is.
 * @json: answers are to be JSON.
 * @fd: the connection, or -1.
 * @buf: bytes that have come.
 * @len: how many.
 * @room: of @buf.
 */
struct session {
	const char *rundir;
	bool json;
	int fd;
	char *buf;
	size_t len;
	size_t room;
};

/* session.c: each ends the program with a sentence if it fails. */
void session_open(struct session *s);
void session_send(struct session *s, const struct cmd *cmd, int argc,
		  const char *const *argv);
json_t *session_receive(struct session *s);
json_t *session_result(struct session *s, const struct cmd *cmd, int argc,
		       const char *const *argv);
void __attribute__((noreturn)) die(const char *what, const char *why);

/* help.c */
void help_all(FILE *out);
void help_table(FILE *out);
void help_object(FILE *out, const char *object);
void help_command(FILE *out, const struct cmd *cmd);

/* repeat.c */
int repeat(struct session *s, const struct cmd *cmd, int argc,
	   const char *const *argv);

/* complete.c */
int complete(struct session *s, int argc, char **argv);

#endif
