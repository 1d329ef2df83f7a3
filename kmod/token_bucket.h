/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A token bucket that is exact: time is kept in nanoseconds and no part of a
 * token is ever lost, so that any rate comes out exactly over time, whether
 * packets are rare or dense.
 */
#ifndef OVS_TOKEN_BUCKET_H
#define OVS_TOKEN_BUCKET_H 1

#include <linux/math64.h>
#include <linux/time64.h>
#include <linux/types.h>

/**
 * struct token_bucket - a rate, and what of it is unspent
 * @rate: tokens per millisecond, not 0.
 * @burst: tokens that the bucket holds, in thousands.
 * @frac: millionths of a token that are in it beside @level.
 * @level: tokens in it.
 * @filled: when @level was right, in ns.
 * @fill_ns: time in which an empty bucket fills.
 */
struct token_bucket {
	u32 rate;
	u32 burst;
	u32 frac;
	u64 level;
	u64 filled;
	u64 fill_ns;
};

/**
 * token_bucket_init - a full bucket
 * @tb: the bucket.
 * @rate: tokens per millisecond, not 0.
 * @burst: tokens that it holds, in thousands.
 * @now: the time, in ns.
 *
 * Context: any; the caller sees to it that it is alone.
 */
static inline void token_bucket_init(struct token_bucket *tb, u32 rate,
				     u32 burst, u64 now)
{
	tb->rate = rate;
	tb->burst = burst;
	tb->frac = 0;
	tb->level = burst * 1000ULL;
	tb->filled = now;
	tb->fill_ns = div_u64(burst * (u64)NSEC_PER_SEC, rate) + 1;
}

/*
 * Put in what time has brought.  Another CPU may have been here with a later
 * time: then there is nothing to add.
 */
static inline void token_bucket_fill(struct token_bucket *tb, u64 now)
{
	u64 capacity = tb->burst * 1000ULL;
	u64 ns = now - tb->filled;
	u32 rest;

	if ((s64)ns <= 0)
		return;
	tb->filled = now;
	if (ns >= tb->fill_ns) {
		tb->level = capacity;
		tb->frac = 0;
		return;
	}
	if (unlikely(ns >= NSEC_PER_SEC)) {
		/* Less than fill_ns: no more than burst, so no overflow. */
		tb->level += div_u64_rem(ns, NSEC_PER_SEC, &rest) * tb->rate *
			     1000ULL;
		ns = rest;
	}
	/* A token a millisecond is a millionth of a token a nanosecond. */
	tb->level += div_u64_rem(ns * tb->rate + tb->frac, NSEC_PER_MSEC,
				 &tb->frac);
	if (tb->level >= capacity) {
		tb->level = capacity;
		tb->frac = 0;
	}
}

/**
 * token_bucket_take - spend tokens
 * @tb: the bucket; the caller sees to it that it is alone.
 * @now: the time, in ns, of a clock that does not go back by itself.
 * @cost: tokens.
 *
 * Context: any.
 * Return: whether there were so many; if not, none is taken.
 */
static inline bool token_bucket_take(struct token_bucket *tb, u64 now, u64 cost)
{
	token_bucket_fill(tb, now);
	if (tb->level < cost)
		return false;
	tb->level -= cost;
	return true;
}

#endif /* OVS_TOKEN_BUCKET_H */
