// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of Geneve as long as there are: as text, in bits, and in translations. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/text.h"
#include "../pipeline/tlv.h"
#include "again.h"
#include "translation.h"

#define BITS (8 * FIELD_MAX)

static unsigned int rnd(unsigned int n)
{
	return (unsigned int)random() % n;
}

/* Field @n is an option of so many bytes from now on; 0: of none. */
static void map(unsigned int n, unsigned int len)
{
	const struct tlv tlv = { 0x102, n, len };

	tlv_unmap(n);
	if (len)
		assert_null(tlv_map(n, &tlv));
}

/* The rules go, and what is frozen stays. */
static void reset_rules(void)
{
	struct rule_choice all = { .any_table = true };
	struct rule *rule;

	while ((rule = tables_chosen(&tables, &all, NULL))) {
		tables_remove(&tables, rule);
		free(rule);
	}
}

static int unmap(void **state)
{
	unsigned int n;

	for (n = 0; n < N_TLVS; n++)
		tlv_unmap(n);
	return reset(state);
}

/* So many bytes of no order as a number. */
static const char *digits(unsigned int len, unsigned int seed)
{
	static char text[4][2 * FIELD_MAX + 20];
	static unsigned int next;
	char *buf = text[next++ % 4];
	unsigned int i;
	int n = 0;

	for (i = 0; i < len; i++)
		n = text_add(buf, sizeof(text[0]), n, "%02x",
			     (0x91 + 37 * i + 101 * seed) & 0xff);
	return buf;
}

static void test_lengths(void **state)
{
	static const int bad[] = { -4, 0, 2, 6, 123, 126, 128, 256, 260 };
	char text[64];
	struct tlv tlv;
	unsigned int n;
	int i;

	(void)state;
	for (i = 0; i < (int)(sizeof(bad) / sizeof(bad[0])); i++) {
		snprintf(text, sizeof(text), "{class=1,type=2,len=%d}->tun_metadata1", bad[i]);
		assert_string_equal(tlv_parse(text, &n, &tlv),
				    "len must be a multiple of 4, from 4 to 124");
	}
	for (i = 4; i <= 124; i += 4) {
		snprintf(text, sizeof(text), "{class=1,type=2,len=%d}->tun_metadata1", i);
		assert_null(tlv_parse(text, &n, &tlv));
		assert_null(tlv_map(n, &tlv));
		assert_int_equal(tlv_field(1)->bits, 8 * i);
		tlv_unmap(1);
	}
	/* One of all bytes leaves none. */
	map(1, 124);
	tlv = (struct tlv){ 7, 7, 4 };
	assert_non_null(strstr(tlv_map(2, &tlv), "no room"));
	map(1, 120);
	assert_null(tlv_map(2, &tlv));
}

/* As it is, within a rule. */
static void same(const char *fmt, ...)
{
	char text[4096];
	va_list args;
	int n = snprintf(text, sizeof(text), "table=0,priority=32768,");

	va_start(args, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, args);
	va_end(args);
	assert_string_equal(again(text), text);
}

static void refused(const char *why, const char *fmt, ...)
{
	char text[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	again(text);
	if (!strstr(err, why))
		fail_msg("%s: \"%s\"", text, err);
}

static void test_text(void **state)
{
	static const unsigned int lens[] = { 20, 40, 124 };
	char want[2048], text[2048];
	unsigned int i, len;

	(void)state;
	for (i = 0; i < 3; i++) {
		len = lens[i];
		map(0, len);
		same("tun_metadata0=0x%s,actions=drop", digits(len, 0));
		same("tun_metadata0=0x%s/0x%s,actions=drop", digits(len, 0), digits(len, 0));
		same("in_port=1,actions=set_field:0x%s->tun_metadata0,output:1", digits(len, 0));
		same("actions=move:tun_metadata0[1..%u]->tun_metadata0[0..%u]", 8 * len - 1,
		     8 * len - 2);
		same("actions=output:tun_metadata0[%u..%u],ct(commit,zone=tun_metadata0[%u..%u],exec(move:tun_metadata0[%u..%u]->ct_label[1..127]))",
		     8 * len - 32, 8 * len - 1, 8 * len - 16, 8 * len - 1, 8 * len - 127,
		     8 * len - 1);
		refused("too large", "tun_metadata0=0x1%s,actions=drop", digits(len, 0));
		refused("too large", "actions=set_field:1/0x1%s->tun_metadata0", digits(len, 0));
		refused("hexadecimal", "tun_metadata0=0x%sg,actions=drop", digits(len - 1, 0));
		snprintf(want, sizeof(want), "0..%u, written", 8 * len - 1);
		refused(want, "actions=output:tun_metadata0[%u]", 8 * len);
	}
	/* Zeros before it are none of its bytes. */
	snprintf(text, sizeof(text), "tun_metadata0=0x0000%s,actions=drop", digits(124, 0));
	assert_string_equal(strstr(again(text), "0x") + 2, strstr(text, "0x0000") + 6);
	refused("too long", "tun_metadata0=0x%0600u,actions=drop", 0);
	/* Value and mask of 248 digits each. */
	snprintf(text, sizeof(text), "tun_metadata0=0x%s/0xf%s,actions=set_field:0x%s/0xf%s->tun_metadata0",
		 digits(124, 0), digits(124, 1) + 1, digits(124, 2), digits(124, 3) + 1);
	strcpy(want, again(text));
	assert_int_equal(strlen(want), strlen(text) + strlen("table=0,priority=32768,"));
	assert_string_equal(again(want), want);
	/* The highest bits. */
	snprintf(want, sizeof(want), "table=0,priority=32768,actions=set_field:0xa%0247u/0xe%0247u->tun_metadata0",
		 0, 0);
	assert_string_equal(again("actions=load:5->NXM_NX_TUN_METADATA0[989..991]"), want);
	assert_non_null(strstr(again("actions=move:NXM_NX_TUN_METADATA0[0..799]->NXM_NX_TUN_METADATA0[192..991]"),
			       "=move:tun_metadata0[0..799]->tun_metadata0[192..991]"));
	/* A number of 64 bits at most, and zeros above it. */
	snprintf(want, sizeof(want), "table=0,priority=32768,actions=set_field:0x1/0x%s->tun_metadata0",
		 "fffffffffffffffffffffffffffffffffff");
	assert_string_equal(again("actions=load:1->tun_metadata0[0..139]"), want);
}

/* As many actions as there can be, each as long as it can be. */
static void test_longest_rule(void **state)
{
	static char text[RULE_TEXT], first[RULE_TEXT];
	unsigned int i;
	int n;

	(void)state;
	map(63, 124);
	n = snprintf(text, sizeof(text), "tun_metadata63=0x%s/0xf%s,actions=", digits(124, 0),
		     digits(124, 1) + 1);
	for (i = 0; i < MAX_ACTIONS; i++)
		n = text_add(text, sizeof(text), n, "set_field:0x%s/0x%s->tun_metadata63,",
			     digits(124, i % 2), digits(124, i % 2));
	strcpy(first, again(text));
	assert_int_equal(strlen(first), n - 1 + strlen("table=0,priority=32768,"));
	assert_string_equal(again(first), first);
}

static struct rule *read_rule(const char *text)
{
	struct rule *rule = rule_parse(text, true, err, sizeof(err));

	assert_non_null(rule);
	return rule;
}

static bool equal(const char *a, const char *b)
{
	struct rule *x = read_rule(a), *y = read_rule(b);
	bool is = acts_equal(x->acts, x->n_acts, y->acts, y->n_acts);

	free(x);
	free(y);
	return is;
}

/* Lists are equal to the last bit of what they set. */
static void test_equality(void **state)
{
	char a[1024], b[1024];

	(void)state;
	map(0, 64);
	map(1, 60);
	snprintf(a, sizeof(a), "actions=set_field:1->reg0,set_field:0x%s->tun_metadata0,set_field:0x5/0x%s->tun_metadata1",
		 digits(64, 0), digits(60, 0));
	strcpy(b, a);
	assert_true(equal(a, b));
	*(strstr(b, "->tun_metadata0") - 1) ^= 1;
	assert_false(equal(a, b));
	strcpy(b, a);
	*(strstr(b, "->tun_metadata1") - 1) ^= 1;
	assert_false(equal(a, b));
	assert_false(equal("actions=set_field:1->reg0", "actions=set_field:2->reg0"));
	assert_false(equal("actions=set_field:1->reg0", "actions=set_field:1->reg1"));
	assert_false(equal("actions=1,2", "actions=1"));
	assert_true(equal("actions=load:1->reg0[]", "actions=set_field:0x1->reg0"));
}

/* Wherever they are put, which is what frozen walks are found by. */
static void test_copies(void **state)
{
	struct rule *rule = read_rule("actions=set_field:1->tun_tos,set_field:7->tun_id,set_field:02:00:00:00:00:01->dl_src,output:1,set_field:9->tun_ttl");
	_Alignas(8) uint8_t a[2048], b[2048];
	unsigned int i;
	size_t size;

	(void)state;
	for (i = 0; i < rule->n_acts; i++) {
		memset(a, 0xaa, sizeof(a));
		memset(b, 0x55, sizeof(b));
		size = acts_size(rule->acts + i, rule->n_acts - i);
		assert_int_equal(size % 8, 0);
		acts_copy(b, acts_copy(a, rule->acts + i, rule->n_acts - i),
			  rule->n_acts - i);
		assert_memory_equal(a, b, size);
		assert_int_equal(a[size], 0xaa);
	}
	free(rule);
}

/* Any value and mask of any length, there and back. */
static void test_any_value(void **state)
{
	const struct field *f = tlv_field(5);
	struct field_value v, back;
	char text[FIELD_TEXT];
	unsigned int i, k;

	(void)state;
	srandom(21);
	for (i = 0; i < 3000; i++) {
		unsigned int len = 4 * (1 + rnd(31)), zeros = rnd(3) ? rnd(len) : 0;

		map(5, len);
		memset(&v, 0, sizeof(v));
		for (k = zeros; k < len; k++) {
			v.mask[k] = i % 3 ? 0xff : rnd(256);
			v.value[k] = v.mask[k] & rnd(256);
		}
		k = field_format(f, v.value, v.mask, text, sizeof(text));
		assert_int_equal(k, strlen(text));
		assert_true(k < sizeof(text) - 1);
		memset(&back, 0xaa, sizeof(back));
		assert_null(field_parse(f, text, &back));
		assert_memory_equal(back.value, v.value, len);
		assert_memory_equal(back.mask, v.mask, len);
	}
}

static bool bit(const uint8_t *n, size_t len, unsigned int i)
{
	return n[len - 1 - i / 8] >> i % 8 & 1;
}

/* Bits of numbers of any length, against one bit after the other. */
static void test_bits(void **state)
{
	uint8_t src[FIELD_MAX], dst[FIELD_MAX], was[FIELD_MAX];
	unsigned int i, k;

	(void)state;
	srandom(22);
	for (i = 0; i < 20000; i++) {
		size_t s_len = 1 + rnd(FIELD_MAX), d_len = 1 + rnd(FIELD_MAX);
		unsigned int n = 1 + rnd(8 * (s_len < d_len ? s_len : d_len));
		unsigned int s = rnd(8 * s_len - n + 1), d = rnd(8 * d_len - n + 1);
		bool ones = rnd(4) == 0;

		if (rnd(4) == 0) {	/* whole bytes */
			n = (n + 7) / 8 * 8;
			s = s / 8 * 8;
			d = d / 8 * 8;
		}
		for (k = 0; k < FIELD_MAX; k++) {
			src[k] = ones ? 0xff : rnd(256);
			was[k] = dst[k] = rnd(256);
		}
		if (ones)
			bits_set(dst, d_len, d, n);
		else
			bits_copy(dst, d_len, d, src, s_len, s, n);
		for (k = 0; k < 8 * d_len; k++)
			if (bit(dst, d_len, k) != (k >= d && k < d + n ?
						   bit(src, s_len, s + k - d) :
						   bit(was, d_len, k)))
				fail_msg("bit %u, of %u from %u on to %u on", k, n, s, d);
		assert_memory_equal(dst + d_len, was + d_len, FIELD_MAX - d_len);
	}
}

/* A packet of a tunnel with options 0 and up, whose bytes are of no order. */
static struct flow tunnelled(uint64_t options)
{
	struct flow f = udp(80);
	unsigned int i;

	f.tun_dst = htonl(0x0a000009);
	f.tun_options = options;
	for (i = 0; i < sizeof(f.tun_metadata); i++)
		f.tun_metadata[i] = 0x91 + 37 * i;
	return f;
}

static void test_matches(void **state)
{
	struct flow f = tunnelled(1);
	char text[1024];

	(void)state;
	map(0, 124);
	snprintf(text, sizeof(text), "priority=9,tun_metadata0=0x%s,actions=output:1", digits(124, 0));
	add(text);
	EXPECT(f, "1");
	assert_int_equal(out.wc.tun_metadata[0] & out.wc.tun_metadata[123], 0xff);
	f.tun_metadata[0] ^= 0x80;
	EXPECT(f, "");
	f.tun_metadata[0] ^= 0x80;
	f.tun_metadata[123] ^= 1;
	EXPECT(f, "");
	reset(NULL);
	/* The bits that a mask has are read, and no others. */
	snprintf(text, sizeof(text), "priority=9,tun_metadata0=0x9%0247u/0xf%0247u,actions=output:2",
		 0, 0);
	add(text);
	EXPECT(f, "2");
	assert_int_equal(out.wc.tun_metadata[0], 0xf0);
	assert_false(flow_has(&out.wc, offsetof(struct flow, tun_metadata) + 1,
			      offsetof(struct flow, ct_mark)));
}

static void test_sets(void **state)
{
	struct flow f = tunnelled(3);
	const uint8_t *to = out.ops[0].value.tun_metadata;
	char text[1024];
	unsigned int i;

	(void)state;
	map(0, 40);	/* at 0 */
	map(1, 84);	/* behind it */
	snprintf(text, sizeof(text), "actions=set_field:0x%s->tun_metadata0,set_field:0xa%0165u01/0xf%0165uff->tun_metadata1,output:1",
		 digits(40, 7), 0, 0);
	add(text);
	EXPECT(f, "tunnel(0) 1");
	for (i = 0; i < 40; i++)
		assert_int_equal(to[i], (0x91 + 37 * i + 707) & 0xff);
	assert_int_equal(to[40], 0xa0 | (f.tun_metadata[40] & 15));
	assert_memory_equal(to + 41, f.tun_metadata + 41, 82);
	assert_int_equal(to[123], 1);
	/* From one to the other, at bits above the 128th. */
	add("actions=move:tun_metadata0[3..319]->tun_metadata1[300..616],load:5->tun_metadata1[668..671],output:1");
	EXPECT(f, "tunnel(0) 1");
	for (i = 0; i < 672; i++)
		assert_int_equal(bit(to + 40, 84, i),
				 i >= 300 && i <= 616 ?
				 bit(f.tun_metadata, 40, i - 297) :
				 i >= 668 ? 5 >> (i - 668) & 1 :
				 bit(f.tun_metadata + 40, 84, i));
	assert_memory_equal(to, f.tun_metadata, 40);
	assert_int_equal(out.ops[0].value.tun_options, 3);
}

/* A range of one as a port, a zone, a register, a label. */
static void test_reads(void **state)
{
	struct flow f = tunnelled(1), wc;
	char want[64];

	(void)state;
	map(0, 124);
	/* The highest bytes are 91 b6 db. */
	add("actions=output:tun_metadata0[988..991],ct(commit,zone=tun_metadata0[972..987]),move:tun_metadata0[960..991]->reg3[],output:reg3[24..31]");
	snprintf(want, sizeof(want), "9 ct%u+ %u", 0x1b6d, 0x91);
	EXPECT(f, want);
	wc = out.wc;
	assert_int_equal(wc.tun_metadata[0] & wc.tun_metadata[1] & wc.tun_metadata[2], 0xff);
	assert_false(flow_has(&wc, offsetof(struct flow, tun_metadata) + 4,
			      offsetof(struct flow, ct_mark)));
	add("actions=ct(commit,exec(move:tun_metadata0[864..991]->ct_label[],move:tun_metadata0[840..863]->ct_mark[8..31])),output:1");
	EXPECT(f, "ct0+ 1");
	assert_memory_equal(out.ops[0].value.ct_label, f.tun_metadata, 16);
	assert_memory_equal(&out.ops[0].value.ct_mark, f.tun_metadata + 16, 3);
	assert_int_equal(out.ops[0].mask.ct_mark, htonl(0xffffff00));
	/* What the packet does not have sets nothing. */
	add("actions=ct(commit,exec(move:tcp_src[]->ct_mark[0..15])),output:1");
	EXPECT(f, "ct0+ 1");
	assert_int_equal(out.ops[0].mask.ct_mark, 0);
}

/* A frozen walk has what each of its lists sets. */
static void test_frozen(void **state)
{
	struct flow f = tunnelled(1), b;
	char text[600];

	(void)state;
	map(0, 124);
	snprintf(text, sizeof(text), "actions=set_field:1->reg7,resubmit(,1),set_field:0x%s->tun_metadata0,output:2",
		 digits(124, 3));
	add(text);
	add("table=1,actions=bpf(a,mode=always),set_field:10.0.0.7->nw_dst,output:1");
	EXPECT(f, "a!@");
	b = back(f);
	reset_rules();
	EXPECT(b, "set(nw_dst=10.0.0.7) 1 tunnel(0) 2");
	assert_int_equal(out.ops[2].value.tun_metadata[0], (0x91 + 303) & 0xff);
	assert_int_equal(out.ops[2].value.tun_metadata[123], (0x91 + 303 + 37 * 123) & 0xff);
}

/* A frozen walk knows an option that has become another: it leaves that one alone. */
static void test_another(void **state)
{
	static const unsigned int lens[] = { 0, 4, 56, 64, 120 };
	struct flow f = tunnelled(1), b;
	unsigned int i;

	(void)state;
	map(0, 60);
	add("actions=bpf(a,mode=always),set_field:7->tun_metadata0,move:tun_metadata0[440..479]->tun_metadata0[430..469],move:tun_metadata0[448..479]->reg1[],move:reg2[]->tun_metadata0[440..471],output:tun_metadata0[470..471],output:1");
	EXPECT(f, "a!@");
	b = back(f);
	run(&b);
	assert_int_equal(out.ops[0].type, OP_SET_TUNNEL);
	assert_int_equal(out.ops[0].value.tun_metadata[59], 7);
	/* The rule is gone: it may become another. */
	reset_rules();
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		map(0, lens[i]);
		b.tun_options = 0;
		run(&b);
		assert_null(out.error);
		/* Of a longer one the same bits are moved, of a shorter one none. */
		if (lens[i] < 60) {
			EXPECT(b, "0 1");
			assert_false(flow_has(&out.wc, offsetof(struct flow, tun_id),
					      offsetof(struct flow, ct_mark)));
		} else {
			assert_int_equal(out.ops[0].value.tun_metadata[lens[i] - 1],
					 f.tun_metadata[lens[i] - 1]);
		}
	}
}

#define TO(f) cmocka_unit_test_setup_teardown(f, unmap, unmap)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TO(test_lengths), TO(test_text), TO(test_longest_rule), TO(test_equality), TO(test_copies),
		TO(test_any_value), TO(test_bits), TO(test_matches), TO(test_sets),
		TO(test_reads), TO(test_frozen), TO(test_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
