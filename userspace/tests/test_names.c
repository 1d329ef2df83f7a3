// SPDX-License-Identifier: GPL-2.0-or-later
/* What the text of rules and groups names: what is not there is told by its token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/xlate.h"

/* f... are filters, x... unknown. */
static enum prog_class class_of(const char *name)
{
	return *name == 'f' ? PROG_FILTER : *name == 'x' ? PROG_UNKNOWN : PROG_ACTION;
}

static bool filter(const char *prog, char *err, size_t size, void *arg)
{
	(void)arg;
	return filter_check(prog, class_of(prog), err, size);
}

/* There is a group 5 and a meter 3. */
static bool act(const struct act *a, char *err, size_t size, void *arg)
{
	(void)arg;
	if (a->type == ACT_BPF)
		return act_check_prog(a, class_of(a->prog), err, size);
	if (a->type == ACT_GROUP && a->n != 5)
		snprintf(err, size, "there is no group %u", a->n);
	else if (a->type == ACT_METER && a->n != 3)
		snprintf(err, size, "there is no meter %u", a->n);
	else
		return true;
	return false;
}

/* Some are called as other things are. */
static bool port(const char *name, uint32_t *number, void *arg)
{
	static const struct { const char *name; uint32_t number; } ports[] = {
		{ "eth0", 1 }, { "eth0.5", 2 }, { "a,b", 3 }, { "reg0", 4 }, { "flood", 5 },
		{ "1st", 6 }, { "x(,actions=y", 7 }, { "eth-1#2", 65534 }, { "sw0", 0 },
	};
	unsigned int i;

	(void)arg;
	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		if (strcmp(ports[i].name, name))
			continue;
		*number = ports[i].number;
		return true;
	}
	return false;
}

static const struct rule_names names = { .act = act, .filter = filter, .port = port };
static char err[512];

/* Reads a rule, or a group, and writes it.  Return: its text, or @err. */
static const char *read_again(const char *text)
{
	static char buf[RULE_TEXT];
	bool is_group = strstr(text, "group_id=");
	struct group *g = is_group ? group_read(&names, text, err, sizeof(err)) : NULL;
	struct rule *r = is_group ? NULL : rule_read(&names, text, true, err, sizeof(err));

	if (!g && !r)
		return err;
	if (g)
		group_format(g, buf, sizeof(buf));
	else
		rule_format(r, buf, sizeof(buf));
	group_free(g);
	free(r);
	return buf;
}

struct said { const char *text, *says; };

static void check_all(const struct said *as, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (strcmp(read_again(as[i].text), as[i].says))
			fail_msg("\"%s\": said \"%s\", not \"%s\"", as[i].text,
				 read_again(as[i].text), as[i].says);
}

#define CHECK_ALL(as) check_all(as, sizeof(as) / sizeof((as)[0]))

static void test_not_there(void **state)
{
	static const struct said as[] = {
		{ "actions=group:9,drop", "there is no group 9 (at \"9\", position 15)" },
		{ "actions=drop,meter:99", "there is no meter 99 (at \"99\", position 20)" },
		{ "actions=bpf(xa,arg=1)", "no program xa is loaded (at \"xa\", position 13)" },
		{ "actions=bpf(f,mode=always)",
		  "bpf(f): a filter changes nothing, so that it has no mode (at \"f\", position 13)" },
		{ "bpf=x,actions=drop", "no program x is loaded (at \"x\", position 5)" },
		{ "bpf=a,actions=drop",
		  "bpf=a: the program is no filter, but one that may change the packet (at \"a\", position 5)" },
		{ "priority=1,bpf=f,actions=bpf(a,mode=always),bpf(f,result=reg1),group:5,meter:3",
		  "table=0,priority=1,bpf=f,actions=bpf(a,mode=always),bpf(f,result=reg1),group:5,meter:3" },
		{ "group_id=1,type=all,bucket=drop,bucket=bpf(x)",
		  "no program x is loaded (at \"x\", position 44)" },
	};

	(void)state;
	CHECK_ALL(as);
}

/* What is missing is told by the place where it would stand. */
static void test_missing(void **state)
{
	static const struct said as[] = {
		{ "ip,nw_ttl=5", "a rule needs actions=... (at position 12)" },
		{ "", "a rule needs actions=... (at position 1)" },
		{ "ip,actions=", "actions= is empty (say drop) (at position 12)" },
		{ "actions=group:,drop", "no group can have this number (at position 15)" },
		{ "group_id=1,bucket=drop", "a group needs group_id= and type= (at position 12)" },
		{ "group_id=1,type=indirect", "a group of type indirect has one bucket (at position 25)" },
		{ "group_id=1,type=indirect,bucket=drop,bucket=output:1",
		  "a group of type indirect has one bucket (at \"output:1\", position 45)" },
		{ "group_id=1,type=all,bucket=weight:1,", "a bucket needs actions (say drop) (at position 37)" },
	};

	(void)state;
	CHECK_ALL(as);
}

/* A port by its name, wherever its number may stand. */
static void test_ports(void **state)
{
	static const struct said as[] = {
		{ "priority=1,in_port=eth0.5,actions=output:eth0,eth-1#2,sw0",
		  "table=0,priority=1,in_port=2,actions=output:1,output:65534,output:0" },
		{ "priority=1,in_port=\"a,b\",actions=\"a,b\",output:\"a,b\",\"eth0\"",
		  "table=0,priority=1,in_port=3,actions=output:3,output:3,output:1" },
		/* What is the name of something else, too, is so in quotes. */
		{ "priority=1,in_port=\"1st\",actions=output:reg0,output:\"reg0\",flood,\"flood\"",
		  "table=0,priority=1,in_port=6,actions=output:reg0[],output:4,FLOOD,output:5" },
		{ "priority=1,in_port=\"x(,actions=y\",actions=\"x(,actions=y\",drop",
		  "table=0,priority=1,in_port=7,actions=output:7,drop" },
		{ "priority=1,in_port=LOCAL,actions=local,output:LOCAL,resubmit:local",
		  "table=0,priority=1,in_port=0,actions=output:0,output:0,resubmit(0,0)" },
		{ "priority=1,actions=resubmit(eth0,2),resubmit(\"a,b\",2),resubmit:eth0,set_field:eth0.5->in_port",
		  "table=0,priority=1,actions=resubmit(1,2),resubmit(3,2),resubmit(1,0),set_field:2->in_port" },
		{ "priority=1,actions=output:in_port,output:NORMAL,output:all,output:FLOOD,output:controller",
		  "table=0,priority=1,actions=IN_PORT,NORMAL,ALL,FLOOD,CONTROLLER" },
		{ "group_id=1,type=ff,bucket=watch_port:eth0,eth0,bucket=watch_port:\"a,b\",actions=\"a,b\",bucket=watch_port:LOCAL,1",
		  "group_id=1,type=fast_failover,bucket=watch_port:1,actions=output:1,bucket=watch_port:3,actions=output:3,bucket=watch_port:0,actions=output:1" },
		{ "in_port=eth1,actions=drop", "no port has this name (at \"eth1\", position 9)" },
		{ "in_port=\"eth1\",actions=drop", "no port has this name (at \"\"eth1\"\", position 9)" },
		{ "in_port=\"eth0,actions=drop", "the closing quote is missing (at \"\"eth0,actions=drop\", position 9)" },
		{ "in_port=eth0/1,actions=drop", "no port has this name (at \"eth0/1\", position 9)" },
		{ "in_port=\"eth0\"x,actions=drop", "the closing quote is missing (at \"\"eth0\"x\", position 9)" },
		{ "in_port=,actions=drop", "in_port: not a number (at position 9)" },
		{ "actions=output:eth1", "no port or field has this name (at \"eth1\", position 16)" },
		{ "actions=drop,eth1", "no action or port has this name (at \"eth1\", position 14)" },
		{ "actions=\"eth1\"", "no port has this name (at \"\"eth1\"\", position 9)" },
		{ "actions=resubmit(eth1,2)", "no port has this name (at \"eth1\", position 18)" },
		{ "actions=set_field:eth1->in_port", "no port has this name (at \"eth1\", position 19)" },
		{ "actions=output:70000", "a port must be 0 to 65534 (at \"70000\", position 16)" },
		{ "group_id=1,type=ff,bucket=watch_port:eth1,drop",
		  "no port has this name (at \"eth1\", position 38)" },
		{ "group_id=1,type=ff,bucket=watch_port:70000,drop",
		  "a port must be 0 to 65534 (at \"70000\", position 38)" },
	};

	(void)state;
	CHECK_ALL(as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_there), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
