// SPDX-License-Identifier: GPL-2.0-or-later
/* Upcalls that make no sense: an input is what stands behind the message's header. */
#include "../../daemon/upcall.c"
#include "../../pipeline/tlv.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sw *sw = fuzz_switch();
	static const struct tlv four = { 0xffff, 0, 4 };
	static unsigned int n;
	struct nlmsghdr *h;
	size_t len = NLMSG_HDRLEN + size;

	tlv_map(0, &four);
	if (size < sizeof(struct genlmsghdr) || size > 60000)
		return 0;
	h = calloc(1, len);
	h->nlmsg_len = len;
	h->nlmsg_type = sw->nl.family[F_PACKET];
	memcpy(nlmsg_data(h), data, size);
	((struct genlmsghdr *)nlmsg_data(h))->cmd = OVS_PACKET_CMD_MISS;
	on_message(sw, h, len);
	free(h);
	if (++n % 64 == 0) {
		sw_flows_flush(sw);
		fuzz_reset(sw);
	}
	return 0;
}
