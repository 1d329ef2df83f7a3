/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text being read; errors that point at a token. */
#ifndef PARSE_H
#define PARSE_H 1

#include "rule.h"

#define MAX_USED 64
#define DEFAULT_PRIORITY 32768

/* What a text is: a rule, a packet, or which rules are meant: see struct rule_choice. */
enum text_use { TEXT_RULE, TEXT_PACKET, TEXT_WITHIN, TEXT_STRICT };

/**
 * struct parser - text being read, a copy that is cut into tokens
 * @at: what is left.
 * @start: where it began, to name positions.
 * @end: where it ends.
 * @names: what it may name; NULL: anything.
 * @err: the sentence about the first error.
 * @size: room in it.
 * @failed: whether there was one.
 * @use: what it is.
 * @given: options that were given, as bits: of a rule, or of a group and a bucket.
 * @cookie_mask: of the cookie that rules are chosen by.
 * @n_acts: actions read so far.
 * @n_used: fields that a match names.
 * @table: of the rule; actions may go to tables above; -1: not of a rule.
 * @used: those fields, and where they are named.
 * @acts: those actions.
 * @values: of each action: what it sets its field to, value and mask.
 */
struct parser {
	char *at;
	char *start;
	char *end;
	const struct rule_names *names;
	char *err;
	size_t size;
	bool failed;
	enum text_use use;
	unsigned int given;
	uint64_t cookie_mask;
	unsigned int n_acts;
	unsigned int n_used;
	int table;
	/* Large, and not cleared at the beginning. */
	struct {
		const struct field *field;
		const char *token;
	} used[MAX_USED];
	struct act acts[MAX_ACTIONS];
	uint8_t values[MAX_ACTIONS][2 * FIELD_MAX];
};

struct parser *parser_new(const struct rule_names *names, const char *text,
			  enum text_use use, char *err, size_t size);
void parser_free(struct parser *p);
void fail(struct parser *p, const char *token, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
char *next_token(struct parser *p);
char *next_arg(char **at);
bool parse_u64(const char *s, uint64_t max, uint64_t *out);
bool has_prefix(char *tok, const char *prefix, char **rest);
char *inside(struct parser *p, char *tok, char *open);
size_t token_len(const char *s, const char *ends);
bool find_port(struct parser *p, const char *tok, uint32_t *number);
bool parse_port(struct parser *p, const char *tok, uint32_t *number);
const char *parse_value(struct parser *p, const struct field *f, const char *tok,
			struct field_value *v);
const struct field *parse_subfield(struct parser *p, char *text, uint16_t *ofs,
				   uint16_t *n_bits);

void parse_match(struct parser *p, char *tok, struct rule *rule);
void parse_matches(struct parser *p, struct rule *rule);
bool parse_option(struct parser *p, const char *name, char *value, struct rule *rule);
void check_match(struct parser *p, const struct rule *rule);
void parse_actions(struct parser *p, bool exec);
void parse_bpf(struct parser *p, struct act *act, char *arg);
void parse_ct(struct parser *p, char *arg);

extern const char *const bpf_modes[];

#endif
