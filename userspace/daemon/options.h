/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OPTIONS_H
#define OPTIONS_H 1

#include <stdbool.h>

/**
 * struct options - the command line
 * @dp: name of the datapath.
 * @rundir: where pidfile and control socket are.
 * @idle_ms: a megaflow unused for this long goes.
 * @config: the configuration, or NULL.
 * @log_file: the log, or NULL.
 * @log_json: the log is to be JSON.
 * @metrics: port on loopback for metrics; 0: none.
 * @handlers: threads that answer upcalls; 0: one for each CPU.
 * @detach: go to the background when ready.
 */
struct options {
	const char *dp;
	const char *rundir;
	unsigned long idle_ms;
	const char *config;
	const char *log_file;
	bool log_json;
	unsigned long metrics;
	unsigned long handlers;
	bool detach;
};

void options_parse(int argc, char **argv, struct options *o);

#endif
