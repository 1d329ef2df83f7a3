# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the datapath share: ports on wires, offloads, keys as text."""
import ctypes
import os
import socket
import struct
import sys

import ovsnl as nl
from ktap import load_module, run, unload_module

STOCK = os.environ.get('OVS_KMOD') == 'stock'
ALL = 0xffffffff
NEEDS_CSUM = 1
GSO_TCPV4, GSO_UDP, GSO_TCPV6 = 1, 3, 4

CT_ATTRS = range(22, 28)
KEY_NAMES = {
    nl.ENCAP: 'encap', nl.PRIORITY: 'priority', nl.IN_PORT: 'in_port',
    nl.ETHERNET: 'eth', nl.VLAN: 'vlan', nl.ETHERTYPE: 'type', nl.IPV4: 'ipv4',
    nl.IPV6: 'ipv6', nl.TCP: 'tcp', nl.UDP: 'udp', nl.ICMP: 'icmp', nl.ICMPV6: 'icmpv6',
    nl.ARP: 'arp', nl.ND: 'nd', nl.SKB_MARK: 'mark', nl.SCTP: 'sctp',
    nl.TCP_FLAGS: 'tcp_flags', nl.DP_HASH: 'dp_hash', nl.RECIRC_ID: 'recirc_id',
    nl.IPV6_EXTHDRS: 'exthdrs',
}


# Key attributes and their payloads.
def k_eth(src=nl.mac(1), dst=nl.mac(2)):
    return nl.attr(nl.ETHERNET, src + dst)


def k_type(kind):
    return nl.attr(nl.ETHERTYPE, struct.pack('!H', kind))


def k_vlan(kind, tci, *inner):
    """A tag, with what lies under it."""
    return k_type(kind) + nl.attr(nl.VLAN, struct.pack('!H', tci)) + nl.nest(nl.ENCAP, *inner)


def p_ipv4(src='0.0.0.0', dst='0.0.0.0', proto=0, tos=0, ttl=0, frag=0):
    return nl.ip4(src) + nl.ip4(dst) + bytes((proto, tos, ttl, frag))


def p_ipv6(src='::', dst='::', proto=0, tclass=0, hlim=0, frag=0, label=0):
    return socket.inet_pton(socket.AF_INET6, src) + \
        socket.inet_pton(socket.AF_INET6, dst) + \
        struct.pack('!IBBBB', label, proto, tclass, hlim, frag)


def p_ports(src, dst):
    return struct.pack('!HH', src, dst)


def k_ipv4(*a, **kw):
    return k_type(0x800) + nl.attr(nl.IPV4, p_ipv4(*a, **kw))


def k_ipv6(*a, ext=0, **kw):
    """EXT: the bits of OVS_KEY_ATTR_IPV6_EXTHDRS."""
    return k_type(0x86dd) + nl.attr(nl.IPV6, p_ipv6(*a, **kw)) + \
        nl.attr(nl.IPV6_EXTHDRS, struct.pack('=H', ext))


def k_ports(kind, src, dst):
    return nl.attr(kind, p_ports(src, dst))


def k_flags(flags):
    return nl.attr(nl.TCP_FLAGS, struct.pack('!H', flags))


def k_u32(kind, value):
    return nl.attr(kind, struct.pack('=I', value))


def key_dict(data):
    """A key as names and hexadecimal payloads.  Conntrack's part is left out where it
    says nothing: whether it is there depends on how the kernel was built."""
    out = {}
    for kind, payload in nl.attrs(data).items():
        if kind in CT_ATTRS and not any(payload):
            continue
        out[KEY_NAMES.get(kind, kind)] = key_dict(payload) if kind == nl.ENCAP else \
            payload.hex()
    return out


def difference(got, want):
    """What two keys differ in, for a failed point."""
    return ['%s: got %s, want %s' % (k, got.get(k), want.get(k))
            for k in {**got, **want} if got.get(k) != want.get(k)]


def expected(headers, port=1, recirc_id=0, dp_hash=0, mark=0, priority=0):
    """The key of a packet whose headers are these attributes."""
    return key_dict(k_u32(nl.RECIRC_ID, recirc_id) + k_u32(nl.DP_HASH, dp_hash) +
                    k_u32(nl.PRIORITY, priority) + k_u32(nl.SKB_MARK, mark) +
                    k_u32(nl.IN_PORT, port) + headers)


# Actions.
def set_action(kind, value):
    return nl.nest(nl.SET, nl.attr(kind, value))


def set_masked(kind, value, mask):
    return nl.nest(nl.SET_MASKED, nl.attr(kind, value + mask))


def push_vlan(kind, tci):
    return nl.attr(nl.PUSH_VLAN, struct.pack('!HH', kind, tci))


POP_VLAN = nl.attr(nl.POP_VLAN, b'')


def recirc(number):
    return nl.attr(nl.RECIRC, number)


def trunc(length):
    return nl.attr(nl.TRUNC, length)


def hash_action(basis, alg=0):
    return nl.attr(nl.HASH, struct.pack('=II', alg, basis))


def clone(*actions):
    return nl.nest(nl.CLONE, *actions)


def sample(probability, *actions):
    return nl.nest(nl.SAMPLE, nl.attr(1, struct.pack('=I', probability)),
                   nl.nest(2, *actions))


def userspace(pid, userdata=None, actions=False, extra=b''):
    return nl.nest(nl.USERSPACE, nl.attr(1, struct.pack('=I', pid)),
                   b'' if userdata is None else nl.attr(2, userdata),
                   nl.attr(4, b'') if actions else b'', extra)


def any_from(port, recirc_id=0):
    """Key and mask of every packet from a port at a stage, ports of L4 aside."""
    return ([k_u32(nl.RECIRC_ID, recirc_id), k_u32(nl.IN_PORT, port), k_eth(bytes(6), bytes(6)),
             k_type(0x800), nl.attr(nl.IPV4, p_ipv4())],
            [k_u32(nl.RECIRC_ID, ALL), k_u32(nl.IN_PORT, ALL)])


def possible_cpus():
    """How many sockets for upcalls a port may have."""
    with open('/sys/devices/system/cpu/possible') as cpus:
        return int(cpus.read().strip().split('-')[-1]) + 1


class VnetWire:
    """The far end of a port, with what the kernel tells a virtual machine of a packet:
    whether its checksum is still to be filled in, and that it is to be segmented."""

    def __init__(self, dev):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(263, 8, 1)         # PACKET_AUXDATA
        self.sock.setsockopt(263, 15, 1)        # PACKET_VNET_HDR
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)    # SO_RCVBUFFORCE
        self.sock.bind((dev, 0))

    def send(self, frame, start=None, offset=0, gso=0, size=0, linear=0):
        """LINEAR: bytes in the head; the rest goes into pages if the frame fills one."""
        flags = 0 if start is None else NEEDS_CSUM
        self.sock.send(struct.pack('=BBHHHH', flags, gso, linear, size, start or 0,
                                   offset) + frame)

    def recv(self, timeout=3):
        """The next packet: (frame, partial, gso type, gso size), its checksum filled in
        if it was only partial; or None."""
        self.sock.settimeout(timeout)
        try:
            while True:
                data, anc, _, a = self.sock.recvmsg(1 << 17, 128)
                if a[2] != socket.PACKET_OUTGOING:
                    break
        except (socket.timeout, TimeoutError):
            return None
        flags, gso, _, size, start, offset = struct.unpack('=BBHHHH', data[:10])
        frame = data[10:]
        if flags & NEEDS_CSUM:
            import frames
            frame = frames.complete(frame, start, offset)
        for level, kind, aux in anc:
            if level == 263 and kind == 8:
                status, _, _, _, _, tci, tpid = struct.unpack('=IIIHHHH', aux[:20])
                if status & 0x10:
                    frame = frame[:12] + struct.pack('!HH', tpid, tci) + frame[12:]
        return frame, bool(flags & NEEDS_CSUM), gso, size


class Bed:
    """A datapath dp0 with ports 1..N (p1.., whose far ends are w1..)."""

    def __init__(self, ports=3, mtu=1500):
        load_module()
        self.up = nl.Genl()
        self.dp = nl.Datapath(pid=self.up.pid)
        self.wires = {}
        for port in range(1, ports + 1):
            self.add_wire(port, mtu)
            self.dp.add_port('p%d' % port, port, pid=self.up.pid)

    def add_wire(self, port, mtu=1500):
        run('ip link add p%d mtu %d type veth peer name w%d mtu %d' % (port, mtu, port, mtu))
        run('sysctl -qw net.ipv6.conf.p%d.disable_ipv6=1 net.ipv6.conf.w%d.disable_ipv6=1' %
            (port, port))
        run('ip link set p%d up; ip link set w%d up' % (port, port))
        self.wires[port] = nl.Wire('w%d' % port)

    def recv(self, port, count=1, timeout=3):
        return self.wires[port].recv_all(lambda fs: len(fs) >= count, timeout)

    def quiet(self, *ports):
        """Whether nothing came out of the ports.  A packet that was sent has been through
        the datapath when send() returns, or very soon."""
        return not any(self.recv(p, timeout=0.1) for p in ports)

    def flow(self, actions, port=1, recirc_id=0):
        """Let all IPv4 packets of a port have these actions."""
        key, mask = any_from(port, recirc_id)
        self.dp.add_flow(key, mask, actions)

    def done(self, t):
        self.dp.delete()
        t.ok(unload_module(), 'the module unloads')
        t.finish()


LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def in_ns(ns, make):
    """What MAKE returns in a namespace; of this thread alone."""
    here = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
    there = os.open('/run/netns/' + ns, os.O_RDONLY)
    try:
        assert not LIBC.setns(there, CLONE_NEWNET)
        try:
            return make()
        finally:
            assert not LIBC.setns(here, CLONE_NEWNET)
    finally:
        os.close(there)
        os.close(here)


def refusal(call, *args, **kw):
    """The error that a request is refused with, or None."""
    try:
        call(*args, **kw)
    except nl.NlError as err:
        return err
    return None


assert sys.byteorder == 'little'
