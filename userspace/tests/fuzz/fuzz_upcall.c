// SPDX-License-Identifier: GPL-2.0-or-later
/* Upcalls that make no sense: an input is what stands behind the message's header. */
#include <linux/genetlink.h>
#include <linux/openvswitch.h>
#include <stdlib.h>

#include "../../daemon/upcall.h"
#include "../../pipeline/tlv.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rules beside those that there are, about options of Geneve. */
static void add_rules(struct sw *sw)
{
	static const char *const rules[] = {
		"table=0,priority=9,tun_metadata1=0x5/0xf,actions=move:tun_metadata1[928..959]->reg1[],move:tun_metadata1[1..800]->tun_metadata1[128..927],set_field:0x7->tun_metadata0,output:1",
		"table=0,priority=8,tun_metadata1=0x6/0xf,actions=output:tun_metadata1[940..943]",
	};
	static const struct tlv four = { 0xffff, 0, 4 }, rest = { 0xffff, 1, 120 };
	unsigned int i;

	tlv_map(0, &four);
	tlv_map(1, &rest);
	for (i = 0; i < 2; i++)
		if (fuzz_run(sw, "rule/add", 1, (const char **)&rules[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sw *sw = fuzz_switch();
	static struct xlate_out out;
	static unsigned int n;
	struct upcall u;
	uint32_t port;
	int errs[2];
	struct nlmsghdr *h;
	size_t len = NLMSG_HDRLEN + size;

	if (!n)
		add_rules(sw);
	if (size < sizeof(struct genlmsghdr) || size > 60000)
		return 0;
	h = calloc(1, len);
	h->nlmsg_len = len;
	h->nlmsg_type = sw->nl.family[F_PACKET];
	memcpy(nlmsg_data(h), data, size);
	((struct genlmsghdr *)nlmsg_data(h))->cmd = OVS_PACKET_CMD_MISS;
	if (!upcall_port(&sw->nl, h, len, &port)) {
		upcall_begin(sw, &sw->nl, &out, h, len, &u);
		errs[0] = u.install ? u.install->err : 0;
		errs[1] = u.execute ? u.execute->err : 0;
		dpnl_run(&sw->nl);
		upcall_end(sw, &sw->nl, &u, errs[0], errs[1], "");
	}
	free(h);
	if (++n % 64 == 0) {
		sw_flows_flush(sw);
		fuzz_reset(sw);
		add_rules(sw);
	}
	return 0;
}
