// SPDX-License-Identifier: GPL-2.0-or-later
#include "swbed.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../daemon/switch.h"
#include "../lib/log.h"

int own_bpffs(void)
{
	return !geteuid() && (unshare(CLONE_NEWNS) ||
			      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
			      mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL)) ? -1 : 0;
}

int sw_bed(struct sw *sw, const char *name, unsigned int idle_ms, char *file)
{
	int fd = mkstemp(file);
	char why[128];

	log_start("test", false);
	log_set("console:off", why, sizeof(why));
	if (fd < 0 || close(fd) || sw_init(sw, name, idle_ms) || dpnl_open(&sw->nl))
		return -1;
	turn_take(&sw->turn);
	sw->n_pids = 1;
	return dpnl_dp_open(&sw->nl, sw->dp, true, sw->pids, sw->n_pids) < 0 ? -1 : 0;
}
