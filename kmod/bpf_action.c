// SPDX-License-Identifier: GPL-2.0
/*
 * OVS_ACTION_ATTR_BPF between netlink and its compiled form.  The ABI, and the
 * reasons, are told in <linux/openvswitch_bpf.h>.
 */
#include <linux/slab.h>
#include <net/netlink.h>

#include "action_netlink.h"
#include "bpf.h"
#include "flow_netlink.h"

static const struct {
	const char *name;
	int len;	/* -1: a nest */
} bpf_attrs[] = {
	[OVS_BPF_ATTR_PROG_FD] = { "PROG_FD", sizeof(u32) },
	[OVS_BPF_ATTR_ARG] = { "ARG", sizeof(u64) },
	[OVS_BPF_ATTR_RECHECK] = { "RECHECK", sizeof(u32) },
	[OVS_BPF_ATTR_USED] = { "USED", -1 },
	[OVS_BPF_ATTR_RECIRC_ID] = { "RECIRC_ID", sizeof(u32) },
	[OVS_BPF_ATTR_CASES] = { "CASES", -1 },
	[OVS_BPF_ATTR_DEFAULT] = { "DEFAULT", -1 },
};

static int bpf_attrs_sort(struct act_parse *p, const struct nlattr *nest,
			  const struct nlattr **tb)
{
	const struct nlattr *nla;
	int rem;

	nla_for_each_nested(nla, nest, rem) {
		unsigned int type = nla_type(nla);

		if (type >= ARRAY_SIZE(bpf_attrs) || !bpf_attrs[type].name)
			return ovs_act_refuse(p, nla, type &&
					  type <= OVS_BPF_ATTR_MAX ?
					  "BPF action: attribute is for replies" :
					  "BPF action: unknown attribute");
		if (tb[type])
			return ovs_act_refuse(p, nla,
					  "BPF action: attribute stands twice");
		if (bpf_attrs[type].len >= 0 &&
		    nla_len(nla) != bpf_attrs[type].len)
			return ovs_act_refuse(p, nla,
					  "BPF action: attribute has the wrong length");
		tb[type] = nla;
	}
	if (rem)
		return ovs_act_refuse(p, nest,
				  "BPF action: junk behind the attributes");
	if (!tb[OVS_BPF_ATTR_PROG_FD])
		return ovs_act_refuse(p, nest, "BPF action: PROG_FD is missing");
	return 0;
}

static int bpf_parse_recirc(struct act_parse *p, struct ovs_bpf_act *bpf,
			    const struct nlattr *recirc)
{
	if (!recirc)
		return 0;
	bpf->recirc_id = nla_get_u32(recirc);
	if (!bpf->recirc_id)
		return ovs_act_refuse(p, recirc,
				      "BPF action: RECIRC_ID must not be 0");
	return 0;
}

/* A filter: what can't write needs no recheck; its result must lead somewhere. */
static int bpf_parse_filter(struct act_parse *p, struct ovs_bpf_act *bpf,
			    const struct nlattr *nest, const struct nlattr **tb)
{
	if (tb[OVS_BPF_ATTR_RECHECK] || tb[OVS_BPF_ATTR_USED])
		return ovs_act_refuse(p, tb[OVS_BPF_ATTR_RECHECK] ?:
				      tb[OVS_BPF_ATTR_USED],
				      "BPF action: a filter can't write: RECHECK and USED are not for it");
	if (tb[OVS_BPF_ATTR_DEFAULT] && bpf->recirc_id)
		return ovs_act_refuse(p, tb[OVS_BPF_ATTR_RECIRC_ID],
				      "BPF action: a filter with DEFAULT never gets to RECIRC_ID");
	if (!tb[OVS_BPF_ATTR_CASES] && !tb[OVS_BPF_ATTR_DEFAULT] &&
	    !bpf->recirc_id)
		return ovs_act_refuse(p, nest,
				      "BPF action: a filter needs CASES, DEFAULT or RECIRC_ID");
	return 0;
}

static int bpf_parse_used(struct act_parse *p, struct ovs_bpf_act *bpf,
			  const struct nlattr *used)
{
	int err = ovs_nla_get_used(&bpf->used, used, p->extack);

	if (err)
		return err;
	/* An Ethernet header that was not there changes everything. */
	bpf->used.eth.mac_proto = 0xff;
	ovs_word_list_init(&bpf->used_words, &bpf->used);
	bpf->used_attr = kmemdup(used, used->nla_len, GFP_KERNEL);
	return bpf->used_attr ? 0 : -ENOMEM;
}

/* An action program: when does the cached rest not hold? */
static int bpf_parse_recheck(struct act_parse *p, struct ovs_bpf_act *bpf,
			     const struct nlattr *nest, const struct nlattr **tb)
{
	const struct nlattr *recheck = tb[OVS_BPF_ATTR_RECHECK];
	const struct nlattr *used = tb[OVS_BPF_ATTR_USED];

	if (!recheck)
		return ovs_act_refuse(p, nest, "BPF action: RECHECK is missing");
	if (nla_get_u32(recheck) >= __OVS_BPF_RECHECK_MAX)
		return ovs_act_refuse(p, recheck,
				      "BPF action: RECHECK is none of program, always, changed");
	bpf->recheck = nla_get_u32(recheck);
	if (!bpf->recirc_id && bpf->recheck != OVS_BPF_RECHECK_PROGRAM)
		return ovs_act_refuse(p, recheck,
				      "BPF action: this RECHECK needs a RECIRC_ID");
	if (bpf->recheck == OVS_BPF_RECHECK_ALWAYS &&
	    (tb[OVS_BPF_ATTR_CASES] || tb[OVS_BPF_ATTR_DEFAULT]))
		return ovs_act_refuse(p, tb[OVS_BPF_ATTR_CASES] ?:
				      tb[OVS_BPF_ATTR_DEFAULT],
				      "BPF action: RECHECK always never gets to CASES or DEFAULT");
	if (bpf->recheck == OVS_BPF_RECHECK_CHANGED)
		return used ? bpf_parse_used(p, bpf, used) :
			ovs_act_refuse(p, recheck,
				       "BPF action: RECHECK changed needs USED");
	if (used)
		return ovs_act_refuse(p, used,
				      "BPF action: USED is for RECHECK changed only");
	return 0;
}

static int bpf_parse_prog(struct act_parse *p, struct ovs_bpf_act *bpf,
			  const struct nlattr *fd)
{
	struct bpf_prog *prog;
	const char *why;

	prog = ovs_bpf_prog_get(nla_get_u32(fd), &bpf->filter, &why);
	if (IS_ERR(prog)) {
		ovs_act_refuse(p, fd, why);
		return PTR_ERR(prog);
	}
	bpf->prog = prog;
	return 0;
}

static int bpf_alloc_stats(struct ovs_bpf_act *bpf)
{
	int cpu;

	bpf->stats = __alloc_percpu(struct_size(bpf->stats, hits, bpf->n_cases),
				    __alignof__(struct ovs_bpf_stats));
	if (!bpf->stats)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(bpf->stats, cpu)->syncp);
	return 0;
}

static void bpf_free(struct ovs_bpf_act *bpf)
{
	if (bpf->prog)
		bpf_prog_put(bpf->prog);
	free_percpu(bpf->stats);
	kfree(bpf->cases);
	kfree(bpf->used_attr);
	kfree(bpf);
}

/* Room that the action may take in a message, without the actions of its cases. */
static size_t bpf_dump_size(const struct ovs_bpf_act *bpf)
{
	return nla_total_size(0) +
	       4 * nla_total_size(sizeof(u32)) +	/* id, class, recheck, recirc */
	       nla_total_size(BPF_OBJ_NAME_LEN) +
	       nla_total_size(BPF_TAG_SIZE) +
	       nla_total_size_64bit(sizeof(u64)) +	/* arg */
	       (bpf->used_attr ? nla_total_size(nla_len(bpf->used_attr)) : 0) +
	       nla_total_size(0) +
	       __OVS_BPF_STATS_ATTR_MAX * nla_total_size_64bit(sizeof(u64)) +
	       bpf->n_cases * 2 * nla_total_size_64bit(sizeof(u64));
}

/* Make a record for an action.  Its cases are to follow. */
static int bpf_add(struct act_parse *p, const struct nlattr *attr,
		   const struct nlattr **tb, u32 *ofs)
{
	struct ovs_bpf_act *bpf;
	int err;

	bpf = kzalloc(sizeof(*bpf), GFP_KERNEL);
	if (!bpf)
		return -ENOMEM;
	if (tb[OVS_BPF_ATTR_ARG])
		bpf->arg = nla_get_u64(tb[OVS_BPF_ATTR_ARG]);
	err = bpf_parse_prog(p, bpf, tb[OVS_BPF_ATTR_PROG_FD]) ?:
	      bpf_parse_recirc(p, bpf, tb[OVS_BPF_ATTR_RECIRC_ID]) ?:
	      (bpf->filter ? bpf_parse_filter(p, bpf, attr, tb) :
			     bpf_parse_recheck(p, bpf, attr, tb)) ?:
	      ovs_act_add(p, attr, sizeof(u64), ofs);
	if (err) {
		bpf_free(bpf);
		return err;
	}
	ovs_act_at(p, *ofs)->data[0] = (unsigned long)bpf;
	p->acts->has_refs = true;
	return 0;
}

/**
 * ovs_bpf_act_parse - validate a BPF action, take hold of its program, compile it
 * @p: compilation.
 * @attr: OVS_ACTION_ATTR_BPF.
 *
 * Context: process, that of the sender of the message.
 * Return: 0; -EINVAL, -ENOMEM, -EOVERFLOW if cases are nested too deeply, -EBADF
 * for a descriptor that is not open, or what an action in a case is refused with.
 */
int ovs_bpf_act_parse(struct act_parse *p, const struct nlattr *attr)
{
	const struct nlattr *tb[ARRAY_SIZE(bpf_attrs)] = {};
	struct ovs_bpf_act *bpf;
	u32 ofs;
	int err;

	if (++p->acts->n_progs > OVS_BPF_MAX_PROGS)
		return ovs_act_refuse(p, attr,
				      "BPF action: too many programs in one list");
	err = bpf_attrs_sort(p, attr, tb) ?: bpf_add(p, attr, tb, &ofs) ?:
	      ovs_bpf_cases_parse(p, ofs, tb[OVS_BPF_ATTR_CASES],
				  tb[OVS_BPF_ATTR_DEFAULT]);
	if (err)
		return err;
	bpf = ovs_bpf_of(ovs_act_at(p, ofs));
	err = bpf_alloc_stats(bpf);
	if (err)
		return err;
	p->acts->dump_len += bpf_dump_size(bpf);
	if (p->acts->dump_len > OVS_BPF_MAX_DUMP)
		return ovs_act_refuse(p, attr,
				      "BPF action: a list with programs must not be this long");
	return 0;
}

/**
 * ovs_bpf_act_free - let a program go, and what its cases refer to
 * @act: the record of the action, which no packet can reach.
 *
 * Context: process.
 */
void ovs_bpf_act_free(const struct ovs_act *act)
{
	ovs_bpf_cases_free(act);
	bpf_free(ovs_bpf_of(act));
}

/* Add up what all CPUs counted; @hits: what took a case. */
static void bpf_stats_sum(const struct ovs_bpf_act *bpf, u64 *sum,
			  const struct ovs_bpf_hits *hits)
{
	/* The outcomes of a run, of which one is; the others are parts of them. */
	static const u8 outcomes[] = {
		OVS_BPF_STATS_ATTR_COALESCED, OVS_BPF_STATS_ATTR_RECIRCULATED,
		OVS_BPF_STATS_ATTR_DROPPED, OVS_BPF_STATS_ATTR_CONSUMED,
		OVS_BPF_STATS_ATTR_REDIRECTED,
	};
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct ovs_bpf_stats *s = per_cpu_ptr(bpf->stats, cpu);
		struct ovs_bpf_stats n;
		unsigned int start;

		do {
			start = ovs_u64_stats_begin(&s->syncp);
			memcpy(&n, s, sizeof(n));
		} while (ovs_u64_stats_retry(&s->syncp, start));
		for (i = 1; i < OVS_BPF_STATS_ATTR_PAD; i++)
			sum[i] += n.n[i];
		sum[OVS_BPF_STATS_ATTR_COALESCED] += n.through.packets;
		sum[OVS_BPF_STATS_ATTR_COALESCED_BYTES] += n.through.bytes;
		sum[OVS_BPF_STATS_ATTR_DEFAULT] += n.dflt.packets;
		sum[OVS_BPF_STATS_ATTR_DEFAULT_BYTES] += n.dflt.bytes;
	}
	sum[OVS_BPF_STATS_ATTR_CASES] = hits->packets;
	sum[OVS_BPF_STATS_ATTR_COALESCED] +=
		hits->packets + sum[OVS_BPF_STATS_ATTR_DEFAULT];
	sum[OVS_BPF_STATS_ATTR_COALESCED_BYTES] +=
		hits->bytes + sum[OVS_BPF_STATS_ATTR_DEFAULT_BYTES];
	for (i = 0; i < ARRAY_SIZE(outcomes); i++)
		sum[OVS_BPF_STATS_ATTR_RUNS] += sum[outcomes[i]];
}

static int bpf_dump_stats(struct sk_buff *msg, const struct ovs_bpf_act *bpf,
			  const struct ovs_bpf_hits *hits)
{
	u64 sum[__OVS_BPF_STATS_ATTR_MAX] = {};
	struct nlattr *nest;
	unsigned int i;

	bpf_stats_sum(bpf, sum, hits);
	nest = nla_nest_start_noflag(msg, OVS_BPF_ATTR_STATS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 1; i < ARRAY_SIZE(sum); i++)
		if (i != OVS_BPF_STATS_ATTR_PAD &&
		    nla_put_u64_64bit(msg, i, sum[i], OVS_BPF_STATS_ATTR_PAD))
			return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/**
 * ovs_bpf_act_dump - write the action into a message
 * @msg: the message.
 * @act: the record of the action.
 *
 * Context: any in which the action can't be freed.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_bpf_act_dump(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct ovs_bpf_act *bpf = ovs_bpf_of(act);
	const struct bpf_prog *prog = bpf->prog;
	struct nlattr *nest;
	struct ovs_bpf_hits hits;

	nest = nla_nest_start_noflag(msg, OVS_ACTION_ATTR_BPF);
	if (!nest ||
	    nla_put_u32(msg, OVS_BPF_ATTR_PROG_ID, prog->aux->id) ||
	    (prog->aux->name[0] &&
	     nla_put_string(msg, OVS_BPF_ATTR_NAME, prog->aux->name)) ||
	    nla_put(msg, OVS_BPF_ATTR_TAG, sizeof(prog->tag), prog->tag) ||
	    nla_put_u32(msg, OVS_BPF_ATTR_CLASS, bpf->filter ?
			OVS_BPF_CLASS_FILTER : OVS_BPF_CLASS_ACTION) ||
	    nla_put_u64_64bit(msg, OVS_BPF_ATTR_ARG, bpf->arg,
			      OVS_BPF_ATTR_PAD) ||
	    (!bpf->filter &&
	     nla_put_u32(msg, OVS_BPF_ATTR_RECHECK, bpf->recheck)) ||
	    (bpf->recirc_id && nla_put_u32(msg, OVS_BPF_ATTR_RECIRC_ID,
					   bpf->recirc_id)) ||
	    (bpf->used_attr && nla_put(msg, OVS_BPF_ATTR_USED,
				       nla_len(bpf->used_attr),
				       nla_data(bpf->used_attr))) ||
	    ovs_bpf_cases_dump(msg, act, &hits) ||
	    bpf_dump_stats(msg, bpf, &hits))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}
