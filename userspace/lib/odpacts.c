// SPDX-License-Identifier: GPL-2.0-or-later
/* The operations of a translation as the datapath's actions. */
#include "odp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/openvswitch.h>
#include <netlink/attr.h>
#include <string.h>

#include <linux/openvswitch_bpf.h>

/**
 * struct cursor - operations being written
 * @msg: the message.
 * @out: the operations.
 * @at: the next one.
 * @env: see there.
 */
struct cursor {
	struct nl_msg *msg;
	const struct xlate_out *out;
	unsigned int at;
	const struct odp_env *env;
};

static int put_list(struct cursor *c);

static bool all_zero(const uint8_t *p, unsigned int n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

/* USED: the bits that the rest depends on, each in its attribute. */
static int put_used(struct nl_msg *msg, const struct op *op)
{
	struct nlattr *nest = odp_nest(msg, OVS_BPF_ATTR_USED);
	uint8_t buf[64];
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < odp_n_maps; i++) {
		odp_map_out(&odp_maps[i], buf, &op->mask, true);
		if (odp_map_applies(&odp_maps[i], &op->value) &&
		    !all_zero(buf, odp_maps[i].len) &&
		    nla_put(msg, odp_maps[i].type, odp_maps[i].len, buf))
			return -EMSGSIZE;
	}
	if ((odp_has_tunnel(&op->mask) &&
	     odp_put_tunnel_mask(msg, NULL, &op->mask, &op->value)) ||
	    (odp_has_nsh(&op->mask) &&
	     odp_put_nsh_mask(msg, &op->mask, &op->value)))
		return -EMSGSIZE;
	odp_nest_end(msg, nest);
	return 0;
}

/* One case, or the default, with its list of actions. */
static int put_branch(struct cursor *c)
{
	const struct op *op = &c->out->ops[c->at++];
	struct nlattr *outer = NULL, *acts;
	int err;

	if (op->type == OP_CASE) {
		outer = odp_nest(c->msg, OVS_BPF_CASES_ATTR_CASE);
		if (!outer || nla_put_u32(c->msg, OVS_BPF_CASE_ATTR_VALUE, op->n))
			return -EMSGSIZE;
	}
	acts = odp_nest(c->msg, outer ? OVS_BPF_CASE_ATTR_ACTIONS :
			OVS_BPF_ATTR_DEFAULT);
	if (!acts)
		return -EMSGSIZE;
	err = put_list(c);
	odp_nest_end(c->msg, acts);
	if (outer)
		odp_nest_end(c->msg, outer);
	return err;
}

static enum op_type next_type(const struct cursor *c)
{
	return c->at < c->out->n_ops ? c->out->ops[c->at].type : OP_NONE;
}

static int put_branches(struct cursor *c)
{
	struct nlattr *cases = NULL;
	int err = 0;

	if (next_type(c) == OP_CASE) {
		cases = odp_nest(c->msg, OVS_BPF_ATTR_CASES);
		if (!cases)
			return -EMSGSIZE;
		while (!err && next_type(c) == OP_CASE)
			err = put_branch(c);
		odp_nest_end(c->msg, cases);
	}
	if (!err && next_type(c) == OP_DEFAULT)
		err = put_branch(c);
	return err;
}

static int put_prog(struct cursor *c, const struct op *op)
{
	int fd;

	if (c->env->names)
		return nla_put_string(c->msg, OVS_BPF_ATTR_NAME, op->act.prog);
	fd = c->env->prog_fd(op->act.prog, c->env->arg);
	if (fd < 0)
		return fd;
	return nla_put_u32(c->msg, OVS_BPF_ATTR_PROG_FD, fd) ? -EMSGSIZE : 0;
}

static int put_bpf(struct cursor *c, const struct op *op)
{
	static const uint32_t modes[] = {
		[MODE_PROGRAM] = OVS_BPF_RECHECK_PROGRAM,
		[MODE_ALWAYS] = OVS_BPF_RECHECK_ALWAYS,
		[MODE_CHANGED] = OVS_BPF_RECHECK_CHANGED,
		[MODE_AUTO] = OVS_BPF_RECHECK_CHANGED,
	};
	struct nlattr *nest;
	int err;

	nest = odp_nest(c->msg, OVS_ACTION_ATTR_BPF);
	if (!nest)
		return -EMSGSIZE;
	err = put_prog(c, op);
	if (err)
		return err;
	if (nla_put(c->msg, OVS_BPF_ATTR_ARG, sizeof(op->act.arg), &op->act.arg) ||
	    (op->recirc_id &&
	     nla_put_u32(c->msg, OVS_BPF_ATTR_RECIRC_ID, op->recirc_id)))
		return -EMSGSIZE;
	if (!op->filter &&
	    (nla_put_u32(c->msg, OVS_BPF_ATTR_RECHECK, modes[op->act.mode]) ||
	     (modes[op->act.mode] == OVS_BPF_RECHECK_CHANGED &&
	      put_used(c->msg, op))))
		return -EMSGSIZE;
	err = put_branches(c);
	odp_nest_end(c->msg, nest);
	return err;
}

/* One SET_MASKED for each attribute that has bits to set. */
static int put_set(struct nl_msg *msg, const struct op *op)
{
	uint8_t value[64], both[128], *mask;
	struct nlattr *nest;
	unsigned int i, b;

	for (i = 0; i < odp_n_maps; i++) {
		const struct odp_map *m = &odp_maps[i];

		mask = both + m->len;
		odp_map_out(m, mask, &op->mask, true);
		if (!odp_map_applies(m, &op->value) || all_zero(mask, m->len))
			continue;
		odp_map_out(m, value, &op->value, false);
		for (b = 0; b < m->len; b++)
			both[b] = value[b] & mask[b];
		nest = odp_nest(msg, OVS_ACTION_ATTR_SET_MASKED);
		if (!nest || nla_put(msg, m->type, 2 * m->len, both))
			return -EMSGSIZE;
		odp_nest_end(msg, nest);
	}
	return 0;
}

static int put_set_tunnel(struct nl_msg *msg, const struct op *op)
{
	struct nlattr *nest = odp_nest(msg, OVS_ACTION_ATTR_SET);

	if (!nest || odp_put_tunnel(msg, &op->value))
		return -EMSGSIZE;
	odp_nest_end(msg, nest);
	return 0;
}

static int put_push_vlan(struct nl_msg *msg, const struct op *op)
{
	struct ovs_action_push_vlan vlan = {
		.vlan_tpid = htons(op->n),
		.vlan_tci = htons(op->tci),
	};

	return nla_put(msg, OVS_ACTION_ATTR_PUSH_VLAN, sizeof(vlan), &vlan);
}

static int put_push_mpls(struct nl_msg *msg, const struct op *op)
{
	struct ovs_action_push_mpls mpls = {
		.mpls_lse = op->value.mpls_lse[0],
		.mpls_ethertype = htons(op->n),
	};

	return nla_put(msg, OVS_ACTION_ATTR_PUSH_MPLS, sizeof(mpls), &mpls);
}

/* A packet with no hops left is dropped: its list of actions is empty. */
static int put_dec_ttl(struct nl_msg *msg)
{
	struct nlattr *nest = odp_nest(msg, OVS_ACTION_ATTR_DEC_TTL);

	if (!nest || nla_put(msg, OVS_DEC_TTL_ATTR_ACTION, 0, NULL))
		return -EMSGSIZE;
	odp_nest_end(msg, nest);
	return 0;
}

static int put_nat(struct nl_msg *msg, const struct act_ct *ct)
{
	struct nlattr *nest = odp_nest(msg, OVS_CT_ATTR_NAT);
	int len = ct->ip6 ? 16 : 4, err = 0;

	if (!nest)
		return -EMSGSIZE;
	if (ct->nat != NAT_BARE)
		err |= nla_put_flag(msg, ct->nat == NAT_SRC ? OVS_NAT_ATTR_SRC :
				    OVS_NAT_ATTR_DST);
	if (ct->has_ip) {
		err |= nla_put(msg, OVS_NAT_ATTR_IP_MIN, len, ct->ip_min);
		err |= nla_put(msg, OVS_NAT_ATTR_IP_MAX, len, ct->ip_max);
	}
	if (ct->port_min) {
		err |= nla_put_u16(msg, OVS_NAT_ATTR_PROTO_MIN, ct->port_min);
		err |= nla_put_u16(msg, OVS_NAT_ATTR_PROTO_MAX, ct->port_max);
	}
	if (ct->nat_flags & NAT_PERSISTENT)
		err |= nla_put_flag(msg, OVS_NAT_ATTR_PERSISTENT);
	if (ct->nat_flags & NAT_HASH)
		err |= nla_put_flag(msg, OVS_NAT_ATTR_PROTO_HASH);
	if (ct->nat_flags & NAT_RANDOM)
		err |= nla_put_flag(msg, OVS_NAT_ATTR_PROTO_RANDOM);
	odp_nest_end(msg, nest);
	return err ? -EMSGSIZE : 0;
}

/* Mark or label: value, then mask. */
static int put_ct_set(struct nl_msg *msg, const struct op *op, int attr, int key)
{
	uint8_t both[32];
	unsigned int i;

	for (i = 0; i < odp_n_maps; i++) {
		const struct odp_map *m = &odp_maps[i];

		if (m->type != key)
			continue;
		odp_map_out(m, both, &op->value, false);
		odp_map_out(m, both + m->len, &op->mask, true);
		if (!all_zero(both + m->len, m->len))
			return nla_put(msg, attr, 2 * m->len, both);
	}
	return 0;
}

static int put_ct(struct nl_msg *msg, const struct op *op)
{
	struct nlattr *nest = odp_nest(msg, OVS_ACTION_ATTR_CT);
	const struct act_ct *ct = &op->act.ct;
	int err = 0;

	if (!nest)
		return -EMSGSIZE;
	if (ct->commit)
		err |= nla_put_flag(msg, ct->force ? OVS_CT_ATTR_FORCE_COMMIT :
				    OVS_CT_ATTR_COMMIT);
	err |= nla_put_u16(msg, OVS_CT_ATTR_ZONE, op->n);
	err |= put_ct_set(msg, op, OVS_CT_ATTR_MARK, OVS_KEY_ATTR_CT_MARK);
	err |= put_ct_set(msg, op, OVS_CT_ATTR_LABELS, OVS_KEY_ATTR_CT_LABELS);
	if (*ct->alg)
		err |= nla_put_string(msg, OVS_CT_ATTR_HELPER, ct->alg);
	if (ct->nat)
		err |= put_nat(msg, ct);
	odp_nest_end(msg, nest);
	return err ? -EMSGSIZE : 0;
}

static int put_controller(struct nl_msg *msg, const struct op *op, uint32_t pid)
{
	struct odp_userdata u = { .magic = ODP_MAGIC, .max_len = op->n,
				  .table = op->table, .cookie = op->cookie };
	struct nlattr *nest = odp_nest(msg, OVS_ACTION_ATTR_USERSPACE);

	if (!nest || nla_put_u32(msg, OVS_USERSPACE_ATTR_PID, pid) ||
	    nla_put(msg, OVS_USERSPACE_ATTR_USERDATA, sizeof(u), &u))
		return -EMSGSIZE;
	odp_nest_end(msg, nest);
	return 0;
}

static int put_clone(struct cursor *c)
{
	struct nlattr *nest = odp_nest(c->msg, OVS_ACTION_ATTR_CLONE);
	int err = nest ? put_list(c) : -EMSGSIZE;

	if (nest)
		odp_nest_end(c->msg, nest);
	return err;
}

static int put_op(struct cursor *c, const struct op *op)
{
	struct ovs_action_hash hash = { .hash_alg = OVS_HASH_ALG_L4 };
	struct nl_msg *msg = c->msg;

	switch (op->type) {
	case OP_OUTPUT:
		return nla_put_u32(msg, OVS_ACTION_ATTR_OUTPUT, op->n);
	case OP_TRUNC:
		return nla_put_u32(msg, OVS_ACTION_ATTR_TRUNC, op->n);
	case OP_SET:
		return put_set(msg, op);
	case OP_SET_TUNNEL:
		return put_set_tunnel(msg, op);
	case OP_PUSH_VLAN:
		return put_push_vlan(msg, op);
	case OP_POP_VLAN:
		return nla_put_flag(msg, OVS_ACTION_ATTR_POP_VLAN);
	case OP_DEC_TTL:
		return put_dec_ttl(msg);
	case OP_PUSH_MPLS:
		return put_push_mpls(msg, op);
	case OP_POP_MPLS:
		return nla_put_u16(msg, OVS_ACTION_ATTR_POP_MPLS, htons(op->n));
	case OP_BPF:
		return put_bpf(c, op);
	case OP_METER:
		return nla_put_u32(msg, OVS_ACTION_ATTR_METER, op->n);
	case OP_CT:
		return put_ct(msg, op);
	case OP_CT_CLEAR:
		return nla_put_flag(msg, OVS_ACTION_ATTR_CT_CLEAR);
	case OP_HASH:
		return nla_put(msg, OVS_ACTION_ATTR_HASH, sizeof(hash), &hash);
	case OP_RECIRC:
		return nla_put_u32(msg, OVS_ACTION_ATTR_RECIRC, op->recirc_id);
	case OP_CONTROLLER:
		return put_controller(msg, op, c->env->pid);
	case OP_CLONE:
		return put_clone(c);
	case OP_NONE:
		return 0;
	case OP_CASE:
	case OP_DEFAULT:
	case OP_END:
		break;
	}
	return -EINVAL;
}

/* Up to the end of the list, which is taken. */
static int put_list(struct cursor *c)
{
	const struct op *op;
	int err;

	while (c->at < c->out->n_ops) {
		op = &c->out->ops[c->at++];
		if (op->type == OP_END)
			return 0;
		err = put_op(c, op);
		if (err)
			return err;
	}
	return 0;
}

/**
 * odp_put_ops - write the actions of a megaflow into an open nest
 * @msg: the message.
 * @out: the megaflow.
 * @env: what is needed.
 *
 * Return: 0 or a negative errno.
 */
int odp_put_ops(struct nl_msg *msg, const struct xlate_out *out,
		const struct odp_env *env)
{
	struct cursor c = { .msg = msg, .out = out, .env = env };

	return put_list(&c);
}
