// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests that go together: of which one hears what, if the kernel takes but some. */
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../lib/dpnl.h"

#define N_REQS 5
/* Two of these are sent at once. */
#define LARGE 60000

static struct dpnl nl;
static struct dpnl_req *reqs[N_REQS];
static unsigned int sends, fails_at, refused;

/* The kernel: the socket takes all but one time, and refuses one request. */
ssize_t __wrap_sendmsg(int fd, const struct msghdr *mh, int flags)
{
	(void)fd;
	(void)mh;
	(void)flags;
	if (sends++ != fails_at)
		return 1;
	errno = ENOBUFS;
	return -1;
}

static int answer(struct mmsghdr *m, const struct dpnl_req *req, int err)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} *a = m->msg_hdr.msg_iov->iov_base;

	memset(a, 0, sizeof(*a));
	a->h = (struct nlmsghdr){ .nlmsg_len = sizeof(*a), .nlmsg_type = NLMSG_ERROR,
				  .nlmsg_seq = req->seq };
	a->e.error = err;
	m->msg_len = sizeof(*a);
	return 1;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned int n, int flags,
		    struct timespec *timeout)
{
	unsigned int i = refused;

	(void)fd;
	(void)n;
	(void)timeout;
	refused = N_REQS;
	if (i < N_REQS)
		return answer(m, reqs[i], -EEXIST);
	if (fails_at == UINT_MAX && !(flags & MSG_DONTWAIT))
		return answer(m, reqs[N_REQS - 1], 0);
	assert_true(flags & MSG_DONTWAIT);	/* else it waits for ever */
	errno = EAGAIN;
	return -1;
}

static int run(bool quietly, unsigned int fail, unsigned int refuse)
{
	static char body[LARGE];
	struct nl_msg *msg;
	unsigned int i;

	for (i = 0; i < N_REQS; i++) {
		msg = dpnl_msg(&nl, F_FLOW, 1, 0);
		nla_put(msg, 1, sizeof(body), body);
		reqs[i] = dpnl_add(&nl, msg, NULL, NULL);
	}
	sends = 0;
	fails_at = fail;
	refused = refuse;
	return quietly ? dpnl_run_quietly(&nl) : dpnl_run(&nl);
}

static void test_all_sent(void **state)
{
	unsigned int i, quietly;

	(void)state;
	for (quietly = 0; quietly < 2; quietly++) {
		assert_int_equal(run(quietly, UINT_MAX, 1), 0);
		assert_int_equal(sends, 3);
		for (i = 0; i < N_REQS; i++)
			assert_int_equal(reqs[i]->err, i == 1 ? -EEXIST : 0);
	}
}

/* What was sent before has been done, and its answers count. */
static void test_some_sent(void **state)
{
	unsigned int i, quietly;

	(void)state;
	for (quietly = 0; quietly < 2; quietly++) {
		assert_int_equal(run(quietly, 1, 1), -ENOBUFS);
		for (i = 0; i < N_REQS; i++)
			assert_int_equal(reqs[i]->err, i == 0 ? 0 : i == 1 ? -EEXIST : -ENOBUFS);
		assert_non_null(strstr(nl.err, "No buffer space"));
		assert_int_equal(run(quietly, 0, N_REQS), -ENOBUFS);
		for (i = 0; i < N_REQS; i++)
			assert_int_equal(reqs[i]->err, -ENOBUFS);
	}
}

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	nl.sk = nl_socket_alloc();
	nl.bufs = calloc(DPNL_RECEIVE, sizeof(*nl.bufs));
	if (!nl.sk || !nl.bufs)
		return -1;
	for (i = 0; i < DPNL_RECEIVE; i++) {
		nl.iov[i] = (struct iovec){ nl.bufs[i], sizeof(nl.bufs[i]) };
		nl.msgs[i].msg_hdr.msg_iov = &nl.iov[i];
		nl.msgs[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dpnl_close(&nl);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_sent), cmocka_unit_test(test_some_sent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
