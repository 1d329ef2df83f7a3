// SPDX-License-Identifier: GPL-2.0-or-later
/* What programs may write: small ones, by hand, and what is told of them. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/flow.h"
#include "../pipeline/progwrites.h"
#include "insn.h"

static struct progwrites pw;

static void expect_is(const struct bpf_insn *insns, size_t n, const char *want,
		      int line)
{
	char got[1024];

	progwrites_analyze(insns, n, &pw);
	progwrites_format(&pw, got, sizeof(got));
	if (strcmp(got, want))
		fail_msg("line %d: \"%s\", not \"%s\"", line, got, want);
}

#define EXPECT(want, ...) do {						\
	const struct bpf_insn insns_[] = { __VA_ARGS__ };		\
	expect_is(insns_, sizeof(insns_) / sizeof(insns_[0]), want, __LINE__); \
} while (0)

static void test_stores(void **state)
{
	(void)state;
	EXPECT("nothing", RETURN(0));
	EXPECT("nothing", PACKET(14, 1), LDX(BPF_B, 5, 2, 3), RETURN(0));
	EXPECT("bytes 3", PACKET(14, 1), ST(BPF_B, 2, 3, 1), RETURN(0));
	EXPECT("bytes 0-3, 6-13", PACKET(14, 2), ST(BPF_W, 2, 0, 1),
	       STX(BPF_DW, 2, 6, 4), RETURN(0));
	EXPECT("bytes 20-21", PACKET(40, 2), ALUI(BPF_ADD, 2, 30),
	       ST(BPF_H, 2, -10, 1), RETURN(0));
	/* A copy of the pointer, by the stack. */
	EXPECT("bytes 5", PACKET(40, 3), STX(BPF_DW, 10, -8, 2),
	       LDX(BPF_DW, 6, 10, -8), ST(BPF_B, 6, 5, 1), RETURN(0));
	EXPECT("bytes 8-11", PACKET(40, 1), ATOMIC(BPF_W, BPF_ADD, 2, 8, 4),
	       RETURN(0));
	EXPECT("bytes 256-", PACKET(400, 1), ST(BPF_W, 2, 300, 1), RETURN(0));
	EXPECT("bytes 255-", PACKET(400, 1), ST(BPF_H, 2, 255, 1), RETURN(0));
	/* To the stack, to a map, to the metadata in front of the packet. */
	EXPECT("nothing", ST(BPF_DW, 10, -16, 7), RETURN(0));
	EXPECT("nothing", MOV(2, 10), ALUI(BPF_ADD, 2, -4), ST(BPF_W, 10, -4, 0),
	       I(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, 3),
	       I(0, 0, 0, 0, 0), CALL(map_lookup_elem), JI(BPF_JEQ, 0, 0, 1),
	       ST(BPF_DW, 0, 0, 1), RETURN(0));
	EXPECT("nothing", LDX(BPF_W, 2, 1, SKB(data_meta)),
	       ST(BPF_DW, 2, 0, 1), RETURN(0));
}

static void test_variable_offsets(void **state)
{
	(void)state;
	EXPECT("bytes 14-30", PACKET(64, 5), LDX(BPF_B, 5, 2, 40),
	       ALUI(BPF_AND, 5, 15), MOV(6, 2), ALU(BPF_ADD, 6, 5),
	       ST(BPF_H, 6, 14, 1), RETURN(0));
	EXPECT("bytes 14-29", PACKET(64, 5), LDX(BPF_B, 5, 2, 40),
	       JI(BPF_JGT, 5, 15, 3), MOV(6, 2), ALU(BPF_ADD, 6, 5),
	       ST(BPF_B, 6, 14, 1), RETURN(0));
	/* A signed comparison, and one of 32 bits. */
	EXPECT("bytes 2-9", PACKET(64, 6), LDX(BPF_B, 5, 2, 40),
	       JI(BPF_JSLT, 5, 2, 4), I(BPF_JMP32 | BPF_JGE | BPF_K, 5, 0, 3, 10),
	       MOV(6, 2), ALU(BPF_ADD, 6, 5), ST(BPF_B, 6, 0, 1), RETURN(0));
	EXPECT("bytes 1-8", PACKET(64, 5), LDX(BPF_B, 5, 2, 40),
	       ALU32I(BPF_RSH, 5, 5), ALU32I(BPF_ADD, 5, 1), ALU(BPF_ADD, 2, 5),
	       ST(BPF_B, 2, 0, 1), RETURN(0));
	/* Of 16 bits: may be anywhere behind the addresses. */
	EXPECT("bytes 12-", PACKET(64, 4), LDX(BPF_H, 5, 2, 40),
	       ALU(BPF_ADD, 2, 5), ALUI(BPF_ADD, 2, 12), ST(BPF_B, 2, 0, 1),
	       RETURN(0));
	/* A number of which nothing is known. */
	EXPECT("bytes 0-", MOV(6, 1), CALL(get_prandom_u32),
	       MOV(1, 6), PACKET(64, 2), ALU(BPF_ADD, 2, 0), ST(BPF_B, 2, 0, 1), RETURN(0));
	/* What a comparison of 64 bits says of a number that was cut to 32. */
	EXPECT("bytes 15", PACKET(64, 5), MOVI(5, -1), ALU32I(BPF_RSH, 5, 28),
	       JI(BPF_JGT, 5, 63, 2), ALU(BPF_ADD, 2, 5), ST(BPF_B, 2, 0, 1),
	       RETURN(0));
	/* A sum that wraps around is small again. */
	EXPECT("bytes 0-63", PACKET(64, 5), LDX(BPF_DW, 5, 2, 40),
	       ALUI(BPF_ADD, 5, 64), JI(BPF_JGT, 5, 63, 2),
	       ALU(BPF_ADD, 2, 5), ST(BPF_B, 2, 0, 1), RETURN(0));
	/* 3 | 4 is more than either bound. */
	EXPECT("bytes 0-7", PACKET(64, 8), LDX(BPF_B, 5, 2, 40),
	       LDX(BPF_B, 6, 2, 41), ALUI(BPF_MOD, 5, 5), ALUI(BPF_MOD, 6, 5),
	       ALU(BPF_OR, 5, 6), ALU(BPF_ADD, 2, 5), ST(BPF_B, 2, 0, 1),
	       RETURN(0));
	/* Shifts by 32 undo each other, but not one by less. */
	EXPECT("bytes 0-15", PACKET(64, 6), LDX(BPF_B, 5, 2, 40),
	       ALUI(BPF_AND, 5, 15), ALUI(BPF_LSH, 5, 32), ALUI(BPF_RSH, 5, 32),
	       ALU(BPF_ADD, 2, 5), ST(BPF_B, 2, 0, 1), RETURN(0));
	EXPECT("bytes 0-", PACKET(64, 6), LDX(BPF_B, 5, 2, 40),
	       ALUI(BPF_AND, 5, 15), ALUI(BPF_LSH, 5, 32), ALUI(BPF_RSH, 5, 30),
	       ALU(BPF_ADD, 2, 5), ST(BPF_B, 2, 0, 1), RETURN(0));
	/* Negative, and a difference. */
	EXPECT("bytes 17-20", PACKET(64, 4), ALUI(BPF_ADD, 2, 20), MOVI(5, 3),
	       ALU(BPF_SUB, 2, 5), ST(BPF_W, 2, 0, 1), RETURN(0));
}

static void test_joins_and_loops(void **state)
{
	(void)state;
	/* One of two places. */
	EXPECT("bytes 0, 7", PACKET(64, 4), JI(BPF_JEQ, 3, 5, 1),
	       ALUI(BPF_ADD, 2, 7), ST(BPF_B, 2, 0, 1), JA(0), RETURN(0));
	/* for (i = 0; i < 6; i++) data[i] = 0 */
	EXPECT("bytes 0-5", PACKET(64, 6), MOVI(5, 0), MOV(6, 2),
	       ALU(BPF_ADD, 6, 5), ST(BPF_B, 6, 0, 0), ALUI(BPF_ADD, 5, 1),
	       JI(BPF_JLT, 5, 6, -5), RETURN(0));
	/* More turns than states are kept apart: the bound holds all the same. */
	EXPECT("bytes 0-39", PACKET(64, 6), MOVI(5, 0), MOV(6, 2),
	       ALU(BPF_ADD, 6, 5), ST(BPF_B, 6, 0, 0), ALUI(BPF_ADD, 5, 1),
	       JI(BPF_JLT, 5, 40, -5), RETURN(0));
	/* A pointer that moves: no bound is known. */
	EXPECT("bytes 14-", PACKET(64, 6), ALUI(BPF_ADD, 2, 14), MOVI(5, 0),
	       ST(BPF_B, 2, 0, 0), ALUI(BPF_ADD, 2, 1), ALUI(BPF_ADD, 5, 1),
	       JI(BPF_JLT, 5, 40, -4), RETURN(0));
	/* An impossible way: 4 bits are never 16. */
	EXPECT("nothing", PACKET(64, 4), LDX(BPF_B, 5, 2, 0),
	       ALUI(BPF_AND, 5, 15), JI(BPF_JNE, 5, 16, 1), ST(BPF_B, 2, 0, 0),
	       RETURN(0));
	/* A packet's or a map's value: the ways are kept apart. */
	EXPECT("bytes 0",
	       PACKET(64, 7), MOV(6, 2), JI(BPF_JEQ, 3, 7, 3),
	       I(BPF_LD | BPF_IMM | BPF_DW, 6, BPF_PSEUDO_MAP_VALUE, 0, 3),
	       I(0, 0, 0, 0, 0), JA(0),
	       JI(BPF_JSET, 3, 9, 1), ST(BPF_B, 6, 0, 0), RETURN(0));
	/* A pointer that went somewhere on the stack. */
	EXPECT("anything (a store by a pointer that can't be followed, instruction 12)",
	       PACKET(64, 8), LDX(BPF_B, 5, 2, 0), ALUI(BPF_AND, 5, 8),
	       STX(BPF_DW, 10, -16, 1),
	       MOV(6, 10), ALU(BPF_SUB, 6, 5), STX(BPF_DW, 6, -8, 2),
	       LDX(BPF_DW, 7, 10, -16), ST(BPF_B, 7, 0, 0), RETURN(0));
}

#define H(...) MOV(6, 1), __VA_ARGS__, RETURN(0)

static void test_helpers(void **state)
{
	(void)state;
	EXPECT("bytes 26-29", H(MOVI(2, 26), MOV(3, 10), ALUI(BPF_ADD, 3, -8),
				MOVI(4, 4), MOVI(5, 0), CALL(skb_store_bytes)));
	EXPECT("bytes 26-28", H(LDX(BPF_W, 4, 1, SKB(mark)), ALUI(BPF_AND, 4, 3),
				MOVI(2, 26), MOVI(5, 0), CALL(skb_store_bytes)));
	EXPECT("bytes 26-", H(LDX(BPF_W, 4, 1, SKB(mark)), MOVI(2, 26),
			      CALL(skb_store_bytes)));
	EXPECT("bytes 0-", H(LDX(BPF_W, 2, 1, SKB(mark)), MOVI(4, 1),
			     CALL(skb_store_bytes)));
	/* Only 32 bits of the offset count. */
	EXPECT("bytes 0-", H(MOVI(2, -1), MOVI(4, 1), ALUI(BPF_LSH, 2, 33),
			     CALL(skb_store_bytes)));
	EXPECT("bytes 24-25", H(MOVI(2, 24), MOVI(4, 1), CALL(l3_csum_replace)));
	EXPECT("bytes 50-51", H(MOVI(2, 50), MOVI(4, 1), CALL(l4_csum_replace)));
	EXPECT("nothing", H(CALL(skb_pull_data), CALL(ktime_get_ns),
			    CALL(redirect)));
	assert_int_equal(pw.may, PW_REDIRECT);
	EXPECT("anything (bpf_skb_change_tail(), instruction 1)",
	       H(CALL(skb_change_tail), ST(BPF_W, 6, SKB(mark), 0)));
	assert_int_equal(pw.may, PW_RESIZE);
	assert_int_equal(pw.meta, PW_MARK);
	EXPECT("anything (bpf_skb_vlan_push(), instruction 1)",
	       H(CALL(skb_vlan_push)));
	assert_int_equal(pw.may, PW_RESIZE | PW_VLAN);
	EXPECT("anything (unknown helper 9999, instruction 1)", H(CALL_ID(9999)));
	assert_int_equal(pw.meta, PW_META_ALL);
	EXPECT("anything (bpf_loop(), of unknown effect, instruction 1)",
	       H(CALL(loop)));
	EXPECT("anything (bpf_skb_set_tunnel_key(), of unknown effect, instruction 1)",
	       H(CALL(skb_set_tunnel_key)));
	EXPECT("anything (a tail call, instruction 1)", H(CALL(tail_call)));
	assert_int_equal(pw.may, PW_TAIL_CALL);
	EXPECT("anything (a kernel function is called, instruction 1)",
	       H(I(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 77)));
	/* Memory that a helper fills may be the packet. */
	EXPECT("bytes 6-13", PACKET(64, 5), MOV(3, 2), ALUI(BPF_ADD, 3, 6),
	       MOVI(4, 8), MOVI(2, 0), CALL(skb_load_bytes), RETURN(0));
	EXPECT("bytes 6-", PACKET(64, 4), ALUI(BPF_ADD, 2, 6),
	       I(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, 3),
	       I(0, 0, 0, 0, 0), CALL(map_pop_elem), RETURN(0));
	/* A number on the stack that a helper overwrites is not known any more. */
	EXPECT("bytes 0-", H(ST(BPF_DW, 10, -8, 9), MOV(3, 10),
			     ALUI(BPF_ADD, 3, -8), MOVI(4, 8), CALL(skb_load_bytes),
			     LDX(BPF_DW, 2, 10, -8), MOVI(4, 1), MOV(1, 6),
			     CALL(skb_store_bytes)));
	EXPECT("bytes 9", H(ST(BPF_DW, 10, -8, 9), MOV(3, 10),
			    ALUI(BPF_ADD, 3, -16), MOVI(4, 8), CALL(skb_load_bytes),
			    LDX(BPF_DW, 2, 10, -8), MOVI(4, 1), MOV(1, 6),
			    CALL(skb_store_bytes)));
}

static void test_metadata(void **state)
{
	char text[256];

	(void)state;
	EXPECT("nothing", ST(BPF_W, 1, SKB(mark), 1), RETURN(0));
	assert_int_equal(pw.meta, PW_MARK);
	EXPECT("nothing", ST(BPF_W, 1, SKB(priority), 1),
	       ST(BPF_W, 1, SKB(tc_index), 1), ST(BPF_W, 1, SKB(tc_classid), 1),
	       ST(BPF_W, 1, SKB(queue_mapping), 1), RETURN(0));
	assert_int_equal(pw.meta, PW_PRIORITY | PW_TC_INDEX | PW_TC_CLASSID |
			 PW_QUEUE);
	EXPECT("nothing", ST(BPF_DW, 1, SKB(cb[0]), 1), RETURN(0));
	assert_int_equal(pw.meta, PW_RESULT | PW_CB);
	progwrites_format_meta(&pw, text, sizeof(text));
	assert_string_equal(text, "result, cb");
	EXPECT("anything (a store to an unknown field of __sk_buff, instruction 0)",
	       ST(BPF_W, 1, SKB(hash), 1), RETURN(0));
	EXPECT("anything (a store to an unknown field of __sk_buff, instruction 0)",
	       ST(BPF_DW, 1, SKB(priority), 1), RETURN(0));
}

static void test_calls(void **state)
{
	(void)state;
	/* f(skb): data[2] = 0 */
	EXPECT("bytes 2", CALL_REL(2), RETURN(0),
	       PACKET(14, 1), ST(BPF_B, 2, 2, 0), RETURN(0));
	/* f(data + 4): data[0] = 0; and the pointer that it gives back. */
	EXPECT("bytes 4-5", MOV(6, 1), LDX(BPF_W, 1, 6, SKB(data)),
	       ALUI(BPF_ADD, 1, 4), CALL_REL(3), ST(BPF_B, 0, 1, 0), RETURN(0),
	       ST(BPF_B, 1, 0, 0), MOV(0, 1), EXIT());
	/* What is in r6 to r9 is there afterwards. */
	EXPECT("bytes 1", LDX(BPF_W, 6, 1, SKB(data)), CALL_REL(3),
	       ST(BPF_B, 6, 1, 0), RETURN(0), MOVI(6, 0), RETURN(0));
	/* It may overwrite what is on the caller's stack. */
	EXPECT("anything (a store by a pointer that can't be followed, instruction 6)",
	       LDX(BPF_W, 2, 1, SKB(data)), STX(BPF_DW, 10, -8, 2), MOV(1, 10),
	       ALUI(BPF_ADD, 1, -8), CALL_REL(4), LDX(BPF_DW, 2, 10, -8),
	       ST(BPF_B, 2, 0, 0), RETURN(0), RETURN(0));
	/* It calls itself: the kernel would refuse it. */
	EXPECT("anything (too large to tell, instruction 0)", CALL_REL(-1),
	       RETURN(0));
}

/* if (h_proto != TYPE) return; as the compiler reads a packed field. */
#define IF_TYPE(t, over)						\
	LDX(BPF_B, 5, 2, 12), LDX(BPF_B, 6, 2, 13), ALUI(BPF_LSH, 6, 8), \
	ALU(BPF_OR, 6, 5), JI(BPF_JNE, 6, __builtin_bswap16(t), over)

static void test_types(void **state)
{
	(void)state;
	EXPECT("IPv4: bytes 26-29", PACKET(64, 6), IF_TYPE(0x0800, 1),
	       ST(BPF_W, 2, 26, 0), RETURN(0));
	EXPECT("bytes 15; IPv4: bytes 26-29", PACKET(64, 7), ST(BPF_B, 2, 15, 0),
	       IF_TYPE(0x0800, 1), ST(BPF_W, 2, 26, 0), RETURN(0));
	EXPECT("IPv4: bytes 26-29; type 0x0806: bytes 28-31", PACKET(64, 9),
	       IF_TYPE(0x0800, 2), ST(BPF_W, 2, 26, 0), JA(2),
	       JI(BPF_JNE, 6, __builtin_bswap16(0x0806), 1), ST(BPF_W, 2, 28, 0),
	       RETURN(0));
	/* Read as one, and swapped. */
	EXPECT("IPv6: bytes 38-41", PACKET(64, 4), LDX(BPF_H, 5, 2, 12),
	       I(BPF_ALU | BPF_END | BPF_TO_BE, 5, 0, 0, 16),
	       JI(BPF_JNE, 5, 0x86dd, 1), ST(BPF_W, 2, 38, 0), RETURN(0));
	/* A tag tells nothing of where layer 3 is, and neither does "not IPv4". */
	EXPECT("bytes 30-33", PACKET(64, 6), IF_TYPE(0x8100, 1),
	       ST(BPF_W, 2, 30, 0), RETURN(0));
	EXPECT("bytes 30-33", PACKET(64, 3), LDX(BPF_H, 5, 2, 12),
	       JI(BPF_JEQ, 5, 8, 1), ST(BPF_W, 2, 30, 0), RETURN(0));
	/* A type that the program has written itself tells nothing. */
	EXPECT("bytes 12-13, 26-29", PACKET(64, 7), ST(BPF_H, 2, 12, 8),
	       IF_TYPE(0x0800, 1), ST(BPF_W, 2, 26, 0), RETURN(0));
	/* Nor does one that it has written perhaps, or in a function. */
	EXPECT("bytes 12-13, 26-29; IPv4: bytes 26-29", PACKET(64, 8), JI(BPF_JEQ, 3, 7, 1),
	       ST(BPF_H, 2, 12, 8), IF_TYPE(0x0800, 1), ST(BPF_W, 2, 26, 0),
	       RETURN(0));
	EXPECT("bytes 12-13, 26-29", MOV(7, 1), CALL_REL(14), MOV(1, 7),
	       PACKET(64, 6), IF_TYPE(0x0800, 1), ST(BPF_W, 2, 26, 0), RETURN(0),
	       PACKET(14, 1), ST(BPF_H, 2, 12, 8), RETURN(0));
	/* Layer 4 by the length of the header. */
	EXPECT("IPv4: layer 4 bytes 6-7", PACKET(64, 11), IF_TYPE(0x0800, 6),
	       LDX(BPF_B, 7, 2, 14), ALUI(BPF_LSH, 7, 2), ALUI(BPF_AND, 7, 60),
	       ALU(BPF_ADD, 2, 7), ALUI(BPF_ADD, 2, 14), ST(BPF_H, 2, 6, 0),
	       RETURN(0));
	/* Its first byte is the length itself if that is 0. */
	EXPECT("IPv4: bytes 14-75", PACKET(64, 11), IF_TYPE(0x0800, 6),
	       LDX(BPF_B, 7, 2, 14), ALUI(BPF_AND, 7, 15), ALUI(BPF_LSH, 7, 2),
	       ALU(BPF_ADD, 2, 7), ALUI(BPF_ADD, 2, 14), ST(BPF_H, 2, 0, 0),
	       RETURN(0));
	EXPECT("IPv4: layer 4 bytes 0-1", PACKET(64, 12), IF_TYPE(0x0800, 7),
	       LDX(BPF_B, 7, 2, 14), ALUI(BPF_AND, 7, 15), ALUI(BPF_LSH, 7, 2),
	       JI(BPF_JLT, 7, 20, 3), ALU(BPF_ADD, 2, 7), ALUI(BPF_ADD, 2, 14),
	       ST(BPF_H, 2, 0, 0), RETURN(0));
	/* Of UDP or of TCP: a function tells. */
	EXPECT("IPv4: layer 4 bytes 1-5", MOV(7, 1), CALL_REL(17), MOV(8, 0),
	       MOV(1, 7), PACKET(64, 8), IF_TYPE(0x0800, 3), ALU(BPF_ADD, 2, 8),
	       ALUI(BPF_ADD, 2, 14), ST(BPF_B, 2, 0, 0), RETURN(0),
	       LDX(BPF_W, 2, 1, SKB(data)), LDX(BPF_B, 0, 2, 14),
	       ALUI(BPF_AND, 0, 15), ALUI(BPF_LSH, 0, 2), ALUI(BPF_ADD, 0, 5),
	       JI(BPF_JEQ, 1, 7, 1), ALUI(BPF_ADD, 0, -4), EXIT());
	/* By a length that is known. */
	EXPECT("IPv4: layer 4 bytes 2-3", PACKET(64, 8), IF_TYPE(0x0800, 3),
	       LDX(BPF_B, 7, 2, 14), JI(BPF_JNE, 7, 0x45, 1), ST(BPF_H, 2, 36, 0),
	       RETURN(0));
	EXPECT("IPv4: bytes 36-37", PACKET(64, 9), IF_TYPE(0x0800, 4),
	       LDX(BPF_B, 7, 2, 14), ALUI(BPF_AND, 7, 15), JI(BPF_JNE, 7, 6, 1),
	       ST(BPF_H, 2, 36, 0), RETURN(0));
	EXPECT("IPv4: layer 4 bytes 2-3", PACKET(64, 9), IF_TYPE(0x0800, 4),
	       LDX(BPF_B, 7, 2, 14), ALUI(BPF_AND, 7, 15), JI(BPF_JNE, 7, 5, 1),
	       ST(BPF_H, 2, 36, 0), RETURN(0));
	/* Perhaps known. */
	EXPECT("IPv4: bytes 36-37, layer 4 bytes 2-3", PACKET(64, 8),
	       IF_TYPE(0x0800, 3), LDX(BPF_B, 7, 2, 14), JI(BPF_JEQ, 7, 0x45, 0),
	       ST(BPF_H, 2, 36, 0), RETURN(0));
	EXPECT("IPv6: layer 4 bytes 16-17", PACKET(80, 8), IF_TYPE(0x86dd, 3),
	       LDX(BPF_B, 7, 2, 20), JI(BPF_JNE, 7, 6, 1), ST(BPF_H, 2, 70, 0),
	       RETURN(0));
	EXPECT("IPv6: bytes 70-71", PACKET(80, 8), IF_TYPE(0x86dd, 3),
	       LDX(BPF_B, 7, 2, 20), JI(BPF_JNE, 7, 44, 1), ST(BPF_H, 2, 70, 0),
	       RETURN(0));
}

/* Names of the fields that may change in packets of a type, tagged or not. */
static const char *changed(uint16_t type, bool tagged)
{
	static const char *const names[] = {
		"pkt_mark", "skb_priority", "dl_dst", "dl_src", "dl_type", "vlan_tci",
		"inner_vlan_tci", "mpls_label", "nw_src", "nw_dst", "ipv6_src",
		"ipv6_dst", "ipv6_label", "nw_proto", "nw_tos", "nw_ttl", "nw_frag",
		"tp_src", "tp_dst", "tcp_flags", "nd_target", "arp_sha", "arp_tha",
		"ct_state", "tun_id",
	};
	static char text[512];
	struct flow flow = {}, bits;
	unsigned int i;

	flow.dl_type = htons(type);
	flow.vlan_tci = tagged ? htons(0x1001) : 0;
	progwrites_fields(&pw, &flow, true, &bits);
	text[0] = 0;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (field_any(field_find(names[i], strlen(names[i])), &bits))
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 "%s%s", *text ? " " : "", names[i]);
	return text;
}

#define ALL "dl_dst dl_src dl_type vlan_tci inner_vlan_tci mpls_label " L3 " arp_sha arp_tha"
#define L3 "nw_src nw_dst ipv6_src ipv6_dst ipv6_label nw_proto nw_tos nw_ttl nw_frag " L4
#define L4 "tp_src tp_dst tcp_flags nd_target"

static void test_fields(void **state)
{
	(void)state;
	EXPECT("nothing", RETURN(0));
	assert_string_equal(changed(0x0800, false), "");
	EXPECT("nothing", ST(BPF_W, 1, SKB(mark), 1), RETURN(0));
	assert_string_equal(changed(0x0800, false), "pkt_mark");
	EXPECT("nothing", ST(BPF_W, 1, SKB(priority), 1), RETURN(0));
	assert_string_equal(changed(0x0800, true), "skb_priority");
	assert_false(progwrites_needs_vlan(&pw));
	EXPECT("anything (bpf_skb_change_tail(), instruction 0)",
	       CALL(skb_change_tail), RETURN(0));
	assert_string_equal(changed(0x0800, false), ALL " ct_state tun_id");
	EXPECT("bytes 0-7", PACKET(14, 1), ST(BPF_DW, 2, 0, 1), RETURN(0));
	assert_string_equal(changed(0x0800, true), "dl_dst dl_src");
	assert_false(progwrites_needs_vlan(&pw));
	EXPECT("bytes 12", PACKET(14, 1), ST(BPF_B, 2, 12, 1), RETURN(0));
	assert_string_equal(changed(0x0800, false), ALL);
	assert_true(progwrites_needs_vlan(&pw));

	/* The source, if the program has looked; else it may be other fields. */
	EXPECT("IPv4: bytes 26-29", PACKET(64, 6), IF_TYPE(0x0800, 1),
	       ST(BPF_W, 2, 26, 0), RETURN(0));
	assert_string_equal(changed(0x0800, false), "nw_src");
	assert_string_equal(changed(0x0800, true), "nw_src");
	assert_string_equal(changed(0x86dd, false), "");
	EXPECT("bytes 26-29", PACKET(64, 1), ST(BPF_W, 2, 26, 0), RETURN(0));
	/* Behind SNAP, offset 28 is where the fragment's offset is. */
	assert_string_equal(changed(0x0800, false), "nw_src nw_frag " L4);
	/* Behind two tags and SNAP, 26 is the start of the protocol's id. */
	assert_string_equal(changed(0x0800, true), ALL);
	EXPECT("bytes 50-51", PACKET(64, 1), ST(BPF_H, 2, 50, 0), RETURN(0));
	assert_string_equal(changed(0x0800, false), L4);
	assert_string_equal(changed(0x86dd, false), "ipv6_dst");
	assert_string_equal(changed(0x0806, false), "");
	assert_string_equal(changed(0x8847, false), "");
	EXPECT("bytes 24", PACKET(64, 1), ST(BPF_B, 2, 24, 0), RETURN(0));
	assert_string_equal(changed(0x8847, false), "mpls_label");
	EXPECT("bytes 36", PACKET(64, 1), ST(BPF_B, 2, 36, 0), RETURN(0));
	assert_string_equal(changed(0x0806, false), "nw_src arp_tha");

	EXPECT("IPv4: bytes 15, 22, 24-25", PACKET(64, 8), IF_TYPE(0x0800, 3),
	       ST(BPF_H, 2, 24, 0), ST(BPF_B, 2, 22, 0), ST(BPF_B, 2, 15, 0),
	       RETURN(0));
	assert_string_equal(changed(0x0800, false), "nw_tos nw_ttl");
	EXPECT("IPv4: layer 4 bytes 16-17", PACKET(64, 8), IF_TYPE(0x0800, 3),
	       LDX(BPF_B, 7, 2, 14), JI(BPF_JNE, 7, 0x45, 1), ST(BPF_H, 2, 50, 0),
	       RETURN(0));
	assert_string_equal(changed(0x0800, false), "");
	EXPECT("IPv4: layer 4 bytes 2-3", PACKET(64, 8), IF_TYPE(0x0800, 3),
	       LDX(BPF_B, 7, 2, 14), JI(BPF_JNE, 7, 0x45, 1), ST(BPF_H, 2, 36, 0),
	       RETURN(0));
	assert_string_equal(changed(0x0800, false), "tp_dst");
	EXPECT("IPv6: bytes 70-71", PACKET(80, 6), IF_TYPE(0x86dd, 1),
	       ST(BPF_H, 2, 70, 0), RETURN(0));
	assert_string_equal(changed(0x86dd, false), L3 " arp_sha arp_tha");
	EXPECT("IPv6: bytes 21, 38-41", PACKET(80, 7), IF_TYPE(0x86dd, 2),
	       ST(BPF_W, 2, 38, 0), ST(BPF_B, 2, 21, 0), RETURN(0));
	assert_string_equal(changed(0x86dd, false), "ipv6_dst nw_ttl");
}

/* Bits that are used, and are or are not among those that may change. */
static void test_meets(void **state)
{
	struct flow flow = { .dl_type = htons(0x0800) }, used = {};

	(void)state;
	EXPECT("IPv4: bytes 28", PACKET(64, 6), IF_TYPE(0x0800, 1),
	       ST(BPF_B, 2, 28, 0), RETURN(0));
	used.dl_type = 0xffff;
	used.vlan_tci = htons(0x1000);
	used.nw_src = htonl(0xffff0000);
	assert_false(progwrites_meets(&pw, &flow, true, &used));
	/* Without an Ethernet header nothing is where it is looked for. */
	assert_true(progwrites_meets(&pw, &flow, false, &used));
	used.nw_src = htonl(0xffff8000);
	assert_true(progwrites_meets(&pw, &flow, true, &used));
	flow.dl_type = htons(0x0806);
	assert_false(progwrites_meets(&pw, &flow, true, &used));
	/* What the datapath knows nothing of, no program changes. */
	memset(&used, 0, sizeof(used));
	used.reg[1] = used.metadata = UINT32_MAX;
	progwrites_unknown(&pw);
	assert_false(progwrites_meets(&pw, &flow, true, &used));
	used.skb_mark = 1;
	assert_true(progwrites_meets(&pw, &flow, true, &used));
}

/* Instructions that no kernel would take: they must do no harm. */
static void test_nonsense(void **state)
{
	(void)state;
	progwrites_analyze(NULL, 0, &pw);
	assert_true(pw.anything);
	EXPECT("anything (an unknown instruction, instruction 0)", MOVI(0, 0));
	EXPECT("anything (an unknown instruction, instruction 0)",
	       I(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0));
	EXPECT("anything (an unknown instruction, instruction 0)", JA(5), EXIT());
	EXPECT("anything (an unknown instruction, instruction 0)", JA(-3), EXIT());
	EXPECT("anything (an unknown instruction, instruction 0)", MOVI(12, 0),
	       EXIT());
	EXPECT("anything (an unknown instruction, instruction 0)", MOVI(10, 0),
	       EXIT());
	EXPECT("anything (an unknown instruction, instruction 0)",
	       I(0xff, 0, 0, 0, 0), EXIT());
	EXPECT("anything (an unknown instruction, instruction 0)", CALL_REL(100),
	       EXIT());
	EXPECT("nothing", JA(-1), EXIT());
}

static struct bpf_insn random_insn(void)
{
	static const uint8_t codes[] = {
		0xb7, 0xbf, 0xb4, 0xbc, 0x07, 0x0f, 0x04, 0x0c, 0x17, 0x1f, 0x57,
		0x5f, 0x47, 0x4f, 0x67, 0x6f, 0x77, 0xc7, 0x27, 0x2f, 0x37, 0x97,
		0xdc, 0xd4, 0xd7, 0x87, 0x61, 0x69, 0x71, 0x79, 0x63, 0x6b, 0x73,
		0x7b, 0x62, 0x7a, 0x05, 0x06, 0x15, 0x1d, 0x25, 0x2d, 0x55, 0xa5,
		0xad, 0x65, 0xc5, 0x16, 0x26, 0xae, 0x85, 0x95, 0x18, 0xdb, 0xc3,
		0x20, 0x40, 0xe5, 0x81,
	};
	static const int32_t imms[] = { 0, 1, 2, 4, 8, 12, 14, 15, 16, 20, 32,
					60, 63, 64, -1, -8, INT32_MIN, INT32_MAX };
	struct bpf_insn i;

	i.code = random() % 50 ? codes[random() % sizeof(codes)] : random();
	i.dst_reg = random() % 20 ? random() % 11 : random() % 16;
	i.src_reg = random() % 20 ? random() % 11 : random() % 16;
	i.off = random() % 3 ? random() % 40 - 20 : (int16_t)random();
	i.imm = random() % 8 ? imms[random() % (sizeof(imms) / sizeof(imms[0]))] :
		(int32_t)random();
	if (i.code == 0x85 && random() % 2) {
		i.src_reg = random() % 4 ? 0 : 1;
		i.imm = i.src_reg ? random() % 20 - 10 : random() % 215;
	}
	return i;
}

static void test_random_instructions(void **state)
{
	unsigned int round, i, done = 0;
	struct bpf_insn insns[64];
	char text[256];

	(void)state;
	srandom(7);
	for (round = 0; round < 30000; round++) {
		unsigned int n = 1 + random() % 64;

		for (i = 0; i < n; i++)
			insns[i] = random_insn();
		/* Jumps that lead out would end it at once. */
		for (i = 0; i < n; i++) {
			uint8_t class = BPF_CLASS(insns[i].code);

			if ((class == BPF_JMP || class == BPF_JMP32) &&
			    random() % 50)
				insns[i].off = (int)(random() % n) - (int)i - 1;
		}
		insns[n - 1] = EXIT();
		progwrites_analyze(insns, n, &pw);
		assert_in_range(pw.n_classes, 1, PW_CLASSES);
		progwrites_format(&pw, text, sizeof(text));
		assert_true(*text);
		done += !pw.anything;
	}
	assert_true(done > 500);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_stores), T(test_variable_offsets), T(test_joins_and_loops),
		T(test_helpers), T(test_metadata), T(test_calls), T(test_types),
		T(test_fields), T(test_meets),
		T(test_nonsense), T(test_random_instructions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
