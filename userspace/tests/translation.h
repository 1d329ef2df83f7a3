/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules, groups and a translation by them, whose operations are written in short:
 * what the tests of translation share.
 */
#ifndef TRANSLATION_H
#define TRANSLATION_H 1

#include "../pipeline/xlate.h"

extern struct tables tables;
extern struct groups groups;
extern struct frozen_set frozen;
extern struct mac_table macs;
extern struct xlate_out out;
extern uint32_t dead_port;
extern bool apart;
extern char traced[65536];
extern void (*on_stage)(const struct xlate_stage *stage, void *arg);
extern void *stage_arg;

void add(const char *text);
void add_group(const char *text);
int reset(void **state);
struct flow udp(uint16_t dst);
const char *run(const struct flow *f);
struct flow back(struct flow f);

#define EXPECT(f, want) assert_string_equal(run(&(f)), want)
#define T(f) cmocka_unit_test_setup_teardown(f, reset, reset)

#endif
