/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_TIME64_H
#define TEST_TIME64_H 1

#define NSEC_PER_SEC 1000000000L
#define NSEC_PER_MSEC 1000000L

#endif /* TEST_TIME64_H */
