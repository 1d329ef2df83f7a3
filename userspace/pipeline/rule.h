/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, groups, their text, and the tables that hold them. */
#ifndef RULE_H
#define RULE_H 1

#include <sys/queue.h>

#include "flow.h"

#define N_TABLES 255
#define MAX_ACTIONS 64
/* Room for any rule's text: each action may set a field of the longest kind. */
#define RULE_TEXT (MAX_ACTIONS * (FIELD_TEXT + 40) + 8192)
#define MAX_NAME 64
#define MAX_BUCKETS 64
#define MAX_GROUP_ID 0xffffff00u
#define NO_GROUP UINT32_MAX
#define NO_BUCKET UINT32_MAX
/* Groups that the life of a bucket may hang on. */
#define MAX_WATCHED 64
#define MAX_METER 0xffff
/* The highest number that a port may have. */
#define MAX_PORT 65534
/* The datapath's own. */
#define LOCAL_PORT 0
/* In place of a port: that of the packet. */
#define NO_PORT UINT32_MAX

enum act_type {
	ACT_OUTPUT,
	ACT_OUTPUT_PART,
	ACT_IN_PORT,
	ACT_FLOOD,
	ACT_ALL,
	ACT_NORMAL,
	ACT_DROP,
	ACT_SET,
	ACT_MOVE,
	ACT_PUSH_VLAN,
	ACT_POP_VLAN,
	ACT_VLAN_VID,	/* mod_vlan_vid: adds a tag if there is none */
	ACT_VLAN_PCP,
	ACT_DEC_TTL,
	ACT_PUSH_MPLS,
	ACT_POP_MPLS,
	ACT_DEC_MPLS_TTL,
	ACT_BPF,
	ACT_GOTO,
	ACT_RESUBMIT,
	ACT_GROUP,
	ACT_METER,
	ACT_CT,
	ACT_CT_CLEAR,
	ACT_CONTROLLER,
	/* Not of rules: what a frozen walk begins with. */
	ACT_PICK,	/* a bucket of a select group, by dp_hash */
	ACT_OUTCOME,	/* of a filter: known to have been this */
	ACT_FILTERED,	/* of a filter: dp_hash; go on with the lookup */
};

/* MODE_AUTO: what the translation finds to be the cheapest that is right. */
enum bpf_mode { MODE_PROGRAM, MODE_ALWAYS, MODE_CHANGED, MODE_AUTO };

enum nat_type { NAT_NONE, NAT_BARE, NAT_SRC, NAT_DST };
enum nat_flags { NAT_RANDOM = 1, NAT_HASH = 2, NAT_PERSISTENT = 4 };

/**
 * struct act_ct - what a ct action does
 * @commit: enter the connection.
 * @force: though it is known in the other direction.
 * @nat: &enum nat_type.
 * @nat_flags: &enum nat_flags.
 * @ip6: @ip_min and @ip_max are IPv6.
 * @has_ip: they are given.
 * @table: where the packet goes on when its state is known; -1: nowhere.
 * @n_exec: actions behind this one that are for the connection.
 * @zone: if the act has no field for it.
 * @port_min: 0: none.
 * @port_max: likewise.
 * @ip_min: of the range of addresses; in its first bytes if IPv4.
 * @ip_max: likewise.
 * @alg: helper, or "".
 */
struct act_ct {
	bool commit;
	bool force;
	uint8_t nat;
	uint8_t nat_flags;
	bool ip6;
	bool has_ip;
	int16_t table;
	uint16_t n_exec;
	uint16_t zone;
	uint16_t port_min;
	uint16_t port_max;
	uint8_t ip_min[16];
	uint8_t ip_max[16];
	char alg[16];
};

/**
 * struct act - one action of a rule
 * @type: what.
 * @n: port, table, group, meter, VLAN id or priority, TPID or Ethernet type,
 *	length for the controller or of OUTPUT_PART, or an outcome.
 * @port: of RESUBMIT and FILTERED: the in_port that the lookup sees, or NO_PORT; of
 *	OUTPUT_PART: likewise, for IN_PORT.
 * @v: of SET: where the value is, in bytes from the action on: see act_value().
 * @field: of SET and MOVE: what is changed; of OUTPUT and CT: where the port or
 *	the zone is, or NULL.
 * @src: of MOVE: what is read.
 * @ofs: of MOVE, OUTPUT, CT: lowest bit in @field.
 * @src_ofs: of MOVE: lowest bit in @src.
 * @n_bits: of MOVE, OUTPUT, CT: how many bits; of SET: those of @field.
 * @mode: of BPF: when to recheck.
 * @mode_given: of BPF: the text says it.
 * @result: of BPF: number of the register for the result, or -1.
 * @arg: of BPF: the argument.
 * @prog: of BPF: name of the program.
 * @ct: of CT.
 */
struct act {
	enum act_type type;
	uint32_t n;
	uint32_t port;
	uint32_t v;
	const struct field *field;
	const struct field *src;
	uint16_t ofs;
	uint16_t src_ofs;
	uint16_t n_bits;
	union {
		struct {
			enum bpf_mode mode;
			bool mode_given;
			int result;
			uint64_t arg;
			char prog[MAX_NAME];
		};
		struct act_ct ct;
	};
};

/*
 * Value and mask of SET, each of as many bytes as the field had when they were read:
 * they stand behind the list that the action is in, and most are short.
 */
static inline size_t act_bytes(const struct act *a)
{
	return (a->n_bits + 7) / 8;
}

static inline const uint8_t *act_value(const struct act *a)
{
	return (const uint8_t *)a + a->v;
}

static inline const uint8_t *act_mask(const struct act *a)
{
	return act_value(a) + act_bytes(a);
}

/* Why a rule goes. */
enum gone_why { GONE_DELETED, GONE_IDLE, GONE_HARD, N_GONE };

/**
 * struct rule - a rule, with its actions one piece of memory
 * @next: in its table, of the same or lower priority.
 * @prev: in its table.
 * @chain: in the classifier: same match, same or lower priority.
 * @hash_next: in the classifier: another match.
 * @hash: in the classifier: of the match.
 * @table: number of the table.
 * @priority: 0 to 65535; the highest that matches is taken.
 * @cookie: the user's.
 * @match: value.
 * @mask: of the match.
 * @filter: program that must say so too, or "".
 * @acts: actions.
 * @n_acts: how many.
 * @n_packets: packets that took it, as far as the datapath told.
 * @n_bytes: their bytes.
 * @idle_timeout: it goes when unused for so many seconds; 0: it does not.
 * @hard_timeout: it goes so many seconds after it was added; 0: it does not.
 * @added: when that was; ms.
 * @used: when a packet last took it, as far as the datapath told, or @added; ms.
 * @gone: of one that goes: why.
 * @timeout: in a slot of a wheel, if it has a timeout and is not hidden.
 */
struct rule {
	struct rule *next;
	struct rule *prev;
	struct rule *chain;
	struct rule *hash_next;
	uint64_t hash;
	uint8_t table;
	uint16_t priority;
	uint64_t cookie;
	struct flow match;
	struct flow mask;
	char filter[MAX_NAME];
	struct act *acts;
	unsigned int n_acts;
	uint64_t n_packets;
	uint64_t n_bytes;
	uint16_t idle_timeout;
	uint16_t hard_timeout;
	uint64_t added;
	uint64_t used;
	enum gone_why gone;
	LIST_ENTRY(rule) timeout;
};

/**
 * struct rule_choice - which rules are meant
 * @like: of what table, match and filter; @strict: of what priority.
 * @any_table: of any table.
 * @strict: the one rule of exactly this; else all rules that match no more than @like.
 * @cookie_mask: bits of the cookie that must be those of @like.
 */
struct rule_choice {
	struct rule like;
	bool any_table;
	bool strict;
	uint64_t cookie_mask;
};

enum group_type { GROUP_ALL, GROUP_SELECT, GROUP_INDIRECT, GROUP_FF };

/**
 * struct bucket - of a group
 * @weight: of SELECT: its share.
 * @id: its number in the group, or NO_BUCKET.
 * @watch_port: of FF: live if this port is; or NO_PORT.
 * @watch_group: likewise, if this group is; or NO_GROUP.
 * @acts: actions.
 * @n_acts: how many.
 */
struct bucket {
	uint16_t weight;
	uint32_t id;
	uint32_t watch_port;
	uint32_t watch_group;
	struct act *acts;
	unsigned int n_acts;
};

/**
 * struct group - a group
 * @next: list.
 * @todo: of a search for loops: list of those that were found.
 * @via: likewise: the one that names it.
 * @id: number.
 * @type: &enum group_type.
 * @n_buckets: how many.
 * @buckets: in order.
 */
struct group {
	struct group *next;
	struct group *todo;
	struct group *via;
	uint32_t id;
	uint8_t type;
	unsigned int n_buckets;
	struct bucket buckets[MAX_BUCKETS];
};

/**
 * struct groups - all groups
 * @first: by ascending id.
 */
struct groups {
	struct group *first;
};

struct classifier;

/**
 * struct priority - rules of one priority in a table
 * @priority: which.
 * @last: the last of them in the table's list.
 */
struct priority {
	uint16_t priority;
	struct rule *last;
};

#define TIMEOUT_SLOTS 1024

LIST_HEAD(rule_list, rule);

/**
 * struct timeouts - rules that have timeouts
 * @slots: by the second in which they are to be looked at, which is one of a round.
 * @due: those of a second that has come.
 * @second: the next one to come.
 */
struct timeouts {
	struct rule_list slots[TIMEOUT_SLOTS];
	struct rule_list due;
	uint64_t second;
};

/**
 * struct tables - all rules
 * @first: of each table, highest priority first.
 * @cls: of each table: finds the rule for a packet.
 * @prio: of each table: where each priority ends, highest first.
 * @n_prio: how many.
 * @prio_room: for how many.
 * @n_rules: how many.
 * @timeouts: those that have timeouts.
 *
 * A rule that is hidden is in the classifier alone, where no lookup finds it.
 */
struct tables {
	struct rule *first[N_TABLES];
	struct classifier *cls[N_TABLES];
	struct priority *prio[N_TABLES];
	unsigned int n_prio[N_TABLES];
	unsigned int prio_room[N_TABLES];
	unsigned int n_rules;
	struct timeouts timeouts;
};

/**
 * struct outcomes - filters of which it is known what they said of a packet
 * @n: how many.
 * @o: each.
 */
#define MAX_OUTCOMES 16
struct outcomes {
	unsigned int n;
	struct {
		char prog[MAX_NAME];
		bool yes;
	} o[MAX_OUTCOMES];
};

/**
 * struct rule_names - what the text of a rule or a group may name
 * @act: whether what an action names is there; else it leaves a sentence in @err.
 * @filter: likewise, for the filter of a match.
 * @port: whether there is a port of a name, and its number.
 * @arg: for all of these.  Without one of them, names are not looked at; ports have none.
 */
struct rule_names {
	bool (*act)(const struct act *act, char *err, size_t size, void *arg);
	bool (*filter)(const char *prog, char *err, size_t size, void *arg);
	bool (*port)(const char *name, uint32_t *number, void *arg);
	void *arg;
};

/* Text: each parse that fails leaves a sentence in @err. */
struct rule *rule_read(const struct rule_names *names, const char *text, bool is_rule,
		       char *err, size_t size);
struct rule *rule_parse(const char *text, bool is_rule, char *err, size_t size);
int rule_choice_parse(struct rule_choice *c, const struct rule_names *names,
		      const char *text, bool strict, char *err, size_t size);
int acts_format(const struct act *acts, unsigned int n, char *buf, size_t size);
int rule_format(const struct rule *rule, char *buf, size_t size);
int rule_format_match(const struct rule *rule, char *buf, size_t size);
bool prog_name_ok(const char *name);
int match_format(const struct flow *match, const struct flow *mask, char *buf,
		 size_t size);
struct group *group_read(const struct rule_names *names, const char *text,
			 char *err, size_t size);
struct group *group_parse(const char *text, char *err, size_t size);
int group_format(const struct group *group, char *buf, size_t size);

/* Lists of actions: acts.c. */
size_t acts_size(const struct act *acts, unsigned int n);
struct act *acts_copy(void *to, const struct act *acts, unsigned int n);
bool acts_equal(const struct act *a, unsigned int n_a, const struct act *b,
		unsigned int n_b);

/* Groups: group.c. */
struct group *group_find(const struct groups *g, uint32_t id);
struct group *groups_insert(struct groups *g, struct group *group);
struct group *groups_take(struct groups *g, uint32_t id);
void group_free(struct group *group);
bool group_loop(const struct groups *g, struct group *group, char *way, size_t size);

/* Rules that go by themselves: timeouts.c. */
void timeouts_add(struct timeouts *w, struct rule *rule);
void timeouts_del(struct rule *rule);
struct rule *timeouts_next(struct timeouts *w, uint64_t now, uint64_t counted,
			   unsigned int *work, enum gone_why *why);
const char *gone_reason(enum gone_why why);

/* Tables: table.c. */
struct rule *tables_find(const struct tables *t, struct rule *like);
struct rule *tables_chosen(const struct tables *t, struct rule_choice *c,
			   const struct rule *after);
int tables_insert(struct tables *t, struct rule *rule, struct rule **old);
void tables_hide(struct tables *t, struct rule *rule);
void tables_show(struct tables *t, struct rule *rule);
void tables_forget(struct tables *t, struct rule *rule);
void tables_remove(struct tables *t, struct rule *rule);
struct rule *tables_lookup(const struct tables *t, unsigned int table,
			   const struct flow *flow, const struct outcomes *known,
			   struct flow *wc);
struct rule *tables_lookup_slowly(const struct tables *t, unsigned int table,
				  const struct flow *flow);
bool tables_reg_values(const struct tables *t, unsigned int reg,
		       uint32_t *values, unsigned int room, unsigned int *n);

#endif
