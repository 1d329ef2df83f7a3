# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the ABI share: a datapath with three ports, flows as keys in raw
netlink, and attempts whose refusal is what is wanted.  All run on the stock module too."""
import errno
import os
import re
import struct

import ovsnl as nl
from ktap import load_module, run

STOCK = os.environ.get('OVS_KMOD') == 'stock'

# OVS_ACTION_ATTR_* and OVS_KEY_ATTR_* that ovsnl lacks
TRUNC, PUSH_ETH, POP_ETH, PUSH_NSH, POP_NSH, METER, CHECK_PKT_LEN, ADD_MPLS, DEC_TTL, \
    DROP, PSAMPLE = 13, 14, 15, 17, 18, 19, 21, 22, 23, 24, 25
MPLS, NSH = 21, 28


def kernel_at_least(*version):
    return tuple(map(int, re.findall(r'\d+', os.uname().release)[:2])) >= version


class Bed:
    """Ports 1, 2, 3 are p1..p3, whose far ends are w1..w3."""

    def __init__(self):
        load_module()
        self.dp = nl.Datapath()
        for port in (1, 2, 3):
            run('ip link add p%d type veth peer name w%d' % (port, port))
            run('sysctl -qw net.ipv6.conf.p%d.disable_ipv6=1 '
                'net.ipv6.conf.w%d.disable_ipv6=1' % (port, port))
            run('ip link set p%d up; ip link set w%d up' % (port, port))
            self.dp.add_port('p%d' % port, port)
        self.wires = {port: nl.Wire('w%d' % port) for port in (1, 2, 3)}

    def recv(self, port, count=1, timeout=3):
        return self.wires[port].recv_all(lambda fs: len(fs) >= count, timeout)

    def through(self, km, actions, frame, outs=(2,), wait=0.15):
        """Install the flow, send FRAME into port 1; what comes out of OUTS, by port."""
        self.dp.flush()
        self.dp.add_flow(*km, actions)
        self.wires[1].send(frame)
        got = {}
        for port in outs:
            got[port] = self.recv(port, timeout=wait if got else 1)
            got[port] += self.wires[port].recv_all(lambda fs: False, 0.05)
        return got

    def one(self, km, actions, frame):
        """Likewise; the one frame that comes out of port 2."""
        got = self.through(km, actions, frame)[2]
        return got[0] if len(got) == 1 else got

    def refused(self, km, actions):
        """The error that the flow is refused with, or None."""
        self.dp.flush()
        try:
            self.dp.add_flow(*km, actions)
        except nl.NlError as err:
            return err
        return None

    def verdict(self, km, actions):
        """0 if the flow is taken, or the errno; ours must explain that."""
        err = self.refused(km, actions)
        if err is None:
            return 0
        if not STOCK and not err.extack:
            return -1
        return err.errno

    def dumped(self, km, actions):
        """The actions as the flow's dump has them."""
        self.dp.flush()
        self.dp.add_flow(*km, actions)
        return self.dp.flows()[0][2]


def flow(eth_type=0x0800, proto=17, eth=True, tag=None, port=1, recirc=0, extra=()):
    """Key and mask of what comes from a port; EXTRA: pairs of attributes."""
    key = [nl.attr(nl.RECIRC_ID, recirc), nl.attr(nl.IN_PORT, port)]
    mask = [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.IN_PORT, 0xffffffff)]
    if eth:
        key.append(nl.attr(nl.ETHERNET, bytes(12)))
    inner = [nl.attr(nl.ETHERTYPE, struct.pack('!H', eth_type))]
    imask = [nl.attr(nl.ETHERTYPE, b'\xff\xff')]
    if eth_type == 0x0800:
        inner.append(nl.attr(nl.IPV4, bytes(8) + bytes((proto, 0, 0, 0))))
        imask.append(nl.attr(nl.IPV4, bytes(8) + b'\xff\0\0\0'))
    if eth_type == 0x86dd:
        inner.append(nl.attr(nl.IPV6, bytes(36) + bytes((proto, 0, 0, 0))))
        imask.append(nl.attr(nl.IPV6, bytes(36) + b'\xff\0\0\0'))
    if eth_type in (0x0800, 0x86dd) and proto in (6, 17):
        inner.append(nl.attr(nl.UDP if proto == 17 else nl.TCP, bytes(4)))
    if eth_type == 0x0806:
        inner.append(nl.attr(nl.ARP, bytes(24)))
    for k, m in extra:
        inner.append(k)
        imask.append(m)
    if tag is None:
        return key + inner, mask + imask
    key += [nl.attr(nl.ETHERTYPE, b'\x81\0'), nl.attr(nl.VLAN, struct.pack('!H', tag | 0x1000)),
            nl.nest(nl.ENCAP, *inner)]
    mask += [nl.attr(nl.ETHERTYPE, b'\xff\xff'), nl.attr(nl.VLAN, b'\xff\xff'),
             nl.nest(nl.ENCAP, *imask)]
    return key, mask


def mpls_flow(labels=1, **kw):
    """Likewise of MPLS; a mask that has LABELS label stack entries."""
    return flow(0x8847, extra=[(nl.attr(MPLS, bytes(4 * labels)),
                                nl.attr(MPLS, b'\xff\xff\xf0\0' + bytes(4 * labels - 4)))
                               ] if labels else (), **kw)


def set_masked(kind, value, mask=None):
    return nl.nest(nl.SET_MASKED, nl.attr(kind, value + (mask or b'\xff' * len(value))))


def set_ip(src='1.1.1.1'):
    return set_masked(nl.IPV4, nl.ip4(src) + bytes(8), b'\xff' * 4 + bytes(8))


def set_mac():
    return set_masked(nl.ETHERNET, nl.mac(9) + nl.mac(8))


def push_vlan(vid, tpid=0x8100):
    return nl.attr(nl.PUSH_VLAN, struct.pack('!HH', tpid, vid | 0x1000))


def pop_vlan():
    return nl.attr(nl.POP_VLAN, b'')


def push_mpls(lse, eth_type=0x8847):
    return nl.attr(nl.PUSH_MPLS, struct.pack('!IHH', lse, eth_type, 0))


def add_mpls(lse, flags, eth_type=0x8847):
    return nl.attr(ADD_MPLS, struct.pack('!IH', lse, eth_type) + struct.pack('=H', flags))


def pop_mpls(eth_type):
    return nl.attr(nl.POP_MPLS, struct.pack('!H', eth_type))


def push_eth(dst=nl.mac(6), src=nl.mac(5)):
    return nl.attr(PUSH_ETH, src + dst)


def pop_eth():
    return nl.attr(POP_ETH, b'')


def sample(probability, *actions):
    return nl.nest(nl.SAMPLE, nl.attr(1, probability), nl.nest(2, *actions))


def clone(*actions):
    return nl.nest(nl.CLONE, *actions)


def check_pkt_len(length, greater, less_equal):
    return nl.nest(CHECK_PKT_LEN, nl.attr(1, struct.pack('=H', length)),
                   nl.nest(2, *greater), nl.nest(3, *less_equal))


def dec_ttl(*actions):
    return nl.nest(DEC_TTL, nl.nest(1, *actions))


def vlan_frame(frame, vid, tpid=0x8100):
    return frame[:12] + struct.pack('!HH', tpid, vid) + frame[12:]


EINVAL, EOVERFLOW = errno.EINVAL, errno.EOVERFLOW
