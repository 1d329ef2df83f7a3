// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A datapath that is none: it remembers ports, meters and megaflows, so that the daemon can be
 * run, and fed nonsense, where the module is not loaded.  It stands in for lib/dpnl.c.
 * A list of ports breaks off behind one of the name "broken".
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/openvswitch.h>
#include <linux/openvswitch_bpf.h>
#include <netlink/genl/ctrl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/dpnl.h"

#define MAX_THINGS 256

static struct port {
	char name[16];
	uint32_t no, type;
} ports[MAX_THINGS];
static unsigned int n_ports;

/* Attributes as they came. */
static struct flow_copy {
	uint8_t ufid[UFID_LEN];
	char *attrs;
	int len;
} flows[MAX_THINGS];
static unsigned int n_flows;

/* Of each meter: how often any was set when it was; 0: it is not there. */
static uint64_t meters[65536], n_set;

int dpnl_check_module(struct dpnl *nl)
{
	(void)nl;
	return 0;
}

int dpnl_open(struct dpnl *nl)
{
	int i;

	memset(nl, 0, sizeof(*nl));
	nl->sk = nl_socket_alloc();
	for (i = 0; i < N_FAMILIES; i++)
		nl->family[i] = 100 + i;
	return 0;
}

struct nl_sock *dpnl_upcall_socket(void)
{
	struct nl_sock *sk = nl_socket_alloc();

	return genl_connect(sk) ? NULL : sk;
}

void dpnl_close(struct dpnl *nl)
{
	while (n_flows)
		free(flows[--n_flows].attrs);
	n_ports = 0;
	nl_socket_free(nl->sk);
}

struct nl_msg *dpnl_msg(struct dpnl *nl, enum dpnl_family family, int cmd,
			int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(DPNL_MAX_MSG + 4096);
	int *hdr = genlmsg_put(msg, 1, 1, nl->family[family], sizeof(*hdr), flags,
			       cmd, 1);

	*hdr = nl->dp_ifindex;
	return msg;
}

static int refuse(struct dpnl *nl, int err, const char *why)
{
	snprintf(nl->err, sizeof(nl->err), "%s (%s)", why, strerror(-err));
	return err;
}

static void tell_port(const struct port *p, dpnl_cb cb, void *arg)
{
	struct ovs_vport_stats stats = { .rx_packets = p->no };
	struct nlattr *attrs[64] = {};
	struct nl_msg *msg = nlmsg_alloc();

	nla_put_u32(msg, OVS_VPORT_ATTR_PORT_NO, p->no);
	nla_put_u32(msg, OVS_VPORT_ATTR_TYPE, p->type);
	nla_put_string(msg, OVS_VPORT_ATTR_NAME, p->name);
	nla_put(msg, OVS_VPORT_ATTR_STATS, sizeof(stats), &stats);
	nla_parse(attrs, 63, nlmsg_attrdata(nlmsg_hdr(msg), 0),
		  nlmsg_attrlen(nlmsg_hdr(msg), 0), NULL);
	cb(attrs, 1, arg);
	nlmsg_free(msg);
}

static struct flow_copy *flow_find(const uint8_t *ufid)
{
	unsigned int i;

	for (i = 0; i < n_flows; i++)
		if (!memcmp(flows[i].ufid, ufid, UFID_LEN))
			return &flows[i];
	return NULL;
}

/* Return: whether there is a reply for each; of a name that ends so there is none. */
static bool del_flows(const struct nlattr *ufids)
{
	struct flow_copy *f;
	const uint8_t *ufid;
	bool told = true;
	int i;

	for (i = 0; i < nla_len(ufids); i += UFID_LEN) {
		ufid = (uint8_t *)nla_data(ufids) + i;
		told = told && ufid[UFID_LEN - 1] != 0xff;
		f = flow_find(ufid);
		if (!f)
			continue;
		free(f->attrs);
		*f = flows[--n_flows];
	}
	return told;
}

static int on_flow(struct dpnl *nl, int cmd, struct nlattr **a, void *attrs,
		   int len, dpnl_cb cb, void *arg)
{
	const struct nlattr *ufid = a[OVS_FLOW_ATTR_UFID];
	struct flow_copy *f = ufid ? flow_find(nla_data(ufid)) : NULL;
	struct nlattr *told[64] = {};
	unsigned int i;

	if (cmd == OVS_FLOW_CMD_GET) {
		for (i = 0; i < n_flows; i++) {
			nla_parse(told, 63, (void *)flows[i].attrs, flows[i].len,
				  NULL);
			cb(told, 1, arg);
		}
		return 0;
	}
	if (cmd == OVS_FLOW_CMD_DEL)
		return del_flows(a[OVS_FLOW_ATTR_UFIDS]) ? 0 :
			refuse(nl, -ENOMEM, "a reply is missing");
	if (!f && n_flows == MAX_THINGS)
		return refuse(nl, -ENOSPC, "too many flows");
	if (!f) {
		f = &flows[n_flows++];
		memcpy(f->ufid, nla_data(a[OVS_FLOW_ATTR_UFID]), UFID_LEN);
	} else {
		free(f->attrs);
	}
	f->attrs = malloc(len);
	f->len = len;
	memcpy(f->attrs, attrs, len);
	return 0;
}

static bool number_taken(uint32_t no)
{
	unsigned int i;

	for (i = 0; i < n_ports && ports[i].no != no; i++)
		;
	return i < n_ports;
}

static int on_port(struct dpnl *nl, int cmd, struct nlattr **a, dpnl_cb cb,
		   void *arg)
{
	const char *name = a[OVS_VPORT_ATTR_NAME] ?
			   nla_get_string(a[OVS_VPORT_ATTR_NAME]) : "";
	uint32_t no = a[OVS_VPORT_ATTR_PORT_NO] ?
		      nla_get_u32(a[OVS_VPORT_ATTR_PORT_NO]) : 0;
	unsigned int i;

	if (nl->dp_ifindex < 0)
		return refuse(nl, -ENODEV, "no such datapath");
	if (cmd == OVS_VPORT_CMD_GET) {
		for (i = 0; i < n_ports; i++) {
			tell_port(&ports[i], cb, arg);
			if (!strcmp(ports[i].name, "broken"))
				return refuse(nl, -EIO, "that is all");
		}
		return 0;
	}
	for (i = 0; i < n_ports && strcmp(ports[i].name, name); i++)
		;
	if (cmd == OVS_VPORT_CMD_DEL) {
		if (i == n_ports)
			return refuse(nl, -ENODEV, "no such port");
		memmove(&ports[i], &ports[i + 1], (--n_ports - i) * sizeof(ports[0]));
		return 0;
	}
	if (!strncmp(name, "nosuch", 6) || strlen(name) > 15 || !*name)
		return refuse(nl, -ENODEV, "no such device");
	if (i < n_ports || n_ports == MAX_THINGS)
		return refuse(nl, -EEXIST, "it is a port");
	if (no && number_taken(no))
		return refuse(nl, -EBUSY, "PORT_NO is taken");
	while (!no || number_taken(no))
		no++;
	for (i = n_ports++; i > 1 && ports[i - 1].no > no; i--)
		ports[i] = ports[i - 1];
	snprintf(ports[i].name, sizeof(ports[0].name), "%s", name);
	ports[i].no = no;
	ports[i].type = nla_get_u32(a[OVS_VPORT_ATTR_TYPE]);
	return 0;
}

static int on_dp(struct dpnl *nl, int cmd, struct nlattr **a, dpnl_cb cb, void *arg)
{
	struct ovs_dp_stats stats = { .n_hit = 7, .n_flows = n_flows };
	struct nlattr *told[64] = {};
	char dp[64];

	if (cmd == OVS_DP_CMD_DEL)
		return 0;
	if (a[OVS_DP_ATTR_NAME]) {
		snprintf(ports[0].name, sizeof(ports[0].name), "%.15s",
			 nla_get_string(a[OVS_DP_ATTR_NAME]));
		ports[0].type = OVS_VPORT_TYPE_INTERNAL;
		n_ports = 1;
	}
	told[OVS_DP_ATTR_STATS] = (void *)dp;
	told[OVS_DP_ATTR_STATS]->nla_len = NLA_HDRLEN + sizeof(stats);
	memcpy(nla_data(told[OVS_DP_ATTR_STATS]), &stats, sizeof(stats));
	if (cb)
		cb(told, 1, arg);
	(void)nl;
	return 0;
}

static int on_meter(struct dpnl *nl, int cmd, struct nlattr **a, dpnl_cb cb,
		    void *arg)
{
	uint64_t *m = &meters[nla_get_u32(a[OVS_METER_ATTR_ID]) & 0xffff];
	/* A meter that is set counts anew. */
	struct ovs_flow_stats stats = { .n_packets = *m };
	char room[64];
	struct nlattr *told[64] = { [OVS_METER_ATTR_STATS] = (void *)room };

	if (cmd == OVS_METER_CMD_SET)
		*m = ++n_set;
	else if (cmd == OVS_METER_CMD_DEL)
		*m = 0;
	else if (!*m)
		return refuse(nl, -ENOENT, "no such meter");
	told[OVS_METER_ATTR_STATS]->nla_len = NLA_HDRLEN + sizeof(stats);
	memcpy(nla_data(told[OVS_METER_ATTR_STATS]), &stats, sizeof(stats));
	if (cb)
		cb(told, 1, arg);
	return 0;
}

int dpnl_call(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb, void *arg)
{
	struct genlmsghdr *g = nlmsg_data(nlmsg_hdr(msg));
	void *attrs = genlmsg_attrdata(g, sizeof(int));
	int len = genlmsg_attrlen(g, sizeof(int)), err = 0;
	struct nlattr *a[64] = {};

	nla_parse(a, 63, attrs, len, NULL);
	if (nlmsg_hdr(msg)->nlmsg_type == nl->family[F_FLOW])
		err = on_flow(nl, g->cmd, a, attrs, len, cb, arg);
	else if (nlmsg_hdr(msg)->nlmsg_type == nl->family[F_VPORT])
		err = on_port(nl, g->cmd, a, cb, arg);
	else if (nlmsg_hdr(msg)->nlmsg_type == nl->family[F_METER])
		err = on_meter(nl, g->cmd, a, cb, arg);
	else if (nlmsg_hdr(msg)->nlmsg_type == nl->family[F_DATAPATH])
		err = on_dp(nl, g->cmd, a, cb, arg);
	nlmsg_free(msg);
	return err;
}

struct dpnl_req *dpnl_add(struct dpnl *nl, struct nl_msg *msg, dpnl_cb cb,
			  void *arg)
{
	struct dpnl_req *req = &nl->reqs[nl->n_reqs++];

	req->err = dpnl_call(nl, msg, cb, arg);
	return req;
}

int dpnl_run(struct dpnl *nl)
{
	nl->n_reqs = 0;
	return 0;
}

int dpnl_run_quietly(struct dpnl *nl)
{
	return dpnl_run(nl);
}

/* The socket is a real one. */
int dpnl_wake(struct dpnl *nl, uint32_t pid)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = pid };
	struct nl_sock *sk = nl_socket_alloc();
	int err = genl_connect(sk);

	(void)nl;
	if (!err && sendto(nl_socket_get_fd(sk), "", 1, 0, (struct sockaddr *)&to,
			   sizeof(to)) < 0)
		err = -errno;
	nl_socket_free(sk);
	return err;
}

void dpnl_free(struct dpnl *nl, struct nl_msg *msg)
{
	(void)nl;
	nlmsg_free(msg);
}
