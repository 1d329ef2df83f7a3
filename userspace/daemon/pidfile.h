/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PIDFILE_H
#define PIDFILE_H 1

#include <sys/types.h>

int pidfile_take(const char *path, pid_t *holder);

#endif
