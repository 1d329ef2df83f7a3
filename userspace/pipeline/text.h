/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEXT_H
#define TEXT_H 1

#include <stddef.h>

/**
 * text_add - append to a text that may be cut short
 * @buf: the text.
 * @size: bytes that it has room for, at least 1.
 * @n: its length.
 * @fmt: as of printf().
 *
 * Return: the new length, below @size.
 */
int text_add(char *buf, size_t size, int n, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * text_add_place - append which part of what a user has written is meant
 * @buf: the text.
 * @size: its room.
 * @n: its length.
 * @token: the part; empty: what is missing would stand there.
 * @start: where the user's text begins.
 *
 * Return: the new length, below @size.
 */
int text_add_place(char *buf, size_t size, int n, const char *token,
		   const char *start);

#endif
