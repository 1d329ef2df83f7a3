/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CAPS_H
#define CAPS_H 1

#include <stdbool.h>
#include <stddef.h>

int caps_check(char *err, size_t size);
int caps_drop(void);
bool caps_has_perfmon(void);

#endif
