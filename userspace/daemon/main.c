// SPDX-License-Identifier: GPL-2.0-or-later
/* ovs-bpfd: command line, event loop. */
#include <argp.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switch.h"

#define TICK_MS 500

struct event_base *main_base;
const char *argp_program_version = "ovs-bpfd 0.1";

static struct options {
	const char *dp;
	const char *rundir;
	unsigned long idle_ms;
	bool detach;
} opts = { .dp = "ovs-bpf", .rundir = "/run/ovs-bpf", .idle_ms = 10000 };

static const struct argp_option options[] = {
	{ "dp", 'd', "NAME", 0, "the datapath to run; made if it is not there (default ovs-bpf)", 0 },
	{ "rundir", 'r', "DIR", 0, "where pidfile and control socket are (default /run/ovs-bpf)", 0 },
	{ "idle-timeout", 'i', "MS", 0, "a megaflow unused for this long goes (default 10000)", 0 },
	{ "detach", 'D', NULL, 0, "go to the background when ready", 0 },
	{ 0 }
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	char *end;

	switch (key) {
	case 'd':
		if (!*arg || strlen(arg) > 15 || strchr(arg, '/'))
			argp_error(state, "\"%s\" can't be the name of a datapath", arg);
		opts.dp = arg;
		return 0;
	case 'r':
		opts.rundir = arg;
		return 0;
	case 'i':
		opts.idle_ms = strtoul(arg, &end, 10);
		if (*end || !opts.idle_ms || opts.idle_ms > 86400000)
			argp_error(state, "--idle-timeout takes 1 to 86400000 ms");
		return 0;
	case 'D':
		opts.detach = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected \"%s\"", arg);
		return EINVAL;
	}
	return ARGP_ERR_UNKNOWN;
}

static void on_upcall(evutil_socket_t fd, short what, void *sw)
{
	(void)fd;
	(void)what;
	sw_upcalls(sw);
}

static void on_tick(evutil_socket_t fd, short what, void *sw)
{
	(void)fd;
	(void)what;
	sw_ports_refresh(sw);
	sw_flows_tick(sw);
}

static void on_signal(evutil_socket_t fd, short what, void *base)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(base);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("ovs-bpfd: ", stderr);
	vfprintf(stderr, fmt, args);
	fputs("\n", stderr);
	va_end(args);
	exit(1);
}

static int write_pidfile(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	fprintf(f, "%d\n", getpid());
	return fclose(f);
}

/* The parent returns when the child is ready, with its verdict. */
static int go_to_background(void)
{
	int pipes[2];
	char ready;
	pid_t pid;

	if (pipe(pipes))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid) {
		close(pipes[1]);
		exit(read(pipes[0], &ready, 1) == 1 ? 0 : 1);
	}
	close(pipes[0]);
	setsid();
	return pipes[1];
}

/* Tell the parent, and let go of its terminal. */
static void be_ready(int ready_fd)
{
	int null = open("/dev/null", O_RDWR), i;

	if (write(ready_fd, "", 1) != 1)
		die("the parent is gone");
	close(ready_fd);
	for (i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
}

static void start_switch(struct sw *sw)
{
	if (dpnl_open(&sw->nl))
		die("%s", sw->nl.err);
	snprintf(sw->dp, sizeof(sw->dp), "%s", opts.dp);
	sw->idle_ms = opts.idle_ms;
	if (dpnl_dp_open(&sw->nl, opts.dp, true) < 0)
		die("datapath %s: %s", opts.dp, sw->nl.err);
	/* Ids of a former daemon must not come to mean something else. */
	if (getrandom(&sw->frozen.last_id, sizeof(sw->frozen.last_id), 0) < 0)
		die("no random numbers");
	prog_adopt(sw);
	sw_ports_refresh(sw);
}

static void run_loop(struct sw *sw, int ready_fd)
{
	struct timeval tick = { .tv_usec = TICK_MS * 1000 };
	struct event_base *base = event_base_new();
	char socket_path[100], pidfile[100];
	struct event *up, *timer, *term, *intr;

	if (!base)
		die("no event loop");
	main_base = base;
	snprintf(socket_path, sizeof(socket_path), "%s/ovs-bpfd.%d.ctl",
		 opts.rundir, getpid());
	snprintf(pidfile, sizeof(pidfile), "%s/ovs-bpfd.pid", opts.rundir);
	if ((mkdir(opts.rundir, 0755) && errno != EEXIST) ||
	    control_start(sw, base, socket_path) || write_pidfile(pidfile))
		die("can't use the folder %s", opts.rundir);

	up = event_new(base, nl_socket_get_fd(sw->nl.up), EV_READ | EV_PERSIST,
		       on_upcall, sw);
	timer = event_new(base, -1, EV_PERSIST, on_tick, sw);
	term = evsignal_new(base, SIGTERM, on_signal, base);
	intr = evsignal_new(base, SIGINT, on_signal, base);
	if (!up || !timer || !term || !intr || event_add(up, NULL) ||
	    event_add(timer, &tick) || event_add(term, NULL) ||
	    event_add(intr, NULL))
		die("no event loop");
	if (ready_fd >= 0)
		be_ready(ready_fd);
	event_base_dispatch(base);
	unlink(socket_path);
	unlink(pidfile);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse_opt, NULL,
		"The daemon of a programmable switch: runs a datapath by rules that may name BPF programs.",
		NULL, NULL, NULL };
	static struct sw sw;
	int ready_fd = -1;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (geteuid())
		die("must run as root (CAP_NET_ADMIN and CAP_BPF)");
	signal(SIGPIPE, SIG_IGN);
	if (opts.detach)
		ready_fd = go_to_background();
	start_switch(&sw);
	run_loop(&sw, ready_fd);
	dpnl_close(&sw.nl);
	return 0;
}
