/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef READFILE_H
#define READFILE_H 1

#include <stddef.h>

char *read_file(const char *path, size_t max, size_t *len, char *err,
		size_t size);

#endif
