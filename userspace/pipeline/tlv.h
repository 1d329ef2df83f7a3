/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of Geneve, by class and type: which of them are the fields tun_metadata0
 * to tun_metadata63, and where in a flow those lie.
 *
 * There is one such map.  It changes only while no rule names the field that is
 * changed, and nothing that was made by it before may be read afterwards.
 */
#ifndef TLV_H
#define TLV_H 1

#include "flow.h"

#define N_TLVS 64

/**
 * struct tlv - an option
 * @class: its class, host order.
 * @type: its type.
 * @len: bytes of its body; 0: there is no option.
 */
struct tlv {
	uint16_t class;
	uint8_t type;
	uint8_t len;
};

/**
 * struct tlv_map - which options are fields, and where those lie
 * @tlv: of each field: its option.
 * @ofs: of each field: its place, as in &struct field.
 */
struct tlv_map {
	struct tlv tlv[N_TLVS];
	uint16_t ofs[N_TLVS];
};

void tlv_map_get(struct tlv_map *map);
void tlv_map_set(const struct tlv_map *map);
uint64_t tlv_replace(const struct tlv *want);
const struct tlv *tlv_get(unsigned int n);
const struct field *tlv_field(unsigned int n);
int tlv_find(uint16_t class, uint8_t type);
const char *tlv_map(unsigned int n, const struct tlv *tlv);
void tlv_unmap(unsigned int n);
uint64_t tlv_touched(const struct flow *mask);
const char *tlv_parse(const char *text, unsigned int *n, struct tlv *tlv);
const char *tlv_parse_field(const char *text, unsigned int *n);

#endif
