// SPDX-License-Identifier: GPL-2.0
/*
 * OVS_ACTION_ATTR_BPF: run a BPF program of type SCHED_CLS on a packet, and
 * decide whether the actions behind it still hold.  The ABI, and the reasons,
 * are told in <linux/openvswitch_bpf.h>.
 */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <linux/pkt_cls.h>
#include <linux/slab.h>
#include <net/netlink.h>
#include <net/sch_generic.h>

#include "actions.h"
#include "datapath.h"
#include "flow_netlink.h"
#include "vport.h"

/**
 * struct bpf_act_stats - counters of one CPU, by &enum ovs_bpf_stats_attr
 * @n: the counters.
 * @syncp: consistency on 32-bit machines.
 */
struct bpf_act_stats {
	u64 n[OVS_BPF_STATS_ATTR_PAD];
	struct u64_stats_sync syncp;
};

/**
 * struct ovs_bpf_act - one BPF action of one flow
 * @prog: the program; a reference is held.
 * @arg: for cb[0] and cb[1].
 * @recirc_id: where to recirculate; 0: nowhere.
 * @recheck: &enum ovs_bpf_recheck.
 * @used_words: which words of @used are not zero.
 * @used: bits of the key that the actions behind depend on.
 * @stats: counters.
 * @used_attr: OVS_BPF_ATTR_USED as it came, for dumps; or NULL.
 */
struct ovs_bpf_act {
	struct bpf_prog *prog;
	u64 arg;
	u32 recirc_id;
	u32 recheck;
	struct ovs_word_list used_words;
	struct sw_flow_key used;
	struct bpf_act_stats __percpu *stats;
	struct nlattr *used_attr;
};

static const struct {
	const char *name;
	int len;	/* -1: a nest */
} bpf_attrs[] = {
	[OVS_BPF_ATTR_PROG_FD] = { "PROG_FD", sizeof(u32) },
	[OVS_BPF_ATTR_ARG] = { "ARG", sizeof(u64) },
	[OVS_BPF_ATTR_RECHECK] = { "RECHECK", sizeof(u32) },
	[OVS_BPF_ATTR_USED] = { "USED", -1 },
	[OVS_BPF_ATTR_RECIRC_ID] = { "RECIRC_ID", sizeof(u32) },
};

static int bpf_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr,
		      const char *msg)
{
	NL_SET_BAD_ATTR(extack, attr);
	if (extack)
		extack->_msg = msg;
	return -EINVAL;
}

static int bpf_attrs_sort(const struct nlattr **tb, const struct nlattr *nest,
			  struct netlink_ext_ack *extack)
{
	const struct nlattr *nla;
	int rem;

	nla_for_each_nested(nla, nest, rem) {
		unsigned int type = nla_type(nla);

		if (type >= ARRAY_SIZE(bpf_attrs) || !bpf_attrs[type].name)
			return bpf_refuse(extack, nla, type &&
					  type <= OVS_BPF_ATTR_MAX ?
					  "BPF action: attribute is for replies or reserved" :
					  "BPF action: unknown attribute");
		if (tb[type])
			return bpf_refuse(extack, nla,
					  "BPF action: attribute stands twice");
		if (bpf_attrs[type].len >= 0 &&
		    nla_len(nla) != bpf_attrs[type].len)
			return bpf_refuse(extack, nla,
					  "BPF action: attribute has the wrong length");
		tb[type] = nla;
	}
	if (rem)
		return bpf_refuse(extack, nest,
				  "BPF action: junk behind the attributes");
	if (!tb[OVS_BPF_ATTR_PROG_FD])
		return bpf_refuse(extack, nest, "BPF action: PROG_FD is missing");
	if (!tb[OVS_BPF_ATTR_RECHECK])
		return bpf_refuse(extack, nest, "BPF action: RECHECK is missing");
	return 0;
}

static int bpf_parse_recheck(struct ovs_bpf_act *bpf, const struct nlattr **tb,
			     struct netlink_ext_ack *extack)
{
	const struct nlattr *recirc = tb[OVS_BPF_ATTR_RECIRC_ID];
	const struct nlattr *recheck = tb[OVS_BPF_ATTR_RECHECK];
	const struct nlattr *used = tb[OVS_BPF_ATTR_USED];

	bpf->recheck = nla_get_u32(recheck);
	if (bpf->recheck >= __OVS_BPF_RECHECK_MAX)
		return bpf_refuse(extack, recheck,
				  "BPF action: RECHECK is none of program, always, changed");
	if (recirc) {
		bpf->recirc_id = nla_get_u32(recirc);
		if (!bpf->recirc_id)
			return bpf_refuse(extack, recirc,
					  "BPF action: RECIRC_ID must not be 0");
	} else if (bpf->recheck != OVS_BPF_RECHECK_PROGRAM) {
		return bpf_refuse(extack, recheck,
				  "BPF action: this RECHECK needs a RECIRC_ID");
	}
	if (bpf->recheck != OVS_BPF_RECHECK_CHANGED)
		return used ? bpf_refuse(extack, used,
					 "BPF action: USED is for RECHECK changed only") : 0;
	if (!used)
		return bpf_refuse(extack, recheck,
				  "BPF action: RECHECK changed needs USED");
	return ovs_nla_get_used(&bpf->used, used, extack);
}

/*
 * Take a reference of the program that a descriptor of the current process
 * stands for.  A program bound to a device can't run here, and is refused.
 */
static int bpf_get_prog(struct ovs_bpf_act *bpf, const struct nlattr *fd,
			struct netlink_ext_ack *extack)
{
	struct bpf_prog *prog;

	prog = bpf_prog_get_type_dev(nla_get_u32(fd), BPF_PROG_TYPE_SCHED_CLS,
				     false);
	if (IS_ERR(prog)) {
		bpf_refuse(extack, fd, PTR_ERR(prog) == -EBADF ?
			   "BPF action: PROG_FD is not an open descriptor" :
			   "BPF action: PROG_FD is not a program of type SCHED_CLS");
		return PTR_ERR(prog);
	}
	bpf->prog = prog;
	return 0;
}

/**
 * ovs_bpf_act_parse - validate a BPF action and take hold of its program
 * @attr: OVS_ACTION_ATTR_BPF.
 * @extack: where a refusal is explained.
 *
 * Context: process, that of the sender of the message.
 * Return: the action, or an error pointer: -EINVAL, -ENOMEM, or -EBADF for a
 * descriptor that is not open.
 */
struct ovs_bpf_act *ovs_bpf_act_parse(const struct nlattr *attr,
				      struct netlink_ext_ack *extack)
{
	const struct nlattr *tb[ARRAY_SIZE(bpf_attrs)] = {};
	const struct nlattr *used;
	struct ovs_bpf_act *bpf;
	int err;

	err = bpf_attrs_sort(tb, attr, extack);
	if (err)
		return ERR_PTR(err);
	bpf = kzalloc(sizeof(*bpf), GFP_KERNEL);
	if (!bpf)
		return ERR_PTR(-ENOMEM);
	if (tb[OVS_BPF_ATTR_ARG])
		bpf->arg = nla_get_u64(tb[OVS_BPF_ATTR_ARG]);
	err = bpf_parse_recheck(bpf, tb, extack);
	if (err)
		goto err;
	err = -ENOMEM;
	used = tb[OVS_BPF_ATTR_USED];
	if (used) {
		ovs_word_list_init(&bpf->used_words, &bpf->used);
		bpf->used_attr = kmemdup(used, used->nla_len, GFP_KERNEL);
		if (!bpf->used_attr)
			goto err;
	}
	bpf->stats = netdev_alloc_pcpu_stats(struct bpf_act_stats);
	if (!bpf->stats)
		goto err;
	err = bpf_get_prog(bpf, tb[OVS_BPF_ATTR_PROG_FD], extack);
	if (err)
		goto err;
	return bpf;
err:
	ovs_bpf_act_free(bpf);
	return ERR_PTR(err);
}

/**
 * ovs_bpf_act_free - let a program go
 * @bpf: the action, which no packet can reach.
 *
 * Context: process.
 */
void ovs_bpf_act_free(struct ovs_bpf_act *bpf)
{
	if (bpf->prog)
		bpf_prog_put(bpf->prog);
	free_percpu(bpf->stats);
	kfree(bpf->used_attr);
	kfree(bpf);
}

/**
 * ovs_bpf_act_dump_size - room that the action may take in a message
 * @bpf: the action.
 *
 * Return: bytes.
 */
size_t ovs_bpf_act_dump_size(const struct ovs_bpf_act *bpf)
{
	return nla_total_size(0) +
	       3 * nla_total_size(sizeof(u32)) +	/* id, recheck, recirc */
	       nla_total_size(BPF_OBJ_NAME_LEN) +
	       nla_total_size(BPF_TAG_SIZE) +
	       nla_total_size_64bit(sizeof(u64)) +	/* arg */
	       (bpf->used_attr ? nla_total_size(nla_len(bpf->used_attr)) : 0) +
	       nla_total_size(0) +
	       OVS_BPF_STATS_ATTR_PAD * nla_total_size_64bit(sizeof(u64));
}

static int bpf_dump_stats(struct sk_buff *msg, const struct ovs_bpf_act *bpf)
{
	u64 sum[OVS_BPF_STATS_ATTR_PAD] = {};
	struct nlattr *nest;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct bpf_act_stats *s = per_cpu_ptr(bpf->stats, cpu);
		u64 n[OVS_BPF_STATS_ATTR_PAD];
		unsigned int start;

		do {
			start = ovs_u64_stats_begin(&s->syncp);
			memcpy(n, s->n, sizeof(n));
		} while (ovs_u64_stats_retry(&s->syncp, start));
		for (i = 1; i < ARRAY_SIZE(sum); i++)
			sum[i] += n[i];
	}

	nest = nla_nest_start_noflag(msg, OVS_BPF_ATTR_STATS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 1; i < ARRAY_SIZE(sum); i++)
		if (nla_put_u64_64bit(msg, i, sum[i], OVS_BPF_STATS_ATTR_PAD))
			return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/**
 * ovs_bpf_act_dump - write the action into a message
 * @msg: the message.
 * @bpf: the action.
 *
 * Context: any in which @bpf can't be freed.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_bpf_act_dump(struct sk_buff *msg, const struct ovs_bpf_act *bpf)
{
	const struct bpf_prog *prog = bpf->prog;
	struct nlattr *nest;

	nest = nla_nest_start_noflag(msg, OVS_ACTION_ATTR_BPF);
	if (!nest ||
	    nla_put_u32(msg, OVS_BPF_ATTR_PROG_ID, prog->aux->id) ||
	    (prog->aux->name[0] &&
	     nla_put_string(msg, OVS_BPF_ATTR_NAME, prog->aux->name)) ||
	    nla_put(msg, OVS_BPF_ATTR_TAG, sizeof(prog->tag), prog->tag) ||
	    nla_put_u64_64bit(msg, OVS_BPF_ATTR_ARG, bpf->arg,
			      OVS_BPF_ATTR_PAD) ||
	    nla_put_u32(msg, OVS_BPF_ATTR_RECHECK, bpf->recheck) ||
	    (bpf->recirc_id && nla_put_u32(msg, OVS_BPF_ATTR_RECIRC_ID,
					   bpf->recirc_id)) ||
	    (bpf->used_attr && nla_put(msg, OVS_BPF_ATTR_USED,
				       nla_len(bpf->used_attr),
				       nla_data(bpf->used_attr))) ||
	    bpf_dump_stats(msg, bpf))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Count a run and what became of it. */
static void bpf_count(const struct ovs_bpf_act *bpf,
		      enum ovs_bpf_stats_attr what)
{
	struct bpf_act_stats *stats = this_cpu_ptr(bpf->stats);

	u64_stats_update_begin(&stats->syncp);
	stats->n[OVS_BPF_STATS_ATTR_RUNS]++;
	stats->n[what]++;
	if (what == OVS_BPF_STATS_ATTR_BAD_VERDICT)
		stats->n[OVS_BPF_STATS_ATTR_DROPPED]++;
	u64_stats_update_end(&stats->syncp);
}

/**
 * struct bpf_result - what a run left behind
 * @verdict: what the program returned.
 * @result: cb[0].
 * @ifindex: target of TC_ACT_REDIRECT; 0 if it had flags.
 */
struct bpf_result {
	u32 verdict;
	u32 result;
	u32 ifindex;
};

/*
 * Run the program.  It owns all of skb->cb meanwhile: the datapath's own
 * control block is neither seen nor changed by it.
 */
static void bpf_run(struct sk_buff *skb, const struct sw_flow_key *key,
		    const struct ovs_bpf_act *bpf, struct bpf_result *res)
{
	struct ovs_skb_cb saved = *OVS_CB(skb);
	struct qdisc_skb_cb *qcb = qdisc_skb_cb(skb);
	struct bpf_redirect_info *ri;
	u32 *cb = (u32 *)qcb->data;
	OVS_BPF_NET_CTX(net_ctx);

	BUILD_BUG_ON(sizeof(qcb->data) != 5 * sizeof(u32));
	/*
	 * The program may write without telling: let the stack verify the
	 * checksum on its own rather than trust what the device summed up.
	 */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	memset(qcb, 0, offsetof(struct qdisc_skb_cb, data));
	cb[0] = bpf->arg;
	cb[1] = bpf->arg >> 32;
	cb[2] = key->in_port;
	cb[3] = key->recirc_id;
	cb[4] = OVS_BPF_HOOK_ACTION;
	skb->tc_at_ingress = 0;

	ovs_bpf_net_ctx_set(net_ctx);
	bpf_compute_data_pointers(skb);
	res->verdict = bpf_prog_run(bpf->prog, skb);
	res->result = cb[0];
	if (unlikely(res->verdict == TC_ACT_REDIRECT)) {
		ri = ovs_bpf_redirect_info();
		res->ifindex = ri->flags ? 0 : ri->tgt_index;
		ri->tgt_index = 0;
		ri->flags = 0;
	}
	ovs_bpf_net_ctx_clear(net_ctx);
	*OVS_CB(skb) = saved;
}

static enum ovs_bpf_decision bpf_drop(struct datapath *dp, struct sk_buff *skb,
				      const struct ovs_bpf_act *bpf,
				      enum ovs_drop_attr why)
{
	bpf_count(bpf, why == OVS_DROP_ATTR_BPF_BAD_VERDICT ?
		       OVS_BPF_STATS_ATTR_BAD_VERDICT :
		       OVS_BPF_STATS_ATTR_DROPPED);
	ovs_drop(dp, skb, why);
	return OVS_BPF_GONE;
}

/* TC_ACT_REDIRECT: only to a port of this datapath. */
static enum ovs_bpf_decision bpf_redirect(struct datapath *dp,
					  struct sk_buff *skb,
					  const struct sw_flow_key *key,
					  const struct ovs_bpf_act *bpf,
					  u32 ifindex)
{
	const struct net_device *dev;
	const struct vport *vport;

	dev = ifindex ? dev_get_by_index_rcu(ovs_dp_get_net(dp), ifindex) : NULL;
	vport = dev ? ovs_vport_of_dev(dev) : NULL;
	if (!vport || vport->dp != dp)
		return bpf_drop(dp, skb, bpf, OVS_DROP_ATTR_BPF_REDIRECT);
	bpf_count(bpf, OVS_BPF_STATS_ATTR_REDIRECTED);
	ovs_output(dp, skb, vport->port_no, key);
	return OVS_BPF_GONE;
}

static void bpf_trap(struct datapath *dp, struct sk_buff *skb,
		     struct sw_flow_key *key)
{
	struct dp_upcall_info info = { .cmd = OVS_PACKET_CMD_ACTION };

	if (ovs_flow_key_update(skb, key))
		return;
	info.portid = ovs_dp_portid_for(dp, OVS_CB(skb)->input_vport, skb);
	ovs_dp_upcall(dp, skb, key, &info, 0);
}

/* Look the packet up anew, under the key that it has now. */
static enum ovs_bpf_decision bpf_recirc(struct datapath *dp,
					struct sk_buff *skb,
					struct sw_flow_key *key,
					const struct ovs_bpf_act *bpf,
					u32 result)
{
	bpf_count(bpf, OVS_BPF_STATS_ATTR_RECIRCULATED);
	if (!ovs_may_recirc(dp, skb))
		return OVS_BPF_GONE;
	key->recirc_id = bpf->recirc_id;
	key->dp_hash = result;
	return OVS_BPF_RECIRC;
}

static bool bpf_changed(const struct ovs_bpf_act *bpf,
			const struct sw_flow_key *before,
			const struct sw_flow_key *after)
{
	const struct ovs_word_list *words = &bpf->used_words;
	u64 diff = 0;
	unsigned int i;

	for (i = 0; i < words->n; i++) {
		unsigned int w = words->idx[i];

		diff |= (ovs_key_word(before, w) ^ ovs_key_word(after, w)) &
			bpf->used.words[w];
	}
	return diff;
}

/*
 * The program said "go on".  Under "program" that is enough, and the key is
 * extracted anew only when something needs it; but a type that the program
 * changed behind skb->protocol's back must be noticed at once, for a device
 * goes by that.
 */
static enum ovs_bpf_decision bpf_go_on(struct datapath *dp, struct sk_buff *skb,
				       struct sw_flow_key *key,
				       const struct ovs_bpf_act *bpf,
				       u32 result)
{
	struct sw_flow_key before;

	if (bpf->recheck == OVS_BPF_RECHECK_PROGRAM) {
		if (likely(skb_headlen(skb) >= ETH_HLEN &&
			   eth_hdr(skb)->h_proto == skb->protocol))
			OVS_CB(skb)->key_stale = true;
		else if (ovs_flow_key_update(skb, key))
			return bpf_drop(dp, skb, bpf,
					OVS_DROP_ATTR_BPF_BAD_PACKET);
		bpf_count(bpf, OVS_BPF_STATS_ATTR_COALESCED);
		return OVS_BPF_CONTINUE;
	}

	ovs_key_copy(&before, key);
	if (unlikely(ovs_flow_key_update(skb, key)))
		return bpf_drop(dp, skb, bpf, OVS_DROP_ATTR_BPF_BAD_PACKET);
	if (bpf->recheck == OVS_BPF_RECHECK_ALWAYS ||
	    bpf_changed(bpf, &before, key))
		return bpf_recirc(dp, skb, key, bpf, result);
	bpf_count(bpf, OVS_BPF_STATS_ATTR_COALESCED);
	return OVS_BPF_CONTINUE;
}

static enum ovs_bpf_decision bpf_decide(struct datapath *dp,
					struct sk_buff *skb,
					struct sw_flow_key *key,
					const struct ovs_bpf_act *bpf,
					const struct bpf_result *res)
{
	switch ((int)res->verdict) {
	case TC_ACT_OK:
	case TC_ACT_UNSPEC:
	case TC_ACT_PIPE:
		return bpf_go_on(dp, skb, key, bpf, res->result);
	case TC_ACT_RECLASSIFY:
		if (!bpf->recirc_id)
			return bpf_drop(dp, skb, bpf,
					OVS_DROP_ATTR_BPF_NO_RECIRC);
		if (unlikely(ovs_flow_key_update(skb, key)))
			return bpf_drop(dp, skb, bpf,
					OVS_DROP_ATTR_BPF_BAD_PACKET);
		return bpf_recirc(dp, skb, key, bpf, res->result);
	case TC_ACT_SHOT:
		return bpf_drop(dp, skb, bpf, OVS_DROP_ATTR_BPF_SHOT);
	case TC_ACT_TRAP:
		bpf_trap(dp, skb, key);
		fallthrough;
	case TC_ACT_STOLEN:
	case TC_ACT_QUEUED:
		bpf_count(bpf, OVS_BPF_STATS_ATTR_CONSUMED);
		consume_skb(skb);
		return OVS_BPF_GONE;
	case TC_ACT_REDIRECT:
		return bpf_redirect(dp, skb, key, bpf, res->ifindex);
	default:
		return bpf_drop(dp, skb, bpf, OVS_DROP_ATTR_BPF_BAD_VERDICT);
	}
}

/**
 * ovs_bpf_act_run - run a program on a packet and do as it says
 * @dp: the datapath.
 * @skb: the packet; taken over if it is gone.
 * @key: its key; changed as the packet is.
 * @bpf: the action.
 *
 * Context: RCU read side, BH disabled.
 * Return: what becomes of the packet.
 */
enum ovs_bpf_decision ovs_bpf_act_run(struct datapath *dp, struct sk_buff *skb,
				      struct sw_flow_key *key,
				      const struct ovs_bpf_act *bpf)
{
	struct bpf_result res = {};

	/* What changed is told by comparing: the key must be right before. */
	if (unlikely(bpf->recheck == OVS_BPF_RECHECK_CHANGED &&
		     ovs_key_refresh(skb, key)))
		return bpf_drop(dp, skb, bpf, OVS_DROP_ATTR_BPF_BAD_PACKET);
	if (unlikely(!skb->dev))
		skb->dev = OVS_CB(skb)->input_vport->dev;
	skb_reset_mac_header(skb);
	bpf_run(skb, key, bpf, &res);
	return bpf_decide(dp, skb, key, bpf, &res);
}
