/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text being read; errors that point at a token. */
#ifndef PARSE_H
#define PARSE_H 1

#include "rule.h"

#define MAX_USED 64

/**
 * struct parser - text being read, a copy that is cut into tokens
 * @at: what is left.
 * @start: where it began, to name positions.
 * @err: the sentence about the first error.
 * @size: room in it.
 * @failed: whether there was one.
 * @acts: actions read so far.
 * @n_acts: how many.
 * @used: fields that a match names.
 * @n_used: how many.
 * @table: of the rule; actions may go to tables above; -1: not of a rule.
 */
struct parser {
	char *at;
	char *start;
	char *err;
	size_t size;
	bool failed;
	struct act acts[MAX_ACTIONS];
	unsigned int n_acts;
	struct {
		const struct field *field;
		const char *token;
	} used[MAX_USED];
	unsigned int n_used;
	int table;
};

void fail(struct parser *p, const char *token, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
char *next_token(struct parser *p);
char *next_arg(char **at);
bool parse_u64(const char *s, uint64_t max, uint64_t *out);
bool has_prefix(char *tok, const char *prefix, char **rest);
char *inside(struct parser *p, char *tok, char *open);
const struct field *parse_subfield(struct parser *p, char *text, uint16_t *ofs,
				   uint16_t *n_bits);

void parse_match(struct parser *p, char *tok, struct rule *rule);
void check_match(struct parser *p, const struct rule *rule);
void parse_actions(struct parser *p, bool exec);
void parse_bpf(struct parser *p, struct act *act, char *arg);
void parse_ct(struct parser *p, char *arg);
struct act *acts_copy(struct act *to, const struct act *acts, unsigned int n);

extern const char *const bpf_modes[];

#endif
