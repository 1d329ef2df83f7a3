// SPDX-License-Identifier: GPL-2.0-or-later
/* The abstract interpreter: what one instruction does to a state. */
#include "absint.h"

#include <linux/if_ether.h>
#include <string.h>

/* Of newer kernels than the headers may be. */
#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif
#define ATOMIC_LOAD_ACQ 0x100
#define ATOMIC_STORE_REL 0x110
#define CAST_ADDR_SPACE 1

#define L3_OFS ETH_HLEN
#define OFS_END(member)							\
	(offsetof(struct __sk_buff, member) +				\
	 sizeof(((struct __sk_buff *)0)->member))

/* Facts are told from these: the type, IPv4's length (L3_OFS), IPv6's next header. */
#define TYPE_OFS 12
#define NEXT_HDR_OFS (L3_OFS + 6)

/**
 * absint_anything - the program may write anything
 * @x: the analysis; goes on, for the metadata.
 * @pc: the instruction to blame; the first is kept.
 * @why: why.
 * @helper: its helper, if it is about one.
 */
void absint_anything(struct absint *x, uint32_t pc, enum pw_why why, int helper)
{
	if (x->pw->anything)
		return;
	x->pw->anything = true;
	x->pw->why = why;
	x->pw->insn = pc;
	x->pw->helper = helper;
}

/* Likewise, and any metadata too; there is no more to find. */
void absint_give_up(struct absint *x, uint32_t pc, enum pw_why why, int helper)
{
	absint_anything(x, pc, why, helper);
	x->pw->meta = PW_META_ALL;
	x->stop = true;
}

/* Where writes are noted to a packet of which this is known. */
static struct pw_class *class_of(struct progwrites *pw, uint16_t type)
{
	uint32_t i;

	/* A length, or a tag: then layer 3 is elsewhere. */
	if (type < ETH_P_802_3_MIN || type == ETH_P_8021Q ||
	    type == ETH_P_8021AD)
		return &pw->class[0];
	for (i = 1; i < pw->n_classes; i++)
		if (pw->class[i].eth_type == type)
			return &pw->class[i];
	if (pw->n_classes == PW_CLASSES)
		return &pw->class[0];
	pw->class[i].eth_type = type;
	pw->n_classes++;
	return &pw->class[i];
}

static void note(struct pw_bytes *b, int64_t from, int64_t to)
{
	int64_t i;

	for (i = from; i < to && i < PW_BYTES; i++)
		b->bits[i / 64] |= 1ull << i % 64;
	if (to > PW_BYTES)
		b->beyond = true;
}

/**
 * absint_write - bytes of the packet may be written
 * @x: the analysis.
 * @s: the state.
 * @pc: the instruction.
 * @ptr: where, of VAL_PACKET.
 * @ofs: added to it.
 * @len: bytes at most.
 */
void absint_write(struct absint *x, struct absstate *s, uint32_t pc,
		  struct absval ptr, int ofs, uint64_t len)
{
	int64_t from = ptr.slo + ofs, to = ptr.shi + ofs + (int64_t)len;
	const struct facts *f = &s->facts;
	struct pw_class *c;

	/* The kernel lets nothing be written before the packet. */
	if (from < 0)
		from = 0;
	if (!len)
		return;
	if (to <= from) {
		absint_anything(x, pc, PW_WHY_POINTER, 0);
		return;
	}
	c = class_of(x->pw, f->eth_type);
	/*
	 * With an invalid length of the IPv4 header, what is taken for layer 4
	 * is in that header.  The datapath reads no field of such a packet, as
	 * long as the length itself, at L3_OFS, is not written.
	 */
	if (c->eth_type == ETH_P_IP && ptr.sym == SYM_L4 && from > L3_OFS &&
	    ptr.dlo + ofs >= L3_OFS)
		note(&c->l4, ptr.dlo + ofs - L3_OFS,
		     ptr.dhi + ofs - L3_OFS + (int64_t)len);
	else if (c->eth_type == ETH_P_IP && f->ihl5 && from >= L3_OFS + 20)
		note(&c->l4, from - L3_OFS - 20, to - L3_OFS - 20);
	else if (c->eth_type == ETH_P_IPV6 && f->next_l4 && from >= L3_OFS + 40)
		note(&c->l4, from - L3_OFS - 40, to - L3_OFS - 40);
	else
		note(&c->data, from, to);
	if ((from <= L3_OFS && to > TYPE_OFS) ||
	    (from <= NEXT_HDR_OFS && to > NEXT_HDR_OFS))
		s->facts.dirty = true;
}

static struct absval reg_or_imm(const struct absstate *s,
				const struct bpf_insn *i)
{
	return BPF_SRC(i->code) == BPF_X ? s->reg[i->src_reg] :
	       val_const((int64_t)i->imm);
}

/* A number of some bits, its sign extended. */
static struct absval sign_extended(struct absval v, unsigned int bits)
{
	return v.kind == VAL_SCALAR && !v.shl32 && v.hi >> (bits - 1) == 0 ?
	       v : val_size(8);
}

/**
 * absint_alu - arithmetic
 * @x: the analysis.
 * @s: the state.
 * @pc: the instruction.
 *
 * Return: whether the instruction is known.
 */
bool absint_alu(struct absint *x, struct absstate *s, uint32_t pc)
{
	const struct bpf_insn *i = &x->insns[pc];
	bool is64 = BPF_CLASS(i->code) == BPF_ALU64, swap;
	struct absval *dst = &s->reg[i->dst_reg], v = reg_or_imm(s, i);
	uint8_t op = BPF_OP(i->code);

	if (op == BPF_END) {
		if (i->imm != 16 && i->imm != 32 && i->imm != 64)
			return false;
		swap = is64 || (BPF_SRC(i->code) == BPF_TO_BE) ==
		       (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
		*dst = val_end(swap, i->imm, *dst);
		return true;
	}
	if (op > BPF_END)
		return false;
	if (!i->off) {
		*dst = val_alu(op, is64, *dst, v);
	} else if (op == BPF_MOV && i->off == CAST_ADDR_SPACE) {
		*dst = val_kind(VAL_OTHER);
	} else if (op == BPF_MOV && (i->off == 8 || i->off == 16 ||
				     i->off == 32)) {
		v = sign_extended(v, i->off);
		*dst = is64 ? v : val_zext32(v);
	} else if (op == BPF_DIV || op == BPF_MOD) {
		*dst = val_size(is64 ? 8 : 4);
	} else {
		return false;
	}
	return true;
}

static struct absval load_ctx(int64_t ofs, unsigned int size)
{
	const int64_t data = offsetof(struct __sk_buff, data);

	if (ofs == data && size == 4)
		return val_kind(VAL_PACKET);
	if (ofs < data + 4 && ofs + size > data)
		return val_kind(VAL_ANY);
	/* The end, the metadata in front, the socket: not the packet. */
	if (size == 8 || ofs == offsetof(struct __sk_buff, data_end) ||
	    ofs == offsetof(struct __sk_buff, data_meta))
		return val_kind(VAL_OTHER);
	return val_size(size);
}

static struct absval load_packet(const struct absstate *s,
				 const struct absval *ptr, int ofs,
				 unsigned int size)
{
	struct absval v = val_size(size);
	int64_t at = ptr->slo + ofs;

	if (ptr->slo != ptr->shi || s->facts.dirty || at < TYPE_OFS ||
	    at > NEXT_HDR_OFS || size > 2 ||
	    __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return v;
	v.sym = SYM_BYTES;
	v.b_ofs = at;
	v.b_n = size;
	return v;
}

static struct absval load(const struct absstate *s, const struct absval *ptr,
			  int ofs, unsigned int size)
{
	switch (ptr->kind) {
	case VAL_CTX:
		return load_ctx(ptr->slo + ofs, size);
	case VAL_PACKET:
		return load_packet(s, ptr, ofs, size);
	case VAL_STACK:
		return stack_load(s, ptr, ofs, size);
	case VAL_OTHER:
		return size == 8 ? val_kind(VAL_OTHER) : val_size(size);
	default:
		return size == 8 ? val_kind(VAL_ANY) : val_size(size);
	}
}

static unsigned int size_of(const struct bpf_insn *i)
{
	static const uint8_t sizes[] = { 4, 2, 1, 8 };

	return sizes[BPF_SIZE(i->code) >> 3];
}

/**
 * absint_load - a load
 * @x: the analysis.
 * @s: the state.
 * @pc: the instruction; of a constant of 64 bits, the first half.
 *
 * Return: whether the instruction is known.
 */
bool absint_load(struct absint *x, struct absstate *s, uint32_t pc)
{
	const struct bpf_insn *i = &x->insns[pc];
	struct absval *dst = &s->reg[i->dst_reg];
	unsigned int r;

	if (BPF_CLASS(i->code) == BPF_LDX) {
		struct absval v = load(s, &s->reg[i->src_reg], i->off, size_of(i));

		if (BPF_MODE(i->code) == BPF_MEMSX)
			v = sign_extended(v, 8 * size_of(i));
		else if (BPF_MODE(i->code) != BPF_MEM)
			return false;
		*dst = v;
		return true;
	}
	if (i->code == (BPF_LD | BPF_IMM | BPF_DW)) {
		if (pc + 1 >= x->n)
			return false;
		*dst = i->src_reg ? val_kind(VAL_OTHER) :
		       val_const((uint32_t)i->imm | (uint64_t)(uint32_t)i[1].imm << 32);
		return true;
	}
	if (BPF_MODE(i->code) != BPF_ABS && BPF_MODE(i->code) != BPF_IND)
		return false;
	s->reg[0] = val_size(8);
	for (r = 1; r <= 5; r++)
		s->reg[r] = val_size(8);
	return true;
}

/* A store to the context: every byte must belong to a field that is known. */
static void store_ctx(struct absint *x, uint32_t pc, int64_t ofs,
		      unsigned int size)
{
	static const struct { uint16_t from, to, meta; } fields[] = {
#define FIELD(f, m) { offsetof(struct __sk_buff, f), OFS_END(f), m }
		FIELD(mark, PW_MARK), FIELD(priority, PW_PRIORITY),
		FIELD(cb[0], PW_RESULT), FIELD(cb[1], PW_CB),
		FIELD(cb[2], PW_CB), FIELD(cb[3], PW_CB), FIELD(cb[4], PW_CB),
		FIELD(tc_index, PW_TC_INDEX), FIELD(tc_classid, PW_TC_CLASSID),
		FIELD(queue_mapping, PW_QUEUE), FIELD(tstamp, PW_TSTAMP),
#undef FIELD
	};
	unsigned int i, n = 0;
	int64_t b;

	for (b = ofs; b < ofs + size; b++) {
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			if (b < fields[i].from || b >= fields[i].to)
				continue;
			x->pw->meta |= fields[i].meta;
			n++;
		}
	}
	if (n != size)
		absint_give_up(x, pc, PW_WHY_CONTEXT, 0);
}

static void store(struct absint *x, struct absstate *s, uint32_t pc,
		  const struct absval *ptr, struct absval v)
{
	const struct bpf_insn *i = &x->insns[pc];
	unsigned int size = size_of(i);

	switch (ptr->kind) {
	case VAL_CTX:
		store_ctx(x, pc, ptr->slo + i->off, size);
		break;
	case VAL_PACKET:
		absint_write(x, s, pc, *ptr, i->off, size);
		break;
	case VAL_STACK:
		stack_store(s, ptr, i->off, size, v);
		break;
	case VAL_SCALAR:
	case VAL_ANY:
		absint_anything(x, pc, PW_WHY_POINTER, 0);
		stack_forget(s);
		break;
	default:
		break;
	}
}

static bool store_atomic(struct absint *x, struct absstate *s, uint32_t pc)
{
	const struct bpf_insn *i = &x->insns[pc];
	struct absval ptr = s->reg[i->dst_reg], old, *to = NULL;
	unsigned int size = size_of(i);

	switch (i->imm) {
	case ATOMIC_LOAD_ACQ:
		s->reg[i->dst_reg] = load(s, &s->reg[i->src_reg], i->off, size);
		return i->dst_reg != BPF_REG_10;
	case ATOMIC_STORE_REL:
		store(x, s, pc, &ptr, s->reg[i->src_reg]);
		return true;
	case BPF_CMPXCHG:
		to = &s->reg[0];
		break;
	case BPF_XCHG:
	case BPF_ADD | BPF_FETCH:
	case BPF_OR | BPF_FETCH:
	case BPF_AND | BPF_FETCH:
	case BPF_XOR | BPF_FETCH:
		if (i->src_reg == BPF_REG_10)
			return false;
		to = &s->reg[i->src_reg];
		break;
	case BPF_ADD:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
		break;
	default:
		return false;
	}
	old = load(s, &ptr, i->off, size);
	old.sym = SYM_NONE;
	store(x, s, pc, &ptr, val_kind(VAL_ANY));
	if (to)
		*to = old;
	return true;
}

/**
 * absint_store - a store
 * @x: the analysis.
 * @s: the state.
 * @pc: the instruction.
 *
 * Return: whether the instruction is known.
 */
bool absint_store(struct absint *x, struct absstate *s, uint32_t pc)
{
	const struct bpf_insn *i = &x->insns[pc];
	struct absval ptr = s->reg[i->dst_reg];

	if (BPF_MODE(i->code) == BPF_ATOMIC && BPF_CLASS(i->code) == BPF_STX)
		return store_atomic(x, s, pc);
	if (BPF_MODE(i->code) != BPF_MEM)
		return false;
	store(x, s, pc, &ptr, BPF_CLASS(i->code) == BPF_STX ?
	      s->reg[i->src_reg] : val_const((int64_t)i->imm));
	return true;
}

/* A number that was taken from the packet is known now. */
static void learn(struct facts *f, const struct absval *v)
{
	static const uint8_t transports[] = { 6, 17, 58, 132 };
	unsigned int i;

	if (!val_is_const(v))
		return;
	if (v->sym == SYM_IHL && v->lo == 5)
		f->ihl5 = true;
	if (v->sym == SYM_L4 && v->dlo == v->dhi &&
	    v->lo == (uint64_t)(20 + (int64_t)v->dlo))
		f->ihl5 = true;
	if (v->sym != SYM_BYTES || v->b_shift)
		return;
	if (v->b_ofs == TYPE_OFS && v->b_n == 2)
		f->eth_type = v->b_swap ? v->lo : __builtin_bswap16(v->lo);
	if (v->b_ofs == L3_OFS && v->b_n == 1 && v->lo == 0x45)
		f->ihl5 = true;
	for (i = 0; i < sizeof(transports); i++)
		if (v->b_ofs == NEXT_HDR_OFS && v->b_n == 1 &&
		    v->lo == transports[i])
			f->next_l4 = true;
}

/**
 * absint_compare - go on behind a conditional jump
 * @x: the analysis.
 * @s: the state.
 * @pc: the instruction.
 * @taken: the jump is taken.
 *
 * Return: whether that is possible.
 */
bool absint_compare(struct absint *x, struct absstate *s, uint32_t pc,
		    bool taken)
{
	const struct bpf_insn *i = &x->insns[pc];
	bool is64 = BPF_CLASS(i->code) == BPF_JMP;
	struct absval *a = &s->reg[i->dst_reg], b = reg_or_imm(s, i);

	if (BPF_SRC(i->code) == BPF_K && !is64)
		b = val_const((uint32_t)i->imm);
	if (BPF_SRC(i->code) == BPF_X && i->src_reg == i->dst_reg)
		return true;
	if (!val_refine(BPF_OP(i->code), is64, taken, a, &b))
		return false;
	learn(&s->facts, a);
	learn(&s->facts, &b);
	if (BPF_SRC(i->code) == BPF_X)
		s->reg[i->src_reg] = b;
	return true;
}
