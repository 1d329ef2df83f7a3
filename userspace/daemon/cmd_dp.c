// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about the datapath and its ports. */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/log.h"
#include "command.h"
#include "events.h"
#include "switch.h"

static void on_dp(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct ovs_dp_megaflow_stats m = {};
	struct ovs_dp_stats s = {};
	json_t *row = arg;

	(void)dp_ifindex;
	if (attrs[OVS_DP_ATTR_STATS])
		memcpy(&s, nla_data(attrs[OVS_DP_ATTR_STATS]), sizeof(s));
	if (attrs[OVS_DP_ATTR_MEGAFLOW_STATS])
		memcpy(&m, nla_data(attrs[OVS_DP_ATTR_MEGAFLOW_STATS]), sizeof(m));
	json_object_set_new(row, "lookups", json_pack(
		"{s:I,s:I,s:I}", "hit", (json_int_t)s.n_hit, "missed",
		(json_int_t)s.n_missed, "lost", (json_int_t)s.n_lost));
	json_object_set_new(row, "flows", json_integer(s.n_flows));
	json_object_set_new(row, "masks", json_integer(m.n_masks));
	json_object_set_new(row, "mask_hits", json_integer(m.n_mask_hit));
}

static void on_port(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct ovs_vport_stats s = {};
	struct nlattr *up, *fail = NULL;
	json_t *row;

	(void)dp_ifindex;
	if (!attrs[OVS_VPORT_ATTR_NAME] || !attrs[OVS_VPORT_ATTR_PORT_NO])
		return;
	if (attrs[OVS_VPORT_ATTR_STATS])
		memcpy(&s, nla_data(attrs[OVS_VPORT_ATTR_STATS]), sizeof(s));
	up = attrs[DPNL_VPORT_UPCALL_STATS];
	if (up)
		fail = nla_find(nla_data(up), nla_len(up), DPNL_VPORT_UPCALL_FAIL);
	row = json_pack("{s:i,s:s,s:i}", "port",
			nla_get_u32(attrs[OVS_VPORT_ATTR_PORT_NO]), "name",
			nla_get_string(attrs[OVS_VPORT_ATTR_NAME]), "type",
			attrs[OVS_VPORT_ATTR_TYPE] ?
			(int)nla_get_u32(attrs[OVS_VPORT_ATTR_TYPE]) : 0);
	if (!row)
		return;
#define STAT(name) json_object_set_new(row, #name, json_integer(s.name))
	STAT(rx_packets);
	STAT(tx_packets);
	STAT(rx_bytes);
	STAT(tx_bytes);
	STAT(rx_errors);
	STAT(tx_errors);
	STAT(rx_dropped);
	STAT(tx_dropped);
#undef STAT
	json_object_set_new(row, "upcall_fail", json_integer(fail ? nla_get_u64(fail) : 0));
	json_array_append_new(arg, row);
}

/* The ports, as an array.  Return: NULL, with a sentence in @sw->nl.err. */
json_t *ports_describe(struct sw *sw)
{
	json_t *ports = json_array();

	if (ports && !dpnl_port_dump(&sw->nl, on_port, ports))
		return ports;
	json_decref(ports);
	return NULL;
}

/* The datapath, as an object.  Return: likewise. */
json_t *dp_describe(struct sw *sw)
{
	json_t *row = json_pack("{s:s}", "name", sw->dp);

	if (row && !dpnl_dp_get(&sw->nl, on_dp, row))
		return row;
	json_decref(row);
	return NULL;
}

/* port list */
int cmd_port_list(struct sw *sw, const struct args *a, struct reply *r)
{
	json_t *ports = ports_describe(sw);

	(void)a;
	return ports ? reply_rows(r, ports) : reply_fail(r, "%s", sw->nl.err);
}

/* dp show */
int cmd_dp_show(struct sw *sw, const struct args *a, struct reply *r)
{
	json_t *row = dp_describe(sw), *ports = row ? ports_describe(sw) : NULL;

	(void)a;
	if (!ports) {
		json_decref(row);
		return reply_fail(r, "%s", sw->nl.err);
	}
	json_object_set_new(row, "ports", ports);
	return reply_row(r, row);
}

/* dp del */
int cmd_dp_del(struct sw *sw, const struct args *a, struct reply *r)
{
	(void)a;
	if (dpnl_dp_del(&sw->nl))
		return reply_fail(r, "%s", sw->nl.err);
	sw_leave();
	return 0;
}

/* The port of a device.  Return: what is known of it, or NULL. */
static json_t *port_find(struct sw *sw, const char *name)
{
	json_t *ports = ports_describe(sw), *port, *found = NULL;
	size_t i;

	json_array_foreach(ports, i, port)
		if (!strcmp(json_string_value(json_object_get(port, "name")), name))
			found = json_incref(port);
	json_decref(ports);
	return found;
}

static int port_del(struct sw *sw, const char *name)
{
	int err = dpnl_port_del(&sw->nl, name);

	log_event(LOG_port, err ? LEVEL_WARN : LEVEL_INFO,
		  err ? "a port can't be removed" : "a port was removed",
		  "{s:s,s:s*}", "name", name, "why", err ? sw->nl.err : NULL);
	sw_ports_refresh(sw);
	return err;
}

static void add_undo(struct sw *sw, void *name)
{
	port_del(sw, name);
	free(name);
}

static void forget(struct sw *sw, void *name)
{
	(void)sw;
	free(name);
}

static int port_add(struct sw *sw, const char *name, bool internal,
		    uint32_t number, struct reply *r)
{
	char *copy;

	if (dpnl_port_add(&sw->nl, name, internal, number, sw->pids[0]))
		return reply_fail(r, "can't add %s: %s", name, sw->nl.err);
	log_event(LOG_port, LEVEL_INFO, "a port was added", "{s:s}", "name", name);
	sw_ports_refresh(sw);
	copy = strdup(name);
	if (!copy) {
		dpnl_port_del(&sw->nl, name);
		return reply_fail(r, "out of memory");
	}
	if (txn_add(sw, add_undo, forget, copy))
		return reply_fail(r, "out of memory");
	return 0;
}

/* In a configuration, a port that is there as it is wanted stays. */
static bool port_is_there(struct sw *sw, const char *name, bool internal,
			  uint32_t number)
{
	json_t *port = port_find(sw, name);
	json_int_t type = json_integer_value(json_object_get(port, "type"));
	json_int_t no = json_integer_value(json_object_get(port, "port"));
	bool is = port && (!number || no == number) &&
		  (type == OVS_VPORT_TYPE_INTERNAL) == internal;

	json_decref(port);
	return is;
}

/* port add DEVICE [NUMBER] [internal] */
int cmd_port_add(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *name = args_get(a, "DEVICE");
	bool internal = args_has(a, "internal");
	uint32_t number = args_number(a, "NUMBER", 0);

	if (config_wants(sw, "port", name) &&
	    port_is_there(sw, name, internal, number))
		return 0;
	return port_add(sw, name, internal, number, r);
}

static void del_keep(struct sw *sw, void *name)
{
	port_del(sw, name);
	free(name);
}

/**
 * port_del_later - delete a port when the transaction is sure to last
 * @sw: the switch, in a transaction.
 * @name: of its device.
 *
 * Return: 0, or -1 without memory.
 */
int port_del_later(struct sw *sw, const char *name)
{
	char *copy = strdup(name);

	return copy ? txn_add(sw, forget, del_keep, copy) : -1;
}

/* port del DEVICE: in a batch at its end, as it can't be undone. */
int cmd_port_del(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *name = args_get(a, "DEVICE");
	json_t *port;

	if (!txn_in_batch(sw)) {
		if (port_del(sw, name))
			return reply_fail(r, "can't delete %s: %s", name,
					  sw->nl.err);
		return 0;
	}
	port = port_find(sw, name);
	if (!port)
		return reply_fail(r, "can't delete %s: there is no such port", name);
	json_decref(port);
	return port_del_later(sw, name) ? reply_fail(r, "out of memory") : 0;
}
