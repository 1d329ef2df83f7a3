// SPDX-License-Identifier: GPL-2.0-or-later
/* ovs-bpfd: start, event loop, end. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/log.h"
#include "../lib/version.h"
#include "caps.h"
#include "command.h"
#include "control.h"
#include "events.h"
#include "metrics.h"
#include "options.h"
#include "pidfile.h"
#include "pins.h"
#include "service.h"
#include "switch.h"

#define TICK_MS 500

static struct event_base *main_base;
static struct options opts;

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sw *sw = arg;

	(void)fd;
	(void)what;
	turn_take(&sw->turn);
	sw_ports_refresh(sw);
	sw_flows_tick(sw);
	sw_rules_expire(sw);
	turn_give(&sw->turn);
}

static void on_signal(evutil_socket_t fd, short what, void *base)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(base);
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
	struct sw *sw = arg;
	char why[4600];

	(void)fd;
	(void)what;
	service_reloading();
	turn_take(&sw->turn);
	config_reload(sw, why, sizeof(why));	/* the log tells */
	turn_give(&sw->turn);
	service_ready();
}

/* End the daemon, when the answer has gone out. */
void sw_leave(void)
{
	control_leave(main_base);
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
	char why[4600];

	if (sw_init(sw, opts.dp, opts.idle_ms))
		die("no random numbers");
	turn_take(&sw->turn);
	if (dpnl_open(&sw->nl) || dpnl_check_module(&sw->nl))
		die("%s", sw->nl.err);
	if (handlers_open(sw, opts.handlers))
		die("can't open sockets for upcalls");
	if (dpnl_dp_open(&sw->nl, opts.dp, true, sw->pids, sw->n_pids) < 0)
		die("datapath %s: %s", opts.dp, sw->nl.err);
	prog_adopt(sw);
	meters_adopt(sw);
	sw_ports_refresh(sw);
	if (opts.config && config_reload(sw, why, sizeof(why)))
		die("%s", why);
	turn_give(&sw->turn);
}

/* Keep those that are needed, once what takes more is done. */
static void take_privileges(void)
{
	char why[256];

	if (caps_check(why, sizeof(why)))
		die("%s", why);
	if (bpffs_mount())
		die("there is no bpffs, and it can't be mounted: mount -t bpf bpf /sys/fs/bpf");
	if (caps_drop())
		die("privileges can't be dropped: %s", strerror(errno));
	if (!caps_has_perfmon())
		log_event(LOG_main, LEVEL_INFO, "without CAP_PERFMON the kernel refuses programs that add variable offsets to packet pointers",
			  NULL);
}

static void take_rundir(const char *pidfile)
{
	pid_t holder = 0;
	int err;

	if (mkdir(opts.rundir, 0755) && errno != EEXIST)
		die("can't make the folder %s: %s", opts.rundir, strerror(errno));
	err = pidfile_take(pidfile, &holder);
	if (err == -EBUSY)
		die("another ovs-bpfd runs, as process %d (%s)", (int)holder,
		    pidfile);
	if (err)
		die("can't write %s: %s", pidfile, strerror(-err));
}

static void add_signal(struct event_base *base, int number, event_callback_fn fn,
		       void *arg)
{
	struct event *e = evsignal_new(base, number, fn, arg);

	if (!e || event_add(e, NULL))
		die("no event loop");
}

static void run_loop(struct sw *sw, const char *socket_path, int ready_fd)
{
	struct timeval tick = { .tv_usec = TICK_MS * 1000 };
	struct event_base *base = main_base;
	struct event *timer;

	if (control_start(sw, base, socket_path))
		die("can't listen on %s: %s", socket_path, strerror(errno));
	timer = event_new(base, -1, EV_PERSIST, on_tick, sw);
	if (!timer || event_add(timer, &tick) || events_start(sw, base))
		die("no event loop");
	add_signal(base, SIGTERM, on_signal, base);
	add_signal(base, SIGINT, on_signal, base);
	add_signal(base, SIGHUP, on_hangup, sw);
	if (opts.metrics && metrics_start(sw, base, opts.metrics))
		die("can't serve metrics on port %lu: %s", opts.metrics,
		    strerror(errno));
	if (service_start(base))
		die("no event loop");
	if (handlers_start(sw))
		die("no threads for upcalls");
	if (ready_fd >= 0)
		be_ready(ready_fd);
	service_ready();
	log_event(LOG_main, LEVEL_INFO, "ready", "{s:s,s:s}", "datapath", sw->dp,
		  "socket", socket_path);
	event_base_dispatch(base);
	service_stopping();
	handlers_stop(sw);
	log_event(LOG_main, LEVEL_INFO, "the daemon ends", NULL);
}

int main(int argc, char **argv)
{
	char socket_path[PATH_MAX], pidfile[PATH_MAX];
	static struct sw sw;
	int ready_fd = -1;

	options_parse(argc, argv, &opts);
	log_start("ovs-bpfd", opts.log_json);
	if (opts.log_file && log_open(opts.log_file))
		die("can't write %s: %s", opts.log_file, strerror(errno));
	if (opts.config && config_set(opts.config))
		die("can't read %s: %s", opts.config, strerror(errno));
	/* Handlers' memory grows with megaflows: not by a system call a page. */
	mallopt(M_TOP_PAD, 1 << 20);
	take_privileges();
	signal(SIGPIPE, SIG_IGN);
	if (opts.detach)
		ready_fd = go_to_background();
	snprintf(pidfile, sizeof(pidfile), "%s/ovs-bpfd.pid", opts.rundir);
	snprintf(socket_path, sizeof(socket_path), "%s/ovs-bpfd.%d.ctl",
		 opts.rundir, getpid());
	take_rundir(pidfile);
	main_base = event_base_new();
	if (!main_base)
		die("no event loop");
	start_switch(&sw);
	run_loop(&sw, socket_path, ready_fd);
	unlink(socket_path);
	unlink(pidfile);
	dpnl_close(&sw.nl);
	return 0;
}
