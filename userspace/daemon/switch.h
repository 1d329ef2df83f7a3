/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The switch that the daemon runs: one thread, no locks. */
#ifndef SWITCH_H
#define SWITCH_H 1

#include <jansson.h>
#include <stdio.h>
#include <uthash.h>

#include "../lib/dpnl.h"

#define MAX_PORTS 1024
#define MAX_FLOWS 200000

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
 * struct mflow - a megaflow that was installed
 * @ufid: its name.
 * @key: the key of its upcall.
 * @body: mask and actions as they were sent, to tell whether they changed.
 * @body_len: bytes of @body.
 * @hits: rules that it counts for.
 * @n_rules: how many.
 * @branch_seen: of each branch: times it was taken, accounted so far.
 * @n_branches: how many.
 * @learns: its packets' source is learned.
 * @in_port: where.
 * @learn: what.
 * @recirc: ids that it names.
 * @n_recirc: how many.
 * @packets: packets accounted so far.
 * @bytes: bytes accounted so far.
 * @seen: time when it was last used, or made; ms.
 * @hh: in sw.flows.
 */
struct mflow {
	uint8_t ufid[UFID_LEN];
	struct nlattr *key;
	uint8_t *body;
	size_t body_len;
	struct rule_hit *hits;
	unsigned int n_rules;
	uint64_t *branch_seen;
	unsigned int n_branches;
	bool learns;
	uint32_t in_port;
	struct mac_key learn;
	uint32_t *recirc;
	unsigned int n_recirc;
	uint64_t packets;
	uint64_t bytes;
	uint64_t seen;
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
 * struct sw_counts - what became of upcalls
 */
struct sw_counts {
	uint64_t upcalls, recirc_upcalls, malformed, unknown_recirc, installed,
		 install_failed, executed, execute_failed, lost, no_rule,
		 to_controller;
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
 * @nl: the datapath.
 * @dp: its name.
 * @tables: rules.
 * @groups: groups.
 * @meters: meters.
 * @frozen: frozen translations.
 * @macs: what normal has learned.
 * @macs_seen: @macs.changes at the last revalidation.
 * @stale: megaflows are to be revalidated soon.
 * @progs: programs.
 * @flows: megaflows.
 * @ports: numbers of the ports.
 * @n_ports: how many.
 * @port_up: of each: its device is up and has a carrier.
 * @idle_ms: a megaflow unused for this long goes.
 * @adopted: what a former daemon left has been looked at.
 * @adoption: what became of that.
 * @counts: counters.
 */
struct sw {
	struct dpnl nl;
	char dp[16];
	struct tables tables;
	struct groups groups;
	struct meter *meters;
	struct frozen_set frozen;
	struct mac_table macs;
	uint64_t macs_seen;
	bool stale;
	struct prog *progs;
	struct mflow *flows;
	uint32_t ports[MAX_PORTS];
	unsigned int n_ports;
	bool port_up[MAX_PORTS];
	uint64_t idle_ms;
	bool adopted;
	struct sw_adoption adoption;
	struct sw_counts counts;
};

uint64_t now_ms(void);

/* upcall.c */
void sw_upcalls(struct sw *sw);
int sw_prog_fd(const char *name, void *sw);
const struct progwrites *sw_prog_writes(const char *name, void *sw);
enum prog_class sw_prog_class(const char *name, void *sw);

/* flows.c */
int sw_build(struct sw *sw, struct nl_msg *msg, const struct nlattr *key,
	     const struct xlate_out *out);
int sw_put_ops(struct sw *sw, struct nl_msg *msg, const struct xlate_out *out);
void sw_xlate(struct sw *sw, const struct flow *flow, struct xlate_out *out);
typedef void (*reads_fn)(unsigned int table, const struct rule *rule,
			 const struct flow *mask, void *sw);
void sw_why(struct sw *sw, const struct flow *flow, struct xlate_out *out,
	    reads_fn reads);
void sw_trace(struct sw *sw, const struct flow *flow, struct xlate_out *out,
	      void (*line)(const char *line, void *arg), void *arg);
struct mflow *sw_flow_install(struct sw *sw, const struct nlattr *key,
			      const struct flow *flow,
			      const struct xlate_out *out);
bool sw_flow_installed(struct sw *sw, struct mflow *f, const struct flow *flow,
		       const struct xlate_out *out);
struct mflow *sw_flow_enter(struct sw *sw, const uint8_t *ufid,
			    const struct nlattr *key, const struct flow *flow,
			    const struct xlate_out *out, const void *body,
			    size_t body_len);
void sw_ufid_delete(struct sw *sw, const uint8_t *ufid, struct mflow *f);
unsigned int sw_flows_flush(struct sw *sw);
void sw_flows_tick(struct sw *sw);
void sw_revalidate(struct sw *sw);
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
