/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A switch for tests of commands, on a datapath that is none (fake_dpnl.c). */
#ifndef SWBED_H
#define SWBED_H 1

struct sw;

/**
 * own_bpffs - what is pinned from now on is pinned in a bpffs of the test's own
 *
 * Return: 0, as without root, who alone pins; or -1.
 */
int own_bpffs(void);

/**
 * sw_bed - make a switch, and a file to write to
 * @sw: filled in; this thread's turn.
 * @name: of its datapath.
 * @idle_ms: after which megaflows go.
 * @file: a template for mkstemp(), then the file's name.
 *
 * Return: 0 or -1.
 */
int sw_bed(struct sw *sw, const char *name, unsigned int idle_ms, char *file);

#endif
