// SPDX-License-Identifier: GPL-2.0
/* A program that wants to know a structure of the running kernel. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

SEC("tc")
int core(struct __sk_buff *skb)
{
	skb->priority = bpf_core_field_offset(struct task_struct, pid);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
