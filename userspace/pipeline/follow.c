// SPDX-License-Identifier: GPL-2.0-or-later
/* The way of a packet from stage to stage; see follow.h. */
#include "follow.h"
#include "parse.h"
#include "text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * assumed_said - what a program is said to give
 * @a: what is assumed.
 * @prog: its name.
 *
 * Return: NULL if nothing is said of it.
 */
const uint32_t *assumed_said(const struct assumed *a, const char *prog)
{
	unsigned int i;

	for (i = 0; i < a->n_said; i++)
		if (!strcmp(a->said[i].prog, prog))
			return &a->said[i].value;
	return NULL;
}

/* Flags as ovs-appctl's --ct-next has them (trk,new), or as in a match (+trk+new). */
static const char *assume_ct(struct assumed *a, const char *text)
{
	const struct field *f = field_find("ct_state", 8);
	char flags[100] = "";
	struct flow value = {};
	struct field_value v;
	int n = 0, len;

	if (a->n_ct == MAX_ASSUMED)
		return "too many states";
	while (*text) {
		text += strspn(text, ",+|");
		len = strcspn(text, ",+|");
		if (len)
			n = text_add(flags, sizeof(flags), n, "+%.*s", len, text);
		text += len;
	}
	if (!n || strchr(flags, '-') || field_parse(f, flags, &v))
		return "ct= takes flags of ct_state, as in ct=trk,new";
	field_put(f, &value, v.value);
	a->ct_state[a->n_ct++] = value.ct_state;
	return NULL;
}

/* A number of 32 bits, and nothing behind it. */
static bool parse_number(const char *text, uint32_t *value)
{
	uint64_t n;

	if (!parse_u64(text, UINT32_MAX, &n))
		return false;
	*value = n;
	return true;
}

/* NAME:N */
static const char *assume_said(struct assumed *a, const char *text)
{
	const char *colon = strchr(text, ':');
	uint32_t value;

	if (!colon || colon == text || colon - text >= MAX_NAME ||
	    !parse_number(colon + 1, &value))
		return "bpf= takes a program and what it gives, as in bpf=syn:1";
	if (a->n_said == MAX_ASSUMED)
		return "too many programs";
	snprintf(a->said[a->n_said].prog, MAX_NAME, "%.*s", (int)(colon - text), text);
	a->said[a->n_said++].value = value;
	return NULL;
}

/**
 * assumed_parse - assume something more
 * @a: what is assumed.
 * @text: ct=FLAGS, bpf=NAME:N or hash=N.
 *
 * Return: NULL, or a sentence.
 */
const char *assumed_parse(struct assumed *a, const char *text)
{
	if (!strncmp(text, "ct=", 3))
		return assume_ct(a, text + 3);
	if (!strncmp(text, "bpf=", 4))
		return assume_said(a, text + 4);
	if (!strncmp(text, "hash=", 5))
		return parse_number(text + 5, &a->hash) ? NULL : "hash= takes a number";
	return "there are ct=FLAGS, bpf=NAME:N and hash=N";
}

/**
 * journey_begin - begin at the packet as it comes in
 * @j: the way.
 * @flow: the packet.
 * @assumed: what the datapath will find out; stays.
 */
void journey_begin(struct journey *j, const struct flow *flow,
		   const struct assumed *assumed)
{
	memset(j, 0, offsetof(struct journey, leg) + sizeof(j->leg[0]));
	j->assumed = assumed;
	j->n_places = 0;
	j->n = 1;
	j->leg[0].flow = *flow;
	j->leg[0].same = -1;
}

/**
 * journey_stage - note a place that the packet may come back to
 * @stage: see &struct xlate_watch.
 * @journey: the way.
 */
void journey_stage(const struct xlate_stage *stage, void *journey)
{
	struct journey *j = journey;
	struct place *p = &j->place[j->n_places];

	if (j->n_places == MAX_PLACES) {
		j->cut = true;
		return;
	}
	p->id = stage->id;
	p->how = stage->how;
	p->n_ops = stage->n_ops;
	p->cur = *stage->cur;
	j->n_places++;
}

/*
 * Where an action leads.  A walk that was taken back has left places, too: those that
 * count were noted later.
 */
static const struct place *place_of(const struct journey *j, uint32_t id, unsigned int op)
{
	unsigned int i;

	for (i = j->n_places; i--; )
		if (j->place[i].id == id && j->place[i].n_ops <= op + 1)
			return &j->place[i];
	return NULL;
}

/* The addresses that the connection began with. */
static void put_tuple(struct flow *f)
{
	bool reply = f->ct_state & htonl(CT_REPLY), ip4 = f->dl_type == htons(0x0800);

	if (f->ct_state & htonl(CT_INVALID) || !(f->ct_state & htonl(CT_TRACKED)) ||
	    (!ip4 && f->dl_type != htons(0x86dd)))
		return;
	f->ct_nw_proto = f->nw_proto;
	f->ct_tp_src = reply ? f->tp_dst : f->tp_src;
	f->ct_tp_dst = reply ? f->tp_src : f->tp_dst;
	if (ip4) {
		f->ct_nw_src = reply ? f->nw_dst : f->nw_src;
		f->ct_nw_dst = reply ? f->nw_src : f->nw_dst;
	} else {
		memcpy(f->ct_ipv6_src, reply ? f->ipv6_dst : f->ipv6_src, 16);
		memcpy(f->ct_ipv6_dst, reply ? f->ipv6_src : f->ipv6_dst, 16);
	}
}

static void come_from_ct(struct journey *j, const struct op *ct, struct leg *leg)
{
	const struct assumed *a = j->assumed;
	struct flow *f = &leg->flow, mask = {};
	unsigned int i = j->n_ct++;
	char text[100];
	int n;

	memset((uint8_t *)f + FLOW_CT_OFS, 0, FLOW_CT_END - FLOW_CT_OFS);
	f->ct_state = a->n_ct ? a->ct_state[i < a->n_ct ? i : a->n_ct - 1] :
		      htonl(CT_TRACKED | CT_NEW);
	f->ct_zone = htons(ct->n);
	f->ct_mark = ct->value.ct_mark;
	memcpy(f->ct_label, ct->value.ct_label, sizeof(f->ct_label));
	put_tuple(f);
	mask.ct_state = f->ct_state;
	n = match_format(f, &mask, text, sizeof(text));
	n = text_add(leg->by, sizeof(leg->by), 0, "ct, %s: %.*s",
		     a->n_ct ? "as told" : "assumed", n ? n - 1 : 0, text);
	if (ct->act.ct.nat != NAT_NONE)
		text_add(leg->by, sizeof(leg->by), n, ", and NAT leaves the packet as it is");
}

static void come_from_prog(struct journey *j, const struct op *bpf, uint32_t value,
			   struct leg *leg)
{
	leg->flow.dp_hash = htonl(value);
	snprintf(leg->by, sizeof(leg->by), "%s, %s: it gives %u%s", bpf->act.prog,
		 assumed_said(j->assumed, bpf->act.prog) ? "as told" : "assumed", value,
		 bpf->filter ? "" : ", and the packet is as before");
}

static void come_from_hash(struct journey *j, struct leg *leg)
{
	leg->flow.dp_hash = htonl(j->assumed->hash);
	snprintf(leg->by, sizeof(leg->by), "a hash, %s: 0x%x",
		 j->assumed->hash ? "as told" : "assumed", j->assumed->hash);
}

/* Note the first stage that the packet came to as it comes to this one. */
static void note_same(const struct journey *j, struct leg *leg)
{
	unsigned int i;

	for (i = 0; i < j->n && leg->same < 0; i++)
		if (!memcmp(&j->leg[i].flow, &leg->flow, sizeof(leg->flow)))
			leg->same = i;
}

/* The packet goes on in another stage, by an action of the megaflow, with what a program gave. */
static void come_back(struct journey *j, unsigned int from, const struct xlate_out *out,
		      unsigned int at, uint32_t value)
{
	const struct op *op = &out->ops[at];
	const struct place *p = place_of(j, op->recirc_id, at);
	struct leg *leg = &j->leg[j->n];

	if (!p || j->n == MAX_LEGS || j->leg[from].depth == MAX_RECIRCS) {
		j->cut = true;
		return;
	}
	leg->flow = p->cur;
	/* Registers, metadata, and the port if rules have changed it, come with the id. */
	memset((uint8_t *)&leg->flow + FLOW_DP_LEN, 0,
	       offsetof(struct flow, packet_type) - FLOW_DP_LEN);
	leg->flow.in_port = j->leg[from].flow.in_port;
	leg->flow.recirc_id = htonl(op->recirc_id);
	leg->depth = j->leg[from].depth + 1;
	leg->same = -1;
	if (op->type == OP_BPF)
		come_from_prog(j, op, value, leg);
	else if (p->how == BY_CT)
		come_from_ct(j, &out->ops[at - 1], leg);
	else if (p->how == BY_ANSWER)
		come_from_hash(j, leg);
	else
		snprintf(leg->by, sizeof(leg->by), "pop_mpls, assumed: what was behind the label is 0");
	note_same(j, leg);
	j->n++;
}

static unsigned int take_list(struct journey *j, unsigned int from,
			      const struct xlate_out *out, unsigned int at, bool taken);

/* Behind a program: the branches that it takes, or the place where it comes back. */
static unsigned int take_branches(struct journey *j, unsigned int from,
				  const struct xlate_out *out, unsigned int at, bool taken)
{
	const struct op *bpf = &out->ops[at++];
	const uint32_t *said = assumed_said(j->assumed, bpf->act.prog);
	unsigned int bpf_at = at - 1, any = 0;
	uint32_t value = said ? *said : 0;
	bool hit = false;

	while (at < out->n_ops && (out->ops[at].type == OP_CASE ||
				   out->ops[at].type == OP_DEFAULT)) {
		bool is_case = out->ops[at].type == OP_CASE;
		bool this = !said || (is_case ? out->ops[at].n == *said : !hit);

		any++;
		/* Cases are in order: this makes it a value that has none. */
		if (!said && is_case && out->ops[at].n == value)
			value++;
		hit |= this && (said || !is_case);
		at = take_list(j, from, out, at + 1, taken && this);
	}
	if (bpf->recirc_id && taken && !hit &&
	    (bpf->filter || bpf->act.mode == MODE_ALWAYS || any))
		come_back(j, from, out, bpf_at, value);
	return at;
}

/* Up to the end of a list of actions.  Return: what is behind it. */
static unsigned int take_list(struct journey *j, unsigned int from,
			      const struct xlate_out *out, unsigned int at, bool taken)
{
	while (at < out->n_ops) {
		switch (out->ops[at].type) {
		case OP_END:
			return at + 1;
		case OP_CLONE:
			at = take_list(j, from, out, at + 1, taken);
			break;
		case OP_BPF:
			at = take_branches(j, from, out, at, taken);
			break;
		case OP_RECIRC:
			if (taken)
				come_back(j, from, out, at, 0);
			at++;
			break;
		default:
			at++;
		}
	}
	return at;
}

/* What is behind a list that begins at an operation. */
static unsigned int behind_list(const struct xlate_out *out, unsigned int at)
{
	unsigned int depth = 0;

	do {
		enum op_type type = out->ops[at++].type;

		if (type == OP_CLONE || type == OP_CASE || type == OP_DEFAULT)
			depth++;
		else if (type == OP_END)
			depth--;
	} while (depth && at < out->n_ops);
	return at;
}

/**
 * branch_for - what a program's megaflow does for what it gives
 * @out: the megaflow.
 * @bpf: the program's operation.
 * @value: what it gives.
 * @buf: room for the text.
 * @size: how much.
 *
 * Return: "case N", "default", or what happens where there is neither.
 */
const char *branch_for(const struct xlate_out *out, unsigned int bpf, uint32_t value,
		       char *buf, size_t size)
{
	const struct op *op = &out->ops[bpf];
	unsigned int at = bpf + 1;
	bool any = false;

	for (; at < out->n_ops; at = behind_list(out, at)) {
		if (out->ops[at].type == OP_DEFAULT)
			return "default";
		if (out->ops[at].type != OP_CASE)
			break;
		any = true;
		if (out->ops[at].n != value)
			continue;
		snprintf(buf, size, "case %u", value);
		return buf;
	}
	if (op->recirc_id && (any || op->filter || op->act.mode == MODE_ALWAYS))
		return "it comes back";
	return "it goes on";
}

/**
 * journey_go_on - see where the packet goes from a stage
 * @j: the way.
 * @leg: the stage.
 * @out: its translation, which journey_stage() has watched.
 */
void journey_go_on(struct journey *j, unsigned int leg, const struct xlate_out *out)
{
	take_list(j, leg, out, 0, true);
	j->n_places = 0;
}
