// SPDX-License-Identifier: GPL-2.0-or-later
/* Abstract values: arithmetic, what a comparison tells; see absval.h. */
#include "absval.h"

#include <linux/bpf.h>
#include <string.h>

struct absval val_scalar(uint64_t lo, uint64_t hi)
{
	struct absval v = { .kind = VAL_SCALAR };

	v.lo = lo;
	v.hi = hi;
	return v;
}

struct absval val_kind(enum val_kind kind)
{
	struct absval v = { .kind = kind };

	return v;
}

/* A number of some bytes, of which nothing else is known. */
struct absval val_size(unsigned int bytes)
{
	return val_scalar(0, bytes < 8 ? (1ull << 8 * bytes) - 1 : UINT64_MAX);
}

/* A value as an operand of arithmetic that makes a number of anything. */
static struct absval number(struct absval v)
{
	return v.kind == VAL_SCALAR && !v.shl32 ? v : val_size(8);
}

/* The value of the lower 32 bits. */
struct absval val_zext32(struct absval v)
{
	v = number(v);
	if (v.hi <= UINT32_MAX)
		return v;
	return v.lo == v.hi ? val_const((uint32_t)v.lo) : val_size(4);
}

static int64_t clamp(int64_t n)
{
	return n < -OFS_MAX ? -OFS_MAX : n > OFS_MAX ? OFS_MAX : n;
}

/* A number as a displacement: whether it is known to be small. */
static bool displacement(struct absval v, int64_t *lo, int64_t *hi)
{
	if (v.kind != VAL_SCALAR || v.shl32)
		return false;
	if (v.hi <= INT64_MAX || v.lo > INT64_MAX) {
		*lo = clamp((int64_t)v.lo);
		*hi = clamp((int64_t)v.hi);
		return true;
	}
	return false;
}

static void sym_shift(struct absval *v, int64_t lo, int64_t hi)
{
	if (v->sym != SYM_L4 || v->dlo + lo < -SYM_MAX || v->dhi + hi > SYM_MAX) {
		v->sym = SYM_NONE;
		return;
	}
	v->dlo += lo;
	v->dhi += hi;
}

/* Move a pointer by a number; @sign is 1 or -1. */
static struct absval pointer_move(struct absval p, struct absval n, int sign)
{
	int64_t lo = -OFS_MAX, hi = OFS_MAX, t;
	bool known = displacement(n, &lo, &hi);

	if (p.kind == VAL_OTHER || p.kind == VAL_CALLER)
		return p;
	if (p.kind == VAL_CTX) {
		if (!known || lo != hi)
			return val_kind(VAL_ANY);
		p.slo = clamp(p.slo + sign * lo);
		return p;
	}
	if (sign < 0) {
		t = lo;
		lo = -hi;
		hi = -t;
	}
	if (p.kind == VAL_PACKET && !p.sym && n.sym == SYM_L4 && sign > 0 &&
	    known && p.slo > -SYM_MAX && p.shi < SYM_MAX) {
		p.sym = SYM_L4;
		p.dlo = p.slo + n.dlo;
		p.dhi = p.shi + n.dhi;
	} else if (known && n.sym != SYM_L4) {
		sym_shift(&p, lo, hi);
	} else {
		p.sym = SYM_NONE;
	}
	/* What is at the limit may be anywhere beyond it, and remains so. */
	if (p.slo > -OFS_MAX)
		p.slo = lo > -OFS_MAX ? clamp(p.slo + lo) : -OFS_MAX;
	if (p.shi < OFS_MAX)
		p.shi = hi < OFS_MAX ? clamp(p.shi + hi) : OFS_MAX;
	return p;
}

static struct absval add_numbers(struct absval a, struct absval b)
{
	int64_t c;

	if (val_is_const(&a)) {
		struct absval t = a;

		a = b;
		b = t;
	}
	if (val_is_const(&b) && (int64_t)b.lo < 0) {
		c = -(int64_t)b.lo;
		if (b.lo == (uint64_t)INT64_MIN || a.lo < (uint64_t)c)
			return val_size(8);
		a.lo -= c;
		a.hi -= c;
		sym_shift(&a, -c, -c);
		return a;
	}
	if (a.hi > UINT64_MAX - b.hi)
		return val_size(8);
	a.lo += b.lo;
	a.hi += b.hi;
	if (b.hi < SYM_MAX && b.sym != SYM_L4)
		sym_shift(&a, b.lo, b.hi);
	else
		a.sym = SYM_NONE;
	return a;
}

static struct absval add(struct absval a, struct absval b)
{
	if (a.kind == VAL_SCALAR && b.kind == VAL_SCALAR)
		return add_numbers(number(a), number(b));
	if (b.kind == VAL_SCALAR && a.kind != VAL_ANY)
		return pointer_move(a, b, 1);
	if (a.kind == VAL_SCALAR && b.kind != VAL_ANY)
		return pointer_move(b, a, 1);
	/* Of two pointers' kinds either may be the number. */
	return val_kind(a.kind == VAL_OTHER && b.kind == VAL_OTHER ? VAL_OTHER :
			VAL_ANY);
}

static struct absval sub(struct absval a, struct absval b)
{
	if (a.kind == VAL_SCALAR) {
		/* A pointer is never taken from a number. */
		a = number(a);
		b = number(b);
		if (val_is_const(&b) && b.lo && b.lo != (uint64_t)INT64_MIN)
			return add_numbers(a, val_const(-b.lo));
		return a.lo >= b.hi ? val_scalar(a.lo - b.hi, a.hi - b.lo) :
		       val_size(8);
	}
	if (a.kind == VAL_OTHER && b.kind != VAL_ANY)
		return a;	/* or a number, if both are pointers */
	if (b.kind == VAL_SCALAR && a.kind != VAL_ANY)
		return pointer_move(a, b, -1);
	return val_kind(VAL_ANY);
}

/* All bits up to the highest that is set. */
static uint64_t fill(uint64_t n)
{
	return n ? UINT64_MAX >> __builtin_clzll(n) : 0;
}

static struct absval and(struct absval a, struct absval b)
{
	struct absval v;

	if (val_is_const(&a)) {
		v = a;
		a = b;
		b = v;
	}
	v = val_scalar(0, a.hi < b.hi ? a.hi : b.hi);
	if (!val_is_const(&b))
		return v;
	if ((b.lo & fill(a.hi)) == fill(a.hi))
		return a;
	if (a.sym == SYM_BYTES && a.b_ofs == 14 && a.b_n == 1 && !a.b_shift &&
	    b.lo == 15)
		v.sym = SYM_IHL;
	if (a.sym == SYM_BYTE14_X4 && b.lo == 60)
		v.sym = SYM_L4;
	return v;
}

static struct absval or(struct absval a, struct absval b)
{
	struct absval v = val_scalar(a.lo > b.lo ? a.lo : b.lo,
				     fill(a.hi | b.hi));

	if (a.sym != SYM_BYTES || b.sym != SYM_BYTES || a.b_swap || b.b_swap)
		return v;
	if (a.b_shift > b.b_shift) {
		struct absval t = a;

		a = b;
		b = t;
	}
	if (a.b_n == 1 && b.b_n == 1 && !a.b_shift && b.b_shift == 1 &&
	    b.b_ofs == a.b_ofs + 1) {
		v.sym = SYM_BYTES;
		v.b_ofs = a.b_ofs;
		v.b_n = 2;
	}
	return v;
}

static struct absval times(struct absval a, uint64_t n)
{
	struct absval v;

	if (a.hi && n > UINT64_MAX / a.hi)
		return val_size(8);
	v = val_scalar(a.lo * n, a.hi * n);
	if (a.sym == SYM_BYTES && a.b_n == 1 && !a.b_shift && n == 256) {
		v.sym = SYM_BYTES;
		v.b_ofs = a.b_ofs;
		v.b_n = 1;
		v.b_shift = 1;
	}
	if (a.sym == SYM_BYTES && a.b_n == 1 && !a.b_shift && n == 4 &&
	    a.b_ofs == 14)
		v.sym = SYM_BYTE14_X4;
	if (a.sym == SYM_IHL && n == 4)
		v.sym = SYM_L4;
	return v;
}

static struct absval shift(uint8_t op, struct absval a, struct absval b)
{
	unsigned int n = b.lo & 63;

	if (!val_is_const(&b) || b.lo > 63)
		return val_size(8);
	if (op == BPF_LSH && n == 32 && a.kind == VAL_SCALAR && !a.shl32 &&
	    a.hi <= UINT32_MAX) {
		a.shl32 = true;
		return a;
	}
	if (a.shl32 && n == 32 && (op == BPF_RSH || a.hi <= INT32_MAX)) {
		a.shl32 = false;
		return a;
	}
	if (a.shl32 && n == 32 && op == BPF_RSH)
		return val_size(4);
	a = number(a);
	if (op == BPF_LSH)
		return times(a, 1ull << n);
	if (!n)
		return a;
	if (op == BPF_ARSH && a.hi > INT64_MAX)
		return val_size(8);
	return val_scalar(a.lo >> n, a.hi >> n);
}

static struct absval div_mod(uint8_t op, struct absval a, struct absval b)
{
	if (!val_is_const(&b) || !b.lo)
		return val_size(8);
	if (op == BPF_DIV)
		return val_scalar(a.lo / b.lo, a.hi / b.lo);
	return a.hi < b.lo ? a : val_scalar(0, b.lo - 1);
}

static struct absval alu64(uint8_t op, struct absval a, struct absval b)
{
	switch (op) {
	case BPF_MOV:
		return b;
	case BPF_ADD:
		return add(a, b);
	case BPF_SUB:
		return sub(a, b);
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		return shift(op, a, number(b));
	}
	a = number(a);
	b = number(b);
	switch (op) {
	case BPF_AND:
		return and(a, b);
	case BPF_OR:
		return or(a, b);
	case BPF_XOR:
		return val_scalar(0, fill(a.hi | b.hi));
	case BPF_MUL:
		if (val_is_const(&b))
			return times(a, b.lo);
		return b.hi && a.hi > UINT64_MAX / b.hi ? val_size(8) :
		       val_scalar(a.lo * b.lo, a.hi * b.hi);
	case BPF_DIV:
	case BPF_MOD:
		return div_mod(op, a, b);
	default:
		return val_size(8);
	}
}

/* A 32-bit constant as the signed number that it may stand for. */
static struct absval sext_const(struct absval v)
{
	return val_is_const(&v) ? val_const((int64_t)(int32_t)v.lo) : v;
}

/**
 * val_alu - the result of an operation
 * @op: BPF_ADD and so on; unknown ones give any number.
 * @is64: of 64 bits, or of the lower 32.
 * @a: left operand.
 * @b: right operand.
 */
struct absval val_alu(uint8_t op, bool is64, struct absval a, struct absval b)
{
	if (is64)
		return alu64(op, a, b);
	a = val_zext32(a);
	b = val_zext32(b);
	if (op == BPF_ADD || op == BPF_SUB)
		b = sext_const(b);
	if ((op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH) && b.lo > 31)
		return val_size(4);
	if (op == BPF_ARSH && a.hi > INT32_MAX)
		return val_size(4);
	return val_zext32(alu64(op, a, b));
}

/**
 * val_end - the result of a byte swap or a truncation
 * @swap: bytes are swapped.
 * @bits: 16, 32 or 64.
 * @v: operand.
 */
struct absval val_end(bool swap, unsigned int bits, struct absval v)
{
	struct absval r = val_size(bits / 8);

	v = number(v);
	if (!swap)
		return v.hi <= r.hi ? v : r;
	if (bits == 16 && v.sym == SYM_BYTES && v.b_n == 2) {
		r.sym = SYM_BYTES;
		r.b_ofs = v.b_ofs;
		r.b_n = 2;
		r.b_swap = !v.b_swap;
	}
	return r;
}

/* a < b, or a <= b: narrow both.  Return: whether that is possible. */
static bool refine_less(struct absval *a, struct absval *b, bool or_equal)
{
	uint64_t less = or_equal ? 0 : 1;

	if (b->hi < less || a->lo > UINT64_MAX - less)
		return false;
	if (a->hi > b->hi - less)
		a->hi = b->hi - less;
	if (b->lo < a->lo + less)
		b->lo = a->lo + less;
	return a->lo <= a->hi && b->lo <= b->hi;
}

static bool refine_equal(struct absval *a, struct absval *b)
{
	uint64_t lo = a->lo > b->lo ? a->lo : b->lo;
	uint64_t hi = a->hi < b->hi ? a->hi : b->hi;

	a->lo = b->lo = lo;
	a->hi = b->hi = hi;
	return lo <= hi;
}

static bool refine_differ(struct absval *a, const struct absval *b)
{
	if (!val_is_const(b))
		return true;
	if (a->lo == b->lo && a->hi == b->lo)
		return false;
	if (a->lo == b->lo)
		a->lo++;
	else if (a->hi == b->lo)
		a->hi--;
	return true;
}

/* The comparison that holds: that of the instruction, or its opposite. */
static uint8_t opposite(uint8_t op)
{
	static const uint8_t pairs[][2] = {
		{ BPF_JEQ, BPF_JNE }, { BPF_JGT, BPF_JLE }, { BPF_JGE, BPF_JLT },
		{ BPF_JSGT, BPF_JSLE }, { BPF_JSGE, BPF_JSLT },
	};
	unsigned int i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i][0] == op)
			return pairs[i][1];
		if (pairs[i][1] == op)
			return pairs[i][0];
	}
	return BPF_JSET;
}

/* Signed comparisons are unsigned ones among numbers that are not negative. */
static uint8_t as_unsigned(uint8_t op, bool is64, struct absval *a,
			   struct absval *b)
{
	uint64_t max = is64 ? INT64_MAX : INT32_MAX;

	switch (op) {
	case BPF_JSGT:
	case BPF_JSGE:
		if (b->hi > max)
			return BPF_JSET;
		if (a->hi > max && a->lo <= max)
			a->hi = max;	/* more than one that is not negative */
		if (a->hi > max)
			return BPF_JSET;
		return op == BPF_JSGT ? BPF_JGT : BPF_JGE;
	case BPF_JSLT:
	case BPF_JSLE:
		if (a->hi > max)
			return BPF_JSET;
		if (b->hi > max && b->lo <= max)
			b->hi = max;
		if (b->hi > max)
			return BPF_JSET;
		return op == BPF_JSLT ? BPF_JLT : BPF_JLE;
	default:
		return op;
	}
}

/**
 * val_refine - narrow two values by the outcome of a comparison
 * @op: BPF_JEQ and so on.
 * @is64: of 64 bits, or of the lower 32.
 * @taken: whether it is true.
 * @a: left operand.
 * @b: right operand.
 *
 * Return: false if that outcome is impossible.
 */
bool val_refine(uint8_t op, bool is64, bool taken, struct absval *a,
		struct absval *b)
{
	if (a->kind != VAL_SCALAR || b->kind != VAL_SCALAR || a->shl32 ||
	    b->shl32 || (!is64 && (a->hi > UINT32_MAX || b->hi > UINT32_MAX)))
		return true;
	op = as_unsigned(taken ? op : opposite(op), is64, a, b);
	switch (op) {
	case BPF_JEQ:
		return refine_equal(a, b);
	case BPF_JNE:
		return val_is_const(a) ? refine_differ(b, a) :
		       refine_differ(a, b);
	case BPF_JGT:
		return refine_less(b, a, false);
	case BPF_JGE:
		return refine_less(b, a, true);
	case BPF_JLT:
		return refine_less(a, b, false);
	case BPF_JLE:
		return refine_less(a, b, true);
	default:
		return true;
	}
}
