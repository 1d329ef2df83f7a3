#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A megaflow that is installed together with the packet that it is for."""
# needs: ours
import errno
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap                                               # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import (ALL, Bed, any_from, k_eth, k_type, k_u32, k_vlan, p_ipv4, recirc,    # noqa: E402
                   refusal, userspace)

PACKET, USERDATA, MRU, HASH = 1, 4, 9, 11
STATS = 3

t = Ktap()
bed = Bed(ports=3)
up, dp = bed.up, bed.dp
U = f.ipv4(f.udp(payload=b'x' * 58))        # 100 bytes
KEY, MASK = any_from(1)


def install(actions, *first, key=KEY, mask=MASK):
    """Flow and packet.  Return: errno and sentence, or None."""
    err = refusal(dp.add_flow, key, mask, actions, first=first or [nl.attr(PACKET, U)])
    return err and (err.errno, err.extack)


def stats():
    """Packets and bytes of each flow."""
    return sorted(struct.unpack('=QQ', x[STATS]) if STATS in x else (0, 0) for x in dp.flows())


t.equal(install([nl.output(2)]), None, 'a flow is installed, with a packet')
t.equal(bed.recv(2), [U], 'the packet takes it')
t.equal(stats(), [(1, len(U))], 'and is counted by it')
bed.wires[1].send(U)
t.equal((bed.recv(2), stats()), ([U], [(2, 2 * len(U))]), 'as is the one behind it')

# There is a flow already: what it says counts.
err = install([nl.output(3)])
t.equal(err and err[0], errno.EEXIST, 'once more: the flow exists')
t.equal((bed.recv(2), bed.quiet(3)), ([U], True), 'and the packet takes that')
t.equal(stats(), [(3, 3 * len(U))], 'and is counted')

# The flow is for other packets.
dp.flush()
key, mask = any_from(1)
key[3:] = [k_type(0x86dd), nl.attr(nl.IPV6, bytes(40))]
mask.append(k_type(0xffff))
t.equal(install([nl.output(2)], key=key, mask=mask), None, 'a flow for other packets than the one with it')
cmd, a = up.recv_upcall() or (None, {})
t.equal((cmd, a.get(PACKET)), (nl.PACKET_MISS, U), 'which is missed')
t.equal((stats(), bed.quiet(2)), ([(0, 0)], True), 'and does not take the flow')

# What a request is refused for, it is refused as a whole.
dp.flush()
for what, actions, first, sentence in (
        ('no packet', [nl.output(2)], [nl.attr(MRU, struct.pack('=H', 100))], 'PACKET'),
        ('a packet of 13 bytes', [nl.output(2)], [nl.attr(PACKET, U[:13])], ''),
        ('a hash of 4 bytes', [nl.output(2)], [nl.attr(PACKET, U), nl.attr(HASH, 1)], ''),
        ('an action that is none', [nl.attr(100, b'')], [nl.attr(PACKET, U)], '')):
    err = install(actions, *first)
    t.ok(err and err[0] in (errno.EINVAL, errno.ERANGE) and sentence in (err[1] or ''), what + ': refused', err)
    t.ok(dp.flows() == [] and bed.quiet(2) and not up.recv_upcall(0.1),
         what + ': no flow, and the packet goes nowhere')
t.equal(dp.nl.request(dp.nl.family('ovs_flow'), nl.CMD_GET, struct.pack('=i', dp.ifindex),
                      nl.NLM_F_DUMP), [], 'nothing is left')
err = refusal(dp.nl.request, dp.nl.family('ovs_flow'), nl.CMD_NEW,
              struct.pack('=i', 12345) + nl.nest(1, *KEY) + nl.nest(7, *MASK) +
              nl.nest(2, nl.output(2)) + nl.nest(nl.FIRST_PACKET, nl.attr(PACKET, U)))
t.equal(err and err.errno, errno.ENODEV, 'there is no such datapath')

# What beside the bytes is known of the packet.
key, mask = any_from(1, recirc_id=7)
key.append(k_u32(nl.SKB_MARK, 0x77))
mask.append(k_u32(nl.SKB_MARK, ALL))
t.equal(install([nl.output(3)], key=key, mask=mask), None, 'a flow behind a recirculation')
t.equal((bed.recv(3), stats()), ([U], [(1, len(U))]), 'the packet has its id and its mark')
dp.flush()
t.equal(install([recirc(5)]), None, 'a flow that recirculates')
cmd, a = up.recv_upcall() or (None, {})
t.equal((cmd, nl.attrs(a.get(2, b'')).get(nl.RECIRC_ID)),
        (nl.PACKET_MISS, struct.pack('=I', 5)), 'its packet is missed at the next stage')
dp.flush()
h = 0x1234567 | 1 << 32
t.equal(install([userspace(up.pid, b'u')], nl.attr(PACKET, U), nl.attr(HASH, struct.pack('=Q', h)),
                nl.attr(MRU, struct.pack('=H', 900))), None, 'a packet with a hash, and of fragments')
cmd, a = up.recv_upcall() or (None, {})
t.equal((cmd, a.get(HASH), a.get(MRU)),
        (nl.PACKET_ACTION, struct.pack('=Q', h), struct.pack('=H', 900)), 'both stay with it')
dp.flush()
tagged = f.vlan(0x8100, 9, U)
key = [k_u32(nl.RECIRC_ID, 0), k_u32(nl.IN_PORT, 1), k_eth(),
       k_vlan(0x8100, 0x1009, k_type(0x800), nl.attr(nl.IPV4, p_ipv4()))]
t.equal(install([nl.output(2)], nl.attr(PACKET, tagged), key=key, mask=None), None,
        'a flow of a tag, exactly')
cmd, a = up.recv_upcall() or (None, {})
t.equal(a.get(PACKET), tagged, 'a packet of another protocol under the tag is missed, with its tag')
bed.done(t)
