/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule for a test, in place of one like it; a text that is none fails the test. */
#ifndef ADDRULE_H
#define ADDRULE_H 1

#include "../pipeline/rule.h"

struct rule *add_rule(struct tables *tables, const char *text);

#endif
