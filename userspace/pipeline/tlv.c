// SPDX-License-Identifier: GPL-2.0-or-later
/* The map of options; see tlv.h. */
#include "tlv.h"

#include <stdio.h>
#include <string.h>

#define SPACE sizeof(((struct flow *)0)->tun_metadata)
#define START offsetof(struct flow, tun_metadata)

static struct tlv tlvs[N_TLVS];

/* The fields are the last ones of the table. */
static struct field *row(unsigned int n)
{
	return &fields[n_fields - N_TLVS + n];
}

/* Option @n, or NULL if there is none. */
const struct tlv *tlv_get(unsigned int n)
{
	return n < N_TLVS && tlvs[n].len ? &tlvs[n] : NULL;
}

const struct field *tlv_field(unsigned int n)
{
	return row(n);
}

/* The number of an option, or -1. */
int tlv_find(uint16_t class, uint8_t type)
{
	unsigned int n;

	for (n = 0; n < N_TLVS; n++)
		if (tlvs[n].len && tlvs[n].class == class && tlvs[n].type == type)
			return n;
	return -1;
}

static bool is_free(size_t ofs, size_t len)
{
	unsigned int n;

	for (n = 0; n < N_TLVS; n++)
		if (tlvs[n].len && ofs < row(n)->ofs + row(n)->len &&
		    row(n)->ofs < ofs + len)
			return false;
	return true;
}

/* Make an option a field at a place; if its length is 0, none. */
static void put(unsigned int n, const struct tlv *tlv, size_t ofs)
{
	tlvs[n] = *tlv;
	row(n)->ofs = ofs;
	row(n)->len = tlv->len;
	row(n)->bits = 8 * tlv->len;
}

/**
 * tlv_map - make an option a field
 * @n: number of the field.
 * @tlv: the option, with a body of 4 to 124 bytes.
 *
 * Return: NULL, or why not.
 */
const char *tlv_map(unsigned int n, const struct tlv *tlv)
{
	int other = tlv_find(tlv->class, tlv->type);
	size_t ofs;

	if (tlvs[n].len)
		return memcmp(&tlvs[n], tlv, sizeof(*tlv)) ?
		       "the field is another option already" : NULL;
	if (other >= 0)
		return "the option is another field already";
	for (ofs = START; ofs + tlv->len <= START + SPACE; ofs += 4)
		if (is_free(ofs, tlv->len))
			break;
	if (ofs + tlv->len > START + SPACE)
		return "the options that there are leave no room for it in one piece: they have 124 bytes in all";
	put(n, tlv, ofs);
	return NULL;
}

/* No rule may name the field. */
void tlv_unmap(unsigned int n)
{
	static const struct tlv none;

	put(n, &none, row(n)->ofs);
}

void tlv_map_get(struct tlv_map *map)
{
	unsigned int n;

	memcpy(map->tlv, tlvs, sizeof(tlvs));
	for (n = 0; n < N_TLVS; n++)
		map->ofs[n] = row(n)->ofs;
}

void tlv_map_set(const struct tlv_map *map)
{
	unsigned int n;

	for (n = 0; n < N_TLVS; n++)
		put(n, &map->tlv[n], map->ofs[n]);
}

static bool same(const struct tlv *a, const struct tlv *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Map those that are not yet.  Return: whether there is room for all. */
static bool map_missing(const struct tlv *want)
{
	bool all = true;
	unsigned int n;

	for (n = 0; n < N_TLVS; n++)
		if (want[n].len && !tlvs[n].len && tlv_map(n, &want[n]))
			all = false;
	return all;
}

/**
 * tlv_replace - make the options others, all at once
 * @want: N_TLVS of them: what each field is to be.
 *
 * What stays keeps its place.  If there is no room for the others beside it, there are
 * no options: mapped one after the other, all get what room there is.
 *
 * Return: the fields that are no more what they were, or where: bit N for option N.
 */
uint64_t tlv_replace(const struct tlv *want)
{
	struct tlv_map was;
	uint64_t changed = 0;
	unsigned int n;

	tlv_map_get(&was);
	for (n = 0; n < N_TLVS; n++)
		if (!same(&tlvs[n], &want[n]))
			tlv_unmap(n);
	if (!map_missing(want))
		for (n = 0; n < N_TLVS; n++)
			tlv_unmap(n);
	for (n = 0; n < N_TLVS; n++)
		if (was.tlv[n].len && (!same(&was.tlv[n], &tlvs[n]) || was.ofs[n] != row(n)->ofs))
			changed |= 1ull << n;
	return changed;
}

/* Of which options a mask has bits: bit N for option N. */
uint64_t tlv_touched(const struct flow *mask)
{
	uint64_t bits = 0;
	unsigned int n;

	if (!flow_has(mask, START, START + SPACE))
		return 0;
	for (n = 0; n < N_TLVS; n++)
		if (tlvs[n].len && flow_has(mask, row(n)->ofs, row(n)->ofs + row(n)->len))
			bits |= 1ull << n;
	return bits;
}

/* tun_metadataN.  Return: NULL, or what is wrong. */
const char *tlv_parse_field(const char *text, unsigned int *n)
{
	int len = 0;

	if (sscanf(text, "tun_metadata%2u%n", n, &len) != 1 || !len || text[len] ||
	    *n >= N_TLVS)
		return "a field is one of tun_metadata0 to tun_metadata63";
	return NULL;
}

/**
 * tlv_parse - read {class=N,type=N,len=N}->tun_metadataN
 * @text: the text.
 * @n: number of the field.
 * @tlv: the option.
 *
 * Return: NULL, or what is wrong.
 */
const char *tlv_parse(const char *text, unsigned int *n, struct tlv *tlv)
{
	int class, type, bytes, len = 0;

	if (sscanf(text, "{class=%i,type=%i,len=%i}->%n", &class, &type, &bytes,
		   &len) != 3 || !len)
		return "an option is {class=N,type=N,len=N}->tun_metadataN";
	if (class < 0 || class > 0xffff)
		return "class must be 0 to 0xffff";
	if (type < 0 || type > 0xff)
		return "type must be 0 to 255";
	if (bytes < 4 || bytes > FIELD_MAX || bytes % 4)
		return "len must be a multiple of 4, from 4 to 124";
	*tlv = (struct tlv){ class, type, bytes };
	return tlv_parse_field(text + len, n);
}
