// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to the datapath: alone, or many at once. */
#include "dpnl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/openvswitch.h>
#include <linux/openvswitch_bpf.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/family.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef NLM_F_ACK_TLVS
#define NLM_F_ACK_TLVS 0x200
#endif

#define RECEIVE_BUFFER (4 << 20)
/* Bytes of requests sent at once, unless one alone has more. */
#define MAX_SEND (128 << 10)

static const char *const family_names[N_FAMILIES] = {
	OVS_DATAPATH_FAMILY, OVS_VPORT_FAMILY, OVS_FLOW_FAMILY,
	OVS_PACKET_FAMILY, OVS_METER_FAMILY,
};

static void on_reply(const struct dpnl_req *req, struct nlmsghdr *h)
{
	struct genlmsghdr *g = nlmsg_data(h);
	struct nlattr *attrs[64] = {}, *a;
	int rem, ifindex;

	if (!req->cb || nlmsg_datalen(h) < (int)(sizeof(*g) + sizeof(ifindex)))
		return;
	memcpy(&ifindex, genlmsg_user_hdr(g), sizeof(ifindex));
	nla_for_each_attr(a, genlmsg_attrdata(g, sizeof(int)),
			  genlmsg_attrlen(g, sizeof(int)), rem)
		if (nla_type(a) < 64)
			attrs[nla_type(a)] = a;
	req->cb(attrs, ifindex, req->arg);
}

/* The kernel's own sentence, if it sent one. */
static void extack_text(const struct nlmsghdr *h, const struct nlmsgerr *e,
			char *buf, size_t size)
{
	int ofs = NLMSG_ALIGN(sizeof(*e)), len, rem;
	struct nlattr *a;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		ofs += NLMSG_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	len = nlmsg_datalen(h) - ofs;
	nla_for_each_attr(a, (struct nlattr *)((char *)e + ofs), len, rem)
		if (nla_type(a) == NLMSGERR_ATTR_MSG)
			snprintf(buf, size, "%.*s", nla_len(a),
				 (const char *)nla_data(a));
}

/* An error as a number and a sentence; 0 is none. */
static int take_error(const struct nlmsghdr *h, char *buf, size_t size)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	char text[200] = "";

	if (nlmsg_datalen(h) < (int)sizeof(*e) || !e->error)
		return 0;
	extack_text(h, e, text, sizeof(text));
	snprintf(buf, size, "%s%s%s%s", text, *text ? " (" : "",
		 strerror(-e->error), *text ? ")" : "");
	return e->error;
}

/* The end of a dump, which may be an error. */
static int take_done(const struct nlmsghdr *h, char *buf, size_t size)
{
	int err = 0;

	if (nlmsg_datalen(h) >= (int)sizeof(err))
		memcpy(&err, nlmsg_data(h), sizeof(err));
	if (err >= 0)
		return 0;
	snprintf(buf, size, "%s", strerror(-err));
	return err;
}

static void on_message(struct dpnl *nl, struct nlmsghdr *h)
{
	uint32_t i = h->nlmsg_seq - nl->reqs[0].seq;
	struct dpnl_req *req = &nl->reqs[i];

	/* Of a request that was given up? */
	if (i >= nl->n_reqs)
		return;
	if (h->nlmsg_type == NLMSG_ERROR)
		req->err = take_error(h, nl->err, sizeof(nl->err));
	else if (h->nlmsg_type == NLMSG_DONE)
		req->err = take_done(h, nl->err, sizeof(nl->err));
	else if (h->nlmsg_type >= NLMSG_MIN_TYPE)
		on_reply(req, h);
	if (h->nlmsg_type < NLMSG_MIN_TYPE && !nl->quiet)
		nl->done |= i == nl->n_reqs - 1;
}

/*
 * Send requests, from the @i-th on, as many as a socket takes at once.  Of all but
 * the last of all only a failure is heard.  Return: which is next, or a negative errno.
 */
static int send_some(struct dpnl *nl, unsigned int i)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec iov[DPNL_BATCH];
	struct msghdr mh = {
		.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = iov,
	};
	struct nlmsghdr *h;
	size_t len = 0;

	for (; i < nl->n_reqs; i++) {
		h = nlmsg_hdr(nl->reqs[i].msg);
		if (len && len + h->nlmsg_len > MAX_SEND)
			break;
		len += h->nlmsg_len;
		if (nl->quiet || i < nl->n_reqs - 1)
			h->nlmsg_flags &= ~NLM_F_ACK;
		iov[mh.msg_iovlen].iov_base = h;
		iov[mh.msg_iovlen++].iov_len = h->nlmsg_len;
	}
	return sendmsg(nl_socket_get_fd(nl->sk), &mh, 0) < 0 ? -errno : (int)i;
}

static int take(struct dpnl *nl, const struct mmsghdr *m)
{
	struct nlmsghdr *h = m->msg_hdr.msg_iov->iov_base;
	int len = m->msg_len;

	if (len > DPNL_MAX_MSG)
		return -EMSGSIZE;
	for (; nlmsg_ok(h, len); h = nlmsg_next(h, &len))
		on_message(nl, h);
	return 0;
}

/* Take what has come.  The kernel's answers are of 32 KiB at most. */
static int receive(struct dpnl *nl)
{
	int i, n, err = 0;

	n = recvmmsg(nl_socket_get_fd(nl->sk), nl->msgs, DPNL_RECEIVE,
		     MSG_TRUNC | (nl->quiet ? MSG_DONTWAIT : MSG_WAITFORONE), NULL);
	if (n < 0 && nl->quiet && errno == EAGAIN) {
		nl->done = true;
		return 0;
	}
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < n && !err; i++)
		err = take(nl, &nl->msgs[i]);
	return err;
}

/**
 * dpnl_msg - begin a request
 * @nl: the connection.
 * @family: which family.
 * @cmd: its command.
 * @flags: NLM_F_*.
 *
 * Return: the message, or NULL.
 */
struct nl_msg *dpnl_msg(struct dpnl *nl, enum dpnl_family family, int cmd,
			int flags)
{
	struct nl_msg *msg;
	int *hdr;

	if (nl->n_spare) {
		msg = nl->spare[--nl->n_spare];
		nlmsg_hdr(msg)->nlmsg_len = NLMSG_HDRLEN;
	} else {
		msg = nlmsg_alloc_size(DPNL_MAX_MSG + 4096);
	}
	if (!msg)
		return NULL;
	hdr = genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family[family],
			  sizeof(*hdr), flags, cmd,
			  family == F_DATAPATH ? OVS_DATAPATH_VERSION : 1);
	*hdr = nl->dp_ifindex;
	return msg;
}

/**
 * dpnl_free - drop a message
 * @nl: the connection.
 * @msg: of dpnl_msg(); may be NULL.
 */
void dpnl_free(struct dpnl *nl, struct nl_msg *msg)
{
	if (msg && nl->n_spare < DPNL_BATCH)
		nl->spare[nl->n_spare++] = msg;
	else
		nlmsg_free(msg);
}

/**
 * dpnl_add - have a request go with those before it, at once
 * @nl: the connection, which has fewer than DPNL_BATCH.
 * @msg: the request, no dump; taken over.
 * @cb: for each reply; may be NULL.
 * @arg: for @cb.
 *
 * Return: the request; its answer is there from dpnl_run() to the next dpnl_add().
 */
struct dpnl_req *dpnl_add(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb,
			  void *arg)
{
	struct dpnl_req *req = &nl->reqs[nl->n_reqs++];

	nl_complete_msg(nl->sk, msg);
	*req = (struct dpnl_req){ msg, cb, arg, nlmsg_hdr(msg)->nlmsg_seq, 0 };
	return req;
}

/**
 * dpnl_run - send the requests that were added, and take their replies
 * @nl: the connection; @nl->err tells of the last request that failed.
 *
 * Return: 0, or a negative errno if the datapath could not be asked; each request
 * that was not sent has it, too, or all of them if answers are missing.
 */
int dpnl_run(struct dpnl *nl)
{
	bool quiet = nl->quiet;
	unsigned int i, sent = 0;
	int err = 0, next = 0;

	nl->done = !nl->n_reqs;
	while (next >= 0 && sent < nl->n_reqs) {
		next = send_some(nl, sent);
		if (next >= 0)
			sent = next;
	}
	/* The last one, which would be answered, is not sent: those before are done. */
	if (next < 0)
		nl->quiet = true;
	while (!err && !nl->done)
		err = receive(nl);
	nl->quiet = quiet;
	/* Without all answers nothing is sure; else only what was not sent has failed. */
	if (err)
		sent = 0;
	else if (next < 0)
		err = next;
	if (err)
		snprintf(nl->err, sizeof(nl->err), "netlink: %s", strerror(-err));
	for (i = 0; i < nl->n_reqs; i++) {
		dpnl_free(nl, nl->reqs[i].msg);
		if (err && i >= sent)
			nl->reqs[i].err = err;
	}
	nl->n_reqs = 0;
	return err;
}

/**
 * dpnl_run_quietly - likewise, without an answer to requests that succeed
 * @nl: the connection; its requests have no replies.
 *
 * The datapath does what it is asked before the system call returns, so what has
 * failed is known then.
 *
 * Return: likewise.
 */
int dpnl_run_quietly(struct dpnl *nl)
{
	int err;

	nl->quiet = true;
	err = dpnl_run(nl);
	nl->quiet = false;
	return err;
}

/**
 * dpnl_call - send a request and take its replies
 * @nl: the connection, to which no request was added.
 * @msg: the request; taken over.
 * @cb: for each reply; may be NULL; makes no calls of its own.
 * @arg: for @cb.
 *
 * Return: 0, or a negative errno; then @nl->err says why.
 */
int dpnl_call(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb, void *arg)
{
	struct dpnl_req *req;

	if (!msg) {
		snprintf(nl->err, sizeof(nl->err), "out of memory");
		return -ENOMEM;
	}
	req = dpnl_add(nl, msg, cb, arg);
	dpnl_run(nl);
	return req->err;
}

/**
 * dpnl_wake - have a thread that waits at a socket for upcalls go on
 * @nl: the connection.
 * @pid: netlink port of the socket.
 *
 * Return: 0 or a negative errno.
 */
int dpnl_wake(struct dpnl *nl, uint32_t pid)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = pid };
	struct nlmsghdr h = { .nlmsg_len = sizeof(h), .nlmsg_type = NLMSG_NOOP };

	return sendto(nl_socket_get_fd(nl->sk), &h, sizeof(h), 0,
		      (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static void set_option(struct nl_sock *sk, int level, int option, int value)
{
	setsockopt(nl_socket_get_fd(sk), level, option, &value, sizeof(value));
}

/**
 * dpnl_upcall_socket - make a socket that upcalls can go to
 *
 * Its buffer is as large as an administrator may make it.
 *
 * Return: the socket, or NULL.
 */
struct nl_sock *dpnl_upcall_socket(void)
{
	struct nl_sock *sk = nl_socket_alloc();

	if (!sk || genl_connect(sk)) {
		nl_socket_free(sk);
		return NULL;
	}
	set_option(sk, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
	return sk;
}

/**
 * dpnl_open - connect to the datapath
 * @nl: filled in; @nl->err says why if it fails.
 *
 * Return: 0 or a negative errno.
 */
int dpnl_open(struct dpnl *nl)
{
	int i;

	memset(nl, 0, sizeof(*nl));
	nl->bufs = malloc(DPNL_RECEIVE * sizeof(*nl->bufs));
	for (i = 0; nl->bufs && i < DPNL_RECEIVE; i++) {
		nl->iov[i] = (struct iovec){ nl->bufs[i], sizeof(nl->bufs[i]) };
		nl->msgs[i].msg_hdr.msg_iov = &nl->iov[i];
		nl->msgs[i].msg_hdr.msg_iovlen = 1;
	}
	nl->sk = nl_socket_alloc();
	if (!nl->bufs || !nl->sk || genl_connect(nl->sk)) {
		snprintf(nl->err, sizeof(nl->err), "can't open a netlink socket");
		return -EIO;
	}
	set_option(nl->sk, SOL_NETLINK, NETLINK_EXT_ACK, 1);
	/* An error needs no copy of what was sent. */
	set_option(nl->sk, SOL_NETLINK, NETLINK_CAP_ACK, 1);
	/* There is room for all requests of a batch, and for the answers to them. */
	set_option(nl->sk, SOL_SOCKET, SO_SNDBUFFORCE, 2 * MAX_SEND);
	set_option(nl->sk, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
	for (i = 0; i < N_FAMILIES; i++) {
		nl->family[i] = genl_ctrl_resolve(nl->sk, family_names[i]);
		if (nl->family[i] < 0) {
			snprintf(nl->err, sizeof(nl->err),
				 "the kernel has no %s: is the module openvswitch loaded?",
				 family_names[i]);
			return -ENOENT;
		}
	}
	return 0;
}

/**
 * dpnl_check_module - see whether the kernel has the module that this is for
 * @nl: the connection.
 *
 * The stock module would ignore the packet that comes with a megaflow.
 *
 * Return: 0 or a negative errno; then @nl->err says why.
 */
int dpnl_check_module(struct dpnl *nl)
{
	struct genl_family *flow;
	struct nl_cache *all;
	bool ours;

	if (genl_ctrl_alloc_cache(nl->sk, &all) < 0) {
		snprintf(nl->err, sizeof(nl->err), "the kernel does not tell its netlink families");
		return -EIO;
	}
	flow = genl_ctrl_search_by_name(all, OVS_FLOW_FAMILY);
	ours = flow && genl_family_get_maxattr(flow) >= OVS_FLOW_ATTR_FIRST_PACKET;
	genl_family_put(flow);
	nl_cache_free(all);
	if (ours)
		return 0;
	snprintf(nl->err, sizeof(nl->err),
		 "the module openvswitch that is loaded is not that of ovs-bpf");
	return -EOPNOTSUPP;
}

void dpnl_close(struct dpnl *nl)
{
	while (nl->n_spare)
		nlmsg_free(nl->spare[--nl->n_spare]);
	nl_socket_free(nl->sk);
	free(nl->bufs);
}
