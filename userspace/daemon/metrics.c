// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics in the text format of Prometheus.  What the datapath itself counts has the
 * names that openvswitch_exporter has for it.
 */
#include "metrics.h"

#include <jansson.h>
#include <string.h>

#include "command.h"
#include "control.h"
#include "switch.h"

/**
 * struct family - metrics of one name
 * @name: the name.
 * @type: "counter" or "gauge".
 * @help: what it is.
 * @path: where its value is, in the JSON that a command shows.
 */
struct family {
	const char *name;
	const char *type;
	const char *help;
	const char *path[2];
};

static const struct family of_datapath[] = {
	{ "openvswitch_datapath_stats_hits_total", "counter",
	  "Packets that matched a megaflow.", { "lookups", "hit" } },
	{ "openvswitch_datapath_stats_misses_total", "counter",
	  "Packets that matched none.", { "lookups", "missed" } },
	{ "openvswitch_datapath_stats_lost_total", "counter",
	  "Packets that matched none and did not reach the daemon.", { "lookups", "lost" } },
	{ "openvswitch_datapath_stats_flows", "gauge",
	  "Megaflows in the datapath.", { "flows", NULL } },
	{ "openvswitch_datapath_megaflow_stats_masks", "gauge",
	  "Different masks of megaflows.", { "masks", NULL } },
	{ "openvswitch_datapath_megaflow_stats_mask_hits_total", "counter",
	  "Masks that were tried for packets.", { "mask_hits", NULL } },
};

static const struct family of_port[] = {
#define PORT(name, help) \
	{ "ovs_bpfd_port_" #name "_total", "counter", help, { #name, NULL } }
	PORT(rx_packets, "Packets received by a port."),
	PORT(tx_packets, "Packets sent by a port."),
	PORT(rx_bytes, "Bytes received by a port."),
	PORT(tx_bytes, "Bytes sent by a port."),
	PORT(rx_errors, "Receive errors of a port."),
	PORT(tx_errors, "Transmit errors of a port."),
	PORT(rx_dropped, "Packets received by a port and dropped."),
	PORT(tx_dropped, "Packets not sent by a port."),
#undef PORT
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value, in quotes. */
static void label(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		if (*s == '\n')
			fputs("\\n", out);
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

static json_int_t value_at(const json_t *row, const char *const path[2])
{
	const json_t *v = json_object_get(row, path[0]);

	if (path[1])
		v = json_object_get(v, path[1]);
	return json_integer_value(v);
}

static void write_datapath(const struct sw *sw, const json_t *dp, FILE *out)
{
	unsigned int i;

	for (i = 0; i < N(of_datapath); i++) {
		const struct family *f = &of_datapath[i];

		head(out, f->name, f->type, f->help);
		fprintf(out, "%s{datapath=", f->name);
		label(out, sw->dp);
		fprintf(out, "} %lld\n", (long long)value_at(dp, f->path));
	}
}

/* A line about a port; @reason is a label, or NULL. */
static void port_value(const struct sw *sw, const json_t *port, const char *name,
		       const char *reason, const char *field, FILE *out)
{
	fprintf(out, "%s{datapath=", name);
	label(out, sw->dp);
	fprintf(out, ",port=\"%lld\",name=",
		(long long)json_integer_value(json_object_get(port, "port")));
	label(out, json_string_value(json_object_get(port, "name")));
	if (reason)
		fprintf(out, ",reason=\"%s\"", reason);
	fprintf(out, "} %lld\n",
		(long long)json_integer_value(json_object_get(port, field)));
}

static void write_ports(const struct sw *sw, const json_t *ports, FILE *out)
{
	const json_t *port;
	unsigned int i;
	size_t k;

	for (i = 0; i < N(of_port); i++) {
		const struct family *f = &of_port[i];

		head(out, f->name, f->type, f->help);
		json_array_foreach(ports, k, port)
			port_value(sw, port, f->name, NULL, f->path[0], out);
	}
}

static void one(FILE *out, const char *name, const char *type, const char *help,
		uint64_t value)
{
	head(out, name, type, help);
	fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void write_daemon(const struct sw *sw, FILE *out)
{
	const struct sw_counts *c = &sw->counts;
	const struct prog *p;
	unsigned int n = 0;

	for (p = sw->progs; p; p = p->next)
		n++;
#define COUNTER(name, field, help) one(out, "ovs_bpfd_" name "_total", "counter", help, field)
#define GAUGE(name, value, help) one(out, "ovs_bpfd_" name, "gauge", help, value)
	COUNTER("upcalls", c->upcalls, "Upcalls that were answered.");
	COUNTER("upcalls_recirculated", c->recirc_upcalls, "Those of recirculated packets.");
	COUNTER("upcalls_no_rule", c->no_rule, "Those without a rule.");
	COUNTER("upcalls_unknown_stage", c->unknown_recirc, "Those of a stage that is not known.");
	COUNTER("upcalls_malformed", c->malformed, "Upcalls that made no sense.");
	COUNTER("flows_not_installed", c->over_limit, "Megaflows that were not, as there were too many.");
	COUNTER("flows_narrowed", c->narrowed, "Megaflows that look at every bit, as there were too many masks.");
	COUNTER("upcall_overruns", c->lost, "Times that the upcall socket ran over.");
	COUNTER("flows_installed", c->installed, "Megaflows that were installed.");
	COUNTER("flows_refused", c->install_failed, "Megaflows that could not be.");
	COUNTER("flow_deletions_untold", c->untold, "Deletions of megaflows whose last counts may be missing.");
	COUNTER("packets_executed", c->executed, "Packets of upcalls sent on.");
	COUNTER("packets_refused", c->execute_failed, "Packets of upcalls that could not be.");
	COUNTER("control_requests", control_counts.requests, "Commands of clients.");
	COUNTER("control_refused", control_counts.refused, "Those that were refused.");
	COUNTER("control_dropped", control_counts.dropped, "Clients that were dropped.");
	COUNTER("events", control_counts.events, "Events sent to clients.");
	COUNTER("events_lost", control_counts.events_lost, "Events that a client was too slow for.");
	GAUGE("control_clients", control_counts.clients, "Clients of the control socket.");
	GAUGE("rules", sw->tables.n_rules, "Rules.");
	GAUGE("programs", n, "Programs.");
	GAUGE("ports", sw->n_ports, "Ports.");
	GAUGE("flows", HASH_COUNT(sw->flows), "Megaflows that the daemon knows.");
	GAUGE("flow_limit", sw->limits.flows, "Megaflows that there may be.");
	GAUGE("masks", HASH_COUNT(sw->masks), "Masks of megaflows.");
	GAUGE("mask_limit", sw->limits.masks, "Masks that there may be.");
	GAUGE("adopted_flows", sw->adoption.kept + sw->adoption.repaired,
	      "Megaflows taken over from a former daemon.");
#undef COUNTER
#undef GAUGE
}

static void write_upcalls(const struct sw *sw, const json_t *ports, FILE *out)
{
	static const char *const reasons[] = { "socket", "queue", "rate", "memory" };
	const json_t *port;
	char field[32];
	unsigned int i;
	size_t k;

	head(out, "ovs_bpfd_port_upcalls_total", "counter", "Upcalls of a port that were answered.");
	json_array_foreach(ports, k, port)
		port_value(sw, port, "ovs_bpfd_port_upcalls_total", NULL, "answered", out);
	head(out, "ovs_bpfd_port_upcalls_lost_total", "counter", "Upcalls of a port that were not, by reason.");
	for (i = 0; i < N(reasons); i++) {
		snprintf(field, sizeof(field), "lost_%s", reasons[i]);
		json_array_foreach(ports, k, port)
			port_value(sw, port, "ovs_bpfd_port_upcalls_lost_total",
				   reasons[i], field, out);
	}
}

static void write_expired(const struct sw *sw, FILE *out)
{
	static const char name[] = "ovs_bpfd_rules_expired_total";
	unsigned int why;

	head(out, name, "counter", "Rules that went by themselves, by the timeout that was over.");
	for (why = 0; why < N_GONE; why++)
		if (gone_reason(why))
			fprintf(out, "%s{reason=\"%s\"} %llu\n", name, gone_reason(why),
				(unsigned long long)sw->counts.rules_gone[why]);
}

/**
 * metrics_write - write all metrics
 * @sw: the switch.
 * @out: where to.
 *
 * Return: 0, or -1 if the datapath does not answer.
 */
int metrics_write(struct sw *sw, FILE *out)
{
	json_t *dp = dp_describe(sw), *ports = ports_describe(sw);
	json_t *upcalls = upcall_ports_describe(sw, ports);
	int err = dp && ports && upcalls ? 0 : -1;

	if (!err) {
		write_datapath(sw, dp, out);
		write_ports(sw, ports, out);
		write_upcalls(sw, upcalls, out);
		write_daemon(sw, out);
		write_expired(sw, out);
	}
	json_decref(dp);
	json_decref(ports);
	json_decref(upcalls);
	return err;
}
