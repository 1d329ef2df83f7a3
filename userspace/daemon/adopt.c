// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Megaflows that a former daemon left, which the datapath went on forwarding by.
 * Once there are rules again each is translated anew.  One that is what the rules
 * make of its key stays as it is, one that differs in its actions gets others, one
 * that reads too little of packets goes.
 *
 * Recirculation ids are the former daemon's, and what they stood for is nowhere
 * written.  It is found out: if the megaflow that leads to a stage is what the rules
 * make of it but for the id, then the id stands for the state that the translation
 * froze there, and the state gets it.  Then megaflows of that stage make sense, too.
 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/openvswitch_bpf.h>

#include "../lib/log.h"
#include "switch.h"

#define MAX_PAIRS 32

/**
 * struct orphan - a megaflow of a former daemon
 * @next: list.
 * @ufid: its name.
 * @key: its key.
 * @mask: its mask.
 * @actions: its actions.
 * @done: it has been decided on.
 */
struct orphan {
	struct orphan *next;
	uint8_t ufid[UFID_LEN];
	struct nlattr *key;
	struct nlattr *mask;
	struct nlattr *actions;
	bool done;
};

/**
 * struct adoption - adoption under way
 * @sw: the switch.
 * @orphans: those that there are.
 * @no_memory: some could not be looked at.
 * @doomed: those that will be deleted.
 */
struct adoption {
	struct sw *sw;
	struct orphan *orphans;
	bool no_memory;
	struct sw_doomed doomed;
};

/**
 * struct pairs - ids that stand for the same stage
 * @old: of the former daemon.
 * @now: of ours.
 * @n: how many.
 */
struct pairs {
	uint32_t old[MAX_PAIRS];
	uint32_t now[MAX_PAIRS];
	unsigned int n;
};

static struct nlattr *attr_dup(const struct nlattr *a)
{
	struct nlattr *copy = a ? malloc(a->nla_len) : NULL;

	if (copy)
		memcpy(copy, a, a->nla_len);
	return copy;
}

static void orphan_free(struct orphan *o)
{
	free(o->key);
	free(o->mask);
	free(o->actions);
	free(o);
}

static void on_flow(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	const struct nlattr *ufid = attrs[OVS_FLOW_ATTR_UFID];
	struct adoption *ad = arg;
	struct orphan *o;
	struct mflow *f;

	(void)dp_ifindex;
	if (!ufid || nla_len(ufid) != UFID_LEN)
		return;
	f = sw_flow_find(ad->sw, nla_data(ufid));
	if (f)
		return;
	o = calloc(1, sizeof(*o));
	if (o) {
		memcpy(o->ufid, nla_data(ufid), UFID_LEN);
		o->key = attr_dup(attrs[OVS_FLOW_ATTR_KEY]);
		o->mask = attr_dup(attrs[OVS_FLOW_ATTR_MASK]);
		o->actions = attr_dup(attrs[OVS_FLOW_ATTR_ACTIONS]);
	}
	if (!o || !o->key || !o->mask || !o->actions) {
		if (o)
			orphan_free(o);
		ad->no_memory = true;
		return;
	}
	o->next = ad->orphans;
	ad->orphans = o;
}

/* Ids of a pair are the same, or can be made so: that is noted. */
static bool pair(struct pairs *p, uint32_t old, uint32_t now)
{
	if (!old || !now)
		return old == now;
	if (p->n == MAX_PAIRS)
		return false;
	p->old[p->n] = old;
	p->now[p->n++] = now;
	return true;
}

static uint32_t attr_u32(const struct nlattr *a)
{
	return a && nla_len(a) >= 4 ? nla_get_u32(a) : 0;
}

static bool same_bytes(const struct nlattr *a, const struct nlattr *b)
{
	if (!a || !b)
		return a == b;
	return nla_len(a) == nla_len(b) &&
	       !memcmp(nla_data(a), nla_data(b), nla_len(a));
}

static bool same_actions(const struct nlattr *old, const struct nlattr *now,
			 struct pairs *pairs, int depth);

static bool same_cases(const struct nlattr *old, const struct nlattr *now,
		       struct pairs *pairs, int depth)
{
	struct nlattr *a = old ? nla_data(old) : NULL, *b = now ? nla_data(now) : NULL;
	int a_left = old ? nla_len(old) : 0, b_left = now ? nla_len(now) : 0;

	while (nla_ok(a, a_left) && nla_ok(b, b_left)) {
		struct nlattr *ca[OVS_BPF_CASE_ATTR_MAX + 1] = {};
		struct nlattr *cb[OVS_BPF_CASE_ATTR_MAX + 1] = {};

		if (nla_type(a) != nla_type(b))
			return false;
		if (nla_type(a) != OVS_BPF_CASES_ATTR_CASE) {
			if (!same_actions(a, b, pairs, depth))
				return false;
		} else {
			nla_parse_nested(ca, OVS_BPF_CASE_ATTR_MAX, a, NULL);
			nla_parse_nested(cb, OVS_BPF_CASE_ATTR_MAX, b, NULL);
			if (!same_bytes(ca[OVS_BPF_CASE_ATTR_VALUE],
					cb[OVS_BPF_CASE_ATTR_VALUE]) ||
			    !same_actions(ca[OVS_BPF_CASE_ATTR_ACTIONS],
					  cb[OVS_BPF_CASE_ATTR_ACTIONS], pairs,
					  depth))
				return false;
		}
		a = nla_next(a, &a_left);
		b = nla_next(b, &b_left);
	}
	return !nla_ok(a, a_left) && !nla_ok(b, b_left);
}

/* The kernel tells a program by its id; we know it by a descriptor. */
static bool same_prog(const struct nlattr *id, const struct nlattr *fd)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	return id && fd &&
	       !bpf_obj_get_info_by_fd(nla_get_u32(fd), &info, &len) &&
	       info.id == nla_get_u32(id);
}

static bool same_bpf(struct nlattr *old, struct nlattr *now,
		     struct pairs *pairs, int depth)
{
	struct nlattr *a[OVS_BPF_ATTR_MAX + 1] = {};
	struct nlattr *b[OVS_BPF_ATTR_MAX + 1] = {};
	bool filter;

	nla_parse_nested(a, OVS_BPF_ATTR_MAX, old, NULL);
	nla_parse_nested(b, OVS_BPF_ATTR_MAX, now, NULL);
	filter = attr_u32(a[OVS_BPF_ATTR_CLASS]) == OVS_BPF_CLASS_FILTER;
	return same_prog(a[OVS_BPF_ATTR_PROG_ID], b[OVS_BPF_ATTR_PROG_FD]) &&
	       same_bytes(a[OVS_BPF_ATTR_ARG], b[OVS_BPF_ATTR_ARG]) &&
	       (filter || attr_u32(a[OVS_BPF_ATTR_RECHECK]) ==
			  attr_u32(b[OVS_BPF_ATTR_RECHECK])) &&
	       same_bytes(a[OVS_BPF_ATTR_USED], b[OVS_BPF_ATTR_USED]) &&
	       pair(pairs, attr_u32(a[OVS_BPF_ATTR_RECIRC_ID]),
		    attr_u32(b[OVS_BPF_ATTR_RECIRC_ID])) &&
	       same_cases(a[OVS_BPF_ATTR_CASES], b[OVS_BPF_ATTR_CASES], pairs,
			  depth) &&
	       !a[OVS_BPF_ATTR_DEFAULT] == !b[OVS_BPF_ATTR_DEFAULT] &&
	       same_actions(a[OVS_BPF_ATTR_DEFAULT], b[OVS_BPF_ATTR_DEFAULT],
			    pairs, depth);
}

/* Whether two lists of actions are the same but for recirculation ids. */
static bool same_actions(const struct nlattr *old, const struct nlattr *now,
			 struct pairs *pairs, int depth)
{
	struct nlattr *a = old ? nla_data(old) : NULL, *b = now ? nla_data(now) : NULL;
	int a_left = old ? nla_len(old) : 0, b_left = now ? nla_len(now) : 0;
	bool same;

	if (depth == 16)
		return false;
	while (nla_ok(a, a_left) && nla_ok(b, b_left)) {
		if (nla_type(a) != nla_type(b))
			return false;
		if (nla_type(a) == OVS_ACTION_ATTR_BPF)
			same = same_bpf(a, b, pairs, depth + 1);
		else if (nla_type(a) == OVS_ACTION_ATTR_RECIRC)
			same = pair(pairs, attr_u32(a), attr_u32(b));
		else
			same = same_bytes(a, b);
		if (!same)
			return false;
		a = nla_next(a, &a_left);
		b = nla_next(b, &b_left);
	}
	return !nla_ok(a, a_left) && !nla_ok(b, b_left);
}

/* Whether a mask of a key reads all the bits that another one does. */
static bool mask_covers(const struct nlattr *key, const struct nlattr *old,
			const struct nlattr *now)
{
	struct flow a, b;
	size_t i;

	if (!now || odp_flow_from_mask(old, key, &a) ||
	    odp_flow_from_mask(now, key, &b))
		return false;
	for (i = 0; i < FLOW_DP_LEN; i++)
		if (((uint8_t *)&b)[i] & ~((uint8_t *)&a)[i])
			return false;
	return true;
}

/**
 * struct made - what the rules make of an orphan
 * @flow: its key.
 * @out: translation.
 * @msg: holds @body.
 * @body: mask and actions.
 * @body_len: bytes of it.
 * @mask: in @body.
 * @actions: in @body.
 */
struct made {
	struct flow flow;
	struct xlate_out out;
	struct nl_msg *msg;
	char *body;
	size_t body_len;
	struct nlattr *mask;
	struct nlattr *actions;
};

/* Translate an orphan, as a request that would install it. */
static bool make(struct sw *sw, const struct orphan *o, struct made *m)
{
	dpnl_free(&sw->nl, m->msg);
	m->msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_NEW, NLM_F_CREATE);
	if (!m->msg || odp_flow_from_key(o->key, &m->flow))
		return false;
	sw_xlate(sw, &m->flow, &m->out);
	if (m->out.error)
		return false;
	nla_put(m->msg, OVS_FLOW_ATTR_UFID, UFID_LEN, o->ufid);
	nla_put(m->msg, OVS_FLOW_ATTR_KEY, nla_len(o->key), nla_data(o->key));
	m->body = nlmsg_tail(nlmsg_hdr(m->msg));
	if (sw_build(sw, m->msg, o->key, &m->flow, &m->out))
		return false;
	m->body_len = (char *)nlmsg_tail(nlmsg_hdr(m->msg)) - m->body;
	m->mask = nla_find((struct nlattr *)m->body, m->body_len,
			   OVS_FLOW_ATTR_MASK);
	m->actions = nla_find((struct nlattr *)m->body, m->body_len,
			      OVS_FLOW_ATTR_ACTIONS);
	return true;
}

/* Ids that a megaflow of ours names mean what they mean. */
static bool is_ours(const struct sw *sw, uint32_t id)
{
	const struct mflow *f;
	unsigned int i;

	for (f = sw->flows; f; f = f->hh.next)
		for (i = 0; i < f->n_recirc; i++)
			if (f->recirc[i] == id)
				return true;
	return false;
}

/* Give states the ids that an orphan has for them.  Return: whether all have. */
static bool take_ids(struct sw *sw, const struct pairs *p)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		if (p->old[i] == p->now[i])
			continue;
		if (is_ours(sw, p->now[i]) ||
		    !frozen_rename(&sw->frozen, p->now[i], p->old[i]))
			all = frozen_find(&sw->frozen, p->old[i]) ? false : all;
	}
	return all;
}

static bool is_right(const struct orphan *o, const struct made *m,
		     struct pairs *p)
{
	p->n = 0;
	return same_actions(o->actions, m->actions, p, 0);
}

static bool ids_agree(const struct pairs *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (p->old[i] != p->now[i])
			return false;
	return true;
}

static void enter(struct sw *sw, const struct orphan *o, struct made *m)
{
	sw_flow_enter(sw, o->ufid, o->key, &m->flow, &m->out, m->body,
		      m->body_len, sw_mask_id(sw, m->body));
}

/* Give an orphan other actions; the mask must be the one that is there. */
static bool mend(struct sw *sw, const struct orphan *o, struct made *m)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_SET, 0);

	if (msg) {
		nla_put(msg, OVS_FLOW_ATTR_UFID, UFID_LEN, o->ufid);
		nla_put(msg, OVS_FLOW_ATTR_KEY, nla_len(o->key),
			nla_data(o->key));
		nla_put(msg, OVS_FLOW_ATTR_MASK, nla_len(o->mask),
			nla_data(o->mask));
		nla_put(msg, OVS_FLOW_ATTR_ACTIONS, nla_len(m->actions),
			nla_data(m->actions));
	}
	if (!dpnl_call(&sw->nl, msg, NULL, NULL))
		return true;
	log_often(LOG_flow, LEVEL_INFO, "a megaflow can't be mended", "{s:s}",
		  "why", sw->nl.err);
	return false;
}

static void doom(struct adoption *ad, const struct orphan *o)
{
	ad->sw->adoption.deleted++;
	if (sw_doom(&ad->doomed, o->ufid, o->mask->nla_len + o->actions->nla_len))
		sw_delete_doomed(ad->sw, &ad->doomed);
}

/*
 * Decide on an orphan whose stage is known.  Return: false, and nothing is decided,
 * if it is not right and @gently.
 */
static bool decide(struct adoption *ad, struct orphan *o, bool gently)
{
	static struct made m;
	struct sw *sw = ad->sw;
	struct pairs p = {};
	bool ok, right;

	m.msg = NULL;
	ok = make(sw, o, &m) && mask_covers(o->key, o->mask, m.mask);
	right = ok && is_right(o, &m, &p);
	/* Ids may be found out by actions that are the same up to somewhere. */
	if (ok && (right || !gently) && !ids_agree(&p)) {
		take_ids(sw, &p);
		ok = make(sw, o, &m);
		right = ok && is_right(o, &m, &p);
	}
	right = right && ids_agree(&p);
	if (!right && gently) {
		dpnl_free(&sw->nl, m.msg);
		return false;
	}
	o->done = true;
	ok = right || (ok && mend(sw, o, &m));
	if (ok) {
		enter(sw, o, &m);
		(*(right ? &sw->adoption.kept : &sw->adoption.repaired))++;
	} else {
		doom(ad, o);
	}
	dpnl_free(&sw->nl, m.msg);
	return true;
}

/* Whether what leads to an orphan's stage is known. */
static bool stage_known(const struct sw *sw, const struct orphan *o)
{
	struct flow flow;

	return !odp_flow_from_key(o->key, &flow) &&
	       (!flow.recirc_id ||
		frozen_find(&sw->frozen, __builtin_bswap32(flow.recirc_id)));
}

/* Decide on orphans whose stage is known.  Return: whether there was any. */
static bool decide_some(struct adoption *ad, bool gently)
{
	struct orphan *o;
	bool any = false;

	for (o = ad->orphans; o; o = o->next)
		if (!o->done && stage_known(ad->sw, o))
			any |= decide(ad, o, gently);
	return any;
}

/**
 * sw_adopt - take over the megaflows of a former daemon
 * @sw: the switch, with rules and programs.
 */
void sw_adopt(struct sw *sw)
{
	struct adoption ad = { .sw = sw };
	struct orphan *o, *next;

	if (dpnl_call(&sw->nl, dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_GET,
					NLM_F_DUMP), on_flow, &ad))
		log_event(LOG_flow, LEVEL_WARN, "megaflows can't be dumped",
			  "{s:s}", "why", sw->nl.err);
	/* Each may make stages known to others.  What is right comes first: it tells
	 * ids for sure.
	 */
	while (decide_some(&ad, true) || decide_some(&ad, false))
		;
	for (o = ad.orphans; o; o = next) {
		next = o->next;
		if (!o->done)
			doom(&ad, o);
		orphan_free(o);
	}
	sw_delete_doomed(sw, &ad.doomed);
	if (sw->adoption.kept + sw->adoption.repaired + sw->adoption.deleted)
		log_event(LOG_flow, LEVEL_INFO, "a former daemon's megaflows were adopted",
			  "{s:i,s:i,s:i}", "kept", sw->adoption.kept,
			  "repaired", sw->adoption.repaired, "deleted",
			  sw->adoption.deleted);
	if (ad.no_memory)
		log_event(LOG_flow, LEVEL_WARN, "some megaflows could not be looked at: out of memory",
			  NULL);
}
