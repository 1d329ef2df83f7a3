// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers: a command makes rows of JSON, which are the answer as they are, or are
 * written for people by the command's template, so that the two can't differ.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "../lib/render.h"
#include "command.h"

/* The answer is a list, of any number of rows. */
void reply_list(struct reply *r)
{
	r->list = true;
}

static void put_row(struct reply *r, FILE *out, json_t *row)
{
	if (!r->json) {
		render(out, r->cmd->text, row);
		return;
	}
	if (r->list)
		fputs(r->rows ? ",\n" : "[", out);
	json_dumpf(row, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

/**
 * reply_row - add to the answer
 * @r: the answer.
 * @row: a row; taken over.
 *
 * Return: 0, or -1 if it becomes too long; then the command ends as it likes.
 */
int reply_row(struct reply *r, json_t *row)
{
	if (!row || r->full || ftell(r->out) > (long)MAX_ANSWER) {
		json_decref(row);
		r->full = true;
		return reply_fail(r, row ? "the answer is longer than %u MiB" :
				  "out of memory", MAX_ANSWER >> 20);
	}
	/* What only the first row of a text shows. */
	if (!r->json && !r->rows && json_is_object(row))
		json_object_set_new(row, "first", json_true());
	put_row(r, r->out, row);
	r->rows++;
	json_decref(row);
	return 0;
}

/**
 * reply_rows - answer with a list
 * @r: the answer.
 * @rows: an array; taken over.
 *
 * Return: 0.
 */
int reply_rows(struct reply *r, json_t *rows)
{
	json_t *row;
	size_t i;

	reply_list(r);
	json_array_foreach(rows, i, row)
		reply_row(r, json_incref(row));
	json_decref(rows);
	return 0;
}

/**
 * reply_fail - the command went wrong
 * @r: the answer.
 * @fmt: a sentence.
 *
 * Return: -1.
 */
int reply_fail(struct reply *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->err, sizeof(r->err), fmt, args);
	va_end(args);
	r->failed = true;
	return -1;
}

/* Likewise, with a row that tells.  Return: -1. */
int reply_fail_row(struct reply *r, json_t *row)
{
	FILE *out = fmemopen(r->err, sizeof(r->err), "w");

	r->failed = true;
	if (out) {
		put_row(r, out, row);
		fclose(out);
	}
	r->err[sizeof(r->err) - 1] = 0;
	json_decref(row);
	return -1;
}

/* No more rows. */
void reply_end(struct reply *r)
{
	if (!r->json)
		return;
	if (r->list)
		fputs(r->rows ? "]\n" : "[]\n", r->out);
	else
		fputs(r->rows ? "\n" : "{}\n", r->out);
}
