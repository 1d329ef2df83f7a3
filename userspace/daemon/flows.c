// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Megaflows: install, account, expire; and delete those that a change of the
 * rules has made wrong.
 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "command.h"
#include "events.h"
#include "probes.h"
#include "switch.h"

/* Frozen states outlive their last use by this, for packets on the way. */
#define FROZEN_KEEP_MS 10000

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* Translate a packet's fields by the rules as they are. */
void sw_xlate(struct sw *sw, const struct flow *flow, struct xlate_out *out)
{
	struct xlate_in in = {
		.tables = &sw->tables,
		.frozen = &sw->frozen,
		.ports = sw->ports,
		.n_ports = sw->n_ports,
		.now = now_ms(),
		.prog_writes = sw_prog_writes,
		.arg = sw,
	};

	xlate(&in, flow, out);
}

/* Write mask and actions of a megaflow.  Return: 0 or a negative errno. */
int sw_build(struct sw *sw, struct nl_msg *msg, const struct nlattr *key,
	     const struct flow *flow, const struct xlate_out *out)
{
	struct nlattr *nest;
	int err;

	err = odp_put_mask(msg, key, &out->wc);
	if (err)
		return err;
	nest = nla_nest_start(msg, OVS_FLOW_ATTR_ACTIONS);
	if (!nest)
		return -EMSGSIZE;
	err = odp_put_ops(msg, flow, out, sw_prog_fd, sw);
	/* libnl cancels an empty nest: actions that drop are one. */
	nest->nla_len = (char *)nlmsg_tail(nlmsg_hdr(msg)) - (char *)nest;
	return err;
}

static void flow_free(struct sw *sw, struct mflow *f)
{
	HASH_DEL(sw->flows, f);
	free(f->key);
	free(f->body);
	free(f);
}

/* Move counts to the rules. */
static void flow_account(struct mflow *f, const struct nlattr *attr)
{
	struct ovs_flow_stats s;
	unsigned int i;

	if (!attr || nla_len(attr) < (int)sizeof(s))
		return;
	memcpy(&s, nla_data(attr), sizeof(s));
	for (i = 0; i < f->n_rules; i++) {
		f->rules[i]->n_packets += s.n_packets - f->packets;
		f->rules[i]->n_bytes += s.n_bytes - f->bytes;
	}
	f->packets = s.n_packets;
	f->bytes = s.n_bytes;
}

static void on_deleted(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	(void)dp_ifindex;
	flow_account(arg, attrs[OVS_FLOW_ATTR_STATS]);
}

/* Delete a megaflow; if it is ours, @f, its last counts are taken. */
void sw_ufid_delete(struct sw *sw, const uint8_t *ufid, struct mflow *f)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_DEL,
				      f ? NLM_F_ECHO : 0);

	if (msg)
		nla_put(msg, OVS_FLOW_ATTR_UFID, UFID_LEN, ufid);
	dpnl_call(&sw->nl, msg, f ? on_deleted : NULL, f);
}

/* Take a megaflow out of the datapath; its last counts are not lost. */
static void flow_delete(struct sw *sw, struct mflow *f)
{
	sw_ufid_delete(sw, f->ufid, f);
	PROBE1(flow_delete, f->ufid);
	event_flow(NULL, NULL, f->ufid, "deleted");
	flow_free(sw, f);
}

/**
 * sw_flow_enter - know a megaflow that is in the datapath
 * @sw: the switch.
 * @ufid: its name.
 * @key: its key.
 * @flow: the same, decoded.
 * @out: its translation.
 * @body: mask and actions, as sw_build() made them.
 * @body_len: bytes of @body.
 *
 * Return: the megaflow, or NULL without memory.
 */
struct mflow *sw_flow_enter(struct sw *sw, const uint8_t *ufid,
			    const struct nlattr *key, const struct flow *flow,
			    const struct xlate_out *out, const void *body,
			    size_t body_len)
{
	struct mflow *f = calloc(1, sizeof(*f));
	unsigned int i;

	if (!f)
		return NULL;
	f->body = malloc(body_len);
	f->key = malloc(key->nla_len);
	if (!f->body || !f->key) {
		free(f->body);
		free(f->key);
		free(f);
		return NULL;
	}
	memcpy(f->ufid, ufid, UFID_LEN);
	memcpy(f->body, body, body_len);
	f->body_len = body_len;
	memcpy(f->key, key, key->nla_len);
	f->n_rules = out->n_rules;
	memcpy(f->rules, out->rules, sizeof(f->rules));
	for (i = 0; i < out->n_ops; i++)
		if (out->ops[i].type == OP_BPF)
			f->recirc[f->n_recirc++] = out->ops[i].recirc_id;
	if (flow->recirc_id)
		f->recirc[f->n_recirc++] = __builtin_bswap32(flow->recirc_id);
	f->seen = now_ms();
	HASH_ADD(hh, sw->flows, ufid, UFID_LEN, f);
	return f;
}

/**
 * sw_flow_install - install a megaflow
 * @sw: the switch.
 * @key: the key of its upcall.
 * @flow: the same, decoded.
 * @out: its translation.
 *
 * Return: the megaflow, or NULL.
 */
struct mflow *sw_flow_install(struct sw *sw, const struct nlattr *key,
			      const struct flow *flow,
			      const struct xlate_out *out)
{
	uint8_t ufid[UFID_LEN];
	struct nl_msg *msg;
	struct mflow *f;
	char *body;
	int err;

	if (HASH_COUNT(sw->flows) >= MAX_FLOWS ||
	    getrandom(ufid, sizeof(ufid), 0) != sizeof(ufid))
		return NULL;
	msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_NEW, NLM_F_CREATE);
	if (!msg)
		return NULL;
	nla_put(msg, OVS_FLOW_ATTR_UFID, sizeof(ufid), ufid);
	nla_put(msg, OVS_FLOW_ATTR_KEY, nla_len(key), nla_data(key));
	body = nlmsg_tail(nlmsg_hdr(msg));
	f = sw_build(sw, msg, key, flow, out) ? NULL :
	    sw_flow_enter(sw, ufid, key, flow, out, body,
			  (char *)nlmsg_tail(nlmsg_hdr(msg)) - body);
	if (!f) {
		nlmsg_free(msg);
		return NULL;
	}
	err = dpnl_call(&sw->nl, msg, NULL, NULL);
	PROBE2(flow_install, f->ufid, err);
	if (err) {
		flow_free(sw, f);
		return NULL;
	}
	event_flow(flow, &out->wc, f->ufid, "installed");
	return f;
}

/* Delete all megaflows.  Return: how many there were. */
unsigned int sw_flows_flush(struct sw *sw)
{
	unsigned int n = HASH_COUNT(sw->flows);
	struct mflow *f, *next;

	HASH_ITER(hh, sw->flows, f, next)
		flow_delete(sw, f);
	return n;
}

/**
 * struct tick - one round over the datapath's flows
 * @sw: the switch.
 * @now: time in ms.
 * @doomed: UFIDs to delete.
 * @n_doomed: how many.
 * @room: how many fit.
 */
struct tick {
	struct sw *sw;
	uint64_t now;
	uint8_t (*doomed)[UFID_LEN];
	size_t n_doomed;
	size_t room;
};

static void doom(struct tick *t, const uint8_t *ufid)
{
	void *more;

	if (t->n_doomed == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		more = realloc(t->doomed, t->room * UFID_LEN);
		if (!more) {
			t->room = t->n_doomed;
			return;	/* the next round will */
		}
		t->doomed = more;
	}
	memcpy(t->doomed[t->n_doomed++], ufid, UFID_LEN);
}

static void on_flow(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	const struct nlattr *ufid = attrs[OVS_FLOW_ATTR_UFID];
	struct tick *t = arg;
	struct frozen *state;
	struct mflow *f;
	uint64_t used;
	unsigned int i;

	(void)dp_ifindex;
	if (!ufid || nla_len(ufid) != UFID_LEN)
		return;
	HASH_FIND(hh, t->sw->flows, nla_data(ufid), UFID_LEN, f);
	if (!f) {
		/* Nobody's: a former daemon's was adopted, if it was right. */
		if (t->sw->adopted)
			doom(t, nla_data(ufid));
		return;
	}
	flow_account(f, attrs[OVS_FLOW_ATTR_STATS]);
	if (attrs[OVS_FLOW_ATTR_USED]) {
		memcpy(&used, nla_data(attrs[OVS_FLOW_ATTR_USED]), sizeof(used));
		if (used > f->seen)
			f->seen = used;
	}
	if (t->now > f->seen + t->sw->idle_ms) {
		doom(t, f->ufid);
		return;
	}
	for (i = 0; i < f->n_recirc; i++) {
		state = frozen_find(&t->sw->frozen, f->recirc[i]);
		if (state)
			state->used = true;
	}
}

/**
 * sw_flows_tick - account for all megaflows, and delete idle and foreign ones
 * @sw: the switch.
 */
void sw_flows_tick(struct sw *sw)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_GET,
				      NLM_F_DUMP);
	struct tick t = { .sw = sw, .now = now_ms() };
	struct mflow *f;
	size_t i;

	if (msg)
		nla_put_u32(msg, OVS_FLOW_ATTR_UFID_FLAGS, OVS_UFID_F_OMIT_KEY |
			    OVS_UFID_F_OMIT_MASK | OVS_UFID_F_OMIT_ACTIONS);
	if (!dpnl_call(&sw->nl, msg, on_flow, &t)) {
		for (i = 0; i < t.n_doomed; i++) {
			HASH_FIND(hh, sw->flows, t.doomed[i], UFID_LEN, f);
			if (f)
				flow_delete(sw, f);
			else
				sw_ufid_delete(sw, t.doomed[i], NULL);
		}
		frozen_sweep(&sw->frozen, t.now > FROZEN_KEEP_MS ?
			     t.now - FROZEN_KEEP_MS : 0);
	}
	free(t.doomed);
}

/* Whether a megaflow is still what the rules make of its key. */
static bool flow_is_right(struct sw *sw, const struct mflow *f)
{
	static struct xlate_out out;
	struct nl_msg *msg;
	struct flow flow;
	bool right;
	char *body;

	odp_flow_from_key(f->key, &flow);
	sw_xlate(sw, &flow, &out);
	if (out.error || out.n_rules != f->n_rules ||
	    memcmp(out.rules, f->rules, f->n_rules * sizeof(f->rules[0])))
		return false;
	msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_NEW, 0);
	if (!msg)
		return false;
	body = nlmsg_tail(nlmsg_hdr(msg));
	right = !sw_build(sw, msg, f->key, &flow, &out) &&
		(size_t)((char *)nlmsg_tail(nlmsg_hdr(msg)) - body) ==
		f->body_len && !memcmp(body, f->body, f->body_len);
	nlmsg_free(msg);
	return right;
}

/**
 * sw_revalidate - delete the megaflows that a change has made wrong
 * @sw: the switch, after the change.
 *
 * Rules that were taken out must live until this returns.  Within a transaction it
 * is put off to its end.
 */
void sw_revalidate(struct sw *sw)
{
	struct mflow *f, *next;

	if (txn_defer(sw))
		return;
	/* What a former daemon left makes sense again by the first rules. */
	if (!sw->adopted && sw->tables.n_rules) {
		sw->adopted = true;
		sw_adopt(sw);
	}
	PROBE1(revalidate_begin, HASH_COUNT(sw->flows));
	HASH_ITER(hh, sw->flows, f, next)
		if (!flow_is_right(sw, f))
			flow_delete(sw, f);
	PROBE1(revalidate_end, HASH_COUNT(sw->flows));
}

static void on_port(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct sw *sw = arg;

	(void)dp_ifindex;
	if (attrs[OVS_VPORT_ATTR_PORT_NO] && sw->n_ports < MAX_PORTS)
		sw->ports[sw->n_ports++] =
			nla_get_u32(attrs[OVS_VPORT_ATTR_PORT_NO]);
}

/* Learn which ports there are, and adapt the megaflows if that changed. */
void sw_ports_refresh(struct sw *sw)
{
	unsigned int n = sw->n_ports;
	uint32_t old[MAX_PORTS];

	memcpy(old, sw->ports, sizeof(old));
	sw->n_ports = 0;
	if (dpnl_port_dump(&sw->nl, on_port, sw) ||
	    n != sw->n_ports || memcmp(old, sw->ports, n * sizeof(old[0]))) {
		event_ports(old, n, sw->ports, sw->n_ports);
		sw_revalidate(sw);
	}
}
