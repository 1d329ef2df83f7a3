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
 * @nl: where the sentence goes.
 * @err: the answer.
 * @done: whether it has come.
 */
struct call {
	dpnl_cb cb;
	void *arg;
	struct dpnl *nl;
	int err;
	bool done;
};

static int on_reply(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct genlmsghdr *g = nlmsg_data(h);
	struct call *call = arg;
	struct nlattr *attrs[64] = {}, *a;
	int rem, ifindex;

	memcpy(&ifindex, genlmsg_user_hdr(g), sizeof(ifindex));
	nla_for_each_attr(a, genlmsg_attrdata(g, sizeof(int)),
			  genlmsg_attrlen(g, sizeof(int)), rem)
		if (nla_type(a) < 64)
			attrs[nla_type(a)] = a;
	if (call->cb)
		call->cb(attrs, ifindex, call->arg);
	return NL_OK;
}

static int on_done(struct nl_msg *msg, void *arg)
{
	struct call *call = arg;

	(void)msg;
	call->done = true;
	return NL_STOP;
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

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	const struct nlmsghdr *h = (void *)((char *)e - NLMSG_HDRLEN);
	struct call *call = arg;
	char text[200] = "";

	(void)from;
	extack_text(h, e, text, sizeof(text));
	snprintf(call->nl->err, sizeof(call->nl->err), "%s%s%s%s", text,
		 *text ? " (" : "", strerror(-e->error), *text ? ")" : "");
	call->err = e->error;
	call->done = true;
	return NL_STOP;
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
	struct nl_msg *msg = nlmsg_alloc_size(DPNL_MAX_MSG + 4096);
	int *hdr;

	if (!msg)
		return NULL;
	hdr = genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family[family],
			  sizeof(*hdr), flags, cmd,
			  family == F_DATAPATH ? OVS_DATAPATH_VERSION : 1);
	*hdr = nl->dp_ifindex;
	return msg;
}

/**
 * dpnl_call - send a request and take its replies
 * @nl: the connection.
 * @msg: the request; taken over.
 * @cb: for each reply; may be NULL.
 * @arg: for @cb.
 *
 * Return: 0, or a negative errno; then @nl->err says why.
 */
int dpnl_call(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb, void *arg)
{
	struct call call = { .cb = cb, .arg = arg, .nl = nl };
	struct nl_cb *ncb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!msg || !ncb) {
		nlmsg_free(msg);
		nl_cb_put(ncb);
		snprintf(nl->err, sizeof(nl->err), "out of memory");
		return -ENOMEM;
	}
	nl_cb_set(ncb, NL_CB_VALID, NL_CB_CUSTOM, on_reply, &call);
	nl_cb_set(ncb, NL_CB_FINISH, NL_CB_CUSTOM, on_done, &call);
	nl_cb_set(ncb, NL_CB_ACK, NL_CB_CUSTOM, on_done, &call);
	nl_cb_err(ncb, NL_CB_CUSTOM, on_error, &call);
	err = nl_send_auto(nl->sk, msg);
	nlmsg_free(msg);
	while (err >= 0 && !call.done)
		err = nl_recvmsgs(nl->sk, ncb);
	nl_cb_put(ncb);
	if (call.done)
		return call.err;
	snprintf(nl->err, sizeof(nl->err), "netlink: %s", nl_geterror(err));
	return -EIO;
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
