/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What <linux/openvswitch.h> got after the kernel that this is built for.
 */
#ifndef OVS_COMPAT_UAPI_H
#define OVS_COMPAT_UAPI_H 1

#include <uapi/linux/openvswitch.h>

/* Linux 6.7 */
#ifndef HAVE_OVS_HASH_ALG_SYM_L4
#define OVS_HASH_ALG_SYM_L4 1
#endif

/* Linux 6.7 */
#ifndef HAVE_OVS_ACTION_ATTR_DROP
#define OVS_ACTION_ATTR_DROP 24
#endif

/* Linux 6.11 */
#ifndef HAVE_OVS_ACTION_ATTR_PSAMPLE
#define OVS_ACTION_ATTR_PSAMPLE 25
#define OVS_PSAMPLE_COOKIE_MAX_SIZE 16

enum ovs_psample_attr {
	OVS_PSAMPLE_ATTR_GROUP = 1,	/* u32 */
	OVS_PSAMPLE_ATTR_COOKIE,	/* up to 16 bytes, optional */
	__OVS_PSAMPLE_ATTR_MAX
};

#define OVS_PSAMPLE_ATTR_MAX (__OVS_PSAMPLE_ATTR_MAX - 1)
#endif

#endif /* OVS_COMPAT_UAPI_H */
