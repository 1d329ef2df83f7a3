// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that a user names: what is no file, or too large, must not hold us up. */
#include "readfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *take(int fd, const char *path, size_t max, size_t *len, char *err,
		  size_t size)
{
	struct stat st;
	char *buf;
	ssize_t n;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		snprintf(err, size, "can't read %.400s: it is no file", path);
		return NULL;
	}
	if ((size_t)st.st_size > max) {
		snprintf(err, size, "can't read %.400s: it is larger than %zu bytes",
			 path, max);
		return NULL;
	}
	buf = malloc(st.st_size + 1);
	for (*len = 0; buf && *len < (size_t)st.st_size; *len += n) {
		n = read(fd, buf + *len, st.st_size - *len);
		if (n < 0) {
			snprintf(err, size, "can't read %.400s: %s", path,
				 strerror(errno));
			free(buf);
			return NULL;
		}
		if (!n)
			break;
	}
	if (buf)
		buf[*len] = 0;
	else
		snprintf(err, size, "out of memory");
	return buf;
}

/**
 * read_file - read a regular file whole
 * @path: the file.
 * @max: the most bytes that it may have.
 * @len: its length.
 * @err: a sentence, if it fails.
 * @size: its room.
 *
 * Return: its contents with a zero behind them, to be freed; or NULL.
 */
char *read_file(const char *path, size_t max, size_t *len, char *err,
		size_t size)
{
	/* A FIFO must not be waited for. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *buf;

	if (fd < 0) {
		snprintf(err, size, "can't read %.400s: %s", path,
			 strerror(errno));
		return NULL;
	}
	buf = take(fd, path, max, len, err, size);
	close(fd);
	return buf;
}
