# SPDX-License-Identifier: GPL-2.0-or-later
"""A small client of the datapath's generic netlink families, for tests."""
import ctypes
import errno
import os
import socket
import struct

NETLINK_GENERIC = 16
SOL_NETLINK = 270
NETLINK_CAP_ACK, NETLINK_EXT_ACK = 10, 11
NLM_F_REQUEST, NLM_F_ACK, NLM_F_ECHO, NLM_F_DUMP = 1, 4, 8, 0x300
NLM_F_EXCL, NLM_F_CREATE = 0x200, 0x400
NLMSG_ERROR, NLMSG_DONE = 2, 3

# OVS_KEY_ATTR_*
(ENCAP, PRIORITY, IN_PORT, ETHERNET, VLAN, ETHERTYPE, IPV4, IPV6, TCP, UDP, ICMP,
 ICMPV6, ARP, ND, SKB_MARK, TUNNEL, SCTP, TCP_FLAGS, DP_HASH, RECIRC_ID) = range(1, 21)
IPV6_EXTHDRS = 32
# OVS_ACTION_ATTR_*
(OUTPUT, USERSPACE, SET, PUSH_VLAN, POP_VLAN, SAMPLE, RECIRC, HASH, PUSH_MPLS, POP_MPLS,
 SET_MASKED) = range(1, 12)
TRUNC, CLONE, BPF = 13, 20, 128
UFIDS, FIRST_PACKET = 30, 31    # OVS_FLOW_ATTR_*
# OVS_BPF_ATTR_*
(PROG_FD, PROG_ID, NAME, TAG, ARG, RECHECK, USED, BPF_RECIRC_ID, CASES, DEFAULT,
 STATS, BPF_PAD, CLASS) = range(1, 14)
CASE, VALUE, CASE_ACTIONS, HITS, CASE_BYTES = 1, 1, 2, 3, 5
COALESCED_BYTES, DEFAULT_BYTES = 12, 13     # OVS_BPF_STATS_ATTR_*
PROGRAM, ALWAYS, CHANGED = range(3)
CLASS_ACTION, CLASS_FILTER = range(2)
SOCKET_FILTER, SCHED_CLS, XDP, LWT_OUT = 1, 3, 6, 11    # BPF_PROG_TYPE_*
STAT_NAMES = (None, 'runs', 'coalesced', 'recirculated', 'dropped', 'consumed',
              'redirected', 'bad_verdict', 'cases', 'default', 'no_case')
DROP_NAMES = (None, 'recirc_limit', 'recursion_limit', 'deferred_limit', 'shot',
              'bad_verdict', 'redirect', 'no_recirc', 'bad_packet', 'no_case',
              'explicit', 'explicit_error', 'meter', 'ip_ttl', 'action_error',
              'last_action', 'conntrack', 'frag_l2_too_long', 'frag_invalid_proto')
CMD_NEW, CMD_DEL, CMD_GET, CMD_SET = 1, 2, 3, 4
PACKET_MISS, PACKET_ACTION, PACKET_EXECUTE = 1, 2, 3


class NlError(OSError):
    def __init__(self, code, msg):
        super().__init__(code, '%s (%s)' % (os.strerror(code), msg) if msg else os.strerror(code))
        self.extack = msg


def attr(kind, data):
    if isinstance(data, int):
        data = struct.pack('=I', data)
    n = 4 + len(data)
    return struct.pack('=HH', n, kind) + data + b'\0' * (-n % 4)


def nest(kind, *attrs):
    return attr(kind, b''.join(attrs))


def attrs(data):
    """The attributes in DATA, as a dictionary; nests stay bytes."""
    out, at = {}, 0
    while at + 4 <= len(data):
        n, kind = struct.unpack_from('=HH', data, at)
        out[kind & 0x3fff] = data[at + 4:at + n]
        at += (n + 3) & ~3
    return out


class Genl:
    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.sock.bind((0, 0))
        self.sock.settimeout(10)
        self.pid = self.sock.getsockname()[0]
        self.seq = 0
        self.families = {}

    def request(self, family, cmd, data, flags=0, version=1):
        """Send a request; the payloads of the replies, without the genl header."""
        self.seq += 1
        body = struct.pack('=BBH', cmd, version, 0) + data
        self.sock.send(struct.pack('=IHHII', 16 + len(body), family,
                                   NLM_F_REQUEST | NLM_F_ACK | flags, self.seq, 0) + body)
        out = []
        while True:
            buf, at = self.sock.recv(1 << 20), 0
            while at < len(buf):
                n, kind, fl, seq, _ = struct.unpack_from('=IHHII', buf, at)
                msg = buf[at + 16:at + n]
                at += (n + 3) & ~3
                if seq != self.seq:
                    continue
                if kind == NLMSG_DONE:
                    return out
                if kind == NLMSG_ERROR:
                    code = -struct.unpack_from('=i', msg)[0]
                    if not code:
                        return out
                    text = attrs(msg[20:]).get(1, b'') if fl & 0x200 else b''
                    raise NlError(code, text.rstrip(b'\0').decode())
                out.append(msg[4:])

    def family(self, name):
        if name not in self.families:
            reply = self.request(16, 3, attr(2, name.encode() + b'\0'))
            self.families[name] = struct.unpack('=H', attrs(reply[0])[1])[0]
        return self.families[name]

    def join(self, family, group):
        """Listen to a multicast group of a family; recv_upcall() reads what comes."""
        groups = attrs(attrs(self.request(16, 3, attr(2, family.encode() + b'\0'))[0])[7])
        for entry in map(attrs, groups.values()):
            if entry[1].rstrip(b'\0').decode() == group:
                self.sock.setsockopt(SOL_NETLINK, 1, struct.unpack('=I', entry[2])[0])

    def recv_upcall(self, timeout=5):
        """The next upcall to this socket: (command, attributes), or None."""
        self.sock.settimeout(timeout)
        try:
            buf = self.sock.recv(1 << 17)
        except (socket.timeout, TimeoutError, BlockingIOError):
            return None
        finally:
            self.sock.settimeout(10)
        return buf[16], attrs(buf[24:])


class Datapath:
    """A datapath, its ports and flows."""

    def __init__(self, name='dp0', pid=0, nl=None):
        self.nl = nl or Genl()
        self.name = name
        self.ifindex = 0
        reply = self.dp(CMD_NEW, attr(1, name.encode() + b'\0') + attr(2, pid) +
                        attr(5, 0), NLM_F_ECHO)
        self.ifindex = struct.unpack_from('=i', reply[0])[0]

    def dp(self, cmd, data, flags=0):
        return self.nl.request(self.nl.family('ovs_datapath'), cmd,
                               struct.pack('=i', self.ifindex) + data, flags, 2)

    def delete(self):
        self.dp(CMD_DEL, b'')

    def get(self):
        return attrs(self.dp(CMD_GET, b'')[0][4:])

    def stats(self):
        """Lookups: (hit, missed, lost, flows)."""
        return struct.unpack('=4Q', self.get()[3])

    def drops(self):
        a = attrs(self.get()[128])
        return {DROP_NAMES[k]: struct.unpack('=Q', v)[0] for k, v in a.items()
                if k < len(DROP_NAMES)}

    def vport(self, cmd, data, flags=0):
        return self.nl.request(self.nl.family('ovs_vport'), cmd,
                               struct.pack('=i', self.ifindex) + data, flags)

    def add_port(self, name, number, kind=1, pid=0):
        self.vport(CMD_NEW, attr(3, name.encode() + b'\0') + attr(2, kind) +
                   attr(5, pid) + attr(1, number))

    def flow(self, cmd, data, flags=0):
        return self.nl.request(self.nl.family('ovs_flow'), cmd,
                               struct.pack('=i', self.ifindex) + data, flags)

    def add_flow(self, key, mask, actions, ufid=None, first=None):
        """FIRST: attributes of OVS_FLOW_ATTR_FIRST_PACKET."""
        data = nest(1, *key) + (nest(7, *mask) if mask is not None else b'')
        data += nest(2, *actions) + (attr(9, ufid) if ufid else b'')
        data += nest(FIRST_PACKET, *first) if first is not None else b''
        return self.flow(CMD_NEW, data, NLM_F_CREATE)

    def put_flow(self, key, mask, actions):
        """Install a flow, or give the one that is there other actions."""
        self.flow(CMD_NEW, nest(1, *key) + nest(7, *mask) + nest(2, *actions))

    def set_flow(self, key, mask, actions, clear=False):
        data = nest(1, *key) + nest(7, *mask) + nest(2, *actions)
        return self.flow(CMD_SET, data + (attr(6, b'') if clear else b''))

    def flush(self):
        self.flow(CMD_DEL, b'')

    def flows(self):
        """All flows: dictionaries of OVS_FLOW_ATTR_*."""
        return [attrs(m[4:]) for m in self.flow(CMD_GET, b'', NLM_F_DUMP)]

    def execute(self, packet, key, actions, mru=0):
        return self.nl.request(self.nl.family('ovs_packet'), PACKET_EXECUTE,
                               struct.pack('=i', self.ifindex) + attr(1, packet) +
                               nest(2, *key) + nest(3, *actions) +
                               (attr(9, struct.pack('=H', mru)) if mru else b''))


def attr_list(data):
    """The attributes in DATA, in order: (kind, payload)."""
    out, at = [], 0
    while at + 4 <= len(data):
        n, kind = struct.unpack_from('=HH', data, at)
        out.append((kind & 0x3fff, data[at + 4:at + n]))
        at += (n + 3) & ~3
    return out


def case(value, *actions):
    """One of CASES."""
    return nest(CASE, attr(VALUE, value & 0xffffffff), nest(CASE_ACTIONS, *actions))


def bpf_action(fd, recheck=None, recirc=None, used=None, arg=None, param=0, cases=None,
               default=None):
    """A BPF action; without a mode, of a filter. CASES: results, and lists of actions."""
    a = [attr(PROG_FD, fd)]
    if recheck is not None:
        a.append(attr(RECHECK, recheck))
    if arg is not None:
        a.append(attr(ARG, struct.pack('=II', arg, param)))
    if used is not None:
        a.append(nest(USED, *used))
    if recirc is not None:
        a.append(attr(BPF_RECIRC_ID, recirc))
    if cases is not None:
        a.append(nest(CASES, *[case(v, *acts) for v, acts in cases.items()]))
    if default is not None:
        a.append(nest(DEFAULT, *default))
    return nest(BPF, *a)


def bpf_cases(action):
    """The cases of a dumped BPF action: {value: (actions, hits)}, in order."""
    out = {}
    for kind, one in attr_list(action[CASES]):
        a = attrs(one)
        assert kind == CASE
        out[struct.unpack('=I', a[VALUE])[0]] = (a[CASE_ACTIONS],
                                                 struct.unpack('=Q', a[HITS])[0])
    return out


def bpf_bytes(action):
    """Bytes that went on, of these by the default, and {value: bytes} of the cases."""
    stats = attrs(action[STATS])
    one = {}
    for _, c in attr_list(action[CASES]) if CASES in action else ():
        one[struct.unpack('=I', attrs(c)[VALUE])[0]] = struct.unpack('=Q',
                                                                     attrs(c)[CASE_BYTES])[0]
    return [struct.unpack('=Q', stats[k])[0] for k in (COALESCED_BYTES, DEFAULT_BYTES)] + [one]


def bpf_of(flow):
    """The attributes of the first BPF action of a dumped flow."""
    return attrs(attrs(flow[2])[BPF])


def bpf_stats(flow):
    """Its counters."""
    return bpf_stats_of(bpf_of(flow))


def bpf_stats_of(action):
    return {STAT_NAMES[k]: struct.unpack('=Q', v)[0]
            for k, v in attrs(action[STATS]).items() if k < len(STAT_NAMES)}


def output(port):
    return attr(OUTPUT, port)


def bpf_obj_get(path):
    """A descriptor for what is pinned at PATH."""
    name = ctypes.create_string_buffer(path.encode() + b'\0')
    arg = struct.pack('=QII', ctypes.addressof(name), 0, 0).ljust(128, b'\0')
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(321, 7, ctypes.create_string_buffer(arg, 128), 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd


def bpf_map(cmd, fd, key, value):
    """BPF_MAP_LOOKUP_ELEM (1) into, or BPF_MAP_UPDATE_ELEM (2) from a buffer."""
    key = ctypes.create_string_buffer(struct.pack('=I', key), 4)
    arg = struct.pack('=IIQQQ', fd, 0, ctypes.addressof(key), ctypes.addressof(value),
                      0).ljust(128, b'\0')
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(321, cmd, ctypes.create_string_buffer(arg, 128), 128) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def bpf_map_update(fd, key, value):
    bpf_map(2, fd, key, ctypes.create_string_buffer(value, len(value)))


def bpf_map_lookup(fd, key, size):
    value = ctypes.create_string_buffer(size)
    bpf_map(1, fd, key, value)
    return value.raw


def bpf_prog_load(kind, insns, ifindex=0):
    """Load a program of raw instructions. IFINDEX: a device to bind it to."""
    code = ctypes.create_string_buffer(insns, len(insns))
    lic = ctypes.create_string_buffer(b'GPL\0')
    arg = struct.pack('=IIQQ', kind, len(insns) // 8, ctypes.addressof(code),
                      ctypes.addressof(lic)).ljust(64, b'\0')
    arg = (arg + struct.pack('=I', ifindex)).ljust(128, b'\0')
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(321, 5, ctypes.create_string_buffer(arg, 128), 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd


def mac(n):
    return bytes((2, 0, 0, 0, 0, n))


def ip4(text):
    return socket.inet_aton(text)


def csum(data):
    if len(data) & 1:
        data += b'\0'
    s = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def udp4(src, dst, sport, dport, payload=b'payload', tos=0, proto=17):
    """An Ethernet frame of UDP, or of a bare TCP segment."""
    if proto == 17:
        l4 = struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload
        at = 6
    else:
        l4 = struct.pack('!HHIIBBHHH', sport, dport, 1, 0, 0x50, 2, 1000, 0, 0) + payload
        at = 16
    pseudo = ip4(src) + ip4(dst) + struct.pack('!BBH', 0, proto, len(l4))
    l4 = l4[:at] + struct.pack('!H', csum(pseudo + l4) or 0xffff) + l4[at + 2:]
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, tos, 20 + len(l4), 1, 0, 64, proto, 0,
                     ip4(src), ip4(dst))
    ip = ip[:10] + struct.pack('!H', csum(ip)) + ip[12:]
    return mac(2) + mac(1) + struct.pack('!H', 0x800) + ip + l4


def checksums_right(frame):
    """Whether the IPv4 header and its UDP or TCP have right checksums."""
    ip = frame[14:34]
    total = struct.unpack('!H', ip[2:4])[0]
    l4 = frame[34:14 + total]
    pseudo = ip[12:20] + struct.pack('!BBH', 0, ip[9], len(l4))
    return csum(ip) == 0 and csum(pseudo + l4) == 0


class Wire:
    """The far end of a port: what goes in there, and what comes out."""

    def __init__(self, dev):
        self.dev, self.gso = dev, None
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(263, 8, 1)     # PACKET_AUXDATA
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)    # SO_RCVBUFFORCE
        self.sock.bind((dev, 0))

    def send(self, frame):
        self.sock.send(frame)

    def send_gso(self, frame, hdr_len, gso_size=0, csum_start=None, csum_offset=0,
                 gso_type=1):
        """Send a frame of which only HDR_LEN bytes are linear, if it is a large one, or
        one that is to be cut into segments of GSO_SIZE (GSO_TYPE: 1 = TCP over IPv4)."""
        if not self.gso:
            self.gso = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.gso.setsockopt(263, 15, 1)     # PACKET_VNET_HDR
            self.gso.bind((self.dev, 0))
        self.gso.send(struct.pack('<BBHHHH', csum_start is not None,
                                  gso_type if gso_size else 0, hdr_len, gso_size,
                                  csum_start or 0, csum_offset) + frame)

    def recv_all(self, enough, timeout=5):
        """Frames that came in: until ENOUGH(frames), or time runs out."""
        frames = []
        self.sock.settimeout(timeout)
        try:
            while not enough(frames):
                data, anc, _, addr = self.sock.recvmsg(65536, 128)
                if addr[2] == socket.PACKET_OUTGOING:
                    continue
                for level, kind, aux in anc:
                    if level == 263 and kind == 8:
                        status, _, _, _, _, tci, tpid = struct.unpack('=IIIHHHH', aux[:20])
                        if status & 0x10:
                            data = data[:12] + struct.pack('!HH', tpid, tci) + data[12:]
                frames.append(data)
        except (socket.timeout, TimeoutError, BlockingIOError):
            pass
        return frames


assert errno.EINVAL == 22
