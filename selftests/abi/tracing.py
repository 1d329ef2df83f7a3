#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# needs: vm
"""What tracing tools attach to: functions under the names that they have in the kernel's own
module, each one that can be probed and that packets pass, and its two tracepoints."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from ktap import Ktap, clear_kprobes, unload_module                 # noqa: E402
import ovsnl as nl                                                  # noqa: E402
from abibed import Bed, flow, set_mac                               # noqa: E402

TRACING = '/sys/kernel/tracing/'
FUNCTIONS = ('ovs_dp_process_packet', 'ovs_dp_upcall', 'queue_userspace_packet',
             'ovs_flow_tbl_lookup_stats', 'ovs_execute_actions', 'ovs_packet_cmd_execute')
PACKET = {'dpaddr', 'dp_name', 'dev_name', 'skbaddr', 'len', 'data_len', 'truesize', 'nr_frags',
          'gso_size', 'gso_type', 'ovs_flow_hash', 'recirc_id', 'keyaddr', 'key_eth_type',
          'key_ct_state', 'key_ct_orig_proto', 'key_ct_zone', 'flow_key_valid'}
FIELDS = {
    'ovs_dp_upcall': {'upcall_cmd', 'upcall_port', 'upcall_mru'},
    'ovs_do_execute_action': {'action_type', 'action_len', 'action_data', 'is_last'},
}


def trace(name, value, mode='w'):
    with open(TRACING + name, mode) as f:
        f.write(value)


def trace_lines():
    with open(TRACING + 'trace') as f:
        return [line for line in f.read().splitlines() if not line.startswith('#')]


t = Ktap()
bed = Bed()
with open('/proc/kallsyms') as f:
    symbols = {line.split()[2] for line in f if line.rstrip().endswith('[openvswitch]')}
for name in FUNCTIONS:
    t.ok(name in symbols, name + ' is a function of the module',
         [s for s in symbols if s.startswith(name)])

upcalls = nl.Genl()
ip, out = flow(), nl.output(2)
to_userspace = nl.nest(nl.USERSPACE, nl.attr(1, upcalls.pid))
frame = nl.udp4('10.0.0.1', '10.0.0.2', 1000, 2000)
bed.dp.add_flow(*ip, [set_mac(), to_userspace, out])
trace('kprobe_events', ''.join('p:ovs/%s openvswitch:%s\n' % (n, n) for n in FUNCTIONS
                               if n in symbols))
trace('events/ovs/enable', '1')
trace('trace', '')
bed.wires[1].send(frame)
bed.recv(2)
bed.dp.execute(frame, [], [out])
bed.recv(2)
hits = re.findall(r': (\w+): \(', '\n'.join(trace_lines()))
trace('events/ovs/enable', '0')
clear_kprobes()
for name in FUNCTIONS:
    t.ok(name in hits, name + ' is passed', hits)
t.equal(hits.count('ovs_execute_actions'), 2, 'once for each packet')

for name, fields in FIELDS.items():
    try:
        with open(TRACING + 'events/openvswitch/%s/format' % name) as f:
            have = re.findall(r'field:.*?(\w+)(?:\[\])?;', f.read())
    except OSError as err:
        have = [str(err)]
    want = PACKET | fields
    t.ok(want <= set(have), 'the tracepoint %s has its fields' % name, want - set(have))
trace('events/openvswitch/enable', '1')
trace('trace', '')
bed.wires[1].send(frame)
bed.recv(2)
lines = trace_lines()
trace('events/openvswitch/enable', '0')
acts = [line for line in lines if ': ovs_do_execute_action: ' in line]
t.equal([tuple(map(int, re.search(r'action_type=(\d+).*is_last=(\d)', line).groups())) for line in acts],
        [(nl.SET_MASKED, 0), (nl.USERSPACE, 0), (nl.OUTPUT, 1)],
        'ovs_do_execute_action tells each action, and which is the last')
ups = [line for line in lines if ': ovs_dp_upcall: ' in line]
t.ok(len(ups) == 1 and 'dev=p1' in ups[0] and ' upcall_port=%d ' % upcalls.pid in ups[0],
     'ovs_dp_upcall tells the port and the socket', ups)
bed.dp.delete()
t.ok(unload_module(), 'the module unloads')
t.finish()
