/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One upcall, from its message to what the datapath said of the answer. */
#ifndef UPCALL_H
#define UPCALL_H 1

#include "switch.h"

/**
 * struct upcall - an upcall that is being answered
 * @made: a megaflow that was made for it, or NULL.
 * @install: the request that installs a megaflow, or NULL.
 * @execute: the request that sends the packet on, or NULL.
 * @through: @install does that as well.
 */
struct upcall {
	struct mflow *made;
	struct dpnl_req *install;
	struct dpnl_req *execute;
	bool through;
};

/* Requests that an upcall may take. */
#define UPCALL_REQS 2

int upcall_port(const struct dpnl *nl, const void *msg, size_t len, uint32_t *port);
void upcall_begin(struct sw *sw, struct dpnl *nl, struct xlate_out *out,
		  const void *msg, size_t len, struct upcall *u);
void upcall_end(struct sw *sw, struct dpnl *nl, struct upcall *u,
		int install_err, int execute_err, const char *why);

#endif
