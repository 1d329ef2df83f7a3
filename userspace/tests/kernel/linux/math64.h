/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kmod/token_bucket.h needs of the kernel, for its unit test. */
#ifndef TEST_MATH64_H
#define TEST_MATH64_H 1

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define unlikely(x) (x)

static inline u64 div_u64_rem(u64 n, u32 by, u32 *rest)
{
	*rest = n % by;
	return n / by;
}

static inline u64 div_u64(u64 n, u32 by)
{
	return n / by;
}

#endif /* TEST_MATH64_H */
