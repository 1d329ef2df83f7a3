// SPDX-License-Identifier: GPL-2.0-or-later
/* Folders in the bpffs; see pins.h. */
#include "pins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "switch.h"

#define BPFFS_MAGIC 0xcafe4a11

/* Mount the bpffs, if it is not.  Return: 0 or a negative errno. */
int bpffs_mount(void)
{
	struct statfs fs;

	if (!statfs(BPFFS, &fs) && (unsigned long)fs.f_type == BPFFS_MAGIC)
		return 0;
	return mount("bpf", BPFFS, "bpf", 0, NULL) ? -errno : 0;
}

/**
 * pin_dirs - make a folder below the bpffs, with those that it is in
 * @path: the folder.
 *
 * Return: 0 or a negative errno.
 */
int pin_dirs(char *path)
{
	char *p;

	if (bpffs_mount())
		return -errno;
	for (p = path + strlen(BPFFS) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

/**
 * pin_path - where something is pinned
 * @sw: the switch.
 * @path: filled in; room for PIN_LEN.
 * @kind: what it is.
 * @name: which; NULL: of all of its kind.
 */
void pin_path(const struct sw *sw, char *path, const char *kind,
	      const char *name)
{
	snprintf(path, PIN_LEN, BPFFS "/ovs-bpf/v1/%s/%s%s%s", sw->dp, kind,
		 name ? "/" : "", name ? name : "");
}
