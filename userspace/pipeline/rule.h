/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, their text, and the tables that hold them. */
#ifndef RULE_H
#define RULE_H 1

#include "flow.h"

#define N_TABLES 255
#define MAX_ACTIONS 64
#define MAX_NAME 64

enum act_type {
	ACT_OUTPUT,
	ACT_IN_PORT,
	ACT_FLOOD,
	ACT_DROP,
	ACT_SET,
	ACT_PUSH_VLAN,
	ACT_POP_VLAN,
	ACT_BPF,
	ACT_GOTO,
};

/* MODE_AUTO: what the translation finds to be the cheapest that is right. */
enum bpf_mode { MODE_PROGRAM, MODE_ALWAYS, MODE_CHANGED, MODE_AUTO };

/**
 * struct act - one action of a rule
 * @type: what.
 * @mode: of BPF: when to recheck.
 * @result: of BPF: number of the register for the result, or -1.
 * @n: port, table, or TPID of a pushed tag.
 * @arg: of BPF: the argument.
 * @field: of SET.
 * @value: of SET, in place; masked.
 * @mask: of SET.
 * @prog: of BPF: name of the program.
 */
struct act {
	enum act_type type;
	enum bpf_mode mode;
	int result;
	uint32_t n;
	uint64_t arg;
	const struct field *field;
	uint8_t value[16];
	uint8_t mask[16];
	char prog[MAX_NAME];
};

/**
 * struct rule - a rule
 * @next: in its table, of the same or lower priority.
 * @table: number of the table.
 * @priority: 0 to 65535; the highest that matches is taken.
 * @cookie: the user's.
 * @match: value.
 * @mask: of the match.
 * @acts: actions.
 * @n_acts: how many.
 * @n_packets: packets that took it, as far as the datapath told.
 * @n_bytes: their bytes.
 */
struct rule {
	struct rule *next;
	uint8_t table;
	uint16_t priority;
	uint64_t cookie;
	struct flow match;
	struct flow mask;
	struct act acts[MAX_ACTIONS];
	unsigned int n_acts;
	uint64_t n_packets;
	uint64_t n_bytes;
};

/**
 * struct tables - all rules
 * @first: of each table, highest priority first.
 * @n_rules: how many.
 */
struct tables {
	struct rule *first[N_TABLES];
	unsigned int n_rules;
};

/* Text: rule_text.c.  A parse that fails leaves a sentence in @err. */
struct rule *rule_parse(const char *text, bool need_actions, char *err,
			size_t size);
int acts_format(const struct act *acts, unsigned int n, char *buf, size_t size);
int rule_format(const struct rule *rule, bool stats, char *buf, size_t size);
bool prog_name_ok(const char *name);
int match_format(const struct flow *match, const struct flow *mask, char *buf,
		 size_t size);

/* Tables: table.c. */
struct rule *tables_insert(struct tables *t, struct rule *rule);
void tables_remove(struct tables *t, struct rule *rule);
struct rule *tables_take(struct tables *t, const struct rule *like,
			 bool any_table);
struct rule *tables_lookup(const struct tables *t, unsigned int table,
			   const struct flow *flow, struct flow *wc);

#endif
