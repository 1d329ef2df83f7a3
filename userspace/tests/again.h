/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that are read and written again. */
#ifndef AGAIN_H
#define AGAIN_H 1

/* What was wrong with the last one; "": nothing. */
extern char err[512];

const char *again(const char *text);

#endif
