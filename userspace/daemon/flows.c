// SPDX-License-Identifier: GPL-2.0-or-later
/* Megaflows: made, installed, accounted for, deleted. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/openvswitch.h>
#include <linux/openvswitch_bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../lib/attr.h"
#include "../lib/log.h"
#include "events.h"
#include "probes.h"
#include "switch.h"

/* A megaflow that was installed this long ago should have caught the packet. */
#define CATCHES_MS 1000

const struct sw_limits sw_limits_default = {
	.flows = 200000, .masks = 1024, .queue = 128, .burst = 1000,
};

/* Milliseconds, as coarse as the system's clock ticks. */
uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/**
 * sw_init - begin with an empty switch
 * @sw: the switch.
 * @dp: name of its datapath.
 * @idle_ms: a megaflow unused for this long goes.
 *
 * Return: 0, or -1 if there are no random numbers.
 */
int sw_init(struct sw *sw, const char *dp, uint64_t idle_ms)
{
	memset(sw, 0, sizeof(*sw));
	sw->turn = (struct turn)TURN_INIT;
	snprintf(sw->dp, sizeof(sw->dp), "%s", dp);
	sw->idle_ms = idle_ms;
	sw->limits = sw_limits_default;
	TAILQ_INIT(&sw->order);
	/* Ids of a former daemon must not come to mean something else. */
	return getrandom(&sw->frozen.last_id, sizeof(sw->frozen.last_id), 0) < 0 ||
	       getrandom(&sw->secret, sizeof(sw->secret), 0) < 0 ? -1 : 0;
}

/* A mask by words; most masks are the last again. */
static const struct mask_words *mask_words(struct sw *sw, const struct flow *wc)
{
	if (!sw->words.n || memcmp(wc, &sw->words.wc, sizeof(*wc)))
		mask_words_of(&sw->words, wc);
	return &sw->words;
}

/* The mask of one more megaflow.  Return: NULL without memory. */
static struct sw_mask *mask_ref(struct sw *sw, uint64_t id, const struct flow *wc)
{
	struct sw_mask *m;

	HASH_FIND(hh, sw->masks, &id, sizeof(id), m);
	if (!m) {
		m = calloc(1, sizeof(*m));
		if (!m)
			return NULL;
		m->id = id;
		m->words = *mask_words(sw, wc);
		HASH_ADD(hh, sw->masks, id, sizeof(id), m);
		if (!HASH_HAS(m->hh)) {
			free(m);
			return NULL;
		}
	}
	m->refs++;
	return m;
}

static void mask_unref(struct sw *sw, struct sw_mask *m)
{
	if (--m->refs)
		return;
	HASH_DEL(sw->masks, m);
	free(m);
}

/* Whether a new megaflow may have a mask. */
static bool mask_fits(const struct sw *sw, uint64_t id)
{
	struct sw_mask *m;

	HASH_FIND(hh, sw->masks, &id, sizeof(id), m);
	return m || HASH_COUNT(sw->masks) < sw->limits.masks;
}

/**
 * sw_mask_id - what stands for a mask
 * @sw: the switch.
 * @body: mask and actions, as sw_build() made them.
 *
 * Return: a hash of the mask, and of where fields lie.
 */
uint64_t sw_mask_id(const struct sw *sw, const void *body)
{
	const struct nlattr *mask = body;	/* the first attribute */

	return XXH3_64bits_withSeed(nla_data(mask), nla_len(mask), sw->secret);
}

/* Names are hashes of a secret: any part of one will do. */
static unsigned int ufid_hash(const void *ufid)
{
	unsigned int hash;

	memcpy(&hash, ufid, sizeof(hash));
	return hash;
}

/**
 * sw_flow_find - the megaflow of a name
 * @sw: the switch.
 * @ufid: UFID_LEN bytes.
 *
 * Return: the megaflow, or NULL.
 */
struct mflow *sw_flow_find(const struct sw *sw, const void *ufid)
{
	struct mflow *f;

	HASH_FIND_BYHASHVALUE(hh, sw->flows, ufid, UFID_LEN, ufid_hash(ufid), f);
	return f;
}

/**
 * sw_flow_forget - know a megaflow no more
 * @sw: the switch.
 * @f: the megaflow, which is not in the datapath; not pending.
 */
void sw_flow_forget(struct sw *sw, struct mflow *f)
{
	unsigned int i;

	for (i = 0; i < f->n_recirc; i++)
		frozen_unref(&sw->frozen, f->recirc[i]);
	mask_unref(sw, f->mask);
	sw->n_failed -= f->failed;
	sw->n_branching -= f->n_branches != 0;
	TAILQ_REMOVE(&sw->order, f, order);
	HASH_DEL(sw->flows, f);
	free(f);
}

/* Packets have taken a rule, the last of them at @used. */
static void count(struct rule *rule, uint64_t packets, uint64_t bytes, uint64_t used)
{
	rule->n_packets += packets;
	rule->n_bytes += bytes;
	if (packets && used > rule->used)
		rule->used = used;
}

/* What took a branch; the datapath tells when for all of them together. */
static void account_branches(struct mflow *f, const struct nlattr *acts, uint64_t used)
{
	struct branch_hits hits[MAX_BRANCHES] = {};
	unsigned int i, b;

	odp_branch_hits(acts, hits, MAX_BRANCHES);
	for (i = 0; i < f->n_rules; i++) {
		b = f->hits[i].branch;
		if (b--)
			count(f->hits[i].rule, hits[b].packets - f->branch_seen[b].packets,
			      hits[b].bytes - f->branch_seen[b].bytes, used);
	}
	memcpy(f->branch_seen, hits, f->n_branches * sizeof(hits[0]));
}

/**
 * sw_flow_account - move counts to the rules
 * @f: the megaflow.
 * @attrs: what the datapath tells of it; its actions count for branches, and may be
 *	missing.
 *
 * Return: whether there were new packets.
 */
bool sw_flow_account(struct mflow *f, struct nlattr *const *attrs)
{
	const struct nlattr *stats = attrs[OVS_FLOW_ATTR_STATS];
	uint64_t packets, bytes, used;
	struct ovs_flow_stats s;
	unsigned int i;

	if (attrs[OVS_FLOW_ATTR_USED]) {
		memcpy(&used, nla_data(attrs[OVS_FLOW_ATTR_USED]), sizeof(used));
		if (used > f->seen)
			f->seen = used;
	}
	if (!stats || nla_len(stats) < (int)sizeof(s))
		return false;
	memcpy(&s, nla_data(stats), sizeof(s));
	packets = s.n_packets - f->packets;
	bytes = s.n_bytes - f->bytes;
	for (i = 0; i < f->n_rules; i++)
		if (!f->hits[i].branch)
			count(f->hits[i].rule, packets, bytes, f->seen);
	if (f->n_branches && attrs[OVS_FLOW_ATTR_ACTIONS])
		account_branches(f, attrs[OVS_FLOW_ATTR_ACTIONS], f->seen);
	f->packets = s.n_packets;
	f->bytes = s.n_bytes;
	return packets;
}

static void on_deleted(struct nlattr *const *attrs, int dp_ifindex, void *sw)
{
	const struct nlattr *ufid = attrs[OVS_FLOW_ATTR_UFID];
	struct mflow *f = NULL;

	(void)dp_ifindex;
	if (ufid && nla_len(ufid) == UFID_LEN)
		f = sw_flow_find(sw, nla_data(ufid));
	if (f)
		sw_flow_account(f, attrs);
}

/* Megaflows were deleted, or so it was asked, and their last counts may be missing. */
static void note_untold(struct sw *sw, const struct dpnl *nl, unsigned int n)
{
	sw->counts.untold++;
	log_often(LOG_flow, LEVEL_WARN, "the last counts of megaflows may be missing",
		  "{s:i,s:s}", "megaflows", n, "why", nl->err);
}

/**
 * sw_flows_delete - take megaflows out of the datapath; their last counts are not lost
 * @sw: the switch.
 * @nl: the connection.
 * @ufids: names of the megaflows, none of them pending; some may not be known, being
 *	a former daemon's.
 * @n: how many; at most SW_BATCH.
 *
 * What is in the datapath even so is a stranger to the next dump, and goes then.
 */
void sw_flows_delete(struct sw *sw, struct dpnl *nl,
		     const uint8_t (*ufids)[UFID_LEN], unsigned int n)
{
	struct nl_msg *msg = dpnl_msg(nl, F_FLOW, OVS_FLOW_CMD_DEL, NLM_F_ECHO);
	struct mflow *f;
	unsigned int i;

	if (msg) {
		nla_put(msg, OVS_FLOW_ATTR_UFIDS, n * UFID_LEN, ufids);
		/* The actions have the counters of the branches. */
		nla_put_u32(msg, OVS_FLOW_ATTR_UFID_FLAGS, OVS_UFID_F_OMIT_KEY |
			    OVS_UFID_F_OMIT_MASK |
			    (sw->n_branching ? 0 : OVS_UFID_F_OMIT_ACTIONS));
	}
	if (dpnl_call(nl, msg, on_deleted, sw))
		note_untold(sw, nl, n);
	for (i = 0; i < n; i++) {
		f = sw_flow_find(sw, ufids[i]);
		if (!f)
			continue;
		PROBE1(flow_delete, f->ufid);
		event_flow(NULL, NULL, f->ufid, "deleted");
		sw_flow_forget(sw, f);
	}
}

/**
 * sw_delete_doomed - delete megaflows that are noted
 * @sw: the switch.
 * @d: their names; none afterwards.
 */
void sw_delete_doomed(struct sw *sw, struct sw_doomed *d)
{
	if (d->n)
		sw_flows_delete(sw, &sw->nl, d->ufids, d->n);
	d->n = 0;
	d->bytes = 0;
}

/**
 * sw_doom - note a megaflow that is to be deleted
 * @d: those noted before, not full.
 * @ufid: its name; as sw_flows_delete() wants it.
 * @bytes: of its mask and actions.
 *
 * Return: whether there is no room for more, so that sw_delete_doomed() must follow.
 */
bool sw_doom(struct sw_doomed *d, const uint8_t *ufid, size_t bytes)
{
	memcpy(d->ufids[d->n++], ufid, UFID_LEN);
	d->bytes += bytes;
	return d->n == SW_BATCH || d->bytes >= SW_BATCH_BYTES;
}

/* Memory for a megaflow and all that it has. */
static struct mflow *mflow_alloc(const struct nlattr *key, size_t body_len,
				 const struct xlate_out *out, size_t n_words)
{
	size_t rules = out->n_rules * sizeof(struct rule_hit);
	size_t branches = out->n_branches * sizeof(struct branch_hits);
	size_t masked = n_words * sizeof(flow_word);
	size_t key_len = NLA_ALIGN(key->nla_len);
	size_t body = NLA_ALIGN(body_len), n_recirc = 1, i;
	struct mflow *f;
	uint8_t *p;

	for (i = 0; i < out->n_ops; i++)
		n_recirc += out->ops[i].recirc_id != 0;
	f = calloc(1, sizeof(*f) + rules + branches + masked + key_len + body +
		   n_recirc * sizeof(uint32_t));
	if (!f)
		return NULL;
	p = (uint8_t *)(f + 1);
	f->hits = (void *)p;
	f->branch_seen = (void *)(p += rules);
	f->masked = (void *)(p += branches);
	f->key = (void *)(p += masked);
	f->body = p += key_len;
	f->recirc = (void *)(p + body);
	return f;
}

/**
 * sw_flow_enter - know a megaflow
 * @sw: the switch.
 * @ufid: its name.
 * @key: its key.
 * @flow: the same, decoded.
 * @out: its translation.
 * @body: mask and actions, as sw_build() made them.
 * @body_len: bytes of @body.
 * @mask_id: of the mask.
 *
 * Return: the megaflow, or NULL without memory.
 */
struct mflow *sw_flow_enter(struct sw *sw, const uint8_t *ufid,
			    const struct nlattr *key, const struct flow *flow,
			    const struct xlate_out *out, const void *body,
			    size_t body_len, uint64_t mask_id)
{
	struct sw_mask *mask = mask_ref(sw, mask_id, &out->wc);
	struct mflow *f;
	unsigned int i;

	if (!mask)
		return NULL;
	f = mflow_alloc(key, body_len, out, mask->words.n);
	if (f) {
		memcpy(f->ufid, ufid, UFID_LEN);
		HASH_ADD_BYHASHVALUE(hh, sw->flows, ufid, UFID_LEN, ufid_hash(ufid), f);
	}
	if (!f || !HASH_HAS(f->hh)) {
		mask_unref(sw, mask);
		free(f);
		return NULL;
	}
	f->mask = mask;
	mask_words_take(&mask->words, flow, f->masked);
	memcpy(f->key, key, key->nla_len);
	memcpy(f->body, body, body_len);
	f->body_len = body_len;
	f->asked = out->asked;
	f->changed = out->changed;
	f->n_rules = out->n_rules;
	for (i = 0; i < out->n_rules; i++)
		f->hits[i] = (struct rule_hit){ out->rules[i], out->branch[i] };
	f->n_branches = out->n_branches;
	sw->n_branching += f->n_branches != 0;
	f->learns = out->learns;
	f->learn = out->learn;
	f->in_port = ntohl(flow->in_port);
	for (i = 0; i < out->n_ops; i++)
		if (out->ops[i].recirc_id)
			f->recirc[f->n_recirc++] = out->ops[i].recirc_id;
	if (flow->recirc_id)
		f->recirc[f->n_recirc++] = ntohl(flow->recirc_id);
	for (i = 0; i < f->n_recirc; i++)
		frozen_ref(&sw->frozen, f->recirc[i]);
	f->made = f->seen = now_ms();
	f->gen = sw->gen;
	TAILQ_INSERT_TAIL(&sw->order, f, order);
	return f;
}

/*
 * The name of a megaflow: a hash of its mask and of what that lets through of the
 * packet, so that packets of one megaflow give the same name.
 */
static void make_ufid(struct sw *sw, const struct flow *flow,
		      const struct flow *wc, uint64_t mask, uint8_t *ufid)
{
	const struct mask_words *words = mask_words(sw, wc);
	flow_word masked[FLOW_WORDS];
	XXH128_hash_t hash;

	mask_words_take(words, flow, masked);
	hash = XXH3_128bits_withSeed(masked, 8 * words->n, sw->secret ^ mask);
	memcpy(ufid, &hash, UFID_LEN);
}

/**
 * struct request - a request that would install a megaflow
 * @msg: the message.
 * @ufid: its name there.
 * @body: mask and actions there.
 * @body_len: bytes of them.
 * @mask_id: of the mask.
 * @narrowed: it looks at every bit.
 */
struct request {
	struct nl_msg *msg;
	uint8_t *ufid;
	void *body;
	size_t body_len;
	uint64_t mask_id;
	bool narrowed;
};

/* Write mask and actions. */
static bool request_build(struct sw *sw, struct request *req,
			  const struct nlattr *key, const struct flow *flow,
			  const struct xlate_out *out)
{
	struct nlmsghdr *h = nlmsg_hdr(req->msg);

	h->nlmsg_len = (char *)req->body - (char *)h;
	if (sw_build(sw, req->msg, key, flow, out))
		return false;
	req->body_len = (char *)nlmsg_tail(h) - (char *)req->body;
	req->mask_id = sw_mask_id(sw, req->body);
	return true;
}

/* Write all of it; if there are too many masks, one that looks at every bit. */
static bool request_make(struct sw *sw, struct dpnl *nl, struct request *req,
			 const struct nlattr *key, const struct flow *flow,
			 struct xlate_out *out)
{
	static const uint8_t none[UFID_LEN];
	struct nlattr *attr;

	req->msg = dpnl_msg(nl, F_FLOW, OVS_FLOW_CMD_NEW, NLM_F_CREATE);
	if (!req->msg)
		return false;
	req->ufid = (uint8_t *)nlmsg_tail(nlmsg_hdr(req->msg)) + NLA_HDRLEN;
	nla_put(req->msg, OVS_FLOW_ATTR_UFID, UFID_LEN, none);
	/* An upcall's attribute of the key has another number. */
	attr = nlmsg_tail(nlmsg_hdr(req->msg));
	if (attr_copy(req->msg, key))
		return false;
	attr->nla_type = OVS_FLOW_ATTR_KEY;
	req->body = nlmsg_tail(nlmsg_hdr(req->msg));
	if (!request_build(sw, req, key, flow, out))
		return false;
	if (!mask_fits(sw, req->mask_id)) {
		memset(&out->wc, 0xff, FLOW_DP_LEN);
		req->narrowed = true;
		if (!request_build(sw, req, key, flow, out))
			return false;
	}
	make_ufid(sw, flow, &out->wc, req->mask_id, req->ufid);
	return true;
}

static bool same_body(const struct mflow *f, const struct request *req)
{
	return f->body_len == req->body_len &&
	       !memcmp(f->body, req->body, req->body_len);
}

/**
 * sw_flow_for - the megaflow of a packet that has none in the datapath
 * @sw: the switch.
 * @nl: the connection.
 * @key: the key of the packet's upcall.
 * @flow: the same, decoded.
 * @out: its translation; if there are too many masks, that is made to look at every bit.
 * @made: a megaflow that was made, or is installed again, which is pending:
 *	sw_flow_installed() must follow; or NULL.
 * @install: the request that installs it, or NULL.
 *
 * A megaflow takes its first packet itself, so that it counts it as it does all others.
 * If the datapath has not taken it, though, or has it and it does not catch the packet,
 * the packet would come again and again: then its actions are done without it.
 *
 * Return: how the packet goes on when the request has been sent.
 */
enum flow_way sw_flow_for(struct sw *sw, struct dpnl *nl,
			  const struct nlattr *key, const struct flow *flow,
			  struct xlate_out *out, struct mflow **made,
			  struct nl_msg **install)
{
	enum flow_way way = FLOW_DIRECT;
	struct request req = {};
	struct mflow *f;
	bool ok;

	*made = NULL;
	*install = NULL;
	ok = request_make(sw, nl, &req, key, flow, out);
	if (ok)
		f = sw_flow_find(sw, req.ufid);
	if (ok && f && !f->failed && same_body(f, &req)) {
		if (f->pending || now_ms() < f->made + CATCHES_MS) {
			way = FLOW_THROUGH;
		} else if (f->gen == sw->gen) {
			/* Somebody may have deleted it. */
			f->made = now_ms();
			f->pending = f->again = true;
			*made = f;
			*install = req.msg;
			return FLOW_DIRECT;
		}
	} else if (ok && !f) {
		if (HASH_COUNT(sw->flows) >= sw->limits.flows)
			sw->counts.over_limit++;
		else
			f = sw_flow_enter(sw, req.ufid, key, flow, out, req.body,
					  req.body_len, req.mask_id);
		if (f) {
			f->pending = true;
			f->narrowed = req.narrowed;
			sw->counts.narrowed += req.narrowed;
			*made = f;
			*install = req.msg;
			return FLOW_THROUGH;
		}
	}
	dpnl_free(nl, req.msg);
	return way;
}

/* Tell of a megaflow, by what is kept of it. */
static void tell_installed(const struct mflow *f)
{
	struct flow key, mask;

	if (event_wanted(EVENT_flow) && !odp_flow_from_key(f->key, &key) &&
	    !odp_flow_from_mask((const struct nlattr *)f->body, f->key, &mask))
		event_flow(&key, &mask, f->ufid, "installed");
}

/* A megaflow was installed again: it counts anew, unless it was there all the time. */
static int installed_again(struct mflow *f, int err)
{
	f->again = false;
	if (err == -EEXIST)	/* its packet has waited for long */
		return 0;
	if (!err) {
		f->packets = f->bytes = 0;
		memset(f->branch_seen, 0, f->n_branches * sizeof(*f->branch_seen));
	}
	return err;
}

/**
 * sw_flow_installed - a megaflow is in the datapath, or is not
 * @sw: the switch.
 * @nl: the connection.
 * @f: the megaflow, which sw_flow_for() told.
 * @err: what the datapath said: 0 or a negative errno.
 *
 * Return: the same, or 0 if that is no error.
 */
int sw_flow_installed(struct sw *sw, struct dpnl *nl, struct mflow *f, int err)
{
	bool new = !f->again;

	PROBE2(flow_install, f->ufid, err);
	if (f->again)
		err = installed_again(f, err);
	f->pending = false;
	f->failed = err;
	sw->n_failed += f->failed;
	if (!err && new) {
		sw->counts.installed++;
		tell_installed(f);
	}
	if (f->doomed)
		sw_flows_delete(sw, nl, &f->ufid, 1);
	return err;
}

/* Note some of the megaflows that are to go and can.  Return: whether there may be more. */
static bool next_doomed(const struct sw *sw, struct sw_doomed *d)
{
	struct mflow *f;

	for (f = sw->flows; f; f = f->hh.next)
		if (f->doomed && !f->pending && sw_doom(d, f->ufid, f->body_len))
			return true;
	return false;
}

/* Delete all megaflows; others have their turns.  Return: how many there were. */
unsigned int sw_flows_flush(struct sw *sw)
{
	unsigned int all = HASH_COUNT(sw->flows);
	struct sw_doomed d = { .n = 0 };
	struct mflow *f;
	bool more;

	for (f = sw->flows; f; f = f->hh.next)
		f->doomed = true;
	do {
		more = next_doomed(sw, &d);
		sw_delete_doomed(sw, &d);
		sw_yield(sw);
	} while (more);
	return all;
}

/**
 * sw_fields_moved - the fields are others, or elsewhere: let go of what was made before
 * @sw: the switch; sw_revalidate_changed() is to follow.
 *
 * Megaflows are kept by words of their fields, and stages have actions on fields.
 */
void sw_fields_moved(struct sw *sw)
{
	frozen_clear(&sw->frozen);
	/* Those that are still pending have neither a name nor a mask in common with new ones. */
	sw->secret++;
	sw_flows_flush(sw);
}
