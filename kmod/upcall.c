// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that go to userspace: for want of a flow, or because an action says
 * so.
 */
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <net/genetlink.h>

#include "datapath.h"
#include "flow_netlink.h"
#include "openvswitch_trace.h"
#include "tunnel.h"
#include "upcall.h"
#include "vport.h"

/* In OVS_PACKET_ATTR_HASH, above the 32 bits of the hash itself. */
#define PKT_HASH_SW BIT_ULL(32)
#define PKT_HASH_L4 BIT_ULL(33)

static size_t upcall_msg_size(const struct dp_upcall_info *info,
			      const struct sw_flow_key *key,
			      unsigned int packet_len)
{
	size_t size = NLMSG_ALIGN(sizeof(struct ovs_header)) +
		      nla_total_size(packet_len) +
		      nla_total_size(ovs_key_attr_size(key->tun_proto)) +
		      nla_total_size(sizeof(u32)) +	/* LEN */
		      nla_total_size(sizeof(u16)) +	/* MRU */
		      nla_total_size_64bit(sizeof(u64));	/* HASH */

	if (info->userdata)
		size += nla_total_size(info->userdata_len);
	if (info->egress_tun)
		size += ovs_tun_size();
	if (info->actions)
		size += nla_total_size(ovs_acts_dump_size(info->actions));
	return size;
}

/**
 * ovs_skb_hash_to_u64 - what an upcall says of the hash of a packet
 * @skb: the packet.
 *
 * Context: any.
 * Return: OVS_PACKET_ATTR_HASH.
 */
static u64 ovs_skb_hash_to_u64(struct sk_buff *skb)
{
	u64 hash = skb_get_hash_raw(skb);

	if (skb->sw_hash)
		hash |= PKT_HASH_SW;
	if (skb->l4_hash)
		hash |= PKT_HASH_L4;
	return hash;
}

/**
 * ovs_skb_set_hash_from_u64 - give a packet back the hash that its upcall had
 * @skb: the packet.
 * @hash: OVS_PACKET_ATTR_HASH.
 *
 * Context: any.
 */
void ovs_skb_set_hash_from_u64(struct sk_buff *skb, u64 hash)
{
	__skb_set_hash(skb, (u32)hash, !!(hash & PKT_HASH_SW),
		       !!(hash & PKT_HASH_L4));
}

static int put_packet(struct sk_buff *msg, const struct sk_buff *skb,
		      unsigned int len)
{
	struct nlattr *attr = nla_reserve(msg, OVS_PACKET_ATTR_PACKET, len);

	if (!attr)
		return -EMSGSIZE;
	return skb_copy_bits(skb, 0, nla_data(attr), len);
}

static int put_upcall(struct sk_buff *msg, struct sk_buff *skb,
		      const struct sw_flow_key *key,
		      const struct dp_upcall_info *info, unsigned int len)
{
	u64 hash = ovs_skb_hash_to_u64(skb);

	if (ovs_nla_put_key_nest(msg, OVS_PACKET_ATTR_KEY, key))
		return -EMSGSIZE;
	if (info->userdata && nla_put(msg, OVS_PACKET_ATTR_USERDATA,
				      info->userdata_len, info->userdata))
		return -EMSGSIZE;
	if (info->egress_tun &&
	    ovs_tun_put_info(msg, OVS_PACKET_ATTR_EGRESS_TUN_KEY,
			     info->egress_tun))
		return -EMSGSIZE;
	if (info->actions && ovs_nla_put_acts_nest(msg, OVS_PACKET_ATTR_ACTIONS,
						   info->actions))
		return -EMSGSIZE;
	if (OVS_CB(skb)->mru &&
	    nla_put_u16(msg, OVS_PACKET_ATTR_MRU, OVS_CB(skb)->mru))
		return -EMSGSIZE;
	if (len < skb->len && nla_put_u32(msg, OVS_PACKET_ATTR_LEN, skb->len))
		return -EMSGSIZE;
	if (hash && nla_put(msg, OVS_PACKET_ATTR_HASH, sizeof(hash), &hash))
		return -EMSGSIZE;
	return put_packet(msg, skb, len);
}

/*
 * Send one packet, no larger than a device's MTU, to a socket.  The packet
 * stays the caller's; its checksum may be filled in.
 */
static noinline int
queue_userspace_packet(struct datapath *dp, struct sk_buff *skb,
		       const struct sw_flow_key *key,
		       const struct dp_upcall_info *info, u32 cutlen)
{
	struct sk_buff *untagged = NULL, *msg = NULL;
	unsigned int len, taken = skb->len;
	struct ovs_header *hdr;
	int err;

	if (skb_vlan_tag_present(skb)) {
		/* Userspace gets the tag where it was on the wire. */
		skb = skb_clone(skb, GFP_ATOMIC);
		if (!skb)
			return -ENOMEM;
		skb = __vlan_hwaccel_push_inside(skb);
		if (!skb)
			return -ENOMEM;
		untagged = skb;
	}
	if (nla_attr_size(skb->len) > USHRT_MAX) {
		err = -EFBIG;
		goto out;
	}
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		/* An Internet checksum, or SCTP's CRC. */
		err = skb_csum_hwoffload_help(skb, 0);
		if (err)
			goto out;
	}

	/* What is cut was counted while the tag was not in the frame. */
	if (cutlen)
		len = cutlen < taken ? taken - cutlen : 0;
	else
		len = skb->len;
	err = -ENOMEM;
	msg = genlmsg_new(upcall_msg_size(info, key, len), GFP_ATOMIC);
	if (!msg)
		goto out;
	hdr = genlmsg_put(msg, 0, 0, &dp_packet_genl_family, 0, info->cmd);
	err = -EMSGSIZE;
	if (!hdr)
		goto out;
	hdr->dp_ifindex = ovs_dp_ifindex(dp);
	err = put_upcall(msg, skb, key, info, len);
	if (err)
		goto out;
	genlmsg_end(msg, hdr);
	err = genlmsg_unicast(ovs_dp_get_net(dp), msg, info->portid);
	msg = NULL;
out:
	if (err)
		skb_tx_error(skb);
	nlmsg_free(msg);
	kfree_skb(untagged);
	return err;
}

/* Userspace can't take super-packets: send what they would be on the wire. */
static int queue_gso_packets(struct datapath *dp, struct sk_buff *skb,
			     const struct sw_flow_key *key,
			     const struct dp_upcall_info *info, u32 cutlen)
{
	bool udp_frags = skb_shinfo(skb)->gso_type & SKB_GSO_UDP;
	struct sk_buff *segs, *seg, *next;
	struct ovs_skb_cb saved = *OVS_CB(skb);
	struct sw_flow_key later_key;
	int err = 0;

	BUILD_BUG_ON(sizeof(struct ovs_skb_cb) > SKB_GSO_CB_OFFSET);
	segs = __skb_gso_segment(skb, NETIF_F_SG, false);
	*OVS_CB(skb) = saved;
	if (IS_ERR(segs))
		return PTR_ERR(segs);
	if (!segs)
		return -EINVAL;
	if (udp_frags) {
		/* The first fragment goes under the key as it stands. */
		ovs_key_copy(&later_key, key);
		later_key.ip.frag = OVS_FRAG_TYPE_LATER;
	}

	skb_list_walk_safe(segs, seg, next) {
		if (!err)
			err = queue_userspace_packet(dp, seg,
						     udp_frags && seg != segs ?
						     &later_key : key,
						     info, cutlen);
		skb_mark_not_on_list(seg);
		if (err)
			kfree_skb(seg);
		else
			consume_skb(seg);
	}
	return err;
}

/**
 * ovs_dp_upcall - send a packet to userspace
 * @dp: the datapath.
 * @skb: the packet; stays the caller's.
 * @key: its key.
 * @info: what else to say, and to whom.
 * @cutlen: bytes to leave off its end.
 *
 * A packet that can't be sent is counted as lost.
 *
 * Context: RCU read side, BH disabled.
 * Return: 0; -ENOTCONN if there is no socket to send to; -ENOBUFS or -EAGAIN
 * if its buffer is full; -ENOMEM, -EFBIG.
 */
noinline int ovs_dp_upcall(struct datapath *dp, struct sk_buff *skb,
			   const struct sw_flow_key *key,
			   const struct dp_upcall_info *info, u32 cutlen)
{
	struct dp_stats_percpu *stats;
	int err;

	if (trace_ovs_dp_upcall_enabled())
		trace_ovs_dp_upcall(dp, skb, key, info);

	if (!info->portid)
		err = -ENOTCONN;
	else if (skb_is_gso(skb))
		err = queue_gso_packets(dp, skb, key, info, cutlen);
	else
		err = queue_userspace_packet(dp, skb, key, info, cutlen);
	ovs_vport_count_upcall(OVS_CB(skb)->input_vport, !err);
	if (likely(!err))
		return 0;

	stats = this_cpu_ptr(dp->stats_percpu);
	u64_stats_update_begin(&stats->syncp);
	stats->n_lost++;
	u64_stats_update_end(&stats->syncp);
	return err;
}
