// SPDX-License-Identifier: GPL-2.0
/* A filter for tests: 1 for one packet in two, at random, whatever is in it. */
#include "../include/ovs_bpf.h"

SEC("lwt_out")
int half(struct __sk_buff *skb)
{
	return bpf_get_prandom_u32() & 1;
}

char LICENSE[] SEC("license") = "GPL";
