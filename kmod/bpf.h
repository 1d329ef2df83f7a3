/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs in the datapath: what the files bpf_*.c share.
 *
 *	bpf_before.h	what a program may have changed
 *	bpf_action.c	the BPF action between netlink and its compiled form
 *	bpf_cases.c	its CASES and DEFAULT
 *	bpf_chain.h	programs on a packet's way, and what is usual after them
 *	bpf_chain.c	the same where it is less usual; where the usual leads
 *	bpf_decide.c	what is not
 *	bpf_run.c	which programs may run
 *	bpf_run.h	one run of one program
 */
#ifndef OVS_BPF_INTERNAL_H
#define OVS_BPF_INTERNAL_H 1

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/u64_stats_sync.h>

#include "actions.h"
#include "datapath.h"

struct act_parse;

/*
 * Bytes that a list with programs may take in a message: what a dump can't hold
 * whole ends it.
 */
#define OVS_BPF_MAX_DUMP (28 * 1024)

/**
 * struct ovs_bpf_hits - counters of packets that went one way
 * @packets: how many.
 * @bytes: theirs, from their first header on, as the program left them.
 */
struct ovs_bpf_hits {
	u64 packets;
	u64 bytes;
};

/**
 * struct ovs_bpf_stats - counters of one BPF action on one CPU
 *
 * Each run counts in exactly one of the counters that stand for an outcome, and
 * %OVS_BPF_STATS_ATTR_RUNS is their sum, made when it is asked for.
 *
 * @syncp: consistency on 32-bit machines.
 * @n: by &enum ovs_bpf_stats_attr; those that went on are in the rest instead.
 * @through: what went on behind a program without cases.
 * @dflt: of the default actions.
 * @hits: of each case, in the order of ovs_bpf_act.cases.
 */
struct ovs_bpf_stats {
	struct u64_stats_sync syncp;
	u64 n[OVS_BPF_STATS_ATTR_PAD];
	struct ovs_bpf_hits through;
	struct ovs_bpf_hits dflt;
	struct ovs_bpf_hits hits[];
};

/**
 * struct ovs_bpf_case - where the actions for a result are
 * @value: the result.
 * @ofs: of their record, in bytes from that of the BPF action; the record is one
 *	of a clone whose argument is @value.
 * @at: where they lead; @at.act NULL: nowhere without a copy.
 */
struct ovs_bpf_case {
	u32 value;
	u32 ofs;
	struct ovs_act_span at;
};

/**
 * struct ovs_bpf_act - one BPF action of one flow
 * @prog: the program; a reference is held.
 * @stats: counters.
 * @arg: for cb[0] and cb[1].
 * @first_value: that of the first of @cases, if nothing more is to be done for it
 *	than to go where @usual says; else U64_MAX.
 * @chain: the program at @usual, if it is run as this one is; or NULL.
 * @usual: where a packet goes on: of a program with cases if its result is
 *	@first_value, of any other if it may.
 * @dflt: where the default actions lead; @dflt.act NULL: there are none, or they
 *	take a copy.
 * @dflt_chain: the program at @dflt, if it is run as this one is; or NULL.
 * @dflt_alone: whether there is no case but the first, so that any other result
 *	leads to @dflt.
 * @copy_value: that of the first of @cases, if it is not @first_value; else U64_MAX.
 * @recirc_id: where to recirculate; 0: nowhere.
 * @recheck: &enum ovs_bpf_recheck; of an action program.
 * @filter: whether it is a filter.
 * @dispatch: whether the result chooses among @cases and the default.
 * @plain: an action program whose verdict is trusted and whose result is not
 *	asked for.
 * @n_cases: entries of @cases.
 * @default_ofs: of the record of the default actions, like ovs_bpf_case.ofs; 0:
 *	there are none.
 * @act: the record of the action.
 * @behind: what stands behind it in its list.
 * @cases: by ascending value; or NULL.
 * @used_words: which words of @used are not zero.
 * @used: bits of the key that the actions behind depend on.
 * @used_attr: OVS_BPF_ATTR_USED as it came, for dumps; or NULL.
 */
struct ovs_bpf_act {
	struct bpf_prog *prog;
	struct ovs_bpf_stats __percpu *stats;
	u64 arg;
	u64 first_value;
	const struct ovs_bpf_act *chain;
	struct ovs_act_span usual;
	struct ovs_act_span dflt;
	const struct ovs_bpf_act *dflt_chain;
	bool dflt_alone;
	u64 copy_value;
	u32 recirc_id;
	u8 recheck;
	bool filter;
	bool dispatch;
	bool plain;
	u32 n_cases;
	u32 default_ofs;
	const struct ovs_act *act;
	struct ovs_act_span behind;
	struct ovs_bpf_case *cases;
	struct ovs_word_list used_words;
	struct sw_flow_key used;
	struct nlattr *used_attr;
};

/* The BPF action that a record stands for. */
static inline struct ovs_bpf_act *ovs_bpf_of(const struct ovs_act *act)
{
	return (void *)(unsigned long)act->data[0];
}

/* Whether a program is what is to run next. */
static inline bool ovs_bpf_is_program(const struct ovs_act_span *at)
{
	return at->act != at->end && at->act->type == OVS_ACTION_ATTR_BPF;
}

/**
 * struct ovs_bpf_result - what a run of an action program left behind
 * @verdict: what it returned.
 * @result: what it left in cb[0].
 * @ifindex: of bpf_redirect() without flags; 0: there was none.
 * @settled: whether the packet can go on before its key is extracted anew.
 * @same: whether its key is right as it is; of a program that is rechecked.
 */
struct ovs_bpf_result {
	u32 verdict;
	u32 result;
	u32 ifindex;
	bool settled;
	bool same;
};

/**
 * struct ovs_bpf_run - one run, and what was decided on it
 * @res: what the program left behind; of a filter, verdict and result are one.
 * @outcome: what becomes of the packet, as it is counted.
 * @why: if it is dropped.
 * @no_case: no case was for the result, and there is no default.
 * @to: where it is redirected to.
 * @hit: index of the case that the result has.
 * @branch: its actions, or the default ones, if they are to run.
 */
struct ovs_bpf_run {
	struct ovs_bpf_result res;
	enum ovs_bpf_stats_attr outcome;
	enum ovs_drop_attr why;
	bool no_case;
	const struct vport *to;
	u32 hit;
	const struct ovs_act_list *branch;
};

/* bpf_decide.c */
void ovs_bpf_decide_filter(struct ovs_bpf_run *run,
			   const struct ovs_bpf_act *bpf);
void ovs_bpf_decide_action(struct ovs_bpf_run *run, struct datapath *dp,
			   struct sk_buff *skb, struct sw_flow_key *key,
			   const struct ovs_bpf_act *bpf);
struct ovs_act_span ovs_bpf_conclude(struct datapath *dp, struct sk_buff *skb,
				     struct sw_flow_key *key,
				     const struct ovs_bpf_act *bpf,
				     const struct ovs_bpf_run *run);

/* bpf_chain.c */
void ovs_bpf_link(const struct ovs_act *act, const struct ovs_act *end);

/* bpf_run.c */
struct bpf_prog *ovs_bpf_prog_get(int fd, bool *filter,
				  const char **why);

/* bpf_cases.c */
/* The list of a case, or of the default, from its offset. */
static inline const struct ovs_act_list *ovs_bpf_branch(const struct ovs_act *act,
							u32 ofs)
{
	const struct ovs_act *branch = (const void *)act + ofs;

	return (const void *)branch->data;
}

int ovs_bpf_cases_parse(struct act_parse *p, u32 bpf_ofs,
			const struct nlattr *cases, const struct nlattr *dflt);
void ovs_bpf_cases_free(const struct ovs_act *act);
int ovs_bpf_case_find(const struct ovs_bpf_act *bpf, u32 result);
int ovs_bpf_cases_dump(struct sk_buff *msg, const struct ovs_act *act,
		       struct ovs_bpf_hits *sum);

/* bpf_action.c */
int ovs_bpf_act_parse(struct act_parse *p, const struct nlattr *attr);
void ovs_bpf_act_free(const struct ovs_act *act);
int ovs_bpf_act_dump(struct sk_buff *msg, const struct ovs_act *act);

#endif /* OVS_BPF_INTERNAL_H */
