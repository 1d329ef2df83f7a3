// SPDX-License-Identifier: GPL-2.0-or-later
/* What is asked of the datapath in more than one place. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/openvswitch.h>
#include <unistd.h>

#include "dpnl.h"

static void take_ifindex(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	(void)attrs;
	*(int *)arg = dp_ifindex;
}

/* CPUs take the sockets in turn for their upcalls. */
static void put_upcall_setup(struct nl_msg *msg, const uint32_t *sockets,
			     unsigned int n_sockets)
{
	long i, n = sysconf(_SC_NPROCESSORS_CONF);
	uint32_t pids[DPNL_MAX_CPUS];

	if (n > DPNL_MAX_CPUS)
		n = DPNL_MAX_CPUS;
	for (i = 0; i < n; i++)
		pids[i] = sockets[i % n_sockets];
	nla_put_u32(msg, OVS_DP_ATTR_USER_FEATURES, OVS_DP_F_UNALIGNED |
		    OVS_DP_F_VPORT_PIDS | OVS_DP_F_DISPATCH_UPCALL_PER_CPU);
	nla_put(msg, OVS_DP_ATTR_PER_CPU_PIDS, n * sizeof(pids[0]), pids);
}

/**
 * dpnl_dp_open - take a datapath over, or make it
 * @nl: the connection.
 * @name: of the datapath.
 * @create: make it if it is not there.
 * @pids: netlink ports of the sockets that its upcalls come to from now on.
 * @n_pids: how many.
 *
 * Return: 0, 1 if it was there already, or a negative errno.
 */
int dpnl_dp_open(struct dpnl *nl, const char *name, bool create,
		 const uint32_t *pids, unsigned int n_pids)
{
	struct nl_msg *msg = dpnl_msg(nl, F_DATAPATH, OVS_DP_CMD_SET, NLM_F_ECHO);
	int err, ifindex = 0;

	if (msg) {
		nla_put_string(msg, OVS_DP_ATTR_NAME, name);
		put_upcall_setup(msg, pids, n_pids);
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
		put_upcall_setup(msg, pids, n_pids);
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
 * @pid: netlink port of the socket that its upcalls come to.
 *
 * Return: 0 or a negative errno.
 */
int dpnl_port_add(struct dpnl *nl, const char *name, bool internal,
		  uint32_t number, uint32_t pid)
{
	struct nl_msg *msg = dpnl_msg(nl, F_VPORT, OVS_VPORT_CMD_NEW, 0);

	if (msg) {
		nla_put_string(msg, OVS_VPORT_ATTR_NAME, name);
		nla_put_u32(msg, OVS_VPORT_ATTR_TYPE, internal ?
			    OVS_VPORT_TYPE_INTERNAL : OVS_VPORT_TYPE_NETDEV);
		nla_put_u32(msg, OVS_VPORT_ATTR_UPCALL_PID, pid);
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
