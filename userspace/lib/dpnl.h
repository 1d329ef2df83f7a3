/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The datapath over generic netlink: requests with their errors as sentences,
 * upcalls, and the codec between attributes and the pipeline's flows.
 */
#ifndef DPNL_H
#define DPNL_H 1

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "odp.h"

#define UFID_LEN 16
#define DPNL_MAX_MSG 65536

/* Messages that are kept for reuse: an upcall takes two. */
#define N_SPARE 2

enum dpnl_family { F_DATAPATH, F_VPORT, F_FLOW, F_PACKET, F_METER, N_FAMILIES };

/**
 * struct dpnl - connection to the datapath
 * @sk: for requests.
 * @up: for upcalls.
 * @family: ids.
 * @dp_ifindex: of the datapath; 0 if there is none.
 * @err: a sentence about the last failure.
 * @held: a request that goes with the next one.
 * @held_err: its answer, 0 or a negative errno.
 * @held_why: the same as a sentence.
 * @spare: messages for dpnl_msg().
 * @n_spare: how many.
 */
struct dpnl {
	struct nl_sock *sk;
	struct nl_sock *up;
	int family[N_FAMILIES];
	int dp_ifindex;
	char err[256];
	struct nl_msg *held;
	int held_err;
	char held_why[256];
	struct nl_msg *spare[N_SPARE];
	unsigned int n_spare;
};

typedef void (*dpnl_cb)(struct nlattr *const *attrs, int dp_ifindex, void *arg);

int dpnl_open(struct dpnl *nl);
void dpnl_close(struct dpnl *nl);
struct nl_msg *dpnl_msg(struct dpnl *nl, enum dpnl_family family, int cmd,
			int flags);
void dpnl_free(struct dpnl *nl, struct nl_msg *msg);
void dpnl_hold(struct dpnl *nl, struct nl_msg *msg);
int dpnl_release(struct dpnl *nl);
int dpnl_call(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb, void *arg);

int dpnl_dp_open(struct dpnl *nl, const char *name, bool create);
int dpnl_dp_del(struct dpnl *nl);
int dpnl_dp_get(struct dpnl *nl, dpnl_cb cb, void *arg);
int dpnl_port_add(struct dpnl *nl, const char *name, bool internal,
		  uint32_t number);
int dpnl_port_del(struct dpnl *nl, const char *name);
int dpnl_port_dump(struct dpnl *nl, dpnl_cb cb, void *arg);

#endif
