// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Upcalls: a packet without a megaflow is translated, its megaflow installed, and the
 * packet sent through it, so that its programs run once, and it is counted where all
 * further packets are.  Both requests go together; what the datapath says of them comes
 * later.  All of it in the caller's turn, but upcall_port().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/openvswitch.h>
#include <string.h>

#include "../lib/log.h"
#include "events.h"
#include "probes.h"
#include "upcall.h"

/* The datapath has refused something: its sentence is not lost. */
static void note_error(struct sw *sw, uint64_t *count, const char *what,
		       const char *why)
{
	++*count;
	snprintf(sw->counts.last_error, sizeof(sw->counts.last_error),
		 "%s: %.200s", what, why);
	log_often(LOG_upcall, LEVEL_WARN, "the datapath refused something",
		  "{s:s,s:s}", "what", what, "why", why);
}

/* The way of a packet that is looked up again, at the stage where it is. */
static int put_through(struct nl_msg *msg, uint32_t recirc_id)
{
	return nla_put_u32(msg, OVS_ACTION_ATTR_RECIRC, recirc_id);
}

static void copy_attr(struct nl_msg *msg, int type, const struct nlattr *a)
{
	if (a)
		nla_put(msg, type, nla_len(a), nla_data(a));
}

/* Write the request that sends the packet on. */
static struct nl_msg *execute_msg(struct sw *sw, struct dpnl *nl,
				  struct nlattr *const *a, uint32_t recirc_id,
				  enum flow_way way, const struct xlate_out *out)
{
	struct nl_msg *msg = dpnl_msg(nl, F_PACKET, OVS_PACKET_CMD_EXECUTE, 0);
	struct nlattr *nest;

	if (!msg)
		return NULL;
	copy_attr(msg, OVS_PACKET_ATTR_PACKET, a[OVS_PACKET_ATTR_PACKET]);
	copy_attr(msg, OVS_PACKET_ATTR_KEY, a[OVS_PACKET_ATTR_KEY]);
	copy_attr(msg, OVS_PACKET_ATTR_HASH, a[OVS_PACKET_ATTR_HASH]);
	copy_attr(msg, OVS_PACKET_ATTR_MRU, a[OVS_PACKET_ATTR_MRU]);
	nest = nla_nest_start(msg, OVS_PACKET_ATTR_ACTIONS);
	if (!nest || (way == FLOW_THROUGH ? put_through(msg, recirc_id) :
					    sw_put_ops(sw, msg, out))) {
		dpnl_free(nl, msg);
		return NULL;
	}
	nla_nest_end(msg, nest);
	return msg;
}

/* Count a packet that no megaflow counts. */
static void count_rules(const struct xlate_out *out, size_t bytes)
{
	unsigned int i;

	for (i = 0; i < out->n_rules; i++) {
		out->rules[i]->n_packets++;
		out->rules[i]->n_bytes += bytes;
	}
}

/* Tell of a packet, and of what is wrong with it. */
static void note_packet(struct sw *sw, const struct flow *flow,
			const struct xlate_out *out, size_t bytes)
{
	sw->counts.upcalls++;
	PROBE3(upcall, ntohl(flow->in_port), ntohl(flow->recirc_id), bytes);
	if (flow->recirc_id)
		sw->counts.recirc_upcalls++;
	event_upcall(flow, out->n_rules, out->error);
	if (out->unknown_stage) {
		sw->counts.unknown_recirc++;
		return;
	}
	if (!out->n_rules && !flow->recirc_id)
		sw->counts.no_rule++;
	if (out->error) {
		/* The packet is dropped, and those like it; that is not kept quiet. */
		snprintf(sw->counts.last_error, sizeof(sw->counts.last_error),
			 "rules: %s", out->error);
		log_often(LOG_upcall, LEVEL_WARN, "the rules make no sense for a packet",
			  "{s:s}", "why", out->error);
	}
}

static void on_miss(struct sw *sw, struct dpnl *nl, struct xlate_out *out,
		    struct nlattr **a, struct upcall *u)
{
	struct nlattr *key = a[OVS_PACKET_ATTR_KEY];
	struct nlattr *packet = a[OVS_PACKET_ATTR_PACKET];
	struct nl_msg *install, *execute = NULL;
	enum flow_way way;
	struct flow flow;

	if (!key || !packet || odp_flow_from_key(key, &flow)) {
		sw->counts.malformed++;
		return;
	}
	sw_xlate(sw, &flow, out);
	note_packet(sw, &flow, out, nla_len(packet));
	/* Of a former daemon: no megaflow, for the id may come to mean something. */
	if (out->unknown_stage)
		return;
	if (out->learns && mac_learn(&sw->macs, &out->learn, ntohl(flow.in_port), now_ms()))
		sw->stale = true;
	way = sw_flow_for(sw, nl, key, &flow, out, &u->made, &install);
	/* Which branch it would take, only the datapath knows. */
	if (way == FLOW_DIRECT && out->n_branches)
		sw_xlate_apart(sw, &flow, out);
	if (out->n_ops)
		execute = execute_msg(sw, nl, a, ntohl(flow.recirc_id), way, out);
	if (way == FLOW_DIRECT || !execute)
		count_rules(out, nla_len(packet));
	/* The megaflow goes to the datapath right before its packet. */
	if (install)
		u->install = dpnl_add(nl, install, NULL, NULL);
	if (execute)
		u->execute = dpnl_add(nl, execute, NULL, NULL);
	else if (out->n_ops)
		note_error(sw, &sw->counts.execute_failed, "execute",
			   "the actions don't fit into a message");
}

/* A packet for the controller. */
static void on_action(struct sw *sw, struct nlattr **a)
{
	struct nlattr *key = a[OVS_PACKET_ATTR_KEY];
	struct nlattr *packet = a[OVS_PACKET_ATTR_PACKET];
	struct nlattr *user = a[OVS_PACKET_ATTR_USERDATA];
	struct odp_userdata u;
	struct flow flow;

	if (!key || !packet || !user || nla_len(user) != sizeof(u) ||
	    odp_flow_from_key(key, &flow)) {
		sw->counts.malformed++;
		return;
	}
	memcpy(&u, nla_data(user), sizeof(u));
	if (u.magic != ODP_MAGIC) {
		sw->counts.malformed++;
		return;
	}
	sw->counts.to_controller++;
	event_packet(&flow, u.table, u.cookie, nla_data(packet), nla_len(packet),
		     u.max_len);
}

/* The header of an upcall's message.  Return: NULL if it is none. */
static struct genlmsghdr *upcall_header(const struct dpnl *nl, const void *msg,
					size_t len)
{
	struct nlmsghdr *h = (void *)msg;

	if (!nlmsg_ok(h, len) || h->nlmsg_type != nl->family[F_PACKET] ||
	    nlmsg_datalen(h) < (int)(sizeof(struct genlmsghdr) + sizeof(int)))
		return NULL;
	return nlmsg_data(h);
}

/**
 * upcall_port - where the packet of an upcall came in
 * @nl: the connection.
 * @msg: the upcall.
 * @len: its length.
 * @port: the port.
 *
 * Takes no turn.
 *
 * Return: 0, or -1 if the message makes no sense.
 */
int upcall_port(const struct dpnl *nl, const void *msg, size_t len, uint32_t *port)
{
	struct genlmsghdr *g = upcall_header(nl, msg, len);
	struct nlattr *key, *in;

	key = g ? nla_find(genlmsg_attrdata(g, sizeof(int)),
			   genlmsg_attrlen(g, sizeof(int)), OVS_PACKET_ATTR_KEY) : NULL;
	if (!key)
		return -1;
	in = nla_find(nla_data(key), nla_len(key), OVS_KEY_ATTR_IN_PORT);
	*port = in && nla_len(in) == 4 ? nla_get_u32(in) : PORTQ_OTHERS;
	return 0;
}

/**
 * upcall_begin - answer an upcall
 * @sw: the switch.
 * @nl: the connection, with room for UPCALL_REQS requests, which are added.
 * @out: room for a translation.
 * @msg: the upcall.
 * @len: its length.
 * @u: filled in.
 */
void upcall_begin(struct sw *sw, struct dpnl *nl, struct xlate_out *out,
		  const void *msg, size_t len, struct upcall *u)
{
	struct genlmsghdr *g = upcall_header(nl, msg, len);
	struct nlattr *a[OVS_PACKET_ATTR_MAX + 1];

	*u = (struct upcall){};
	if (!g || nla_parse(a, OVS_PACKET_ATTR_MAX, genlmsg_attrdata(g, sizeof(int)),
			    genlmsg_attrlen(g, sizeof(int)), NULL))
		sw->counts.malformed++;
	else if (g->cmd == OVS_PACKET_CMD_MISS)
		on_miss(sw, nl, out, a, u);
	else if (g->cmd == OVS_PACKET_CMD_ACTION)
		on_action(sw, a);
}

/**
 * upcall_end - take note of what the datapath said
 * @sw: the switch.
 * @nl: the connection.
 * @u: of upcall_begin().
 * @install_err: answer of @u->install.
 * @execute_err: answer of @u->execute.
 * @why: a sentence about the last request that failed.
 */
void upcall_end(struct sw *sw, struct dpnl *nl, struct upcall *u,
		int install_err, int execute_err, const char *why)
{
	if (u->made)
		install_err = sw_flow_installed(sw, nl, u->made, install_err);
	if (install_err)
		note_error(sw, &sw->counts.install_failed, "install", why);
	if (execute_err)
		note_error(sw, &sw->counts.execute_failed, "execute", why);
	else if (u->execute)
		sw->counts.executed++;
}
