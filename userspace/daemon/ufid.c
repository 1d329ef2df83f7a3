// SPDX-License-Identifier: GPL-2.0-or-later
/* UFIDs as text: 32 hexadecimal digits with dashes, as of a UUID. */
#include "ufid.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../lib/dpnl.h"

/* Each of its four words is written as a number of the host's. */
void ufid_format(const uint8_t *ufid, char text[UFID_TEXT])
{
	uint32_t w[4];

	memcpy(w, ufid, sizeof(w));
	snprintf(text, UFID_TEXT, "%08x-%04x-%04x-%04x-%04x%08x", w[0],
		 w[1] >> 16, w[1] & 0xffff, w[2] >> 16, w[2] & 0xffff, w[3]);
}

/**
 * ufid_parse - read one, with or without "ufid:" before it
 * @text: the text.
 * @ufid: filled in.
 *
 * Return: 0 or -1.
 */
int ufid_parse(const char *text, uint8_t *ufid)
{
	char digits[33] = "";
	unsigned int n = 0;
	uint32_t w[4];

	if (!strncmp(text, "ufid:", 5))
		text += 5;
	for (; *text; text++) {
		if (*text == '-' && n && text[1])
			continue;
		if (n == 32 || !isxdigit((unsigned char)*text))
			return -1;
		digits[n++] = *text;
	}
	if (n != 32 || sscanf(digits, "%8x%8x%8x%8x", &w[0], &w[1], &w[2], &w[3]) != 4)
		return -1;
	memcpy(ufid, w, sizeof(w));
	return 0;
}
