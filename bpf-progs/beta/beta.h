/* SPDX-License-Identifier: GPL-2.0 */
/* What beta.bpf.c and those who load it share. */
#ifndef BETA_H
#define BETA_H 1

/* What the result is: the low half of the argument. */
enum beta_what {
	BETA_CONST,		/* the parameter */
	BETA_SPORT,		/* the source port; 0 if there is none */
	BETA_SCRIBBLE,		/* the parameter, after writing all that may be */
	BETA_PULL,		/* the byte at this offset, wherever it lies */
	BETA_LEN,		/* the length */
	BETA_MARK,		/* the mark */
};

#endif /* BETA_H */
