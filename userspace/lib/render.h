/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people from the JSON that a command answers with, by a template:
 *
 *	{key}		the value of a member; {a.b} of a member's member
 *	{key:8}		at least 8 wide, to the right; {key:-8} to the left
 *	{key|4}		each line of it indented by 4
 *	{#key}...{/key}	once for each element of an array, once for an object or a
 *			value that is not null, false, zero or empty; the names
 *			within are looked up in it, and then around it
 *	{^key}...{/key}	if there is nothing of the kind
 *	{.}		the element itself
 */
#ifndef RENDER_H
#define RENDER_H 1

#include <jansson.h>
#include <stdio.h>

void render(FILE *out, const char *text, const json_t *value);
const char *render_check(const char *text);

#endif
