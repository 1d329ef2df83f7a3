// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to the daemon and its answers: JSON-RPC on its control socket. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/jsonscan.h"
#include "ctl.h"

#define MAX_ANSWER (256u << 20)

void die(const char *what, const char *why)
{
	fprintf(stderr, "ovs-bpfctl: %s%s%s\n", what, why ? ": " : "",
		why ? why : "");
	exit(1);
}

/**
 * session_open - connect to the daemon
 * @s: @s->rundir says where it is.
 */
void session_open(struct session *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[PATH_MAX];
	int pid;
	FILE *f;

	snprintf(path, sizeof(path), "%s/ovs-bpfd.pid", s->rundir);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d", &pid) != 1)
		die("no ovs-bpfd is running", path);
	fclose(f);
	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/ovs-bpfd.%d.ctl",
		     s->rundir, pid) >= (int)sizeof(addr.sun_path))
		die("the name of the folder is too long", s->rundir);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("can't reach ovs-bpfd", strerror(errno));
}

static int send_chunk(const char *buf, size_t len, void *fd)
{
	while (len) {
		ssize_t n = send(*(int *)fd, buf, len, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		buf += n;
		len -= n;
	}
	return 0;
}

/**
 * session_send - ask the daemon to run a command
 * @s: the connection.
 * @cmd: the command.
 * @argc: how many arguments.
 * @argv: the arguments.
 */
void session_send(struct session *s, const struct cmd *cmd, int argc,
		  const char *const *argv)
{
	json_t *params = json_array(), *request;
	char method[CMD_NAME_LEN];
	int i;

	cmd_name(cmd, '/', method);
	if (s->json)
		json_array_append_new(params, json_string("-j"));
	for (i = 0; i < argc; i++)
		if (json_array_append_new(params, json_string(argv[i])))
			die(argv[i], "this is no UTF-8");
	request = json_pack("{s:i,s:s,s:o}", "id", 1, "method", method, "params",
			    params);
	if (json_dump_callback(request, send_chunk, &s->fd, JSON_COMPACT))
		die("can't reach ovs-bpfd", strerror(errno));
	json_decref(request);
}

static void read_more(struct session *s)
{
	ssize_t n;

	if (s->room - s->len < 65536) {
		s->room = 2 * s->room + 65536;
		if (s->room > MAX_ANSWER)
			die("the answer is too long", NULL);
		s->buf = realloc(s->buf, s->room);
		if (!s->buf)
			die("out of memory", NULL);
	}
	n = read(s->fd, s->buf + s->len, s->room - s->len);
	if (n < 0)
		die("can't reach ovs-bpfd", strerror(errno));
	if (!n)
		die("ovs-bpfd closed the connection", NULL);
	s->len += n;
}

/**
 * session_receive - wait for what the daemon has to say
 * @s: the connection.
 *
 * Return: its message.
 */
json_t *session_receive(struct session *s)
{
	struct json_scan scan = {};
	json_t *message;
	int end = 0;

	for (;;) {
		end = json_scan(&scan, s->buf + scan.scanned,
				s->len - scan.scanned);
		if (end)
			break;
		read_more(s);
	}
	message = end > 0 ? json_loadb(s->buf, scan.scanned, 0, NULL) : NULL;
	if (!message)
		die("ovs-bpfd says what makes no sense", NULL);
	s->len -= scan.scanned;
	memmove(s->buf, s->buf + scan.scanned, s->len);
	return message;
}

/* A command's answer as JSON; @s->json must be set. */
json_t *session_result(struct session *s, const struct cmd *cmd, int argc,
		       const char *const *argv)
{
	json_t *message, *value = NULL;
	const char *text;

	session_send(s, cmd, argc, argv);
	message = session_receive(s);
	text = json_string_value(json_object_get(message, "result"));
	if (text)
		value = json_loads(text, 0, NULL);
	json_decref(message);
	return value;
}
