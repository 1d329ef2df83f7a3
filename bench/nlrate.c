// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions per flow that is installed, deleted or dumped.
 *
 *	nlrate send FILE COUNT OFFSET [OFFSET]...
 *	nlrate dump FILE COUNT
 *
 * FILE holds netlink messages, each as a native 32-bit length and its bytes.
 * "send" sends COUNT messages, the ones of FILE in turn, each with its number
 * (32 bits, network order) added at the OFFSETs, and wants each acknowledged.
 * "dump" sends the first one COUNT times, and reads the replies to the end each time.
 * Both print how many, instructions, and nanoseconds idle (none).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <x86intrin.h>

#define MAX_MSGS 256
/* Requests under way: their acknowledgements fit into the socket's buffer. */
#define WINDOW 32
#define MAX_OFFSETS 4

static uint8_t *msgs[MAX_MSGS];
static unsigned int n_msgs;
static char buf[1 << 20];
static int sock;

static void die(const char *what)
{
	fprintf(stderr, "nlrate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void read_messages(const char *path)
{
	FILE *f = fopen(path, "r");
	uint32_t len;

	if (!f)
		die(path);
	while (n_msgs < MAX_MSGS && fread(&len, sizeof(len), 1, f) == 1) {
		msgs[n_msgs] = malloc(len);
		if (!msgs[n_msgs] || fread(msgs[n_msgs], len, 1, f) != 1)
			die(path);
		n_msgs++;
	}
	fclose(f);
	if (!n_msgs)
		die("no messages");
}

/* Read what has come; returns how many messages that was, 0 at the end of a dump. */
static unsigned int receive(int *done)
{
	ssize_t len = recv(sock, buf, sizeof(buf), 0);
	struct nlmsghdr *h = (void *)buf;
	unsigned int n = 0;

	if (len < 0)
		die("recv");
	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE) {
			*done = 1;
			continue;
		}
		if (h->nlmsg_type == NLMSG_ERROR) {
			errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (errno)
				die("refused");
		}
		n++;
	}
	return n;
}

static uint64_t send_all(uint64_t count, char **ofs, int n_ofs)
{
	uint64_t i, acked = 0;
	int done = 0, j;

	for (i = 0; i < count; i++) {
		uint8_t *msg = msgs[i % n_msgs];
		struct nlmsghdr *h = (void *)msg;
		uint32_t base[MAX_OFFSETS];

		for (j = 0; j < n_ofs; j++) {
			uint8_t *at = msg + atoi(ofs[j]);
			uint32_t value;

			memcpy(&base[j], at, 4);
			value = htonl(ntohl(base[j]) + i);
			memcpy(at, &value, 4);
		}
		if (send(sock, msg, h->nlmsg_len, 0) < 0)
			die("send");
		for (j = 0; j < n_ofs; j++)
			memcpy(msg + atoi(ofs[j]), &base[j], 4);
		while (i + 1 - acked >= WINDOW)
			acked += receive(&done);
	}
	while (acked < count)
		acked += receive(&done);
	return count;
}

static uint64_t dump(uint64_t count)
{
	struct nlmsghdr *h = (void *)msgs[0];
	uint64_t n = 0;

	while (count--) {
		int done = 0;

		if (send(sock, h, h->nlmsg_len, 0) < 0)
			die("send");
		while (!done)
			n += receive(&done);
	}
	return n;
}

int main(int argc, char **argv)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	uint64_t t0, t1, n, count;
	int one = 1;

	if (argc < 4 || argc - 4 > MAX_OFFSETS ||
	    (strcmp(argv[1], "dump") && strcmp(argv[1], "send"))) {
		fprintf(stderr, "usage: nlrate send FILE COUNT [OFFSET]... | dump FILE COUNT\n");
		return 2;
	}
	read_messages(argv[2]);
	sock = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (sock < 0 || bind(sock, (void *)&addr, sizeof(addr)) ||
	    setsockopt(sock, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)))
		die("netlink socket");
	t0 = __rdtsc();
	count = strtoull(argv[3], NULL, 0);
	n = argv[1][0] == 'd' ? dump(count) : send_all(count, argv + 4, argc - 4);
	t1 = __rdtsc();
	printf("%llu %llu 0\n", (unsigned long long)n,
	       (unsigned long long)(t1 - t0));
	return 0;
}
