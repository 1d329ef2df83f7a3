/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The datapath over generic netlink: requests with their errors as sentences,
 * upcalls, and the codec between attributes and the pipeline's flows.
 */
#ifndef DPNL_H
#define DPNL_H 1

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include "odp.h"

#define UFID_LEN 16
#define DPNL_MAX_MSG 65536

/*
 * OVS_VPORT_ATTR_UPCALL_STATS and, in it, OVS_VPORT_UPCALL_ATTR_FAIL: the headers have
 * them since Linux 6.3, the module on any kernel.
 */
#define DPNL_VPORT_UPCALL_STATS 10
#define DPNL_VPORT_UPCALL_FAIL 1

/* Requests that go together. */
#define DPNL_BATCH 64
/* Answers that are taken at once. */
#define DPNL_RECEIVE 16
/* CPUs that the datapath is told a socket for. */
#define DPNL_MAX_CPUS 1024

enum dpnl_family { F_DATAPATH, F_VPORT, F_FLOW, F_PACKET, F_METER, N_FAMILIES };

/* Takes a reply, or the rows of a dump; makes no calls of its own. */
typedef void (*dpnl_cb)(struct nlattr *const *attrs, int dp_ifindex, void *arg);

/**
 * struct dpnl_req - a request
 * @msg: what is sent.
 * @cb: for each reply; may be NULL.
 * @arg: for @cb.
 * @seq: its number.
 * @err: the answer, when it has been sent: 0 or a negative errno.
 */
struct dpnl_req {
	struct nl_msg *msg;
	dpnl_cb cb;
	void *arg;
	uint32_t seq;
	int err;
};

/**
 * struct dpnl - connection to the datapath, of one thread
 * @sk: socket.
 * @family: ids.
 * @dp_ifindex: of the datapath; 0 if there is none.
 * @err: a sentence about the last failure.
 * @reqs: requests that go together.
 * @n_reqs: how many.
 * @quiet: one hears of them only if they fail.
 * @done: whether the last of them was answered.
 * @bufs: take what comes.
 * @iov: the same, for @msgs.
 * @msgs: headers of what comes.
 * @spare: messages for dpnl_msg().
 * @n_spare: how many.
 */
struct dpnl {
	struct nl_sock *sk;
	int family[N_FAMILIES];
	int dp_ifindex;
	char err[256];
	struct dpnl_req reqs[DPNL_BATCH];
	unsigned int n_reqs;
	bool quiet;
	bool done;
	uint8_t (*bufs)[DPNL_MAX_MSG];
	struct iovec iov[DPNL_RECEIVE];
	struct mmsghdr msgs[DPNL_RECEIVE];
	struct nl_msg *spare[DPNL_BATCH];
	unsigned int n_spare;
};

/* dpnl.c */
int dpnl_open(struct dpnl *nl);
int dpnl_check_module(struct dpnl *nl);
void dpnl_close(struct dpnl *nl);
struct nl_sock *dpnl_upcall_socket(void);
int dpnl_wake(struct dpnl *nl, uint32_t pid);
struct nl_msg *dpnl_msg(struct dpnl *nl, enum dpnl_family family, int cmd,
			int flags);
void dpnl_free(struct dpnl *nl, struct nl_msg *msg);
struct dpnl_req *dpnl_add(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb,
			  void *arg);
int dpnl_run(struct dpnl *nl);
int dpnl_run_quietly(struct dpnl *nl);
int dpnl_call(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb, void *arg);

/* dpnl_ops.c */
int dpnl_dp_open(struct dpnl *nl, const char *name, bool create,
		 const uint32_t *pids, unsigned int n_pids);
int dpnl_dp_del(struct dpnl *nl);
int dpnl_dp_get(struct dpnl *nl, dpnl_cb cb, void *arg);
int dpnl_port_add(struct dpnl *nl, const char *name, bool internal,
		  uint32_t number, uint32_t pid);
int dpnl_port_del(struct dpnl *nl, const char *name);
int dpnl_port_dump(struct dpnl *nl, dpnl_cb cb, void *arg);

#endif
