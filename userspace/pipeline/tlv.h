/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of Geneve, by class and type: which of them are the fields tun_metadata0
 * to tun_metadata63, and where in a flow those lie.
 *
 * There is one such map.  It changes only while no rule names the field that is
 * changed.
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

const struct tlv *tlv_get(unsigned int n);
const struct field *tlv_field(unsigned int n);
int tlv_find(uint16_t class, uint8_t type);
const char *tlv_map(unsigned int n, const struct tlv *tlv);
void tlv_put(unsigned int n, const struct tlv *tlv, size_t ofs);
void tlv_unmap(unsigned int n);
uint64_t tlv_touched(const struct flow *mask);
const char *tlv_parse(const char *text, unsigned int *n, struct tlv *tlv);
const char *tlv_parse_field(const char *text, unsigned int *n);

#endif
