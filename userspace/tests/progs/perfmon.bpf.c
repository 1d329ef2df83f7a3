// SPDX-License-Identifier: GPL-2.0
/* A pointer into the packet with a variable offset: the kernel wants CAP_PERFMON for it. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

SEC("tc")
int perfmon(struct __sk_buff *skb)
{
	__u8 *p = (void *)(long)skb->data;
	__u8 *end = (void *)(long)skb->data_end;

	p += skb->mark & 0x3f;
	if (p + 1 <= end && *p == 7)
		skb->priority = 7;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
