/* SPDX-License-Identifier: GPL-2.0 */
#ifndef OVS_UPCALL_H
#define OVS_UPCALL_H 1

#include <linux/skbuff.h>

void ovs_skb_set_hash_from_u64(struct sk_buff *skb, u64 hash);

#endif /* OVS_UPCALL_H */
