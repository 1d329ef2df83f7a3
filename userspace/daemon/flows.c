// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Megaflows: install, account, expire; and delete those that a change of the
 * rules has made wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/openvswitch.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
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

static bool port_live(uint32_t port, void *arg)
{
	const struct sw *sw = arg;
	unsigned int i;

	for (i = 0; i < sw->n_ports; i++)
		if (sw->ports[i] == port)
			return sw->port_up[i];
	return false;
}

/* Write the actions of a megaflow into an open nest. */
int sw_put_ops(struct sw *sw, struct nl_msg *msg, const struct xlate_out *out)
{
	struct odp_env env = { .prog_fd = sw_prog_fd, .arg = sw,
			       .pid = nl_socket_get_local_port(sw->nl.up) };

	return odp_put_ops(msg, out, &env);
}

static void translate(struct sw *sw, const struct flow *flow,
		      struct xlate_out *out, void (*trace)(const char *, void *),
		      reads_fn reads)
{
	struct xlate_in in = {
		.tables = &sw->tables,
		.groups = &sw->groups,
		.frozen = &sw->frozen,
		.macs = &sw->macs,
		.ports = sw->ports,
		.n_ports = sw->n_ports,
		.now = now_ms(),
		.port_live = port_live,
		.prog_class = sw_prog_class,
		.prog_writes = sw_prog_writes,
		.trace = trace,
		.reads = reads,
		.arg = sw,
	};

	xlate(&in, flow, out);
}

/* Translate a packet's fields by the rules as they are. */
void sw_xlate(struct sw *sw, const struct flow *flow, struct xlate_out *out)
{
	translate(sw, flow, out, NULL, NULL);
}

static void (*tracer)(const char *line, void *arg);
static void *tracer_arg;

static void trace_line(const char *line, void *sw)
{
	(void)sw;
	tracer(line, tracer_arg);
}

/* Likewise, and tell what happens. */
void sw_trace(struct sw *sw, const struct flow *flow, struct xlate_out *out,
	      void (*line)(const char *line, void *arg), void *arg)
{
	tracer = line;
	tracer_arg = arg;
	translate(sw, flow, out, trace_line, NULL);
}

/* Likewise, and tell what reads which bits of the packet. */
void sw_why(struct sw *sw, const struct flow *flow, struct xlate_out *out,
	    reads_fn reads)
{
	translate(sw, flow, out, NULL, reads);
}

/* Write mask and actions of a megaflow.  Return: 0 or a negative errno. */
int sw_build(struct sw *sw, struct nl_msg *msg, const struct nlattr *key,
	     const struct xlate_out *out)
{
	struct nlattr *nest;
	int err;

	err = odp_put_mask(msg, key, &out->wc);
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

static void mflow_free(struct mflow *f)
{
	if (!f)
		return;
	free(f->key);
	free(f->body);
	free(f->hits);
	free(f->branch_seen);
	free(f->recirc);
	free(f);
}

static void flow_free(struct sw *sw, struct mflow *f)
{
	unsigned int i;

	for (i = 0; i < f->n_recirc; i++)
		frozen_unref(&sw->frozen, f->recirc[i]);
	HASH_DEL(sw->flows, f);
	mflow_free(f);
}

/* Of packets in a branch the bytes are not known: they are taken for average. */
static uint64_t share(uint64_t bytes, uint64_t part, uint64_t packets)
{
	return packets ? (uint64_t)((double)bytes * part / packets) : 0;
}

/* Move counts to the rules.  Return: whether there were new packets. */
static bool flow_account(struct mflow *f, const struct nlattr *attr,
			 const struct nlattr *acts)
{
	uint64_t hits[MAX_BRANCHES] = {}, packets, bytes, n;
	struct ovs_flow_stats s;
	unsigned int i;

	if (!attr || nla_len(attr) < (int)sizeof(s))
		return false;
	memcpy(&s, nla_data(attr), sizeof(s));
	packets = s.n_packets - f->packets;
	bytes = s.n_bytes - f->bytes;
	if (f->n_branches && acts)
		odp_branch_hits(acts, hits, MAX_BRANCHES);
	for (i = 0; i < f->n_rules; i++) {
		struct rule *rule = f->hits[i].rule;
		unsigned int b = f->hits[i].branch;

		n = !b ? packets : acts ? hits[b - 1] - f->branch_seen[b - 1] : 0;
		rule->n_packets += n;
		rule->n_bytes += b ? share(bytes, n, packets) : bytes;
	}
	if (f->n_branches && acts)
		memcpy(f->branch_seen, hits, f->n_branches * sizeof(hits[0]));
	f->packets = s.n_packets;
	f->bytes = s.n_bytes;
	return packets;
}

static void on_deleted(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	(void)dp_ifindex;
	flow_account(arg, attrs[OVS_FLOW_ATTR_STATS],
		     attrs[OVS_FLOW_ATTR_ACTIONS]);
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

/* Keep what the megaflow is to be accounted by.  Return: false without memory. */
static bool mflow_note(struct mflow *f, const struct nlattr *key,
		       const struct flow *flow, const struct xlate_out *out,
		       const void *body)
{
	unsigned int i;

	f->body = malloc(f->body_len);
	f->key = malloc(key->nla_len);
	f->hits = calloc(out->n_rules + 1, sizeof(*f->hits));
	f->branch_seen = calloc(out->n_branches + 1, sizeof(*f->branch_seen));
	f->recirc = calloc(out->n_ops + 1, sizeof(*f->recirc));
	if (!f->body || !f->key || !f->hits || !f->branch_seen || !f->recirc)
		return false;
	memcpy(f->body, body, f->body_len);
	memcpy(f->key, key, key->nla_len);
	f->n_rules = out->n_rules;
	for (i = 0; i < out->n_rules; i++)
		f->hits[i] = (struct rule_hit){ out->rules[i], out->branch[i] };
	f->n_branches = out->n_branches;
	f->learns = out->learns;
	f->learn = out->learn;
	f->in_port = ntohl(flow->in_port);
	for (i = 0; i < out->n_ops; i++)
		if (out->ops[i].recirc_id)
			f->recirc[f->n_recirc++] = out->ops[i].recirc_id;
	if (flow->recirc_id)
		f->recirc[f->n_recirc++] = ntohl(flow->recirc_id);
	f->seen = now_ms();
	return true;
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
	f->body_len = body_len;
	if (!mflow_note(f, key, flow, out, body)) {
		mflow_free(f);
		return NULL;
	}
	memcpy(f->ufid, ufid, UFID_LEN);
	for (i = 0; i < f->n_recirc; i++)
		frozen_ref(&sw->frozen, f->recirc[i]);
	HASH_ADD(hh, sw->flows, ufid, UFID_LEN, f);
	return f;
}

/**
 * sw_flow_install - make a megaflow, and hold the request that installs it
 * @sw: the switch.
 * @key: the key of its upcall.
 * @flow: the same, decoded.
 * @out: its translation.
 *
 * The request goes with the next one; sw_flow_installed() must follow.
 *
 * Return: the megaflow, or NULL; then @sw->nl.err says why.
 */
struct mflow *sw_flow_install(struct sw *sw, const struct nlattr *key,
			      const struct flow *flow,
			      const struct xlate_out *out)
{
	uint8_t ufid[UFID_LEN];
	struct nl_msg *msg;
	struct mflow *f;
	char *body;

	snprintf(sw->nl.err, sizeof(sw->nl.err), "too many megaflows, or no memory");
	if (HASH_COUNT(sw->flows) >= MAX_FLOWS ||
	    getrandom(ufid, sizeof(ufid), 0) != sizeof(ufid))
		return NULL;
	msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_NEW, NLM_F_CREATE);
	if (!msg)
		return NULL;
	nla_put(msg, OVS_FLOW_ATTR_UFID, sizeof(ufid), ufid);
	nla_put(msg, OVS_FLOW_ATTR_KEY, nla_len(key), nla_data(key));
	body = nlmsg_tail(nlmsg_hdr(msg));
	f = sw_build(sw, msg, key, out) ? NULL :
	    sw_flow_enter(sw, ufid, key, flow, out, body,
			  (char *)nlmsg_tail(nlmsg_hdr(msg)) - body);
	if (!f) {
		dpnl_free(&sw->nl, msg);
		return NULL;
	}
	dpnl_hold(&sw->nl, msg);
	return f;
}

/**
 * sw_flow_installed - learn whether a megaflow has got into the datapath
 * @sw: the switch.
 * @f: the megaflow, of sw_flow_install(); gone if it has not.
 * @flow: its key, decoded.
 * @out: its translation.
 *
 * Return: whether it has; if not, @sw->nl.held_why says why.
 */
bool sw_flow_installed(struct sw *sw, struct mflow *f, const struct flow *flow,
		       const struct xlate_out *out)
{
	int err = dpnl_release(&sw->nl);

	PROBE2(flow_install, f->ufid, err);
	if (err) {
		flow_free(sw, f);
		return false;
	}
	event_flow(flow, &out->wc, f->ufid, "installed");
	return true;
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
	struct mflow *f;
	uint64_t used;

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
	if (flow_account(f, attrs[OVS_FLOW_ATTR_STATS], attrs[OVS_FLOW_ATTR_ACTIONS]) &&
	    f->learns)
		mac_learn(&t->sw->macs, &f->learn, f->in_port, t->now);
	if (attrs[OVS_FLOW_ATTR_USED]) {
		memcpy(&used, nla_data(attrs[OVS_FLOW_ATTR_USED]), sizeof(used));
		if (used > f->seen)
			f->seen = used;
	}
	if (t->now > f->seen + t->sw->idle_ms)
		doom(t, f->ufid);
}

static bool any_branches(const struct sw *sw)
{
	const struct mflow *f;

	for (f = sw->flows; f; f = f->hh.next)
		if (f->n_branches)
			return true;
	return false;
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

	/* The actions have the counters of the branches. */
	if (msg)
		nla_put_u32(msg, OVS_FLOW_ATTR_UFID_FLAGS, OVS_UFID_F_OMIT_KEY |
			    OVS_UFID_F_OMIT_MASK |
			    (any_branches(sw) ? 0 : OVS_UFID_F_OMIT_ACTIONS));
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
	mac_expire(&sw->macs, t.now);
	if (sw->macs.changes != sw->macs_seen)
		sw->stale = true;
	if (sw->stale)
		sw_revalidate(sw);
}

/* Whether a megaflow is still what the rules make of its key. */
static bool flow_is_right(struct sw *sw, const struct mflow *f)
{
	static struct xlate_out out;
	struct nl_msg *msg;
	struct flow flow;
	unsigned int i;
	bool right;
	char *body;

	odp_flow_from_key(f->key, &flow);
	sw_xlate(sw, &flow, &out);
	if (out.error || out.n_rules != f->n_rules || out.n_branches != f->n_branches)
		return false;
	for (i = 0; i < f->n_rules; i++)
		if (out.rules[i] != f->hits[i].rule || out.branch[i] != f->hits[i].branch)
			return false;
	msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_NEW, 0);
	if (!msg)
		return false;
	body = nlmsg_tail(nlmsg_hdr(msg));
	right = !sw_build(sw, msg, f->key, &out) &&
		(size_t)((char *)nlmsg_tail(nlmsg_hdr(msg)) - body) ==
		f->body_len && !memcmp(body, f->body, f->body_len);
	dpnl_free(&sw->nl, msg);
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
	sw->stale = false;
	sw->macs_seen = sw->macs.changes;
	frozen_unlink_all(&sw->frozen);
	HASH_ITER(hh, sw->flows, f, next)
		if (!flow_is_right(sw, f))
			flow_delete(sw, f);
	PROBE1(revalidate_end, HASH_COUNT(sw->flows));
}

/* Whether a device has a carrier; a port without a device (a tunnel's) is live. */
static bool device_up(const char *name)
{
	static int fd = -1;
	struct ifreq req = {};

	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	return ioctl(fd, SIOCGIFFLAGS, &req) ||
	       (req.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

static void on_port(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct sw *sw = arg;

	(void)dp_ifindex;
	if (!attrs[OVS_VPORT_ATTR_PORT_NO] || !attrs[OVS_VPORT_ATTR_NAME] ||
	    sw->n_ports == MAX_PORTS)
		return;
	sw->port_up[sw->n_ports] =
		device_up(nla_get_string(attrs[OVS_VPORT_ATTR_NAME]));
	sw->ports[sw->n_ports++] = nla_get_u32(attrs[OVS_VPORT_ATTR_PORT_NO]);
}

/* What was learned of ports that are no more is of no use. */
static void forget_ports(struct sw *sw, const uint32_t *old, unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < sw->n_ports && sw->ports[k] != old[i]; k++)
			;
		if (k == sw->n_ports)
			mac_forget_port(&sw->macs, old[i]);
	}
}

/* Learn which ports there are, and adapt the megaflows if that changed. */
void sw_ports_refresh(struct sw *sw)
{
	unsigned int n = sw->n_ports;
	uint32_t old[MAX_PORTS];
	bool up[MAX_PORTS];

	memcpy(old, sw->ports, sizeof(old));
	memcpy(up, sw->port_up, sizeof(up));
	sw->n_ports = 0;
	if (dpnl_port_dump(&sw->nl, on_port, sw) ||
	    n != sw->n_ports || memcmp(old, sw->ports, n * sizeof(old[0])) ||
	    memcmp(up, sw->port_up, n * sizeof(up[0]))) {
		event_ports(old, n, sw->ports, sw->n_ports);
		forget_ports(sw, old, n);
		sw_revalidate(sw);
	}
}
