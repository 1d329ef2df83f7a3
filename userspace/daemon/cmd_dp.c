// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about the datapath, and what is told of its ports. */
#include <linux/openvswitch.h>
#include <string.h>

#include "command.h"
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
