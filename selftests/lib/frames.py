# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames made by hand, and the verdict on the checksums of frames that came back.

A transport header is an L4: its protocol, its bytes, and where in them its checksum
stands, so that ipv4() and ipv6() can fill it in, pseudo header included.
"""
import socket
import struct

from ovsnl import csum, mac

TCP, UDP, ICMP, ICMPV6, SCTP = 6, 17, 1, 58, 132
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, NS = (1 << i for i in range(9))
A4, B4 = '10.0.0.1', '10.0.0.2'
A6, B6 = '2001:db8::1', '2001:db8::2'


class L4:
    def __init__(self, proto, data, at=None):
        self.proto, self.data, self.at = proto, data, at

    def build(self, src, dst):
        """The bytes, with the checksum over them and these addresses."""
        if self.at is None:
            return self.data
        if self.proto == SCTP:
            crc = struct.pack('<I', crc32c(self.data))
            return self.data[:8] + crc + self.data[12:]
        c = csum(pseudo(src, dst, self.proto, len(self.data)) + self.data)
        if self.proto == UDP:
            c = c or 0xffff
        return self.data[:self.at] + struct.pack('!H', c) + self.data[self.at + 2:]


def _crc_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
        table.append(i)
    return table


_CRC = _crc_table()


def crc32c(data):
    crc = 0xffffffff
    for b in data:
        crc = _CRC[(crc ^ b) & 0xff] ^ crc >> 8
    return crc ^ 0xffffffff


def addr(text):
    return socket.inet_pton(socket.AF_INET6 if ':' in text else socket.AF_INET, text)


def pseudo(src, dst, proto, length):
    """Of RFC 793 or RFC 8200; of ICMP, which has none, nothing."""
    if proto == ICMP:
        return b''
    if len(src) == 4:
        return src + dst + struct.pack('!BBH', 0, proto, length)
    return src + dst + struct.pack('!IHBB', length, 0, 0, proto)


def eth(kind, payload, src=mac(1), dst=mac(2)):
    return dst + src + struct.pack('!H', kind) + payload


def vlan(kind, tci, inner):
    """INNER, a frame, with a tag in front of its type."""
    return inner[:12] + struct.pack('!HH', kind, tci) + inner[12:]


def tcp(sport=1000, dport=80, flags=SYN, payload=b'', doff=5, options=b''):
    return L4(TCP, struct.pack('!HHIIHHHH', sport, dport, 1, 2, doff << 12 | flags, 1000,
                               0, 0) + options + payload, 16)


def udp(sport=1000, dport=53, payload=b'payload', checksum=True):
    return L4(UDP, struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload,
              6 if checksum else None)


def sctp(sport=1000, dport=9, payload=bytes((3, 0, 0, 8, 0, 0, 0, 1))):
    return L4(SCTP, struct.pack('!HHII', sport, dport, 7, 0) + payload, 8)


def icmp(kind=8, code=0, payload=b'ping'):
    return L4(ICMP, struct.pack('!BBHHH', kind, code, 0, 1, 1) + payload, 2)


def icmpv6(kind=128, code=0, payload=b'ping'):
    return L4(ICMPV6, struct.pack('!BBHHH', kind, code, 0, 1, 1) + payload, 2)


def nd(kind, target, *options, code=0):
    return L4(ICMPV6, struct.pack('!BBHI', kind, code, 0, 0) + addr(target) +
              b''.join(options), 2)


def lladdr(kind, hw):
    """Source (1) or target (2) link-layer address option."""
    return bytes((kind, 1)) + hw


def raw(proto, data):
    return L4(proto, data)


def ip4(l4, src=A4, dst=B4, tos=0, ttl=64, frag=0, options=b'', ihl=None, proto=None):
    """An IPv4 packet without Ethernet header."""
    data = l4.build(addr(src), addr(dst))
    words = 5 + len(options) // 4
    head = struct.pack('!BBHHHBBH4s4s', 0x40 | (words if ihl is None else ihl), tos,
                       words * 4 + len(data), 1, frag, ttl,
                       l4.proto if proto is None else proto, 0, addr(src),
                       addr(dst)) + options
    return head[:10] + struct.pack('!H', csum(head)) + head[12:] + data


def ip6(l4, src=A6, dst=B6, tclass=0, label=0, hlim=64, ext=(), final=None):
    """An IPv6 packet; EXT: (type, bytes behind the next-header byte) of each header.

    FINAL is the address that the checksum is about, if a routing header is on the way.
    """
    data = l4.build(addr(src), addr(final or dst))
    nexthdr = l4.proto
    for kind, body in reversed(ext):
        data = bytes((nexthdr,)) + body + data
        nexthdr = kind
    return struct.pack('!IHBB', 6 << 28 | tclass << 20 | label, len(data), nexthdr,
                       hlim) + addr(src) + addr(dst) + data


def ipv4(l4, **kw):
    return eth(0x800, ip4(l4, **kw))


def ipv6(l4, **kw):
    return eth(0x86dd, ip6(l4, **kw))


def arp(op=1, sip=A4, tip=B4, sha=mac(1), tha=bytes(6), kind=0x806, hw=1):
    return eth(kind, struct.pack('!HHBBH', hw, 0x800, 6, 4, op) + sha + addr(sip) + tha +
               addr(tip))


HOPOPTS = (0, b'\0\1\4\0\0\0\0')
DSTOPTS = (60, b'\0\1\4\0\0\0\0')
AUTH = (51, b'\4' + bytes(22))


def routing(left, last):
    """A type 2 routing header."""
    return 43, bytes((2, 2, left)) + bytes(4) + addr(last)


def fragment(offset, more):
    return 44, struct.pack('!BHI', 0, offset << 3 | more, 99)


class Parsed:
    """Where things are in a frame.  Of a fragment, the transport is not looked at."""

    def __init__(self, frame):
        self.tags, at = [], 12
        kind, = struct.unpack_from('!H', frame, at)
        while kind in (0x8100, 0x88a8):
            self.tags.append(struct.unpack_from('!HH', frame, at))
            at += 4
            kind, = struct.unpack_from('!H', frame, at)
        self.kind, self.l3, self.proto, self.l4 = kind, at + 2, None, None
        ip = frame[self.l3:]
        if kind == 0x800:
            self.hlen = (ip[0] & 15) * 4
            self.end = self.l3 + struct.unpack_from('!H', ip, 2)[0]
            self.src, self.dst = ip[12:16], ip[16:20]
            if not struct.unpack_from('!H', ip, 6)[0] & 0x3fff:
                self.proto, self.l4 = ip[9], self.l3 + self.hlen
        elif kind == 0x86dd:
            self.end = self.l3 + 40 + struct.unpack_from('!H', ip, 4)[0]
            self.src, self.dst = ip[8:24], ip[24:40]
            proto, at = ip[6], 40
            while proto in (0, 43, 44, 51, 60):
                if proto == 44:
                    return
                if proto == 43 and ip[at + 3]:
                    self.dst = ip[at + 8:at + 24]
                size = (ip[at + 1] + 2) * 4 if proto == 51 else (ip[at + 1] + 1) * 8
                proto, at = ip[at], at + size
            self.proto, self.l4 = proto, self.l3 + at


CSUM_AT = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}


def wrong_checksums(frame):
    """What checksums of a frame are wrong: a list of names, empty if all are right."""
    p, wrong = Parsed(frame), []
    if p.kind == 0x800 and csum(frame[p.l3:p.l3 + p.hlen]):
        wrong.append('ip')
    if p.l4 is None:
        return wrong
    l4 = frame[p.l4:p.end]
    if p.proto == SCTP:
        if struct.pack('<I', crc32c(l4[:8] + bytes(4) + l4[12:])) != l4[8:12]:
            wrong.append('sctp')
    elif p.proto == UDP and p.kind == 0x800 and l4[6:8] == b'\0\0':
        pass
    elif p.proto in CSUM_AT:
        at = CSUM_AT[p.proto]
        if p.proto == UDP and l4[at:at + 2] == b'\0\0':
            wrong.append('udp without')
        elif csum(pseudo(p.src, p.dst, p.proto, len(l4)) + l4):
            wrong.append('l4')
    return wrong


def with_partial(frame):
    """FRAME as CHECKSUM_PARTIAL has it: its transport's checksum of the pseudo header
    alone.  Returns the frame, where the checksum starts, and where behind that it is."""
    p = Parsed(frame)
    at = p.l4 + CSUM_AT[p.proto]
    c = ~csum(pseudo(p.src, p.dst, p.proto, p.end - p.l4)) & 0xffff
    return frame[:at] + struct.pack('!H', c) + frame[at + 2:], p.l4, CSUM_AT[p.proto]


def complete(frame, start, offset):
    """What a device does to a frame of CHECKSUM_PARTIAL."""
    c = csum(frame[start:]) or 0xffff
    at = start + offset
    return frame[:at] + struct.pack('!H', c) + frame[at + 2:]
