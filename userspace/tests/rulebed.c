// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables of rules; see rulebed.h. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "addrule.h"
#include "rulebed.h"
#include "../pipeline/tlv.h"

struct tables tables;
struct flow wc;

struct rule *add(const char *text)
{
	return add_rule(&tables, text);
}

struct rule *look(const struct flow *f)
{
	memset(&wc, 0, sizeof(wc));
	return tables_lookup(&tables, 0, f, NULL, &wc);
}

const char *random_rule(unsigned int priority)
{
	static const char *const shapes[] = {
		"ip,nw_dst=10.%1$u.%2$u.0/24", "ip,nw_src=10.%1$u.0.0/16,nw_dst=10.%3$u.0.0/16",
		"tcp,nw_dst=10.%1$u.%2$u.%3$u,tp_dst=%4$u", "udp,nw_dst=10.%1$u.0.0/16,tp_dst=%4$u",
		"tcp,tp_dst=0x%4$x/0xfff0", "in_port=%5$u,tcp,nw_src=10.%1$u.%2$u.%3$u,tp_src=%4$u",
		"in_port=%5$u,dl_dst=02:00:00:00:%1$02x:%2$02x", "tcp,tcp_flags=+syn-ack,nw_dst=10.%1$u.0.0/20",
		"ip,nw_src=10.%1$u.%2$u.%3$u", "ipv6,ipv6_dst=fd00:%1$u::/32",
		"tcp6,ipv6_src=fd00:%1$u:%2$u::/48,tp_dst=%4$u", "arp,arp_tpa=10.%1$u.%2$u.%3$u",
		"dl_vlan=%1$u,ip,nw_tos=32", "udp,nw_src=10.0.%2$u.%3$u/255.0.255.255",
		"metadata=%1$u,tcp,nw_dst=10.%1$u.%2$u.0/28",
		"tun_metadata0=0x%1$x/0x3f,tcp,nw_dst=10.%1$u.0.0/16",
		"tun_metadata1=0x%1$02x%6$076u%3$02x/0xff%6$076uff",
		"tun_metadata1=0x%1$x%6$040u/0xff%6$040u,in_port=%5$u",
	};
	static const struct tlv short_one = { 0xffff, 0, 4 }, long_one = { 0xffff, 1, 40 };
	static char text[256];
	int n = snprintf(text, sizeof(text), "priority=%u,", priority);
	unsigned int r = random() % (sizeof(shapes) / sizeof(shapes[0]));

	tlv_map(0, &short_one);
	tlv_map(1, &long_one);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat"
	n += snprintf(text + n, sizeof(text) - n, shapes[r], (unsigned int)random() % 40,
		      (unsigned int)random() % 16 * 16, (unsigned int)random() % 256,
		      (unsigned int)random() % 2000, (unsigned int)random() % 4, 0);
#pragma GCC diagnostic pop
	snprintf(text + n, sizeof(text) - n, ",actions=drop");
	return text;
}

/* Like one that @like is for, with some bits of it changed. */
struct flow random_packet(const struct rule *like)
{
	struct flow f = like->match;
	unsigned int i, n = random() % 4;

	f.in_port = htonl(random() % 4);
	f.dl_src[5] = random();
	if (!f.dl_type)
		f.dl_type = htons(0x0800);
	if (!f.nw_proto)
		f.nw_proto = random() % 2 ? 6 : 17;
	if (f.dl_type == htons(0x0800) && !f.nw_src)
		f.nw_src = htonl(0x0a000000 | random() % 40 << 16 | random() % 65536);
	if (f.dl_type == htons(0x0800) && !f.nw_dst)
		f.nw_dst = htonl(0x0a000000 | random() % 40 << 16 | random() % 65536);
	for (i = 0; i < n; i++) {
		switch (random() % 7) {
		case 0:
			f.nw_src ^= htonl(1u << random() % 24);
			break;
		case 1:
			f.nw_dst ^= htonl(1u << random() % 24);
			break;
		case 2:
			f.tp_dst ^= htons(1u << random() % 11);
			break;
		case 3:
			f.tp_src = htons(random() % 2000);
			break;
		case 4:
			f.ipv6_dst[random() % 16] ^= 1 << random() % 8;
			break;
		case 5:
			f.tcp_flags = htons(random() % 64);
			break;
		case 6:
			f.tun_metadata[random() % 44] ^= 1 << random() % 8;
			break;
		}
	}
	f.nw_ttl = random();
	return f;
}

/* Each test begins and ends with no rules. */
int reset(void **state)
{
	struct rule_choice all = { .any_table = true };
	struct rule *rule;

	(void)state;
	while ((rule = tables_chosen(&tables, &all, NULL))) {
		tables_remove(&tables, rule);
		free(rule);
	}
	assert_int_equal(tables.n_rules, 0);
	return 0;
}
