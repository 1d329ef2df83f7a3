// SPDX-License-Identifier: GPL-2.0
/* The load balancer by BPF_PROG_TEST_RUN: packet in, packet out. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "../lb/lb.h"

#define N_BACKENDS 3

static int prog, vips, backends, slots, conns;

static const uint8_t vip_mac[6] = { 2, 0, 0, 0, 0, 100 };

static uint32_t addr(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a.s_addr;
}

static uint16_t csum(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += p[i] << 8 | p[i + 1];
	if (len & 1)
		sum += p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

struct packet {
	struct ethhdr eth;
	struct iphdr ip;
	union {
		struct tcphdr tcp;
		struct udphdr udp;
	};
	uint8_t payload[16];
} __attribute__((packed));

static uint32_t pseudo(const struct packet *p)
{
	const uint8_t *a = (const uint8_t *)&p->ip.saddr;
	uint32_t sum = p->ip.protocol + ntohs(p->ip.tot_len) - 20, i;

	for (i = 0; i < 8; i += 2)
		sum += a[i] << 8 | a[i + 1];
	return sum;
}

static void set_l4_sum(struct packet *p, uint16_t sum)
{
	if (p->ip.protocol == IPPROTO_TCP)
		p->tcp.check = sum;
	else
		p->udp.check = sum;
}

static struct packet make(uint8_t proto, const char *src, uint16_t sport,
			  const char *dst, uint16_t dport)
{
	struct packet p = {};
	uint16_t c;

	memset(p.eth.h_dest, 0xaa, 6);
	memset(p.eth.h_source, 0xbb, 6);
	p.eth.h_proto = htons(ETH_P_IP);
	p.ip.version = 4;
	p.ip.ihl = 5;
	p.ip.ttl = 64;
	p.ip.protocol = proto;
	p.ip.tot_len = htons(sizeof(p) - sizeof(p.eth));
	p.ip.saddr = addr(src);
	p.ip.daddr = addr(dst);
	p.ip.check = htons(csum(&p.ip, sizeof(p.ip), 0));
	p.tcp.source = htons(sport);
	p.tcp.dest = htons(dport);
	if (proto == IPPROTO_TCP)
		p.tcp.doff = 5;
	else
		p.udp.len = htons(sizeof(p.tcp) + sizeof(p.payload));
	c = htons(csum(&p.tcp, sizeof(p.tcp) + sizeof(p.payload), pseudo(&p)));
	set_l4_sum(&p, c);
	return p;
}

static struct packet run(struct packet in)
{
	struct packet out = {};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = &in, .data_size_in = sizeof(in),
		    .data_out = &out, .data_size_out = sizeof(out), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(prog, &o), 0);
	assert_int_equal(o.retval, 0);
	return out;
}

static void assert_checksums(const struct packet *p)
{
	assert_int_equal(csum(&p->ip, sizeof(p->ip), 0), 0);
	assert_int_equal(csum(&p->tcp, sizeof(p->tcp) + sizeof(p->payload),
			      pseudo(p)), 0);
}

/* Which backend a packet went to, checked whole. */
static unsigned int backend_of(const struct packet *p)
{
	unsigned int i = ntohl(p->ip.daddr) & 0xff;
	uint8_t mac[6] = { 2, 0, 0, 0, 0, i };

	assert_int_equal(ntohl(p->ip.daddr) >> 8, 0x0a0000);
	assert_true(i >= 11 && i < 11 + N_BACKENDS);
	assert_memory_equal(p->eth.h_dest, mac, 6);
	assert_checksums(p);
	return i - 11;
}

static void fill_slots(uint32_t n)
{
	uint32_t i, b;

	for (i = 0; i < LB_SLOTS; i++) {
		b = i % n;
		assert_int_equal(bpf_map_update_elem(slots, &i, &b, 0), 0);
	}
}

static int setup(void **state)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct bpf_object *obj = bpf_object__open_file("bpf-progs/lb/lb.bpf.o", NULL);
	unsigned int i;
	uint32_t b;

	(void)state;
	if (!obj || bpf_object__load(obj))
		return -1;
	prog = bpf_program__fd(bpf_object__next_program(obj, NULL));
	vips = bpf_object__find_map_fd_by_name(obj, "vips");
	backends = bpf_object__find_map_fd_by_name(obj, "backends");
	slots = bpf_object__find_map_fd_by_name(obj, "slots");
	conns = bpf_object__find_map_fd_by_name(obj, "conns");
	for (i = 0; i < 2; i++) {
		struct lb_vip_key k = { .addr = addr("10.0.0.100"),
					.port = htons(80), .proto = protos[i] };
		struct lb_vip v = {};

		memcpy(v.mac, vip_mac, 6);
		bpf_map_update_elem(vips, &k, &v, 0);
	}
	for (b = 0; b < N_BACKENDS; b++) {
		struct lb_backend v = { .addr = htonl(0x0a00000b + b),
					.mac = { 2, 0, 0, 0, 0, 11 + b } };

		bpf_map_update_elem(backends, &b, &v, 0);
	}
	fill_slots(N_BACKENDS);
	return 0;
}

static void test_shares(void **state)
{
	unsigned int i, n[N_BACKENDS] = {};

	(void)state;
	for (i = 0; i < 3000; i++) {
		struct packet p = run(make(IPPROTO_TCP, "10.0.0.1", 1024 + i,
					   "10.0.0.100", 80));
		n[backend_of(&p)]++;
	}
	for (i = 0; i < N_BACKENDS; i++)
		assert_in_range(n[i], 850, 1150);
}

static struct lb_conn_key key_of(const struct packet *in)
{
	return (struct lb_conn_key){ .src = in->ip.saddr, .dst = in->ip.daddr,
				     .proto = in->ip.protocol,
				     .sport = in->tcp.source, .dport = in->tcp.dest };
}

/* Connections that are remembered in one place are none the less different ones. */
static void test_each_its_own(void **state)
{
	struct packet one = make(IPPROTO_TCP, "10.0.0.10", 1, "10.0.0.100", 80), in, out;
	struct lb_conn_key key;
	struct lb_conn conn;
	unsigned int i, to;

	(void)state;
	out = run(one);
	to = backend_of(&out);
	for (i = 0; i < 20000; i++) {
		in = make(IPPROTO_TCP, "10.0.0.11", 1024 + i, "10.0.0.100", 80);
		out = run(in);
		key = key_of(&in);
		assert_int_equal(bpf_map_lookup_elem(conns, &key, &conn), 0);
		assert_int_equal(out.ip.daddr, conn.addr);
		out = run(one);
		assert_int_equal(backend_of(&out), to);
	}
}

/* What is deleted from the table is not remembered elsewhere for long. */
static void test_deleted(void **state)
{
	struct packet in, out;
	struct lb_conn_key key;
	unsigned int i, to;
	time_t end;

	(void)state;
	for (i = 0, to = 0; !to; i++) {
		in = make(IPPROTO_TCP, "10.0.0.12", 1024 + i, "10.0.0.100", 80);
		out = run(in);
		to = backend_of(&out);
	}
	fill_slots(1);
	key = key_of(&in);
	assert_int_equal(bpf_map_delete_elem(conns, &key), 0);
	for (end = time(NULL) + 10; to && time(NULL) < end;) {
		out = run(in);
		to = backend_of(&out);
	}
	fill_slots(N_BACKENDS);
	assert_int_equal(to, 0);
}

/* Nor is it remembered that a packet was to no service. */
static void test_new_service(void **state)
{
	struct lb_vip_key k = { .addr = addr("10.0.0.102"), .port = htons(80),
				.proto = IPPROTO_TCP };
	struct packet in = make(IPPROTO_TCP, "10.0.0.13", 1, "10.0.0.102", 80), out;
	struct lb_vip v = {};

	(void)state;
	out = run(in);
	assert_memory_equal(&out, &in, sizeof(out));
	out = run(in);
	assert_memory_equal(&out, &in, sizeof(out));
	assert_int_equal(bpf_map_update_elem(vips, &k, &v, 0), 0);
	out = run(in);
	backend_of(&out);
}

static void test_reply(void **state)
{
	struct packet p, r;
	char src[32];

	(void)state;
	p = run(make(IPPROTO_UDP, "10.0.0.2", 5000, "10.0.0.100", 80));
	snprintf(src, sizeof(src), "10.0.0.%u", 11 + backend_of(&p));
	r = run(make(IPPROTO_UDP, src, 80, "10.0.0.2", 5000));
	assert_int_equal(r.ip.saddr, addr("10.0.0.100"));
	assert_int_equal(r.ip.daddr, addr("10.0.0.2"));
	assert_memory_equal(r.eth.h_source, vip_mac, 6);
	assert_checksums(&r);
}

static void test_affinity(void **state)
{
	unsigned int i, first[200], moved = 0;
	struct packet p;

	(void)state;
	for (i = 0; i < 200; i++) {
		p = run(make(IPPROTO_TCP, "10.0.0.3", 2000 + i, "10.0.0.100", 80));
		first[i] = backend_of(&p);
	}
	fill_slots(1);
	for (i = 0; i < 200; i++) {
		p = run(make(IPPROTO_TCP, "10.0.0.3", 2000 + i, "10.0.0.100", 80));
		assert_int_equal(backend_of(&p), first[i]);
		p = run(make(IPPROTO_TCP, "10.0.0.4", 2000 + i, "10.0.0.100", 80));
		moved += backend_of(&p) != 0;
	}
	fill_slots(N_BACKENDS);
	assert_int_equal(moved, 0);
}

/* UDP without a checksum has none afterwards. */
static void test_no_checksum(void **state)
{
	struct packet in = make(IPPROTO_UDP, "10.0.0.7", 1, "10.0.0.100", 80), out;

	(void)state;
	in.udp.check = 0;
	out = run(in);
	assert_int_equal(out.udp.check, 0);
	assert_int_equal(ntohl(out.ip.daddr) >> 8, 0x0a0000);
	assert_int_not_equal(out.ip.daddr, in.ip.daddr);
	assert_int_equal(csum(&out.ip, sizeof(out.ip), 0), 0);
}

static void assert_ip_sum(struct packet in, uint16_t id)
{
	struct packet out;

	in.ip.id = htons(id);
	in.ip.check = 0;
	in.ip.check = htons(csum(&in.ip, sizeof(in.ip), 0));
	out = run(in);
	assert_int_equal(csum(&out.ip, sizeof(out.ip), 0), 0);
}

/* Every checksum that a header may have, each way. */
static void test_checksum_carries(void **state)
{
	struct packet there = make(IPPROTO_UDP, "10.0.0.8", 1, "10.0.0.100", 80);
	struct packet p = run(there), back;
	char src[32];
	unsigned int i;

	(void)state;
	snprintf(src, sizeof(src), "10.0.0.%u", 11 + backend_of(&p));
	back = make(IPPROTO_UDP, src, 80, "10.0.0.8", 1);
	for (i = 0; i < 0x10000; i++) {
		assert_ip_sum(there, i);
		assert_ip_sum(back, i);
	}
}

/* With IP options the transport is elsewhere; the sums are of all that. */
static void test_options(void **state)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct packet in, out, plain;
	unsigned int i;
	uint16_t sum;

	(void)state;
	for (i = 0; i < 2; i++) {
		plain = make(protos[i], "10.0.0.9", 1, "10.0.0.100", 80);
		in = plain;
		in.ip.ihl = 6;
		in.ip.tot_len = htons(ntohs(in.ip.tot_len) + 4);
		memset(&in.tcp, 1, 4);		/* no operation */
		in.ip.check = 0;
		in.ip.check = htons(csum(&in.ip, sizeof(in.ip) + 4, 0));
		/* The payload's last bytes make room. */
		memcpy((uint8_t *)&in.tcp + 4, &plain.tcp,
		       sizeof(plain.tcp) + sizeof(plain.payload) - 4);
		out = run(in);
		assert_int_equal(csum(&out.ip, sizeof(out.ip) + 4, 0), 0);
		assert_int_equal(ntohl(out.ip.daddr) >> 8, 0x0a0000);
		/* Of the transport, the sum alone has changed, to that without options. */
		plain.ip.daddr = out.ip.daddr;
		set_l4_sum(&plain, 0);
		sum = csum(&plain.tcp, sizeof(plain.tcp) + sizeof(plain.payload),
			   pseudo(&plain));
		set_l4_sum(&plain, htons(sum));
		assert_memory_equal((uint8_t *)&out.tcp + 4, &plain.tcp, sizeof(plain.tcp));
	}
}

static void test_others_pass(void **state)
{
	struct packet in[] = {
		make(IPPROTO_TCP, "10.0.0.5", 1, "10.0.0.100", 81),
		make(IPPROTO_TCP, "10.0.0.5", 1, "10.0.0.101", 80),
		make(IPPROTO_ICMP, "10.0.0.5", 1, "10.0.0.100", 80),
		make(IPPROTO_TCP, "10.0.0.5", 1, "10.0.0.100", 80),
		make(IPPROTO_TCP, "10.0.0.5", 1, "10.0.0.100", 80),
	}, out;
	unsigned int i;

	(void)state;
	in[3].ip.frag_off = htons(100);		/* a later fragment has no ports */
	in[4].eth.h_proto = htons(ETH_P_ARP);
	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		out = run(in[i]);
		assert_memory_equal(&out, &in[i], sizeof(out));
	}
}

static void test_cut_short(void **state)
{
	struct packet in = make(IPPROTO_TCP, "10.0.0.6", 1, "10.0.0.100", 80);
	uint8_t out[sizeof(in)];
	size_t len;

	(void)state;
	for (len = ETH_HLEN; len < sizeof(in) - sizeof(in.payload); len++) {
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = &in,
			    .data_size_in = len, .data_out = out,
			    .data_size_out = sizeof(out), .repeat = 1);

		if (bpf_prog_test_run_opts(prog, &o))
			continue;	/* the kernel takes none so short */
		assert_int_equal(o.retval, 0);
		assert_memory_equal(out, &in, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares), cmocka_unit_test(test_each_its_own),
		cmocka_unit_test(test_deleted), cmocka_unit_test(test_new_service),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_affinity), cmocka_unit_test(test_no_checksum),
		cmocka_unit_test(test_checksum_carries), cmocka_unit_test(test_options),
		cmocka_unit_test(test_others_pass),
		cmocka_unit_test(test_cut_short),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
