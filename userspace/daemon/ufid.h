/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UFID_H
#define UFID_H 1

#include <stdint.h>

#define UFID_TEXT 37

/* The name of a megaflow, as ovs-dpctl writes and reads it. */
void ufid_format(const uint8_t *ufid, char text[UFID_TEXT]);
int ufid_parse(const char *text, uint8_t *ufid);

#endif
