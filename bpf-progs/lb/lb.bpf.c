// SPDX-License-Identifier: GPL-2.0
/*
 * A load balancer for TCP and UDP over IPv4, as an action program.
 *
 * A packet to a service gets the address and MAC of a backend; a reply gets
 * those of the service.  The backend is chosen by a hash of the 5-tuple over a
 * table that userspace fills (Maglev's way, NSDI 2016), and remembered, so that
 * a connection stays with its backend when the table changes.  Any other packet
 * passes unchanged.
 *
 * What became of a connection's packet is at hand for the next that this CPU sees
 * within a few ticks.  So the table of connections is asked too seldom to cost much,
 * and often enough to know which are in use; and what userspace deletes there is
 * gone after as many ticks.
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

/* A connection's key; in whole words, as what is written piece by piece is slow to read. */
union conn_key {
	struct lb_conn_key key;
	__u64 words[2];
};

/*
 * A connection that had a packet in @period, what its packets become, and by what their
 * checksum changes.  One of no protocol is none.
 */
struct recent {
	union conn_key key;
	__u64 period;
	struct lb_conn to;
	__u32 diff;
};

#define RECENT_BITS 12
/* A period has eight ticks. */
#define PERIOD_SHIFT 3

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << RECENT_BITS);
	__type(key, __u32);
	__type(value, struct recent);
} recent SEC(".maps");

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

/*
 * A first packet: choose a backend, remember both directions.  Return 0, and what it
 * becomes in @to; -1 if it is to no service.
 */
static __always_inline int connect(const struct lb_conn_key *key, struct lb_conn *to)
{
	const struct lb_backend *b;
	const struct lb_vip *vip;
	struct lb_stats *st;
	const __u32 *index;
	struct work *w;
	__u32 zero = 0;

	w = bpf_map_lookup_elem(&work, &zero);
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
	*to = (struct lb_conn){ .addr = b->addr, .backend = w->index };
	__builtin_memcpy(to->mac, b->mac, sizeof(to->mac));
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
	if (bpf_map_update_elem(&conns, key, to, BPF_ANY) ||
	    bpf_map_update_elem(&conns, &w->back_key, &w->back, BPF_ANY))
		return -1;
	st = bpf_map_lookup_elem(&stats, &w->index);
	if (st)
		st->conns++;
	return 0;
}

/*
 * Where a connection's last packet is remembered, if it was of this one.  Attackers may
 * know this hash: the worst that they can do is to have the table asked.
 */
static __always_inline struct recent *recent_of(union conn_key k)
{
	__u64 h = (k.words[0] ^ k.words[1]) * 0x9e3779b97f4a7c15;
	__u32 index = h >> (64 - RECENT_BITS);

	return bpf_map_lookup_elem(&recent, &index);
}

/* What becomes of a packet, in @r.  Return: 0, or -1: it passes unchanged. */
static __always_inline int find(union conn_key k, struct recent *r)
{
	__u64 period = bpf_jiffies64() >> PERIOD_SHIFT;
	const struct lb_conn *known;
	__be32 from;

	if (r->key.words[0] == k.words[0] && r->key.words[1] == k.words[1] &&
	    r->period == period)
		return 0;
	r->key = k;
	r->period = period;
	known = bpf_map_lookup_elem(&conns, &r->key.key);
	if (known) {
		r->to = *known;
	} else if (connect(&r->key.key, &r->to)) {
		r->key.key.proto = 0;
		return -1;
	}
	/* The barrier: lest one load has an offset that varies, as of set_mac(). */
	from = r->key.key.dst;
	asm volatile("" : "+r"(from));
	if (r->to.is_reply)
		from = r->key.key.src;
	r->diff = ovs_csum_diff4(from, r->to.addr);
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
	struct ovs_ipv4_l4 p;
	union conn_key k;
	struct recent *r;

	if (ovs_parse_ipv4_l4(skb, &p))
		goto pass;
	k.words[0] = *(const __u64 *)((const void *)p.ip + offsetof(struct iphdr, saddr));
	k.words[1] = (__u64)p.both_ports << 32 | p.proto;
	r = recent_of(k);
	if (!r || find(k, r))
		goto pass;
	p.proto = r->key.key.proto;	/* the same, nearer */
	if (r->to.is_reply) {
		if (ovs_set_ipv4_addr_diff(skb, &p, IP_OFS(saddr), r->key.key.src,
					   r->to.addr, r->diff))
			return TC_ACT_SHOT;
		set_mac(p.eth->h_source, &r->to);
	} else {
		if (ovs_set_ipv4_addr_diff(skb, &p, IP_OFS(daddr), r->key.key.dst,
					   r->to.addr, r->diff))
			return TC_ACT_SHOT;
		set_mac(p.eth->h_dest, &r->to);
	}
	count(r->to.backend);
	ovs_set_result(skb, r->to.backend);
pass:
	/* Lest each test sets the verdict before it is made. */
	asm volatile("");
	return TC_ACT_OK;
}

SEC("tc")
int lb(struct __sk_buff *skb)
{
	return balance(skb);
}

char LICENSE[] SEC("license") = "GPL";
