// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Upcalls: a packet without a flow is translated, its megaflow installed, and
 * the packet itself sent on with the same actions, so that its programs run
 * once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/log.h"
#include "events.h"
#include "probes.h"
#include "switch.h"

#define BATCH 32
/* Upcalls taken before others get a turn: the control socket, the clock. */
#define MAX_BATCHES 16

/* The datapath has refused something: its sentence is not lost. */
static void sw_note_error(struct sw *sw, uint64_t *count, const char *what,
			  const char *why)
{
	++*count;
	snprintf(sw->counts.last_error, sizeof(sw->counts.last_error),
		 "%s: %.200s", what, why);
	log_often(LOG_upcall, LEVEL_WARN, "the datapath refused something",
		  "{s:s,s:s}", "what", what, "why", why);
}

static void execute(struct sw *sw, const struct nlattr *key,
		    const struct nlattr *packet, const struct nlattr *hash,
		    const struct xlate_out *out)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_PACKET, OVS_PACKET_CMD_EXECUTE,
				      0);
	struct nlattr *nest;
	int err = -ENOMEM;

	if (msg) {
		nla_put(msg, OVS_PACKET_ATTR_PACKET, nla_len(packet),
			nla_data(packet));
		nla_put(msg, OVS_PACKET_ATTR_KEY, nla_len(key), nla_data(key));
		if (hash)
			nla_put(msg, OVS_PACKET_ATTR_HASH, nla_len(hash),
				nla_data(hash));
		nest = nla_nest_start(msg, OVS_PACKET_ATTR_ACTIONS);
		err = nest ? sw_put_ops(sw, msg, out) : -EMSGSIZE;
		if (!err) {
			nla_nest_end(msg, nest);
			err = dpnl_call(&sw->nl, msg, NULL, NULL);
			msg = NULL;
		}
	}
	dpnl_free(&sw->nl, msg);
	if (err)
		sw_note_error(sw, &sw->counts.execute_failed, "execute", sw->nl.err);
	else
		sw->counts.executed++;
}

static void on_miss(struct sw *sw, struct nlattr **a)
{
	struct nlattr *key = a[OVS_PACKET_ATTR_KEY];
	struct nlattr *packet = a[OVS_PACKET_ATTR_PACKET];
	static struct xlate_out out;
	struct mflow *f;
	struct flow flow;
	unsigned int i;

	if (!key || !packet || odp_flow_from_key(key, &flow)) {
		sw->counts.malformed++;
		return;
	}
	sw->counts.upcalls++;
	PROBE3(upcall, __builtin_bswap32(flow.in_port),
	       __builtin_bswap32(flow.recirc_id), nla_len(packet));
	if (flow.recirc_id)
		sw->counts.recirc_upcalls++;
	sw_xlate(sw, &flow, &out);
	event_upcall(&flow, out.n_rules, out.error);
	if (out.unknown_stage) {
		/* Of a former daemon: no megaflow, for the id may come to mean
		 * something.
		 */
		sw->counts.unknown_recirc++;
		return;
	}
	if (!out.n_rules && !flow.recirc_id)
		sw->counts.no_rule++;
	if (out.error) {
		/* The packet is dropped, and those like it; that is not kept quiet. */
		snprintf(sw->counts.last_error, sizeof(sw->counts.last_error),
			 "rules: %s", out.error);
		log_often(LOG_upcall, LEVEL_WARN, "the rules make no sense for a packet",
			  "{s:s}", "why", out.error);
	}
	if (out.learns && mac_learn(&sw->macs, &out.learn, ntohl(flow.in_port), now_ms()))
		sw->stale = true;
	/* Which branch this packet takes is known to the datapath alone. */
	for (i = 0; i < out.n_rules; i++) {
		if (out.branch[i])
			continue;
		out.rules[i]->n_packets++;
		out.rules[i]->n_bytes += nla_len(packet);
	}
	f = sw_flow_install(sw, key, &flow, &out);
	if (!f)
		sw_note_error(sw, &sw->counts.install_failed, "install", sw->nl.err);
	/* The megaflow goes to the datapath right before its packet. */
	if (out.n_ops)
		execute(sw, key, packet, a[OVS_PACKET_ATTR_HASH], &out);
	if (f && sw_flow_installed(sw, f, &flow, &out))
		sw->counts.installed++;
	else if (f)
		sw_note_error(sw, &sw->counts.install_failed, "install", sw->nl.held_why);
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

static void on_message(struct sw *sw, void *buf, int len)
{
	struct nlattr *a[OVS_PACKET_ATTR_MAX + 1];
	struct nlmsghdr *h = buf;
	struct genlmsghdr *g;

	for (; nlmsg_ok(h, len); h = nlmsg_next(h, &len)) {
		g = nlmsg_data(h);
		if (h->nlmsg_type != sw->nl.family[F_PACKET] ||
		    nlmsg_datalen(h) < (int)(sizeof(*g) + sizeof(int)) ||
		    nla_parse(a, OVS_PACKET_ATTR_MAX,
			      genlmsg_attrdata(g, sizeof(int)),
			      genlmsg_attrlen(g, sizeof(int)), NULL))
			sw->counts.malformed++;
		else if (g->cmd == OVS_PACKET_CMD_MISS)
			on_miss(sw, a);
		else if (g->cmd == OVS_PACKET_CMD_ACTION)
			on_action(sw, a);
	}
}

/**
 * sw_upcalls - answer the upcalls that wait, up to a bound
 * @sw: the switch.
 */
void sw_upcalls(struct sw *sw)
{
	static uint8_t bufs[BATCH][DPNL_MAX_MSG + 4096];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	int i, n, round;

	for (round = 0; round < MAX_BATCHES; round++) {
		memset(msgs, 0, sizeof(msgs));
		for (i = 0; i < BATCH; i++) {
			iov[i].iov_base = bufs[i];
			iov[i].iov_len = sizeof(bufs[i]);
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(nl_socket_get_fd(sw->nl.up), msgs, BATCH,
			     MSG_DONTWAIT, NULL);
		if (n < 0 && errno == ENOBUFS) {
			sw->counts.lost++;	/* at least one; the socket goes on */
			continue;
		}
		if (n <= 0)
			return;
		for (i = 0; i < n; i++)
			on_message(sw, bufs[i], msgs[i].msg_len);
	}
}
