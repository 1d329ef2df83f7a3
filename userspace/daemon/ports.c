// SPDX-License-Identifier: GPL-2.0-or-later
/* The ports that the datapath has. */
#include <linux/openvswitch.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../lib/log.h"
#include "command.h"
#include "events.h"
#include "switch.h"

/* Whether a port is up. */
bool sw_port_live(uint32_t port, void *arg)
{
	const struct sw *sw = arg;
	unsigned int i;

	for (i = 0; i < sw->n_ports; i++)
		if (sw->ports[i] == port)
			return sw->port_up[i];
	return false;
}

/* Whether a device has a carrier; a port without a device (a tunnel's) is live. */
static bool device_up(const char *name)
{
	static int fd = -1;
	struct ifreq req = {};

	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	return ioctl(fd, SIOCGIFFLAGS, &req) ||
	       (req.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

static void on_port(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct sw *sw = arg;
	const char *name;

	(void)dp_ifindex;
	if (!attrs[OVS_VPORT_ATTR_PORT_NO] || !attrs[OVS_VPORT_ATTR_NAME] ||
	    sw->n_ports == MAX_PORTS)
		return;
	name = nla_get_string(attrs[OVS_VPORT_ATTR_NAME]);
	snprintf(sw->port_names[sw->n_ports], sizeof(sw->port_names[0]), "%s", name);
	sw->port_up[sw->n_ports] = device_up(name);
	sw->ports[sw->n_ports++] = nla_get_u32(attrs[OVS_VPORT_ATTR_PORT_NO]);
}

/* What was learned and counted of ports that are no more is of no use. */
static void forget_ports(struct sw *sw, const uint32_t *old, unsigned int n)
{
	struct sw_port_upcalls *p;
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < sw->n_ports && sw->ports[k] != old[i]; k++)
			;
		if (k < sw->n_ports)
			continue;
		mac_forget_port(&sw->macs, old[i]);
		HASH_FIND(hh, sw->port_upcalls, &old[i], sizeof(old[i]), p);
		if (p) {
			HASH_DEL(sw->port_upcalls, p);
			free(p);
		}
	}
}

/*
 * Learn which ports there are, and adapt the megaflows if that changed.  If it can't be
 * learned now, it is as before: the next tick will tell.
 */
void sw_ports_refresh(struct sw *sw)
{
	unsigned int n = sw->n_ports;
	uint32_t old[MAX_PORTS];
	bool up[MAX_PORTS];

	memcpy(old, sw->ports, sizeof(old));
	memcpy(up, sw->port_up, sizeof(up));
	sw->n_ports = 0;
	if (dpnl_port_dump(&sw->nl, on_port, sw)) {
		memcpy(sw->ports, old, sizeof(old));
		memcpy(sw->port_up, up, sizeof(up));
		sw->n_ports = n;
		log_often(LOG_port, LEVEL_WARN, "ports can't be listed", "{s:s}", "why", sw->nl.err);
		return;
	}
	if (n != sw->n_ports || memcmp(old, sw->ports, n * sizeof(old[0])) ||
	    memcmp(up, sw->port_up, n * sizeof(up[0]))) {
		event_ports(old, n, sw->ports, sw->n_ports);
		forget_ports(sw, old, n);
		sw_revalidate(sw);
	}
}
