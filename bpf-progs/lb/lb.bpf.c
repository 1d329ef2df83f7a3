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

/*
 * What a run works on.  It is not on the stack: Linux 6.1 takes a part of 8 bytes there
 * that is written piece by piece for an attack, if the daemon lacks CAP_PERFMON.
 */
struct work {
	struct lb_conn_key key;
	struct lb_conn to;
	struct lb_vip_key vip_key;
	struct lb_conn_key back_key;
	struct lb_conn back;
	__u32 index;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} work SEC(".maps");

/* A first packet: choose a backend, remember both directions. */
static __always_inline int connect(struct work *w)
{
	const struct lb_conn_key *key = &w->key;
	const struct lb_backend *b;
	const struct lb_vip *vip;
	struct lb_stats *st;
	const __u32 *index;

	w->vip_key = (struct lb_vip_key){
		.addr = key->dst,
		.port = key->dport,
		.proto = key->proto,
	};
	w->index = hash(key) % LB_SLOTS;
	vip = bpf_map_lookup_elem(&vips, &w->vip_key);
	index = bpf_map_lookup_elem(&slots, &w->index);
	if (!vip || !index)
		return -1;
	w->index = *index;
	b = bpf_map_lookup_elem(&backends, &w->index);
	if (!b || !b->addr)
		return -1;
	w->to = (struct lb_conn){ .addr = b->addr, .backend = w->index };
	__builtin_memcpy(w->to.mac, b->mac, sizeof(w->to.mac));
	w->back = (struct lb_conn){ .addr = key->dst, .is_reply = 1,
				    .backend = w->index };
	__builtin_memcpy(w->back.mac, vip->mac, sizeof(w->back.mac));
	w->back_key = (struct lb_conn_key){
		.src = b->addr,
		.dst = key->src,
		.sport = key->dport,
		.dport = key->sport,
		.proto = key->proto,
	};
	if (bpf_map_update_elem(&conns, key, &w->to, BPF_ANY) ||
	    bpf_map_update_elem(&conns, &w->back_key, &w->back, BPF_ANY))
		return -1;
	st = bpf_map_lookup_elem(&stats, &w->index);
	if (st)
		st->conns++;
	return 0;
}

static __always_inline void count(struct work *w)
{
	struct lb_stats *st;

	w->index = w->to.backend;
	st = bpf_map_lookup_elem(&stats, &w->index);
	if (st)
		st->packets++;
}

static __always_inline int balance(struct __sk_buff *skb)
{
	const struct lb_conn *known;
	struct ovs_ipv4_l4 p = {};
	__u32 zero = 0;
	struct work *w = bpf_map_lookup_elem(&work, &zero);
	__be32 from;

	if (!w || ovs_parse_ipv4_l4(skb, &p))
		return TC_ACT_OK;
	w->key = (struct lb_conn_key){
		.src = p.ip->saddr,
		.dst = p.ip->daddr,
		.sport = p.ports[0],
		.dport = p.ports[1],
		.proto = p.ip->protocol,
	};
	known = bpf_map_lookup_elem(&conns, &w->key);
	if (known)
		w->to = *known;
	else if (connect(w))
		return TC_ACT_OK;
	count(w);

	from = w->to.is_reply ? w->key.src : w->key.dst;
	if (ovs_set_ipv4_addr(skb, &p, w->to.is_reply ? IP_OFS(saddr) :
			      IP_OFS(daddr), from, w->to.addr) ||
	    bpf_skb_store_bytes(skb, w->to.is_reply ?
				offsetof(struct ethhdr, h_source) :
				offsetof(struct ethhdr, h_dest),
				w->to.mac, sizeof(w->to.mac), 0))
		return TC_ACT_SHOT;
	ovs_set_result(skb, w->to.backend);
	return TC_ACT_OK;
}

SEC("tc")
int lb(struct __sk_buff *skb)
{
	return balance(skb);
}

char LICENSE[] SEC("license") = "GPL";
