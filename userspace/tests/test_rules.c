// SPDX-License-Identifier: GPL-2.0-or-later
/* Fields, matches, actions and groups as text, in and out. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/rule.h"
#include "../pipeline/tlv.h"
#include "again.h"

/* What stands alone is written as it is read, with the table and priority. */
static void test_as_it_is(void **state)
{
	static const char *const texts[] = {
		"in_port=3", "pkt_mark=0x7/0xf", "skb_priority=0x1", "tun_id=0x5",
		"tun_id=0x5/0xff", "tun_src=10.0.0.1,tun_dst=10.0.0.0/8",
		"tun_ipv6_src=fd00::1,tun_ipv6_dst=fd00::/64", "tun_tos=4,tun_ttl=64",
		"tun_flags=+oam-df", "tun_tp_src=1,tun_tp_dst=4789",
		"metadata=0x1234567890abcdef", "metadata=0x12/0xff",
		"reg0=0x1,reg1=0x2,reg2=0x3,reg3=0x4,reg4=0x5,reg5=0x6,reg6=0x7,reg7=0x8",
		"reg0=0x1/0xff", "ct_state=+est+trk", "ct_state=-new+trk",
		"ct_state=0x0", "ct_state=new|trk", "ct_zone=5", "ct_mark=0x1/0x3",
		"ct_label=0x123456789abcdef0123456789abcdef0",
		"ct_label=0x1/0xff00000000000000000000000000000f",
		"ip,ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.0/24,ct_nw_proto=6,ct_tp_src=1,ct_tp_dst=2",
		"ipv6,ct_ipv6_src=fd00::1,ct_ipv6_dst=fd00::2",
		"dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff",
		"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
		"dl_vlan=5", "dl_vlan=5,dl_vlan_pcp=3", "dl_vlan_pcp=3",
		"vlan_tci=0x0", "vlan_tci=0x1000/0x1000", "vlan_tci=0x1003/0x1003",
		"dl_vlan=5,inner_vlan_tci=0x1006", "dl_vlan=5,vlan_tpid=0x8000/0xf000",
		"dl_vlan=5,vlan_tpid=0x88a8,inner_vlan_tci=0x1006,inner_vlan_tpid=0x8100",
		"dl_type=0x1234",
		"mpls,mpls_label=5,mpls_tc=3,mpls_bos=1,mpls_ttl=64", "mplsm",
		"arp", "arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/8,arp_op=1",
		"arp,arp_sha=02:00:00:00:00:01,arp_tha=02:00:00:00:00:02", "rarp",
		"ip,nw_src=10.0.0.1,nw_dst=10.0.0.0/255.0.255.0",
		"ip,nw_proto=47,nw_tos=32,nw_ecn=1,nw_ttl=5", "ip,nw_frag=first",
		"ip,nw_frag=no", "ip,nw_frag=not_later", "ip,nw_frag=yes",
		"ip,nw_frag=later", "ipv6,ipv6_src=fd00::1,ipv6_dst=fd00::/8",
		"ipv6,ipv6_label=0x12345", "tcp,tp_src=80,tp_dst=0x50/0xfff0",
		"tcp,tcp_flags=+syn-ack", "tcp,tcp_flags=syn|ack", "tcp,tcp_flags=0x0",
		"udp,tp_dst=53", "sctp,tp_src=1", "tcp6,tp_dst=80", "udp6", "sctp6",
		"icmp,icmp_type=8,icmp_code=0", "icmp6,icmpv6_type=128,icmpv6_code=0",
		"icmp6,icmpv6_type=135,nd_target=fd00::1,nd_sll=02:00:00:00:00:01",
		"icmp6,icmpv6_type=136,nd_tll=02:00:00:00:00:02",
		"tun_gbp_id=5,tun_gbp_flags=0x48/0x48",
		"tun_erspan_ver=1,tun_erspan_idx=0x12345",
		"tun_erspan_ver=2,tun_erspan_dir=1,tun_erspan_hwid=0x3f",
		"packet_type=(0,0x0)", "ip,packet_type=(1,0x800)",
		"ipv6,ipv6_exthdr=+frag-hop", "ipv6,ipv6_exthdr=nonext|unseq",
		"nsh,nsh_flags=1,nsh_ttl=63,nsh_mdtype=1,nsh_np=3,nsh_spi=0x123456,nsh_si=255",
		"nsh,nsh_c1=0x1,nsh_c2=0x2/0xf,nsh_c3=0x3,nsh_c4=0x4", "bpf=syn", "ip,bpf=syn",
	};
	char text[512];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(text, sizeof(text), "table=3,priority=7,%s,actions=drop", texts[i]);
		assert_string_equal(again(text), text);
	}
}

/* Other ways to say it. */
static void test_aliases(void **state)
{
	static const struct { const char *in, *out; } as[] = {
		{ "eth_src=02:0:00:00:00:1", "dl_src=02:00:00:00:00:01" },
		{ "eth_type=0x800,ip_proto=6", "tcp" },
		{ "dl_type=0x0800", "ip" }, { "dl_type=2054", "arp" },
		{ "tcp,tcp_dst=80", "tcp,tp_dst=80" },
		{ "udp6,udp_src=5", "udp6,tp_src=5" },
		{ "ip,ip_src=10.1.2.3/8", "ip,nw_src=10.0.0.0/8" },
		{ "ip,nw_src=10.0.0.0/255.0.0.0", "ip,nw_src=10.0.0.0/8" },
		{ "ip,ip_dscp=8", "ip,nw_tos=32" }, { "ip,ip_frag=no", "ip,nw_frag=no" },
		{ "dl_vlan=0xffff", "vlan_tci=0x0" },
		{ "vlan_vid=0x1005", "dl_vlan=5" },
		{ "dl_vlan=5,vlan_pcp=2", "dl_vlan=5,dl_vlan_pcp=2" },
		{ "xreg0=0x100000002", "reg0=0x1,reg1=0x2" },
		{ "tunnel_id=7", "tun_id=0x7" }, { "ip6", "ipv6" },
		{ "skb_mark=5", "pkt_mark=0x5" },
		{ "nsh,nsp=5,nsi=6,nshc1=7", "nsh,nsh_spi=0x5,nsh_si=6,nsh_c1=0x7" },
		{ "packet_type=(1,2048)", "packet_type=(1,0x800)" },
		{ "arp,nw_src=10.0.0.1,nw_proto=2", "arp,arp_spa=10.0.0.1,arp_op=2" },
		{ "NXM_NX_REG3=5", "reg3=0x5" }, { "tcp,tcp_flags=0x12/0x12", "tcp,tcp_flags=+syn+ack" },
		{ "ip , nw_ttl=1", "ip,nw_ttl=1" }, { "ip,nw_src=10.0.0.1/0", "ip" },
	};
	char text[512], want[512];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(as) / sizeof(as[0]); i++) {
		snprintf(text, sizeof(text), "priority=1,%s,actions=drop", as[i].in);
		snprintf(want, sizeof(want), "table=0,priority=1,%s,actions=drop", as[i].out);
		assert_string_equal(again(text), want);
	}
}

static const char *map_option(const char *text)
{
	unsigned int n;
	struct tlv tlv;
	const char *why = tlv_parse(text, &n, &tlv);

	return why ? why : tlv_map(n, &tlv);
}

/* Options of Geneve are fields once they are mapped. */
static void test_options(void **state)
{
	static const struct { const char *text, *why; } bad[] = {
		{ "{class=1,type=2}->tun_metadata0", "an option is" },
		{ "{class=1,type=2,len=4}->reg0", "a field is one of" },
		{ "{class=1,type=2,len=4}->tun_metadata64", "a field is one of" },
		{ "{class=1,type=2,len=4}->tun_metadata1x", "a field is one of" },
		{ "{class=0x10000,type=2,len=4}->tun_metadata1", "class must" },
		{ "{class=1,type=256,len=4}->tun_metadata1", "type must" },
		{ "{class=1,type=2,len=5}->tun_metadata1", "len must" },
		{ "{class=1,type=2,len=128}->tun_metadata1", "len must" },
		{ "{class=0xffff,type=0,len=4}->tun_metadata1", "another field already" },
		{ "{class=0xffff,type=1,len=4}->tun_metadata0", "another option already" },
	};
	char text[64];
	unsigned int i;

	(void)state;
	assert_non_null(strstr(again("tun_metadata0=1,actions=drop"), "no field"));
	assert_null(map_option("{class=0xffff,type=0,len=4}->tun_metadata0"));
	assert_null(map_option("{class=0xffff,type=0,len=4}->tun_metadata0"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!strstr(map_option(bad[i].text), bad[i].why))
			fail_msg("%s: %s", bad[i].text, map_option(bad[i].text));
	assert_null(map_option("{class=0x102,type=0x80,len=12}->tun_metadata63"));
	assert_string_equal(again("tun_metadata0=1234,tun_metadata63=0x5/0xff,actions=load:1->NXM_NX_TUN_METADATA63[95]"),
			    "table=0,priority=32768,tun_metadata0=0x4d2,tun_metadata63=0x5/0xff,actions=set_field:0x800000000000000000000000/0x800000000000000000000000->tun_metadata63");
	again("tun_metadata63=0x1000000000000000000000000,actions=drop");
	assert_non_null(strstr(err, "tun_metadata63: too large"));
	/* They share 124 bytes. */
	for (i = 1; i < 7; i++) {
		snprintf(text, sizeof(text), "{class=9,type=%u,len=16}->tun_metadata%u", i, i);
		assert_null(map_option(text));
	}
	assert_non_null(strstr(map_option("{class=8,type=0,len=16}->tun_metadata7"), "no room"));
	assert_null(map_option("{class=8,type=0,len=12}->tun_metadata7"));
	assert_non_null(strstr(map_option("{class=7,type=0,len=4}->tun_metadata8"), "no room"));
	tlv_unmap(3);
	assert_non_null(strstr(again("tun_metadata3=1,actions=drop"), "no field"));
	assert_null(map_option("{class=7,type=0,len=16}->tun_metadata8"));
}

static void test_actions(void **state)
{
	static const struct { const char *in, *out; } as[] = {
		{ "output:1", NULL }, { "5", "output:5" }, { "output:reg0[0..15]", NULL },
		{ "in_port", "IN_PORT" }, { "flood", "FLOOD" }, { "all", "ALL" },
		{ "normal", "NORMAL" }, { "drop", NULL },
		{ "set_field:02:00:00:00:00:01->dl_src", NULL },
		{ "set_field:0x5/0xff->reg0", NULL },
		{ "set_field:10.0.0.1->ip_src", "set_field:10.0.0.1->nw_src" },
		{ "load:5->NXM_NX_REG0[]", "set_field:0x5->reg0" },
		{ "load:5->reg0[4..7]", "set_field:0x50/0xf0->reg0" },
		{ "load:1->metadata[63]", "set_field:0x8000000000000000/0x8000000000000000->metadata" },
		{ "move:NXM_OF_IP_SRC[]->NXM_NX_REG1[]", "move:nw_src[]->reg1[]" },
		{ "move:dl_src[0..15]->reg2[16..31]", NULL }, { "move:reg0[3]->reg1[4]", NULL },
		{ "mod_dl_src:02:00:00:00:00:01", "set_field:02:00:00:00:00:01->dl_src" },
		{ "mod_nw_dst:10.0.0.1", "set_field:10.0.0.1->nw_dst" },
		{ "mod_nw_tos:32", "set_field:32->nw_tos" }, { "mod_tp_dst:80", "set_field:80->tp_dst" },
		{ "mod_nw_ttl:1", "set_field:1->nw_ttl" }, { "set_tunnel:5", "set_field:0x5->tun_id" },
		{ "mod_vlan_vid:5", NULL }, { "mod_vlan_pcp:3", NULL },
		{ "push_vlan:0x88a8", NULL }, { "pop_vlan", NULL }, { "strip_vlan", "pop_vlan" },
		{ "dec_ttl", NULL },
		{ "push_mpls:0x8847", NULL }, { "pop_mpls:0x0800", NULL }, { "dec_mpls_ttl", NULL },
		{ "pop_mpls:2048", "pop_mpls:0x0800" }, { "set_mpls_ttl:5", "set_field:5->mpls_ttl" },
		{ "set_mpls_label:16", "set_field:16->mpls_label" }, { "set_mpls_tc:7", "set_field:7->mpls_tc" },
	 { "goto_table:4", NULL }, { "resubmit(,2)", NULL },
		{ "resubmit:5", "resubmit(5,0)" }, { "resubmit(5)", "resubmit(5,0)" },
		{ "resubmit(5,2)", NULL }, { "resubmit(in_port,2)", "resubmit(,2)" },
		{ "resubmit(IN_PORT)", "resubmit(,0)" }, { "load:0->NXM_OF_IN_PORT[]", "set_field:0->in_port" },
		{ "group:5", NULL }, { "meter:3", NULL }, { "ct_clear", NULL },
		{ "CONTROLLER", NULL }, { "controller", "CONTROLLER" }, { "CONTROLLER:128", NULL },
		{ "controller(max_len=128)", "CONTROLLER:128" },
		{ "controller(reason=action,id=0)", "CONTROLLER" }, { "controller()", "CONTROLLER" },
		{ "output(port=1,max_len=100)", NULL }, { "output(max_len=14,port=IN_PORT)", "output(port=IN_PORT,max_len=14)" },
		{ "load:0->NXM_OF_VLAN_TCI[]", "set_field:0x0->vlan_tci" }, { "set_field:0x1005/0x1fff->vlan_tci", NULL },
		{ "ct()", NULL }, { "ct(commit)", NULL }, { "ct(table=1)", NULL },
		{ "ct(commit,force,zone=5,table=2,nat(src=10.0.0.1-10.0.0.9:1-100,random),alg=ftp)", NULL },
		{ "ct(commit,nat(dst=10.0.0.1))", NULL }, { "ct(table=1,nat)", NULL },
		{ "ct(commit,nat(src=[fd00::1]-[fd00::9]:5,hash,persistent))", NULL },
		{ "ct(commit,nat(src=fd00::1-fd00::9))", NULL },
		{ "ct(commit,nat(src=:1-5))", NULL },
		{ "ct(commit,zone=reg0[0..15])", NULL },
		{ "ct(commit,exec(set_field:0x1->ct_mark,move:reg0[]->ct_label[0..31])),output:1", NULL },
		{ "bpf(f,arg=0x5,result=reg2)", NULL }, { "bpf(f,mode=changed)", NULL },
		{ "bpf(f,mode=always,result=reg1)", "bpf(f,result=reg1,mode=always)" },
		{ "bpf(f,mode=auto)", "bpf(f)" },
	};
	char text[512], want[512];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(as) / sizeof(as[0]); i++) {
		snprintf(text, sizeof(text), "ip,actions=%s", as[i].in);
		snprintf(want, sizeof(want), "table=0,priority=32768,ip,actions=%s",
			 as[i].out ? as[i].out : as[i].in);
		assert_string_equal(again(text), want);
	}
}

/* Each error says what is wrong, and points at the token. */
static void test_errors(void **state)
{
	static const struct { const char *text, *what; int at; } bad[] = {
		{ "tcp,tp_dst=65536,actions=drop", "tp_dst: too large", 12 },
		{ "tcp,tp_dst=x,actions=drop", "tp_dst: not a number", 12 },
		{ "dl_src=02:00:00:00:00,actions=drop", "dl_src: not an Ethernet", 8 },
		{ "dl_src=02:00:00:00:00:01:02,actions=drop", "Ethernet", 8 },
		{ "ip,nw_src=10.0.0.1/33,actions=drop", "length of a prefix", 11 },
		{ "ip,nw_src=fd00::1,actions=drop", "IPv4", 11 },
		{ "udp,tcp_dst=80,actions=drop", "protocol before it (tcp", 5 },
		{ "tp_dst=80,actions=drop", "protocol before it (tcp, udp", 1 },
		{ "arp,nw_ttl=5,actions=drop", "protocol before it", 5 },
		{ "ip,nw_frag=maybe,actions=drop", "none of no", 12 },
		{ "ip,nw_tos=5,actions=drop", "multiple of 4", 11 },
		{ "tcp,tcp_flags=+foo,actions=drop", "unknown flag", 15 },
		{ "tcp,tcp_flags=+syn+syn,actions=drop", "flag twice", 15 },
		{ "ct_state=+trk+,actions=drop", "unknown flag", 10 },
		{ "ip,arp,actions=drop", "contradicts", 4 },
		{ "in_port=1,in_port=2,actions=drop", "contradicts", 19 },
		{ "mpls_label=5,actions=drop", "(mpls)", 1 },
		{ "inner_vlan_tci=0x1001,actions=drop", "dl_vlan", 1 },
		{ "dl_vlan=4096,actions=drop", "dl_vlan must be", 9 },
		{ "dl_vlan_pcp=8,actions=drop", "0 to 7", 13 },
		{ "bpf=a/b,actions=drop", "name of a program", 5 },
		{ "bpf=a,bpf=b,actions=drop", "twice", 11 },
		{ "dp_hash=1,actions=drop", "no field", 1 },
		{ "recirc_id=1,actions=drop", "no field", 1 },
		{ "packet_type=(2,5),actions=drop", "neither (0,0) nor", 13 },
		{ "packet_type=(0,5),actions=drop", "neither (0,0) nor", 13 },
		{ "packet_type=5,actions=drop", "neither (0,0) nor", 13 },
		{ "nsh_ttl=5,actions=drop", "before it (nsh)", 1 },
		{ "ipv6,ipv6_exthdr=+none,actions=drop", "unknown flag", 18 },
		{ "tun_erspan_idx=0x100000,actions=drop", "too large", 16 },
		{ "actions=set_field:5->nsh_ttl", "can't be set", 22 },
		{ "ct_label=0x123456789012345678901234567890123,actions=drop", "too large", 10 },
		{ "ct_label=0xg,actions=drop", "not a hexadecimal", 10 },
		{ "actions=output", "colon", 9 }, { "actions=output:x", "no port or field", 16 },
		{ "actions=output:70000", "0 to 65534", 16 },
		{ "actions=drop,fly", "no action or port", 14 },
		{ "actions=set_field:5->reg8", "can't be set", 22 },
		{ "actions=set_field:x->reg0", "reg0: not a number", 19 },
		{ "actions=set_field:1->ct_mark", "exec()", 9 },
		{ "actions=load:256->reg0[0..7]", "8 bits", 14 },
		{ "actions=load:1->reg0[7..3]", "0..31", 17 },
		{ "actions=load:1->reg0[0..32]", "0..31", 17 },
		{ "actions=move:reg0[0..7]->reg1[0..8]", "don't fit", 26 },
		{ "actions=move:reg0[]", "->FIELD", 14 },
		{ "actions=mod_vlan_vid:4096", "up to 4095", 22 },
		{ "table=3,actions=goto_table:3", "above 3", 28 },
		{ "actions=resubmit()", "PORT, TABLE or both", 18 },
		{ "actions=resubmit(,255)", "0 to 254", 19 },
		{ "actions=resubmit(x,2)", "no port", 18 },
		{ "actions=resubmit(1,2,ct)", "0 to 254", 20 },
		{ "actions=resubmit:65535", "0 to 65534", 18 },
		{ "actions=push_mpls:0x800", "0x8847 or 0x8848", 19 },
		{ "actions=pop_mpls:5", "Ethernet type", 18 },
		{ "actions=set_mpls_tc:8", "mpls_tc: too large", 21 },
		{ "actions=dec_mpls_ttl:1", "no argument", 9 },
		{ "actions=group:4294967295", "no group", 15 },
		{ "actions=meter:0", "1 to", 15 },
		{ "actions=ct(force)", "need commit", 12 },
		{ "actions=ct(nat(src=1.2.3.4))", "need commit", 12 },
		{ "actions=ct(commit,nat())", "src= or dst=", 23 },
		{ "actions=ct(commit,nat(src=1.2.3))", "not an address", 27 },
		{ "actions=ct(commit,nat(src=1.2.3.9-1.2.3.4))", "last address", 35 },
		{ "actions=ct(commit,nat(src=1.2.3.4:9-5))", "FIRST-LAST", 35 },
		{ "actions=ct(commit,nat(src=1.2.3.4,dst=1.2.3.4))", "one of src", 35 },
		{ "actions=ct(commit,nat(src=1.2.3.4,hash,random))", "one of random", 0 },
		{ "actions=ct(table=255)", "0 to 254", 18 },
		{ "actions=ct(zone=65536)", "65535", 17 },
		{ "actions=ct(commit,exec(output:1))", "ct_mark and ct_label", 24 },
		{ "actions=ct(commit,alg=sip)", "ftp or tftp", 23 },
		{ "actions=ct(commit", "parenthesis", 9 },
		{ "actions=controller(len=5)", "max_len=", 20 },
		{ "actions=controller(userdata=01.02)", "userdata= is not supported", 20 },
		{ "actions=controller(id=7)", "id must be 0", 23 },
		{ "actions=controller(max_len=5,reason=no_match)", "reason must be action", 37 },
		{ "actions=dec_ttl(1,2)", "takes no controllers", 17 },
		{ "actions=output(port=1)", "needs port= and max_len=", 16 },
		{ "actions=output(max_len=20)", "needs port= and max_len=", 16 },
		{ "actions=output(port=1,max_len=13)", "14 to 4294967295", 31 },
		{ "actions=output(port=1,max_len=20,len=1)", "port= and max_len=", 34 },
		{ "actions=output(port=flood,max_len=20)", "no port", 21 },
		{ "actions=output(port=1,max_len=20", "parenthesis", 16 },
		{ "actions=drop,learn(table=1)", "learn is not supported", 14 },
		{ "actions=conjunction(1,1/2)", "conjunction is not supported", 9 },
		{ "actions=exit", "exit is not supported", 9 },
		{ "vlan_tpid=0x8100,actions=drop", "dl_vlan", 1 },
		{ "actions=bpf(a,mode=maybe)", "mode must", 20 },
	};
	char at[32];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		again(bad[i].text);
		snprintf(at, sizeof(at), "position %d)", bad[i].at);
		if (!strstr(err, bad[i].what) || (bad[i].at && !strstr(err, at)))
			fail_msg("\"%s\": said \"%s\", not \"%s\" at %d", bad[i].text,
				 err, bad[i].what, bad[i].at);
	}
	assert_null(rule_parse("ip,bpf=syn", false, err, sizeof(err)));
	assert_non_null(strstr(err, "a packet has no bpf="));
}

static uint32_t rnd(uint32_t n)
{
	return (uint32_t)random() % n;
}

/* A random value and mask of a field, as text. */
static void random_value(const struct field *f, char *buf, size_t size)
{
	struct field_value v = {};
	unsigned int i, kind = rnd(3), last = field_bytes(f) - 1;

	for (i = 0; i < f->bits; i++) {
		bool m = kind == 0 || (kind == 1 && i >= f->bits / 2u) || (kind == 2 && rnd(2));

		v.mask[last - i / 8] |= m << i % 8;
		v.value[last - i / 8] |= (m && rnd(2)) << i % 8;
	}
	if (f->format == FMT_FRAG) {
		memset(&v, 0, sizeof(v));
		v.mask[0] = 1 + rnd(3);
		v.value[0] = rnd(4) & v.mask[0];
		if (v.mask[0] == 3 && v.value[0] == 2)
			v.value[0] = 3;	/* there is no such packet */
	}
	if (f->format == FMT_PACKET_TYPE) {
		memset(&v, 0, sizeof(v));
		v.value[1] = rnd(2);
		v.value[2] = v.value[1] * rnd(256);
	}
	field_format(f, v.value, v.mask, buf, size);
}

/* What is written is read as the same: matches of any fields, any masks. */
static void test_round_trip(void **state)
{
	static const char *const types[] = {
		"", "ip,", "tcp,", "udp6,", "sctp,", "icmp,", "icmp6,icmpv6_type=135,",
		"icmp6,icmpv6_type=136,", "arp,", "mpls,", "dl_vlan=7,", "ipv6,", "nsh,",
		"dl_vlan_pcp=2,udp,",
	};
	char text[4096], value[FIELD_TEXT], first[4096], *end;
	unsigned int i, k, n = 0, fields_seen = 0;
	bool seen[256] = {};

	(void)state;
	for (i = 0; i < N_TLVS; i++)
		tlv_unmap(i);
	assert_null(map_option("{class=6,type=0,len=4}->tun_metadata4"));
	assert_null(map_option("{class=6,type=1,len=120}->tun_metadata40"));
	srandom(7);
	for (i = 0; i < 30000; i++) {
		strcpy(text, types[rnd(sizeof(types) / sizeof(types[0]))]);
		for (k = rnd(4); k; k--) {
			const struct field *f = &fields[rnd(n_fields)];

			random_value(f, value, sizeof(value));
			end = text + strlen(text);
			snprintf(end, sizeof(text) - (end - text), "%s=%s,", f->name, value);
			seen[f - fields] |= !strncmp(again("actions=drop"), "table", 5);
		}
		strcat(text, "actions=output:1");
		if (strncmp(again(text), "table=", 6)) {
			/* Contradictions and missing protocols, nothing else. */
			if (!strstr(err, "contradicts") && !strstr(err, "protocol") &&
			    !strstr(err, "no field"))
				fail_msg("\"%s\": %s", text, err);
			continue;
		}
		strcpy(first, again(text));
		assert_string_equal(again(first), first);
		n++;
	}
	for (i = 0; i < n_fields; i++)
		fields_seen += seen[i];
	assert_int_equal(fields_seen, n_fields);
	assert_true(n > 5000);
}

/* Reading leaves the match itself, not its text only, the same. */
static void test_same_match(void **state)
{
	static const char *const texts[] = {
		"tcp,nw_src=10.0.0.0/8,tp_dst=0x50/0xfff0,tcp_flags=+syn-ack,actions=drop",
		"icmp6,icmpv6_type=135,nd_target=fd00::/64,actions=drop",
		"mpls,mpls_label=5,mpls_ttl=3,actions=drop",
	};
	struct rule *a, *b;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		a = rule_parse(texts[i], true, err, sizeof(err));
		b = rule_parse(again(texts[i]), true, err, sizeof(err));
		assert_memory_equal(&a->match, &b->match, sizeof(a->match));
		assert_memory_equal(&a->mask, &b->mask, sizeof(a->mask));
		free(a);
		free(b);
	}
	a = rule_parse(texts[2], true, err, sizeof(err));
	assert_int_equal(ntohl(a->match.mpls_lse[0]), 5 << 12 | 3);
	assert_int_equal(ntohl(a->mask.mpls_lse[0]), 0xfffff0ff);
	free(a);
}

static void test_groups(void **state)
{
	static const char *const good[] = {
		"group_id=1,type=all,bucket=actions=output:1,bucket=actions=set_field:0x1->reg0,output:2",
		"group_id=7,type=select,bucket=weight:10,actions=output:1,bucket=weight:1,actions=ct(commit,nat(src=1.2.3.4)),output:2",
		"group_id=2,type=fast_failover,bucket=watch_port:1,actions=output:1,bucket=watch_port:2,actions=output:2",
		"group_id=3,type=indirect,bucket=actions=drop", "group_id=4,type=all",
		"group_id=5,type=fast_failover,bucket=bucket_id:7,watch_port:1,watch_group:5,actions=output:1,bucket=bucket_id:0,watch_group:9,actions=drop",
	};
	static const struct { const char *text, *what; } bad[] = {
		{ "group_id=1", "needs group_id= and type=" },
		{ "type=all", "needs group_id= and type=" },
		{ "group_id=1,type=some", "\"some\", position 17" },
		{ "group_id=1,type=indirect", "one bucket" },
		{ "group_id=1,type=all,bucket=", "needs actions" },
		{ "group_id=1,type=all,bucket=fly", "\"fly\", position 28" },
		{ "group_id=1,type=select,bucket=weight:0,output:1", "weight must" },
		{ "group_id=1,type=all,bucket=goto_table:1", "no table follows" },
		{ "group_id=1,type=all,bucket=resubmit:1", "needs a table (at \"resubmit:1\", position 28" },
		{ "group_id=12,group_id=13,type=all", "group_id= stands twice (at \"group_id=13\", position 13" },
		{ "group_id=1,type=all,type=all,bucket=1", "type= stands twice (at \"type=all\", position 21" },
		{ "group_id=1,type=select,selection_method=dp_hash,selection_method=dp_hash",
		  "selection_method= stands twice" },
		{ "group_id=1,type=select,bucket=weight=1,weight:2,drop", "weight= stands twice (at \"weight:2\", position 40" },
		{ "group_id=1,type=ff,bucket=watch_port=1,watch_port=1,drop", "watch_port= stands twice" },
		{ "group_id=1,type=ff,bucket=watch_group=1,watch_group=1,drop", "watch_group= stands twice" },
		{ "group_id=1,type=all,bucket=bucket_id=1,bucket_id=2,drop", "bucket_id= stands twice" },
		{ "group_id=1,type=all,foo=1", "\"foo=1\"" },
		{ "group_id=1,type=ff,bucket=watch_group:4294967295,drop", "no group can have this number (at \"4294967295\", position 39" },
		{ "group_id=1,type=all,bucket=bucket_id=1,drop,bucket=bucket_id=1,drop", "stands before (at \"1\", position 62" },
		{ "group_id=1,type=all,bucket=bucket_id=x,drop", "bucket_id must be 0 to" },
		{ "group_id=1,type=select,selection_method=hash,bucket=drop", "selection_method must be dp_hash" },
		{ "group_id=1,type=select,selection_method_param=1,bucket=drop", "selection_method_param is not supported (at \"selection_method_param=1\", position 24" },
		{ "group_id=1,type=select,fields(ip_src),bucket=drop", "fields is not supported" },
		{ "command_bucket_id=all,group_id=1,type=select,bucket=drop", "command_bucket_id is not supported" },
	};
	char buf[1024];
	struct group *g;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		err[0] = 0;
		g = group_parse(good[i], err, sizeof(err));
		assert_string_equal(err, "");
		group_format(g, buf, sizeof(buf));
		assert_string_equal(buf, good[i]);
		group_free(g);
	}
	g = group_parse("group_id=1,type=select,selection_method=dp_hash,bucket=1", err, sizeof(err));
	assert_non_null(g);
	group_free(g);
	g = group_parse("group_id=1,type=ff,bucket=watch_port=3,output:1,2", err, sizeof(err));
	assert_non_null(g);
	assert_int_equal(g->buckets[0].n_acts, 2);
	group_free(g);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(group_parse(bad[i].text, err, sizeof(err)));
		if (!strstr(err, bad[i].what))
			fail_msg("\"%s\": said \"%s\"", bad[i].text, err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_it_is), cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_actions), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_same_match),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
