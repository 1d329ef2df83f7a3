// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

int text_add(char *buf, size_t size, int n, const char *fmt, ...)
{
	va_list args;
	int k;

	if ((size_t)n >= size)
		return n;
	va_start(args, fmt);
	k = vsnprintf(buf + n, size - n, fmt, args);
	va_end(args);
	return (size_t)(n + k) < size ? n + k : (int)size - 1;
}

int text_add_place(char *buf, size_t size, int n, const char *token,
		   const char *start)
{
	int at = token - start + 1;

	return *token ?
	       text_add(buf, size, n, " (at \"%.60s\", position %d)", token, at) :
	       text_add(buf, size, n, " (at position %d)", at);
}
