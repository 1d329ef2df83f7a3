/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running commands: what they answer, and how what they do is undone.
 */
#ifndef COMMAND_H
#define COMMAND_H 1

#include <jansson.h>
#include <stdio.h>

#include "../lib/args.h"
#include "../lib/cmds.h"

struct sw;
struct rule;
struct rule_names;
struct client;

#define MAX_ANSWER (64u << 20)

/**
 * struct reply - the answer of a command
 * @cmd: the command.
 * @client: who asked, or NULL.
 * @out: where it goes.
 * @json: as JSON, not as text.
 * @list: it is a list of rows; else there is one at most.
 * @rows: rows so far.
 * @failed: it went wrong: @err tells.
 * @full: it is too long.
 * @err: a sentence.
 */
struct reply {
	const struct cmd *cmd;
	struct client *client;
	FILE *out;
	bool json;
	bool list;
	unsigned int rows;
	bool failed;
	bool full;
	char err[16384];
};

/* A command.  Return: 0, or -1 with a sentence in the answer. */
typedef int (*cmd_fn)(struct sw *sw, const struct args *a, struct reply *r);

#define COMMAND(object, verb, function, ...)				\
	int function(struct sw *sw, const struct args *a, struct reply *r);
#include "../lib/cmds.def"
#undef COMMAND

/* reply.c */
void reply_list(struct reply *r);
int reply_row(struct reply *r, json_t *row);
int reply_rows(struct reply *r, json_t *rows);
int reply_fail(struct reply *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int reply_fail_row(struct reply *r, json_t *row);
void reply_end(struct reply *r);

/* commands.c */
char *command_run(struct sw *sw, struct client *client, const char *method,
		  int argc, const char *const *argv, bool *failed);
char *batch_read(const char *path, struct reply *r);
int batch_run(struct sw *sw, const char *path, char *text, struct reply *r);

/*
 * txn.c: what a command, or a batch of them, does is kept or undone as a whole.
 * Megaflows are revalidated once, at the end.
 */
struct txn;
typedef void (*txn_fn)(struct sw *sw, void *arg);

void txn_begin(struct sw *sw, bool batch);
int txn_add(struct sw *sw, txn_fn undo, txn_fn keep, void *arg);
int txn_add_sure(struct sw *sw, txn_fn undo, txn_fn sure, txn_fn keep, void *arg);
void txn_free(struct sw *sw, void *arg);
void txn_end(struct sw *sw, bool ok);
bool txn_defer(struct sw *sw);
bool txn_in_batch(const struct sw *sw);
bool txn_under_way(const struct sw *sw);

/**
 * struct txn_kind - things of which one may take the place of another
 * @change: undo what put @out in the place of @in; either may be NULL.  Can't fail.
 * @sure: it is sure that @in stays in the place of @out; may be NULL.
 * @kept: the same, once megaflows have been revalidated; may be NULL.
 * @free: let go of one.
 */
struct txn_kind {
	void (*change)(struct sw *sw, void *out, void *in);
	void (*sure)(struct sw *sw, void *out, void *in);
	void (*kept)(struct sw *sw, void *out, void *in);
	void (*free)(void *thing);
};

int txn_swapped(struct sw *sw, const struct txn_kind *kind, void *out, void *in);

/* rules.c: changes of the rules, within a transaction. */
struct rule_counts {
	unsigned int added, deleted, kept;
};

int rules_enter(struct sw *sw, struct rule *rule, struct rule_counts *counts);
int rules_load(struct sw *sw, const char *path, struct rule_counts *counts,
	       char *err, size_t size);
int rules_replace_begin(struct sw *sw);
int rules_replace_end(struct sw *sw, struct rule_counts *counts);
int rules_take(struct sw *sw, bool (*which)(const struct rule *rule, void *arg), void *arg);

/* cmd_group.c: what actions name must be there: programs, meters, groups. */
struct group;
int group_remove(struct sw *sw, struct group *group);
struct rule_names sw_names(struct sw *sw);
bool progs_fit(struct sw *sw, char *err, size_t size);
bool acts_use(const struct sw *sw, int act_type, uint32_t n);

/* config.c */
int config_set(const char *path);
int config_load(struct sw *sw, const char *path, char *err, size_t size);
int config_reload(struct sw *sw, char *err, size_t size);
bool config_is_loading(const struct sw *sw);
bool config_wants(const struct sw *sw, const char *kind, const char *name);
bool config_wants_port(const struct sw *sw, const char *name, uint32_t number);
bool config_has_port(const struct sw *sw, const char *name, uint32_t *number);
bool config_keeps_prog(const struct sw *sw, const char *name, const char *file);
bool config_has(const struct sw *sw, const char *kind, const char *name);
bool config_has_number(const struct sw *sw, const char *kind, uint32_t n);

/* cmd_upcall.c */
struct sw_limits;
int limits_set(struct sw *sw, const struct sw_limits *limits);
json_t *upcall_ports_describe(struct sw *sw, const json_t *ports);

/* cmd_tlv.c */
struct tlv;
int tlvs_become(struct sw *sw, const struct tlv *want);
bool tlv_known(const struct sw *sw, const struct rule *rule, char *err, size_t size);

/* cmd_dp.c */
json_t *dp_describe(struct sw *sw);
json_t *ports_describe(struct sw *sw);

/* cmd_port.c */
int ports_settle(struct sw *sw, char *err, size_t size);
int ports_remove_unnamed(struct sw *sw, char *err, size_t size);

#endif
