/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of one table, to be found by packet.
 *
 * Rules with the same mask are a subtable, a hash table over the masked packet.
 * Subtables are visited from the highest priority down, until no better rule can
 * come.  Not every bit of a mask is read each time: the hash is computed in
 * stages (metadata, layer 2, 3, 4), and each but the last has an index that may
 * tell that no rule goes on like this; and tries of the prefixes of addresses and
 * ports may tell the same by a few bits.  What was read is recorded, and no more.
 */
#ifndef CLASSIFIER_H
#define CLASSIFIER_H 1

#include "rule.h"

struct classifier;

struct classifier *classifier_new(void);
void classifier_free(struct classifier *c);
struct rule *classifier_find(struct classifier *c, struct rule *like);
bool classifier_insert(struct classifier *c, struct rule *rule);
void classifier_hide(struct classifier *c, struct rule *rule);
void classifier_show(struct classifier *c, struct rule *rule);
void classifier_forget(struct classifier *c, struct rule *rule);
struct rule *classifier_lookup(struct classifier *c, const struct flow *flow,
			       const struct outcomes *known, struct flow *wc);
bool classifier_reg_values(const struct classifier *c, unsigned int reg,
			   uint32_t *values, unsigned int room, unsigned int *n);
unsigned int classifier_subtables(const struct classifier *c);

#endif
