# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of connection tracking share: three ports, attributes, packets."""
import socket
import struct

import ovsnl as nl
from ktap import load_module, run

ACT_CT, ACT_CT_CLEAR = 12, 16
# OVS_CT_ATTR_*
(COMMIT, ZONE, MARK, LABELS, HELPER, NAT, FORCE, EVENTMASK, TIMEOUT) = range(1, 10)
# OVS_NAT_ATTR_*
(SRC, DST, IP_MIN, IP_MAX, PROTO_MIN, PROTO_MAX, PERSISTENT, HASH, RANDOM) = range(1, 10)
# OVS_KEY_ATTR_CT_*
CT_STATE, CT_ZONE, CT_MARK, CT_LABELS, CT_ORIG4, CT_ORIG6 = range(22, 28)
UPCALL_PACKET, UPCALL_KEY, UPCALL_MRU = 1, 2, 9
STATES = ('new', 'est', 'rel', 'rpl', 'inv', 'trk', 'snat', 'dnat')
IPV4, IPV6 = b'\x08\0', b'\x86\xdd'


def flag(kind):
    return nl.attr(kind, b'')


def u16(kind, value):
    return nl.attr(kind, struct.pack('=H', value))


def zone(number):
    return u16(ZONE, number)


def mark(value, mask):
    return nl.attr(MARK, struct.pack('=II', value, mask))


def addr(kind, text):
    return nl.attr(kind, socket.inet_pton(socket.AF_INET6 if ':' in text else
                                          socket.AF_INET, text))


def nat(*attrs):
    return nl.nest(NAT, *attrs)


def ct(*attrs):
    return nl.nest(ACT_CT, *attrs)


def recirc(number):
    return nl.attr(nl.RECIRC, number)


class Bed:
    """A datapath with ports 1, 2, 3 (p1..p3, whose far ends are w1..w3)."""

    def __init__(self):
        load_module()
        self.up = nl.Genl()
        self.dp = nl.Datapath(pid=self.up.pid)
        for port in (1, 2, 3):
            run('ip link add p%d type veth peer name w%d' % (port, port))
            run('sysctl -qw net.ipv6.conf.p%d.disable_ipv6=1 '
                'net.ipv6.conf.w%d.disable_ipv6=1' % (port, port))
            run('ip link set p%d up; ip link set w%d up' % (port, port))
            self.dp.add_port('p%d' % port, port, pid=self.up.pid)
        self.wires = {port: nl.Wire('w%d' % port) for port in (1, 2, 3)}
        self.user = nl.nest(nl.USERSPACE, nl.attr(1, self.up.pid))

    def flow(self, stage, port, *actions, eth=IPV4, proto=None):
        """All IP packets, or those of a protocol, from a port at a stage."""
        key = [nl.attr(nl.RECIRC_ID, stage), nl.attr(nl.IN_PORT, port),
               nl.attr(nl.ETHERNET, bytes(12)), nl.attr(nl.ETHERTYPE, eth)]
        mask = [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.IN_PORT, 0xffffffff),
                nl.attr(nl.ETHERTYPE, b'\xff\xff')]
        l3 = bytes(8) if eth == IPV4 else bytes(36)
        kind = nl.IPV4 if eth == IPV4 else nl.IPV6
        key.append(nl.attr(kind, l3 + bytes((proto or 0, 0, 0, 0))))
        mask.append(nl.attr(kind, l3 + bytes((0xff if proto else 0, 0, 0, 0))))
        if proto:
            l4 = {6: nl.TCP, 17: nl.UDP, 1: nl.ICMP, 58: nl.ICMPV6}[proto]
            key.append(nl.attr(l4, bytes(2 if proto in (1, 58) else 4)))
            if proto == 6:
                key.append(nl.attr(nl.TCP_FLAGS, bytes(2)))
        self.dp.add_flow(key, mask, actions)

    def clear(self):
        """No flows, no upcalls, no connections."""
        self.dp.flush()
        while self.up.recv_upcall(0.05):
            pass
        run('conntrack -F >/dev/null 2>&1')

    def see(self, timeout=10):
        """The next upcall as a Seen, or None."""
        upcall = self.up.recv_upcall(timeout)
        return Seen(upcall[1]) if upcall else None

    def send(self, port, packet):
        self.wires[port].send(packet)
        return self.see()

    def execute(self, packet, actions, key=(), mru=0):
        return self.dp.execute(packet, key, actions, mru)


class Seen:
    """What an upcall says of a packet and its connection."""

    def __init__(self, attrs):
        self.packet = attrs[UPCALL_PACKET]
        self.mru = struct.unpack('=H', attrs[UPCALL_MRU])[0] if UPCALL_MRU in attrs else 0
        self.raw_key = attrs[UPCALL_KEY]
        key = nl.attrs(self.raw_key)
        bits = struct.unpack('=I', key[CT_STATE])[0]
        self.state = '+'.join(n for i, n in enumerate(STATES) if bits >> i & 1)
        self.stage = struct.unpack('=I', key[nl.RECIRC_ID])[0]
        self.zone = struct.unpack('=H', key[CT_ZONE])[0]
        self.mark = struct.unpack('=I', key[CT_MARK])[0]
        self.labels = key[CT_LABELS].hex()
        self.orig = self.frag = self.src = self.dst = None
        for kind, family, n in ((CT_ORIG4, socket.AF_INET, 4), (CT_ORIG6, socket.AF_INET6, 16)):
            if kind in key:
                v = key[kind]
                self.orig = (socket.inet_ntop(family, v[:n]),
                             socket.inet_ntop(family, v[n:2 * n]),
                             *struct.unpack('!HHB', v[2 * n:2 * n + 5]))
        for kind, family, n in ((nl.IPV4, socket.AF_INET, 4), (nl.IPV6, socket.AF_INET6, 16)):
            if kind in key:
                v = key[kind]
                self.src = socket.inet_ntop(family, v[:n])
                self.dst = socket.inet_ntop(family, v[n:2 * n])
                self.frag = v[-1]
        self.ports = None
        for kind in (nl.TCP, nl.UDP, nl.SCTP):
            if kind in key:
                self.ports = struct.unpack('!HH', key[kind])

    def metadata(self):
        """The attributes of the key by which the packet goes on after the upcall."""
        key = nl.attrs(self.raw_key)
        return [nl.attr(k, key[k]) for k in (nl.IN_PORT, CT_STATE, CT_ZONE, CT_MARK,
                                             CT_LABELS, CT_ORIG4, CT_ORIG6) if k in key]


def ipv4(src, dst, proto, payload, ident=1, frag=0, more=False):
    """An Ethernet frame; FRAG is the offset in bytes."""
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident,
                       (0x2000 if more else 0) | frag // 8, 64, proto, 0,
                       nl.ip4(src), nl.ip4(dst))
    head = head[:10] + struct.pack('!H', nl.csum(head)) + head[12:]
    return nl.mac(2) + nl.mac(1) + IPV4 + head + payload


def tcp4(src, dst, sport, dport, seq, ack, flags, payload=b''):
    l4 = struct.pack('!HHIIBBHHH', sport, dport, seq, ack, 0x50, flags, 1000, 0, 0) + payload
    pseudo = nl.ip4(src) + nl.ip4(dst) + struct.pack('!BBH', 0, 6, len(l4))
    l4 = l4[:16] + struct.pack('!H', nl.csum(pseudo + l4)) + l4[18:]
    return ipv4(src, dst, 6, l4)


def icmp4(src, dst, kind, code, body):
    icmp = struct.pack('!BBH', kind, code, 0) + body
    icmp = icmp[:2] + struct.pack('!H', nl.csum(icmp)) + icmp[4:]
    return ipv4(src, dst, 1, icmp)


def ipv6(src, dst, nexthdr, payload):
    head = struct.pack('!IHBB', 0x60000000, len(payload), nexthdr, 64)
    head += socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    return nl.mac(2) + nl.mac(1) + IPV6 + head + payload


def udp6(src, dst, sport, dport, payload=b'payload'):
    l4 = struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload
    pseudo = (socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) +
              struct.pack('!II', len(l4), 17))
    l4 = l4[:6] + struct.pack('!H', nl.csum(pseudo + l4) or 0xffff) + l4[8:]
    return ipv6(src, dst, 17, l4)


def fragments6(frame, size, ident=1):
    """The frame in IPv6 fragments of SIZE bytes of payload."""
    head, payload = frame[14:54], frame[54:]
    src = socket.inet_ntop(socket.AF_INET6, head[8:24])
    dst = socket.inet_ntop(socket.AF_INET6, head[24:40])
    out = []
    for at in range(0, len(payload), size):
        more = at + size < len(payload)
        out.append(ipv6(src, dst, 44, struct.pack('!BBHI', head[6], 0, at | more, ident) +
                        payload[at:at + size]))
    return out


def fragments4(frame, size, ident=1):
    payload = frame[34:]
    src, dst = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    return [ipv4(src, dst, frame[23], payload[at:at + size], ident, at,
                 at + size < len(payload)) for at in range(0, len(payload), size)]
