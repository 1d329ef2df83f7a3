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

static const struct rule_names names = { .act = act, .filter = filter };
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
		rule_format(r, false, buf, sizeof(buf));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_there), cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
