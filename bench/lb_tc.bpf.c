// SPDX-License-Identifier: GPL-2.0
/* The load balancer on tc: as in the switch, then to the device. */
#include "../bpf-progs/lb/lb.bpf.c"

/* Where the packets go; set when the program is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

SEC("tc")
int lb_tc(struct __sk_buff *skb)
{
	__u32 zero = 0, *ifindex = bpf_map_lookup_elem(&target, &zero);
	int verdict = balance(skb);

	if (verdict || !ifindex)
		return TC_ACT_SHOT;
	return bpf_redirect(*ifindex, 0);
}
