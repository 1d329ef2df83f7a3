// SPDX-License-Identifier: GPL-2.0-or-later
/* The gate's accounts: what goes in by a lane comes out of it, whatever its key has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "../daemon/gate.h"

struct view {
	const char *msg;
	size_t len;
};

static int load(const struct view *v, uint32_t ofs, void *to, uint32_t n)
{
	if (ofs + n > v->len)
		return -1;
	memcpy(to, v->msg + ofs, n);
	return 0;
}

#define gate_msg const struct view
#define gate_load load
#include "../daemon/gate.bpf.h"

static struct lane lanes[GATE_LANES];
static struct gate gate = { .lanes = lanes };

/* An upcall as the module writes it.  @port -1: it has none. */
static struct nl_msg *upcall(bool tunnel, int64_t port)
{
	static const char labels[OVS_CT_LABELS_LEN];
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *key, *tun;

	genlmsg_put(msg, 1, 1, 100, sizeof(struct ovs_header), 0, OVS_PACKET_CMD_MISS, 1);
	key = nla_nest_start(msg, OVS_PACKET_ATTR_KEY);
	nla_put_u32(msg, OVS_KEY_ATTR_RECIRC_ID, 0);
	nla_put_u32(msg, OVS_KEY_ATTR_DP_HASH, 0);
	nla_put_u32(msg, OVS_KEY_ATTR_PRIORITY, 0);
	nla_put_u32(msg, OVS_KEY_ATTR_SKB_MARK, 0);
	nla_put_u32(msg, OVS_KEY_ATTR_CT_STATE, 0);
	nla_put_u16(msg, OVS_KEY_ATTR_CT_ZONE, 0);
	nla_put_u32(msg, OVS_KEY_ATTR_CT_MARK, 0);
	nla_put(msg, OVS_KEY_ATTR_CT_LABELS, sizeof(labels), labels);
	if (tunnel) {
		tun = nla_nest_start(msg, OVS_KEY_ATTR_TUNNEL);
		nla_put_u64(msg, OVS_TUNNEL_KEY_ATTR_ID, 7);
		nla_put_u8(msg, OVS_TUNNEL_KEY_ATTR_TTL, 64);
		nla_nest_end(msg, tun);
	}
	if (port >= 0)
		nla_put_u32(msg, OVS_KEY_ATTR_IN_PORT, port);
	nla_nest_end(msg, key);
	nla_put(msg, OVS_PACKET_ATTR_PACKET, 5, "bytes");
	return msg;
}

/* What the filter does.  Return: the lane. */
static int let_in(struct nl_msg *msg)
{
	struct view v = { (void *)nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len };
	int n = gate_lane(&v);

	if (n >= 0)
		lanes[n].in++;
	return n;
}

static void expect_settled(void)
{
	unsigned int i;

	for (i = 0; i < GATE_LANES; i++)
		assert_int_equal(lanes[i].in, lanes[i].out);
}

static void check(bool tunnel, int64_t port, int lane)
{
	struct nl_msg *msg = upcall(tunnel, port);

	assert_int_equal(let_in(msg), lane);
	gate_done(&gate, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	expect_settled();
	nlmsg_free(msg);
}

static void test_lanes(void **state)
{
	(void)state;
	check(false, 0, 0);
	check(false, 7, 7);
	check(true, 7, 7);
	check(false, GATE_LANES - 2, GATE_LANES - 2);
	check(false, GATE_LANES, GATE_LANES - 1);
	check(true, 65533, GATE_LANES - 1);
	/* Without a port, and with a key that is written in another way. */
	check(false, -1, GATE_LANES - 1);
	check(true, -1, GATE_LANES - 1);
}

static void test_no_upcall(void **state)
{
	struct nl_msg *msg = upcall(false, 7);
	int len;

	(void)state;
	/* Cut anywhere: filter and handler agree. */
	for (len = nlmsg_hdr(msg)->nlmsg_len; len >= 0; len--) {
		nlmsg_hdr(msg)->nlmsg_len = len;
		let_in(msg);
		gate_done(&gate, nlmsg_hdr(msg), len);
		expect_settled();
	}
	assert_int_equal(let_in(msg), -1);
	nlmsg_free(msg);
}

/* The socket ran over: some that were let in never come, others wait or are under way. */
static void test_overrun(void **state)
{
	struct nl_msg *msg[2] = { upcall(false, 1), upcall(true, 2) };
	struct portq_item *item;
	struct portq q;
	int i;

	(void)state;
	portq_init(&q, 100);
	for (i = 0; i < 60; i++) {
		let_in(msg[i % 2]);
		if (i < 30)	/* the rest did not come */
			portq_push(&q, 1 + i % 2, nlmsg_hdr(msg[i % 2]),
				   nlmsg_hdr(msg[i % 2])->nlmsg_len);
	}
	gate_settle(&gate, &q);
	assert_int_equal(lanes[1].in - lanes[1].out, 15);
	assert_int_equal(lanes[2].in - lanes[2].out, 15);
	while ((item = portq_pop(&q))) {
		gate_done(&gate, item->msg, item->len);
		free(item);
	}
	expect_settled();
	portq_clear(&q);
	nlmsg_free(msg[0]);
	nlmsg_free(msg[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_no_upcall),
		cmocka_unit_test(test_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
