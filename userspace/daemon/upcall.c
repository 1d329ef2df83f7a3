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
#include <linux/openvswitch_bpf.h>
#include <string.h>

#include "../lib/attr.h"
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

/* What an upcall tells of a packet beside its key. */
static const uint8_t packet_parts[] = {
	OVS_PACKET_ATTR_PACKET, OVS_PACKET_ATTR_HASH, OVS_PACKET_ATTR_MRU,
};
#define N_PARTS (sizeof(packet_parts) / sizeof(packet_parts[0]))

static int put_packet(struct nl_msg *msg, const struct nlattr *const *a)
{
	unsigned int i;

	for (i = 0; i < N_PARTS; i++)
		if (a[packet_parts[i]] && attr_copy(msg, a[packet_parts[i]]))
			return -1;
	return 0;
}

/* Write the request that sends the packet on. */
static struct nl_msg *execute_msg(struct sw *sw, struct dpnl *nl,
				  const struct nlattr *const *a, uint32_t recirc_id,
				  enum flow_way way, const struct xlate_out *out)
{
	struct nl_msg *msg = dpnl_msg(nl, F_PACKET, OVS_PACKET_CMD_EXECUTE, 0);
	struct nlattr *nest;

	if (!msg)
		return NULL;
	nest = put_packet(msg, a) || attr_copy(msg, a[OVS_PACKET_ATTR_KEY]) ? NULL :
	       nla_nest_start(msg, OVS_PACKET_ATTR_ACTIONS);
	if (!nest || (way == FLOW_THROUGH ? put_through(msg, recirc_id) :
					    sw_put_ops(sw, msg, out))) {
		dpnl_free(nl, msg);
		return NULL;
	}
	nla_nest_end(msg, nest);
	return msg;
}

/* A larger packet does not fit into an attribute beside others. */
#define MAX_FIRST 65000

/* Have a packet go with the request that installs its megaflow, and then through that. */
static bool put_first(struct nl_msg *msg, const struct nlattr *const *a)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *nest = nlmsg_tail(h);

	if (attr_len(a[OVS_PACKET_ATTR_PACKET]) > MAX_FIRST ||
	    !attr_room(msg, NLA_HDRLEN))
		return false;
	if (put_packet(msg, a)) {
		h->nlmsg_len = (char *)nest - (char *)h;
		return false;
	}
	nest->nla_type = OVS_FLOW_ATTR_FIRST_PACKET | NLA_F_NESTED;
	odp_nest_end(msg, nest);
	return true;
}

/* Count a packet that no megaflow counts. */
static void count_rules(const struct xlate_out *out, size_t bytes)
{
	uint64_t now = now_ms();
	unsigned int i;

	for (i = 0; i < out->n_rules; i++) {
		out->rules[i]->n_packets++;
		out->rules[i]->n_bytes += bytes;
		out->rules[i]->used = now;
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
		    const struct nlattr *const *a, struct upcall *u)
{
	const struct nlattr *packet = a[OVS_PACKET_ATTR_PACKET];
	const struct nlattr *key = a[OVS_PACKET_ATTR_KEY];
	struct nl_msg *install, *execute = NULL;
	enum flow_way way;
	struct flow flow;

	if (!key || !packet || odp_flow_from_key(key, &flow)) {
		sw->counts.malformed++;
		return;
	}
	sw_xlate(sw, &flow, out);
	note_packet(sw, &flow, out, attr_len(packet));
	/* Of a former daemon: no megaflow, for the id may come to mean something. */
	if (out->unknown_stage)
		return;
	if (out->learns && mac_learn(&sw->macs, &out->learn, ntohl(flow.in_port), now_ms()))
		sw->stale = true;
	way = sw_flow_for(sw, nl, key, &flow, out, &u->made, &install);
	/* Which branch it would take, only the datapath knows. */
	if (way == FLOW_DIRECT && out->n_branches)
		sw_xlate_apart(sw, &flow, out);
	u->through = out->n_ops && install && way == FLOW_THROUGH && put_first(install, a);
	if (out->n_ops && !u->through)
		execute = execute_msg(sw, nl, a, ntohl(flow.recirc_id), way, out);
	if (way == FLOW_DIRECT || (!execute && !u->through))
		count_rules(out, attr_len(packet));
	/* The megaflow goes to the datapath right before its packet. */
	if (install)
		u->install = dpnl_add(nl, install, NULL, NULL);
	if (execute)
		u->execute = dpnl_add(nl, execute, NULL, NULL);
	else if (out->n_ops && !u->through)
		note_error(sw, &sw->counts.execute_failed, "execute",
			   "the actions don't fit into a message");
}

/* A packet for the controller. */
static void on_action(struct sw *sw, const struct nlattr *const *a)
{
	const struct nlattr *key = a[OVS_PACKET_ATTR_KEY];
	const struct nlattr *packet = a[OVS_PACKET_ATTR_PACKET];
	const struct nlattr *user = a[OVS_PACKET_ATTR_USERDATA];
	struct odp_userdata u;
	struct flow flow;

	if (!key || !packet || !user || attr_len(user) != sizeof(u) ||
	    odp_flow_from_key(key, &flow)) {
		sw->counts.malformed++;
		return;
	}
	memcpy(&u, attr_data(user), sizeof(u));
	if (u.magic != ODP_MAGIC) {
		sw->counts.malformed++;
		return;
	}
	sw->counts.to_controller++;
	event_packet(&flow, u.table, u.cookie, attr_data(packet), attr_len(packet),
		     u.max_len);
}

/* The attributes of an upcall's message.  Return: its header, or NULL if it is none. */
static const struct genlmsghdr *upcall_parse(const struct dpnl *nl, const void *msg,
					     size_t len, const struct nlattr **attrs)
{
	const size_t before = NLMSG_HDRLEN + sizeof(struct genlmsghdr) + sizeof(int);
	const struct nlmsghdr *h = msg;
	const struct nlattr *a;
	const char *end;

	if (len < before || h->nlmsg_len < before || h->nlmsg_len > len ||
	    h->nlmsg_type != nl->family[F_PACKET])
		return NULL;
	memset(attrs, 0, (OVS_PACKET_ATTR_MAX + 1) * sizeof(*attrs));
	end = (const char *)msg + h->nlmsg_len;
	for (a = attr_at((const char *)msg + before, end); a; a = attr_next(a, end))
		if (attr_type(a) <= OVS_PACKET_ATTR_MAX)
			attrs[attr_type(a)] = a;
	return NLMSG_DATA(h);
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
	const struct nlattr *a[OVS_PACKET_ATTR_MAX + 1], *in;

	if (!upcall_parse(nl, msg, len, a) || !a[OVS_PACKET_ATTR_KEY])
		return -1;
	in = attr_find(a[OVS_PACKET_ATTR_KEY], OVS_KEY_ATTR_IN_PORT);
	*port = PORTQ_OTHERS;
	if (in && attr_len(in) == sizeof(*port))
		memcpy(port, attr_data(in), sizeof(*port));
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
	const struct nlattr *a[OVS_PACKET_ATTR_MAX + 1];
	const struct genlmsghdr *g = upcall_parse(nl, msg, len, a);

	*u = (struct upcall){};
	if (!g)
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
	if (u->through && !install_err)
		sw->counts.executed++;
	if (u->made)
		install_err = sw_flow_installed(sw, nl, u->made, install_err);
	if (install_err)
		note_error(sw, &sw->counts.install_failed, "install", why);
	if (execute_err)
		note_error(sw, &sw->counts.execute_failed, "execute", why);
	else if (u->execute)
		sw->counts.executed++;
}
