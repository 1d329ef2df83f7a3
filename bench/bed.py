# SPDX-License-Identifier: GPL-2.0-or-later
"""What the rows of the bench stand on, in the VM: links, a datapath, the sender.

A row works on a fresh Bed: the veth pairs w1-p1, w2-p2 and w3-p3.  Packets go into w1 and
are waited for at w2; the p's are what is measured.  What a row sets up it gives to
Bed.undo, or leaves to the end of its datapath and links.
"""
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../selftests/lib'))
import ovsnl as nl      # noqa: E402
import dpbed            # noqa: E402
from ktap import run, wait_until    # noqa: E402

PACKETS = 6400
PINS = '/run/bpf/bench'     # a program that enters a namespace gets a /sys of its own
SRC, DST = '10.0.0.1', '10.0.0.9'
SPORT, DPORT = 1000, 80
# Where fields of an untagged frame of UDP over IPv4 lie: (offset, width).
ETH_SRC_LOW, IP_DST, UDP_SRC = (8, 4), (30, 4), (34, 2)


def frame(dst=DST, dport=DPORT, size=64, checksum=True, dst_mac=nl.mac(2)):
    f = nl.udp4(SRC, dst, SPORT, dport, b'x' * (size - 42))
    f = dst_mac + f[6:]
    return f if checksum else f[:40] + b'\0\0' + f[42:]


def prepare():
    """What rows and modules need of the kernel."""
    subprocess.run('modprobe -a nf_conntrack nf_nat nf_defrag_ipv6 nf_conncount nsh psample '
                   'libcrc32c veth bridge tun cls_bpf sch_ingress; '
                   'sysctl -qw net.ipv6.conf.default.disable_ipv6=1; '
                   'mkdir -p /run/bpf; mount -t bpf bpf /run/bpf', shell=True,
                   stderr=subprocess.DEVNULL)


def load_module(name):
    if name == 'this':
        run(['insmod', os.path.join(HERE, '../kmod/openvswitch.ko')])
    elif name == 'stock':
        run(['modprobe', 'openvswitch'])


def unload_module(name):
    if name != 'none':
        assert wait_until(lambda: subprocess.run(
            ['rmmod', 'openvswitch'], stderr=subprocess.DEVNULL).returncode == 0, 60)


def endless(count, least=1000):
    """For scripts/bench --profile: tell it that the row begins, and where the kernel has
    what is called once a unit; and never end."""
    mark = os.environ.get('BENCH_PROFILE')
    if not mark or count < least:
        return count
    run('sysctl -qw net.core.bpf_jit_kallsyms=1; cp /proc/kallsyms $VM_OUT; '
        'for p in $(pidof ovs-bpfd ovs-vswitchd); do cat /proc/$p/maps; done >$VM_OUT/maps')
    with open('/proc/kallsyms') as f:
        at = next(words[0] for words in map(str.split, f) if words[2].split('.')[0] == mark)
    print('profile: sending', at, flush=True)
    return 10 ** 9


class Bed:
    def __init__(self, module):
        self.module = module
        self.dp = None
        self.profile_flows = False
        self.first_flow = 0     # number of the first flow of masked_flows()
        self.undo = contextlib.ExitStack()
        lines = []
        for i in (1, 2, 3):
            lines += ['link add p%d type veth peer name w%d' % (i, i),
                      'link set p%d up' % i, 'link set w%d up' % i]
        self.ip(*lines)
        self.undo.callback(self.ip, *['link del p%d' % i for i in (1, 2, 3)])
        os.makedirs(PINS, exist_ok=True)
        self.undo.callback(run, 'rm -rf %s; mkdir %s' % (PINS, PINS))

    @staticmethod
    def ip(*lines, netns=None):
        ip = ['ip', '-n', netns] if netns else ['ip']
        subprocess.run(ip + ['-batch', '-'], input='\n'.join(lines) + '\n', text=True,
                       check=True)

    # Packets.

    def send(self, fields=(), packets=PACKETS, data=None, sink='w2', warm_up=True):
        """Send and wait; FIELDS: ((offset, width), values).  (packets, instructions)."""
        args = [str(x) for (at, n) in fields for x in at + (n,)]
        packets = endless(packets)
        env = dict(os.environ) if warm_up else dict(os.environ, NO_WARM_UP='1')
        out = run([HERE + '/send', 'w1', sink, (data or frame()).hex(), str(packets)] + args,
                  env=env)
        n, insns, idle = map(int, out.split())
        return n, insns - idle

    # The datapath.

    def switch(self, ports=(1, 2, 3)):
        self.dp = nl.Datapath('dp0')
        self.undo.callback(self.dp.delete)
        for p in ports:
            self.dp.add_port('p%d' % p, p)
        return self.dp

    def flow(self, *actions, port=1, recirc_id=0, put=False):
        """Let all IPv4 of UDP from a port have these actions."""
        if not self.dp:
            self.switch()
        key = [nl.attr(nl.RECIRC_ID, recirc_id), nl.attr(nl.IN_PORT, port),
               dpbed.k_eth(bytes(6), bytes(6)),
               dpbed.k_ipv4(proto=17), dpbed.k_ports(nl.UDP, 0, 0)]
        mask = [nl.attr(nl.RECIRC_ID, dpbed.ALL), nl.attr(nl.IN_PORT, dpbed.ALL),
                dpbed.k_type(0xffff), nl.attr(nl.IPV4, dpbed.p_ipv4(proto=255, frag=255))]
        (self.dp.put_flow if put else self.dp.add_flow)(key, mask, actions)

    def masked_flows(self, masks, flows, out=2):
        """FLOWS more flows, one for each destination from DST on, under MASKS masks in turn.
        (flows, instructions)."""
        if not self.dp:
            self.switch()
        with open('/run/flows.nl', 'wb') as f:
            for i in range(masks):
                msg, at = self.flow_message(i, out)
                f.write(struct.pack('=I', len(msg)) + msg)
        out = run([HERE + '/nlrate', 'send', '/run/flows.nl', str(endless(flows) if self.profile_flows else flows)] +
                  [str(a) for a in at])
        n, insns, _ = map(int, out.split())
        self.first_flow += flows
        return n, insns

    def flow_message(self, i, out):
        """A request to install a flow under mask I, of several hundred, and the offsets of
        its destination address and its UFID."""
        dst = socket.inet_ntoa(struct.pack('!I', self.first_flow +
                                           struct.unpack('!I', nl.ip4(DST))[0]))
        src = (0xffffffff << (32 - i % 33)) & 0xffffffff
        key = [nl.attr(nl.RECIRC_ID, 0), nl.attr(nl.IN_PORT, 1),
               dpbed.k_eth(bytes(6), bytes(6)),
               dpbed.k_ipv4(SRC, dst, 17), dpbed.k_ports(nl.UDP, SPORT, DPORT)]
        ports = ((0, 0), (0, 0xffff), (0xffff, 0), (0xffff, 0xffff))[i // 33]
        mask = [nl.attr(nl.RECIRC_ID, dpbed.ALL), nl.attr(nl.IN_PORT, dpbed.ALL),
                dpbed.k_type(0xffff),
                nl.attr(nl.IPV4, struct.pack('!II', src, dpbed.ALL) + b'\xff\0\0\xff'),
                dpbed.k_ports(nl.UDP, *ports)]
        ufid = nl.attr(9, b'\xab' * 12 + struct.pack('!I', self.first_flow))
        data = struct.pack('=i', self.dp.ifindex) + nl.nest(1, *key) + nl.nest(7, *mask) + \
            nl.nest(2, nl.output(out)) + ufid
        msg = self.message('ovs_flow', nl.CMD_NEW, data,
                           nl.NLM_F_ACK | nl.NLM_F_CREATE | nl.NLM_F_EXCL)
        at = msg.index(nl.ip4(SRC) + nl.ip4(dst)) + 4
        return msg, (at, len(msg) - 4)

    def message(self, family, cmd, data, flags):
        body = struct.pack('=BBH', cmd, 1, 0) + data
        return struct.pack('=IHHII', 16 + len(body), self.dp.nl.family(family),
                           nl.NLM_F_REQUEST | flags, 1, 0) + body

    def dump_flows(self):
        """(flows, instructions)."""
        msg = self.message('ovs_flow', nl.CMD_GET, struct.pack('=i', self.dp.ifindex),
                           nl.NLM_F_DUMP)
        with open('/run/dump.nl', 'wb') as f:
            f.write(struct.pack('=I', len(msg)) + msg)
        n, insns, _ = map(int, run([HERE + '/nlrate', 'dump', '/run/dump.nl',
                                      str(endless(1, 1))]).split())
        return n, insns

    # Programs.

    @staticmethod
    def load(path, name):
        """Load an object file; a descriptor of program NAME."""
        pin = '%s/%s' % (PINS, name)
        run(['bpftool', 'prog', 'loadall', path, pin, 'pinmaps', pin + '_maps'])
        return nl.bpf_obj_get('%s/%s' % (pin, name))

    @staticmethod
    def map_set(name, which, key, value):
        run('bpftool map update pinned %s/%s_maps/%s key hex %s value hex %s' %
            (PINS, name, which, ' '.join('%02x' % b for b in key),
             ' '.join('%02x' % b for b in value)))

    @staticmethod
    def ifindex(dev):
        with open('/sys/class/net/%s/ifindex' % dev) as f:
            return int(f.read())

    @staticmethod
    def ifindex_in(netns, dev):
        return json.loads(run('ip -n %s -j link show dev %s' % (netns, dev)))[0]['ifindex']

    def tc(self, dev, pinned, netns=None):
        """Run a pinned program on all that a device receives."""
        tc = ['tc', '-n', netns] if netns else ['tc']
        run(tc + ['qdisc', 'add', 'dev', dev, 'clsact'])
        run(tc + ['filter', 'add', 'dev', dev, 'ingress', 'bpf', 'da', 'object-pinned', pinned])

    # Processes.

    def spawn(self, *cmd):
        p = subprocess.Popen(cmd, stdout=subprocess.DEVNULL)
        self.undo.callback(lambda: (p.kill(), p.wait()))
        return p


def insns(text):
    """Machine code of BPF: (code, dst, src, off, imm) each."""
    return b''.join(struct.pack('<BBhi', c, d | s << 4, off, imm)
                    for c, d, s, off, imm in text)


def trivial(kind, result):
    """A program that does nothing but return RESULT."""
    return nl.bpf_prog_load(kind, insns([(0xb7, 0, 0, 0, result), (0x95, 0, 0, 0, 0)]))


def redirect(ifindex):
    """bpf_redirect(IFINDEX, 0), of tc."""
    return nl.bpf_prog_load(nl.SCHED_CLS, insns([
        (0xb7, 1, 0, 0, ifindex), (0xb7, 2, 0, 0, 0), (0x85, 0, 0, 0, 23),
        (0x95, 0, 0, 0, 0)]))


def pin(fd, name):
    """Pin a program; its path."""
    import ctypes
    path = '%s/%s' % (PINS, name)
    text = ctypes.create_string_buffer(path.encode() + b'\0')
    arg = struct.pack('=QII', ctypes.addressof(text), fd, 0).ljust(128, b'\0')
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(321, 6, ctypes.create_string_buffer(arg, 128), 128) < 0:
        raise OSError(ctypes.get_errno(), 'BPF_OBJ_PIN')
    return path


def wait_uptime(seconds):
    while float(open('/proc/uptime').read().split()[0]) < seconds:
        time.sleep(0.5)


def json_of(cmd):
    return json.loads(run(cmd))
