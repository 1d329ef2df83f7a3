// SPDX-License-Identifier: GPL-2.0
/*
 * A load balancer for TCP and UDP over IPv4, as an action program.
 *
 * A packet to a service gets the address and MAC of a backend; a reply gets
 * those of the service.  The backend is chosen by a hash of the 5-tuple over a
 * table that userspace fills (Maglev's way, NSDI 2016), and remembered, so that
 * a connection stays with its backend when the table changes.  Any other packet
 * passes unchanged.
 */
#include "../include/ovs_bpf.h"
#include "lb.h"

#define IP_OFS(field) (sizeof(struct ethhdr) + offsetof(struct iphdr, field))

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct lb_vip_key);
	__type(value, struct lb_vip);
} vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_MAX_BACKENDS);
	__type(key, __u32);
	__type(value, struct lb_backend);
} backends SEC(".maps");

/* Which backend has which slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LB_MAX_CONNS);
	__type(key, struct lb_conn_key);
	__type(value, struct lb_conn);
} conns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_MAX_BACKENDS);
	__type(key, __u32);
	__type(value, struct lb_stats);
} stats SEC(".maps");

static __always_inline __u32 mix(__u32 h, __u32 v)
{
	h = (h ^ v) * 0x9e3779b1;
	return h ^ h >> 15;
}

static __always_inline __u32 hash(const struct lb_conn_key *k)
{
	__u32 h = mix(0x2545f491, k->src);

	h = mix(h, k->dst);
	h = mix(h, (__u32)k->sport << 16 | k->dport);
	return mix(h, k->proto);
}

/* A first packet: choose a backend, remember both directions. */
static __always_inline int connect(const struct lb_conn_key *key,
				   struct lb_conn *to)
{
	struct lb_vip_key vk = {
		.addr = key->dst,
		.port = key->dport,
		.proto = key->proto,
	};
	struct lb_conn_key back_key = {
		.dst = key->src,
		.sport = key->dport,
		.dport = key->sport,
		.proto = key->proto,
	};
	struct lb_conn back = { .addr = key->dst, .is_reply = 1 };
	__u32 slot = hash(key) % LB_SLOTS, i;
	const struct lb_backend *b;
	const struct lb_vip *vip;
	struct lb_stats *st;
	const __u32 *index;

	vip = bpf_map_lookup_elem(&vips, &vk);
	index = bpf_map_lookup_elem(&slots, &slot);
	if (!vip || !index)
		return -1;
	i = *index;
	b = bpf_map_lookup_elem(&backends, &i);
	if (!b || !b->addr)
		return -1;
	to->addr = b->addr;
	to->is_reply = 0;
	to->backend = i;
	__builtin_memcpy(to->mac, b->mac, sizeof(to->mac));
	back.backend = i;
	back_key.src = b->addr;
	__builtin_memcpy(back.mac, vip->mac, sizeof(back.mac));
	if (bpf_map_update_elem(&conns, key, to, BPF_ANY) ||
	    bpf_map_update_elem(&conns, &back_key, &back, BPF_ANY))
		return -1;
	st = bpf_map_lookup_elem(&stats, &i);
	if (st)
		st->conns++;
	return 0;
}

static __always_inline void count(__u32 backend)
{
	struct lb_stats *st = bpf_map_lookup_elem(&stats, &backend);

	if (st)
		st->packets++;
}

static __always_inline int balance(struct __sk_buff *skb)
{
	struct lb_conn_key key = {};
	const struct lb_conn *known;
	struct ovs_ipv4_l4 p = {};
	struct lb_conn to = {};
	__be32 from;

	if (ovs_parse_ipv4_l4(skb, &p))
		return TC_ACT_OK;
	key.src = p.ip->saddr;
	key.dst = p.ip->daddr;
	key.proto = p.ip->protocol;
	key.sport = p.ports[0];
	key.dport = p.ports[1];
	known = bpf_map_lookup_elem(&conns, &key);
	if (known)
		to = *known;
	else if (connect(&key, &to))
		return TC_ACT_OK;
	count(to.backend);

	from = to.is_reply ? key.src : key.dst;
	if (ovs_set_ipv4_addr(skb, &p, to.is_reply ? IP_OFS(saddr) :
			      IP_OFS(daddr), from, to.addr) ||
	    bpf_skb_store_bytes(skb, to.is_reply ?
				offsetof(struct ethhdr, h_source) :
				offsetof(struct ethhdr, h_dest),
				to.mac, sizeof(to.mac), 0))
		return TC_ACT_SHOT;
	ovs_set_result(skb, to.backend);
	return TC_ACT_OK;
}

SEC("tc")
int lb(struct __sk_buff *skb)
{
	return balance(skb);
}

char LICENSE[] SEC("license") = "GPL";
