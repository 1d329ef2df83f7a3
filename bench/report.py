# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of a run, and the targets."""

BASE = 'base/veth', 'none'


class Missing(Exception):
    """A row that a target needs was not run."""


# What a row is compared with, if that is not the stock module's: the same program on tc,
# the other daemon on the same module.
RIVALS = {
    'lb/switch': ('lb/tc', 'none'),
    'lb/switch-many': ('lb/tc', 'none'),
    'upcall/ovs-bpfd': ('upcall/ovs-vswitchd', 'this'),
}


class Table:
    def __init__(self, results):
        self.order, self.all, self.errors = [], {}, {}
        for r in results:
            at = r['name'], r['module']
            if 'per' in r:
                self.all.setdefault(at, []).append(r['per'])
                if at not in self.order:
                    self.order.append(at)
            else:
                self.errors[at] = r['error']
        self.units = {r['name']: r['unit'] for r in results}

    def total(self, name, module='this'):
        """Instructions per packet, or the like."""
        if (name, module) not in self.all:
            raise Missing('%s@%s' % (name, module))
        return sum(self.all[name, module]) / len(self.all[name, module])

    def net(self, name, module='this'):
        """The same, for packets less what the bare pair of devices costs."""
        total = self.total(name, module)
        return total - self.total(*BASE) if self.units[name] == 'packet' else total

    def ratio_of(self, name):
        """A row to its rival, of RIVALS, or the stock module's same row or plain output."""
        twin = name if (name, 'stock') in self.all else 'switch/output'
        return self.net(name) / self.net(*RIVALS.get(name, (twin, 'stock')))

    def ratio(self, name):
        """The same; None: not measured."""
        try:
            return self.ratio_of(name)
        except Missing:
            return None

    def ratios(self):
        return {name: round(self.ratio(name), 4) for name, module in self.order
                if module == 'this' and self.ratio(name)}

    def print(self):
        names = list(dict.fromkeys(name for name, _ in self.order))
        print('\nInstructions per packet (less what a bare pair of devices costs)')
        print('%-30s %-7s %20s %20s %20s %7s %7s' % (
            'row', 'per', 'no switch', 'stock', 'this', 'ratio', 'spread'))
        for name in names:
            cells, spread = [], 0
            for module in ('none', 'stock', 'this'):
                if (name, module) not in self.all:
                    cells.append('')
                    continue
                text = '%.0f' % self.total(name, module)
                if self.units[name] == 'packet' and (name, module) != BASE and \
                        BASE in self.all:
                    text += ' (%.0f)' % self.net(name, module)
                cells.append(text)
                values = self.all[name, module]
                spread = max(spread, max(values) / min(values) - 1)
            ratio = ''
            if (name, 'stock') in self.all and (name, 'this') in self.all:
                ratio = '%.3f' % self.ratio(name)
            more = '%.2f %%' % (100 * spread) if any(
                len(v) > 1 for v in self.all.values()) else ''
            print('%-30s %-7s %20s %20s %20s %7s %7s' % (
                (name, self.units[name]) + tuple(cells) + (ratio, more)))
        for (name, module), error in self.errors.items():
            print('%s@%s failed: %s' % (name, module, error))

    def print_targets(self):
        print('\nTargets')
        met = missed = 0
        for text, value, sense, limit in TARGETS:
            try:
                v = value(self)
            except Missing as row:
                print('  -     %-66s not measured: %s' % (text, row))
                continue
            good = v <= limit if sense == '<=' else v >= limit
            met, missed = met + good, missed + (not good)
            print('  %-5s %-66s %9.3f %s %g' % ('met' if good else 'MISS', text, v, sense,
                                                limit))
        print('%d met, %d missed' % (met, missed))


def stage(t, chain, module='this', n=10):
    """What one of N stages adds to a plain output."""
    return (t.net('%s/%d' % (chain, n), module) - t.net('switch/output', module)) / n


def more(t, a, b):
    return t.net(a) - t.net(b)


def kept(t, row):
    """Throughput that is left, of that of a plain output."""
    return t.total('switch/output') / t.total(row)


def process(t, module='this'):
    return min(t.net('lb/process-batch-64', module), t.net('lb/process-batch-1', module))


TARGETS = [
    ('one megaflow, output, of stock', lambda t: t.ratio_of('switch/output'), '<=', 0.65),
    ('set MAC + output, of stock', lambda t: t.ratio_of('switch/set-mac'), '<=', 0.65),
    ('set MAC and IP + output, of stock', lambda t: t.ratio_of('switch/set-mac-ip'), '<=', 0.65),
    ('one recirculation adds', lambda t: more(t, 'recirc/1', 'switch/output'), '<=', 350),
    ('ct + recirculation, of stock', lambda t: t.ratio_of('switch/ct-recirc'), '<=', 0.85),
    ('1,024 flows over 50 masks, of one mask',
     lambda t: t.net('flows/50-masks-1024') / t.net('flows/1-masks-1024'), '<=', 1.15),
    ('a filter adds', lambda t: more(t, 'filters/1', 'switch/output'), '<=', 70),
    ('each further filter in a chain adds',
     lambda t: more(t, 'filters/10', 'filters/1') / 9, '<=', 50),
    ('an action program under changed, more than under program',
     lambda t: more(t, 'actions-changed/1', 'actions-program/1'), '<=', 150),
    ('throughput kept with a trivial filter', lambda t: kept(t, 'filters/1'), '>=', 0.98),
    ('throughput kept with a trivial action program',
     lambda t: kept(t, 'actions-program/1'), '>=', 0.98),
    ('throughput kept with a chain of ten filters', lambda t: kept(t, 'filters/10'), '>=', 0.88),
    ('throughput kept with a chain of ten action programs',
     lambda t: kept(t, 'actions-program/10'), '>=', 0.88),
    ('a coalesced stage, of one that recirculates',
     lambda t: stage(t, 'actions-program') / stage(t, 'actions-always'), '<=', 0.25),
    ('a recirculating stage, of stock',
     lambda t: stage(t, 'recirc') / stage(t, 'recirc', 'stock'), '<=', 0.4),
    ('set MAC by a program, of the action (all instructions)',
     lambda t: t.total('program/set-mac') / t.total('switch/set-mac'), '<=', 1.05),
    ('load balancer in the switch, of the same on tc', lambda t: t.ratio_of('lb/switch'),
     '<=', 1.35),
    ('load balancer: process behind a tap of stock, of the switch',
     lambda t: process(t, 'stock') / t.net('lb/switch'), '>=', 4),
    ('load balancer: process behind a tap of this module, likewise',
     lambda t: process(t) / t.net('lb/switch'), '>=', 4),
    ('load balancer: namespace beside stock, of the switch',
     lambda t: t.net('lb/namespace', 'stock') / t.net('lb/switch'), '>=', 2.5),
    ('load balancer: namespace beside this module, likewise',
     lambda t: t.net('lb/namespace') / t.net('lb/switch'), '>=', 2.5),
    ('load balancer: IPVS, of the switch',
     lambda t: t.net('lb/ipvs', 'none') / t.net('lb/switch'), '>=', 1),
    ('upcall to ovs-bpfd, of the 79,000 that ovs-vswitchd was first seen to take',
     lambda t: t.net('upcall/ovs-bpfd') / 79000, '<=', 0.4),
    ("upcall to ovs-bpfd, of ovs-vswitchd's on stock",
     lambda t: t.net('upcall/ovs-bpfd') / t.net('upcall/ovs-vswitchd', 'stock'), '<=', 0.4),
    ("upcall to ovs-bpfd, of ovs-vswitchd's on this module",
     lambda t: t.ratio_of('upcall/ovs-bpfd'), '<=', 1 / 1.5),
    ('upcall to ovs-vswitchd, of stock', lambda t: t.ratio_of('upcall/ovs-vswitchd'), '<=', 1),
    ('large TCP with offloads, of stock (per kB)', lambda t: t.ratio_of('tcp/iperf3'), '<=', 1),
]
