// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that every daemon has: what there is, its version, its log; events. */
#include <stdlib.h>
#include <string.h>

#include "../lib/log.h"
#include "../lib/version.h"
#include "command.h"
#include "control.h"
#include "events.h"
#include "switch.h"

/* list-commands */
int cmd_list_commands(struct sw *sw, const struct args *a, struct reply *r)
{
	char name[CMD_NAME_LEN], usage[256];
	unsigned int i;

	(void)sw;
	(void)a;
	reply_list(r);
	for (i = 0; i < n_cmds; i++) {
		cmd_name(&cmds[i], '/', name);
		cmd_usage(&cmds[i], '/', usage, sizeof(usage));
		reply_row(r, json_pack("{s:s,s:s,s:s}", "name", name, "args",
				       usage + strlen(name) +
				       (usage[strlen(name)] == ' '),
				       "summary", cmds[i].summary));
	}
	return 0;
}

/* version */
int cmd_version(struct sw *sw, const struct args *a, struct reply *r)
{
	(void)sw;
	(void)a;
	return reply_row(r, json_pack("{s:s,s:s}", "name", "ovs-bpfd", "version",
				      OVS_BPF_VERSION));
}

/* exit */
int cmd_exit(struct sw *sw, const struct args *a, struct reply *r)
{
	(void)sw;
	(void)a;
	(void)r;
	sw_leave();
	return 0;
}

/* vlog list */
int cmd_vlog_list(struct sw *sw, const struct args *a, struct reply *r)
{
	int m;

	(void)sw;
	(void)a;
	reply_list(r);
	for (m = 0; m < N_LOG_MODULES; m++)
		reply_row(r, json_pack("{s:s,s:s,s:s,s:s}", "name",
				       log_module_name(m), "console",
				       log_level_name(m, PLACE_CONSOLE), "syslog",
				       log_level_name(m, PLACE_SYSLOG), "file",
				       log_level_name(m, PLACE_FILE)));
	return 0;
}

static void levels_undo(struct sw *sw, void *was)
{
	(void)sw;
	log_set_levels(was);
	free(was);
}

/* vlog set [SPEC...] */
int cmd_vlog_set(struct sw *sw, const struct args *a, struct reply *r)
{
	struct log_levels levels, *was;
	char why[256];
	unsigned int i;

	log_get_levels(&levels);
	if (!a->n_rest && log_parse(&levels, "", why, sizeof(why)))
		return reply_fail(r, "%s", why);
	for (i = 0; i < a->n_rest; i++)
		if (log_parse(&levels, a->rest[i], why, sizeof(why)))
			return reply_fail(r, "%s", why);
	was = malloc(sizeof(*was));
	if (!was)
		return reply_fail(r, "out of memory");
	log_get_levels(was);
	log_set_levels(&levels);
	return txn_add(sw, levels_undo, txn_free, was) ?
	       reply_fail(r, "out of memory") : 0;
}

/* vlog reopen */
int cmd_vlog_reopen(struct sw *sw, const struct args *a, struct reply *r)
{
	int err = log_reopen();

	(void)sw;
	(void)a;
	return err ? reply_fail(r, "can't open the log file: %s", strerror(-err)) : 0;
}

/* monitor [EVENT...] */
int cmd_monitor(struct sw *sw, const struct args *a, struct reply *r)
{
	uint32_t events = 0;
	unsigned int i;
	int kind;

	(void)sw;
	for (i = 0; i < a->n_rest; i++) {
		kind = event_find(a->rest[i]);
		if (kind < 0)
			return reply_fail(r, "\"%.40s\" is no EVENT (usage: monitor [EVENT...]; see help)",
					  a->rest[i]);
		events |= 1u << kind;
	}
	control_subscribe(r->client, events ? events : (1u << N_EVENTS) - 1,
			  r->json);
	return 0;
}
