/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JSONSCAN_H
#define JSONSCAN_H 1

#include <stdbool.h>
#include <stddef.h>

#define MAX_NESTING 16

/**
 * struct json_scan - where a stream of JSON objects has come to
 * @scanned: bytes of the object that have been looked at.
 * @depth: open brackets.
 * @in_string: within a string.
 * @escaped: and behind a backslash.
 */
struct json_scan {
	size_t scanned;
	unsigned int depth;
	bool in_string;
	bool escaped;
};

int json_scan(struct json_scan *s, const char *buf, size_t len);

#endif
