// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys of the datapath into flows, and masks of flows back. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <linux/openvswitch.h>
#include <linux/openvswitch_bpf.h>
#include <linux/types.h>
#include <linux/erspan.h>
#include <netlink/attr.h>

#include "../lib/odp.h"
#include "../pipeline/tlv.h"

static struct nl_msg *key_msg, *mask_msg;

static int setup(void **state)
{
	(void)state;
	key_msg = nlmsg_alloc_simple(0, 0);
	mask_msg = nlmsg_alloc_simple(0, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nlmsg_free(key_msg);
	nlmsg_free(mask_msg);
	return 0;
}

static struct nlattr *first_attr(struct nl_msg *msg)
{
	return nlmsg_attrdata(nlmsg_hdr(msg), 0);
}

static struct nlattr *find(const struct nlattr *nest, int type)
{
	return nest ? nla_find(nla_data(nest), nla_len(nest), type) : NULL;
}

/* What the datapath says of a packet, but for tags, tunnels and NSH. */
static void put_attrs(const struct flow *f)
{
	unsigned int i;
	uint8_t buf[64];

	for (i = 0; i < odp_n_maps; i++) {
		const struct odp_map *m = &odp_maps[i];

		if (!odp_map_applies(m, f) || m->type == OVS_KEY_ATTR_VLAN)
			continue;
		odp_map_out(m, buf, f, false);
		nla_put(key_msg, m->type, m->len, buf);
	}
}

/* VXLAN_OPTS, ERSPAN_OPTS or GENEVE_OPTS; 0: none. */
static void put_tunnel(const struct flow *f, int opts)
{
	struct nlattr *nest = odp_nest(key_msg, OVS_KEY_ATTR_TUNNEL), *in;
	struct erspan_metadata md = { .version = f->tun_erspan_ver };
	bool six = f->tun_ipv6_dst[0];

	nla_put(key_msg, OVS_TUNNEL_KEY_ATTR_ID, 8, &f->tun_id);
	nla_put(key_msg, six ? OVS_TUNNEL_KEY_ATTR_IPV6_SRC : OVS_TUNNEL_KEY_ATTR_IPV4_SRC,
		six ? 16 : 4, six ? (void *)f->tun_ipv6_src : (void *)&f->tun_src);
	nla_put(key_msg, six ? OVS_TUNNEL_KEY_ATTR_IPV6_DST : OVS_TUNNEL_KEY_ATTR_IPV4_DST,
		six ? 16 : 4, six ? (void *)f->tun_ipv6_dst : (void *)&f->tun_dst);
	nla_put_u8(key_msg, OVS_TUNNEL_KEY_ATTR_TTL, f->tun_ttl);
	if (opts == OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS) {
		in = odp_nest(key_msg, opts);
		nla_put_u32(key_msg, OVS_VXLAN_EXT_GBP, ntohl(f->tun_gbp));
		odp_nest_end(key_msg, in);
	} else if (opts == OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS) {
		if (md.version == 1)
			md.u.index = f->tun_erspan_idx;
		md.u.md2.dir |= f->tun_erspan_dir;
		md.u.md2.hwid |= f->tun_erspan_hwid & 15;
		md.u.md2.hwid_upper |= f->tun_erspan_hwid >> 4;
		nla_put(key_msg, opts, sizeof(md), &md);
	} else if (opts) {
		nla_put(key_msg, opts, 8, "\xff\xff\x01\x01" "abcd");
	}
	odp_nest_end(key_msg, nest);
}

static void put_nsh(const struct flow *f)
{
	struct nlattr *nest = odp_nest(key_msg, OVS_KEY_ATTR_NSH);
	struct ovs_nsh_key_base base = { f->nsh_flags, f->nsh_ttl, f->nsh_mdtype,
					 f->nsh_np, f->nsh_path };

	nla_put(key_msg, OVS_NSH_KEY_ATTR_BASE, sizeof(base), &base);
	if (f->nsh_mdtype == 1)
		nla_put(key_msg, OVS_NSH_KEY_ATTR_MD1, 16, f->nsh_c);
	odp_nest_end(key_msg, nest);
}

/* A nest with what is in a message. */
static struct nlattr *nest_of(struct nl_msg *msg)
{
	static _Alignas(8) uint8_t buf[2][4096];
	static unsigned int turn;
	struct nlattr *nest = (struct nlattr *)buf[turn++ % 2];
	int len = nlmsg_attrlen(nlmsg_hdr(msg), 0);

	nest->nla_type = 0;
	nest->nla_len = NLA_HDRLEN + len;
	memcpy(nla_data(nest), first_attr(msg), len);
	return nest;
}

/* The mask that the datapath gets for the key that was put together. */
static struct nlattr *mask_for(const struct flow *wc)
{
	static const struct flow none;
	const struct nlattr *key = nest_of(key_msg);
	struct nl_msg *again = nlmsg_alloc_simple(0, 0), *other = nlmsg_alloc_simple(0, 0);
	struct flow flow;

	nlmsg_free(mask_msg);
	mask_msg = nlmsg_alloc_simple(0, 0);
	assert_int_equal(odp_flow_from_key(key, &flow), 0);
	/* What was written before makes no difference. */
	assert_int_equal(odp_put_mask(other, key, &flow, &none), 0);
	assert_int_equal(odp_put_mask(mask_msg, key, &flow, wc), 0);
	assert_int_equal(odp_put_mask(again, key, &flow, wc), 0);
	assert_int_equal(nlmsg_datalen(nlmsg_hdr(again)), nlmsg_datalen(nlmsg_hdr(mask_msg)));
	assert_memory_equal(first_attr(again), first_attr(mask_msg),
			    nlmsg_datalen(nlmsg_hdr(again)));
	nlmsg_free(again);
	nlmsg_free(other);
	return first_attr(mask_msg);
}

static struct flow packet(uint16_t type, uint8_t proto)
{
	struct flow f = { .in_port = htonl(1), .skb_mark = 5, .skb_priority = 6,
			  .ct_state = htonl(0x21), .ct_zone = 7, .ct_mark = 8,
			  .dl_type = htons(type), .nw_proto = proto, .nw_ttl = 64,
			  .nw_src = 1, .nw_dst = 2, .tp_src = htons(135), .tp_dst = 4,
			  .ethernet = 1 };

	return f;
}

/* Each field of the packet that was put together gets through, alone. */
static unsigned int fields_get_through(const struct flow *f)
{
	struct flow key, back, wc;
	unsigned int i, n = 0;
	uint8_t ones[FIELD_MAX], got[FIELD_MAX], want[FIELD_MAX] = {};

	memset(ones, 0xff, sizeof(ones));
	assert_int_equal(odp_flow_from_key(nest_of(key_msg), &key), 0);
	for (i = 0; i < FLOW_DP_LEN; i++)
		if (((uint8_t *)&key)[i] != ((const uint8_t *)f)[i])
			fail_msg("byte %u of the flow is not what it was", i);
	for (i = 0; i < n_fields; i++) {
		const struct field *x = &fields[i];

		if (!field_prereq_met(x, f) || x->ofs >= FLOW_DP_LEN)
			continue;
		field_get(x, f, got);
		if (!memcmp(got, want, field_bytes(x)))
			continue;	/* the packet has none */
		memset(&wc, 0, sizeof(wc));
		field_put(x, &wc, ones);
		assert_int_equal(odp_flow_from_mask(mask_for(&wc), nest_of(key_msg), &back), 0);
		for (size_t b = 0; b < sizeof(wc); b++)
			if (((uint8_t *)&wc)[b] & ~((uint8_t *)&back)[b])
				fail_msg("the mask of %s is lost", x->name);
		n++;
	}
	return n;
}

static void test_fields(void **state)
{
	static const struct { uint16_t type; uint8_t proto; } as[] = {
		{ 0x0800, 6 }, { 0x0800, 17 }, { 0x0800, 132 }, { 0x0800, 1 },
		{ 0x86dd, 58 }, { 0x86dd, 6 }, { 0x0806, 1 }, { 0x8847, 0 },
	};
	unsigned int i, n = 0;
	struct flow f;

	(void)state;
	for (i = 0; i < sizeof(as) / sizeof(as[0]); i++) {
		bool v6 = as[i].type == 0x86dd, ip = v6 || as[i].type == 0x0800;

		f = packet(as[i].type, as[i].proto);
		if (v6) {
			f.nw_src = f.nw_dst = 0;
			f.ipv6_src[0] = f.ipv6_dst[0] = 0xfd;
			f.ipv6_label = htonl(5);
			f.ipv6_exthdr = htons(0x10);
			f.ct_ipv6_src[3] = f.ct_ipv6_dst[3] = 1;
		} else if (ip) {
			f.ct_nw_src = f.ct_nw_dst = 9;
		}
		if (ip) {
			f.ct_nw_proto = 6;
			f.ct_tp_src = f.ct_tp_dst = 7;
			f.nw_tos = 0x41;
			f.nw_frag = FRAG_ANY;
			f.tcp_flags = as[i].proto == 6 ? htons(2) : 0;
		}
		if (as[i].proto == 58)
			f.nd_target[0] = f.nd_sll[0] = f.nd_tll[0] = 2;
		if (as[i].proto == 1 || as[i].proto == 58)
			f.tp_dst = htons(3);
		if (!ip)
			f.nw_ttl = f.tp_src = f.tp_dst = 0;
		if (as[i].type == 0x0806)
			f.arp_sha[5] = f.arp_tha[5] = 1;
		if (as[i].type == 0x8847) {
			f.nw_src = f.nw_dst = 0;
			f.mpls_lse[0] = htonl(0x12345fff);
		}
		f.dl_src[5] = f.dl_dst[5] = 1;
		teardown(NULL);
		setup(NULL);
		put_attrs(&f);
		n += fields_get_through(&f);
	}
	assert_true(n > 150);
}

static void test_tunnels(void **state)
{
	static const int opts[] = { 0, OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS,
				    OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS,
				    OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS };
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		struct flow f = packet(0x0800, 17);

		f.tun_id = 5;
		f.tun_flags = htons(TUN_KEY);
		f.tun_ttl = 64;
		if (i >= 4)
			f.tun_ipv6_src[0] = f.tun_ipv6_dst[0] = 0xfd;
		else
			f.tun_src = f.tun_dst = 1;
		if (i % 4 == 1)
			f.tun_gbp = htonl(0x480005);
		if (i % 4 > 1)
			f.tun_erspan_ver = i % 4 - 1;
		if (f.tun_erspan_ver == 1)
			f.tun_erspan_idx = htonl(0x54321);
		if (f.tun_erspan_ver == 2) {
			f.tun_erspan_dir = 1;
			f.tun_erspan_hwid = 0x2a;
		}
		teardown(NULL);
		setup(NULL);
		put_attrs(&f);
		put_tunnel(&f, opts[i % 4]);
		fields_get_through(&f);
	}
}

/* What a packet does not have can be asked for, and is then ruled out. */
static void test_absent_tunnel(void **state)
{
	struct flow f = packet(0x0800, 17), wc = { .tun_flags = htons(TUN_KEY) };
	struct nlattr *tun, *opts;

	(void)state;
	put_attrs(&f);
	tun = find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL);
	assert_non_null(tun);
	assert_true(nla_len(tun) > 0);
	memset(&wc, 0, sizeof(wc));
	assert_null(find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL));
	/* The same of options. */
	f.tun_dst = 1;
	put_tunnel(&f, 0);
	assert_null(find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL));
	wc.tun_gbp = htonl(1);
	tun = find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL);
	assert_non_null(find(tun, OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS));
	/* Of another kind: their length is told, and nothing else. */
	teardown(NULL);
	setup(NULL);
	put_attrs(&f);
	put_tunnel(&f, OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS);
	tun = find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL);
	opts = find(tun, OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS);
	assert_int_equal(nla_len(opts), 8);
	assert_memory_equal(nla_data(opts), "\0\0\0\0\0\0\0\0", 8);
	/* That there is a key is told without its bits. */
	memset(&wc, 0, sizeof(wc));
	wc.tun_flags = htons(TUN_KEY);
	tun = find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL);
	assert_non_null(find(tun, OVS_TUNNEL_KEY_ATTR_ID));
}

/* One of another length, one of four bytes, one again, one of eight, one cut short. */
static const uint8_t geneve[] = {
	0, 5, 1, 2, 1, 1, 1, 1, 2, 2, 2, 2, 0xff, 0xff, 0, 1, 0, 0, 0, 7,
	0xff, 0xff, 0, 1, 0, 0, 0, 9, 0xff, 0xff, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8,
	0xff, 0xff, 2, 4, 1, 1, 1, 1,
};

/* Give the key that is made, and its packet @f, a tunnel with options. */
static void put_options(struct flow *f, const void *opts, int len)
{
	struct nlattr *nest = odp_nest(key_msg, OVS_KEY_ATTR_TUNNEL);

	f->tun_dst = 1;
	nla_put(key_msg, OVS_TUNNEL_KEY_ATTR_IPV4_DST, 4, &f->tun_dst);
	nla_put(key_msg, OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS, len, opts);
	odp_nest_end(key_msg, nest);
}

static void test_geneve(void **state)
{
	static const struct tlv four = { 0xffff, 0, 4 }, eight = { 0xffff, 1, 8 },
				cut = { 0xffff, 2, 16 }, other = { 5, 1, 4 };
	struct flow f = packet(0x0800, 17), wc = {}, key;
	uint8_t want[sizeof(geneve)] = {};
	struct nlattr *a;

	(void)state;
	assert_null(tlv_map(0, &four));
	assert_null(tlv_map(1, &eight));
	assert_null(tlv_map(2, &cut));
	assert_null(tlv_map(3, &other));
	put_attrs(&f);
	put_options(&f, geneve, sizeof(geneve));
	f.tun_options = 3;
	f.tun_metadata[3] = 7;
	memcpy(f.tun_metadata + 4, "\1\2\3\4\5\6\7\10", 8);
	fields_get_through(&f);
	/* All headers tell, and what is read of the bodies. */
	memset(wc.tun_metadata + 4, 0xf0, 8);
	memset(want, 0xff, 4);
	memset(want + 12, 0xff, 4);
	memset(want + 20, 0xff, 4);
	memset(want + 28, 0xff, 4);
	memset(want + 32, 0xf0, 8);
	memset(want + 40, 0xff, 4);
	a = find(find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL), OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS);
	assert_int_equal(nla_len(a), sizeof(want));
	assert_memory_equal(nla_data(a), want, sizeof(want));
	/* Those that are known, or set, leave again. */
	assert_int_equal(odp_flow_from_key(nest_of(key_msg), &key), 0);
	teardown(NULL);
	setup(NULL);
	key.tun_options |= 4;
	assert_int_equal(odp_put_tunnel(key_msg, &key), 0);
	a = find(first_attr(key_msg), OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS);
	assert_int_equal(nla_len(a), 8 + 12 + 20);
	assert_memory_equal(nla_data(a), geneve + 12, 8);
	assert_memory_equal((char *)nla_data(a) + 8, geneve + 28, 12);
	assert_memory_equal((char *)nla_data(a) + 20, "\xff\xff\2\4\0\0\0", 8);
	tlv_unmap(0);
	tlv_unmap(1);
	tlv_unmap(2);
	tlv_unmap(3);
}

/* One option of all bytes, and what a mask reads of its ends. */
static void test_long_option(void **state)
{
	static const struct tlv tlv = { 0x102, 0x80, 124 };
	struct flow f = packet(0x0800, 17), wc = {}, key;
	uint8_t opt[128] = { 1, 2, 0x80, 31 }, want[128] = {};
	struct nlattr *a;
	unsigned int i;

	(void)state;
	assert_null(tlv_map(63, &tlv));
	for (i = 0; i < 124; i++)
		opt[4 + i] = 1 + i;
	put_attrs(&f);
	put_options(&f, opt, sizeof(opt));
	f.tun_options = 1ull << 63;
	memcpy(f.tun_metadata, opt + 4, 124);
	fields_get_through(&f);
	wc.tun_metadata[0] = 0xf0;
	wc.tun_metadata[123] = 0x0f;
	memset(want, 0xff, 4);
	want[4] = 0xf0;
	want[127] = 0x0f;
	a = find(find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL), OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS);
	assert_int_equal(nla_len(a), sizeof(want));
	assert_memory_equal(nla_data(a), want, sizeof(want));
	assert_int_equal(odp_flow_from_key(nest_of(key_msg), &key), 0);
	teardown(NULL);
	setup(NULL);
	assert_int_equal(odp_put_tunnel(key_msg, &key), 0);
	a = find(first_attr(key_msg), OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS);
	assert_int_equal(nla_len(a), sizeof(opt));
	assert_memory_equal(nla_data(a), opt, sizeof(opt));
	tlv_unmap(63);
}

static void test_nsh(void **state)
{
	struct flow f = packet(0x894f, 0);

	(void)state;
	f.nw_src = f.nw_dst = f.nw_ttl = f.tp_src = f.tp_dst = 0;
	f.nsh_flags = 1;
	f.nsh_ttl = 63;
	f.nsh_mdtype = 1;
	f.nsh_np = 3;
	f.nsh_path = htonl(0x123456ff);
	f.nsh_c[0] = f.nsh_c[1] = f.nsh_c[2] = f.nsh_c[3] = 5;
	put_attrs(&f);
	put_nsh(&f);
	assert_true(fields_get_through(&f) > 12);
	f.nsh_mdtype = 2;
	memset(f.nsh_c, 0, sizeof(f.nsh_c));
	teardown(NULL);
	setup(NULL);
	put_attrs(&f);
	put_nsh(&f);
	fields_get_through(&f);
}

/* Each attribute of the ABI is read, or matched as it is. */
static void test_no_attribute_is_dropped(void **state)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t ones[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
	struct flow f = packet(0x0800, 17), wc = {};
	struct nlattr *mask, *a;
	int type;

	(void)state;
	put_attrs(&f);
	nla_put(key_msg, OVS_KEY_ATTR_MAX + 1, 8, bytes);
	mask = mask_for(&wc);
	a = find(mask, OVS_KEY_ATTR_MAX + 1);
	assert_int_equal(nla_len(a), 8);
	assert_memory_equal(nla_data(a), ones, 8);
	/* Within a tunnel likewise. */
	a = odp_nest(key_msg, OVS_KEY_ATTR_TUNNEL);
	nla_put(key_msg, OVS_TUNNEL_KEY_ATTR_MAX + 1, 8, bytes);
	odp_nest_end(key_msg, a);
	a = find(find(mask_for(&wc), OVS_KEY_ATTR_TUNNEL), OVS_TUNNEL_KEY_ATTR_MAX + 1);
	assert_non_null(a);
	assert_memory_equal(nla_data(a), ones, 8);
	for (type = OVS_KEY_ATTR_ENCAP; type <= OVS_KEY_ATTR_MAX; type++) {
		unsigned int i;

		switch (type) {
		case OVS_KEY_ATTR_ENCAP:
		case OVS_KEY_ATTR_TUNNEL:
		case OVS_KEY_ATTR_NSH:
		/* Never from the kernel. */
		case OVS_KEY_ATTR_PACKET_TYPE:
		case OVS_KEY_ATTR_ND_EXTENSIONS:
		case OVS_KEY_ATTR_TUNNEL_INFO:
			continue;
		}
		for (i = 0; i < odp_n_maps && odp_maps[i].type != type; i++)
			;
		if (i == odp_n_maps)
			fail_msg("attribute %d is not known", type);
	}
}

static int prog_fd(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return 5;
}

/* Numbers of the kernel's own order. */
static void test_order(void **state)
{
	uint16_t hdrs = 0x10, type = htons(0x86dd);
	struct flow f;

	(void)state;
	nla_put(key_msg, OVS_KEY_ATTR_ETHERTYPE, 2, &type);
	nla_put(key_msg, OVS_KEY_ATTR_IPV6_EXTHDRS, 2, &hdrs);
	nla_put_u32(key_msg, OVS_KEY_ATTR_IN_PORT, 7);
	assert_int_equal(odp_flow_from_key(nest_of(key_msg), &f), 0);
	assert_int_equal(f.ipv6_exthdr, htons(0x10));
	assert_int_equal(f.in_port, htonl(7));
	/* Without an Ethernet header. */
	assert_int_equal(f.packet_type, htonl(0x186dd));
}

/* USED has all that was read behind a program, the tunnel included. */
static void test_used(void **state)
{
	static struct xlate_out out;
	struct odp_env env = { .prog_fd = prog_fd };
	struct flow f = packet(0x86dd, 17), back;
	struct nlattr *used;

	(void)state;
	f.tun_dst = 1;
	out.n_ops = 1;
	out.ops[0].type = OP_BPF;
	out.ops[0].recirc_id = 1;
	out.ops[0].act.mode = MODE_CHANGED;
	out.ops[0].value = f;
	out.ops[0].mask.tun_id = htobe64(0xff);
	out.ops[0].mask.tun_gbp = htonl(0x400000);
	out.ops[0].mask.ipv6_exthdr = htons(0x40);
	assert_int_equal(odp_put_ops(key_msg, &out, &env), 0);
	used = find(first_attr(key_msg), OVS_BPF_ATTR_USED);
	assert_int_equal(odp_flow_from_mask(used, NULL, &back), 0);
	assert_int_equal(back.tun_id, htobe64(0xff));
	assert_int_equal(back.tun_gbp, htonl(0x400000));
	assert_int_equal(back.ipv6_exthdr, htons(0x40));
	/* A network service header likewise. */
	teardown(NULL);
	setup(NULL);
	memset(&out.ops[0].mask, 0, sizeof(out.ops[0].mask));
	out.ops[0].value.dl_type = htons(0x894f);
	out.ops[0].mask.nsh_ttl = 0xff;
	assert_int_equal(odp_put_ops(key_msg, &out, &env), 0);
	used = find(first_attr(key_msg), OVS_BPF_ATTR_USED);
	assert_int_equal(odp_flow_from_mask(used, NULL, &back), 0);
	assert_int_equal(back.nsh_ttl, 0xff);
	assert_null(find(used, OVS_KEY_ATTR_TUNNEL));
}

static void test_mpls_actions(void **state)
{
	static struct xlate_out out;
	struct odp_env env = {};
	struct ovs_action_push_mpls *push;
	struct nlattr *a;
	char text[128];

	(void)state;
	out.n_ops = 2;
	out.ops[0].type = OP_PUSH_MPLS;
	out.ops[0].n = 0x8848;
	out.ops[0].value.mpls_lse[0] = htonl(0x00064140);
	out.ops[1].type = OP_POP_MPLS;
	out.ops[1].n = 0x0800;
	assert_int_equal(odp_put_ops(key_msg, &out, &env), 0);
	a = nest_of(key_msg);
	push = nla_data(find(a, OVS_ACTION_ATTR_PUSH_MPLS));
	assert_int_equal(push->mpls_lse, htonl(0x00064140));
	assert_int_equal(push->mpls_ethertype, htons(0x8848));
	assert_int_equal(nla_get_u16(find(a, OVS_ACTION_ATTR_POP_MPLS)), htons(0x0800));
	odp_format_actions(a, text, sizeof(text), 0);
	assert_string_equal(text, "push_mpls(label=100,tc=0,ttl=64,bos=1,eth_type=0x8848),pop_mpls(eth_type=0x800)");
}

static void test_truncated_output(void **state)
{
	static struct xlate_out out;
	struct odp_env env = {};
	char text[128];

	(void)state;
	out.n_ops = 2;
	out.ops[0].type = OP_TRUNC;
	out.ops[0].n = 100;
	out.ops[1].type = OP_OUTPUT;
	out.ops[1].n = 3;
	assert_int_equal(odp_put_ops(key_msg, &out, &env), 0);
	odp_format_actions(nest_of(key_msg), text, sizeof(text), 0);
	assert_string_equal(text, "trunc(100),3");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fields), T(test_tunnels), T(test_absent_tunnel), T(test_geneve), T(test_long_option), T(test_nsh),
		T(test_no_attribute_is_dropped), T(test_order), T(test_used), T(test_mpls_actions),
		T(test_truncated_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
