// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every command with every argument: an input is a batch, a command a line.  Files
 * that it names are looked for in the working folder alone.
 */
#include <stdlib.h>
#include <string.h>

#include "../../lib/args.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_line(struct sw *sw, char *line)
{
	const char *words[MAX_ARGS + 2], *object, *verb;
	char method[128], why[256];
	int n, skip;

	/* No other file than those that are here. */
	if (strchr(line, '/') || strstr(line, ".."))
		return;
	n = words_split(line, words, MAX_ARGS + 2, why, sizeof(why));
	if (n <= 0)
		return;
	object = words[0];
	verb = n > 1 ? words[1] : "";
	skip = cmd_find_words(object, NULL) ? 1 : n > 1 ? 2 : 1;
	snprintf(method, sizeof(method), skip == 2 ? "%.60s/%.60s" : "%.60s", object,
		 verb);
	if (n - skip <= MAX_ARGS)
		fuzz_run(sw, method, n - skip, words + skip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sw *sw = fuzz_switch();
	char *text = malloc(size + 1), *line, *save;

	memcpy(text, data, size);
	text[size] = 0;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		run_line(sw, line);
	free(text);
	fuzz_reset(sw);
	return 0;
}
