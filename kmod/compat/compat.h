/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All differences between the kernels that the module builds for.
 *
 * Each is found by a test of the kernel's headers (compat/features.mk), never
 * by a version number, and the newer interface is given in terms of the older.
 */
#ifndef OVS_COMPAT_H
#define OVS_COMPAT_H 1

#include <linux/filter.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <net/ip_tunnels.h>
#include <net/psample.h>
#include <uapi/linux/openvswitch.h>
#include <net/dropreason.h>

#ifdef HAVE_NET_GSO_H
#include <net/gso.h>
#endif

/* Linux 6.6 put the user header of a request behind a function. */
#ifndef HAVE_GENL_INFO_USERHDR
#define genl_info_userhdr(info) ((info)->userhdr)
#endif

/* Linux 6.2 folded the _irq variants into the plain ones. */
#ifdef HAVE_U64_STATS_FETCH_BEGIN_IRQ
#define ovs_u64_stats_begin u64_stats_fetch_begin_irq
#define ovs_u64_stats_retry u64_stats_fetch_retry_irq
#else
#define ovs_u64_stats_begin u64_stats_fetch_begin
#define ovs_u64_stats_retry u64_stats_fetch_retry
#endif

/*
 * Linux 6.12 turned these feature bits into flags of the device; later stable
 * releases have another name for the second.
 */
static inline void ovs_dev_set_lltx(struct net_device *dev)
{
#ifdef HAVE_DEV_LLTX
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

static inline void ovs_dev_set_netns_local(struct net_device *dev)
{
#if defined(HAVE_DEV_NETNS_IMMUTABLE)
	dev->netns_immutable = true;
#elif defined(HAVE_DEV_NETNS_LOCAL)
	dev->netns_local = true;
#else
	dev->features |= NETIF_F_NETNS_LOCAL;
#endif
}

/*
 * Where bpf_redirect() leaves its target.  Since Linux 6.11 that is on the
 * stack of whoever runs programs, and must be set up for each burst.
 */
#ifdef HAVE_BPF_NET_CTX
#define OVS_BPF_NET_CTX(name) struct bpf_net_context name##_ctx __uninitialized, *name
#define ovs_bpf_net_ctx_set(name) ((name) = bpf_net_ctx_set(&name##_ctx))
#define ovs_bpf_net_ctx_clear(name) bpf_net_ctx_clear(name)

static inline struct bpf_redirect_info *ovs_bpf_redirect_info(void)
{
	return bpf_net_ctx_get_ri();
}

/* A context that nobody has used yet is not cleared: it would cost a memset. */
static inline void ovs_bpf_redirect_forget(void)
{
	struct bpf_net_context *ctx = bpf_net_ctx_get();

	if (ctx->ri.kern_flags & BPF_RI_F_RI_INIT)
		ctx->ri.tgt_index = 0;
}
#else
#define OVS_BPF_NET_CTX(name) void *name
#define ovs_bpf_net_ctx_set(name) ((name) = NULL)
#define ovs_bpf_net_ctx_clear(name) ((void)(name))

static inline struct bpf_redirect_info *ovs_bpf_redirect_info(void)
{
	return this_cpu_ptr(&bpf_redirect_info);
}

static inline void ovs_bpf_redirect_forget(void)
{
	this_cpu_write(bpf_redirect_info.tgt_index, 0);
}
#endif

/*
 * Linux 6.10 made a bitmap of the flags of a tunnel, in which they kept their
 * numbers.
 */
#ifdef HAVE_IP_TUNNEL_FLAGS_BITMAP
#define ovs_tun_flag_is(flag, name) ((flag) == BIT(IP_TUNNEL_##name##_BIT))

static inline u16 ovs_tun_flags_get(const struct ip_tunnel_key *key)
{
	return key->tun_flags[0];
}

static inline void ovs_tun_flags_set(struct ip_tunnel_key *key, u16 flags)
{
	key->tun_flags[0] |= flags;
}
#else
#define ovs_tun_flag_is(flag, name) (cpu_to_be16(flag) == TUNNEL_##name)

static inline u16 ovs_tun_flags_get(const struct ip_tunnel_key *key)
{
	return ntohs(key->tun_flags);
}

static inline void ovs_tun_flags_set(struct ip_tunnel_key *key, u16 flags)
{
	key->tun_flags |= htons(flags);
}
#endif

/* Of Linux 6.5: the counters of upcalls of a port. */
#ifndef HAVE_VPORT_UPCALL_STATS
#define OVS_VPORT_ATTR_UPCALL_STATS (OVS_VPORT_ATTR_NETNSID + 1)

enum ovs_vport_upcall_attr {
	OVS_VPORT_UPCALL_ATTR_SUCCESS,
	OVS_VPORT_UPCALL_ATTR_FAIL,
};
#endif

/* Linux 6.10 made __assign_str() remember the source of a string itself. */
#ifdef HAVE_ASSIGN_STR_ONE_ARG
#define ovs_assign_str(dst, src) __assign_str(dst)
#else
#define ovs_assign_str(dst, src) __assign_str(dst, src)
#endif

/* Linux 6.4 gave each subsystem reasons of its own for the drops it makes. */
#ifdef HAVE_DROP_REASON_OPENVSWITCH
#define ovs_kfree_skb_reason(skb, n)					\
	kfree_skb_reason(skb, (enum skb_drop_reason)			\
			 ((SKB_DROP_REASON_SUBSYS_OPENVSWITCH <<	\
			   SKB_DROP_REASON_SUBSYS_SHIFT) + (n)))

static inline void ovs_drop_reasons_register(const char *const *names, size_t n)
{
	static struct drop_reason_list list;

	list.reasons = names;
	list.n_reasons = n;
	drop_reasons_register_subsys(SKB_DROP_REASON_SUBSYS_OPENVSWITCH, &list);
}

static inline void ovs_drop_reasons_unregister(void)
{
	drop_reasons_unregister_subsys(SKB_DROP_REASON_SUBSYS_OPENVSWITCH);
}
#else
#define ovs_kfree_skb_reason(skb, n) kfree_skb(skb)
static inline void ovs_drop_reasons_register(const char *const *names, size_t n)
{
}

static inline void ovs_drop_reasons_unregister(void)
{
}
#endif

/*
 * Linux 6.11 gave samples a cookie, and rates as a probability of U32_MAX; before,
 * they were one of so many packets.
 */
#if IS_ENABLED(CONFIG_PSAMPLE)
#ifdef HAVE_PSAMPLE_COOKIE
#define OVS_PSAMPLE_HAS_COOKIE true
static inline u32 ovs_psample_rate(struct psample_metadata *md, u32 probability,
				   const u8 *cookie, u32 cookie_len)
{
	md->rate_as_probability = 1;
	md->user_cookie = cookie_len ? cookie : NULL;
	md->user_cookie_len = cookie_len;
	return probability;
}
#else
#define OVS_PSAMPLE_HAS_COOKIE false
static inline u32 ovs_psample_rate(struct psample_metadata *md, u32 probability,
				   const u8 *cookie, u32 cookie_len)
{
	return probability ? U32_MAX / probability : U32_MAX;
}
#endif
#endif

#endif /* OVS_COMPAT_H */
