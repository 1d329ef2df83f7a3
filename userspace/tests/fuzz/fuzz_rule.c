// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of rules and groups: what is read and written again is read as the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../pipeline/rule.h"
#include "../../pipeline/tlv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any name is a port's. */
static bool port(const char *name, uint32_t *number, void *arg)
{
	(void)arg;
	*number = strlen(name);
	return true;
}

static const struct rule_names names = { .port = port };

/* What a group is read as, written; NULL if it is none. */
static const char *group_again(const char *text, char *buf, size_t size)
{
	char err[4096] = "";
	struct group *g = group_read(&names, text, err, sizeof(err));

	if (!g && !*err)
		abort();
	if (!g)
		return NULL;
	group_format(g, buf, size);
	group_free(g);
	return buf;
}

static void try_group(const char *text)
{
	static char first[1 << 18], second[1 << 18];

	if (!group_again(text, first, sizeof(first)))
		return;
	if (!group_again(first, second, sizeof(second)) || strcmp(first, second)) {
		fprintf(stderr, "%s\n-> %s\n-> %s\n", text, first, second);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char first[65536], second[65536];
	char *text = malloc(size + 1), err[4096] = "";
	static const struct tlv four = { 0xffff, 0, 4 }, twelve = { 0xffff, 1, 12 },
				rest = { 0xffff, 2, 108 };
	struct rule *rule, *again;
	struct rule_choice choice;

	tlv_map(0, &four);
	tlv_map(1, &twelve);
	tlv_map(2, &rest);
	memcpy(text, data, size);
	text[size] = 0;
	rule = rule_read(&names, text, true, err, sizeof(err));
	if (!rule && !*err)
		abort();
	if (rule) {
		rule_format(rule, first, sizeof(first));
		again = rule_parse(first, true, err, sizeof(err));
		if (!again) {
			fprintf(stderr, "%s\n-> %s\n%s\n", text, first, err);
			abort();
		}
		rule_format(again, second, sizeof(second));
		if (strcmp(first, second)) {
			fprintf(stderr, "%s\n-> %s\n-> %s\n", text, first, second);
			abort();
		}
		free(again);
	}
	free(rule);
	rule = rule_parse(text, false, err, sizeof(err));
	free(rule);
	rule_choice_parse(&choice, &names, text, size & 1, err, sizeof(err));
	try_group(text);
	free(text);
	return 0;
}
