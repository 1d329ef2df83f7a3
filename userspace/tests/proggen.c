// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random programs, made of pieces that each do something to the packet by means
 * that programs use: direct stores, helpers, offsets computed from the packet,
 * loops, calls, spills.  In all of them r6 is the context, and r8 and r9 are
 * numbers that pieces hand on.
 */
#include "proggen.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static unsigned int rnd(unsigned int n)
{
	return random() % n;
}

#define PICK(...) ({							\
	static const int of_[] = { __VA_ARGS__ };			\
	of_[rnd(sizeof(of_) / sizeof(of_[0]))]; })

static unsigned int put(struct gen *g, struct bpf_insn i)
{
	if (g->n == GEN_MAX)
		abort();
	g->insn[g->n] = i;
	return g->n++;
}

/* A jump to the end of the function. */
static void put_leave(struct gen *g, struct bpf_insn i)
{
	g->leave[g->n_leave++] = put(g, i);
}

static void land(struct gen *g, unsigned int jump)
{
	g->insn[jump].off = g->n - jump - 1;
}

/* r2: the packet, r3: its end; @n bytes are there. */
static void load_packet(struct gen *g, int n)
{
	put(g, LDX(BPF_W, 2, 6, SKB(data)));
	put(g, LDX(BPF_W, 3, 6, SKB(data_end)));
	put(g, MOV(4, 2));
	put(g, ALUI(BPF_ADD, 4, n));
	put_leave(g, J(BPF_JGT, 4, 3, 0));
}

static int size_bytes(int size)
{
	return size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;
}

/* A store at r2 + @ofs, of something. */
static void put_store(struct gen *g, int size, int ofs)
{
	if (rnd(2))
		put(g, ST(size, 2, ofs, random()));
	else
		put(g, STX(size, 2, ofs, 8 + rnd(2)));
}

static void store_const(struct gen *g)
{
	int n = 14 + rnd(46), size = PICK(BPF_B, BPF_H, BPF_W, BPF_DW);
	int ofs = rnd(n - size_bytes(size) + 1), move = rnd(3) ? 0 : rnd(20);

	load_packet(g, n);
	if (move)
		put(g, ALUI(BPF_ADD, 2, move));
	if (!rnd(4)) {
		put(g, STX(BPF_DW, 10, -32, 2));
		put(g, MOV(2, 9));
		put(g, LDX(BPF_DW, 2, 10, -32));
	}
	put_store(g, size, ofs - move);
}

/* A number from the packet. */
static void load_number(struct gen *g)
{
	load_packet(g, 40);
	put(g, LDX(PICK(BPF_B, BPF_B, BPF_H, BPF_W), 8 + rnd(2), 2,
		   PICK(0, 1, 12, 13, 14, 14, 15, 16, 20, 23)));
}

static void arithmetic(struct gen *g)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR,
				       BPF_LSH, BPF_RSH, BPF_ARSH, BPF_MUL, BPF_DIV,
				       BPF_MOD, BPF_MOV, BPF_NEG };
	unsigned int i, n = 1 + rnd(4);

	if (!rnd(3)) {
		put(g, ALUI(BPF_AND, 8, PICK(1, 4, 6, 15, 63)));
		put(g, ALUI(BPF_AND, 9, PICK(1, 4, 6, 15, 63)));
	}
	for (i = 0; i < n; i++) {
		uint8_t op = ops[rnd(sizeof(ops))];
		uint8_t class = rnd(2) ? BPF_ALU64 : BPF_ALU;
		int imm = PICK(1, 2, 3, 4, 7, 8, 14, 15, 16, 20, 31, 60, 63, 255,
			       -1, -4, -14), dst = 8 + rnd(2), src = 8 + rnd(2);

		if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
			imm = class == BPF_ALU ? (int)rnd(32) :
			      PICK(1, 2, 4, 8, 28, 32, 32, 56);
		if (!rnd(8))
			put(g, I(BPF_ALU | BPF_END | PICK(BPF_TO_LE, BPF_TO_BE),
				 dst, 0, 0, PICK(16, 32, 64)));
		else if (op == BPF_NEG)
			put(g, I(class | op, dst, 0, 0, 0));
		else if (rnd(3))
			put(g, I(class | op | BPF_K, dst, 0, 0, imm));
		else
			put(g, I(class | op | BPF_X, dst, src, 0, 0));
	}
}

/* r5: a number out of r8 or r9 that has a bound; jumps that skip it all. */
static unsigned int bounded(struct gen *g, unsigned int *skip)
{
	unsigned int n = 0;
	int max = PICK(3, 7, 15, 31, 60, 63, 100);

	put(g, rnd(4) ? MOV(5, 8 + rnd(2)) : MOV32(5, 8 + rnd(2)));
	switch (rnd(4)) {
	case 0:
		put(g, ALUI(BPF_AND, 5, PICK(3, 7, 15, 31, 60, 63)));
		break;
	case 1:
		put(g, ALUI(BPF_MOD, 5, max));
		break;
	case 2:
		skip[n++] = put(g, JI(BPF_JGT, 5, max, 0));
		if (rnd(2))
			skip[n++] = put(g, JI(BPF_JLT, 5, 1 + rnd(max), 0));
		break;
	default:
		skip[n++] = put(g, JI(BPF_JSGE, 5, max, 0));
		skip[n++] = put(g, JI(BPF_JSLT, 5, rnd(max), 0));
		break;
	}
	if (rnd(2))
		put(g, ALUI(BPF_ADD, 5, rnd(15)));
	return n;
}

static void store_variable(struct gen *g)
{
	int size = PICK(BPF_B, BPF_H, BPF_W), ofs = rnd(3) ? 0 : rnd(16);
	unsigned int skip[4], n = bounded(g, skip);

	load_packet(g, 14);
	put(g, ALU(BPF_ADD, 2, 5));
	put(g, MOV(4, 2));
	put(g, ALUI(BPF_ADD, 4, ofs + size_bytes(size)));
	skip[n++] = put(g, J(BPF_JGT, 4, 3, 0));
	put_store(g, size, ofs);
	while (n)
		land(g, skip[--n]);
}

static void pieces(struct gen *g, unsigned int n);

/* A jump unless (or if) a packet is of a type. */
static unsigned int put_type(struct gen *g, int op, int type)
{

	load_packet(g, 34);
	switch (rnd(3)) {
	case 0:
		put(g, LDX(BPF_B, 5, 2, 12));
		put(g, LDX(BPF_B, 0, 2, 13));
		put(g, ALUI(BPF_LSH, 0, 8));
		put(g, ALU(BPF_OR, 5, 0));
		break;
	case 1:
		put(g, LDX(BPF_H, 5, 2, 12));
		break;
	default:
		put(g, LDX(BPF_H, 5, 2, 12));
		put(g, I(BPF_ALU | BPF_END | BPF_TO_BE, 5, 0, 0, 16));
		type = __builtin_bswap16(type);
		break;
	}
	return put(g, JI(op, 5, __builtin_bswap16(type), 0));
}

/* Pieces that run only for packets of a type. */
static void guard_type(struct gen *g)
{
	int type = PICK(0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8100, 46);
	unsigned int skip = put_type(g, rnd(5) ? BPF_JNE : BPF_JEQ, type);

	pieces(g, 1 + rnd(3));
	land(g, skip);
}

/* Pieces that run only for a byte of the IP header. */
static void guard_byte(struct gen *g)
{
	unsigned int skip;

	load_packet(g, 34);
	if (rnd(2)) {
		put(g, LDX(BPF_B, 5, 2, 14));
		if (rnd(2)) {
			put(g, ALUI(BPF_AND, 5, 15));
			skip = put(g, JI(BPF_JNE, 5, PICK(5, 5, 6, 8), 0));
		} else {
			skip = put(g, JI(BPF_JNE, 5, 0x45, 0));
		}
	} else {
		put(g, LDX(BPF_B, 5, 2, 20));
		skip = put(g, JI(BPF_JNE, 5, PICK(6, 17, 58, 0, 44), 0));
	}
	pieces(g, 1 + rnd(2));
	land(g, skip);
}

/* r5: the length of the IPv4 header. */
static unsigned int header_length(struct gen *g, unsigned int *skip)
{
	put(g, LDX(BPF_B, 5, 2, 14));
	switch (rnd(4)) {
	case 0:
		put(g, ALUI(BPF_LSH, 5, 2));
		put(g, ALUI(BPF_AND, 5, 60));
		break;
	case 1:
		put(g, ALUI(BPF_AND, 5, 15));
		put(g, ALUI(BPF_MUL, 5, 4));
		break;
	case 2:
		put(g, ALU32I(BPF_AND, 5, 15));
		put(g, ALU32I(BPF_LSH, 5, 2));
		break;
	default:
		put(g, ALUI(BPF_AND, 5, 15));
		put(g, ALUI(BPF_LSH, 5, 34));
		put(g, ALUI(BPF_RSH, 5, 32));
		break;
	}
	if (rnd(2))
		return 0;
	*skip = put(g, rnd(4) ? JI(BPF_JLT, 5, 20, 0) : JI(BPF_JNE, 5, 20, 0));
	return 1;
}

static void store_l4(struct gen *g)
{
	int ofs = PICK(0, 0, 1, 2, 3, 6, 12, 13, 16), size = PICK(BPF_B, BPF_H);
	unsigned int skip[2], n;

	load_packet(g, 34);
	n = header_length(g, skip);
	put(g, ALU(BPF_ADD, 2, 5));
	if (rnd(2)) {
		put(g, ALUI(BPF_ADD, 2, 14));
	} else {
		ofs += 14;
	}
	put(g, MOV(4, 2));
	put(g, ALUI(BPF_ADD, 4, ofs + size_bytes(size)));
	skip[n++] = put(g, J(BPF_JGT, 4, 3, 0));
	put_store(g, size, ofs);
	while (n)
		land(g, skip[--n]);
}

/* A store to the transport header, as if there were no options. */
static void store_l4_fixed(struct gen *g)
{
	int ofs = PICK(34, 54) + PICK(0, 1, 2, 3, 6, 12, 13), size = PICK(BPF_B, BPF_H);

	load_packet(g, 72);
	put_store(g, size, ofs);
}

/* What a program that looks for a transport header does, mostly right. */
static void l4_of_type(struct gen *g)
{
	bool ipv4 = rnd(2);
	unsigned int skip = put_type(g, BPF_JNE, ipv4 ? 0x0800 : 0x86dd), more;

	load_packet(g, 34);
	put(g, LDX(BPF_B, 5, 2, ipv4 ? 14 : 20));
	if (ipv4 && rnd(2)) {
		store_l4(g);
		land(g, skip);
		return;
	}
	more = put(g, JI(rnd(8) ? BPF_JNE : BPF_JEQ, 5, ipv4 ? PICK(0x45, 0x46) :
			 PICK(6, 17, 58, 0, 44, 60), 0));
	store_l4_fixed(g);
	land(g, more);
	land(g, skip);
}

/* r2: an offset for a helper. */
static unsigned int helper_offset(struct gen *g, unsigned int *skip)
{
	unsigned int n = 0;

	switch (rnd(3)) {
	case 0:
		put(g, MOVI(2, rnd(60)));
		break;
	case 1:
		n = bounded(g, skip);
		put(g, MOV(2, 5));
		break;
	default:
		load_packet(g, 34);
		n = header_length(g, skip);
		put(g, MOV(2, 5));
		put(g, ALUI(BPF_ADD, 2, 14 + PICK(0, 2, 6, 16)));
		if (!rnd(3)) {
			put(g, STX(PICK(BPF_W, BPF_DW), 10, -40, 2));
			put(g, LDX(BPF_W, 2, 10, -40));
		}
		break;
	}
	return n;
}

static void by_helper(struct gen *g)
{
	unsigned int skip[4], n;

	put(g, STX(BPF_DW, 10, -16, 8 + rnd(2)));
	n = helper_offset(g, skip);
	put(g, MOV(1, 6));
	if (rnd(3)) {
		put(g, MOV(3, 10));
		put(g, ALUI(BPF_ADD, 3, -16));
		if (rnd(2)) {
			put(g, MOVI(4, 1 + rnd(8)));
		} else {
			put(g, MOV(4, 8));
			put(g, ALUI(BPF_AND, 4, 3));
			put(g, ALUI(BPF_ADD, 4, 1));
		}
		put(g, MOVI(5, PICK(0, 0, 1, 2)));
		put(g, CALL(skb_store_bytes));
	} else {
		put(g, MOVI(3, 0));
		put(g, MOVI(4, rnd(0x10000)));
		put(g, MOVI(5, 2));
		put(g, rnd(2) ? CALL(l3_csum_replace) : CALL(l4_csum_replace));
	}
	while (n)
		land(g, skip[--n]);
}

static void loop(struct gen *g)
{
	int start = rnd(4), end = start + 1 + rnd(24), ofs = rnd(30), top, skip;

	put(g, MOVI(5, start));
	top = put(g, LDX(BPF_W, 2, 6, SKB(data)));
	put(g, LDX(BPF_W, 3, 6, SKB(data_end)));
	put(g, ALU(BPF_ADD, 2, 5));
	put(g, MOV(4, 2));
	put(g, ALUI(BPF_ADD, 4, ofs + 1));
	skip = put(g, J(BPF_JGT, 4, 3, 0));
	put_store(g, BPF_B, ofs);
	put(g, ALUI(BPF_ADD, 5, PICK(1, 1, 2)));
	put(g, JI(BPF_JLT, 5, end, top - (int)g->n - 1));
	land(g, skip);
}

/* Numbers by way of the stack, and of helpers that write there. */
static void by_stack(struct gen *g)
{
	int size = PICK(BPF_W, BPF_DW);

	put(g, STX(size, 10, -24, 8 + rnd(2)));
	if (!rnd(3))
		put(g, ST(PICK(BPF_B, BPF_H), 10, PICK(-24, -22, -20, -18), rnd(70)));
	if (!rnd(3)) {
		put(g, MOV(1, 6));
		put(g, MOVI(2, rnd(20)));
		put(g, MOV(3, 10));
		put(g, ALUI(BPF_ADD, 3, -24));
		put(g, MOVI(4, 8));
		put(g, CALL(skb_load_bytes));
	}
	put(g, LDX(PICK(BPF_W, BPF_DW, BPF_DW, BPF_B), 8 + rnd(2), 10, -24));
}

static void condition(struct gen *g)
{
	static const uint8_t ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT,
				       BPF_JLE, BPF_JSGT, BPF_JSGE, BPF_JSLT,
				       BPF_JSLE, BPF_JSET };
	uint8_t code = ops[rnd(sizeof(ops))] | (rnd(2) ? BPF_JMP : BPF_JMP32);
	unsigned int skip;

	if (rnd(4))
		skip = put(g, I(code | BPF_K, 8 + rnd(2), 0, 0,
				PICK(0, 1, 5, 8, 14, 20, 45, 60, 64, 128, 255, -1)));
	else
		skip = put(g, I(code | BPF_X, 8, 9, 0, 0));
	pieces(g, 1 + rnd(2));
	if (rnd(2)) {	/* and something else otherwise */
		unsigned int over = put(g, JA(0));

		land(g, skip);
		pieces(g, 1);
		skip = over;
	}
	land(g, skip);
}

static void metadata(struct gen *g)
{
	put(g, STX(BPF_W, 6, PICK(SKB(mark), SKB(priority), SKB(cb[0]),
				  SKB(cb[3]), SKB(tc_index)), 8 + rnd(2)));
}

static void function(struct gen *g)
{
	if (g->in_call || g->n_call == 16) {
		put(g, MOV(1, 6));
		put(g, MOVI(2, 0));
		put(g, CALL(skb_pull_data));
		return;
	}
	put(g, MOV(1, 6));
	put(g, MOV(2, 8));
	put(g, MOV(3, 9));
	g->call[g->n_call++] = put(g, CALL_REL(0));
	put(g, MOV(8, 0));
}

static void pieces(struct gen *g, unsigned int n)
{
	static void (*const simple[])(struct gen *g) = {
		store_const, load_number, arithmetic, store_variable, store_l4,
		by_helper, loop, by_stack, metadata, function, l4_of_type,
		l4_of_type, store_l4_fixed,
	};
	static void (*const nested[])(struct gen *g) = {
		guard_type, guard_byte, condition, guard_type,
	};

	g->depth++;
	while (n--) {
		if (g->depth < 4 && !rnd(3))
			nested[rnd(4)](g);
		else
			simple[rnd(sizeof(simple) / sizeof(simple[0]))](g);
	}
	g->depth--;
}

static void end_function(struct gen *g)
{
	while (g->n_leave)
		land(g, g->leave[--g->n_leave]);
	put(g, MOV(0, 9));
	put(g, EXIT());
}

static void init_stack(struct gen *g)
{
	int ofs;

	for (ofs = -40; ofs < 0; ofs += 8)
		put(g, ST(BPF_DW, 10, ofs, rnd(64)));
}

/**
 * gen_program - make a random program
 * @g: filled in.
 */
void gen_program(struct gen *g)
{
	unsigned int i;

	g->n = g->n_leave = g->n_call = g->depth = 0;
	g->in_call = 0;
	put(g, MOV(6, 1));
	put(g, MOVI(8, rnd(64)));
	put(g, MOVI(9, rnd(64)));
	init_stack(g);
	if (rnd(2))
		load_number(g);
	pieces(g, 1 + rnd(4));
	end_function(g);
	if (!g->n_call)
		return;
	for (i = 0; i < g->n_call; i++)
		g->insn[g->call[i]].imm = g->n - g->call[i] - 1;
	g->in_call = 1;
	put(g, MOV(6, 1));
	put(g, MOV(8, 2));
	put(g, MOV(9, 3));
	init_stack(g);
	pieces(g, 1 + rnd(2));
	end_function(g);
}
