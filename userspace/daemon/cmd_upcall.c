// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about upcalls: what became of them, and how many there may be. */
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/words.h"
#include "command.h"
#include "switch.h"

/* upcall show */
int cmd_upcall_show(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct sw_counts *c = &sw->counts;
	json_t *row = json_object();

	(void)a;
#define TELL(name, value) json_object_set_new(row, name, json_integer(value))
#define COUNT(name) TELL(#name, c->name)
	COUNT(upcalls);
	COUNT(recirc_upcalls);
	COUNT(installed);
	COUNT(install_failed);
	COUNT(executed);
	COUNT(execute_failed);
	COUNT(no_rule);
	COUNT(unknown_recirc);
	COUNT(malformed);
	COUNT(lost);
	COUNT(over_limit);
	COUNT(narrowed);
#undef COUNT
	TELL("handlers", sw->n_pids);
	TELL("flows", HASH_COUNT(sw->flows));
	TELL("max_flows", sw->limits.flows);
	TELL("masks", HASH_COUNT(sw->masks));
	TELL("max_masks", sw->limits.masks);
	TELL("queue", sw->limits.queue);
	TELL("rate", sw->limits.rate);
	TELL("burst", sw->limits.burst);
#undef TELL
	if (*c->last_error)
		json_object_set_new(row, "last_error", json_string(c->last_error));
	return reply_row(r, row);
}

/* A port's row: what the datapath lost, and what the handlers did. */
static json_t *port_row(struct sw *sw, const json_t *port)
{
	uint32_t no = json_integer_value(json_object_get(port, "port"));
	static const struct sw_port_upcalls none;
	struct sw_port_upcalls *p;
	const uint64_t *lost;

	HASH_FIND(hh, sw->port_upcalls, &no, sizeof(no), p);
	lost = p ? p->lost : none.lost;
	return json_pack("{s:i,s:O,s:I,s:I,s:I,s:I,s:I}", "port", no, "name",
			 json_object_get(port, "name"), "answered",
			 (json_int_t)(p ? p->answered : 0), "lost_socket",
			 json_integer_value(json_object_get(port, "upcall_fail")),
			 "lost_queue", (json_int_t)(lost[PORTQ_LOSS_queue] + handlers_lost(no)),
			 "lost_rate", (json_int_t)lost[PORTQ_LOSS_rate],
			 "lost_memory", (json_int_t)lost[PORTQ_LOSS_memory]);
}

/* Upcalls of ports, which ports_describe() told, as an array. */
json_t *upcall_ports_describe(struct sw *sw, const json_t *ports)
{
	json_t *rows = json_array(), *port;
	size_t i;

	json_array_foreach(ports, i, port)
		json_array_append_new(rows, port_row(sw, port));
	return rows;
}

/* upcall ports */
int cmd_upcall_ports(struct sw *sw, const struct args *a, struct reply *r)
{
	json_t *ports = ports_describe(sw);
	int err;

	(void)a;
	if (!ports)
		return reply_fail(r, "%s", sw->nl.err);
	err = reply_rows(r, upcall_ports_describe(sw, ports));
	json_decref(ports);
	return err;
}

static void limits_undo(struct sw *sw, void *arg)
{
	memcpy(&sw->limits, arg, sizeof(sw->limits));
	free(arg);
}

/**
 * limits_set - change what traffic may make the daemon do
 * @sw: the switch, in a transaction.
 * @limits: the limits.
 *
 * Return: 0, or -1 without memory.
 */
int limits_set(struct sw *sw, const struct sw_limits *limits)
{
	struct sw_limits *old = malloc(sizeof(*old));

	if (!old)
		return -1;
	*old = sw->limits;
	sw->limits = *limits;
	return txn_add(sw, limits_undo, txn_free, old);
}

/* upcall set LIMIT... */
int cmd_upcall_set(struct sw *sw, const struct args *a, struct reply *r)
{
#define LIMIT(name, low, high) { #name, &new.name, low, high },
	struct sw_limits new = sw->limits;
	const struct {
		const char *name;
		uint32_t *value;
		uint32_t low, high;
	} limits[] = { LIMITS(LIMIT) };
#undef LIMIT
	unsigned int i, k;

	for (i = 0; i < a->n_rest; i++) {
		const char *word = a->rest[i], *value = strchr(word, '=');
		unsigned long n;
		char *end;

		for (k = 0; k < sizeof(limits) / sizeof(limits[0]); k++)
			if (value && strlen(limits[k].name) == (size_t)(value - word) &&
			    !strncmp(word, limits[k].name, value - word))
				break;
		if (k == sizeof(limits) / sizeof(limits[0]))
			return reply_fail(r, "\"%.60s\" is no limit: flows=N, masks=N, queue=N, rate=N or burst=N",
					  word);
		n = strtoul(value + 1, &end, 10);
		if (value[1] < '0' || value[1] > '9' || *end || n < limits[k].low ||
		    n > limits[k].high)
			return reply_fail(r, "%s takes %u to %u, not \"%.60s\"",
					  limits[k].name, limits[k].low,
					  limits[k].high, value + 1);
		*limits[k].value = n;
	}
	return limits_set(sw, &new) ? reply_fail(r, "out of memory") : 0;
}
