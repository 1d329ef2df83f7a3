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

/* Ports, as the datapath lists them. */
struct listing {
	unsigned int n;
	uint32_t numbers[MAX_PORTS];
	char names[MAX_PORTS][16];
	bool up[MAX_PORTS];
};

static void on_port(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct listing *l = arg;
	const char *name;

	(void)dp_ifindex;
	if (!attrs[OVS_VPORT_ATTR_PORT_NO] || !attrs[OVS_VPORT_ATTR_NAME] || l->n == MAX_PORTS)
		return;
	name = nla_get_string(attrs[OVS_VPORT_ATTR_NAME]);
	snprintf(l->names[l->n], sizeof(l->names[0]), "%s", name);
	l->up[l->n] = device_up(name);
	l->numbers[l->n++] = nla_get_u32(attrs[OVS_VPORT_ATTR_PORT_NO]);
}

/* From now on these are the ports. */
static void take(struct sw *sw, const struct listing *l)
{
	sw->n_ports = l->n;
	memcpy(sw->ports, l->numbers, l->n * sizeof(l->numbers[0]));
	memcpy(sw->port_names, l->names, l->n * sizeof(l->names[0]));
	memcpy(sw->port_up, l->up, l->n * sizeof(l->up[0]));
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
	struct listing now = { .n = 0 };
	uint32_t old[MAX_PORTS];
	bool same;

	if (dpnl_port_dump(&sw->nl, on_port, &now)) {
		log_often(LOG_port, LEVEL_WARN, "ports can't be listed", "{s:s}", "why", sw->nl.err);
		return;
	}
	same = n == now.n && !memcmp(sw->ports, now.numbers, n * sizeof(old[0])) &&
	       !memcmp(sw->port_up, now.up, n * sizeof(now.up[0]));
	memcpy(old, sw->ports, sizeof(old));
	take(sw, &now);
	if (!same) {
		event_ports(old, n, sw->ports, sw->n_ports);
		forget_ports(sw, old, n);
		sw_revalidate(sw);
	}
}
