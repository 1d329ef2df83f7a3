// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What helpers do to the packet, by number.  One that is not in the table may do
 * anything: those that call back, that change the tunnel, and those of the
 * future.
 */
#include "absint.h"

/* What a helper may do beyond returning a number. */
enum {
	H_POINTER = 1 << 0,	/* returns a pointer, not to the packet */
	H_STORE = 1 << 1,	/* writes arg 4 bytes at offset arg 2 */
	H_CSUM = 1 << 2,	/* writes two bytes at offset arg 2 */
	H_REWRITE = 1 << 3,	/* may move or change the whole packet */
};

/**
 * struct helper - a helper that is known
 * @id: its number.
 * @name: without "bpf_".
 * @flags: H_*.
 * @mem: the argument that points to memory which it fills; 0: none.
 * @len: the argument that tells how many bytes; 0: see @size.
 * @size: bytes; 0: not known here.
 * @meta: &enum pw_meta that it writes.
 * @may: &enum pw_may.
 */
static const struct helper {
	int id;
	const char *name;
	uint8_t flags;
	uint8_t mem;
	uint8_t len;
	uint8_t size;
	uint16_t meta;
	uint16_t may;
} helpers[] = {
#define H(n, ...) { .id = BPF_FUNC_##n, .name = #n, __VA_ARGS__ }
	/* The packet. */
	H(skb_store_bytes, .flags = H_STORE),
	H(l3_csum_replace, .flags = H_CSUM),
	H(l4_csum_replace, .flags = H_CSUM),
	H(skb_load_bytes, .mem = 3, .len = 4),
	H(skb_load_bytes_relative, .mem = 3, .len = 4),
	H(skb_pull_data),
	H(csum_diff),
	H(csum_update),
	H(csum_level),
	H(skb_vlan_push, .flags = H_REWRITE, .may = PW_RESIZE | PW_VLAN),
	H(skb_vlan_pop, .flags = H_REWRITE, .may = PW_RESIZE | PW_VLAN),
	H(skb_change_proto, .flags = H_REWRITE, .may = PW_RESIZE),
	H(skb_change_tail, .flags = H_REWRITE, .may = PW_RESIZE),
	H(skb_change_head, .flags = H_REWRITE, .may = PW_RESIZE),
	H(skb_adjust_room, .flags = H_REWRITE, .may = PW_RESIZE),
	H(skb_ecn_set_ce, .flags = H_REWRITE),
	H(check_mtu, .mem = 3, .size = 4),
	/* Its metadata. */
	H(skb_change_type, .meta = PW_PKT_TYPE),
	H(get_hash_recalc, .meta = PW_HASH),
	H(set_hash_invalid, .meta = PW_HASH),
	H(set_hash, .meta = PW_HASH),
	H(skb_set_tstamp, .meta = PW_TSTAMP),
	H(skb_get_tunnel_key, .mem = 2, .len = 3),
	H(skb_get_tunnel_opt, .mem = 2, .len = 3),
	H(get_cgroup_classid),
	H(skb_cgroup_classid),
	H(get_route_realm),
	H(skb_under_cgroup),
	H(skb_cgroup_id),
	H(skb_ancestor_cgroup_id),
	H(get_socket_cookie),
	H(get_socket_uid),
	/* Where it goes. */
	H(redirect, .may = PW_REDIRECT),
	H(redirect_neigh, .may = PW_REDIRECT),
	H(redirect_peer, .may = PW_REDIRECT),
	H(clone_redirect, .may = PW_CLONE),
	H(fib_lookup, .mem = 2, .len = 3),
	/* Maps. */
	H(map_lookup_elem, .flags = H_POINTER),
	H(map_lookup_percpu_elem, .flags = H_POINTER),
	H(map_update_elem),
	H(map_delete_elem),
	H(map_push_elem),
	H(map_pop_elem, .mem = 2),
	H(map_peek_elem, .mem = 2),
	H(spin_lock),
	H(spin_unlock),
	H(per_cpu_ptr, .flags = H_POINTER),
	H(this_cpu_ptr, .flags = H_POINTER),
	H(ringbuf_output),
	H(ringbuf_reserve, .flags = H_POINTER),
	H(ringbuf_submit),
	H(ringbuf_discard),
	H(ringbuf_query),
	H(perf_event_output),
	H(trace_printk),
	H(trace_vprintk),
	H(snprintf, .mem = 1, .len = 2),
	/* Sockets. */
	H(sk_lookup_tcp, .flags = H_POINTER),
	H(sk_lookup_udp, .flags = H_POINTER),
	H(skc_lookup_tcp, .flags = H_POINTER),
	H(sk_release),
	H(sk_fullsock, .flags = H_POINTER),
	H(tcp_sock, .flags = H_POINTER),
	H(get_listener_sock, .flags = H_POINTER),
	H(tcp_check_syncookie),
	H(tcp_gen_syncookie),
	/* The rest of the world. */
	H(ktime_get_ns),
	H(ktime_get_boot_ns),
	H(ktime_get_coarse_ns),
	H(ktime_get_tai_ns),
	H(jiffies64),
	H(get_prandom_u32),
	H(get_smp_processor_id),
	H(get_numa_node_id),
	H(get_current_task),
	H(probe_read, .mem = 1, .len = 2),
	H(probe_read_kernel, .mem = 1, .len = 2),
	H(probe_read_user, .mem = 1, .len = 2),
	H(strtol, .mem = 4, .size = 8),
	H(strtoul, .mem = 4, .size = 8),
	H(strncmp),
#undef H
};

static const struct helper *helper_find(int id)
{
	unsigned int i;

	for (i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (helpers[i].id == id)
			return &helpers[i];
	return NULL;
}

/**
 * bpf_helper_name - the name of a helper
 * @id: its number.
 *
 * Return: without "bpf_"; NULL if it is not known here.
 */
const char *bpf_helper_name(int id)
{
	static const char *const names[] = {
#define NAME(n) [BPF_FUNC_##n] = #n
		__BPF_FUNC_MAPPER(NAME)
#undef NAME
	};

	return id > 0 && id < (int)(sizeof(names) / sizeof(names[0])) ?
	       names[id] : NULL;
}

/* The most that a length may be; no packet and no stack is longer. */
static uint64_t length(const struct absval *v)
{
	return v->kind == VAL_SCALAR && !v->shl32 && v->hi < 0x10000 ? v->hi :
	       0x10000;
}

/* Bytes of the packet, by an offset in a number, of which 32 bits count. */
static void write_at(struct absint *x, struct absstate *s, uint32_t pc,
		     const struct absval *ofs, uint64_t len)
{
	struct absval n = val_zext32(*ofs), p = n;

	p.kind = VAL_PACKET;
	p.slo = n.lo;
	p.shi = n.hi > 0xffff ? OFS_MAX : (int64_t)n.hi;
	if (p.sym != SYM_L4)
		p.sym = SYM_NONE;
	absint_write(x, s, pc, p, 0, len);
}

/* Memory of the program's that a helper fills. */
static void write_mem(struct absint *x, struct absstate *s, uint32_t pc,
		      const struct absval *ptr, uint64_t len, int id)
{
	switch (ptr->kind) {
	case VAL_PACKET:
		absint_write(x, s, pc, *ptr, 0, len);
		break;
	case VAL_STACK:
		stack_havoc(s, ptr->slo, ptr->shi + len);
		break;
	case VAL_CTX:
	case VAL_ANY:
		absint_anything(x, pc, PW_WHY_HELPER, id);
		stack_forget(s);
		break;
	default:
		break;
	}
}

static void do_helper(struct absint *x, struct absstate *s, uint32_t pc,
		      const struct helper *h)
{
	x->pw->meta |= h->meta;
	x->pw->may |= h->may;
	if (h->flags & H_REWRITE)
		absint_anything(x, pc, PW_WHY_HELPER, h->id);
	if (h->flags & H_STORE)
		write_at(x, s, pc, &s->reg[2], length(&s->reg[4]));
	if (h->flags & H_CSUM)
		write_at(x, s, pc, &s->reg[2], 2);
	if (h->mem)
		write_mem(x, s, pc, &s->reg[h->mem], h->len ?
			  length(&s->reg[h->len]) : h->size ? h->size : 0x10000,
			  h->id);
}

/**
 * absint_helper - call a helper
 * @x: the analysis.
 * @s: the state; left as it is behind the call.
 * @pc: the instruction.
 */
void absint_helper(struct absint *x, struct absstate *s, uint32_t pc)
{
	int id = x->insns[pc].imm;
	const struct helper *h = helper_find(id);
	unsigned int i;

	if (id == BPF_FUNC_tail_call) {
		x->pw->may |= PW_TAIL_CALL;
		absint_give_up(x, pc, PW_WHY_TAIL_CALL, id);
	} else if (!h) {
		absint_give_up(x, pc, PW_WHY_UNKNOWN_HELPER, id);
	} else {
		do_helper(x, s, pc, h);
	}
	s->reg[0] = h && h->flags & H_POINTER ? val_kind(VAL_OTHER) : val_size(8);
	for (i = 1; i <= 5; i++)
		s->reg[i] = val_size(8);
}
