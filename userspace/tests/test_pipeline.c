// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translation of all actions: what the datapath is told to do, written in short, and
 * what the megaflow reads.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/tlv.h"
#include "translation.h"

static void test_outputs(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,actions=output:1,output:3,in_port,drop");
	EXPECT(f, "1 3");
	add("priority=2,actions=flood");
	EXPECT(f, "1 2");
	add("priority=3,actions=set_field:2->reg0,output:reg0[0..15],controller(max_len=9)");
	EXPECT(f, "2 controller9");
	assert_int_equal(out.wc.reg[0], 0);
	add("priority=4,actions=meter:5,output:1");
	EXPECT(f, "meter5 1");
	assert_int_equal(out.wc.nw_src | out.wc.tp_dst, 0);
}

/* No port has such a number: the other outputs are as they were. */
static void test_no_such_port(void **state)
{
	static const uint32_t numbers[] = { 65535, 65536, 99999, 0xa000001, UINT32_MAX };
	struct flow f = udp(80);
	unsigned int i;
	char text[128];

	(void)state;
	add("priority=1,ip,actions=output:1,move:nw_src[]->reg0[],output:reg0");
	EXPECT(f, "1");
	assert_non_null(strstr(traced, "no port has the number 167772161"));
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "priority=2,ip,actions=set_field:%u->in_port,in_port,output:1",
			 numbers[i]);
		add(text);
		EXPECT(f, "1");
		snprintf(text, sizeof(text), "priority=2,ip,actions=set_field:%u->reg1,group:1,mod_nw_ttl:9,output:reg1",
			 numbers[i]);
		add_group("group_id=1,type=all,bucket=output:reg1,bucket=output:reg1,output:2");
		add(text);
		EXPECT(f, "2");
		mac_learn(&macs, &(struct mac_key){ .mac = { 0, 0, 0, 0, 0, 2 } }, numbers[i], 1);
		add("priority=2,ip,actions=normal,output:1");
		EXPECT(f, "1");
		mac_clear(&macs);
	}
	add("priority=2,ip,actions=set_field:65534->reg1,output:reg1,output:65534,output:0");
	EXPECT(f, "65534 65534 0");
}

/* A part of the packet, for one output alone. */
static void test_output_of_a_part(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,ip,actions=mod_tp_dst:5,output(port=1,max_len=100),output(port=3,max_len=100),output:2");
	EXPECT(f, "set(tp_dst=5) trunc100 1 2");
	add("priority=1,ip,actions=output(port=in_port,max_len=64),output:2");
	EXPECT(f, "trunc64 3 2");
	add("priority=1,ip,actions=set_field:99999->in_port,output(port=in_port,max_len=64),output:1");
	EXPECT(f, "1");
	add_group("group_id=1,type=all,bucket=output(max_len=14,port=1),bucket=output:2");
	add("priority=1,ip,actions=group:1");
	EXPECT(f, "trunc14 1 2");
}

/* The tag as one number, as which a packet without a tag has 0. */
static void test_vlan_tci(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,actions=load:0->NXM_OF_VLAN_TCI[],output:1");
	EXPECT(f, "1");
	assert_int_equal(out.wc.vlan_tci, htons(0x1000));
	add("priority=2,actions=set_field:0x7005->vlan_tci,output:1");
	EXPECT(f, "push(0x8100,5,3) 1");
	add("priority=3,actions=move:vlan_tci[]->reg0[0..15],move:reg0[0..15]->reg1[16..31],set_field:0x1009->vlan_tci,move:reg1[16..31]->vlan_tci[],output:1");
	EXPECT(f, "1");
	f.vlan_tci = htons(0xf007);
	f.vlan_tpid = htons(0x88a8);
	EXPECT(f, "1");
	add("priority=4,actions=load:5->vlan_tci[0..11],output:1");
	EXPECT(f, "pop push(0x88a8,5,7) 1");
	add("priority=5,actions=load:0->vlan_tci[12],output:1");
	EXPECT(f, "pop 1");
	add("priority=6,actions=set_field:0x7005->vlan_tci,output:1");
	EXPECT(f, "pop push(0x88a8,5,3) 1");
	add("priority=7,actions=set_field:0->vlan_tci,output:1,goto_table:1");
	add("table=1,dl_vlan=6,actions=output:2");
	EXPECT(f, "pop 1");
	f.vlan_tci2 = htons(0x1006);	/* the inner one is the outer one then */
	f.vlan_tpid2 = htons(0x8100);
	EXPECT(f, "pop 1 2");
	f = udp(80);
	add("priority=8,actions=load:5->vlan_tci[0..11],output:1");
	EXPECT(f, "1");			/* there is none to change */
}

static void test_tpid(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=3,dl_vlan=5,vlan_tpid=0x88a8,actions=output:1");
	add("priority=2,vlan_tci=0x1000/0x1000,inner_vlan_tci=0x1000/0x1000,inner_vlan_tpid=0x88a8,actions=output:2");
	add("priority=1,actions=pop_vlan,push_vlan:0x88a8,mod_vlan_vid:5,resubmit(,0)");
	f.vlan_tci = htons(0x1005);
	f.vlan_tpid = htons(0x88a8);
	EXPECT(f, "1");
	f.vlan_tpid = htons(0x8100);
	EXPECT(f, "pop push(0x88a8,5,0) 1");
	f.vlan_tci2 = htons(0x1006);
	f.vlan_tpid2 = htons(0x88a8);
	EXPECT(f, "2");
}

static void test_vlans(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,actions=push_vlan:0x8100,set_field:5->vlan_vid,set_field:3->vlan_pcp,output:1,pop_vlan,output:2");
	EXPECT(f, "push(0x8100,5,3) 1 pop 2");
	add("priority=2,actions=mod_vlan_vid:7,output:1");
	EXPECT(f, "push(0x8100,7,0) 1");
	f.vlan_tci = htons(0x7005);
	f.vlan_tpid = htons(0x8100);
	EXPECT(f, "pop push(0x8100,7,3) 1");
	assert_int_equal(out.wc.vlan_tci, 0xffff);	/* its priority is kept */
	add("priority=3,actions=pop_vlan,output:1");
	EXPECT(f, "pop 1");
	assert_int_equal(out.wc.vlan_tci, htons(0x1000));	/* whichever it is */
	/* Behind the outer tag there is an inner one. */
	f.vlan_tci2 = htons(0x1006);
	f.vlan_tpid2 = htons(0x8100);
	add("priority=3,actions=pop_vlan,goto_table:1");
	add("table=1,dl_vlan=6,actions=output:2");
	EXPECT(f, "pop 2");
	assert_int_equal(out.wc.vlan_tci2 & htons(0xfff), htons(0xfff));
	add("priority=4,actions=push_vlan:0x88a8,output:1");
	EXPECT(f, "push_vlan on a packet that has two tags");
	f.vlan_tci2 = 0;
	EXPECT(f, "push(0x88a8,0,0) 1");
	add("priority=5,actions=pop_vlan,push_vlan:0x8100,set_field:5->vlan_vid,set_field:3->vlan_pcp,output:1");
	EXPECT(f, "1");		/* the same again */
	/* A packet without a tag has no field to set. */
	f.vlan_tci = 0;
	add("priority=6,actions=set_field:5->vlan_vid,output:1");
	EXPECT(f, "1");
}

static void test_sets(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,ip,actions=set_field:10.9.0.0/16->nw_dst,mod_nw_tos:32,output:1");
	EXPECT(f, "set(nw_dst=10.9.0.0/16,nw_tos=32) 1");
	assert_int_equal(out.wc.nw_dst, 0);
	/* A field that the packet does not have stays alone. */
	add("priority=2,ip,actions=set_field:5->tcp_dst,set_field:6->udp_dst,output:1");
	EXPECT(f, "set(tp_dst=6) 1");
	assert_int_equal(out.wc.nw_proto, 0xff);
	f.nw_frag = FRAG_ANY | FRAG_LATER;
	EXPECT(f, "1");
	f = udp(80);
	/* What is moved is read. */
	add("priority=3,ip,actions=move:nw_src[0..15]->reg0[0..15],move:reg0[0..15]->nw_dst[16..31],output:1");
	EXPECT(f, "set(nw_dst=0.1.0.0/16) 1");
	assert_int_equal(out.wc.nw_src, htonl(0xffff));
	assert_int_equal(out.wc.nw_dst, 0);
	add("priority=3,ip,actions=set_field:1->reg0,move:tcp_src[]->reg0[0..15],output:reg0[]");
	EXPECT(f, "1");			/* there is none to move */
	add("priority=4,ip,actions=set_tunnel:7,set_field:10.0.0.9->tun_dst,output:1");
	EXPECT(f, "tunnel(7) 1");
	assert_int_equal(out.ops[0].value.tun_dst, htonl(0x0a000009));
}

/* Options are of the tunnel, and set with all of it. */
static void test_options(void **state)
{
	static const struct tlv four = { 0xffff, 0, 4 }, eight = { 0xffff, 1, 8 };
	struct flow f = udp(80);

	(void)state;
	assert_null(tlv_map(0, &four));
	assert_null(tlv_map(9, &eight));
	f.tun_dst = htonl(0x0a000009);
	f.tun_options = 1;
	f.tun_metadata[3] = 7;
	add("priority=9,tun_metadata0=7/0xf,actions=output:1");
	EXPECT(f, "1");
	assert_int_equal(out.wc.tun_metadata[3], 0xf);
	assert_int_equal(out.wc.tun_options, 0);
	add("priority=9,tun_metadata0=7/0xf,actions=set_field:0->tun_metadata9,move:tun_metadata0[]->tun_metadata9[32..63],output:1");
	EXPECT(f, "tunnel(0) 1");
	assert_int_equal(out.ops[0].value.tun_options, 1 | 1 << 9);
	assert_int_equal(out.ops[0].value.tun_metadata[7], 7);
	/* What of it is passed on is read. */
	assert_int_equal(out.wc.tun_metadata[3], 0xff);
	assert_int_equal(out.wc.tun_options, UINT64_MAX);
	tlv_unmap(0);
	tlv_unmap(9);
}

/* A field is read with what tells whether a packet has it. */
static void test_what_tells_of_fields(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=9,tun_erspan_idx=5,actions=drop");
	add("priority=8,nsh,nsh_c2=0x5/0xf,actions=drop");
	EXPECT(f, "");
	assert_int_equal(out.wc.tun_erspan_ver, 0xff);
	f.dl_type = htons(0x894f);
	EXPECT(f, "");
	assert_int_equal(out.wc.nsh_mdtype, 0xff);
	assert_int_equal(out.wc.nsh_c[1], htonl(0xf));
	f = udp(80);
	add("priority=7,ip,ct_tp_dst=5,actions=drop");
	EXPECT(f, "");
	assert_int_equal(out.wc.ct_state, UINT32_MAX);
	/* No packet type is in a mask: it is in every megaflow. */
	reset(NULL);
	add("priority=2,packet_type=(1,0x800),actions=output:1");
	add("priority=1,actions=output:2");
	EXPECT(f, "2");
	f.packet_type = htonl(0x10800);
	EXPECT(f, "1");
	assert_int_equal(out.wc.packet_type, 0);
}

static void test_ttl(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,ip,actions=dec_ttl,output:1");
	EXPECT(f, "dec_ttl 1");
	assert_int_equal(out.wc.nw_ttl, 0);
	add("priority=2,ip,actions=set_field:2->nw_ttl,dec_ttl,output:1,dec_ttl,output:2");
	EXPECT(f, "set(nw_ttl=1) 1");	/* the second has no hops left */
	add("priority=3,ip,actions=dec_ttl,goto_table:1");
	add("table=1,priority=1,ip,nw_ttl=63,actions=output:1");
	EXPECT(f, "dec_ttl 1");
	assert_int_equal(out.wc.nw_ttl, 0xff);
	/* All bits of it tell of some bits of the difference. */
	add("table=1,priority=2,ip,nw_ttl=0x3e/0x3e,actions=output:1");
	EXPECT(f, "dec_ttl 1");
	assert_int_equal(out.wc.nw_ttl, 0xff);
	/* Behind a program the constant of before is none. */
	add("priority=4,ip,actions=set_field:9->nw_ttl,bpf(a),dec_ttl,output:1");
	EXPECT(f, "set(nw_ttl=9) a@ dec_ttl 1");
}

static struct flow mpls(uint32_t lse)
{
	struct flow f = udp(80);

	memset((char *)&f + offsetof(struct flow, mpls_lse), 0,
	       FLOW_DP_LEN - offsetof(struct flow, mpls_lse));
	f.dl_type = htons(0x8847);
	f.mpls_lse[0] = htonl(lse);
	return f;
}

static void test_push_mpls(void **state)
{
	struct flow f = udp(80);

	(void)state;
	f.nw_tos = 0x59;
	add("priority=1,ip,actions=mod_nw_ttl:9,push_mpls:0x8847,set_field:100->mpls_label,output:1,goto_table:1");
	add("table=1,priority=2,ip,nw_src=10.0.0.1,actions=output:2");
	add("table=1,priority=1,mpls,mpls_label=100,mpls_tc=6,mpls_bos=1,mpls_ttl=9,actions=dec_mpls_ttl,output:3,output:2");
	EXPECT(f, "set(nw_ttl=9) push_mpls(0x8847,0,6,1,9) set(mpls_label=100) 1 set(mpls_ttl=8) 2");
	/* Of what is behind the label only that was read which went into it. */
	assert_int_equal(out.wc.nw_tos, 0x1c);
	assert_int_equal(out.wc.nw_src | out.wc.nw_ttl | out.wc.mpls_lse[0], 0);
	reset(NULL);
	add("priority=1,actions=push_mpls:0x8848,output:1");
	EXPECT(f, "push_mpls(0x8848,0,6,1,64) 1");
	assert_int_equal(out.wc.nw_ttl, 0xff);
	f.dl_type = htons(0x86dd);
	EXPECT(f, "push_mpls(0x8848,2,6,1,64) 1");
	f.dl_type = htons(0x0806);
	f.nw_ttl = 0;
	EXPECT(f, "push_mpls(0x8848,0,0,1,64) 1");
	/* A second label is a copy of the first, and goes before it. */
	f = mpls(0x12345fff);
	EXPECT(f, "push_mpls(0x8848,74565,7,0,255) 1");
	assert_int_equal(out.wc.mpls_lse[0], UINT32_MAX);
	/* Tags stay where they are: outside. */
	f.vlan_tci = htons(0x7005);
	f.vlan_tpid = htons(0x8100);
	EXPECT(f, "pop push_mpls(0x8848,74565,7,0,255) push(0x8100,5,3) 1");
	assert_int_equal(out.wc.vlan_tci, 0xffff);
	f.dl_type = htons(0x88cc);
	EXPECT(f, "push_mpls on a packet of type 0x88cc, which is none of IP, ARP and MPLS");
	/* A packet without an Ethernet header gets no other one. */
	f = udp(80);
	f.packet_type = htonl(0x10800);
	add("priority=2,actions=push_mpls:0x8847,goto_table:1");
	add("table=1,packet_type=(1,0x8847),actions=output:1");
	EXPECT(f, "push_mpls(0x8847,0,0,1,64) 1");
}

static void test_pop_mpls(void **state)
{
	struct flow f = mpls(0x00064140), back_ip;

	(void)state;
	/* What is behind the label is looked at when an action asks for it. */
	add("priority=9,mpls,actions=pop_mpls:0x0800,set_field:1->reg0,output:reg0[],mod_dl_src:00:00:00:00:00:07,output:2,dec_ttl,output:1");
	EXPECT(f, "pop_mpls(0x800) 1 set(dl_src=00:00:00:00:00:07) 2 recirc");
	assert_int_equal(out.wc.mpls_lse[0], 0);
	back_ip = udp(80);
	back_ip.recirc_id = back(f).recirc_id;
	EXPECT(back_ip, "dec_ttl 1");
	/* A lookup asks for all of it, a group may. */
	add("priority=9,mpls,actions=pop_mpls:0x0800,goto_table:1");
	add("table=1,udp,tp_dst=80,actions=output:2");
	EXPECT(f, "pop_mpls(0x800) recirc");
	back_ip.recirc_id = back(f).recirc_id;
	EXPECT(back_ip, "2");
	add_group("group_id=1,type=all,bucket=output:1");
	add("priority=9,mpls,actions=pop_mpls:0x0800,group:1");
	EXPECT(f, "pop_mpls(0x800) recirc");
	add("priority=9,mpls,actions=pop_mpls:0x0800,output:nw_dst[0..7]");
	EXPECT(f, "pop_mpls(0x800) recirc");
	/* One by one; the same rule may pop them all. */
	add("priority=9,mpls,actions=pop_mpls:0x8847,resubmit(,0)");
	EXPECT(f, "pop_mpls(0x8847) recirc");
	f = back(f);
	EXPECT(f, "pop_mpls(0x8847) recirc");
	/* A tag comes back on. */
	f = mpls(0x00064140);
	f.vlan_tci = htons(0x1005);
	f.vlan_tpid = htons(0x8100);
	EXPECT(f, "pop pop_mpls(0x8847) push(0x8100,5,0) recirc");
	/* Nothing to pop, and nothing to count down. */
	f = udp(80);
	add("priority=9,actions=pop_mpls:0x0800,dec_mpls_ttl,goto_table:1");
	EXPECT(f, "2");
	f = mpls(0x00064101);
	add("priority=10,mpls,actions=output:1,dec_mpls_ttl,output:2");
	EXPECT(f, "1");
	assert_int_equal(out.wc.mpls_lse[0], htonl(0xff));
	/* What a filter said was of another packet. */
	add("priority=11,mpls,bpf=f1,actions=push_mpls:0x8847,goto_table:2");
	add("table=2,bpf=f1,actions=output:1");
	EXPECT(f, "f1 0:{1} else{push_mpls(0x8847,100,0,0,1) f1 0:{} else{1}}");
}

static void test_resubmit(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,actions=resubmit(,1),output:3,output:2");
	add("table=1,priority=1,actions=set_field:9->tp_dst,output:1,drop,output:2");
	EXPECT(f, "set(tp_dst=9) 1 2");
	add("table=1,priority=2,actions=resubmit(,1)");
	assert_non_null(strstr(run(&f), "more than 512 lookups, the last in tables 1, 1"));
	assert_int_equal(out.n_ops, 0);
	add("table=1,priority=2,actions=resubmit(,2),output:1");
	add("table=2,priority=2,actions=resubmit(,1),output:1");
	assert_non_null(strstr(run(&f), "nests more than 64 deep, from table"));
}

/* The port of a resubmit is for its lookup alone. */
static void test_resubmit_port(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("in_port=3,actions=resubmit(7,1),resubmit:7,resubmit(in_port,1)");
	add("in_port=7,actions=output:1");
	add("table=1,in_port=7,actions=in_port,resubmit(,2)");
	add("table=1,in_port=3,actions=output:2");
	add("table=2,in_port=7,actions=output:7");
	add("table=2,in_port=3,actions=output:1");
	EXPECT(f, "3 1 1 2");
	/* Also if a filter is asked in between, at once or later. */
	reset(NULL);
	add("actions=resubmit(7,1)");
	add("table=1,priority=2,in_port=7,bpf=f1,actions=output:1");
	add("table=1,priority=1,in_port=7,actions=output:2");
	EXPECT(f, "f1 0:{2} else{1}");
}

/* Rules may take a packet for one of another port, also when it comes back. */
static void test_set_in_port(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("actions=load:0->NXM_OF_IN_PORT[],output:3,set_field:7->in_port,ct(table=1)");
	add("table=1,in_port=7,actions=output:3,output:7,in_port");
	EXPECT(f, "3 ct0 recirc");
	f = back(f);
	EXPECT(f, "3 7");
}

static void test_normal(void **state)
{
	struct flow f = udp(80);
	struct mac_key key = { .mac = { 0, 0, 0, 0, 0, 2 } };

	(void)state;
	add("actions=normal");
	EXPECT(f, "1 2");
	assert_true(out.learns);
	assert_int_equal(out.learn.mac[5], 1);
	assert_int_equal(out.wc.dl_dst[5] & out.wc.dl_src[0], 0xff);
	assert_true(mac_learn(&macs, &key, 2, 1000));
	assert_false(mac_learn(&macs, &key, 2, 1000));
	EXPECT(f, "2");
	assert_true(mac_learn(&macs, &key, 3, 1000));
	EXPECT(f, "");			/* it is where it came from */
	f.vlan_tci = htons(0x1005);	/* in another VLAN it was not seen */
	EXPECT(f, "1 2");
	assert_int_equal(out.learn.vlan, htons(5));
}

/* Frames for bridges themselves go nowhere, and are not learned from. */
static void test_normal_reserved(void **state)
{
	static const uint8_t reserved[6] = { 0x01, 0x80, 0xc2, 0, 0, 0 };
	static const uint8_t bits[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0 };
	static const uint8_t none[6], all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct flow f = udp(80);
	unsigned int i;

	(void)state;
	add("actions=normal,output:2");
	memcpy(f.dl_dst, reserved, 6);
	for (i = 0; i < 16; i++) {
		f.dl_dst[5] = i;
		EXPECT(f, "2");
		assert_false(out.learns);
		assert_memory_equal(out.wc.dl_dst, bits, 6);
		assert_memory_equal(out.wc.dl_src, none, 6);
		assert_int_equal(out.wc.vlan_tci, 0);
	}
	for (i = 0; i < 48; i++) {
		memcpy(f.dl_dst, reserved, 6);
		f.dl_dst[i / 8] ^= 1 << i % 8;
		if (i / 4 == 10)	/* the last byte's low bits */
			continue;
		EXPECT(f, "1 2 2");
		assert_true(out.learns);
		assert_memory_equal(out.wc.dl_dst, all, 6);
	}
}

static void test_macs(void **state)
{
	struct mac_key key = {};
	uint64_t changes;
	unsigned int i;

	(void)state;
	macs.max = 100;
	for (i = 0; i < 150; i++) {
		key.mac[5] = i;
		assert_true(mac_learn(&macs, &key, i % 3, 1000 + i));
	}
	assert_int_equal(HASH_COUNT(macs.entries), 100);
	assert_non_null(mac_find(&macs, &key));
	key.mac[5] = 49;
	assert_null(mac_find(&macs, &key));	/* seen longest ago */
	key.mac[5] = 50;
	mac_learn(&macs, &key, 2, 9000);	/* seen again */
	changes = macs.changes;
	mac_expire(&macs, 1000 + 99 + MAC_AGE_MS);
	assert_int_equal(HASH_COUNT(macs.entries), 51);
	assert_int_equal(macs.changes, changes + 49);
	assert_non_null(mac_find(&macs, &key));
	mac_forget_port(&macs, 2);
	assert_null(mac_find(&macs, &key));
	key.mac[0] = 1;
	assert_false(mac_learn(&macs, &key, 1, 1));	/* of a group */
	macs.max = 0;
}

static void test_groups(void **state)
{
	struct flow f = udp(80);
	unsigned int seen[4] = {}, i;

	(void)state;
	add("actions=group:1,output:2");
	EXPECT(f, "there is no group 1");
	add_group("group_id=1,type=all,bucket=output:1,bucket=set_field:5->tp_dst,output:2");
	add("ip,actions=group:1,output:2");
	EXPECT(f, "1 clone{set(tp_dst=5) 2} 2");
	add_group("group_id=1,type=indirect,bucket=set_field:02:00:00:00:00:09->dl_dst,output:1");
	EXPECT(f, "clone{set(dl_dst=02:00:00:00:00:09) 1} 2");
	add_group("group_id=1,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2");
	EXPECT(f, "1 2");
	dead_port = 1;
	EXPECT(f, "2 2");
	add_group("group_id=1,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:2,output:2,bucket=output:7");
	EXPECT(f, "7 2");		/* a group that is not there does not live */
	add_group("group_id=2,type=ff,bucket=watch_port:1,drop,bucket=watch_group:2,drop,bucket=watch_group:3,drop");
	EXPECT(f, "7 2");
	add_group("group_id=3,type=select,bucket=watch_group:2,output:3,bucket=watch_port:2,output:1");
	EXPECT(f, "2 2");
	dead_port = 2;
	EXPECT(f, "1 2");
	add_group("group_id=1,type=ff,bucket=watch_port:2,watch_group:4,output:1,bucket=output:2");
	EXPECT(f, "2 2");
	add_group("group_id=4,type=all,bucket=drop");
	EXPECT(f, "1 2");		/* one of the two will do */
	/* By hash: the packet comes back with it, and few of its bits are read. */
	add_group("group_id=1,type=select,bucket=weight:3,output:1,bucket=weight:1,set_field:7->tp_dst,output:2");
	EXPECT(f, "hash recirc");
	f = back(f);
	for (i = 0; i < 1024; i++) {
		f.dp_hash = htonl(i * 0x9e3779b1u);
		run(&f);
		assert_null(out.error);
		assert_int_equal(out.wc.dp_hash, htonl(15));
		seen[out.ops[1].n & 3]++;
	}
	assert_in_range(seen[1], 700, 830);
	/* A group that contains itself ends. */
	add_group("group_id=1,type=all,bucket=output:1,group:1,bucket=group:1");
	f.recirc_id = 0;
	assert_non_null(strstr(run(&f), "nest more than 8 deep"));
}

static void test_ct(void **state)
{
	struct flow f = udp(80);
	uint32_t id;

	(void)state;
	add("ip,ct_state=-trk,actions=ct(table=1,zone=5)");
	add("table=1,ip,ct_state=+trk+new,actions=ct(commit,zone=5,exec(set_field:0x1/0x3->ct_mark,set_field:2->ct_label)),output:1");
	EXPECT(f, "ct5 recirc");
	assert_int_equal(out.wc.ct_state, htonl(0x20));
	id = out.ops[1].recirc_id;
	f = back(f);
	f.ct_state = htonl(0x21);
	EXPECT(f, "ct5+ 1");
	assert_int_equal(out.ops[0].value.ct_mark, htonl(1));
	assert_int_equal(out.ops[0].mask.ct_mark, htonl(3));
	assert_int_equal(out.ops[0].value.ct_label[15], 2);
	/* What is left here is done to a copy; that state is the same one. */
	f = udp(80);
	add("ip,ct_state=-trk,actions=ct(table=1,zone=5),output:2,goto_table:3");
	add("table=3,ct_state=-trk,actions=output:1");
	EXPECT(f, "clone{ct5 recirc} 2 1");
	assert_int_equal(out.ops[2].recirc_id, id);
	add("ip,ct_state=-trk,actions=move:in_port[]->reg3[],ct(commit,zone=reg3[0..15],nat(src=10.0.0.1)),ct_clear,output:2");
	EXPECT(f, "ct3+ ct_clear 2");
}

/* What the datapath would refuse for a packet is left out for it. */
static void test_left_out(void **state)
{
	struct flow f = udp(80), arp = udp(80), bare = udp(80);

	(void)state;
	arp.dl_type = htons(0x0806);
	bare.ethernet = 0;
	bare.packet_type = htonl(0x10800);
	add("actions=ct(table=1),output:2");
	add("table=1,actions=output:1");
	EXPECT(f, "clone{ct0 recirc} 2");
	EXPECT(arp, "1 2");		/* it has no connection */
	add("actions=ct(commit),ct_clear,output:2");
	EXPECT(arp, "ct_clear 2");
	add("actions=ct(commit,alg=ftp),ct(commit,alg=tftp),output:2");
	EXPECT(f, "ct0+ ct0+ 2");
	assert_string_equal(out.ops[0].act.ct.alg, "");
	assert_string_equal(out.ops[1].act.ct.alg, "tftp");
	assert_int_equal(out.wc.nw_proto, 0xff);
	/* A tunnel that leads nowhere; it may yet be told where. */
	add("actions=set_tunnel:7,output:1,set_field:10.0.0.9->tun_dst,output:1,set_field:fd00::1->tun_ipv6_src,output:2");
	EXPECT(f, "1 tunnel(7) 1 2");
	add("actions=push_vlan:0x8100,mod_vlan_vid:5,set_field:0x1005->vlan_tci,mod_dl_src:02:00:00:00:00:09,pop_vlan,output:1");
	EXPECT(bare, "1");
	add("actions=mod_nw_ttl:9,set_field:10.0.0.9->nw_dst,output:1");
	EXPECT(f, "set(nw_dst=10.0.0.9,nw_ttl=9) 1");
	f.nw_proto = 0;
	EXPECT(f, "1");
	assert_int_equal(out.wc.nw_proto, 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_outputs), T(test_no_such_port), T(test_output_of_a_part), T(test_vlan_tci), T(test_tpid), T(test_vlans), T(test_sets), T(test_what_tells_of_fields), T(test_options), T(test_ttl),
		T(test_push_mpls),
		T(test_pop_mpls), T(test_resubmit), T(test_resubmit_port),
		T(test_set_in_port), T(test_normal), T(test_normal_reserved), T(test_macs),
		T(test_groups), T(test_ct), T(test_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
