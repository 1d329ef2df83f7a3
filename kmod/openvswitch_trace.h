/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM openvswitch

#if !defined(_TRACE_OPENVSWITCH_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_OPENVSWITCH_H

#include <linux/tracepoint.h>

#include "bpf.h"
#include "datapath.h"
#include "vport.h"

/* What all of them tell of a packet and its key, under the kernel's own names. */
#define OVS_TP_PACKET							\
	__field(void *, dpaddr)						\
	__string(dp_name, ovs_dp_name(dp))				\
	__string(dev_name, skb->dev ? skb->dev->name : "")		\
	__field(void *, skbaddr)					\
	__field(unsigned int, len)					\
	__field(unsigned int, data_len)					\
	__field(unsigned int, truesize)					\
	__field(u8, nr_frags)						\
	__field(u16, gso_size)						\
	__field(u16, gso_type)						\
	__field(u32, ovs_flow_hash)					\
	__field(u32, recirc_id)						\
	__field(u32, in_port)						\
	__field(const void *, keyaddr)					\
	__field(u16, key_eth_type)					\
	__field(u8, key_ct_state)					\
	__field(u8, key_ct_orig_proto)					\
	__field(u16, key_ct_zone)					\
	__field(unsigned int, flow_key_valid)

#define OVS_TP_PACKET_ASSIGN						\
	__entry->dpaddr = dp;						\
	ovs_assign_str(dp_name, ovs_dp_name(dp));			\
	ovs_assign_str(dev_name, skb->dev ? skb->dev->name : "");	\
	__entry->skbaddr = skb;						\
	__entry->len = skb->len;					\
	__entry->data_len = skb->data_len;				\
	__entry->truesize = skb->truesize;				\
	__entry->nr_frags = skb_shinfo(skb)->nr_frags;			\
	__entry->gso_size = skb_shinfo(skb)->gso_size;			\
	__entry->gso_type = skb_shinfo(skb)->gso_type;			\
	__entry->ovs_flow_hash = key->dp_hash;				\
	__entry->recirc_id = key->recirc_id;				\
	__entry->in_port = key->in_port;				\
	__entry->keyaddr = key;						\
	__entry->key_eth_type = ntohs(key->eth.type);			\
	__entry->key_ct_state = key->ct.state;				\
	__entry->key_ct_orig_proto = key->ct.orig_proto;		\
	__entry->key_ct_zone = key->ct.zone;				\
	__entry->flow_key_valid = !OVS_CB(skb)->key_stale

#define OVS_TP_PACKET_FMT						\
	"dpaddr=%p dp_name=%s dev=%s skbaddr=%p len=%u data_len=%u truesize=%u nr_frags=%d gso_size=%d gso_type=%#x ovs_flow_hash=0x%08x recirc_id=0x%08x in_port=%u keyaddr=%p eth_type=0x%04x ct_state=%02x ct_orig_proto=%02x ct_zone=%04x flow_key_valid=%d"

#define OVS_TP_PACKET_ARGS						\
	__entry->dpaddr, __get_str(dp_name), __get_str(dev_name),	\
	__entry->skbaddr, __entry->len, __entry->data_len,		\
	__entry->truesize, __entry->nr_frags, __entry->gso_size,	\
	__entry->gso_type, __entry->ovs_flow_hash, __entry->recirc_id,	\
	__entry->in_port, __entry->keyaddr, __entry->key_eth_type,	\
	__entry->key_ct_state, __entry->key_ct_orig_proto,		\
	__entry->key_ct_zone, __entry->flow_key_valid

TRACE_EVENT(ovs_do_execute_action,
	TP_PROTO(struct datapath *dp, struct sk_buff *skb,
		 const struct sw_flow_key *key, const struct ovs_act *act,
		 bool last),
	TP_ARGS(dp, skb, key, act, last),

	TP_STRUCT__entry(
		OVS_TP_PACKET
		__field(u8, action_type)
		__field(unsigned int, action_len)
		__field(const void *, action_data)
		__field(u8, is_last)
	),
	TP_fast_assign(
		OVS_TP_PACKET_ASSIGN;
		__entry->action_type = act->type;
		__entry->action_len = act->len - sizeof(*act);
		__entry->action_data = act->data;
		__entry->is_last = last;
	),
	TP_printk(OVS_TP_PACKET_FMT " action_type=%u action_len=%u action_data=%p is_last=%d",
		  OVS_TP_PACKET_ARGS, __entry->action_type, __entry->action_len,
		  __entry->action_data, __entry->is_last)
);

TRACE_EVENT(ovs_dp_upcall,
	TP_PROTO(struct datapath *dp, struct sk_buff *skb,
		 const struct sw_flow_key *key,
		 const struct dp_upcall_info *info),
	TP_ARGS(dp, skb, key, info),

	TP_STRUCT__entry(
		OVS_TP_PACKET
		__field(u8, upcall_cmd)
		__field(u32, upcall_port)
		__field(u16, upcall_mru)
	),
	TP_fast_assign(
		OVS_TP_PACKET_ASSIGN;
		__entry->upcall_cmd = info->cmd;
		__entry->upcall_port = info->portid;
		__entry->upcall_mru = OVS_CB(skb)->mru;
	),
	TP_printk(OVS_TP_PACKET_FMT " upcall_cmd=%u upcall_port=%u upcall_mru=%u",
		  OVS_TP_PACKET_ARGS, __entry->upcall_cmd,
		  __entry->upcall_port, __entry->upcall_mru)
);

TRACE_EVENT(ovs_bpf_run,
	TP_PROTO(struct datapath *dp, struct sk_buff *skb,
		 const struct sw_flow_key *key, const struct ovs_bpf_act *bpf,
		 const struct ovs_bpf_run *run),
	TP_ARGS(dp, skb, key, bpf, run),

	TP_STRUCT__entry(
		__field(void *, skbaddr)
		__string(dev_name, skb->dev ? skb->dev->name : "")
		__string(dp_name, ovs_dp_name(dp))
		__field(unsigned int, len)
		__field(u32, recirc_id)
		__field(u32, in_port)
		__field(u32, prog_id)
		__field(u32, verdict)
		__field(u32, result)
		__field(u8, filter)
		__field(u8, outcome)
		__field(u8, why)
	),
	TP_fast_assign(
		__entry->skbaddr = skb;
		ovs_assign_str(dev_name, skb->dev ? skb->dev->name : "");
		ovs_assign_str(dp_name, ovs_dp_name(dp));
		__entry->len = skb->len;
		__entry->recirc_id = key->recirc_id;
		__entry->in_port = key->in_port;
		__entry->prog_id = bpf->prog->aux->id;
		__entry->verdict = run->res.verdict;
		__entry->result = run->res.result;
		__entry->filter = bpf->filter;
		__entry->outcome = run->outcome;
		__entry->why = run->why;
	),
	TP_printk("dp=%s dev=%s skbaddr=%p len=%u recirc_id=%u in_port=%u prog_id=%u class=%s verdict=%d result=%u decision=%s drop=%u",
		  __get_str(dp_name), __get_str(dev_name), __entry->skbaddr,
		  __entry->len, __entry->recirc_id, __entry->in_port,
		  __entry->prog_id, __entry->filter ? "filter" : "action",
		  (int)__entry->verdict, __entry->result,
		  __print_symbolic(__entry->outcome,
				   { OVS_BPF_STATS_ATTR_COALESCED, "go_on" },
				   { OVS_BPF_STATS_ATTR_RECIRCULATED, "recirc" },
				   { OVS_BPF_STATS_ATTR_DROPPED, "drop" },
				   { OVS_BPF_STATS_ATTR_CONSUMED, "consume" },
				   { OVS_BPF_STATS_ATTR_REDIRECTED, "redirect" },
				   { OVS_BPF_STATS_ATTR_CASES, "case" },
				   { OVS_BPF_STATS_ATTR_DEFAULT, "default" }),
		  __entry->why)
);

#endif /* _TRACE_OPENVSWITCH_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE openvswitch_trace
#include <trace/define_trace.h>
