/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the daemon pins what is to outlive it, each datapath in a folder of its own. */
#ifndef PINS_H
#define PINS_H 1

struct sw;

#define BPFFS "/sys/fs/bpf"
#define PIN_LEN 512

int bpffs_mount(void);
int pin_dirs(char *path);
void pin_path(const struct sw *sw, char *path, const char *kind,
	      const char *name);

#endif
