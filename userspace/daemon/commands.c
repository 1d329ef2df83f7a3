// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of the control socket, in one table. */
#include <event2/event.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "switch.h"

static char why[4400];

static void on_dp(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct ovs_dp_megaflow_stats m = {};
	struct ovs_dp_stats s = {};
	FILE *out = arg;

	(void)dp_ifindex;
	if (attrs[OVS_DP_ATTR_STATS])
		memcpy(&s, nla_data(attrs[OVS_DP_ATTR_STATS]), sizeof(s));
	if (attrs[OVS_DP_ATTR_MEGAFLOW_STATS])
		memcpy(&m, nla_data(attrs[OVS_DP_ATTR_MEGAFLOW_STATS]), sizeof(m));
	fprintf(out, "lookups: hit:%llu missed:%llu lost:%llu\nflows: %llu\nmasks: %u\n",
		(unsigned long long)s.n_hit, (unsigned long long)s.n_missed,
		(unsigned long long)s.n_lost, (unsigned long long)s.n_flows,
		m.n_masks);
}

static void on_port(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct ovs_vport_stats s = {};
	FILE *out = arg;

	(void)dp_ifindex;
	if (!attrs[OVS_VPORT_ATTR_NAME] || !attrs[OVS_VPORT_ATTR_PORT_NO])
		return;
	if (attrs[OVS_VPORT_ATTR_STATS])
		memcpy(&s, nla_data(attrs[OVS_VPORT_ATTR_STATS]), sizeof(s));
	fprintf(out, "port %u: %s rx:%llu tx:%llu\n",
		nla_get_u32(attrs[OVS_VPORT_ATTR_PORT_NO]),
		nla_get_string(attrs[OVS_VPORT_ATTR_NAME]),
		(unsigned long long)s.rx_packets,
		(unsigned long long)s.tx_packets);
}

static const char *port_list(struct sw *sw, int argc, const char **argv,
			     FILE *out)
{
	(void)argc;
	(void)argv;
	return dpnl_port_dump(&sw->nl, on_port, out) ? sw->nl.err : NULL;
}

static const char *dp_show(struct sw *sw, int argc, const char **argv, FILE *out)
{
	fprintf(out, "%s:\n", sw->dp);
	if (dpnl_dp_get(&sw->nl, on_dp, out))
		return sw->nl.err;
	return port_list(sw, argc, argv, out);
}

static const char *port_add(struct sw *sw, int argc, const char **argv,
			    FILE *out)
{
	bool internal = false;
	uint32_t number = 0;
	char *end;
	int i;

	(void)out;
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "internal")) {
			internal = true;
			continue;
		}
		number = strtoul(argv[i], &end, 10);
		if (*end || !number || number > 65534) {
			snprintf(why, sizeof(why),
				 "\"%s\" is neither a port number nor \"internal\"",
				 argv[i]);
			return why;
		}
	}
	if (dpnl_port_add(&sw->nl, argv[0], internal, number)) {
		snprintf(why, sizeof(why), "can't add %s: %s", argv[0],
			 sw->nl.err);
		return why;
	}
	sw_ports_refresh(sw);
	return NULL;
}

static const char *port_del(struct sw *sw, int argc, const char **argv,
			    FILE *out)
{
	(void)argc;
	(void)out;
	if (dpnl_port_del(&sw->nl, argv[0])) {
		snprintf(why, sizeof(why), "can't delete %s: %s", argv[0],
			 sw->nl.err);
		return why;
	}
	sw_ports_refresh(sw);
	return NULL;
}

static const char *do_prog_load(struct sw *sw, int argc, const char **argv,
				FILE *out)
{
	bool replace = !strcmp(argv[0], "--replace");

	(void)out;
	if (argc != 2 + replace)
		return "usage: prog/load [--replace] NAME FILE";
	return prog_load(sw, argv[replace], argv[replace + 1], replace, why,
			 sizeof(why)) ? why : NULL;
}

static const char *do_prog_unload(struct sw *sw, int argc, const char **argv,
				  FILE *out)
{
	(void)argc;
	(void)out;
	return prog_unload(sw, argv[0], why, sizeof(why)) ? why : NULL;
}

static const char *prog_list(struct sw *sw, int argc, const char **argv,
			     FILE *out)
{
	const struct prog *p;

	(void)argc;
	(void)argv;
	for (p = sw->progs; p; p = p->next)
		fprintf(out, "%s\n", p->name);
	return NULL;
}

/* The programs that a rule names must be loaded. */
static bool progs_known(const struct sw *sw, const struct rule *rule)
{
	unsigned int i;

	for (i = 0; i < rule->n_acts; i++) {
		if (rule->acts[i].type != ACT_BPF ||
		    prog_find(sw, rule->acts[i].prog))
			continue;
		snprintf(why, sizeof(why), "no program %s is loaded",
			 rule->acts[i].prog);
		return false;
	}
	return true;
}

static struct rule *rule_read(const struct sw *sw, const char *text)
{
	struct rule *rule = rule_parse(text, true, why, sizeof(why));

	if (rule && !progs_known(sw, rule)) {
		free(rule);
		return NULL;
	}
	return rule;
}

/* Enter rules, which are linked by @next; what they replace is freed. */
static void rules_enter(struct sw *sw, struct rule *list)
{
	struct rule *old, *next, *gone = NULL;

	for (; list; list = next) {
		next = list->next;
		old = tables_insert(&sw->tables, list);
		if (old) {
			old->next = gone;
			gone = old;
		}
	}
	sw_revalidate(sw);
	for (; gone; gone = next) {
		next = gone->next;
		free(gone);
	}
}

static const char *rule_add(struct sw *sw, int argc, const char **argv,
			    FILE *out)
{
	struct rule *rule = rule_read(sw, argv[0]);

	(void)argc;
	(void)out;
	if (!rule)
		return why;
	rules_enter(sw, rule);
	return NULL;
}

/* All rules of a file, or none. */
static const char *rule_load(struct sw *sw, int argc, const char **argv,
			     FILE *out)
{
	struct rule *list = NULL, *rule, **end = &list;
	char *line = NULL, reason[4000];
	unsigned int n = 0;
	size_t room = 0;
	bool ok = true;
	ssize_t len;
	FILE *f;

	(void)argc;
	(void)out;
	f = fopen(argv[0], "r");
	if (!f) {
		snprintf(why, sizeof(why), "can't read %s", argv[0]);
		return why;
	}
	while (ok && (len = getline(&line, &room, f)) > 0) {
		n++;
		line[strcspn(line, "\r\n")] = 0;
		if (!line[strspn(line, " \t")] || line[strspn(line, " \t")] == '#')
			continue;
		rule = rule_read(sw, line);
		ok = rule;
		if (rule) {
			*end = rule;
			end = &rule->next;
		}
	}
	free(line);
	fclose(f);
	if (ok) {
		rules_enter(sw, list);
		return NULL;
	}
	for (; list; list = rule) {
		rule = list->next;
		free(list);
	}
	snprintf(reason, sizeof(reason), "%.3900s", why);
	snprintf(why, sizeof(why), "%.200s:%u: %s", argv[0], n, reason);
	return why;
}

static const char *rule_del(struct sw *sw, int argc, const char **argv,
			    FILE *out)
{
	const char *text = argc ? argv[0] : "";
	struct rule *like, *rule, *gone = NULL;
	unsigned int n = 0;

	like = rule_parse(text, false, why, sizeof(why));
	if (!like)
		return why;
	while ((rule = tables_take(&sw->tables, like, !strstr(text, "table=")))) {
		rule->next = gone;
		gone = rule;
		n++;
	}
	free(like);
	sw_revalidate(sw);
	for (; gone; gone = rule) {
		rule = gone->next;
		free(gone);
	}
	fprintf(out, "%u rules deleted\n", n);
	return NULL;
}

static const char *rule_dump(struct sw *sw, int argc, const char **argv,
			     FILE *out)
{
	const struct rule *r;
	char buf[8192];
	unsigned int t;

	(void)argc;
	(void)argv;
	sw_flows_tick(sw);
	for (t = 0; t < N_TABLES; t++) {
		for (r = sw->tables.first[t]; r; r = r->next) {
			rule_format(r, true, buf, sizeof(buf));
			fprintf(out, "%s\n", buf);
		}
	}
	return NULL;
}

static void on_flow(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	char buf[8192];

	(void)dp_ifindex;
	odp_format_flow(attrs, buf, sizeof(buf));
	fprintf(arg, "%s\n", buf);
}

static const char *flow_dump(struct sw *sw, int argc, const char **argv,
			     FILE *out)
{
	(void)argc;
	(void)argv;
	if (dpnl_call(&sw->nl, dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_GET,
					NLM_F_DUMP), on_flow, out))
		return sw->nl.err;
	return NULL;
}

static const char *upcall_show(struct sw *sw, int argc, const char **argv,
			       FILE *out)
{
	const struct sw_counts *c = &sw->counts;

	(void)argc;
	(void)argv;
	fprintf(out, "upcalls: %llu, of recirculated packets: %llu\n",
		(unsigned long long)c->upcalls,
		(unsigned long long)c->recirc_upcalls);
	fprintf(out, "megaflows installed: %llu, refused: %llu\n",
		(unsigned long long)c->installed,
		(unsigned long long)c->install_failed);
	fprintf(out, "packets sent on: %llu, refused: %llu\n",
		(unsigned long long)c->executed,
		(unsigned long long)c->execute_failed);
	fprintf(out, "without a rule: %llu, of an unknown stage: %llu, malformed: %llu, buffer overruns: %llu\n",
		(unsigned long long)c->no_rule,
		(unsigned long long)c->unknown_recirc,
		(unsigned long long)c->malformed, (unsigned long long)c->lost);
	return NULL;
}

/* End the daemon, when the answer has gone out. */
static void leave(void)
{
	struct timeval soon = { .tv_usec = 50000 };

	event_base_loopexit(main_base, &soon);
}

static const char *do_dp_del(struct sw *sw, int argc, const char **argv,
			     FILE *out)
{
	(void)argc;
	(void)argv;
	(void)out;
	if (dpnl_dp_del(&sw->nl))
		return sw->nl.err;
	leave();
	return NULL;
}

static const char *do_exit(struct sw *sw, int argc, const char **argv, FILE *out)
{
	(void)sw;
	(void)argc;
	(void)argv;
	(void)out;
	leave();
	return NULL;
}

static const char *list_commands(struct sw *sw, int argc, const char **argv,
				 FILE *out);

static const struct command {
	const char *name;
	const char *usage;
	int min, max;
	const char *(*run)(struct sw *sw, int argc, const char **argv,
			   FILE *out);
} commands[] = {
	{ "list-commands", "", 0, 0, list_commands },
	{ "exit", "", 0, 0, do_exit },
	{ "dp/show", "", 0, 0, dp_show },
	{ "dp/del", "", 0, 0, do_dp_del },
	{ "port/add", "DEVICE [NUMBER] [internal]", 1, 3, port_add },
	{ "port/del", "DEVICE", 1, 1, port_del },
	{ "port/list", "", 0, 0, port_list },
	{ "prog/load", "[--replace] NAME FILE", 2, 3, do_prog_load },
	{ "prog/unload", "NAME", 1, 1, do_prog_unload },
	{ "prog/list", "", 0, 0, prog_list },
	{ "prog/show", "[-j] [NAME]", 0, 2, prog_show },
	{ "prog/check", "[-j] FILE", 1, 2, prog_check },
	{ "rule/add", "RULE", 1, 1, rule_add },
	{ "rule/load", "FILE", 1, 1, rule_load },
	{ "rule/del", "[MATCH]", 0, 1, rule_del },
	{ "rule/dump", "", 0, 0, rule_dump },
	{ "flow/dump", "", 0, 0, flow_dump },
	{ "upcall/show", "", 0, 0, upcall_show },
};

static const char *list_commands(struct sw *sw, int argc, const char **argv,
				 FILE *out)
{
	unsigned int i;

	(void)sw;
	(void)argc;
	(void)argv;
	fprintf(out, "The available commands are:\n");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-16s %s\n", commands[i].name,
			commands[i].usage);
	return NULL;
}

/**
 * command_run - run a command
 * @sw: the switch.
 * @name: its name.
 * @argc: how many arguments.
 * @argv: the arguments.
 * @out: where its answer goes.
 *
 * Return: NULL, or a sentence about what is wrong.
 */
const char *command_run(struct sw *sw, const char *name, int argc,
			const char **argv, FILE *out)
{
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, name))
			continue;
		if (argc >= c->min && argc <= c->max)
			return c->run(sw, argc, argv, out);
		snprintf(why, sizeof(why), "usage: %s %s", name, c->usage);
		return why;
	}
	snprintf(why, sizeof(why), "\"%.100s\" is not a valid command (see list-commands)",
		 name);
	return why;
}
