/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program may write, told from its instructions before it runs.
 *
 * An abstract interpretation follows every path that the kernel's verifier
 * would, with intervals in place of numbers, and notes each byte of the packet
 * that a store or a helper may reach.  It errs on one side only: a byte that is
 * not reported can't be written.  What it does not understand is `anything`.
 *
 * It must be given the instructions that the kernel was given: those of
 * bpf_program__insns() after bpf_object__load(), when all relocations are done.
 * What the kernel hands out for a loaded program (its "xlated" dump) won't do:
 * there the verifier has rewritten the accesses to the context, and the numbers
 * of helpers are blinded.
 */
#ifndef PROGWRITES_H
#define PROGWRITES_H 1

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;

#define PW_BYTES 256
#define PW_CLASSES 4

/* Metadata that a program may write. */
enum pw_meta {
	PW_MARK = 1 << 0,
	PW_PRIORITY = 1 << 1,
	PW_RESULT = 1 << 2,	/* cb[0] */
	PW_CB = 1 << 3,		/* another word of cb */
	PW_TC_INDEX = 1 << 4,
	PW_TC_CLASSID = 1 << 5,
	PW_QUEUE = 1 << 6,
	PW_TSTAMP = 1 << 7,
	PW_HASH = 1 << 8,
	PW_PKT_TYPE = 1 << 9,
	PW_META_ALL = (1 << 10) - 1,
};

/* What else a program may do. */
enum pw_may {
	PW_RESIZE = 1 << 0,	/* move, add or take away bytes */
	PW_VLAN = 1 << 1,
	PW_REDIRECT = 1 << 2,
	PW_CLONE = 1 << 3,	/* send copies */
	PW_TAIL_CALL = 1 << 4,
	PW_KFUNC = 1 << 5,
};

/* Why a program may write anything. */
enum pw_why {
	PW_WHY_NOT_ANALYZED,	/* its instructions are not known */
	PW_WHY_POINTER,		/* a store by a pointer that was lost track of */
	PW_WHY_HELPER,		/* a helper that rewrites the packet */
	PW_WHY_UNKNOWN_HELPER,
	PW_WHY_KFUNC,
	PW_WHY_TAIL_CALL,
	PW_WHY_CONTEXT,		/* a store to an unknown field of __sk_buff */
	PW_WHY_INSN,		/* an unknown instruction */
	PW_WHY_TOO_LARGE,
};

/**
 * struct pw_bytes - a set of offsets
 * @bits: offset N is bit N % 64 of word N / 64.
 * @beyond: offsets from PW_BYTES on.
 */
struct pw_bytes {
	uint64_t bits[PW_BYTES / 64];
	bool beyond;
};

/**
 * struct pw_class - what may be written to packets of one kind
 * @eth_type: the program has seen this value (host order) behind the addresses,
 *	so that the packet has no VLAN tag in it and layer 3 is at offset 14; 0:
 *	it has seen nothing.
 * @data: offsets from the Ethernet header on.
 * @l4: offsets from the transport header on, which the program has found by the
 *	length of the IPv4 header, or by the next header of IPv6.
 */
struct pw_class {
	uint16_t eth_type;
	struct pw_bytes data;
	struct pw_bytes l4;
};

/**
 * struct progwrites - what a program may write
 * @anything: any byte of the packet; the classes are void then.
 * @why: &enum pw_why, if @anything.
 * @insn: the instruction that is to blame, if @anything.
 * @helper: its helper, if @why is about one.
 * @meta: &enum pw_meta.
 * @may: &enum pw_may.
 * @n_classes: at least 1.
 * @class: the first is that of packets of which nothing is known.
 */
struct progwrites {
	bool anything;
	uint8_t why;
	uint32_t insn;
	int32_t helper;
	uint32_t meta;
	uint32_t may;
	uint32_t n_classes;
	struct pw_class class[PW_CLASSES];
};

/* progwrites.c */
void progwrites_analyze(const struct bpf_insn *insns, size_t n,
			struct progwrites *pw);
void progwrites_unknown(struct progwrites *pw);
void progwrites_nothing(struct progwrites *pw);

/* progtext.c */
bool pw_bytes_any(const struct pw_bytes *b);
bool pw_bytes_has(const struct pw_bytes *b, unsigned int ofs);
bool progwrites_packet(const struct progwrites *pw);
int progwrites_format(const struct progwrites *pw, char *buf, size_t size);
int progwrites_format_meta(const struct progwrites *pw, char *buf, size_t size);
int progwrites_format_may(const struct progwrites *pw, char *buf, size_t size);
const char *bpf_helper_name(int id);

/* progfields.c */
bool progwrites_needs_vlan(const struct progwrites *pw);
void progwrites_fields(const struct progwrites *pw, const struct flow *flow,
		       bool ethernet, struct flow *changed);
bool progwrites_meets(const struct progwrites *pw, const struct flow *flow,
		      bool ethernet, const struct flow *used);

#endif
