// SPDX-License-Identifier: GPL-2.0-or-later
/* The pidfile: locked while the daemon lives, which is how ovs-appctl tells. */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the file that is locked is still the one of this name. */
static int is_current(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/**
 * pidfile_take - write the pidfile, and keep it locked
 * @path: the file.
 * @holder: who has it, if that is another process.
 *
 * Return: 0, -EBUSY, or another negative errno.
 */
int pidfile_take(const char *path, pid_t *holder)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), err;
	char text[24];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &lock)) {
		err = errno;
		*holder = !fcntl(fd, F_GETLK, &lock) ? lock.l_pid : 0;
		close(fd);
		return err == EAGAIN || err == EACCES ? -EBUSY : -err;
	}
	/* Whoever had it may just have removed it. */
	if (!is_current(fd, path)) {
		close(fd);
		return pidfile_take(path, holder);
	}
	errno = ENOSPC;	/* what a part of it alone means */
	if (ftruncate(fd, 0) || write(fd, text, len) != len) {
		err = errno;
		close(fd);
		unlink(path);
		return -err;
	}
	return 0;	/* the descriptor stays open, with the lock */
}
