// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about megaflows. */
#include <linux/openvswitch.h>
#include <string.h>

#include "command.h"
#include "switch.h"
#include "ufid.h"

/**
 * struct dump - a dump under way
 * @sw: the switch.
 * @r: takes the rows.
 * @named: with their names.
 * @n: megaflows so far.
 */
struct dump {
	struct sw *sw;
	struct reply *r;
	bool named;
	unsigned int n;
};

static void on_flow(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct ovs_flow_stats s = {};
	static char text[65536];
	char ufid[UFID_TEXT] = "";
	struct dump *d = arg;

	(void)dp_ifindex;
	if (++d->n % SW_SLICE == 0)
		sw_yield(d->sw);
	if (d->r->failed)
		return;
	if (attrs[OVS_FLOW_ATTR_STATS])
		memcpy(&s, nla_data(attrs[OVS_FLOW_ATTR_STATS]), sizeof(s));
	if (attrs[OVS_FLOW_ATTR_UFID] &&
	    nla_len(attrs[OVS_FLOW_ATTR_UFID]) == UFID_LEN)
		ufid_format(nla_data(attrs[OVS_FLOW_ATTR_UFID]), ufid);
	odp_format_flow(attrs, text, sizeof(text));
	reply_row(d->r, json_pack("{s:s,s:s,s:I,s:I,s:b}", "ufid", ufid, "flow",
				  text, "n_packets", (json_int_t)s.n_packets,
				  "n_bytes", (json_int_t)s.n_bytes, "named",
				  d->named && *ufid));
}

/* flow dump [-m] */
int cmd_flow_dump(struct sw *sw, const struct args *a, struct reply *r)
{
	struct dump d = { sw, r, args_has(a, "-m"), 0 };

	reply_list(r);
	if (dpnl_call(&sw->nl, dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_GET,
					NLM_F_DUMP), on_flow, &d))
		return reply_fail(r, "%s", sw->nl.err);
	return r->failed ? -1 : 0;
}

/* flow flush */
int cmd_flow_flush(struct sw *sw, const struct args *a, struct reply *r)
{
	(void)a;
	return reply_row(r, json_pack("{s:i}", "deleted", sw_flows_flush(sw)));
}
