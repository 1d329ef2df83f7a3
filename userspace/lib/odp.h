/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the datapath's attributes and the pipeline's flows. */
#ifndef ODP_H
#define ODP_H 1

#include <netlink/msg.h>

#include "../pipeline/xlate.h"

/**
 * struct odp_part - a part of an attribute: where it is there, and in a flow
 */
struct odp_part {
	uint8_t nl_ofs;
	uint16_t ofs;
	uint8_t len;
	enum { COPY, HOST32, HOST16, LABELS, U8_IN_16, U16_IN_8, FRAG } kind;
};

/**
 * struct odp_map - an attribute of a fixed form
 * @type: OVS_KEY_ATTR_*.
 * @len: its length.
 * @n: number of parts.
 * @parts: what it is made of.
 */
struct odp_map {
	uint16_t type;
	uint8_t len;
	uint8_t n;
	struct odp_part parts[7];
};

/* What the daemon asks to be told with a packet for the controller. */
#define ODP_MAGIC 0x0b9fc701u
struct odp_userdata {
	uint32_t magic;
	uint32_t max_len;
	uint32_t table;
	uint32_t pad;
	uint64_t cookie;
};

/**
 * struct odp_env - what is needed to write actions
 * @prog_fd: gives the descriptor of a program, or a negative errno.
 * @arg: for @prog_fd.
 * @pid: netlink port that gets packets for the controller.
 * @names: programs go by name, for people: @prog_fd is not asked.
 */
struct odp_env {
	int (*prog_fd)(const char *name, void *arg);
	void *arg;
	uint32_t pid;
	bool names;
};

/* odp.c */
extern const struct odp_map odp_maps[];
extern const unsigned int odp_n_maps;
void odp_map_out(const struct odp_map *m, uint8_t *nl, const struct flow *flow,
		 bool mask);
bool odp_map_applies(const struct odp_map *m, const struct flow *flow);
int odp_flow_from_key(const struct nlattr *key, struct flow *flow);
int odp_flow_from_mask(const struct nlattr *mask, const struct nlattr *key,
		       struct flow *flow);
int odp_flow_from_attr(const struct nlattr *attr, const void *data,
		       struct flow *flow);
int odp_put_mask(struct nl_msg *msg, const struct nlattr *key,
		 const struct flow *flow, const struct flow *wc);
int odp_put_exact(struct nl_msg *msg, const struct nlattr *a);
struct nlattr *odp_nest(struct nl_msg *msg, int type);
void odp_nest_end(struct nl_msg *msg, struct nlattr *nest);

/* odpnests.c */
int odp_tunnel_in(const struct nlattr *nest, const struct nlattr *key,
		  struct flow *f);
int odp_put_tunnel(struct nl_msg *msg, const struct flow *flow);
int odp_put_tunnel_mask(struct nl_msg *msg, const struct nlattr *key,
			const struct flow *wc, const struct flow *has);
bool odp_has_tunnel(const struct flow *wc);
bool odp_tunnel_is_odd(const struct nlattr *key);
int odp_nsh_in(const struct nlattr *nest, struct flow *f);
int odp_put_nsh_mask(struct nl_msg *msg, const struct flow *wc,
		     const struct flow *has);
bool odp_has_nsh(const struct flow *wc);

/* odpacts.c */
int odp_put_ops(struct nl_msg *msg, const struct xlate_out *out,
		const struct odp_env *env);

/* odptext.c */
int odp_format_flow(struct nlattr *const *flow, char *buf, size_t size);
int odp_format_actions(const struct nlattr *acts, char *buf, size_t size, int n);

/**
 * struct branch_hits - what took a branch of a megaflow
 * @packets: how many.
 * @bytes: theirs, as they were there.
 */
struct branch_hits {
	uint64_t packets;
	uint64_t bytes;
};

unsigned int odp_branch_hits(const struct nlattr *acts, struct branch_hits *hits,
			     unsigned int room);

#endif
