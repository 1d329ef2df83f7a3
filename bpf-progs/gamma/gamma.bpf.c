// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that do as a recipe in a map says, depending on random bytes in the
 * payload, which no flow matches: so that packets of one megaflow fare
 * differently.  gamma rewrites, gamma_filter has a result alone.
 */
#include "../include/ovs_bpf.h"
#include "gamma.h"

/* Where the nonce of an untagged UDP packet is, over IPv4 and IPv6. */
#define NONCE4 42
#define NONCE6 62

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GAMMA_RECIPES);
	__type(key, __u32);
	__type(value, struct gamma_recipe);
} recipes SEC(".maps");

/* Runs of each recipe. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GAMMA_RECIPES);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

/* The recipe; where the nonce of UDP over IP is, 0 for any other packet. */
static __always_inline __u32 start(struct __sk_buff *skb,
				   const struct gamma_recipe **recipe)
{
	__u32 which = skb->cb[0];
	__be16 type;
	__u64 *n;

	n = bpf_map_lookup_elem(&runs, &which);
	if (n)
		__sync_fetch_and_add(n, 1);
	*recipe = bpf_map_lookup_elem(&recipes, &which);
	if (bpf_skb_load_bytes(skb, offsetof(struct ethhdr, h_proto), &type,
			       sizeof(type)))
		return 0;
	if (type == bpf_htons(ETH_P_IP))
		return NONCE4;
	return type == bpf_htons(ETH_P_IPV6) ? NONCE6 : 0;
}

static __always_inline __u8 nonce_byte(struct __sk_buff *skb, __u32 nonce,
				       __u8 which)
{
	__u8 b = 0;

	bpf_skb_load_bytes(skb, nonce + which % GAMMA_NONCE, &b, sizeof(b));
	return b;
}

static __always_inline int result(struct __sk_buff *skb, __u32 nonce,
				  const struct gamma_recipe *r)
{
	return nonce_byte(skb, nonce, r->result_byte) & r->result_mask;
}

/* Return: 1 if something was done. */
static __always_inline int do_op(struct __sk_buff *skb,
				 const struct gamma_op *op, __u32 nonce)
{
	__u32 ofs = nonce == NONCE4 ? op->ofs4 : op->ofs6;
	__u32 len = op->len;
	__u8 data[8];

	if ((nonce_byte(skb, nonce, op->byte) & op->mask) != op->value)
		return 0;
	__builtin_memcpy(data, op->data, sizeof(data));
	switch (op->kind) {
	case GAMMA_STORE:
		if (ofs == 255)
			return 0;
		if (len == 1)
			bpf_skb_store_bytes(skb, ofs, data, 1, 0);
		else if (len == 2)
			bpf_skb_store_bytes(skb, ofs, data, 2, 0);
		else if (len == 4)
			bpf_skb_store_bytes(skb, ofs, data, 4, 0);
		else
			bpf_skb_store_bytes(skb, ofs, data, 6, 0);
		return 1;
	case GAMMA_MARK:
		skb->mark = *(__u32 *)data;
		return 1;
	case GAMMA_PRIORITY:
		skb->priority = *(__u32 *)data;
		return 1;
	case GAMMA_VLAN_PUSH:
		if (skb->vlan_present)
			return 0;
		bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), *(__u16 *)data);
		return 1;
	case GAMMA_VLAN_POP:
		if (!skb->vlan_present)
			return 0;
		bpf_skb_vlan_pop(skb);
		return 1;
	}
	return 0;
}

SEC("tc")
int gamma(struct __sk_buff *skb)
{
	const struct gamma_recipe *r;
	__u32 nonce = start(skb, &r);
	int done = 0, i;

	if (!r)
		return TC_ACT_SHOT;
	ovs_set_result(skb, nonce ? result(skb, nonce, r) : 0);
	if (!nonce)
		return TC_ACT_OK;
#pragma unroll
	for (i = 0; i < GAMMA_OPS; i++)
		if (i < r->n_ops)
			done |= do_op(skb, &r->ops[i], nonce);
	return done && r->honest ? TC_ACT_RECLASSIFY : TC_ACT_OK;
}

SEC("lwt_out")
int gamma_filter(struct __sk_buff *skb)
{
	const struct gamma_recipe *r;
	__u32 nonce = start(skb, &r);

	return nonce && r ? result(skb, nonce, r) : 0;
}

char LICENSE[] SEC("license") = "GPL";
