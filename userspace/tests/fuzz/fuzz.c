// SPDX-License-Identifier: GPL-2.0-or-later
/* What the fuzzers have in common. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../daemon/command.h"
#include "../../lib/log.h"

/* There is no event loop to leave. */
void sw_leave(void)
{
}

/* The switch, made once, with two ports and some rules. */
struct sw *fuzz_switch(void)
{
	static struct sw *sw;
	char why[128], name[16];

	if (sw)
		return sw;
	sw = calloc(1, sizeof(*sw));
	log_start("fuzz", false);
	log_set("console:off", why, sizeof(why));
	snprintf(name, sizeof(name), "fuzz%d", getpid() % 10000);
	if (sw_init(sw, name, 10000) || dpnl_open(&sw->nl))
		abort();
	turn_take(&sw->turn);
	sw->n_pids = 1;
	fuzz_reset(sw);
	return sw;
}

/* Run a command.  Return: whether it was refused. */
int fuzz_run(struct sw *sw, const char *method, int argc, const char **argv)
{
	bool failed;
	char *text = command_run(sw, NULL, method, argc, argv, &failed);

	/* A refusal has to say something. */
	if (!text || (failed && !*text))
		abort();
	free(text);
	return failed;
}

/* Back to where every input begins. */
void fuzz_reset(struct sw *sw)
{
	static const char *const rules[] = {
		"table=0,priority=5,ip,nw_src=10.0.0.0/8,actions=set_field:1->reg1,goto_table:1",
		"table=0,priority=0,actions=goto_table:1",
		"table=1,priority=9,tcp,tp_dst=80,reg1=1,actions=output:1",
		"table=1,priority=1,actions=FLOOD",
	};
	const char *name;
	unsigned int i;

	fuzz_run(sw, "rule/del", 0, NULL);
	while (sw->progs) {
		name = sw->progs->name;
		if (fuzz_run(sw, "prog/unload", 1, &name))
			abort();
	}
	dpnl_dp_open(&sw->nl, sw->dp, true, sw->pids, sw->n_pids);
	for (i = 1; i < 3; i++)
		dpnl_port_add(&sw->nl, i == 1 ? "p1" : "p2", false, i, 0);
	sw_ports_refresh(sw);
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (fuzz_run(sw, "rule/add", 1, (const char **)&rules[i]))
			abort();
}
