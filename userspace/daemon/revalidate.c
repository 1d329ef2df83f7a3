// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is done about megaflows from time to time: they are accounted for, and expire;
 * and after a change of the rules: those that it made wrong are deleted.  With many
 * megaflows that takes a while, so others get their turns in between.
 */
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/log.h"
#include "command.h"
#include "probes.h"
#include "switch.h"

/* Frozen states outlive their last use by this, for packets on the way. */
#define FROZEN_KEEP_MS 10000
/* Between dumps there are so many times what one takes. */
#define DUMP_PART 9
/* A dump may miss a megaflow while others come and go, but not twice. */
#define UNSEEN_MAX 2

/**
 * struct tick - one round over the datapath's flows
 * @sw: the switch.
 * @now: time in ms.
 * @idle_ms: a megaflow unused for this long goes.
 * @n: megaflows so far.
 * @doomed: UFIDs to delete.
 * @n_doomed: how many.
 * @room: how many fit.
 */
struct tick {
	struct sw *sw;
	uint64_t now;
	uint64_t idle_ms;
	unsigned int n;
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

/* Others get their turns, unless they would see half of a transaction. */
void sw_yield(struct sw *sw)
{
	if (!txn_under_way(sw))
		turn_yield(&sw->turn);
}

static void on_flow(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	const struct nlattr *ufid = attrs[OVS_FLOW_ATTR_UFID];
	struct tick *t = arg;
	struct mflow *f;

	(void)dp_ifindex;
	if (++t->n % SW_SLICE == 0)
		sw_yield(t->sw);
	if (!ufid || nla_len(ufid) != UFID_LEN)
		return;
	f = sw_flow_find(t->sw, nla_data(ufid));
	if (!f) {
		/* Nobody's: a former daemon's was adopted, if it was right. */
		if (t->sw->adopted)
			doom(t, nla_data(ufid));
		return;
	}
	f->unseen = 0;
	/* The counts may be of one that had its name before: the next dump will tell. */
	if (f->again || f->made >= t->now)
		return;
	if (sw_flow_account(f, attrs) && f->learns)
		mac_learn(&t->sw->macs, &f->learn, f->in_port, t->now);
	if (t->now > f->seen + t->idle_ms)
		doom(t, f->ufid);
}

/* Delete what the round has doomed. */
static void delete_doomed(struct tick *t)
{
	struct sw_doomed d = { .n = 0 };
	struct mflow *f;
	size_t i;

	for (i = 0; i < t->n_doomed; i++) {
		f = sw_flow_find(t->sw, t->doomed[i]);
		/* Another one may have its name now; and a dump may show one twice. */
		if (f && (f->made >= t->now || f->doomed))
			continue;
		if (f)
			f->doomed = true;
		if (f && f->pending)
			continue;
		if (!sw_doom(&d, t->doomed[i], f ? f->body_len : 0))
			continue;
		sw_delete_doomed(t->sw, &d);
		sw_yield(t->sw);
	}
	sw_delete_doomed(t->sw, &d);
}

/*
 * Forget megaflows that the datapath has not taken, or has no more because somebody
 * else deleted them.
 */
static void forget_missing(struct sw *sw, uint64_t since)
{
	struct mflow *f, *next;

	HASH_ITER(hh, sw->flows, f, next)
		if (!f->pending && f->made < since &&
		    (f->failed || ++f->unseen > UNSEEN_MAX))
			sw_flow_forget(sw, f);
}

/* With many megaflows there, those that are not used much go sooner. */
static uint64_t idle_time(const struct sw *sw)
{
	uint64_t room = sw->limits.flows, n = HASH_COUNT(sw->flows);

	return n < room / 4 * 3 ? sw->idle_ms : n < room ? sw->idle_ms / 4 :
	       sw->idle_ms / 16;
}

/* Account for all megaflows, and delete idle and foreign ones. */
static void dump_flows(struct sw *sw)
{
	struct tick t = { .sw = sw, .now = now_ms(), .idle_ms = idle_time(sw) };
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_GET,
				      NLM_F_DUMP);

	/* The actions have the counters of the branches. */
	if (msg)
		nla_put_u32(msg, OVS_FLOW_ATTR_UFID_FLAGS, OVS_UFID_F_OMIT_KEY |
			    OVS_UFID_F_OMIT_MASK |
			    (sw->n_branching ? 0 : OVS_UFID_F_OMIT_ACTIONS));
	if (!dpnl_call(&sw->nl, msg, on_flow, &t)) {
		delete_doomed(&t);
		forget_missing(sw, t.now);
		frozen_sweep(&sw->frozen, t.now > FROZEN_KEEP_MS ?
			     t.now - FROZEN_KEEP_MS : 0);
		sw->counted = sw->dumped;
		sw->dumped = t.now;
	}
	free(t.doomed);
	/* It takes a tenth of the time at most, however many there are. */
	sw->next_dump = now_ms() + DUMP_PART * (now_ms() - t.now);
}

/**
 * sw_flows_tick - what is to be done about megaflows from time to time
 * @sw: the switch.
 */
void sw_flows_tick(struct sw *sw)
{
	if (now_ms() >= sw->next_dump)
		dump_flows(sw);
	mac_expire(&sw->macs, now_ms());
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
	if (f->narrowed)
		memset(&out.wc, 0xff, FLOW_DP_LEN);
	body = nlmsg_tail(nlmsg_hdr(msg));
	right = !sw_build(sw, msg, f->key, &flow, &out) &&
		(size_t)((char *)nlmsg_tail(nlmsg_hdr(msg)) - body) ==
		f->body_len && !memcmp(body, f->body, f->body_len);
	dpnl_free(&sw->nl, msg);
	return right;
}

/* Whether it can be told without a translation that a change makes a megaflow wrong. */
static bool surely_wrong(const struct mflow *f, const struct sw_change *c, bool changed)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < f->n_rules; i++) {
		const struct rule *rule = f->hits[i].rule;

		if (rule == c->went)
			return true;
		if (rule->table != c->table)
			continue;
		any = true;
		if (c->came && !changed && rule->priority < c->priority)
			return true;
	}
	return c->came && !changed && !any;
}

enum state { RIGHT, MAYBE, WRONG };

/* What a change of a rule makes of a megaflow. */
static enum state change_tells(const struct mflow *f, const struct sw_change *c)
{
	if (!xlate_depends(&f->asked, &f->changed, &f->mask->words, f->masked,
			   c->table, &c->match, &c->mask))
		return RIGHT;
	return surely_wrong(f, c, table_set_has(&f->changed, c->table)) ? WRONG : MAYBE;
}

/* What is known of a megaflow, by what has changed. */
static enum state flow_state(const struct sw *sw, const struct mflow *f)
{
	const struct sw_changes *c = &sw->changes;
	enum state most = RIGHT, s;
	unsigned int i;

	if (f->failed)
		return WRONG;
	if (c->all)
		return MAYBE;
	for (i = 0; i < c->n && most != WRONG; i++) {
		s = change_tells(f, &c->rules[i]);
		most = s > most ? s : most;
	}
	return most;
}

/* Whether a megaflow has to go.  If it takes a translation to tell, that is more @work. */
static bool flow_is_wrong(struct sw *sw, const struct mflow *f, unsigned int *work)
{
	enum state s = flow_state(sw, f);

	if (s != MAYBE)
		return s == WRONG;
	*work += SW_BATCH / SW_SLICE;
	return !flow_is_right(sw, f);
}

/* A megaflow is right: it comes last in the order. */
static void confirm(struct sw *sw, struct mflow *f)
{
	f->gen = sw->gen;
	TAILQ_REMOVE(&sw->order, f, order);
	TAILQ_INSERT_TAIL(&sw->order, f, order);
}

/* Look at all megaflows that have not been since the change. */
static void revalidate_all(struct sw *sw)
{
	struct sw_doomed d = { .n = 0 };
	unsigned int work = 0;
	struct mflow *f;

	while ((f = TAILQ_FIRST(&sw->order)) && f->gen != sw->gen) {
		confirm(sw, f);
		if (flow_is_wrong(sw, f, &work)) {
			f->doomed = true;
			if (!f->pending && sw_doom(&d, f->ufid, f->body_len))
				work = SW_BATCH;
		}
		if (++work < SW_BATCH)
			continue;
		/* None of the doomed may be there when others have their turns. */
		sw_delete_doomed(sw, &d);
		work = 0;
		turn_yield(&sw->turn);
	}
	sw_delete_doomed(sw, &d);
}

/**
 * sw_revalidate - delete the megaflows that a change has made wrong
 * @sw: the switch, after the change, which may be about any of them.
 *
 * As sw_revalidate_changed().
 */
void sw_revalidate(struct sw *sw)
{
	sw->changes.all = true;
	sw_revalidate_changed(sw);
}

/**
 * sw_rule_changed - delete the megaflows that a change of a rule made wrong
 * @sw: the switch, after that.
 * @out: the rule that went, or NULL.
 * @in: the rule that came, or NULL; if both are there, in the place of @out.
 *
 * As sw_revalidate_changed().
 */
void sw_rule_changed(struct sw *sw, const struct rule *out, const struct rule *in)
{
	const struct rule *rule = in ? in : out;
	struct sw_changes *c = &sw->changes;

	if (c->n < MAX_CHANGES)
		c->rules[c->n++] = (struct sw_change){
			.went = out, .came = in, .table = rule->table,
			.priority = rule->priority, .match = rule->match,
			.mask = rule->mask,
		};
	else
		c->all = true;
	sw_revalidate_changed(sw);
}

/**
 * sw_revalidate_changed - delete the megaflows that changes have made wrong
 * @sw: the switch, after the changes that were noted.
 *
 * When this returns, no megaflow and no packet of an upcall goes by what was before.
 * Rules that were taken out must live until then, as must programs.  Within a
 * transaction it is put off to its end.
 */
void sw_revalidate_changed(struct sw *sw)
{
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
	sw->gen++;
	sw->n_old = sw->n_busy;
	revalidate_all(sw);
	sw->changes.all = false;
	sw->changes.n = 0;
	while (sw->n_old)
		turn_wait(&sw->turn);
	PROBE1(revalidate_end, HASH_COUNT(sw->flows));
}
