// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to the datapath. */
#include "dpnl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/openvswitch.h>
#include <netlink/genl/ctrl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef NLM_F_ACK_TLVS
#define NLM_F_ACK_TLVS 0x200
#endif

static const char *const family_names[N_FAMILIES] = {
	OVS_DATAPATH_FAMILY, OVS_VPORT_FAMILY, OVS_FLOW_FAMILY,
	OVS_PACKET_FAMILY, OVS_METER_FAMILY,
};

/**
 * struct call - a request under way
 * @cb: for each reply.
 * @arg: for @cb.
 * @nl: where the sentences go.
 * @seq: its number.
 * @held_seq: that of the request that went before it; 0 without.
 * @err: the answer.
 * @done: whether it has come.
 */
struct call {
	dpnl_cb cb;
	void *arg;
	struct dpnl *nl;
	uint32_t seq;
	uint32_t held_seq;
	int err;
	bool done;
};

static void on_reply(const struct call *call, struct nlmsghdr *h)
{
	struct genlmsghdr *g = nlmsg_data(h);
	struct nlattr *attrs[64] = {}, *a;
	int rem, ifindex;

	if (!call->cb || nlmsg_datalen(h) < (int)(sizeof(*g) + sizeof(ifindex)))
		return;
	memcpy(&ifindex, genlmsg_user_hdr(g), sizeof(ifindex));
	nla_for_each_attr(a, genlmsg_attrdata(g, sizeof(int)),
			  genlmsg_attrlen(g, sizeof(int)), rem)
		if (nla_type(a) < 64)
			attrs[nla_type(a)] = a;
	call->cb(attrs, ifindex, call->arg);
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

static void on_message(struct call *call, struct nlmsghdr *h)
{
	struct dpnl *nl = call->nl;

	if (h->nlmsg_seq == call->held_seq && h->nlmsg_type == NLMSG_ERROR) {
		nl->held_err = take_error(h, nl->held_why, sizeof(nl->held_why));
	} else if (h->nlmsg_seq != call->seq) {
		/* Of a request that was given up. */
	} else if (h->nlmsg_type == NLMSG_ERROR) {
		call->err = take_error(h, nl->err, sizeof(nl->err));
		call->done = true;
	} else if (h->nlmsg_type == NLMSG_DONE) {
		if (nlmsg_datalen(h) >= (int)sizeof(call->err))
			memcpy(&call->err, nlmsg_data(h), sizeof(call->err));
		if (call->err > 0)
			call->err = 0;
		else if (call->err)
			snprintf(nl->err, sizeof(nl->err), "%s", strerror(-call->err));
		call->done = true;
	} else if (h->nlmsg_type >= NLMSG_MIN_TYPE) {
		on_reply(call, h);
	}
}

/* Send a request, and one that was held before it, at once. */
static int send_all(struct call *call, struct nl_msg *msg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct dpnl *nl = call->nl;
	struct iovec iov[2];
	struct msghdr mh = {
		.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = iov,
	};
	struct nl_msg *msgs[] = { nl->held, msg };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!msgs[i])
			continue;
		nl_complete_msg(nl->sk, msgs[i]);
		iov[mh.msg_iovlen].iov_base = nlmsg_hdr(msgs[i]);
		iov[mh.msg_iovlen++].iov_len = nlmsg_hdr(msgs[i])->nlmsg_len;
	}
	call->seq = nlmsg_hdr(msg)->nlmsg_seq;
	if (nl->held) {
		/* Only of its failure one hears. */
		nlmsg_hdr(nl->held)->nlmsg_flags &= ~NLM_F_ACK;
		call->held_seq = nlmsg_hdr(nl->held)->nlmsg_seq;
		nl->held_err = 0;
	}
	return sendmsg(nl_socket_get_fd(nl->sk), &mh, 0) < 0 ? -errno : 0;
}

/* Take what has come.  The kernel's answers are of 32 KiB at most. */
static int receive(struct call *call)
{
	static _Alignas(struct nlmsghdr) char buf[DPNL_MAX_MSG];
	struct nlmsghdr *h = (void *)buf;
	ssize_t n = recv(nl_socket_get_fd(call->nl->sk), buf, sizeof(buf), MSG_TRUNC);
	int len = n;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n > (ssize_t)sizeof(buf))
		return -EMSGSIZE;
	for (; nlmsg_ok(h, len); h = nlmsg_next(h, &len))
		on_message(call, h);
	return 0;
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
	if (msg && nl->n_spare < N_SPARE)
		nl->spare[nl->n_spare++] = msg;
	else
		nlmsg_free(msg);
}

/**
 * dpnl_hold - have a request go with the next one, right before it
 * @nl: the connection, which holds none.
 * @msg: the request, which has no replies; taken over.
 *
 * Its answer is in @nl->held_err and, a sentence, @nl->held_why when dpnl_call()
 * or dpnl_release() has returned.
 */
void dpnl_hold(struct dpnl *nl, struct nl_msg *msg)
{
	nl->held = msg;
}

/**
 * dpnl_release - send the request that is held, if it has not gone yet
 * @nl: the connection.
 *
 * Return: its answer, 0 or a negative errno.
 */
int dpnl_release(struct dpnl *nl)
{
	struct nl_msg *msg = nl->held;

	if (msg) {
		nl->held = NULL;
		nl->held_err = dpnl_call(nl, msg, NULL, NULL);
		memcpy(nl->held_why, nl->err, sizeof(nl->held_why));
	}
	return nl->held_err;
}

/**
 * dpnl_call - send a request and take its replies
 * @nl: the connection.
 * @msg: the request; taken over.
 * @cb: for each reply; may be NULL; makes no calls of its own.
 * @arg: for @cb.
 *
 * Return: 0, or a negative errno; then @nl->err says why.
 */
int dpnl_call(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb, void *arg)
{
	struct call call = { .cb = cb, .arg = arg, .nl = nl };
	int err;

	if (!msg) {
		snprintf(nl->err, sizeof(nl->err), "out of memory");
		return -ENOMEM;
	}
	err = send_all(&call, msg);
	while (!err && !call.done)
		err = receive(&call);
	if (err) {
		snprintf(nl->err, sizeof(nl->err), "netlink: %s", strerror(-err));
		if (nl->held) {
			nl->held_err = err;
			memcpy(nl->held_why, nl->err, sizeof(nl->held_why));
		}
	}
	dpnl_free(nl, msg);
	dpnl_free(nl, nl->held);
	nl->held = NULL;
	return err ? err : call.err;
}

/**
 * dpnl_open - connect to the datapath
 * @nl: filled in; @nl->err says why if it fails.
 *
 * Return: 0 or a negative errno.
 */
int dpnl_open(struct dpnl *nl)
{
	int one = 1, i;

	memset(nl, 0, sizeof(*nl));
	nl->sk = nl_socket_alloc();
	nl->up = nl_socket_alloc();
	if (!nl->sk || !nl->up || genl_connect(nl->sk) || genl_connect(nl->up)) {
		snprintf(nl->err, sizeof(nl->err), "can't open netlink sockets");
		return -EIO;
	}
	setsockopt(nl_socket_get_fd(nl->sk), SOL_NETLINK, NETLINK_EXT_ACK, &one,
		   sizeof(one));
	nl_socket_set_buffer_size(nl->up, 4 << 20, 0);
	nl_socket_set_nonblocking(nl->up);
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

void dpnl_close(struct dpnl *nl)
{
	while (nl->n_spare)
		nlmsg_free(nl->spare[--nl->n_spare]);
	nl_socket_free(nl->sk);
	nl_socket_free(nl->up);
}

static void take_ifindex(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	(void)attrs;
	*(int *)arg = dp_ifindex;
}

/* All CPUs send their upcalls to the one socket. */
static void put_upcall_setup(struct dpnl *nl, struct nl_msg *msg)
{
	long i, n = sysconf(_SC_NPROCESSORS_CONF);
	uint32_t pids[1024];

	if (n > 1024)
		n = 1024;
	for (i = 0; i < n; i++)
		pids[i] = nl_socket_get_local_port(nl->up);
	nla_put_u32(msg, OVS_DP_ATTR_USER_FEATURES, OVS_DP_F_UNALIGNED |
		    OVS_DP_F_VPORT_PIDS | OVS_DP_F_DISPATCH_UPCALL_PER_CPU);
	nla_put(msg, OVS_DP_ATTR_PER_CPU_PIDS, n * sizeof(pids[0]), pids);
}

/**
 * dpnl_dp_open - take a datapath over, or make it
 * @nl: the connection; its upcalls come here from now on.
 * @name: of the datapath.
 * @create: make it if it is not there.
 *
 * Return: 0, 1 if it was there already, or a negative errno.
 */
int dpnl_dp_open(struct dpnl *nl, const char *name, bool create)
{
	struct nl_msg *msg = dpnl_msg(nl, F_DATAPATH, OVS_DP_CMD_SET, NLM_F_ECHO);
	int err, ifindex = 0;

	if (msg) {
		nla_put_string(msg, OVS_DP_ATTR_NAME, name);
		put_upcall_setup(nl, msg);
	}
	err = dpnl_call(nl, msg, take_ifindex, &ifindex);
	if (!err) {
		nl->dp_ifindex = ifindex;
		return 1;
	}
	if (err != -ENODEV || !create)
		return err;
	msg = dpnl_msg(nl, F_DATAPATH, OVS_DP_CMD_NEW, NLM_F_ECHO);
	if (msg) {
		nla_put_string(msg, OVS_DP_ATTR_NAME, name);
		nla_put_u32(msg, OVS_DP_ATTR_UPCALL_PID, 0);
		put_upcall_setup(nl, msg);
	}
	err = dpnl_call(nl, msg, take_ifindex, &ifindex);
	if (!err)
		nl->dp_ifindex = ifindex;
	return err;
}

int dpnl_dp_del(struct dpnl *nl)
{
	int err = dpnl_call(nl, dpnl_msg(nl, F_DATAPATH, OVS_DP_CMD_DEL, 0),
			    NULL, NULL);

	if (!err)
		nl->dp_ifindex = 0;
	return err;
}

int dpnl_dp_get(struct dpnl *nl, dpnl_cb cb, void *arg)
{
	return dpnl_call(nl, dpnl_msg(nl, F_DATAPATH, OVS_DP_CMD_GET, 0), cb,
			 arg);
}

/**
 * dpnl_port_add - add a port
 * @nl: the connection.
 * @name: of its device.
 * @internal: make the device.
 * @number: of the port; 0: any.
 *
 * Return: 0 or a negative errno.
 */
int dpnl_port_add(struct dpnl *nl, const char *name, bool internal,
		  uint32_t number)
{
	struct nl_msg *msg = dpnl_msg(nl, F_VPORT, OVS_VPORT_CMD_NEW, 0);

	if (msg) {
		nla_put_string(msg, OVS_VPORT_ATTR_NAME, name);
		nla_put_u32(msg, OVS_VPORT_ATTR_TYPE, internal ?
			    OVS_VPORT_TYPE_INTERNAL : OVS_VPORT_TYPE_NETDEV);
		nla_put_u32(msg, OVS_VPORT_ATTR_UPCALL_PID,
			    nl_socket_get_local_port(nl->up));
		if (number)
			nla_put_u32(msg, OVS_VPORT_ATTR_PORT_NO, number);
	}
	return dpnl_call(nl, msg, NULL, NULL);
}

int dpnl_port_del(struct dpnl *nl, const char *name)
{
	struct nl_msg *msg = dpnl_msg(nl, F_VPORT, OVS_VPORT_CMD_DEL, 0);

	if (msg)
		nla_put_string(msg, OVS_VPORT_ATTR_NAME, name);
	return dpnl_call(nl, msg, NULL, NULL);
}

int dpnl_port_dump(struct dpnl *nl, dpnl_cb cb, void *arg)
{
	return dpnl_call(nl, dpnl_msg(nl, F_VPORT, OVS_VPORT_CMD_GET, NLM_F_DUMP),
			 cb, arg);
}
