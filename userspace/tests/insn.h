/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BPF instructions, for tables of them in tests. */
#ifndef INSN_H
#define INSN_H 1

#include <linux/bpf.h>
#include <stddef.h>

#define I(c, d, s, o, i) ((struct bpf_insn){				\
	.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

#define MOV(d, s) I(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV32(d, s) I(BPF_ALU | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOVI(d, i) I(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ALU(op, d, s) I(BPF_ALU64 | BPF_X | (op), d, s, 0, 0)
#define ALUI(op, d, i) I(BPF_ALU64 | BPF_K | (op), d, 0, 0, i)
#define ALU32I(op, d, i) I(BPF_ALU | BPF_K | (op), d, 0, 0, i)
#define LDX(size, d, s, o) I(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STX(size, d, o, s) I(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define ST(size, d, o, i) I(BPF_ST | BPF_MEM | (size), d, 0, o, i)
#define ATOMIC(size, op, d, o, s) I(BPF_STX | BPF_ATOMIC | (size), d, s, o, op)
#define JI(op, d, i, o) I(BPF_JMP | BPF_K | (op), d, 0, o, i)
#define J(op, d, s, o) I(BPF_JMP | BPF_X | (op), d, s, o, 0)
#define JA(o) I(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define CALL(f) I(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_##f)
#define CALL_ID(id) I(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define CALL_REL(o) I(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, o)
#define EXIT() I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

#define SKB(member) offsetof(struct __sk_buff, member)

/* r2 = data, r3 = end; unless @n bytes are there, jump over @over insns. */
#define PACKET(n, over)							\
	LDX(BPF_W, 2, 1, SKB(data)),					\
	LDX(BPF_W, 3, 1, SKB(data_end)),				\
	MOV(4, 2), ALUI(BPF_ADD, 4, n), J(BPF_JGT, 4, 3, over)
#define RETURN(n) MOVI(0, n), EXIT()

#endif
