// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk through the tables; see xlate.h. */
#include "walk.h"
#include "text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The walk is over, and the packet dropped.  The first reason counts. */
void walk_fail(struct walk *w, const char *fmt, ...)
{
	va_list args;

	w->s.done = true;
	if (w->out->error)
		return;
	va_start(args, fmt);
	vsnprintf(w->out->why, sizeof(w->out->why), fmt, args);
	va_end(args);
	w->out->error = w->out->why;
}

static bool wants_lines(const struct walk *w)
{
	return w->in->watch && w->in->watch->line;
}

/* A line for whoever wants to know. */
void walk_trace(struct walk *w, const char *fmt, ...)
{
	char line[RULE_TEXT + 64];
	va_list args;
	int n;

	if (!wants_lines(w))
		return;
	n = snprintf(line, sizeof(line), "%*s", 2 * w->nest, "");
	va_start(args, fmt);
	vsnprintf(line + n, sizeof(line) - n, fmt, args);
	va_end(args);
	w->in->watch->line(line, w->in->watch->arg);
}

/* Bits as a match; of what the packet does not have, the names of fields. */
static void format_read(const struct flow *flow, const struct flow *read, char *buf,
			size_t size)
{
	int n = match_format(flow, read, buf, size);
	struct flow left = *read;
	unsigned int i;

	for (i = 0; i < 2 * n_fields; i++) {
		const struct field *f = &fields[i % n_fields];

		if (!field_any(f, &left) || (i < n_fields && !field_prereq_met(f, flow)))
			continue;
		if (i >= n_fields)
			n = text_add(buf, size, n, "%s,", f->name);
		memset((uint8_t *)&left + f->ofs, 0, f->len);
	}
	if (n)
		buf[n - 1] = 0;	/* the comma */
	else
		snprintf(buf, size, "nothing");
}

/* What has no line of its own: bits that nothing has read before, but in lookups. */
static void trace_read(struct walk *w, const struct flow *read)
{
	static char what[RULE_TEXT], bits[RULE_TEXT];
	struct flow more = {};

	flow_or(&more, read, &w->out->wc);
	if (!wants_lines(w) || (!w->act && !w->why && !w->ahead) || flow_is_zero(&more))
		return;
	format_read(w->flow, &more, bits, sizeof(bits));
	if (w->ahead)
		snprintf(what, sizeof(what), "whether it goes round, in table %u", w->table);
	else if (w->why)
		snprintf(what, sizeof(what), "%s", w->why);
	else
		acts_format(w->act, 1, what, sizeof(what));
	walk_trace(w, "    read: %s (%s)", bits, what);
}

/* What of the packet as it came is read, for whoever wants to know. */
static void tell_read(struct walk *w, const struct flow *mask)
{
	struct xlate_read read = { .table = w->table, .rule = w->rule,
				   .act = w->act, .why = w->why };

	flow_or(&read.mask, mask, &w->s.known);
	if (flow_is_zero(&read.mask))
		return;
	if (w->in->watch->read)
		w->in->watch->read(&read, w->in->watch->arg);
	trace_read(w, &read.mask);
}

/* Bits that are in the mask though no rule asks for them. */
static void tell_mask(struct walk *w, const char *why, const struct flow *mask)
{
	w->act = NULL;
	w->rule = NULL;
	w->why = why;
	tell_read(w, mask);
	w->why = NULL;
}

/**
 * consult - bits were read
 * @w: the walk.
 * @mask: which.
 */
void consult(struct walk *w, const struct flow *mask)
{
	struct flow more;
	unsigned int i;

	/* Of a difference all bits tell, whichever is asked for. */
	if (w->s.ttl_below && mask->nw_ttl) {
		more = *mask;
		more.nw_ttl = 0xff;
		mask = &more;
	}
	if (w->in->watch)
		tell_read(w, mask);
	flow_or(&w->out->wc, mask, &w->s.known);
	if (w->ahead) {
		ahead_read(w, mask);
		return;
	}
	for (i = 0; i < w->s.n_bpf; i++)
		flow_or(&w->out->ops[w->s.bpf[i]].mask, mask,
			&w->s.known_since[i]);
}

/* Bits of a field were read, and not just compared with what rules ask for. */
void consult_bits(struct walk *w, const struct field *f, unsigned int ofs,
		  unsigned int n)
{
	struct flow mask = {};
	int r = w->s.unknown_reg;

	bits_set((uint8_t *)&mask + f->ofs, f->len, f->shift + ofs, n);
	if (r >= 0 && mask.reg[r])
		w->read_unknown = true;
	consult(w, &mask);
}

/* Bits are constants now, for the megaflow and behind every program. */
void make_known(struct walk *w, const struct flow *mask)
{
	int r = w->s.unknown_reg;
	unsigned int i;

	flow_or(&w->s.known, mask, NULL);
	if (w->ahead)
		ahead_known(w, mask);
	for (i = 0; i < w->s.n_bpf; i++)
		flow_or(&w->s.known_since[i], mask, NULL);
	if (mask->nw_ttl == 0xff)
		w->s.ttl_below = false;
	if (r >= 0 && mask->reg[r] == UINT32_MAX)
		w->s.unknown_reg = -1;
}

struct op *add_op(struct walk *w, enum op_type type)
{
	struct op *op;

	/* Lists can always be ended. */
	if (w->out->n_ops + (type == OP_END ? 0 : MAX_NEST + 2) >= MAX_OPS) {
		walk_fail(w, "more than %d actions", MAX_OPS - MAX_NEST - 2);
		return NULL;
	}
	op = &w->out->ops[w->out->n_ops++];
	memset(op, 0, sizeof(*op));
	op->type = type;
	return op;
}

/**
 * walk_push - take up a list of actions
 * @w: the walk.
 * @acts: the list.
 * @n: its length.
 * @table: of the rule.
 * @of: has cookie and rule.
 *
 * Lists that are at their end are left, so that a resubmit that stands last costs
 * no depth.
 *
 * Return: false, and an error, if they are nested too deeply.
 */
bool walk_push(struct walk *w, const struct act *acts, unsigned int n,
	       uint8_t table, const struct frame *of)
{
	while (w->s.n_frames && !w->s.frames[w->s.n_frames - 1].n_acts)
		w->s.n_frames--;
	if (w->s.n_frames == MAX_FRAMES) {
		walk_fail(w, "resubmit in table %u nests more than %d deep, from table %u to table %u",
			  w->s.frames[MAX_FRAMES - 1].table, MAX_FRAMES,
			  w->s.frames[MAX_FRAMES - 1].table, table);
		return false;
	}
	w->s.frames[w->s.n_frames++] = (struct frame){
		.acts = acts, .n_acts = n, .table = table,
		.cookie = of->cookie, .rule = of->rule,
	};
	return true;
}

static void tell_stage(const struct walk *w, uint32_t id, enum comes_back how)
{
	struct xlate_stage stage = { .id = id, .how = how, .n_ops = w->out->n_ops,
				     .cur = &w->s.cur };

	if (!w->ahead && w->in->watch && w->in->watch->stage)
		w->in->watch->stage(&stage, w->in->watch->arg);
}

/**
 * walk_freeze - put what is left to do behind a recirculation id
 * @w: the walk.
 * @first: actions to do first, or NULL.
 * @n: how many.
 * @table: that they are of.
 * @result: register that gets the program's result, or -1.
 * @how: by what the packet recirculates in any case, or BY_NONE.
 *
 * Return: the id; 0, and an error, without memory or if it would go on for ever.
 */
uint32_t walk_freeze(struct walk *w, const struct act *first, unsigned int n,
		     uint8_t table, int result, enum comes_back how)
{
	struct frozen like = { .result = result, .metadata = w->s.cur.metadata,
			       .in_port = NO_PORT };
	struct frozen *f;
	unsigned int i;

	if (w->s.cur.in_port != w->in_port)
		like.in_port = ntohl(w->s.cur.in_port);
	memcpy(like.reg, w->s.cur.reg, sizeof(like.reg));
	if (result >= 0)
		like.reg[result] = 0;	/* it comes with the packet */
	if (w->s.unknown_reg >= 0 && w->s.unknown_reg != result)
		w->read_unknown = true;
	for (i = 0; i < w->s.n_frames; i++)
		if (w->s.frames[i].n_acts)
			like.frames[like.n_frames++] = w->s.frames[i];
	for (i = 0; i < like.n_frames; i++)
		like.frames[i].rule = NULL;
	if (first && like.n_frames == MAX_FRAMES) {
		walk_fail(w, "too many lists of actions");
		return 0;
	}
	if (first)
		like.frames[like.n_frames++] = (struct frame){
			.acts = first, .n_acts = n, .table = table,
		};
	f = frozen_get(w->in->frozen, &like, w->in->now);
	if (!f) {
		w->no_memory = true;
		walk_fail(w, "out of memory");
		return 0;
	}
	tell_stage(w, f->id, how);
	if (how == BY_NONE || w->s.done)
		return f->id;
	if (w->ahead)
		ahead_add(w, f, how);
	else if (w->from && frozen_link(w->in->frozen, w->from, f) &&
		 goes_round(w, f, how))
		return 0;
	return f->id;
}

static void fail_lookups(struct walk *w)
{
	char list[64] = "";
	unsigned int i;
	int n = 0;

	for (i = 0; i < 8; i++)
		n = text_add(list, sizeof(list), n, "%s%u", i ? ", " : "",
			     w->visited[(w->n_lookups + i) % 8]);
	walk_fail(w, "more than %d lookups, the last in tables %s", MAX_LOOKUPS,
		  list);
}

static void trace_lookup(struct walk *w, unsigned int table,
			 const struct rule *rule, const struct flow *read)
{
	static char text[RULE_TEXT];

	if (!wants_lines(w) || w->ahead)
		return;
	if (rule)
		rule_format(rule, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "table=%u: no rule matches", table);
	walk_trace(w, "%s", text);
	format_read(&w->s.cur, read, text, sizeof(text));
	walk_trace(w, "    read: %s", text);
}

/* Find the packet's rule, as if it had come in at a port. */
static struct rule *look_up(struct walk *w, unsigned int table, uint32_t port,
			    struct flow *read)
{
	uint32_t in_port = w->s.cur.in_port;
	struct rule *rule;

	if (port != NO_PORT)
		w->s.cur.in_port = htonl(port);
	rule = tables_lookup(w->in->tables, table, &w->s.cur, &w->s.said, read);
	trace_lookup(w, table, rule, read);
	w->s.cur.in_port = in_port;
	if (port != NO_PORT)
		read->in_port = 0;	/* it was a constant */
	return rule;
}

static void set_add(struct table_set *set, unsigned int table)
{
	set->bits[table / 64] |= 1ull << table % 64;
}

/* Note that a table is asked, and whether about the packet as it came. */
static void note_table(struct walk *w, unsigned int table, uint32_t port)
{
	set_add(&w->out->asked, table);
	if (w->ahead || w->s.n_bpf || w->s.popped || port != NO_PORT ||
	    memcmp(&w->s.cur, w->flow, FLOW_DP_LEN))
		set_add(&w->out->changed, table);
}

/**
 * xlate_depends - whether a rule that comes or goes can make a translation another one
 * @asked: the translation's.
 * @changed: likewise.
 * @words: its megaflow's mask.
 * @masked: what that lets through of the packet.
 * @table: of the rule.
 * @match: of the rule.
 * @mask: of the rule.
 *
 * It can if a packet of the megaflow was looked up in its table and may match it there.
 * Bits that the megaflow does not look at, and what rules or programs have changed, may
 * be anything.
 *
 * Return: false if it can't.
 */
bool xlate_depends(const struct table_set *asked, const struct table_set *changed,
		   const struct mask_words *words, const flow_word *masked,
		   unsigned int table, const struct flow *match,
		   const struct flow *mask)
{
	const flow_word *v = (const flow_word *)match, *m = (const flow_word *)mask;
	unsigned int i, w;

	if (!table_set_has(asked, table))
		return false;
	if (table_set_has(changed, table))
		return true;
	for (i = 0; i < words->n; i++) {
		w = words->idx[i];
		/* What the datapath knows nothing of, the translation began with or made. */
		if (w >= FLOW_DP_LEN / 8)
			break;
		if ((masked[i] ^ v[w]) & m[w] & words->bits[i])
			return false;
	}
	return true;
}

/**
 * walk_table - look the packet up, and take up the actions of its rule
 * @w: the walk.
 * @table: where.
 * @port: the in_port that this lookup sees, or NO_PORT.
 */
void walk_table(struct walk *w, unsigned int table, uint32_t port)
{
	struct flow read = {};
	struct rule *rule;

	w->visited[w->n_lookups % 8] = table;
	if (++w->n_lookups > MAX_LOOKUPS) {
		fail_lookups(w);
		return;
	}
	note_table(w, table, port);
	rule = look_up(w, table, port, &read);
	w->table = table;
	w->rule = rule;
	w->act = NULL;
	consult(w, &read);
	if (!rule)
		return;
	if (*rule->filter) {
		unsigned int i;

		for (i = 0; i < w->s.said.n; i++)
			if (!strcmp(w->s.said.o[i].prog, rule->filter))
				break;
		if (i == w->s.said.n) {
			ask_filter(w, rule->filter, table, port);
			return;
		}
	}
	if (w->out->n_rules == MAX_RULES) {
		walk_fail(w, "more than %d rules in one megaflow", MAX_RULES);
		return;
	}
	w->out->branch[w->out->n_rules] = w->s.branch;
	w->out->rules[w->out->n_rules++] = rule;
	walk_push(w, rule->acts, rule->n_acts, rule->table,
		  &(struct frame){ .cookie = rule->cookie, .rule = rule });
}

static void do_act(struct walk *w, const struct act *a)
{
	struct frame *top = &w->s.frames[w->s.n_frames - 1];

	switch (a->type) {
	case ACT_OUTPUT:
	case ACT_OUTPUT_PART:
	case ACT_IN_PORT:
	case ACT_FLOOD:
	case ACT_ALL:
		do_ports(w, a);
		break;
	case ACT_NORMAL:
		do_normal(w);
		break;
	case ACT_DROP:
		top->n_acts = 0;
		break;
	case ACT_SET:
		do_set(w, a);
		break;
	case ACT_MOVE:
		do_move(w, a);
		break;
	case ACT_PUSH_VLAN:
	case ACT_POP_VLAN:
	case ACT_VLAN_VID:
	case ACT_VLAN_PCP:
		do_vlan(w, a);
		break;
	case ACT_DEC_TTL:
		do_dec_ttl(w);
		break;
	case ACT_PUSH_MPLS:
	case ACT_POP_MPLS:
	case ACT_DEC_MPLS_TTL:
		do_mpls(w, a);
		break;
	case ACT_BPF:
		do_bpf(w, a);
		break;
	case ACT_GOTO:
		walk_table(w, a->n, NO_PORT);
		break;
	case ACT_RESUBMIT:
		walk_table(w, a->n, a->port);
		break;
	case ACT_GROUP:
		do_group(w, a->n);
		break;
	case ACT_METER:
		commit(w);
		{
			struct op *op = add_op(w, OP_METER);

			if (op)
				op->n = a->n;
		}
		break;
	case ACT_CT:
		do_ct(w, a);
		break;
	case ACT_CT_CLEAR:
		do_ct_clear(w);
		break;
	case ACT_CONTROLLER:
		do_controller(w, a);
		break;
	case ACT_PICK:
		do_pick(w, a->n);
		break;
	case ACT_OUTCOME:
		said_add(w, a->prog, a->n);
		break;
	case ACT_FILTERED:
		consult_bits(w, field_find("dp_hash", 7), 0, 32);
		said_add(w, a->prog, w->s.cur.dp_hash);
		walk_table(w, a->n, a->port);
		break;
	}
}

/* Do all that is left to do. */
void walk_run(struct walk *w)
{
	while (!w->s.done && !w->out->error && w->s.n_frames) {
		struct frame *top = &w->s.frames[w->s.n_frames - 1];
		const struct act *a = top->acts;
		unsigned int n;

		if (!top->n_acts) {
			w->s.n_frames--;
			continue;
		}
		w->table = top->table;
		w->rule = top->rule;
		w->act = a;
		if (look_anew(w, a))
			return;
		n = a->type == ACT_CT ? 1 + a->ct.n_exec : 1;
		top->acts += n;
		top->n_acts -= n;
		do_act(w, a);
	}
}

/* Go on behind a recirculation. */
void walk_resume(struct walk *w, struct frozen *f)
{
	w->from = f;
	w->s.cur.metadata = f->metadata;
	if (f->in_port != NO_PORT)
		w->s.cur.in_port = htonl(f->in_port);
	memcpy(w->s.cur.reg, f->reg, sizeof(f->reg));
	if (f->result >= 0) {
		w->s.cur.reg[f->result] = w->s.cur.dp_hash;
		w->act = NULL;
		w->why = "a program's result";
		consult_bits(w, field_find("dp_hash", 7), 0, 32);
		w->why = NULL;
	}
	memcpy(w->s.frames, f->frames, f->n_frames * sizeof(f->frames[0]));
	w->s.n_frames = f->n_frames;
}

/* The datapath takes no mask on a header without one on what tells of it. */
static void complete_mask(struct flow *wc, const struct flow *flow)
{
	uint16_t type = ntohs(flow->dl_type);

	/* Whether there is a tuple of the original direction is told by the state. */
	if (wc->ct_nw_proto ||
	    flow_has(wc, offsetof(struct flow, ct_nw_src), offsetof(struct flow, dl_dst)))
		wc->ct_state = UINT32_MAX;
	/* The version of ERSPAN tells which of its fields there are. */
	if (wc->tun_erspan_idx || wc->tun_erspan_dir || wc->tun_erspan_hwid)
		wc->tun_erspan_ver = 0xff;
	/* Metadata of another type have no context. */
	if (flow_has(wc, offsetof(struct flow, nsh_c), offsetof(struct flow, nd_target)))
		wc->nsh_mdtype = 0xff;
	if (type != 0x0800 && type != 0x86dd)
		return;
	if (flow_has(wc, offsetof(struct flow, nd_target), FLOW_DP_LEN))
		wc->nw_proto = 0xff;
	if (flow_has(wc, offsetof(struct flow, nd_target), offsetof(struct flow, tp_src)))
		wc->tp_src = 0xffff;
}

/* What complete_mask() will add, for whoever wants to know.  Out of line: large. */
static __attribute__((noinline)) void tell_completed(struct walk *w)
{
	struct flow mask = w->out->wc, more = {};

	complete_mask(&mask, w->flow);
	flow_or(&more, &mask, &w->out->wc);
	/* They may be constants: nothing is left to do. */
	memset(&w->s.known, 0, FLOW_DP_LEN);
	tell_mask(w, "what tells of other bits", &more);
}

/**
 * state_begin - nothing has been done with a packet yet
 * @w: the walk, at a stage's begin.
 * @flow: the packet.
 */
void state_begin(struct walk *w, const struct flow *flow)
{
	memset(&w->s, 0, offsetof(struct state, known_since));
	w->s.said.n = 0;
	w->s.cur = *flow;
	w->s.base_tci[0] = flow->vlan_tci;
	w->s.base_tci[1] = flow->vlan_tci2;
	w->s.base_tpid[0] = flow->vlan_tpid;
	w->s.base_tpid[1] = flow->vlan_tpid2;
	w->s.unknown_reg = -1;
}

/* Begin at the packet. */
static void start(struct walk *w, const struct flow *flow)
{
	memset(w, 0, offsetof(struct walk, s));
	state_begin(w, flow);
	/* Packets with and without one never share a megaflow. */
	w->ethernet = flow->ethernet;
	w->in_port = flow->in_port;
	memset((uint8_t *)&w->s.known + FLOW_DP_LEN, 0xff,
	       sizeof(struct flow) - FLOW_DP_LEN);
}

/* What no megaflow is without.  Not copied whole: it is large, and the rest is clear. */
static const struct flow always = {
	.recirc_id = UINT32_MAX, .in_port = UINT32_MAX, .dl_type = 0xffff,
	.nw_frag = 0xff,
};

/**
 * xlate - translate a packet
 * @in: what to go by.
 * @flow: the packet's fields.
 * @out: the megaflow; one that drops has no actions.
 */
void xlate(const struct xlate_in *in, const struct flow *flow,
	   struct xlate_out *out)
{
	struct frozen *f;
	struct walk w;

	memset(&out->wc, 0, sizeof(out->wc));
	out->n_ops = out->n_rules = out->n_branches = 0;
	memset(&out->asked, 0, sizeof(out->asked));
	memset(&out->changed, 0, sizeof(out->changed));
	out->learns = out->unknown_stage = false;
	out->error = NULL;
	start(&w, flow);
	w.in = in;
	w.out = out;
	w.flow = flow;
	if (in->watch)
		tell_mask(&w, "every megaflow", &always);
	out->wc.recirc_id = always.recirc_id;
	out->wc.in_port = always.in_port;
	out->wc.dl_type = always.dl_type;
	out->wc.nw_frag = always.nw_frag;
	if (!flow->recirc_id) {
		walk_table(&w, 0, NO_PORT);
	} else {
		f = frozen_find(in->frozen, ntohl(flow->recirc_id));
		out->unknown_stage = !f;
		if (f)
			walk_resume(&w, f);
		else
			walk_fail(&w, "unknown recirculation id");
	}
	walk_run(&w);
	if (in->watch)
		tell_completed(&w);
	complete_mask(&out->wc, flow);
	if (out->error) {
		walk_trace(&w, "dropped: %s", out->error);
		out->n_ops = 0;
	} else {
		choose_modes(&w);
	}
}
