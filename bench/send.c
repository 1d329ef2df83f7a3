// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions per packet, by a closed loop: 64 packets are sent by one
 * sendmmsg(), then the counter of the sink is waited for.  Where the clock
 * counts instructions (scripts/vm --icount), the time that passed less the time
 * that the processor idled is what all of the machine did for these packets.
 *
 *	send DEVICE SINK FRAME PACKETS [OFFSET WIDTH VALUES]...
 *
 * FRAME is in hexadecimal.  In packet number i the WIDTH bytes at OFFSET are
 * raised by i % VALUES.  One warm-up pass over all values comes first, and at
 * least WARM_UP packets.  Prints the packets, instructions and nanoseconds idle.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define BURST 64
#define WARM_UP 1024
#define MAX_FIELDS 4
#define MAX_FRAME 2048
/* Naps of 20 us for one burst before its packets count as lost. */
#define MAX_NAPS 25000

struct field {
	unsigned int ofs, width;
	uint64_t values, base;
};

static struct field fields[MAX_FIELDS];
static unsigned int n_fields;
static uint8_t frames[BURST][MAX_FRAME];
static uint64_t next;		/* number of the next packet */
static uint64_t expected;	/* what the sink's counter must reach */
static int sock, counter;

static void die(const char *what)
{
	fprintf(stderr, "send: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t sink_count(void)
{
	char buf[32];
	ssize_t n = pread(counter, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		die("counter of the sink");
	buf[n] = 0;
	return strtoull(buf, NULL, 10);
}

/* Nanoseconds that the processor has idled since boot. */
static uint64_t idle_ns(void)
{
	static char buf[1 << 16];
	const char *p;
	int fd = open("/proc/timer_list", O_RDONLY);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		die("/proc/timer_list");
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	p = strstr(buf, ".idle_sleeptime");
	p = p ? strchr(p, ':') : NULL;
	if (!p)
		die("no idle time in /proc/timer_list");
	return strtoull(p + 1, NULL, 10);
}

static void field_set(uint8_t *frame, const struct field *f, uint64_t value)
{
	unsigned int i;

	for (i = f->width; i-- > 0; value >>= 8)
		frame[f->ofs + i] = value;
}

static void field_add(char **arg, size_t len, const uint8_t *frame)
{
	struct field *f = &fields[n_fields++];
	unsigned int i;

	f->ofs = atoi(arg[0]);
	f->width = atoi(arg[1]);
	f->values = strtoull(arg[2], NULL, 0);
	if (!f->values || f->width > 8 || f->ofs + f->width > len) {
		fprintf(stderr, "send: bad field\n");
		exit(2);
	}
	for (i = 0; i < f->width; i++)
		f->base = f->base << 8 | frame[f->ofs + i];
}

static void send_burst(struct mmsghdr *msgs)
{
	unsigned int i, j, done = 0, naps = 0;
	int n;

	for (i = 0; n_fields && i < BURST; i++)
		for (j = 0; j < n_fields; j++)
			field_set(frames[i], &fields[j], fields[j].base +
				  (next + i) % fields[j].values);
	next += BURST;
	while (done < BURST) {
		n = sendmmsg(sock, msgs + done, BURST - done, 0);
		if (n < 0)
			die("sendmmsg");
		done += n;
	}
	expected += BURST;
	while (sink_count() < expected) {
		const struct timespec nap = { .tv_nsec = 200000 };

		if (++naps > MAX_NAPS) {
			fprintf(stderr, "send: %llu packets of %llu did not arrive\n",
				(unsigned long long)(expected - sink_count()),
				(unsigned long long)next);
			exit(1);
		}
		nanosleep(&nap, NULL);
	}
}

static void setup(const char *dev, const char *sink)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET };
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_packets",
		 sink);
	counter = open(path, O_RDONLY);
	if (counter < 0)
		die(path);
	sock = socket(AF_PACKET, SOCK_RAW, 0);
	addr.sll_ifindex = if_nametoindex(dev);
	if (sock < 0 || !addr.sll_ifindex ||
	    bind(sock, (void *)&addr, sizeof(addr)))
		die(dev);
}

int main(int argc, char **argv)
{
	struct mmsghdr msgs[BURST] = {};
	struct iovec iov[BURST];
	uint64_t packets, warm_up = WARM_UP, t0, t1, idle0, idle1;
	size_t len, i;
	int a;

	if (argc < 5 || (argc - 5) % 3 || (argc - 5) / 3 > MAX_FIELDS) {
		fprintf(stderr, "usage: send DEVICE SINK FRAME PACKETS [OFFSET WIDTH VALUES]...\n");
		return 2;
	}
	len = strlen(argv[3]) / 2;
	if (len > MAX_FRAME)
		return 2;
	for (i = 0; i < len; i++)
		sscanf(argv[3] + 2 * i, "%2hhx", &frames[0][i]);
	packets = strtoull(argv[4], NULL, 0) / BURST * BURST;
	for (a = 5; a < argc; a += 3) {
		field_add(argv + a, len, frames[0]);
		if (fields[n_fields - 1].values > warm_up)
			warm_up = fields[n_fields - 1].values;
	}
	for (i = 0; i < BURST; i++) {
		memcpy(frames[i], frames[0], len);
		iov[i].iov_base = frames[i];
		iov[i].iov_len = len;
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	setup(argv[1], argv[2]);

	expected = sink_count();
	if (!getenv("NO_WARM_UP"))
		while (next < warm_up)
			send_burst(msgs);
	idle0 = idle_ns();
	t0 = __rdtsc();
	for (i = 0; i < packets; i += BURST)
		send_burst(msgs);
	t1 = __rdtsc();
	idle1 = idle_ns();
	printf("%llu %llu %llu\n", (unsigned long long)packets,
	       (unsigned long long)(t1 - t0),
	       (unsigned long long)(idle1 - idle0));
	return 0;
}
