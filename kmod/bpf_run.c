// SPDX-License-Identifier: GPL-2.0
/*
 * One run of one program, of either class, at any hook.
 *
 * A program owns skb->cb while it runs: the datapath's own control block is
 * neither seen nor changed by it.
 */
#include <linux/pkt_cls.h>
#include <net/sch_generic.h>

#include "bpf.h"
#include "vport.h"

/**
 * ovs_bpf_prog_get - take hold of the program behind a descriptor
 * @fd: a descriptor of the current process.
 * @filter: set to whether the program is a filter.
 * @why: if it is refused, set to a sentence that says why.
 *
 * A program that is bound to a device can't run here.
 *
 * Context: process, that of the sender of a request.
 * Return: the program, a reference; -EBADF if @fd is not open; -EINVAL if it is
 * no program, or one that can't run here.
 */
struct bpf_prog *ovs_bpf_prog_get(int fd, bool *filter, const char **why)
{
	struct bpf_prog *prog;

	*filter = false;
	prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_SCHED_CLS, false);
	if (IS_ERR(prog) && PTR_ERR(prog) == -EINVAL) {
		*filter = true;
		prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_LWT_OUT, false);
	}
	if (!IS_ERR(prog))
		return prog;
	*why = "BPF program: the descriptor is not a program of type SCHED_CLS or LWT_OUT";
	if (PTR_ERR(prog) == -EBADF) {
		*why = "BPF program: the descriptor is not an open descriptor";
	} else if (PTR_ERR(prog) == -EINVAL) {
		struct bpf_prog *bound;

		bound = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_SCHED_CLS,
					      true);
		if (!IS_ERR(bound)) {
			*why = "BPF program: the descriptor is a program that is bound to a device";
			bpf_prog_put(bound);
		}
	}
	return prog;
}

/* Make skb->cb the program's: nothing in it is left of what was there. */
static u32 *cb_prepare(struct sk_buff *skb, const struct sw_flow_key *key,
		       u64 arg, u32 hook)
{
	struct qdisc_skb_cb *qcb = qdisc_skb_cb(skb);
	u32 *cb = (u32 *)qcb->data;

	BUILD_BUG_ON(sizeof(qcb->data) != 5 * sizeof(u32));
	memset(qcb, 0, offsetof(struct qdisc_skb_cb, data));
	cb[0] = arg;
	cb[1] = arg >> 32;
	cb[2] = key->in_port;
	cb[3] = key->recirc_id;
	cb[4] = hook;
	skb_reset_mac_header(skb);
	bpf_compute_data_pointers(skb);
	return cb;
}

/**
 * ovs_bpf_run_filter - run a filter
 * @skb: the packet, data at its first header, with a device; not changed, but
 *	its linear part may grow and move.
 * @prog: a program of type LWT_OUT.
 * @key: the packet's key; only its port and stage are read.
 * @arg: for cb[0] and cb[1].
 * @hook: &enum ovs_bpf_hook.
 *
 * The verifier lets this type write mark, priority and cb, and its helpers may
 * compute the hash: all of them are put back, so that nothing but the result
 * tells that it ran.
 *
 * Context: RCU read side, BH disabled.
 * Return: what the program returned.
 */
u32 ovs_bpf_run_filter(struct sk_buff *skb, const struct bpf_prog *prog,
		       const struct sw_flow_key *key, u64 arg, u32 hook)
{
	struct ovs_skb_cb saved = *OVS_CB(skb);
	bool hashed = skb->l4_hash || skb->sw_hash;
	u32 priority = skb->priority;
	u32 mark = skb->mark;
	u32 result;

	cb_prepare(skb, key, arg, hook);
	result = bpf_prog_run(prog, skb);
	skb->priority = priority;
	skb->mark = mark;
	if (!hashed)
		skb_clear_hash(skb);
	*OVS_CB(skb) = saved;
	return result;
}

/**
 * ovs_bpf_run_action - run an action program
 * @skb: the packet, data at its first header, with a device.  All that is known
 *	of it may be out of date afterwards: where its headers lie, its length,
 *	its protocol and tag, its mark and priority; the key above all.
 * @prog: a program of type SCHED_CLS.
 * @key: the packet's key; only its port and stage are read.
 * @arg: for cb[0] and cb[1].
 * @hook: &enum ovs_bpf_hook.
 * @res: filled in.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_bpf_run_action(struct sk_buff *skb, const struct bpf_prog *prog,
			const struct sw_flow_key *key, u64 arg, u32 hook,
			struct ovs_bpf_result *res)
{
	struct ovs_skb_cb saved = *OVS_CB(skb);
	const u32 *cb;
	OVS_BPF_NET_CTX(net_ctx);

	/*
	 * The program may write without telling: let the stack verify the
	 * checksum on its own rather than trust what the device summed up.
	 */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	skb->tc_at_ingress = 0;
	cb = cb_prepare(skb, key, arg, hook);
	ovs_bpf_net_ctx_set(net_ctx);
	ovs_bpf_redirect_forget();
	res->verdict = bpf_prog_run(prog, skb);
	res->result = cb[0];
	res->ifindex = 0;
	if (unlikely(res->verdict == TC_ACT_REDIRECT)) {
		const struct bpf_redirect_info *ri = ovs_bpf_redirect_info();

		if (!ri->flags)
			res->ifindex = ri->tgt_index;
	}
	ovs_bpf_net_ctx_clear(net_ctx);
	*OVS_CB(skb) = saved;
}
