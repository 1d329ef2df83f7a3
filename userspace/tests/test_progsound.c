// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The judge of the analysis: programs are run by the kernel on packets, and
 * every byte, field and word of metadata that they change must be among those
 * that the analysis said they may change.  Needs root.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../bpf-progs/lb/lb.h"
#include "../pipeline/flow.h"
#include "../pipeline/progwrites.h"
#include "proggen.h"

#define MAX_PACKET 192

static struct progwrites pw;

/* What was seen, so that a test that tries nothing can't pass. */
static struct {
	unsigned int programs, refused, told, runs, changed, fields, meta, l4;
} seen;

static unsigned int rnd(unsigned int n)
{
	return random() % n;
}

static unsigned int env(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static uint16_t be16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* A packet of random headers; @n: its length. */
static void make_packet(uint8_t *p, size_t n)
{
	static const uint16_t types[] = { 0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd,
					  0x0806, 0x8847, 46 };
	static const uint8_t protos[] = { 6, 17, 1, 58, 132, 0, 44, 60, 47 };
	unsigned int tags = rnd(3) ? 0 : 1 + rnd(2), i;
	size_t at = 12;
	uint16_t type;

	for (i = 0; i < n; i++)
		p[i] = random();
	for (i = 0; i < tags; i++, at += 4) {
		p[at] = rnd(2) ? 0x81 : 0x88;
		p[at + 1] = p[at] == 0x81 ? 0x00 : 0xa8;
	}
	type = types[rnd(8)];
	if (!rnd(6)) {	/* 802.2 SNAP */
		memcpy(p + at, "\0\100\xaa\xaa\3\0\0\0", 8);
		at += 8;
	}
	p[at] = type >> 8;
	p[at + 1] = type;
	at += 2;
	if (type == 0x0800) {
		p[at] = 0x40 | (rnd(2) ? 5 : rnd(4) ? rnd(16) : 0);
		if (rnd(4))
			p[at + 6] = p[at + 7] = 0;
		p[at + 9] = protos[rnd(5)];
		p[at + 32] = 0x50;
	} else if (type == 0x86dd) {
		p[at] = 0x60;
		p[at + 6] = protos[rnd(9)];
		p[at + 40] = protos[rnd(5)];
		p[at + 41] = rnd(3);
	} else if (type == 0x0806) {
		memcpy(p + at, "\0\1\10\0\6\4\0\1", 8);
	}
}

static bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8;
}

static void extract_l4(const uint8_t *p, size_t n, size_t at, struct flow *f)
{
	switch (f->nw_proto) {
	case 6:
		if (at + 20 > n || p[at + 12] >> 4 < 5 ||
		    at + (p[at + 12] >> 4) * 4 > n)
			return;
		break;
	case 17:
		if (at + 8 > n)
			return;
		break;
	case 132:
		if (at + 12 > n)
			return;
		break;
	case 1:
	case 58:
		if (at + 8 > n || (f->nw_proto == 1) != (f->dl_type == htons(0x0800)))
			return;
		f->tp_src = htons(p[at]);
		f->tp_dst = htons(p[at + 1]);
		return;
	default:
		return;
	}
	memcpy(&f->tp_src, p + at, 2);
	memcpy(&f->tp_dst, p + at + 2, 2);
}

static void extract_ipv4(const uint8_t *p, size_t n, size_t at, struct flow *f)
{
	size_t len;

	if (at + 20 > n)
		return;
	len = (p[at] & 15) * 4;
	if (len < 20 || at + len > n)
		return;
	memcpy(&f->nw_src, p + at + 12, 4);
	memcpy(&f->nw_dst, p + at + 16, 4);
	f->nw_proto = p[at + 9];
	f->nw_tos = p[at + 1];
	f->nw_ttl = p[at + 8];
	if (be16(p + at + 6) & 0x1fff) {
		f->nw_frag = 2;
		return;
	}
	f->nw_frag = be16(p + at + 6) & 0x2000 ? 1 : 0;
	extract_l4(p, n, at + len, f);
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 59 ||
	       next == 60;
}

/* A header chain that is cut short leaves a packet without layer 3. */
static void extract_ipv6(const uint8_t *p, size_t n, size_t at, struct flow *f)
{
	struct flow bare = *f;
	size_t l4 = at + 40;
	uint8_t next;

	if (l4 > n)
		return;
	next = p[at + 6];
	memcpy(f->ipv6_src, p + at + 8, 16);
	memcpy(f->ipv6_dst, p + at + 24, 16);
	f->nw_tos = p[at] << 4 | p[at + 1] >> 4;
	f->nw_ttl = p[at + 7];
	while (is_extension(next) && next != 59) {
		if (l4 + 8 > n) {
			*f = bare;
			return;
		}
		if (next == 44 && be16(p + l4 + 2) & 0xfff8) {
			f->nw_frag = 2;
			f->nw_proto = 44;
			return;
		}
		if (next == 44)
			f->nw_frag = 1;
		next = p[l4];
		l4 += p[at + 6] == 44 ? 8 : (p[l4 + 1] + 1) * 8;
	}
	if (l4 > n) {
		*f = bare;
		return;
	}
	f->nw_proto = next;
	extract_l4(p, n, l4, f);
}

static void extract_arp(const uint8_t *p, size_t n, size_t at, struct flow *f)
{
	if (at + 28 > n || memcmp(p + at, "\0\1\10\0\6\4", 6))
		return;
	if (!p[at + 6])
		f->nw_proto = p[at + 7];
	memcpy(f->arp_sha, p + at + 8, 6);
	memcpy(&f->nw_src, p + at + 14, 4);
	memcpy(f->arp_tha, p + at + 18, 6);
	memcpy(&f->nw_dst, p + at + 24, 4);
}

/* The fields of a packet, from the RFCs: not by the code under test. */
static void extract(const uint8_t *p, size_t n, struct flow *f)
{
	unsigned int tags = 0;
	size_t at = 12;
	uint16_t type;

	memset(f, 0, sizeof(*f));
	memcpy(f->dl_dst, p, 6);
	memcpy(f->dl_src, p + 6, 6);
	while (is_tag(type = be16(p + at)) && tags++ < 2) {
		if (tags == 1)
			f->vlan_tci = htons(be16(p + at + 2) | 0x1000);
		at += 4;
	}
	at += 2;
	if (type < 0x600) {
		type = at + 8 <= n && !memcmp(p + at, "\xaa\xaa\3\0\0\0", 6) &&
		       be16(p + at + 6) >= 0x600 ? be16(p + at + 6) : 4;
		at += 8;
	}
	f->dl_type = htons(type);
	if (type == 0x0800)
		extract_ipv4(p, n, at, f);
	else if (type == 0x86dd)
		extract_ipv6(p, n, at, f);
	else if (type == 0x0806)
		extract_arp(p, n, at, f);
}

/* Whether a byte of a packet may be written, by what was told. */
static bool may_write(const uint8_t *packet, unsigned int ofs)
{
	uint16_t type = be16(packet + 12);
	unsigned int i, l4;

	if (pw.anything)
		return true;
	for (i = 0; i < pw.n_classes; i++) {
		const struct pw_class *c = &pw.class[i];

		if (c->eth_type && c->eth_type != type)
			continue;
		if (pw_bytes_has(&c->data, ofs))
			return true;
		l4 = type == 0x86dd ? 54 : 14 + (packet[14] & 15) * 4;
		if (ofs >= l4 && pw_bytes_has(&c->l4, ofs - l4)) {
			seen.l4++;
			return true;
		}
	}
	return false;
}

static void complain(const char *what, unsigned int n, const struct gen *g,
		     const uint8_t *in, const uint8_t *out, size_t len)
{
	char text[512];
	unsigned int i;

	progwrites_format(&pw, text, sizeof(text));
	printf("# %s %u changed; told: %s\n# before:", what, n, text);
	for (i = 0; i < len; i++)
		printf("%s%02x", i % 16 ? " " : "\n#  ", in[i]);
	printf("\n# after:");
	for (i = 0; i < len; i++)
		printf("%s%02x", i % 16 ? " " : "\n#  ", out[i]);
	printf("\n");
	for (i = 0; g && i < g->n; i++)
		printf("# %3u: %02x dst r%d src r%d off %d imm %d\n", i,
		       g->insn[i].code, g->insn[i].dst_reg, g->insn[i].src_reg,
		       g->insn[i].off, g->insn[i].imm);
	fail_msg("%s %u changed", what, n);
}

static void check_fields(const uint8_t *in, const uint8_t *out, size_t len,
			 const struct gen *g)
{
	const uint8_t *b = (uint8_t *)&(struct flow){}, *a, *m;
	struct flow before, after, may;
	unsigned int i;

	extract(in, len, &before);
	extract(out, len, &after);
	progwrites_fields(&pw, &before, true, &may);
	b = (uint8_t *)&before;
	a = (uint8_t *)&after;
	m = (uint8_t *)&may;
	for (i = 0; i < FLOW_DP_LEN; i++) {
		if ((a[i] ^ b[i]) & ~m[i])
			complain("the field at offset", i, g, in, out, len);
		seen.fields += a[i] != b[i] && !pw.anything;
	}
}

/* Run a program on a packet, and compare with what was told of it. */
static void run(int fd, uint8_t *in, size_t len, const struct gen *g)
{
	struct __sk_buff ctx = { .mark = 77, .priority = 3, .cb = { 1, 2, 3, 4, 5 } };
	struct __sk_buff ctx_out = {};
	uint8_t out[MAX_PACKET + 256];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = len,
		    .data_out = out, .data_size_out = sizeof(out),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		    .ctx_out = &ctx_out, .ctx_size_out = sizeof(ctx_out),
		    .repeat = 1);
	unsigned int i, changed = 0;

	if (bpf_prog_test_run_opts(fd, &o))
		return;	/* the kernel takes no such packet */
	seen.runs++;
	if (o.data_size_out != len && !pw.anything)
		complain("the length", o.data_size_out, g, in, out, len);
	for (i = 0; i < len && o.data_size_out == len; i++) {
		if (in[i] == out[i])
			continue;
		changed++;
		if (!may_write(in, i))
			complain("byte", i, g, in, out, len);
	}
	seen.changed += changed && !pw.anything;
	if (o.data_size_out == len)
		check_fields(in, out, len, g);
	if ((ctx.mark != ctx_out.mark && !(pw.meta & PW_MARK)) ||
	    (ctx.priority != ctx_out.priority && !(pw.meta & PW_PRIORITY)) ||
	    (ctx.cb[0] != ctx_out.cb[0] && !(pw.meta & PW_RESULT)) ||
	    (memcmp(&ctx.cb[1], &ctx_out.cb[1], 16) && !(pw.meta & PW_CB)))
		complain("metadata", 0, g, in, out, len);
	seen.meta += ctx.mark != ctx_out.mark || ctx.priority != ctx_out.priority;
}

static void test_random_programs(void **state)
{
	unsigned int rounds = env("ROUNDS", 4000), packets = env("PACKETS", 24), i, j;
	static struct gen g;
	uint8_t packet[MAX_PACKET];
	int fd;

	(void)state;
	if (geteuid()) {
		skip();
		return;
	}
	srandom(env("SEED", 1));
	memset(&seen, 0, sizeof(seen));
	for (i = 0; i < rounds; i++) {
		LIBBPF_OPTS(bpf_prog_load_opts, o);

		gen_program(&g);
		fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "random", "GPL", g.insn,
				   g.n, &o);
		seen.programs++;
		if (fd < 0) {
			assert_int_not_equal(errno, EPERM);
			seen.refused++;
			continue;
		}
		progwrites_analyze(g.insn, g.n, &pw);
		seen.told += !pw.anything;
		for (j = 0; j < packets; j++) {
			size_t len = 60 + rnd(MAX_PACKET - 60 + 1);

			make_packet(packet, len);
			run(fd, packet, len, &g);
		}
		close(fd);
	}
	printf("# %u programs, %u refused by the kernel, %u not \"anything\"; %u runs, %u changed the packet, %u bytes of keys, %u marks, %u bytes of layer 4\n",
	       seen.programs, seen.refused, seen.told, seen.runs, seen.changed,
	       seen.fields, seen.meta, seen.l4);
	assert_true(seen.refused < seen.programs / 2);
	assert_true(seen.told > seen.programs / 3);
	assert_true(seen.changed > seen.runs / 4);
	assert_true(seen.fields > rounds && seen.meta > rounds &&
		    seen.l4 > rounds / 8);
}

static int open_program(const char *path, struct bpf_object **obj)
{
	struct bpf_program *prog;

	*obj = bpf_object__open_file(path, NULL);
	if (!*obj || bpf_object__load(*obj))
		return -1;
	prog = bpf_object__next_program(*obj, NULL);
	progwrites_analyze(bpf_program__insns(prog), bpf_program__insn_cnt(prog),
			   &pw);
	return bpf_program__fd(prog);
}

/* The load balancer writes where it says, whatever options a packet has. */
static void test_load_balancer(void **state)
{
	struct lb_vip_key vk = { .addr = htonl(0x0a000064), .port = htons(80) };
	struct lb_vip vip = { .mac = { 2, 0, 0, 0, 0, 100 } };
	struct lb_backend be = { .addr = htonl(0x0a00000b), .mac = { 2, 0, 0, 0, 0, 11 } };
	uint8_t packet[MAX_PACKET], protos[] = { 6, 17 };
	struct bpf_object *obj;
	char text[256];
	uint32_t i = 0;
	size_t l4;
	int fd;

	(void)state;
	if (geteuid()) {
		skip();
		return;
	}
	fd = open_program("bpf-progs/lb/lb.bpf.o", &obj);
	assert_true(fd >= 0);
	progwrites_format(&pw, text, sizeof(text));
	assert_string_equal(text, "IPv4: bytes 0-11, 24-33, layer 4 bytes 6-7, 16-17");
	assert_int_equal(pw.meta, PW_RESULT);
	bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "backends"), &i,
			    &be, 0);
	for (i = 0; i < 2; i++) {
		vk.proto = protos[i];
		bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "vips"),
				    &vk, &vip, 0);
	}
	memset(&seen, 0, sizeof(seen));
	for (i = 0; i < 5000; i++) {
		make_packet(packet, sizeof(packet));
		if (be16(packet + 12) == 0x0800 && rnd(8)) {
			l4 = 14 + (packet[14] & 15) * 4;
			packet[23] = protos[rnd(2)];
			packet[20] = packet[21] = 0;
			memcpy(packet + 30, &vk.addr, 4);
			memcpy(packet + l4 + 2, &vk.port, 2);
		}
		run(fd, packet, sizeof(packet), NULL);
	}
	assert_true(seen.runs > 4000 && seen.changed > 500);
	bpf_object__close(obj);
}

static void test_alpha(void **state)
{
	struct bpf_object *obj;
	char text[256];
	int fd;

	(void)state;
	if (geteuid()) {
		skip();
		return;
	}
	fd = open_program("bpf-progs/alpha/alpha.bpf.o", &obj);
	assert_true(fd >= 0);
	progwrites_format(&pw, text, sizeof(text));
	assert_memory_equal(text, "anything (bpf_skb_", 18);
	assert_int_equal(pw.may, PW_RESIZE | PW_VLAN | PW_REDIRECT);
	assert_int_equal(pw.meta, PW_MARK | PW_RESULT | PW_CB | PW_TC_CLASSID);
	bpf_object__close(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_programs),
		cmocka_unit_test(test_load_balancer),
		cmocka_unit_test(test_alpha),
	};

	/* From wherever it is started: object files are named from the top. */
	if (access("bpf-progs", X_OK) && chdir("..") )
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
