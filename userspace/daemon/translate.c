// SPDX-License-Identifier: GPL-2.0-or-later
/* What the rules make of a packet, as masks and actions for the datapath. */
#include <errno.h>
#include <linux/openvswitch.h>

#include "switch.h"

/* Write the actions of a megaflow into an open nest. */
int sw_put_ops(struct sw *sw, struct nl_msg *msg, const struct xlate_out *out)
{
	struct odp_env env = { .prog_fd = sw_prog_fd, .arg = sw,
			       .pid = sw->pids[0] };

	return odp_put_ops(msg, out, &env);
}

static void translate(struct sw *sw, const struct flow *flow,
		      struct xlate_out *out, bool apart,
		      const struct xlate_watch *watch)
{
	struct xlate_in in = {
		.tables = &sw->tables,
		.groups = &sw->groups,
		.frozen = &sw->frozen,
		.macs = &sw->macs,
		.ports = sw->ports,
		.n_ports = sw->n_ports,
		.now = now_ms(),
		.apart = apart,
		.port_live = sw_port_live,
		.prog_class = sw_prog_class,
		.prog_writes = sw_prog_writes,
		.arg = sw,
		.watch = watch,
	};

	xlate(&in, flow, out);
}

/* Translate a packet's fields by the rules as they are. */
void sw_xlate(struct sw *sw, const struct flow *flow, struct xlate_out *out)
{
	translate(sw, flow, out, false, NULL);
}

/*
 * Likewise, for a packet that no megaflow takes: it comes back with what a program
 * said, so that it is known which rules it took.
 */
void sw_xlate_apart(struct sw *sw, const struct flow *flow, struct xlate_out *out)
{
	translate(sw, flow, out, true, NULL);
}

/* Likewise, as sw_xlate() does, and tell what happens. */
void sw_watch(struct sw *sw, const struct flow *flow, struct xlate_out *out,
	      const struct xlate_watch *watch)
{
	translate(sw, flow, out, false, watch);
}

/* Write mask and actions of a megaflow.  Return: 0 or a negative errno. */
int sw_build(struct sw *sw, struct nl_msg *msg, const struct nlattr *key,
	     const struct flow *flow, const struct xlate_out *out)
{
	struct nlattr *nest;
	int err;

	err = odp_put_mask(msg, key, flow, &out->wc);
	if (err)
		return err;
	nest = nla_nest_start(msg, OVS_FLOW_ATTR_ACTIONS);
	if (!nest)
		return -EMSGSIZE;
	err = sw_put_ops(sw, msg, out);
	/* libnl cancels an empty nest: actions that drop are one. */
	nest->nla_len = (char *)nlmsg_tail(nlmsg_hdr(msg)) - (char *)nest;
	return err;
}
