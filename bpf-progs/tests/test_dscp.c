// SPDX-License-Identifier: GPL-2.0
/* The DSCP marker by BPF_PROG_TEST_RUN: every ToS to every DSCP. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

static int prog;

struct packet {
	struct ethhdr eth;
	struct iphdr ip;
	uint8_t payload[32];
} __attribute__((packed));

static uint16_t csum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i += 2)
		sum += p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static struct packet make(uint8_t tos, uint16_t id)
{
	struct packet p = { .eth.h_proto = htons(ETH_P_IP) };

	memset(p.eth.h_dest, 0xaa, 12);
	p.ip.version = 4;
	p.ip.ihl = 5;
	p.ip.tos = tos;
	p.ip.id = htons(id);
	p.ip.ttl = 64;
	p.ip.protocol = 17;
	p.ip.tot_len = htons(sizeof(p) - sizeof(p.eth));
	p.ip.saddr = htonl(0x0a000001);
	p.ip.daddr = htonl(0x0a000002);
	p.ip.check = htons(csum(&p.ip, sizeof(p.ip)));
	return p;
}

static uint32_t run(const struct packet *in, struct packet *out, uint32_t arg)
{
	struct __sk_buff ctx = { .cb = { arg } };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in,
		    .data_size_in = sizeof(*in), .data_out = out,
		    .data_size_out = sizeof(*out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(prog, &o), 0);
	return o.retval;
}

static int setup(void **state)
{
	struct bpf_object *obj = bpf_object__open_file("bpf-progs/dscp/dscp.bpf.o",
						       NULL);

	(void)state;
	if (!obj || bpf_object__load(obj))
		return -1;
	prog = bpf_program__fd(bpf_object__next_program(obj, NULL));
	return 0;
}

static void test_marks(void **state)
{
	unsigned int tos, dscp;
	struct packet in, out;

	(void)state;
	for (tos = 0; tos < 256; tos++) {
		for (dscp = 0; dscp < 64; dscp++) {
			in = make(tos, tos * 211 + dscp * 1021);
			assert_int_equal(run(&in, &out, dscp), TC_ACT_OK);
			assert_int_equal(out.ip.tos, dscp << 2 | (tos & 3));
			assert_int_equal(csum(&out.ip, sizeof(out.ip)), 0);
			/* Nothing else. */
			out.ip.tos = in.ip.tos;
			out.ip.check = in.ip.check;
			assert_memory_equal(&out, &in, sizeof(in));
		}
	}
}

static void test_asks_for_recirculation(void **state)
{
	struct packet in = make(0, 1), out;

	(void)state;
	assert_int_equal(run(&in, &out, 0x100 | 46), TC_ACT_RECLASSIFY);
	assert_int_equal(out.ip.tos, 46 << 2);
}

static void test_others_pass(void **state)
{
	struct packet in = make(0, 1), out;

	(void)state;
	in.eth.h_proto = htons(ETH_P_ARP);
	assert_int_equal(run(&in, &out, 0x100 | 46), TC_ACT_OK);
	assert_memory_equal(&out, &in, sizeof(in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_asks_for_recirculation),
		cmocka_unit_test(test_others_pass),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
