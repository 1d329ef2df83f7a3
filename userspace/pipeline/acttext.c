// SPDX-License-Identifier: GPL-2.0-or-later
/* Actions into text that parse_actions() reads. */
#include "parse.h"
#include "text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static int subfield(const struct field *f, unsigned int ofs, unsigned int bits,
		    char *buf, size_t size, int n)
{
	if (!ofs && bits == f->bits)
		return text_add(buf, size, n, "%s[]", f->name);
	if (bits == 1)
		return text_add(buf, size, n, "%s[%u]", f->name, ofs);
	return text_add(buf, size, n, "%s[%u..%u]", f->name, ofs, ofs + bits - 1);
}

static int put_bpf(const struct act *a, char *buf, size_t size, int n)
{
	n = text_add(buf, size, n, "bpf(%s", a->prog);
	if (a->arg)
		n = text_add(buf, size, n, ",arg=0x%llx", (unsigned long long)a->arg);
	if (a->result >= 0)
		n = text_add(buf, size, n, ",result=reg%d", a->result);
	if (a->mode != MODE_AUTO)
		n = text_add(buf, size, n, ",mode=%s", bpf_modes[a->mode]);
	return text_add(buf, size, n, ")");
}

static int put_ip(const struct act_ct *ct, const uint8_t *ip, char *buf,
		  size_t size, int n)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(ct->ip6 ? AF_INET6 : AF_INET, ip, text, sizeof(text));
	return text_add(buf, size, n, "%s", text);
}

static int put_nat(const struct act_ct *ct, char *buf, size_t size, int n)
{
	bool brackets = ct->ip6 && ct->port_min;

	if (ct->nat == NAT_BARE)
		return text_add(buf, size, n, "nat,");
	n = text_add(buf, size, n, "nat(%s=%s", ct->nat == NAT_SRC ? "src" : "dst",
		     brackets ? "[" : "");
	if (ct->has_ip)
		n = put_ip(ct, ct->ip_min, buf, size, n);
	if (ct->has_ip && memcmp(ct->ip_min, ct->ip_max, 16)) {
		n = text_add(buf, size, n, brackets ? "]-[" : "-");
		n = put_ip(ct, ct->ip_max, buf, size, n);
	}
	n = text_add(buf, size, n, brackets ? "]" : "");
	if (ct->port_min)
		n = text_add(buf, size, n, ":%u", ct->port_min);
	if (ct->port_max != ct->port_min)
		n = text_add(buf, size, n, "-%u", ct->port_max);
	return text_add(buf, size, n, "%s%s%s),",
			ct->nat_flags & NAT_RANDOM ? ",random" : "",
			ct->nat_flags & NAT_HASH ? ",hash" : "",
			ct->nat_flags & NAT_PERSISTENT ? ",persistent" : "");
}

static int put_ct(const struct act *a, char *buf, size_t size, int n)
{
	const struct act_ct *ct = &a->ct;

	n = text_add(buf, size, n, "ct(%s%s", ct->commit ? "commit," : "",
		     ct->force ? "force," : "");
	if (a->field) {
		n = text_add(buf, size, n, "zone=");
		n = subfield(a->field, a->ofs, a->n_bits, buf, size, n);
		n = text_add(buf, size, n, ",");
	} else if (ct->zone) {
		n = text_add(buf, size, n, "zone=%u,", ct->zone);
	}
	if (ct->table >= 0)
		n = text_add(buf, size, n, "table=%d,", ct->table);
	if (ct->nat)
		n = put_nat(ct, buf, size, n);
	if (*ct->alg)
		n = text_add(buf, size, n, "alg=%s,", ct->alg);
	if (ct->n_exec) {
		n = text_add(buf, size, n, "exec(");
		n += acts_format(a + 1, ct->n_exec, buf + n, size - n);
		n = text_add(buf, size, n, "),");
	}
	if (n && buf[n - 1] == ',')
		n--;
	return text_add(buf, size, n, ")");
}

static int put_act(const struct act *a, char *buf, size_t size, int n)
{
	char text[FIELD_TEXT];

	switch (a->type) {
	case ACT_OUTPUT:
		if (!a->field)
			return text_add(buf, size, n, "output:%u", a->n);
		n = text_add(buf, size, n, "output:");
		return subfield(a->field, a->ofs, a->n_bits, buf, size, n);
	case ACT_OUTPUT_PART:
		return a->port == NO_PORT ?
		       text_add(buf, size, n, "output(port=IN_PORT,max_len=%u)", a->n) :
		       text_add(buf, size, n, "output(port=%u,max_len=%u)", a->port, a->n);
	case ACT_IN_PORT:
		return text_add(buf, size, n, "IN_PORT");
	case ACT_FLOOD:
		return text_add(buf, size, n, "FLOOD");
	case ACT_ALL:
		return text_add(buf, size, n, "ALL");
	case ACT_NORMAL:
		return text_add(buf, size, n, "NORMAL");
	case ACT_DROP:
		return text_add(buf, size, n, "drop");
	case ACT_SET:
		field_format(a->field, act_value(a), act_mask(a), text, sizeof(text));
		return text_add(buf, size, n, "set_field:%s->%s", text, a->field->name);
	case ACT_MOVE:
		n = text_add(buf, size, n, "move:");
		n = subfield(a->src, a->src_ofs, a->n_bits, buf, size, n);
		n = text_add(buf, size, n, "->");
		return subfield(a->field, a->ofs, a->n_bits, buf, size, n);
	case ACT_PUSH_VLAN:
		return text_add(buf, size, n, "push_vlan:0x%x", a->n);
	case ACT_POP_VLAN:
		return text_add(buf, size, n, "pop_vlan");
	case ACT_VLAN_VID:
		return text_add(buf, size, n, "mod_vlan_vid:%u", a->n);
	case ACT_VLAN_PCP:
		return text_add(buf, size, n, "mod_vlan_pcp:%u", a->n);
	case ACT_DEC_TTL:
		return text_add(buf, size, n, "dec_ttl");
	case ACT_PUSH_MPLS:
		return text_add(buf, size, n, "push_mpls:0x%x", a->n);
	case ACT_POP_MPLS:
		return text_add(buf, size, n, "pop_mpls:0x%04x", a->n);
	case ACT_DEC_MPLS_TTL:
		return text_add(buf, size, n, "dec_mpls_ttl");
	case ACT_BPF:
		return put_bpf(a, buf, size, n);
	case ACT_GOTO:
		return text_add(buf, size, n, "goto_table:%u", a->n);
	case ACT_RESUBMIT:
		return a->port == NO_PORT ?
		       text_add(buf, size, n, "resubmit(,%u)", a->n) :
		       text_add(buf, size, n, "resubmit(%u,%u)", a->port, a->n);
	case ACT_GROUP:
		return text_add(buf, size, n, "group:%u", a->n);
	case ACT_METER:
		return text_add(buf, size, n, "meter:%u", a->n);
	case ACT_CT:
		return put_ct(a, buf, size, n);
	case ACT_CT_CLEAR:
		return text_add(buf, size, n, "ct_clear");
	case ACT_CONTROLLER:
		return a->n == 65535 ? text_add(buf, size, n, "CONTROLLER") :
		       text_add(buf, size, n, "CONTROLLER:%u", a->n);
	case ACT_PICK:
		return text_add(buf, size, n, "bucket_of(%u)", a->n);
	case ACT_OUTCOME:
		return text_add(buf, size, n, "%s_said(%s)", a->prog, a->n ? "yes" : "no");
	case ACT_FILTERED:
		return text_add(buf, size, n, "said(%s,%u)", a->prog, a->n);
	}
	return n;
}

/**
 * acts_format - write actions
 * @acts: the actions.
 * @n_acts: how many.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 *
 * Return: length of the text.
 */
int acts_format(const struct act *acts, unsigned int n_acts, char *buf,
		size_t size)
{
	unsigned int i;
	int n = 0;

	buf[0] = 0;
	for (i = 0; i < n_acts; i++) {
		if (i)
			n = text_add(buf, size, n, ",");
		n = put_act(&acts[i], buf, size, n);
		if (acts[i].type == ACT_CT)
			i += acts[i].ct.n_exec;
	}
	return n;
}
