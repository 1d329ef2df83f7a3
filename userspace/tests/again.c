// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules that are read and written again; see again.h. */
#include <stdlib.h>

#include "../pipeline/rule.h"
#include "again.h"

char err[512];

/* Reads a rule and writes it.  Return: its text, or @err. */
const char *again(const char *text)
{
	static char buf[RULE_TEXT];
	struct rule *rule;

	err[0] = 0;
	rule = rule_parse(text, true, err, sizeof(err));
	if (!rule)
		return err;
	rule_format(rule, buf, sizeof(buf));
	free(rule);
	return buf;
}
