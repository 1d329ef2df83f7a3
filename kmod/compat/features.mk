# SPDX-License-Identifier: GPL-2.0
# What the kernel's headers offer, as -DHAVE_... for compat.h.

ovs-has = $(shell grep -qsE '$(2)' $(srctree)/include/$(1) && echo -D$(3))

ccflags-y += $(call ovs-has,linux/u64_stats_sync.h,u64_stats_fetch_begin_irq,HAVE_U64_STATS_FETCH_BEGIN_IRQ)
ccflags-y += $(call ovs-has,linux/netdevice.h,lltx:1,HAVE_DEV_LLTX)
ccflags-y += $(call ovs-has,linux/netdevice.h,netns_local:1,HAVE_DEV_NETNS_LOCAL)
ccflags-y += $(call ovs-has,linux/netdevice.h,netns_immutable:1,HAVE_DEV_NETNS_IMMUTABLE)
ccflags-y += $(call ovs-has,linux/filter.h,bpf_net_ctx_set,HAVE_BPF_NET_CTX)
ccflags-y += $(call ovs-has,net/genetlink.h,genl_info_userhdr,HAVE_GENL_INFO_USERHDR)
ccflags-y += $(call ovs-has,net/gso.h,skb_gso_segment,HAVE_NET_GSO_H)
ccflags-y += $(call ovs-has,trace/stages/stage6_event_callback.h,define __assign_str\(dst\),HAVE_ASSIGN_STR_ONE_ARG)
ccflags-y += $(call ovs-has,uapi/linux/openvswitch.h,OVS_VPORT_ATTR_UPCALL_STATS,HAVE_VPORT_UPCALL_STATS)
ccflags-y += $(call ovs-has,net/ip_tunnels.h,IP_TUNNEL_DECLARE_FLAGS,HAVE_IP_TUNNEL_FLAGS_BITMAP)
ccflags-y += $(call ovs-has,net/dropreason.h,SKB_DROP_REASON_SUBSYS_OPENVSWITCH,HAVE_DROP_REASON_OPENVSWITCH)
ccflags-y += $(call ovs-has,uapi/linux/openvswitch.h,OVS_HASH_ALG_SYM_L4,HAVE_OVS_HASH_ALG_SYM_L4)
ccflags-y += $(call ovs-has,uapi/linux/openvswitch.h,OVS_ACTION_ATTR_DROP,HAVE_OVS_ACTION_ATTR_DROP)
ccflags-y += $(call ovs-has,uapi/linux/openvswitch.h,OVS_ACTION_ATTR_PSAMPLE,HAVE_OVS_ACTION_ATTR_PSAMPLE)
ccflags-y += $(call ovs-has,net/psample.h,user_cookie,HAVE_PSAMPLE_COOKIE)
ccflags-y += $(call ovs-has,net/netfilter/nf_conntrack_count.h,nf_conncount_init.*family,HAVE_CONNCOUNT_INIT_FAMILY)
ccflags-y += $(call ovs-has,net/netfilter/nf_conntrack_count.h,nf_conncount_count_skb,HAVE_CONNCOUNT_COUNT_SKB)
ccflags-y += $(call ovs-has,net/dst.h,int initial_ref,HAVE_DST_INIT_REF)
