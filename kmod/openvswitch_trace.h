/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM openvswitch

#if !defined(_TRACE_OPENVSWITCH_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_OPENVSWITCH_H

#include <linux/tracepoint.h>

#include "bpf.h"
#include "datapath.h"
#include "vport.h"

TRACE_EVENT(ovs_do_execute_action,
	TP_PROTO(struct datapath *dp, struct sk_buff *skb,
		 const struct sw_flow_key *key, u16 action, bool last),
	TP_ARGS(dp, skb, key, action, last),

	TP_STRUCT__entry(
		__field(void *, skbaddr)
		__string(dev_name, skb->dev ? skb->dev->name : "")
		__string(dp_name, ovs_dp_name(dp))
		__field(unsigned int, len)
		__field(u32, recirc_id)
		__field(u32, in_port)
		__field(u16, action)
		__field(bool, last)
	),
	TP_fast_assign(
		__entry->skbaddr = skb;
		ovs_assign_str(dev_name, skb->dev ? skb->dev->name : "");
		ovs_assign_str(dp_name, ovs_dp_name(dp));
		__entry->len = skb->len;
		__entry->recirc_id = key->recirc_id;
		__entry->in_port = key->in_port;
		__entry->action = action;
		__entry->last = last;
	),
	TP_printk("dp=%s dev=%s skbaddr=%p len=%u recirc_id=%u in_port=%u action=%u last=%d",
		  __get_str(dp_name), __get_str(dev_name), __entry->skbaddr,
		  __entry->len, __entry->recirc_id, __entry->in_port,
		  __entry->action, __entry->last)
);

TRACE_EVENT(ovs_dp_upcall,
	TP_PROTO(struct datapath *dp, struct sk_buff *skb,
		 const struct sw_flow_key *key,
		 const struct dp_upcall_info *info),
	TP_ARGS(dp, skb, key, info),

	TP_STRUCT__entry(
		__field(void *, skbaddr)
		__string(dev_name, skb->dev ? skb->dev->name : "")
		__string(dp_name, ovs_dp_name(dp))
		__field(unsigned int, len)
		__field(u32, recirc_id)
		__field(u32, in_port)
		__field(u32, upcall_port)
		__field(u8, upcall_cmd)
	),
	TP_fast_assign(
		__entry->skbaddr = skb;
		ovs_assign_str(dev_name, skb->dev ? skb->dev->name : "");
		ovs_assign_str(dp_name, ovs_dp_name(dp));
		__entry->len = skb->len;
		__entry->recirc_id = key->recirc_id;
		__entry->in_port = key->in_port;
		__entry->upcall_port = info->portid;
		__entry->upcall_cmd = info->cmd;
	),
	TP_printk("dp=%s dev=%s skbaddr=%p len=%u recirc_id=%u in_port=%u upcall_port=%u upcall_cmd=%u",
		  __get_str(dp_name), __get_str(dev_name), __entry->skbaddr,
		  __entry->len, __entry->recirc_id, __entry->in_port,
		  __entry->upcall_port, __entry->upcall_cmd)
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
