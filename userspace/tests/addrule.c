// SPDX-License-Identifier: GPL-2.0-or-later
/* A rule for a test; see addrule.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "addrule.h"

struct rule *add_rule(struct tables *tables, const char *text)
{
	char err[256] = "";
	struct rule *rule = rule_parse(text, true, err, sizeof(err));
	struct rule *old;

	assert_string_equal(err, "");
	assert_int_equal(tables_insert(tables, rule, &old), 0);
	if (old)
		tables_forget(tables, old);
	free(old);
	return rule;
}
