/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of a command, read by a description such as
 *
 *	"DEVICE [NUMBER=1-65534] [internal]"
 *
 * A word in capitals is a value; with =LOW-HIGH a number in that range.  Other
 * words are keywords, which stand for themselves.  What is in brackets may be left
 * out; NAME... takes all the words that are left.  Keywords may stand anywhere.
 */
#ifndef ARGS_H
#define ARGS_H 1

#include <stdint.h>

#include "cmds.h"

#define MAX_ARGS 16
#define MAX_PARAMS 12
#define PARAM_NAME 32

/**
 * struct param - a part of the description
 * @name: of the value, or the keyword.
 * @keyword: it stands for itself.
 * @optional: it may be left out.
 * @rest: it takes all that is left.
 * @number: it is a number, from @low to @high.
 * @low: see @number.
 * @high: see @number.
 */
struct param {
	char name[PARAM_NAME];
	bool keyword;
	bool optional;
	bool rest;
	bool number;
	uint64_t low;
	uint64_t high;
};

/**
 * struct args - what was given
 * @params: the description.
 * @n_params: how many.
 * @given: for each, the word, or NULL.
 * @rest: words that the last one took.
 * @n_rest: how many.
 */
struct args {
	struct param params[MAX_PARAMS];
	unsigned int n_params;
	const char *given[MAX_PARAMS];
	const char *rest[MAX_ARGS];
	unsigned int n_rest;
};

int params_parse(const char *text, struct param *params);
int args_parse(struct args *a, const struct cmd *cmd, int argc,
	       const char *const *argv, char *err, size_t size);
const char *args_get(const struct args *a, const char *name);
bool args_has(const struct args *a, const char *keyword);
uint64_t args_number(const struct args *a, const char *name, uint64_t otherwise);

/* A line as a shell would take it apart. */
int words_split(char *line, const char **words, unsigned int max, char *err,
		size_t size);

#endif
