#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""OVS_KEY_ATTR_TUNNEL by raw netlink: what keys, masks and set actions may say, what a
dump says of them, and which packets match."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../lib'))
import ovsnl as nl  # noqa: E402
import tunattrs as t  # noqa: E402
from ktap import Ktap, load_module, unload_module  # noqa: E402

print('TAP version 13', flush=True)
STOCK = load_module() == 'stock'
k = Ktap()
genl = nl.Genl()
dp = nl.Datapath(nl=genl)
ID, D4, TTL = t.ident(), t.D4, t.TTL64
V4, V6 = list(t.V4), list(t.V6)
O1, O2 = t.opt(0x102, 0x80, b'abcd'), t.opt(0x102, 3, b'efghijkl')
BR = t.raw(t.BRIDGE)
CSUM, DF, OAM = t.raw(t.CSUM), t.raw(t.DF), t.raw(t.OAM)
PORTS = [t.be16(t.TP_SRC, 1000), t.be16(t.TP_DST, 4789)]
ANY = None      # no TUNNEL attribute, or no mask


def match(tun, mask, recirc=5):
    """Key and mask of all of an Ethernet type with a tunnel."""
    key = [nl.attr(nl.RECIRC_ID, recirc), nl.attr(nl.IN_PORT, 0),
           nl.attr(nl.ETHERNET, nl.mac(1) + nl.mac(2)), nl.attr(nl.ETHERTYPE, b'\x90\0')]
    if tun is not ANY:
        key.append(nl.nest(nl.TUNNEL, *tun))
    if mask == 'no mask':
        return key, None
    m = [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.IN_PORT, 0xffffffff),
         nl.attr(nl.ETHERTYPE, b'\xff\xff')]
    if mask is not ANY:
        m.append(nl.nest(nl.TUNNEL, *mask))
    return key, m


def refusal(action):
    """Do it; None, or the error's number. Of this module a refusal has a reason."""
    try:
        action()
        return None
    except nl.NlError as e:
        return e.errno if STOCK or e.extack else 'no extack'
    finally:
        dp.flush()


# Keys that are refused, as a set action and with a packet too.
BAD = {
    'an empty nest': [],
    'no TTL': [ID, D4],
    'no destination': [ID, t.v4(t.IPV4_SRC, '1.1.1.1'), TTL],
    'a TTL alone': [TTL],
    'destination 0.0.0.0': [t.v4(t.IPV4_DST, '0.0.0.0'), TTL],
    'destination ::': [t.v6(t.IPV6_DST, 0), TTL],
    'an IPv6 source alone': [t.v6(t.IPV6_SRC, 1), TTL],
    'IPv4 and IPv6': V4 + [t.D6],
    'an unknown attribute': V4 + [t.raw(17)],
    'a far unknown attribute': V4 + [t.raw(300)],
    'ID of 4 bytes': V4 + [t.raw(t.ID, b'1234')],
    'TTL of 2 bytes': [D4, t.raw(t.TTL, b'12')],
    'DONT_FRAGMENT with a payload': V4 + [t.raw(t.DF, b'1')],
    'PAD with a payload': V4 + [t.raw(t.PAD, b'1234')],
    'TP_DST of 4 bytes': V4 + [t.raw(t.TP_DST, b'1234')],
    'IPV6_DST of 4 bytes': [t.raw(t.IPV6_DST, b'1234'), TTL],
    'BRIDGE with a destination': V4 + [BR],
    'BRIDGE with a TTL': [ID, BR, TTL],
    'BRIDGE with a TOS': [BR, t.u8(t.TOS, 4)],
    'BRIDGE with a port': [BR, PORTS[0]],
    'BRIDGE with CSUM': [BR, CSUM],
    'BRIDGE with options': [BR, t.geneve(O1)],
    'BRIDGE with IPv6': V6 + [BR],
    'Geneve options of 3 bytes': V4 + [t.geneve(b'abc')],
    'Geneve options of 5 bytes': V4 + [t.geneve(b'abcde')],
    'Geneve options of 256 bytes': V4 + [t.geneve(bytes(256))],
    'Geneve options twice': V4 + [t.geneve(O1), t.geneve(O1)],
    'VXLAN and Geneve options': V4 + [t.gbp(5), t.geneve(O1)],
    'ERSPAN and VXLAN options': V4 + [t.erspan(1, 5), t.gbp(5)],
    'an unknown VXLAN extension': V4 + [nl.nest(t.VXLAN, nl.attr(2, 4))],
    'GBP without a number': V4 + [nl.nest(t.VXLAN, nl.attr(1, b''))],
    'GBP of 16 bits': V4 + [nl.nest(t.VXLAN, nl.attr(1, b'ab'))],
}
FRAME = nl.mac(2) + nl.mac(1) + b'\x90\0' + bytes(50)
PLAIN = match(ANY, ANY)


def bad_everywhere(tun):
    nest = nl.nest(nl.TUNNEL, *tun)
    return [refusal(lambda: dp.add_flow(*match(tun, 'no mask'), [])),
            refusal(lambda: dp.add_flow(*PLAIN, [nl.nest(nl.SET, nest), nl.output(0)])),
            refusal(lambda: dp.execute(FRAME, [nl.attr(nl.IN_PORT, 0), nest], []))]


for what, tun in BAD.items():
    k.equal(bad_everywhere(tun), [22] * 3, 'refused: ' + what)

# Refused as an action alone, as a mask alone.
for what, acts in {
        'a masked set': [nl.nest(nl.SET_MASKED, nl.nest(nl.TUNNEL, *V4))],
        'two tunnels in a set': [nl.attr(nl.SET, nl.nest(nl.TUNNEL, *V4) * 2)],
        'set of half a Geneve option': [nl.nest(nl.SET, nl.nest(
            nl.TUNNEL, *V4, t.geneve(t.opt(1, 1, b'abcd', 5))))],
        'set of a Geneve option and junk': [nl.nest(nl.SET, nl.nest(
            nl.TUNNEL, *V4, t.geneve(O1, b'\1\1\1\1')))]}.items():
    k.equal(refusal(lambda: dp.add_flow(*PLAIN, acts)), 22, 'refused: ' + what)
for what, tun, mask in (
        ('IPv4 and IPv6', V6, [t.raw(t.IPV4_DST, t.ONES[:4]), t.raw(t.IPV6_DST, t.ONES)]),
        ('longer Geneve options', V4 + [t.geneve(O1)], [t.geneve(t.ONES[:12])]),
        ('shorter Geneve options', V4 + [t.geneve(O1, O2)], [t.geneve(t.ONES[:8])]),
        ('empty Geneve options', V4 + [t.geneve(O1)], [t.geneve()]),
        ('Geneve options that the key lacks', V4, [t.geneve(bytes(8))]),
        ('Geneve options without a tunnel', ANY, [t.geneve(bytes(8))]),
        ('an unknown attribute', V4, [t.raw(17)])):
    k.equal(refusal(lambda: dp.add_flow(*match(tun, mask), [])), 22,
            'refused in a mask: ' + what)


def dumped(tun, mask, acts=()):
    dp.add_flow(*match(tun, mask), acts)
    flow = dp.flows()[0]
    dp.flush()
    return flow


def say(nest):
    """A nest of tunnel attributes as text, in order."""
    if nest is None:
        return 'none'
    return ' '.join('%d:%s' % (kind, data.hex()) for kind, data in nl.attrs(nest).items()
                    if kind != t.PAD)


ALL = [ID, t.v4(t.IPV4_SRC, '1.1.1.1'), D4, t.u8(t.TOS, 4), TTL, DF, CSUM, *PORTS, OAM]
ALL_SAID = '0:0000000000000007 1:01010101 2:02020202 3:04 4:40 5: 6: 9:03e8 10:12b5 7:'
EXACT4 = '1:ffffffff 2:ffffffff 3:ff 4:ff 9:ffff 10:ffff'
EXACT_ID = '0:ffffffffffffffff '
GEN = '8:0102800161626364'
for what, tun, mask, want_key, want_mask in (
        ('no tunnel', ANY, 'no mask', 'none', '4:00'),
        ('no tunnel, mask', ANY, [t.u8(t.TTL, 255)], 'none', '4:ff'),
        ('exact', [ID] + V4, 'no mask', '0:0000000000000007 2:02020202 4:40',
         EXACT_ID + EXACT4),
        ('exact IPv6', [ID, t.v6(t.IPV6_SRC, 1)] + V6, 'no mask',
         '0:0000000000000007 12:%s 13:%s 4:40' % ('0' * 31 + '1', '0' * 31 + '2'),
         EXACT_ID + '12:%s 13:%s 3:ff 4:ff 9:ffff 10:ffff' % ('f' * 32, 'f' * 32)),
        ('everything', ALL, 'no mask', ALL_SAID,
         EXACT_ID + '1:ffffffff 2:ffffffff 3:ff 4:ff 5: 6: 9:ffff 10:ffff 7:'),
        ('no mask of it', [ID] + V4, ANY, '0:0000000000000007 2:02020202 4:40', '4:00'),
        ('an ID twice counts once', [ID, t.ident(8)] + V4, 'no mask',
         '0:0000000000000008 2:02020202 4:40', EXACT_ID + EXACT4),
        ('a mask of parts', [ID] + V4,
         [t.raw(t.IPV4_DST, b'\xff\xff\xff\0'), t.raw(t.ID, bytes(8))],
         '0:0000000000000007 2:02020202 4:40', '0:0000000000000000 2:ffffff00 4:00'),
        ('a mask of flags', V4, [DF, CSUM, OAM], '2:02020202 4:40', '4:00 5: 6: 7:'),
        ('bridge mode', [ID, BR], 'no mask', '0:0000000000000007 4:00', EXACT_ID + EXACT4),
        ('Geneve', V4 + [t.geneve(O1)], 'no mask', '2:02020202 4:40 ' + GEN,
         EXACT4 + ' 8:' + 'f' * 16),
        ('Geneve, masked', V4 + [t.geneve(O1)], [t.geneve(b'\xff\xff\x80\x1f\xff\0\0\0')],
         '2:02020202 4:40 ' + GEN, '4:00 8:ffff801fff000000'),
        ('Geneve, the longest', V4 + [t.geneve(bytes(252))], 'no mask',
         '2:02020202 4:40 8:' + '00' * 252, EXACT4 + ' 8:' + 'ff' * 252),
        ('Geneve, not in the mask', V4 + [t.geneve(O1)], [t.u8(t.TTL, 255)],
         '2:02020202 4:40 ' + GEN, '4:ff'),
        ('VXLAN', V4 + [t.gbp(5)], 'no mask', '2:02020202 4:40 11:0800010005000000',
         EXACT4 + ' 11:08000100ffffffff'),
        ('VXLAN, masked', V4 + [t.gbp(5)], [t.gbp(0xff)],
         '2:02020202 4:40 11:0800010005000000', '4:00 11:08000100ff000000'),
        ('ERSPAN', V4 + [t.erspan(1, 5)], 'no mask',
         '2:02020202 4:40 15:010000000000000500000000', EXACT4 + ' 15:' + 'f' * 24)):
    flow = dumped(tun, mask)
    k.equal((say(nl.attrs(flow[1]).get(nl.TUNNEL)), say(nl.attrs(flow[7]).get(nl.TUNNEL))),
            (want_key, want_mask), 'dump: ' + what)

for what, tun, want in (
        ('everything', ALL, ALL_SAID),
        ('IPv6', [ID] + V6, '0:0000000000000007 13:%s 4:40' % ('0' * 31 + '2')),
        ('bridge mode', [ID, BR], '0:0000000000000007 16:'),
        ('bridge mode alone', [BR, t.u8(t.TTL, 0)], '16:'),
        ('TTL 0', [D4, t.u8(t.TTL, 0)], '2:02020202 4:00'),
        ('Geneve', V4 + [t.geneve(O1, O2)],
         '2:02020202 4:40 ' + GEN + '0102030265666768696a6b6c'),
        ('Geneve without any', V4 + [t.geneve()], '2:02020202 4:40'),
        ('VXLAN', V4 + [t.gbp(5)], '2:02020202 4:40 11:0800010005000000'),
        ('VXLAN without GBP', V4 + [nl.nest(t.VXLAN)], '2:02020202 4:40 11:0800010000000000'),
        ('ERSPAN', V4 + [t.erspan(2, 5)], '2:02020202 4:40 15:020000000000000500000000')):
    flow = dumped(ANY, ANY, [nl.nest(nl.SET, nl.nest(nl.TUNNEL, *tun)), nl.output(0)])
    k.equal(say(nl.attrs(nl.attrs(flow[2])[nl.SET])[nl.TUNNEL]), want, 'set: ' + what)

# A message has room for what a set says more than its request did, whatever their number.
UFID = bytes(range(16))


def echoed(n, *tun):
    """How many of N sets of a tunnel, by the reply to the request that installs them."""
    act = nl.nest(nl.SET, nl.nest(nl.TUNNEL, *tun))
    key, mask = PLAIN
    data = nl.nest(1, *key) + nl.nest(7, *mask) + nl.nest(2, act * n) + \
        nl.attr(9, UFID) + nl.attr(10, 3)       # OMIT_KEY | OMIT_MASK
    flow = nl.attrs(dp.flow(nl.CMD_NEW, data, nl.NLM_F_CREATE | nl.NLM_F_ECHO)[0][4:])
    dp.flush()
    return len(nl.attr_list(flow.get(2, b'')))


COUNTS = (1, 20, 60, 120, 230, 400)
for what, tun in (('VXLAN without GBP', V4 + [nl.nest(t.VXLAN)]), ('an ID', [ID] + V4)):
    if STOCK:
        k.skip('sets in a reply: ' + what, 'the stock module leaves out what has no room')
    else:
        k.equal([echoed(n, *tun) for n in COUNTS], list(COUNTS), 'sets in a reply: ' + what)

# Which packets match: they come by execute with a tunnel, and are looked up after recirc.
PACKETS = {
    'none': ANY, 'v4': V4, 'id': [ID] + V4, 'v6': V6, 'csum': [ID, CSUM] + V4,
    'gen': V4 + [t.geneve(O1)], 'gen2': V4 + [t.geneve(O1, O2)], 'vxlan': V4 + [t.gbp(5)],
    'erspan': V4 + [t.erspan(1, 5)], 'bridge': [ID, BR], 'ports': V4 + PORTS,
}


def matched(tun, mask):
    dp.add_flow(*match(tun, mask), [])
    hits = []
    for name, pkt in PACKETS.items():
        before = dp.stats()[0]
        key = [nl.attr(nl.IN_PORT, 0)] + ([] if pkt is ANY else [nl.nest(nl.TUNNEL, *pkt)])
        dp.execute(FRAME, key, [nl.attr(nl.RECIRC, 5)])
        if dp.stats()[0] > before:
            hits.append(name)
    dp.flush()
    return ' '.join(hits)


EVERY = ' '.join(PACKETS)
for what, tun, mask, want in (
        ('no tunnel, no mask', ANY, 'no mask', EVERY),
        ('no tunnel, an empty mask', ANY, [], EVERY),
        ('no tunnel, a mask', ANY, [t.u8(t.TTL, 255)], 'none'),
        ('no tunnel, a mask of zeros', ANY, [t.u8(t.TTL, 0)], 'none'),
        ('exact', V4, 'no mask', 'v4 gen gen2 vxlan erspan'),
        ('exact with ID', [ID] + V4, 'no mask', 'id csum'),
        ('an empty mask', V4, [], EVERY),
        ('TTL', V4, [t.u8(t.TTL, 255)], 'v4 id csum gen gen2 vxlan erspan ports'),
        ('the ID of one without', V4, [t.raw(t.ID, t.ONES[:8])],
         'v4 gen gen2 vxlan erspan ports'),
        ('ID', [ID] + V4, [t.raw(t.ID, t.ONES[:8])], 'id csum bridge'),
        ('whether there is an ID', [ID] + V4, [t.raw(t.ID, bytes(8))], 'id csum bridge'),
        ('CSUM', V4 + [CSUM], [CSUM], 'csum'),
        ('no CSUM', V4, [CSUM], 'v4 id gen gen2 vxlan erspan bridge ports'),
        ('IPv6', V6, [t.u8(t.TTL, 255)], 'v6'),
        ('Geneve options', V4 + [t.geneve(O1)], [t.geneve(t.ONES[:8])], 'gen'),
        ('no bit of Geneve options', V4 + [t.geneve(O1)], [t.geneve(bytes(8))], 'gen'),
        ('GBP', V4 + [t.gbp(5)], [t.gbp(0xffffffff)], 'vxlan'),
        ('another GBP', V4 + [t.gbp(6)], [t.gbp(0xffffffff)], ''),
        ('whether there is a GBP', V4 + [t.gbp(6)], [t.gbp(0)], 'vxlan'),
        ('no GBP', V4, [t.gbp(0xffffffff)], 'v4 id csum bridge ports'),
        ('ERSPAN', V4 + [t.erspan(1, 5)], [t.raw(t.ERSPAN, t.ONES[:12])], 'erspan'),
        ('ports', V4 + PORTS, [t.be16(t.TP_SRC, 0xffff)], 'ports'),
        ('no ports', V4, [t.be16(t.TP_SRC, 0xffff)],
         'v4 id csum gen gen2 vxlan erspan bridge')):
    k.equal(matched(tun, mask), want, 'matches: ' + what)


def upcall_tunnel(tun, acts):
    """The tunnel in the key of an upcall by an action behind ACTS."""
    listener = nl.Genl()
    key = [nl.attr(nl.IN_PORT, 0)] + ([] if tun is ANY else [nl.nest(nl.TUNNEL, *tun)])
    dp.execute(FRAME, key, acts + [nl.nest(nl.USERSPACE, nl.attr(1, listener.pid))])
    got = listener.recv_upcall()
    return say(nl.attrs(got[1][2]).get(nl.TUNNEL)) if got else 'no upcall'


for what, tun, acts, want in (
        ('none', ANY, [], 'none'),
        ('everything', ALL, [], ALL_SAID),
        ('Geneve', [ID] + V4 + [t.geneve(O1, O2)], [],
         '0:0000000000000007 2:02020202 4:40 ' + GEN + '0102030265666768696a6b6c'),
        ('set changes no key', V4, [nl.nest(nl.SET, nl.nest(nl.TUNNEL, ID, *V6))],
         '2:02020202 4:40'),
        ('set makes no key', ANY, [nl.nest(nl.SET, nl.nest(nl.TUNNEL, *V4))], 'none')):
    k.equal(upcall_tunnel(tun, acts), want, 'upcall: ' + what)


def userspace(port):
    """What the dump of a userspace action with EGRESS_TUN_PORT says of it."""
    dp.add_flow(*PLAIN, [nl.nest(nl.USERSPACE, nl.attr(1, genl.pid), nl.attr(3, port))])
    act = nl.attrs(nl.attrs(dp.flows()[0][2])[nl.USERSPACE])
    dp.flush()
    return struct.unpack('=I', act[3])[0]


k.equal(userspace(1), 1, 'EGRESS_TUN_PORT is dumped')
k.equal(userspace(100000), 100000, 'EGRESS_TUN_PORT may be any number')
k.equal([refusal(lambda: userspace(b'ab')), refusal(lambda: userspace(b''))], [34, 34],
        'EGRESS_TUN_PORT must be 32 bits')
dp.delete()
k.ok(unload_module(), 'the module unloads')
k.finish()
