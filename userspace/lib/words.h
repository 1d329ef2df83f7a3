/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words that arguments are made of: for the daemon, and for completion. */
#ifndef WORDS_H
#define WORDS_H 1

/* Kinds of events, X(name). */
#define EVENTS(X) X(upcall) X(flow) X(port) X(rule) X(prog) X(config) X(packet)

/* What is limited: X(name, least, most). */
#define LIMITS(X)							\
	X(flows, 0, 10000000) X(masks, 0, 1000000) X(queue, 1, 100000)	\
	X(rate, 0, 100000000) X(burst, 1, 1000000)

#endif
