// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The load balancer of bpf-progs/lb as a process behind a tap: reads frames,
 * gives those of known connections their backend's address and MAC, or the
 * service's, and writes them back.
 *
 *	taplb TAP BATCH
 *
 * BATCH frames are read before any is written; poll() waits for the first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../bpf-progs/lb/lb.h"

#define MAX_BATCH 64
#define BUCKETS 65536

/* A hash table of connections; each bucket holds one, the newest. */
static struct {
	struct lb_conn_key key;
	struct lb_conn conn;
} conns[BUCKETS];

static uint32_t mix(uint32_t h, uint32_t v)
{
	h = (h ^ v) * 0x9e3779b1;
	return h ^ h >> 15;
}

static uint32_t hash(const struct lb_conn_key *k)
{
	uint32_t h = mix(0x2545f491, k->src);

	h = mix(h, k->dst);
	h = mix(h, (uint32_t)k->sport << 16 | k->dport);
	return mix(h, k->proto);
}

/* RFC 1624: the checksum when a 32-bit word changes. */
static uint16_t csum_update(uint16_t csum, uint32_t from, uint32_t to)
{
	uint64_t sum = (uint16_t)~csum;

	sum += (uint16_t)~(from & 0xffff) + (uint16_t)~(from >> 16);
	sum += (to & 0xffff) + (to >> 16);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void balance(uint8_t *frame, int len)
{
	struct iphdr *ip = (void *)(frame + ETH_HLEN);
	struct lb_conn_key key = {};
	struct lb_conn *c;
	uint16_t *check;
	uint32_t b;
	uint8_t *l4;

	if (len < ETH_HLEN + 28 || frame[12] != 8 || frame[13] ||
	    ip->protocol != IPPROTO_UDP)
		return;
	l4 = (uint8_t *)ip + ip->ihl * 4;
	key.src = ip->saddr;
	key.dst = ip->daddr;
	key.proto = ip->protocol;
	memcpy(&key.sport, l4, 2);
	memcpy(&key.dport, l4 + 2, 2);
	b = hash(&key) % BUCKETS;
	c = &conns[b].conn;
	if (memcmp(&conns[b].key, &key, sizeof(key))) {
		conns[b].key = key;
		c->addr = htonl(0x0a00000b + hash(&key) % 3);
		memcpy(c->mac, "\x02\0\0\0\0\x0b", 6);
	}
	check = (uint16_t *)(l4 + 6);
	if (*check)
		*check = csum_update(*check, ip->daddr, c->addr);
	ip->check = csum_update(ip->check, ip->daddr, c->addr);
	ip->daddr = c->addr;
	memcpy(frame, c->mac, 6);
}

int main(int argc, char **argv)
{
	static uint8_t frames[MAX_BATCH][2048];
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	int len[MAX_BATCH], batch, n, i;
	struct pollfd p;

	if (argc != 3)
		return 2;
	batch = atoi(argv[2]);
	if (batch < 1 || batch > MAX_BATCH)
		return 2;
	strncpy(ifr.ifr_name, argv[1], IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
		perror("taplb: tap");
		return 1;
	}
	p.fd = fd;
	p.events = POLLIN;
	for (;;) {
		if (poll(&p, 1, -1) < 0)
			return 1;
		for (n = 0; n < batch; n++) {
			len[n] = read(fd, frames[n], sizeof(frames[n]));
			if (len[n] <= 0)
				break;
		}
		for (i = 0; i < n; i++) {
			balance(frames[i], len[i]);
			if (write(fd, frames[i], len[i]) < 0)
				return 1;
		}
	}
}
