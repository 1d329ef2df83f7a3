/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM openvswitch

#if !defined(_TRACE_OPENVSWITCH_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_OPENVSWITCH_H

#include <linux/tracepoint.h>

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

#endif /* _TRACE_OPENVSWITCH_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE openvswitch_trace
#include <trace/define_trace.h>
