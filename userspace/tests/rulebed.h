/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of rules, and a look at them: what the tests of the classifier share.
 */
#ifndef RULEBED_H
#define RULEBED_H 1

#include "../pipeline/classifier.h"

extern struct tables tables;
/* What the last look has read. */
extern struct flow wc;

struct rule *add(const char *text);
struct rule *look(const struct flow *f);
const char *random_rule(unsigned int priority);
struct flow random_packet(const struct rule *like);
int reset(void **state);

#define T(f) cmocka_unit_test_setup_teardown(f, reset, reset)

#endif
