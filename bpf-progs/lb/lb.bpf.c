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
 * What a first packet's run works on.  It is not on the stack: Linux 6.1 takes a part of
 * 8 bytes there that is written piece by piece for an attack, if the daemon lacks
 * CAP_PERFMON.
 */
struct work {
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

/* A connection's key, in whole words, for the same reason. */
union conn_key {
	struct lb_conn_key key;
	__u64 words[2];
};

static __always_inline struct work *scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&work, &zero);
}

/*
 * A first packet: choose a backend, remember both directions.  Return 0, and what it
 * becomes in scratch(); -1 if it is to no service.
 */
static __always_inline int connect(const struct lb_conn_key *key)
{
	const struct lb_backend *b;
	const struct lb_vip *vip;
	struct lb_stats *st;
	const __u32 *index;
	struct work *w = scratch();

	if (!w)
		return -1;
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

static __always_inline void count(__u32 backend)
{
	struct lb_stats *st = bpf_map_lookup_elem(&stats, &backend);

	if (st)
		st->packets++;
}

/*
 * The barrier keeps the compiler from making one store of those of two directions, to
 * one of two places: of that the daemon could not tell where it writes.
 */
static __always_inline void set_mac(__u8 *mac, const struct lb_conn *to)
{
	*(__u32 *)mac = *(const __u32 *)to->mac;
	*(__u16 *)(mac + 4) = *(const __u16 *)(to->mac + 4);
	asm volatile("" : : : "memory");
}

static __always_inline int balance(struct __sk_buff *skb)
{
	const struct lb_conn *known;
	struct ovs_ipv4_l4 p;
	union conn_key k;
	struct lb_conn to;
	struct work *w;

	if (ovs_parse_ipv4_l4(skb, &p))
		return TC_ACT_OK;
	k.words[0] = *(const __u64 *)((const void *)p.ip + offsetof(struct iphdr, saddr));
	k.words[1] = (__u64)p.proto << 32 | p.both_ports;
	known = bpf_map_lookup_elem(&conns, &k.key);
	if (!known) {
		if (connect(&k.key))
			return TC_ACT_OK;
		/* Looked up anew: of a pointer or NULL, 6.1 takes NULL for a guess. */
		w = scratch();
		if (!w)
			return TC_ACT_OK;
		known = &w->to;
	}
	to = *known;
	if (to.is_reply) {
		if (ovs_set_ipv4_addr(skb, &p, IP_OFS(saddr), k.key.src, to.addr))
			return TC_ACT_SHOT;
		set_mac(p.eth->h_source, &to);
	} else {
		if (ovs_set_ipv4_addr(skb, &p, IP_OFS(daddr), k.key.dst, to.addr))
			return TC_ACT_SHOT;
		set_mac(p.eth->h_dest, &to);
	}
	count(to.backend);
	ovs_set_result(skb, to.backend);
	return TC_ACT_OK;
}

SEC("tc")
int lb(struct __sk_buff *skb)
{
	return balance(skb);
}

char LICENSE[] SEC("license") = "GPL";
