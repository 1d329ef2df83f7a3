// SPDX-License-Identifier: GPL-2.0
/* A first filter: 1 for a TCP segment that opens a connection, else 0. */
#include "../include/ovs_bpf.h"

SEC("lwt_out")
int syn(struct __sk_buff *skb)
{
	struct ovs_ipv4_l4 p = {};
	struct tcphdr tcp;

	if (ovs_parse_ipv4_l4(skb, &p) || p.proto != IPPROTO_TCP ||
	    bpf_skb_load_bytes(skb, p.l4_ofs, &tcp, sizeof(tcp)))
		return 0;
	return tcp.syn && !tcp.ack;
}

char LICENSE[] SEC("license") = "GPL";
