/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Programs in the Open vSwitch datapath: what ovs-bpf adds to
 * <linux/openvswitch.h>.
 *
 * A flow may be installed together with the packet that it is for
 * (%OVS_FLOW_ATTR_FIRST_PACKET), which spares userspace a second request, and
 * many flows may be deleted by one (%OVS_FLOW_ATTR_UFIDS).
 *
 * One new flow action, %OVS_ACTION_ATTR_BPF, runs a BPF program on the packet.
 * It may stand wherever an action may: in OVS_FLOW_ATTR_ACTIONS, in
 * OVS_PACKET_ATTR_ACTIONS, and nested in sample, in clone or in a case of
 * another BPF action.  Its payload is a nest of &enum ovs_bpf_attr.
 *
 * The program
 *
 * A request names it by %OVS_BPF_ATTR_PROG_FD, a file descriptor of the process
 * that sends the message.  The flow takes a reference of its own: the descriptor
 * may be closed and a pin removed at once.  A reply never carries a descriptor;
 * it carries id, name and tag, which are those that "bpftool prog show" prints,
 * the class and the counters.  The type of the program is its class:
 *
 *	BPF_PROG_TYPE_LWT_OUT	a filter.  The verifier has proved that it does
 *		not change the packet; mark, priority and cb are put back when
 *		it has run.  What it returns is its result, any 32-bit number.
 *	BPF_PROG_TYPE_SCHED_CLS	an action program.  It may change the packet in
 *		every way that tc lets it.  What it returns is its verdict; its
 *		result is what it leaves in cb[0].
 *
 * Both see a &struct __sk_buff with data at the first header of the packet
 * (Ethernet; layer 3 for a packet without one), and in its control words:
 *
 *	cb[0], cb[1]	the action's argument, low and high half
 *	cb[2]		the input port (datapath port number)
 *	cb[3]		the recirculation id of the current pass (the stage)
 *	cb[4]		&enum ovs_bpf_hook
 *
 * The outer VLAN tag is not among the bytes but in vlan_present, vlan_proto and
 * vlan_tci, whether a device or userspace sent the packet.
 *
 * Verdicts of an action program, from <linux/pkt_cls.h>:
 *
 *	TC_ACT_OK, TC_ACT_UNSPEC, TC_ACT_PIPE	go on, if the recheck mode allows
 *	TC_ACT_RECLASSIFY	recirculate to RECIRC_ID; without one, drop
 *	TC_ACT_SHOT		drop
 *	TC_ACT_STOLEN, TC_ACT_QUEUED	consumed: gone, and not a drop
 *	TC_ACT_TRAP		hand to userspace (OVS_PACKET_CMD_ACTION), then
 *		as STOLEN
 *	TC_ACT_REDIRECT		behind bpf_redirect(ifindex, 0): leave by that
 *		interface if it is a port of this datapath, else drop
 *	anything else		drop, counted as a bad verdict too
 *
 * The recheck
 *
 * The actions behind an action program are the cached result of a walk through
 * tables which read the packet's fields.  If the program changes a field that
 * was read after it, the cached result may be wrong for this packet, which must
 * then be looked up again: it recirculates, that is, its key is extracted anew
 * and looked up with recirc_id = RECIRC_ID and dp_hash = the program's result.
 * No action behind the program runs then.  %OVS_BPF_ATTR_RECHECK says when; see
 * &enum ovs_bpf_recheck.  A filter needs no recheck, and has no such attribute.
 *
 * Mode "changed" is sound if USED holds every bit that the rest of the walk
 * read, except those that an action between the program and the table had
 * overwritten with a constant.  Actions behind a program should set only the
 * bits that are meant (OVS_ACTION_ATTR_SET_MASKED): all else is the program's.
 * With several programs in a list, USED of each is what was read after it.
 *
 * The cases
 *
 * With %OVS_BPF_ATTR_CASES or %OVS_BPF_ATTR_DEFAULT, a packet that goes on is
 * dispatched on the program's result:
 *
 *	1. the CASE with this VALUE: its ACTIONS run; else
 *	2. the actions of DEFAULT run, if it is given; else
 *	3. the packet recirculates, if RECIRC_ID is given; else
 *	4. it is dropped.
 *
 * In the first two it then goes on with the actions behind the BPF action; what
 * the branch did to the packet is not seen by them, as with sample and clone.
 * (A BPF action that stands last has nothing behind it, and costs no copy.)
 * Without both attributes, a packet goes on with the actions behind an action
 * program; behind a filter it recirculates.  The order of checks is verdict,
 * recheck, case.
 *
 * What goes with what (all else is refused with EINVAL):
 *
 *		   filter		   action program
 *	RECHECK	   never		   required
 *	USED	   never		   with "changed" only, there required
 *	RECIRC_ID  not beside DEFAULT;	   required with "always" and "changed"
 *		   required without CASES
 *		   and DEFAULT
 *	CASES, DEFAULT	allowed		   not with "always"
 *
 * Limits: %OVS_BPF_MAX_CASES, %OVS_BPF_MAX_PROGS, 16 levels of nesting, and some
 * 28 kB for the whole list as a dump shows it.  A packet that recirculates more
 * than %OVS_BPF_MAX_RECIRC times is dropped.
 *
 * Every refusal is reported by errno and a sentence in the extended ack
 * (NETLINK_EXT_ACK), and nothing of the refused request takes effect.  EBADF: the
 * descriptor is not open.  EOVERFLOW: nested too deeply.  EPERM: the sender lacks
 * CAP_NET_ADMIN over the datapath's namespace.  EINVAL: anything else is wrong.
 */
#ifndef _UAPI_LINUX_OPENVSWITCH_BPF_H
#define _UAPI_LINUX_OPENVSWITCH_BPF_H 1

#include <linux/types.h>

/* Far above what the kernel and ovs-vswitchd use or probe for. */
#define OVS_ACTION_ATTR_BPF 128

/*
 * Of OVS_FLOW_CMD_NEW: a nest of OVS_PACKET_ATTR_*, of which PACKET is required, and
 * HASH and MRU are read.  OVS_FLOW_ATTR_KEY is then also the key of this packet, with
 * which it was missed.  When the flow is installed, the packet is looked up as it would
 * be behind a recirculation: it goes through the flow, which counts it.  It is looked
 * up as well if the flow was not installed since there is one already, or no room.
 */
#define OVS_FLOW_ATTR_FIRST_PACKET 31

/*
 * Of OVS_FLOW_CMD_DEL, instead of KEY and UFID: names of 16 bytes each, one behind the
 * other, of flows that are deleted together; one that no flow has is left out.  With
 * NLM_F_ECHO there is a reply for each flow, as of its own OVS_FLOW_CMD_DEL, in as few
 * messages as they fit into.  No packet is missing in the counts that it has.
 */
#define OVS_FLOW_ATTR_UFIDS 30

/* Recirculations, of either action, that one packet may undergo. */
#define OVS_BPF_MAX_RECIRC 16

/* Of one action: cases.  Of one list of actions, with what is nested: programs. */
#define OVS_BPF_MAX_CASES 256
#define OVS_BPF_MAX_PROGS 64

/**
 * enum ovs_bpf_attr - attributes of %OVS_ACTION_ATTR_BPF
 * @OVS_BPF_ATTR_PROG_FD: u32, request only, required: the program.
 * @OVS_BPF_ATTR_PROG_ID: u32, reply only: its id.
 * @OVS_BPF_ATTR_NAME: string, reply only: its name, if it has one.
 * @OVS_BPF_ATTR_TAG: 8 bytes, reply only: the hash of its instructions.
 * @OVS_BPF_ATTR_ARG: u64 for cb[0] and cb[1]; 0 if absent.
 * @OVS_BPF_ATTR_RECHECK: u32, &enum ovs_bpf_recheck; of action programs.
 * @OVS_BPF_ATTR_USED: nest of OVS_KEY_ATTR_*, each a mask: the bits of the key
 *	that the actions behind the program depend on, those of its cases
 *	included.  Flat: OVS_KEY_ATTR_VLAN is the outer tag, and there is no
 *	OVS_KEY_ATTR_ENCAP; one of IPV4, IPV6 and ARP.  May be empty.
 * @OVS_BPF_ATTR_RECIRC_ID: u32, not 0: where to recirculate.
 * @OVS_BPF_ATTR_CASES: nest of &enum ovs_bpf_cases_attr: what to do for which
 *	result.
 * @OVS_BPF_ATTR_DEFAULT: nest of OVS_ACTION_ATTR_*, may be empty: what to do for
 *	a result without a case.
 * @OVS_BPF_ATTR_STATS: nest of &enum ovs_bpf_stats_attr, reply only.
 * @OVS_BPF_ATTR_PAD: alignment of 64-bit attributes.
 * @OVS_BPF_ATTR_CLASS: u32, &enum ovs_bpf_class, reply only.
 */
enum ovs_bpf_attr {
	OVS_BPF_ATTR_UNSPEC,
	OVS_BPF_ATTR_PROG_FD,
	OVS_BPF_ATTR_PROG_ID,
	OVS_BPF_ATTR_NAME,
	OVS_BPF_ATTR_TAG,
	OVS_BPF_ATTR_ARG,
	OVS_BPF_ATTR_RECHECK,
	OVS_BPF_ATTR_USED,
	OVS_BPF_ATTR_RECIRC_ID,
	OVS_BPF_ATTR_CASES,
	OVS_BPF_ATTR_DEFAULT,
	OVS_BPF_ATTR_STATS,
	OVS_BPF_ATTR_PAD,
	OVS_BPF_ATTR_CLASS,
	__OVS_BPF_ATTR_MAX
};

#define OVS_BPF_ATTR_MAX (__OVS_BPF_ATTR_MAX - 1)

/**
 * enum ovs_bpf_cases_attr - attributes of %OVS_BPF_ATTR_CASES
 * @OVS_BPF_CASES_ATTR_CASE: nest of &enum ovs_bpf_case_attr; 1 to
 *	%OVS_BPF_MAX_CASES of them.
 */
enum ovs_bpf_cases_attr {
	OVS_BPF_CASES_ATTR_UNSPEC,
	OVS_BPF_CASES_ATTR_CASE,
	__OVS_BPF_CASES_ATTR_MAX
};

#define OVS_BPF_CASES_ATTR_MAX (__OVS_BPF_CASES_ATTR_MAX - 1)

/**
 * enum ovs_bpf_case_attr - attributes of a case
 * @OVS_BPF_CASE_ATTR_VALUE: u32, required: the result that it is for; no two
 *	cases have the same.
 * @OVS_BPF_CASE_ATTR_ACTIONS: nest of OVS_ACTION_ATTR_*, required; may be empty.
 * @OVS_BPF_CASE_ATTR_HITS: u64, reply only: times it ran.
 * @OVS_BPF_CASE_ATTR_PAD: alignment.
 * @OVS_BPF_CASE_ATTR_BYTES: u64, reply only: bytes of the packets that "hits" counts,
 *	from their first header on, VLAN tags included, as the program left them.
 */
enum ovs_bpf_case_attr {
	OVS_BPF_CASE_ATTR_UNSPEC,
	OVS_BPF_CASE_ATTR_VALUE,
	OVS_BPF_CASE_ATTR_ACTIONS,
	OVS_BPF_CASE_ATTR_HITS,
	OVS_BPF_CASE_ATTR_PAD,
	OVS_BPF_CASE_ATTR_BYTES,
	__OVS_BPF_CASE_ATTR_MAX
};

#define OVS_BPF_CASE_ATTR_MAX (__OVS_BPF_CASE_ATTR_MAX - 1)

/**
 * enum ovs_bpf_class - what a program is to the datapath
 * @OVS_BPF_CLASS_ACTION: BPF_PROG_TYPE_SCHED_CLS: it may change the packet and
 *	returns a verdict.
 * @OVS_BPF_CLASS_FILTER: BPF_PROG_TYPE_LWT_OUT: the verifier has proved that it
 *	changes nothing; it returns its result.
 */
enum ovs_bpf_class {
	OVS_BPF_CLASS_ACTION,
	OVS_BPF_CLASS_FILTER,
};

/**
 * enum ovs_bpf_recheck - when a packet whose program said "go on" recirculates
 * @OVS_BPF_RECHECK_PROGRAM: never: the verdict is trusted (TC_ACT_RECLASSIFY
 *	recirculates in every mode).
 * @OVS_BPF_RECHECK_ALWAYS: after every run.
 * @OVS_BPF_RECHECK_CHANGED: if the key extracted after the run differs from
 *	that before the run in a bit of USED, in the Ethernet type, or in the
 *	presence of a VLAN tag or of an Ethernet header.
 */
enum ovs_bpf_recheck {
	OVS_BPF_RECHECK_PROGRAM,
	OVS_BPF_RECHECK_ALWAYS,
	OVS_BPF_RECHECK_CHANGED,
	__OVS_BPF_RECHECK_MAX
};

/**
 * enum ovs_bpf_stats_attr - counters of one BPF action of one flow, all u64
 * @OVS_BPF_STATS_ATTR_RUNS: times the program ran; the sum of the next five.
 * @OVS_BPF_STATS_ATTR_COALESCED: went on under the cached rest.
 * @OVS_BPF_STATS_ATTR_RECIRCULATED: was to be looked up again.
 * @OVS_BPF_STATS_ATTR_DROPPED: SHOT, bad verdict, redirect to a foreign
 *	interface, RECLASSIFY without RECIRC_ID, no case, or a packet whose
 *	headers could not be parsed after the run.
 * @OVS_BPF_STATS_ATTR_CONSUMED: STOLEN, QUEUED, TRAP.
 * @OVS_BPF_STATS_ATTR_REDIRECTED: left by bpf_redirect().
 * @OVS_BPF_STATS_ATTR_BAD_VERDICT: a verdict that is none; a part of "dropped".
 * @OVS_BPF_STATS_ATTR_CASES: the result had a case; a part of "coalesced".
 * @OVS_BPF_STATS_ATTR_DEFAULT: the result had none, and DEFAULT ran; a part of
 *	"coalesced".
 * @OVS_BPF_STATS_ATTR_NO_CASE: the result had none, and there is no DEFAULT; a
 *	part of "recirculated" or "dropped".
 * @OVS_BPF_STATS_ATTR_PAD: alignment.
 * @OVS_BPF_STATS_ATTR_COALESCED_BYTES: bytes of the packets that "coalesced" counts,
 *	from their first header on, VLAN tags included, as the program left them.
 * @OVS_BPF_STATS_ATTR_DEFAULT_BYTES: of those that "default" counts, likewise.
 */
enum ovs_bpf_stats_attr {
	OVS_BPF_STATS_ATTR_UNSPEC,
	OVS_BPF_STATS_ATTR_RUNS,
	OVS_BPF_STATS_ATTR_COALESCED,
	OVS_BPF_STATS_ATTR_RECIRCULATED,
	OVS_BPF_STATS_ATTR_DROPPED,
	OVS_BPF_STATS_ATTR_CONSUMED,
	OVS_BPF_STATS_ATTR_REDIRECTED,
	OVS_BPF_STATS_ATTR_BAD_VERDICT,
	OVS_BPF_STATS_ATTR_CASES,
	OVS_BPF_STATS_ATTR_DEFAULT,
	OVS_BPF_STATS_ATTR_NO_CASE,
	OVS_BPF_STATS_ATTR_PAD,
	OVS_BPF_STATS_ATTR_COALESCED_BYTES,
	OVS_BPF_STATS_ATTR_DEFAULT_BYTES,
	__OVS_BPF_STATS_ATTR_MAX
};

#define OVS_BPF_STATS_ATTR_MAX (__OVS_BPF_STATS_ATTR_MAX - 1)

/* In a reply of OVS_DATAPATH_FAMILY: nest of &enum ovs_drop_attr. */
#define OVS_DP_ATTR_DROPS 128

/**
 * enum ovs_drop_attr - packets dropped, by reason, u64
 * @OVS_DROP_ATTR_RECIRC_LIMIT: recirculated more than %OVS_BPF_MAX_RECIRC times.
 * @OVS_DROP_ATTR_RECURSION_LIMIT: sent by this datapath back into a datapath,
 *	too many times within one call chain.
 * @OVS_DROP_ATTR_DEFERRED_LIMIT: a copy whose actions could not be deferred.
 * @OVS_DROP_ATTR_BPF_SHOT: a program said TC_ACT_SHOT.
 * @OVS_DROP_ATTR_BPF_BAD_VERDICT: a program returned no verdict.
 * @OVS_DROP_ATTR_BPF_REDIRECT: bpf_redirect() to an interface that is no port
 *	of this datapath, or with flags.
 * @OVS_DROP_ATTR_BPF_NO_RECIRC: TC_ACT_RECLASSIFY without RECIRC_ID.
 * @OVS_DROP_ATTR_BPF_BAD_PACKET: a program left a packet that can't be parsed.
 * @OVS_DROP_ATTR_BPF_NO_CASE: a result had no case, and there was no DEFAULT and
 *	no RECIRC_ID.
 * @OVS_DROP_ATTR_EXPLICIT: the action drop, with reason 0.
 * @OVS_DROP_ATTR_EXPLICIT_ERROR: the action drop, with another reason.
 * @OVS_DROP_ATTR_METER: exceeded the rate of a meter.
 * @OVS_DROP_ATTR_IP_TTL: its TTL expired, and dec_ttl had no actions for that.
 * @OVS_DROP_ATTR_ACTION_ERROR: an action could not be done, for want of memory or
 *	because a program has made another packet of it.
 * @OVS_DROP_ATTR_LAST_ACTION: the last action has no use for the packet: a flow
 *	without actions drops this way.
 * @OVS_DROP_ATTR_CONNTRACK: the action ct could not be done: conntrack, its
 *	translation or a helper said so, or the zone has its limit of connections.
 * @OVS_DROP_ATTR_FRAG_L2_TOO_LONG: to be sent in fragments, with too long a link
 *	layer header for that.
 * @OVS_DROP_ATTR_FRAG_INVALID_PROTO: to be sent in fragments, but no sound IP.
 * @OVS_DROP_ATTR_PAD: alignment.
 */
enum ovs_drop_attr {
	OVS_DROP_ATTR_UNSPEC,
	OVS_DROP_ATTR_RECIRC_LIMIT,
	OVS_DROP_ATTR_RECURSION_LIMIT,
	OVS_DROP_ATTR_DEFERRED_LIMIT,
	OVS_DROP_ATTR_BPF_SHOT,
	OVS_DROP_ATTR_BPF_BAD_VERDICT,
	OVS_DROP_ATTR_BPF_REDIRECT,
	OVS_DROP_ATTR_BPF_NO_RECIRC,
	OVS_DROP_ATTR_BPF_BAD_PACKET,
	OVS_DROP_ATTR_BPF_NO_CASE,
	OVS_DROP_ATTR_EXPLICIT,
	OVS_DROP_ATTR_EXPLICIT_ERROR,
	OVS_DROP_ATTR_METER,
	OVS_DROP_ATTR_IP_TTL,
	OVS_DROP_ATTR_ACTION_ERROR,
	OVS_DROP_ATTR_LAST_ACTION,
	OVS_DROP_ATTR_CONNTRACK,
	OVS_DROP_ATTR_FRAG_L2_TOO_LONG,
	OVS_DROP_ATTR_FRAG_INVALID_PROTO,
	OVS_DROP_ATTR_PAD,
	__OVS_DROP_ATTR_MAX
};

#define OVS_DROP_ATTR_MAX (__OVS_DROP_ATTR_MAX - 1)

/**
 * enum ovs_bpf_hook - where a program runs; cb[4]
 * @OVS_BPF_HOOK_ACTION: the BPF action of a flow.
 */
enum ovs_bpf_hook {
	OVS_BPF_HOOK_ACTION,
};

#endif /* _UAPI_LINUX_OPENVSWITCH_BPF_H */
