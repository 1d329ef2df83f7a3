// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Privileges: the daemon needs CAP_NET_ADMIN for the datapath and CAP_BPF for
 * programs, and gives up all others; but for CAP_PERFMON, if it has that: without it
 * the verifier refuses whatever adds a variable offset to a packet pointer, such as
 * the length of an IP header.
 */
#include "caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	unsigned int cap;
	const char *name;
	const char *what;
} needed[] = {
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "the datapath can't be controlled" },
	{ CAP_BPF, "CAP_BPF", "programs can't be loaded" },
};

#define N_NEEDED (sizeof(needed) / sizeof(needed[0]))

static int get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capget, &head, data);
}

static int has(const struct __user_cap_data_struct *data, unsigned int cap)
{
	return data[cap / 32].effective >> cap % 32 & 1;
}

/**
 * caps_check - see whether the daemon may do what it has to
 * @err: a sentence that names what is missing, if it may not.
 * @size: its room.
 *
 * Return: 0 or -1.
 */
int caps_check(char *err, size_t size)
{
	struct __user_cap_data_struct data[2] = {};
	unsigned int i;

	if (get(data)) {
		snprintf(err, size, "capabilities can't be read: %s", strerror(errno));
		return -1;
	}
	for (i = 0; i < N_NEEDED; i++) {
		if (has(data, needed[i].cap))
			continue;
		snprintf(err, size, "%s is missing: without it %s (it takes CAP_NET_ADMIN and CAP_BPF, no more)",
			 needed[i].name, needed[i].what);
		return -1;
	}
	return 0;
}

/* Whether programs may do all that the verifier can prove safe. */
bool caps_has_perfmon(void)
{
	struct __user_cap_data_struct data[2] = {};

	return !get(data) && has(data, CAP_PERFMON);
}

/**
 * caps_drop - give up all privileges that are not needed, for good
 *
 * Return: 0 or a negative errno.
 */
int caps_drop(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {};
	bool perfmon = caps_has_perfmon();
	unsigned int i;

	/* Fails without CAP_SETPCAP, and then there is nothing to drop from. */
	for (i = 0; i <= CAP_LAST_CAP; i++)
		if (i != CAP_NET_ADMIN && i != CAP_BPF && i != CAP_PERFMON)
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	for (i = 0; i < N_NEEDED; i++) {
		data[needed[i].cap / 32].effective |= 1u << needed[i].cap % 32;
		data[needed[i].cap / 32].permitted |= 1u << needed[i].cap % 32;
	}
	if (perfmon) {
		data[CAP_PERFMON / 32].effective |= 1u << CAP_PERFMON % 32;
		data[CAP_PERFMON / 32].permitted |= 1u << CAP_PERFMON % 32;
	}
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}
