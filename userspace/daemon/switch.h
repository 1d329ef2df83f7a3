/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch that the daemon runs.  Threads work on it in turns (turn.h): the main one,
 * which runs commands and revalidates, and the handlers of upcalls, which let go of it
 * while the datapath does what they ask.
 */
#ifndef SWITCH_H
#define SWITCH_H 1

#include <jansson.h>
#include <stdio.h>

#include "../lib/dpnl.h"
#include "../pipeline/hash.h"
#include "portq.h"
#include "turn.h"

#define MAX_PORTS 1024
/* Megaflows that are looked at in one turn. */
#define SW_SLICE 64
/* Megaflows that one request deletes, and bytes that they have, as a reply may have them. */
#define SW_BATCH 1024
#define SW_BATCH_BYTES (1 << 20)
#define MAX_HANDLERS 16

/**
 * struct prog - a loaded program
 * @next: list.
 * @name: as rules call it.
 * @fd: descriptor.
 * @filter: it can't change packets.
 * @writes: what it may write.
 * @file_hash: of the file that it came from; 0: not known.
 */
struct prog {
	struct prog *next;
	char name[MAX_NAME];
	int fd;
	bool filter;
	struct progwrites writes;
	uint64_t file_hash;
};

/**
 * struct rule_hit - a rule that a megaflow counts for
 * @rule: the rule.
 * @branch: 0: every packet took it; else those that took this branch.
 */
struct rule_hit {
	struct rule *rule;
	uint16_t branch;
};

/**
 * struct sw_mask - a mask that megaflows have
 * @id: a hash of it as the datapath has it.
 * @refs: how many have it.
 * @words: the same, by words.
 * @hh: in sw.masks.
 */
struct sw_mask {
	uint64_t id;
	unsigned int refs;
	struct mask_words words;
	UT_hash_handle hh;
};

/**
 * struct mflow - a megaflow
 * @ufid: its name.
 * @key: the key of its upcall.
 * @body: mask and actions as they were sent, to tell whether they changed.
 * @body_len: bytes of @body.
 * @mask: the mask in it.
 * @masked: what that lets through of its packets.
 * @hits: rules that it counts for.
 * @n_rules: how many.
 * @asked: tables that its packets are looked up in.
 * @changed: those of them where they may not be as they came.
 * @branch_seen: of each branch: what took it, accounted so far.
 * @n_branches: how many.
 * @learns: its packets' source is learned.
 * @pending: its installation is under way, by a handler.
 * @again: likewise, and it was before: its counters may have begun anew.
 * @failed: the datapath does not take it; it is kept for a moment so that it is not
 *	tried for each packet.
 * @doomed: it is wrong, and goes when it is no longer pending.
 * @narrowed: it looks at every bit, as there were too many masks.
 * @in_port: where.
 * @learn: what.
 * @recirc: ids that it names.
 * @n_recirc: how many.
 * @unseen: dumps in a row that did not show it.
 * @gen: the rules' generation that it is right for.
 * @packets: packets accounted so far.
 * @bytes: bytes accounted so far.
 * @made: when it was installed; ms.
 * @seen: when it was last used, or made; ms.
 * @order: in sw.order.
 * @hh: in sw.flows.
 */
struct mflow {
	uint8_t ufid[UFID_LEN];
	struct nlattr *key;
	uint8_t *body;
	size_t body_len;
	struct sw_mask *mask;
	flow_word *masked;
	struct rule_hit *hits;
	unsigned int n_rules;
	struct table_set asked;
	struct table_set changed;
	struct branch_hits *branch_seen;
	unsigned int n_branches;
	bool learns;
	bool pending;
	bool again;
	bool failed;
	bool doomed;
	bool narrowed;
	uint32_t in_port;
	struct mac_key learn;
	uint32_t *recirc;
	unsigned int n_recirc;
	unsigned int unseen;
	uint64_t gen;
	uint64_t packets;
	uint64_t bytes;
	uint64_t made;
	uint64_t seen;
	TAILQ_ENTRY(mflow) order;
	UT_hash_handle hh;
};

/* Changes of rules that are told apart; with more, all megaflows are looked at. */
#define MAX_CHANGES 16

/**
 * struct sw_change - a rule that came, went, or took the place of another
 * @went: the one that went, or NULL; it may be no more.
 * @came: one came.
 * @table: of the rule, as all that follows.
 * @priority: see there.
 * @match: see there.
 * @mask: see there.
 */
struct sw_change {
	const struct rule *went;
	bool came;
	uint8_t table;
	uint16_t priority;
	struct flow match;
	struct flow mask;
};

/**
 * struct sw_changes - what has changed since megaflows were revalidated
 * @all: something that any of them may follow from.
 * @n: changes of rules.
 * @rules: they.
 */
struct sw_changes {
	bool all;
	unsigned int n;
	struct sw_change rules[MAX_CHANGES];
};

/**
 * struct sw_doomed - names of megaflows that will be deleted together
 * @n: how many.
 * @bytes: of their masks and actions.
 * @ufids: they.
 */
struct sw_doomed {
	unsigned int n;
	size_t bytes;
	uint8_t ufids[SW_BATCH][UFID_LEN];
};

/**
 * struct sw_limits - what traffic may make the daemon do
 * @flows: megaflows.
 * @masks: their masks; beyond, megaflows look at every bit.
 * @queue: upcalls of a port that wait for a handler.
 * @rate: upcalls of a port in a second; 0: any number.
 * @burst: upcalls of a port at once, if there is a rate.
 */
struct sw_limits {
	uint32_t flows;
	uint32_t masks;
	uint32_t queue;
	uint32_t rate;
	uint32_t burst;
};

extern const struct sw_limits sw_limits_default;

/**
 * struct sw_port_upcalls - upcalls of a port
 * @port: its number.
 * @answered: upcalls that were.
 * @lost: those that were not, by reason.
 * @bucket: what it may have now, if there is a rate.
 * @hh: in sw.port_upcalls.
 */
struct sw_port_upcalls {
	uint32_t port;
	uint64_t answered;
	uint64_t lost[PORTQ_N_LOSSES];
	struct token_bucket bucket;
	UT_hash_handle hh;
};

/**
 * struct meter - a meter of the datapath
 * @next: list.
 * @id: its number.
 * @kbps: its rate is in kilobits per second, else in packets per second.
 * @rate: what exceeds it is dropped.
 * @burst: how much may come at once; 0: the datapath's choice.
 */
struct meter {
	struct meter *next;
	uint32_t id;
	bool kbps;
	uint32_t rate;
	uint32_t burst;
};

/**
 * struct meter_stats - what a meter has counted
 * @packets: that came.
 * @bytes: that came.
 * @dropped_packets: of these, dropped.
 * @dropped_bytes: likewise.
 */
struct meter_stats {
	uint64_t packets, bytes, dropped_packets, dropped_bytes;
};

/**
 * struct sw_counts - what became of upcalls, of rules and of megaflows
 */
struct sw_counts {
	uint64_t upcalls, recirc_upcalls, malformed, unknown_recirc, installed,
		 install_failed, executed, execute_failed, lost, no_rule,
		 to_controller, over_limit, narrowed;
	uint64_t rules_gone[N_GONE];	/* by why */
	uint64_t untold;	/* deletions whose last counts may be missing */
	char last_error[256];	/* of an install or execute, or "" */
};

/**
 * struct sw_adoption - what became of a former daemon's megaflows
 * @kept: were right, and stay.
 * @repaired: got other actions.
 * @deleted: were wrong, or of a stage that nothing leads to.
 */
struct sw_adoption {
	unsigned int kept, repaired, deleted;
};

/**
 * struct sw - the switch
 * @turn: whose turn it is to work on what follows.
 * @nl: the datapath; of the main thread.
 * @dp: its name.
 * @pids: netlink ports of the handlers' sockets.
 * @n_pids: how many.
 * @tables: rules.
 * @groups: groups.
 * @meters: meters.
 * @frozen: frozen translations.
 * @macs: what normal has learned.
 * @macs_seen: @macs.changes at the last revalidation.
 * @stale: megaflows are to be revalidated soon.
 * @changes: what has changed since that was done.
 * @progs: programs.
 * @flows: megaflows.
 * @order: the same, those that were revalidated last at the end.
 * @next_dump: when they are dumped again; ms.
 * @dumped: when the last dump of all of them began; ms.
 * @counted: when the one before did: what packets took until then has been counted, though
 *	a dump may miss a megaflow.
 * @n_failed: megaflows that the datapath has not taken.
 * @n_branching: megaflows of which packets take branches.
 * @masks: their masks.
 * @secret: of the names of megaflows and masks.
 * @words: of the mask that was named by last.
 * @gen: generation of the rules, and of all else that megaflows follow from.
 * @n_busy: handlers that have let go of the switch in the middle of a batch.
 * @n_old: those whose batch is of an older generation.
 * @ports: numbers of the ports.
 * @n_ports: how many.
 * @port_names: of each: of its device.
 * @port_up: of each: its device is up and has a carrier.
 * @idle_ms: a megaflow unused for this long goes.
 * @limits: what traffic may make the daemon do.
 * @port_upcalls: upcalls by port.
 * @adopted: what a former daemon left has been looked at.
 * @adoption: what became of that.
 * @counts: counters.
 */
struct sw {
	struct turn turn;
	struct dpnl nl;
	char dp[16];
	uint32_t pids[MAX_HANDLERS];
	unsigned int n_pids;
	struct tables tables;
	struct groups groups;
	struct meter *meters;
	struct frozen_set frozen;
	struct mac_table macs;
	uint64_t macs_seen;
	bool stale;
	struct sw_changes changes;
	struct prog *progs;
	struct mflow *flows;
	TAILQ_HEAD(, mflow) order;
	uint64_t next_dump;
	uint64_t dumped;
	uint64_t counted;
	unsigned int n_failed;
	unsigned int n_branching;
	struct sw_mask *masks;
	uint64_t secret;
	struct mask_words words;
	uint64_t gen;
	unsigned int n_busy;
	unsigned int n_old;
	uint32_t ports[MAX_PORTS];
	unsigned int n_ports;
	char port_names[MAX_PORTS][16];
	bool port_up[MAX_PORTS];
	uint64_t idle_ms;
	struct sw_limits limits;
	struct sw_port_upcalls *port_upcalls;
	bool adopted;
	struct sw_adoption adoption;
	struct sw_counts counts;
};

int sw_init(struct sw *sw, const char *dp, uint64_t idle_ms);
uint64_t now_ms(void);

/* handler.c */
int handlers_open(struct sw *sw, unsigned int n);
int handlers_start(struct sw *sw);
void handlers_stop(struct sw *sw);
uint64_t handlers_lost(uint32_t port);

/* translate.c */
int sw_build(struct sw *sw, struct nl_msg *msg, const struct nlattr *key,
	     const struct flow *flow, const struct xlate_out *out);
int sw_put_ops(struct sw *sw, struct nl_msg *msg, const struct xlate_out *out);
void sw_xlate(struct sw *sw, const struct flow *flow, struct xlate_out *out);
void sw_xlate_apart(struct sw *sw, const struct flow *flow, struct xlate_out *out);
void sw_watch(struct sw *sw, const struct flow *flow, struct xlate_out *out,
	      const struct xlate_watch *watch);
int sw_prog_fd(const char *name, void *sw);
const struct progwrites *sw_prog_writes(const char *name, void *sw);
enum prog_class sw_prog_class(const char *name, void *sw);

/* flows.c */
enum flow_way { FLOW_DIRECT, FLOW_THROUGH };
enum flow_way sw_flow_for(struct sw *sw, struct dpnl *nl,
			  const struct nlattr *key, const struct flow *flow,
			  struct xlate_out *out, struct mflow **made,
			  struct nl_msg **install);
int sw_flow_installed(struct sw *sw, struct dpnl *nl, struct mflow *f, int err);
struct mflow *sw_flow_find(const struct sw *sw, const void *ufid);
struct mflow *sw_flow_enter(struct sw *sw, const uint8_t *ufid,
			    const struct nlattr *key, const struct flow *flow,
			    const struct xlate_out *out, const void *body,
			    size_t body_len, uint64_t mask_id);
uint64_t sw_mask_id(const struct sw *sw, const void *body);
bool sw_flow_account(struct mflow *f, struct nlattr *const *attrs);
void sw_flow_forget(struct sw *sw, struct mflow *f);
void sw_flows_delete(struct sw *sw, struct dpnl *nl,
		     const uint8_t (*ufids)[UFID_LEN], unsigned int n);
bool sw_doom(struct sw_doomed *d, const uint8_t *ufid, size_t bytes);
void sw_delete_doomed(struct sw *sw, struct sw_doomed *d);
unsigned int sw_flows_flush(struct sw *sw);
void sw_fields_moved(struct sw *sw);

/* revalidate.c */
void sw_yield(struct sw *sw);
void sw_flows_tick(struct sw *sw);
void sw_revalidate(struct sw *sw);
void sw_rule_changed(struct sw *sw, const struct rule *out, const struct rule *in);
void sw_revalidate_changed(struct sw *sw);

/* rules.c */
void sw_rules_expire(struct sw *sw);

/* ports.c */
bool sw_port_live(uint32_t port, void *sw);
bool sw_port_named(const char *name, uint32_t *number, void *sw);
void sw_ports_refresh(struct sw *sw);

/* adopt.c */
void sw_adopt(struct sw *sw);

/* progs.c: each leaves a sentence in @err if it fails. */
int prog_load(struct sw *sw, const char *name, const char *path, bool replace,
	      json_t *notes, char *err, size_t size);
int prog_unload(struct sw *sw, const char *name, char *err, size_t size);
void prog_adopt(struct sw *sw);
const char *prog_map_dir(const struct sw *sw, const char *name);
struct prog *prog_find(const struct sw *sw, const char *name);

/* meters.c */
struct meter *meter_find(const struct sw *sw, uint32_t id);
int meter_set(struct sw *sw, struct meter *meter, char *err, size_t size);
int meter_remove(struct sw *sw, struct meter *meter);
bool meter_stats(struct sw *sw, uint32_t id, struct meter_stats *stats);
void meters_adopt(struct sw *sw);

/* main.c */
void sw_leave(void);

#endif
