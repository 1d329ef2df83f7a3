// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What comes from a client of the control socket, byte by byte: the scanner and the
 * parser agree on where an object ends, and templates stand whatever JSON there is.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/cmds.h"
#include "../../lib/jsonscan.h"
#include "../../lib/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_scan whole = {}, parts = {};
	int end = json_scan(&whole, (const char *)data, size), piece = 0;
	static FILE *null;
	unsigned int i;
	json_t *o;
	size_t k;

	for (k = 0; k < size && !piece; k++)
		piece = json_scan(&parts, (const char *)data + k, 1);
	if (piece != end || whole.scanned != parts.scanned || whole.scanned > size)
		abort();
	if (end != 1)
		return 0;
	o = json_loadb((const char *)data, whole.scanned, 0, NULL);
	if (!null)
		null = fopen("/dev/null", "w");
	for (i = 0; o && i < n_cmds; i++)
		render(null, cmds[i].text, o);
	json_decref(o);
	return 0;
}
