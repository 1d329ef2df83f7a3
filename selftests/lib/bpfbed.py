# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the BPF action share: three ports, and the program alpha."""
import json
import os
import struct

import ovsnl as nl
from ktap import load_module, run, skip_all

(NOTHING, UNRELATED, SAME, SRC, SRC_RECLASSIFY, RECLASSIFY, DST_PORT, MARK, VLAN_PUSH,
 CLOBBER, REDIRECT, ETH_TYPE, TAIL, VERDICT, BYTE) = range(15)
# What bpf-progs/beta makes its result of.
CONST, SPORT, SCRIBBLE, PULL, LEN, OF_MARK = range(6)


class Bed:
    """A datapath with ports 1, 2, 3 (p1..p3, whose far ends are w1..w3)."""

    def __init__(self, pid=0, genl=None):
        if os.environ.get('OVS_KMOD') == 'stock':
            skip_all('the stock module has no BPF action')
        load_module()
        self.dp = nl.Datapath(pid=pid, nl=genl)
        for port in (1, 2, 3):
            run('ip link add p%d type veth peer name w%d' % (port, port))
            run('sysctl -qw net.ipv6.conf.p%d.disable_ipv6=1 '
                'net.ipv6.conf.w%d.disable_ipv6=1' % (port, port))
            run('ip link set p%d up; ip link set w%d up' % (port, port))
            self.dp.add_port('p%d' % port, port, pid=pid)
        self.wires = {port: nl.Wire('w%d' % port) for port in (1, 2, 3)}
        self.prog = load('alpha')

    def recv(self, port, count=1, timeout=3):
        return self.wires[port].recv_all(lambda fs: len(fs) >= count, timeout)

    def quiet(self, *ports):
        """Whether nothing came out of the ports."""
        return not any(self.recv(p, timeout=0.2) for p in ports)

    @staticmethod
    def runs(stage=0, prog='alpha'):
        return lookup(prog, 'runs', stage)

    @staticmethod
    def seen():
        return lookup('alpha', 'seen', 0)


def load(name, entry=None):
    """Load bpf-progs/NAME, pin its programs and maps; a descriptor of program ENTRY."""
    pin = '/sys/fs/bpf/' + name
    run('bpftool prog loadall bpf-progs/%s/%s.bpf.o %s pinmaps %s_maps' %
        (name, name, pin, pin))
    return nl.bpf_obj_get('%s/%s' % (pin, entry or name))


def lookup(name, which, key):
    """What a map of bpf-progs/NAME holds for a key."""
    text = run('bpftool -j map lookup pinned /sys/fs/bpf/%s_maps/%s key %s' %
               (name, which, ' '.join(str(b) for b in struct.pack('=I', key))))
    return json.loads(text)['formatted']['value']


def unload(name):
    run('rm -r /sys/fs/bpf/%s /sys/fs/bpf/%s_maps' % (name, name))


def any_from(port, stage=0):
    """Key and mask of all IPv4 from a port at a stage."""
    key = [nl.attr(nl.RECIRC_ID, stage), nl.attr(nl.IN_PORT, port),
           nl.attr(nl.ETHERNET, bytes(12)), nl.attr(nl.ETHERTYPE, b'\x08\0'),
           nl.attr(nl.IPV4, bytes(8) + bytes((17, 0, 0, 0))),
           nl.attr(nl.UDP, bytes(4))]
    mask = [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.IN_PORT, 0xffffffff),
            nl.attr(nl.ETHERTYPE, b'\xff\xff'),
            nl.attr(nl.IPV4, bytes(8) + bytes((0xff, 0, 0, 0xff)))]
    return key, mask


def packet(sport=1001, **kw):
    return nl.udp4('10.0.0.1', '10.0.0.9', sport, 80, **kw)


def only_stats(**counts):
    """The counters of a BPF action that has the given ones and zeros else."""
    want = dict.fromkeys(nl.STAT_NAMES[1:], 0)
    want.update(counts)
    return want


def set_masked(kind, value, mask):
    return nl.nest(nl.SET_MASKED, nl.attr(kind, value + mask))


assert struct.calcsize('=Q') == 8
