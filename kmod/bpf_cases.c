// SPDX-License-Identifier: GPL-2.0
/*
 * CASES and DEFAULT of a BPF action: which actions run for which result.
 *
 * Their lists lie inside the record of the BPF action, each as a record of a
 * clone.  Beside it stands an array of the values, sorted, which is searched for
 * each packet.
 */
#include <linux/slab.h>
#include <linux/sort.h>

#include "action_netlink.h"
#include "bpf.h"

/* The parts of a case. */
struct case_parts {
	const struct nlattr *value;
	const struct nlattr *actions;
};

static int case_sort(struct act_parse *p, const struct nlattr *nest,
		     struct case_parts *parts)
{
	const struct nlattr *nla;
	int rem;

	memset(parts, 0, sizeof(*parts));
	nla_for_each_nested(nla, nest, rem) {
		const struct nlattr **part;

		switch (nla_type(nla)) {
		case OVS_BPF_CASE_ATTR_VALUE:
			if (nla_len(nla) != sizeof(u32))
				return ovs_act_refuse(p, nla,
						      "BPF case: VALUE has the wrong length");
			part = &parts->value;
			break;
		case OVS_BPF_CASE_ATTR_ACTIONS:
			part = &parts->actions;
			break;
		default:
			return ovs_act_refuse(p, nla,
					      "BPF case: takes VALUE and ACTIONS, nothing else");
		}
		if (*part)
			return ovs_act_refuse(p, nla,
					      "BPF case: attribute stands twice");
		*part = nla;
	}
	if (rem)
		return ovs_act_refuse(p, nest,
				      "BPF case: junk behind the attributes");
	if (!parts->value || !parts->actions)
		return ovs_act_refuse(p, nest,
				      "BPF case: needs VALUE and ACTIONS");
	return 0;
}

/*
 * Add the actions of a case, or the default ones; @ofs tells where they are.
 * Until it is whole, the record has the type of the attribute; no action of that
 * number refers to anything that is to be let go.
 */
static int branch_add(struct act_parse *p, const struct nlattr *actions,
		      u32 value, u32 bpf_ofs, u32 *ofs)
{
	u32 at = p->acts->len;
	int err;

	BUILD_BUG_ON((int)OVS_BPF_CASE_ATTR_ACTIONS !=
		     (int)OVS_ACTION_ATTR_USERSPACE);
	BUILD_BUG_ON((int)OVS_BPF_ATTR_DEFAULT != (int)OVS_ACTION_ATTR_POP_MPLS);
	err = ovs_act_add_list(p, actions, actions, value);
	if (err)
		return err;
	ovs_act_at(p, at)->type = OVS_ACTION_ATTR_CLONE;
	*ofs = at - bpf_ofs;
	return 0;
}

static int case_cmp(const void *a, const void *b)
{
	const struct ovs_bpf_case *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

static int cases_count(struct act_parse *p, const struct nlattr *nest)
{
	const struct nlattr *nla;
	int rem, n = 0;

	nla_for_each_nested(nla, nest, rem) {
		if (nla_type(nla) != OVS_BPF_CASES_ATTR_CASE)
			return ovs_act_refuse(p, nla,
					      "BPF action: CASES holds something else than CASE");
		if (++n > OVS_BPF_MAX_CASES)
			return ovs_act_refuse(p, nla,
					      "BPF action: too many CASES");
	}
	if (rem)
		return ovs_act_refuse(p, nest,
				      "BPF action: junk behind the CASES");
	if (!n)
		return ovs_act_refuse(p, nest, "BPF action: CASES is empty");
	return n;
}

static int cases_parse(struct act_parse *p, struct ovs_bpf_act *bpf, u32 bpf_ofs,
		       const struct nlattr *nest)
{
	const struct nlattr *nla;
	int rem, err, n, i = 0;

	n = cases_count(p, nest);
	if (n < 0)
		return n;
	bpf->cases = kcalloc(n, sizeof(*bpf->cases), GFP_KERNEL);
	if (!bpf->cases)
		return -ENOMEM;
	bpf->n_cases = n;
	nla_for_each_nested(nla, nest, rem) {
		struct ovs_bpf_case *c = &bpf->cases[i++];
		struct case_parts parts;

		err = case_sort(p, nla, &parts);
		if (err)
			return err;
		c->value = nla_get_u32(parts.value);
		err = branch_add(p, parts.actions, c->value, bpf_ofs, &c->ofs);
		if (err)
			return err;
	}
	sort(bpf->cases, n, sizeof(*bpf->cases), case_cmp, NULL);
	for (i = 1; i < n; i++)
		if (bpf->cases[i].value == bpf->cases[i - 1].value)
			return ovs_act_refuse(p, nest,
					      "BPF action: two CASES have one VALUE");
	return 0;
}

/**
 * ovs_bpf_cases_parse - validate and compile CASES and DEFAULT
 * @p: compilation; the record of the BPF action was added last.
 * @bpf_ofs: where that is.
 * @cases: OVS_BPF_ATTR_CASES, or NULL.
 * @dflt: OVS_BPF_ATTR_DEFAULT, or NULL.
 *
 * Context: process.
 * Return: 0, -EINVAL, -ENOMEM, or what an action in them is refused with.
 */
int ovs_bpf_cases_parse(struct act_parse *p, u32 bpf_ofs,
			const struct nlattr *cases, const struct nlattr *dflt)
{
	struct ovs_bpf_act *bpf = ovs_bpf_of(ovs_act_at(p, bpf_ofs));
	int err;

	if (cases) {
		err = cases_parse(p, bpf, bpf_ofs, cases);
		if (err)
			return err;
	}
	if (dflt) {
		err = branch_add(p, dflt, 0, bpf_ofs, &bpf->default_ofs);
		if (err)
			return err;
	}
	bpf->dispatch = cases || dflt;
	bpf->plain = !bpf->filter && !bpf->dispatch &&
		     bpf->recheck == OVS_BPF_RECHECK_PROGRAM;
	/* Now the record holds them; until now they stood behind it. */
	ovs_act_at(p, bpf_ofs)->len = p->acts->len - bpf_ofs;
	return 0;
}

/**
 * ovs_bpf_cases_free - let go of what the actions of the cases refer to
 * @act: the record of the BPF action.
 *
 * Context: process.
 */
void ovs_bpf_cases_free(const struct ovs_act *act)
{
	const void *first = &act->data[1];

	ovs_act_free_list(first, (const void *)ovs_act_next(act) - first);
}

/**
 * ovs_bpf_case_find - search the cases for a result
 * @bpf: the action.
 * @result: the result.
 *
 * Context: any.
 * Return: index into ovs_bpf_act.cases; -1 if there is none.
 */
int ovs_bpf_case_find(const struct ovs_bpf_act *bpf, u32 result)
{
	const struct ovs_bpf_case *cases = bpf->cases;
	u32 low = 0, high = bpf->n_cases;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (cases[mid].value < result)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < bpf->n_cases && cases[low].value == result)
		return low;
	return -1;
}

static int branch_dump(struct sk_buff *msg, const struct ovs_act *act, u32 ofs,
		       int attr)
{
	const struct ovs_act_list *list = ovs_bpf_branch(act, ofs);
	struct nlattr *nest = nla_nest_start_noflag(msg, attr);

	if (!nest || ovs_act_dump_list(msg, list->acts, list->len))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Packets of a case, over all CPUs. */
static struct ovs_bpf_hits case_hits(const struct ovs_bpf_act *bpf, u32 i)
{
	struct ovs_bpf_hits sum = {}, n;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct ovs_bpf_stats *s = per_cpu_ptr(bpf->stats, cpu);
		unsigned int start;

		do {
			start = ovs_u64_stats_begin(&s->syncp);
			n = s->hits[i];
		} while (ovs_u64_stats_retry(&s->syncp, start));
		sum.packets += n.packets;
		sum.bytes += n.bytes;
	}
	return sum;
}

/**
 * ovs_bpf_cases_dump - write CASES and DEFAULT
 * @msg: the message.
 * @act: the record of the BPF action.
 * @sum: set to what took a case.
 *
 * Context: any in which the action can't be freed.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_bpf_cases_dump(struct sk_buff *msg, const struct ovs_act *act,
		       struct ovs_bpf_hits *sum)
{
	const struct ovs_bpf_act *bpf = ovs_bpf_of(act);
	struct nlattr *cases, *one;
	u32 i;

	*sum = (struct ovs_bpf_hits){};
	if (bpf->n_cases) {
		cases = nla_nest_start_noflag(msg, OVS_BPF_ATTR_CASES);
		if (!cases)
			return -EMSGSIZE;
		for (i = 0; i < bpf->n_cases; i++) {
			const struct ovs_bpf_case *c = &bpf->cases[i];
			struct ovs_bpf_hits n = case_hits(bpf, i);

			sum->packets += n.packets;
			sum->bytes += n.bytes;
			one = nla_nest_start_noflag(msg, OVS_BPF_CASES_ATTR_CASE);
			if (!one ||
			    nla_put_u32(msg, OVS_BPF_CASE_ATTR_VALUE, c->value) ||
			    branch_dump(msg, act, c->ofs,
					OVS_BPF_CASE_ATTR_ACTIONS) ||
			    nla_put_u64_64bit(msg, OVS_BPF_CASE_ATTR_HITS,
					      n.packets, OVS_BPF_CASE_ATTR_PAD) ||
			    nla_put_u64_64bit(msg, OVS_BPF_CASE_ATTR_BYTES,
					      n.bytes, OVS_BPF_CASE_ATTR_PAD))
				return -EMSGSIZE;
			nla_nest_end(msg, one);
		}
		nla_nest_end(msg, cases);
	}
	if (bpf->default_ofs &&
	    branch_dump(msg, act, bpf->default_ofs, OVS_BPF_ATTR_DEFAULT))
		return -EMSGSIZE;
	return 0;
}
