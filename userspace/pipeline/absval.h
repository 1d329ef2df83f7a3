/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Abstract values of BPF registers and stack slots, and the state at one point
 * of a program.  For progwrites.c and its parts alone.
 *
 * The kinds form a lattice: a value of a pointer's kind may as well be a plain
 * number (as the kernel refuses to dereference numbers, that is no loss), and
 * VAL_ANY may be all.
 */
#ifndef ABSVAL_H
#define ABSVAL_H 1

#include <stdbool.h>
#include <stdint.h>

enum val_kind {
	VAL_SCALAR,	/* a number, from lo to hi, unsigned */
	VAL_CTX,	/* the context; offset lo */
	VAL_PACKET,	/* the packet, lo to hi bytes behind skb->data */
	VAL_STACK,	/* the stack of this function, lo to hi behind its top */
	VAL_CALLER,	/* a stack of a caller, of which nothing is known */
	VAL_OTHER,	/* a pointer to something else: map value, socket, ... */
	VAL_ANY,
};

/*
 * What a number is made of, apart from its interval.  All are about the packet
 * as it was before the program wrote to its headers.
 */
enum val_sym {
	SYM_NONE,
	SYM_BYTES,	/* bytes of the packet, in the order of memory */
	SYM_BYTE14_X4,	/* four times the byte at offset 14 */
	SYM_IHL,	/* the length field of an IPv4 header at offset 14 */
	SYM_L4,		/* four times that, and dlo to dhi */
};

/**
 * struct absval - an abstract value
 * @kind: &enum val_kind.
 * @sym: &enum val_sym; of VAL_SCALAR, SYM_L4 of VAL_PACKET too.
 * @shl32: the number is shifted left by 32 bits; all else is about what it was
 *	before.
 * @b_ofs: of SYM_BYTES: offset of the first.
 * @b_n: how many, 1 or 2.
 * @b_shift: by how many bytes they are shifted left.
 * @b_swap: they are swapped.
 * @dlo: of SYM_L4: what is added, at least.
 * @dhi: at most.
 * @lo: of VAL_SCALAR: unsigned; else a signed offset.
 * @hi: likewise, inclusive.
 */
struct absval {
	uint8_t kind;
	uint8_t sym;
	bool shl32;
	uint8_t b_ofs;
	uint8_t b_n;
	uint8_t b_shift;
	bool b_swap;
	int32_t dlo;
	int32_t dhi;
	union {
		uint64_t lo;
		int64_t slo;
	};
	union {
		uint64_t hi;
		int64_t shi;
	};
};

/* Offsets are cut to this: a packet is far shorter. */
#define OFS_MAX (1ll << 33)
#define SYM_MAX (1 << 20)

#define STACK_SIZE 512
#define N_SLOTS (STACK_SIZE / 8)

/**
 * struct slot - eight bytes of stack
 * @full: @v[0] was stored as a whole; else two numbers of 32 bits.
 * @v: the values.
 */
struct slot {
	bool full;
	struct absval v[2];
};

/**
 * struct facts - what has been found out about the packet that came
 * @eth_type: the two bytes at offset 12, in host order; 0: not known.
 * @ihl5: the length of an IPv4 header at 14 is 20.
 * @next_l4: the next header of an IPv6 header at 14 is a transport header.
 * @dirty: bytes that the above is told from may have been written.
 */
struct facts {
	uint16_t eth_type;
	bool ihl5;
	bool next_l4;
	bool dirty;
};

/**
 * struct absstate - the state before an instruction
 * @reg: registers.
 * @slot: the stack; slot 0 is at its lowest address.
 * @facts: about the packet.
 */
struct absstate {
	struct absval reg[11];
	struct slot slot[N_SLOTS];
	struct facts facts;
};

/**
 * struct widening - where the bounds of numbers come to rest in a loop
 * @at: constants that the program compares with, ascending.
 * @n: how many.
 */
struct widening {
	uint64_t at[32];
	unsigned int n;
};

struct absval val_scalar(uint64_t lo, uint64_t hi);
struct absval val_kind(enum val_kind kind);
struct absval val_size(unsigned int bytes);
static inline struct absval val_const(uint64_t n)
{
	return val_scalar(n, n);
}

static inline bool val_is_const(const struct absval *v)
{
	return v->kind == VAL_SCALAR && !v->shl32 && v->lo == v->hi;
}

struct absval val_alu(uint8_t op, bool is64, struct absval a, struct absval b);
struct absval val_end(bool swap, unsigned int bits, struct absval v);
struct absval val_zext32(struct absval v);
bool val_refine(uint8_t op, bool is64, bool taken, struct absval *a,
		struct absval *b);

void state_init(struct absstate *s);
bool state_covers(const struct absstate *a, const struct absstate *b);
void state_join(struct absstate *a, const struct absstate *b, const struct widening *w);
void facts_join(struct facts *a, const struct facts *b);
struct absval val_join(struct absval a, struct absval b, const struct widening *w);

struct absval stack_load(const struct absstate *s, const struct absval *ptr,
			 int ofs, unsigned int size);
void stack_store(struct absstate *s, const struct absval *ptr, int ofs,
		 unsigned int size, struct absval v);
void stack_havoc(struct absstate *s, int64_t from, int64_t to);
void stack_forget(struct absstate *s);

#endif
