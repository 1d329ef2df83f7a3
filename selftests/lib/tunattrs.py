# SPDX-License-Identifier: GPL-2.0-or-later
"""The attributes of OVS_KEY_ATTR_TUNNEL, for tests by raw netlink."""
import struct

import ovsnl as nl

(ID, IPV4_SRC, IPV4_DST, TOS, TTL, DF, CSUM, OAM, GENEVE, TP_SRC, TP_DST, VXLAN, IPV6_SRC,
 IPV6_DST, PAD, ERSPAN, BRIDGE) = range(17)
ONES = b'\xff' * 16


def raw(kind, data=b''):
    return nl.attr(kind, data)


def ident(n=7):
    return raw(ID, struct.pack('!Q', n))


def v4(kind, addr):
    return raw(kind, nl.ip4(addr))


def v6(kind, last):
    return raw(kind, bytes(15) + bytes((last,)))


def u8(kind, n):
    return raw(kind, bytes((n,)))


def be16(kind, n):
    return raw(kind, struct.pack('!H', n))


def opt(cls, kind, data, length=None):
    """One Geneve option; LENGTH may lie, in words."""
    return struct.pack('!HBB', cls, kind, len(data) // 4 if length is None else length) + data


def geneve(*opts):
    return raw(GENEVE, b''.join(opts))


def gbp(n):
    return nl.nest(VXLAN, nl.attr(1, n))


def erspan(version, index):
    return raw(ERSPAN, struct.pack('=I', version) + struct.pack('!I', index) + bytes(4))


D4, TTL64 = v4(IPV4_DST, '2.2.2.2'), u8(TTL, 64)
D6 = v6(IPV6_DST, 2)
V4 = (D4, TTL64)
V6 = (D6, TTL64)
