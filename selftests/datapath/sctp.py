#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real SCTP, whose CRC the sender leaves to the device: what userspace gets of it has a right one, and
a packet that goes on after userspace had it arrives."""
# needs: vm
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, load_module, run, skip_all, unload_module    # noqa: E402
import ovsnl as nl                                                  # noqa: E402
import frames as f                                                  # noqa: E402
from dpbed import POP_VLAN, any_from, in_ns, key_dict, push_vlan, userspace  # noqa: E402

PACKET, KEY = 1, 2
SIZE = 200000
NS = {'a': ('10.0.0.1', nl.mac(1)), 'b': ('10.0.0.2', nl.mac(2))}

if subprocess.run(['modprobe', 'sctp'], stderr=subprocess.DEVNULL).returncode:
    skip_all('the kernel has no SCTP')
t = Ktap()
load_module()
up, ears = nl.Genl(), nl.Genl()
ears.sock.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)       # SO_RCVBUFFORCE
dp = nl.Datapath(pid=up.pid)
for number, ns in ((1, 'a'), (2, 'b')):
    run('ip netns add %s' % ns)
    run('ip link add p%d type veth peer name eth0 netns %s' % (number, ns))
    run('ip netns exec %s sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1' % ns)
    run('sysctl -qw net.ipv6.conf.p%d.disable_ipv6=1' % number)
    run('ip -n %s link set eth0 address %s up; ip link set p%d up' %
        (ns, NS[ns][1].hex(':'), number))
    run('ip -n %s addr add %s/24 dev eth0' % (ns, NS[ns][0]))
for ns, peer in ('ab', 'ba'):
    run('ip -n %s neigh add %s lladdr %s dev eth0' % (ns, NS[peer][0], NS[peer][1].hex(':')))
dp.add_port('p1', 1, pid=up.pid)
dp.add_port('p2', 2, pid=up.pid)


def sctp(ns):
    return in_ns(ns, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, f.SCTP))


def wrong(upcalls):
    """Which of these are no SCTP, or have a wrong checksum."""
    return [a[PACKET][:60].hex() for _, a in upcalls
            if f.Parsed(a[PACKET]).proto != f.SCTP or f.wrong_checksums(a[PACKET])]


def heard():
    out = []
    while True:
        one = ears.recv_upcall(0.2)
        if not one:
            return out
        out.append(one)


# A miss.
client = sctp('a')
client.setblocking(False)
client.connect_ex((NS['b'][0], 5000))
miss = up.recv_upcall(10)
t.ok(miss and key_dict(miss[1][KEY]).get('sctp'), 'an INIT has no flow', miss)
t.equal(wrong([miss]), [], 'and comes to userspace with the right CRC')
client.close()


def talk(*before):
    """Send SIZE bytes from a to b through flows that do BEFORE, then output: how many arrive."""
    dp.flush()
    for port in (1, 2):
        dp.add_flow(*any_from(port), [*before, nl.output(3 - port)])
    got = []

    def serve():
        try:
            conn = server.accept()[0]
            conn.settimeout(20)
            while sum(got) < SIZE:
                data = conn.recv(1 << 16)
                if not data:
                    break
                got.append(len(data))
            conn.close()
        except OSError as err:
            print('# server: %s' % err)

    server = sctp('b')
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((NS['b'][0], 5000))
    server.listen()
    server.settimeout(10)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = sctp('a')
    client.settimeout(10)
    try:
        client.connect((NS['b'][0], 5000))
        client.sendall(bytes(SIZE))
    except OSError as err:
        print('# client: %s' % err)
    thread.join(30)
    client.close()
    server.close()
    return sum(got)


hear = userspace(ears.pid)
for what, actions in (('output', []), ('userspace, then output', [hear]),
                      ('userspace with a tag that is pushed and popped',
                       [push_vlan(0x8100, 0x1005), hear, POP_VLAN])):
    t.equal(talk(*actions), SIZE, what + ': an association, and all its data')
    upcalls = heard()
    t.ok(not actions or len(upcalls) > 10, what + ': userspace saw it', len(upcalls))
    t.equal(wrong(upcalls)[:3], [], what + ': each with the right CRC')
for ns in NS:
    bad = [line for line in run('ip netns exec %s cat /proc/net/sctp/snmp' % ns).splitlines()
           if line.startswith('SctpChecksumErrors')]
    t.ok(bad and bad[0].split()[1] == '0', 'no CRC error in ' + ns, *bad)
dp.delete()
run('ip netns del a; ip netns del b')
t.ok(unload_module(), 'the module unloads')
t.finish()
