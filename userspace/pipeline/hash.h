/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash tables of uthash.h, which end no process that is out of memory: HASH_ADD() then
 * adds nothing.
 */
#ifndef HASH_H
#define HASH_H 1

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Whether an element, by its handle, is in its table. */
#define HASH_HAS(hh) ((hh).tbl)

#endif
