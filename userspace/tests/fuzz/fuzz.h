/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A switch on a datapath that is none, for fuzzers. */
#ifndef FUZZ_H
#define FUZZ_H 1

#include <stddef.h>
#include <stdint.h>

#include "../../daemon/switch.h"

struct sw *fuzz_switch(void);
void fuzz_reset(struct sw *sw);
int fuzz_run(struct sw *sw, const char *method, int argc, const char **argv);

#endif
