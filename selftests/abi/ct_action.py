#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The ct action by netlink: what is taken, what is refused, and how it is dumped."""
import errno
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, load_module, run, unload_module, wait_until  # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from ctbed import (ACT_CT, ACT_CT_CLEAR, COMMIT, ZONE, MARK, LABELS, HELPER,  # noqa: E402
                   FORCE, EVENTMASK, TIMEOUT, SRC, DST, IP_MIN, IP_MAX, PROTO_MIN,
                   PROTO_MAX, PERSISTENT, HASH, RANDOM, IPV4, IPV6, addr, ct, flag, mark,
                   nat, u16, zone)

t = Ktap()
stock = load_module() == 'stock'
run('modprobe -a nf_conntrack_ftp nf_nat_ftp nfnetlink_cttimeout')
run('nfct timeout add tp1 inet tcp established 100')
dp = nl.Datapath()
ARP = b'\x08\x06'
a = nl.attr
C, F, Z0 = flag(COMMIT), flag(FORCE), zone(0)
ONES, ZEROS = b'\xff' * 16, bytes(16)


def labels(value, mask):
    return a(LABELS, value + mask)


def install(action, eth, proto):
    key = [a(nl.IN_PORT, 0), a(nl.ETHERNET, bytes(12)), a(nl.ETHERTYPE, eth)]
    mask = [a(nl.ETHERTYPE, b'\xff\xff')]
    if eth == ARP:
        key.append(a(nl.ARP, bytes(8) + b'\0\1' + bytes(12)))
    elif eth in (IPV4, IPV6):
        kind, n = (nl.IPV4, 8) if eth == IPV4 else (nl.IPV6, 36)
        key.append(a(kind, bytes(n) + bytes((proto, 0, 0, 0))))
        mask.append(a(kind, bytes(n) + bytes((0xff, 0, 0, 0xff))))
        key.append(a(nl.TCP if proto == 6 else nl.UDP, bytes(4)))
        if proto == 6:
            key.append(a(nl.TCP_FLAGS, bytes(2)))
    dp.flush()
    dp.add_flow(key, mask, [action])
    return dp.flows()[0][2]


def takes(what, action, dump=None, eth=IPV4, proto=6):
    """The action is taken, and dumped as DUMP (default: as sent)."""
    try:
        got = install(action, eth, proto)
    except nl.NlError as err:
        t.ok(False, 'taken: ' + what, err, err.extack)
        return
    want = dump if dump is not None else action
    t.ok(got == want, 'taken, and dumped as it should be: ' + what,
         'got  ' + got.hex(), 'want ' + want.hex())


def refuses(what, action, code=errno.EINVAL, eth=IPV4, proto=6):
    try:
        install(action, eth, proto)
    except nl.NlError as err:
        t.ok(err.errno == code and (stock or err.extack), 'refused: ' + what, err,
             'extack: %r' % err.extack)
    else:
        t.ok(False, 'refused: ' + what, 'it was taken')


takes('nothing', ct(), ct(Z0))
takes('a zone', ct(zone(5)))
takes('the last of two zones', ct(zone(1), zone(2)), ct(zone(2)))
takes('commit', ct(C), ct(C, Z0))
takes('force', ct(F), ct(F, Z0))
takes('commit and force', ct(C, F), ct(F, Z0))
takes('an IPv6 flow', ct(), ct(Z0), eth=IPV6)
takes('in a clone', nl.nest(nl.CLONE, ct(C)), nl.nest(nl.CLONE, ct(C, Z0)))
for n, data in ((4, bytes(4)), (1, b'\1'), (0, b'')):
    refuses('a zone of %d bytes' % n, ct(a(ZONE, data)))
refuses('commit with a payload', ct(a(COMMIT, 1)))
for kind in (0, 10, 200):
    refuses('attribute %d' % kind, ct(flag(kind)))
refuses('a flow of ARP', ct(), eth=ARP)
refuses('a flow of LLDP', ct(), eth=b'\x88\xcc')

takes('a mark', ct(C, mark(1, 1)), ct(C, Z0, mark(1, 1)))
takes('a mark, forced', ct(F, mark(1, 1)), ct(F, Z0, mark(1, 1)))
refuses('a mark without commit', ct(mark(1, 1)))
refuses('a mark whose mask is 0', ct(C, mark(0, 0)))
refuses('a mark without a mask', ct(C, a(MARK, 1)))
refuses('a long mark', ct(C, a(MARK, bytes(12))))
takes('labels', ct(C, labels(ZEROS, ONES)), ct(C, Z0, labels(ZEROS, ONES)))
refuses('labels without commit', ct(labels(ONES, ONES)))
refuses('labels whose mask is 0', ct(C, labels(ZEROS, ZEROS)))
refuses('labels without a mask', ct(C, a(LABELS, ONES)))

ftp = a(HELPER, b'ftp\0')
takes('a helper', ct(C, ftp), ct(C, Z0, ftp))
takes('a helper without commit', ct(ftp), ct(Z0, ftp))
takes('a helper of IPv6', ct(C, ftp), ct(C, Z0, ftp), eth=IPV6)
takes('a helper with padding', ct(C, a(HELPER, b'ftp\0\0\0')), ct(C, Z0, ftp))
takes('a helper with NAT', ct(C, ftp, nat()), ct(C, Z0, ftp, nat()))
refuses('a helper of another protocol', ct(C, ftp), proto=17)
for what, name in (('unknown', b'nosuch\0'), ('empty', b''), ('of no name', b'\0'),
                   ('without NUL', b'ftp'), ('too long', b'f' * 16 + b'\0')):
    refuses('a helper that is ' + what, ct(C, a(HELPER, name)))

for mask in (0, 5, 0xffffffff):
    takes('event mask %#x' % mask, ct(C, a(EVENTMASK, mask)), ct(C, Z0, a(EVENTMASK, mask)))
takes('an event mask without commit', ct(a(EVENTMASK, 5)), ct(Z0, a(EVENTMASK, 5)))
refuses('a short event mask', ct(C, u16(EVENTMASK, 1)))
refuses('a long event mask', ct(C, a(EVENTMASK, bytes(8))))

tp1 = a(TIMEOUT, b'tp1\0')
takes('a timeout policy', ct(C, tp1), ct(C, Z0, tp1))
takes('a timeout policy of another protocol', ct(C, tp1), ct(C, Z0, tp1), proto=17)
takes('a timeout policy of another family', ct(C, tp1), ct(C, Z0, tp1), eth=IPV6)
unknown = a(TIMEOUT, b'x' * 31 + b'\0')
takes('an unknown timeout policy', ct(C, unknown), ct(C, Z0, unknown))
takes('a timeout policy of no name', ct(C, a(TIMEOUT, b'\0')), ct(C, Z0))
for what, name in (('empty', b''), ('without NUL', b'tp1'), ('too long', b'x' * 32 + b'\0')):
    refuses('a timeout policy that is ' + what, ct(C, a(TIMEOUT, name)))

S, D = flag(SRC), flag(DST)
LOW, HIGH = addr(IP_MIN, '10.0.0.1'), addr(IP_MAX, '10.0.0.9')
LOW6, HIGH6 = addr(IP_MIN, 'fd00::1'), addr(IP_MAX, 'fd00::9')
takes('NAT of nothing new', ct(nat()), ct(Z0, nat()))
for what, options in (
        ('of the source', (S,)), ('to an address', (S, LOW)),
        ('to a range', (S, LOW, HIGH)), ('to a range backwards', (S, addr(IP_MIN, '10.0.0.9'),
                                                                  addr(IP_MAX, '10.0.0.1'))),
        ('of the destination', (D, LOW)), ('to a port', (S, u16(PROTO_MIN, 10))),
        ('to ports', (S, u16(PROTO_MIN, 10), u16(PROTO_MAX, 20))),
        ('to port 0', (D, LOW, u16(PROTO_MIN, 0))), ('persistent', (S, flag(PERSISTENT))),
        ('hashed', (S, LOW, flag(HASH))), ('random', (S, LOW, flag(RANDOM))),
        ('hashed and random', (S, LOW, flag(HASH), flag(RANDOM))),
        ('with all options', (S, LOW, HIGH, u16(PROTO_MIN, 10), u16(PROTO_MAX, 20),
                              flag(PERSISTENT), flag(RANDOM)))):
    takes('NAT ' + what, ct(C, nat(*options)), ct(C, Z0, nat(*options)))
takes('NAT, forced', ct(F, nat(S, LOW)), ct(F, Z0, nat(S, LOW)))
takes('NAT from 0.0.0.0', ct(C, nat(S, HIGH)),
      ct(C, Z0, nat(S, addr(IP_MIN, '0.0.0.0'), HIGH)))
takes('NAT from port 0', ct(C, nat(S, u16(PROTO_MAX, 20))),
      ct(C, Z0, nat(S, u16(PROTO_MIN, 0), u16(PROTO_MAX, 20))))
takes('NAT to an IPv6 address', ct(C, nat(S, LOW6)), ct(C, Z0, nat(S, LOW6)), eth=IPV6)
takes('NAT to IPv6 addresses', ct(C, nat(D, LOW6, HIGH6, u16(PROTO_MIN, 1))),
      ct(C, Z0, nat(D, LOW6, HIGH6, u16(PROTO_MIN, 1))), eth=IPV6)
refuses('NAT of the source without commit', ct(nat(S)))
refuses('NAT of source and destination', ct(C, nat(S, D)), errno.ERANGE)
refuses('NAT of the source twice', ct(C, nat(S, S)), errno.ERANGE)
refuses('NAT to an address, of neither', ct(C, nat(LOW)))
refuses('NAT to a port, of neither', ct(C, nat(u16(PROTO_MIN, 10))))
refuses('NAT persistent, of neither', ct(C, nat(flag(PERSISTENT))))
refuses('NAT to IPv6 in an IPv4 flow', ct(C, nat(S, LOW6)))
refuses('NAT to IPv4 in an IPv6 flow', ct(C, nat(S, LOW)), eth=IPV6)
for n in (2, 8, 17):
    refuses('NAT to an address of %d bytes' % n, ct(C, nat(S, a(IP_MIN, bytes(n)))))
refuses('NAT to a port of 4 bytes', ct(C, nat(S, a(PROTO_MIN, 10))))
refuses('NAT attribute 10', ct(C, nat(flag(10))))
refuses('NAT of the source with a payload', ct(C, nat(a(SRC, b'\1'))))

takes('everything', ct(F, zone(9), mark(1, 0xff), labels(ONES, ONES), ftp, nat(D, LOW),
                       a(EVENTMASK, 16), tp1),
      ct(F, zone(9), mark(1, 0xff), labels(ONES, ONES), ftp, a(EVENTMASK, 16), tp1,
         nat(D, LOW)))
takes('ct_clear', flag(ACT_CT_CLEAR))
refuses('ct_clear with a payload', a(ACT_CT_CLEAR, 1))
assert ACT_CT == 12 and struct.calcsize('=H') == 2

# Nothing is held any more: not the helper, not the policy.
dp.flush()
dp.delete()
t.ok(unload_module(), 'the module unloads')
t.ok(wait_until(lambda: not os.system('nfct timeout delete tp1')), 'the timeout policy was let go')
if os.path.exists('/sys/module/nf_conntrack_ftp/refcnt'):
    t.ok(wait_until(lambda: not os.system('modprobe -r nf_nat_ftp && '
                                          'modprobe -r nf_conntrack_ftp')), 'so was the helper')
else:
    t.skip('so was the helper', 'it is built into this kernel')
t.finish()
