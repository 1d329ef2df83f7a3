// SPDX-License-Identifier: GPL-2.0
/* Programs that the kernel refuses, each for a reason: -DWHY=number. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

SEC("tc")
int refused(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;
	__u8 *end = (void *)(long)skb->data_end;
	__u32 zero = 0;
	__u64 *value;

	(void)data;
	(void)end;
	(void)zero;
	(void)value;

#if WHY == 1	/* no comparison with the end */
	data[3] = 1;
#elif WHY == 2	/* no test for NULL */
	value = bpf_map_lookup_elem(&values, &zero);
	*value = 1;
#elif WHY == 3	/* a pointer from before the helper */
	if (data + 14 > end)
		return TC_ACT_OK;
	bpf_skb_pull_data(skb, 100);
	data[3] = 1;
#elif WHY == 4	/* a loop without an end */
	while (*(volatile __u32 *)&skb->mark != 7)
		asm volatile("" : : : "memory");
#elif WHY == 5	/* a field that can't be written */
	*(volatile __u32 *)&skb->len = 1;
#elif WHY == 6	/* an offset without a bound */
	if (data + 14 > end)
		return TC_ACT_OK;
	data += *(volatile __u64 *)&skb->tstamp;
	if (data + 1 > end)
		return TC_ACT_OK;
	*data = 1;
#elif WHY == 7	/* a helper of other programs */
	bpf_xdp_adjust_tail((void *)skb, 1);
#elif WHY == 8	/* nothing is wrong with it */
	if (data + 14 <= end)
		data[3] = 1;
#endif
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
