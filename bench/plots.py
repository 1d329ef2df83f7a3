# SPDX-License-Identifier: GPL-2.0-or-later
"""Three figures from what was measured last, beside what was published.

Published figures are ratios, as their absolute numbers are from other machines: Oko,
slides of 2018.  Ours is throughput at one instruction a nanosecond, the devices included.
"""
import os

import report

W, H, LEFT, BOTTOM, TOP = 640, 380, 60, 60, 50
COLOURS = ('#1b6ca8', '#d1742c', '#3c8d53', '#8a4fa3', '#888888', '#b03a48')


class Svg:
    def __init__(self, title, unit, top):
        self.top = top
        self.body = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
                     'font-family="sans-serif" font-size="12">' % (W, H),
                     '<rect width="100%" height="100%" fill="white"/>']
        self.text(W / 2, 20, title, anchor='middle', size=15)
        self.text(LEFT, TOP - 12, unit)
        for i in range(6):
            v = top * i / 5
            self.line(LEFT, self.y(v), W - 20, self.y(v), '#dddddd')
            self.text(LEFT - 6, self.y(v) + 4, '%g' % round(v, 2), anchor='end')

    def y(self, v):
        return H - BOTTOM - v / self.top * (H - BOTTOM - TOP)

    def text(self, x, y, s, anchor='start', size=12, colour='black'):
        self.body.append('<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" fill="%s">%s'
                         '</text>' % (x, y, anchor, size, colour, s))

    def line(self, x1, y1, x2, y2, colour, dash=''):
        self.body.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" '
                         'stroke-width="2" stroke-dasharray="%s"/>' %
                         (x1, y1, x2, y2, colour, dash))

    def bars(self, groups):
        """GROUPS: (label, [(value, colour, note)])."""
        width = (W - LEFT - 20) / len(groups)
        for g, (label, bars) in enumerate(groups):
            x0, w = LEFT + g * width + width * 0.12, width * 0.76 / len(bars)
            for i, (value, colour, note) in enumerate(bars):
                y = self.y(value)
                self.body.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" '
                                 'fill="%s"/>' % (x0 + i * w, y, w - 3,
                                                  H - BOTTOM - y, colour))
                self.text(x0 + i * w + w / 2, y - 4, note, 'middle', 11)
            for i, part in enumerate(label.split('|')):
                self.text(x0 + width * 0.38, H - BOTTOM + 16 + 14 * i, part, 'middle', 11)

    def series(self, name, points, i, dash=''):
        """POINTS: (1..10, value)."""
        def x(n):
            return LEFT + 20 + (n - 1) * (W - LEFT - 230) / 9
        for (a, va), (b, vb) in zip(points, points[1:]):
            self.line(x(a), self.y(va), x(b), self.y(vb), COLOURS[i], dash)
        self.line(W - 190, TOP + 12 + 18 * i, W - 165, TOP + 12 + 18 * i, COLOURS[i], dash)
        self.text(W - 160, TOP + 16 + 18 * i, name, size=11)
        for n, _ in points:
            self.text(x(n), H - BOTTOM + 16, str(n), 'middle')

    def write(self, path):
        with open(path, 'w') as f:
            f.write('\n'.join(self.body) + '\n</svg>\n')
        print(path)


def mpps(t, row, module='this'):
    return 1000 / t.total(row, module)


def classification(t):
    ours = [mpps(t, r) for r in ('switch/output', 'filters/1', 'actions-program/1')]
    groups = [('no program', ours[0]), ('a filter', ours[1]), ('an action|program', ours[2])]
    svg = Svg('Classification with and without a program', '% of the throughput without', 110)
    svg.bars([(label, [(100 * v / ours[0], COLOURS[0], '%.1f' % (100 * v / ours[0]))])
              for label, v in groups] +
             [('Oko, cached:|a program', [(94.4, COLOURS[4], '94.4')]),
              ('Oko, no cache:|a program', [(86, COLOURS[4], '86')])])
    return svg


def chain(t):
    svg = Svg('Throughput against the length of a chain of programs',
              '% of a chain of one', 105)
    for i, (name, row) in enumerate((('filters', 'filters'),
                                     ('actions, trusted', 'actions-program'),
                                     ('actions, changed', 'actions-changed'),
                                     ('actions, recirculating', 'actions-always'))):
        one = mpps(t, row + '/1')
        svg.series(name, [(n, 100 * mpps(t, '%s/%d' % (row, n)) / one)
                          for n in range(1, 11)], i)
    svg.series('Oko, exact cache (ends)', [(1, 100), (10, 100 * 8.6 / 13.6)], 4, '6 4')
    svg.series('Oko, megaflows (ends)', [(1, 100), (10, 100 * 7.5 / 9.8)], 5, '2 3')
    svg.text(LEFT + 180, H - 15, 'programs', 'middle')
    return svg


def setups(t):
    """By what a load balancer adds: the devices are left out."""
    rows = (('in the|switch', 'lb/switch', 'this'), ('tc', 'lb/tc', 'none'),
            ('IPVS', 'lb/ipvs', 'none'), ('another|namespace', 'lb/namespace', 'this'),
            ('process,|batches', 'lb/process-batch-64', 'this'),
            ('process,|one by one', 'lb/process-batch-1', 'this'))
    here = t.net('lb/switch')
    svg = Svg('A load balancer in several places',
              'instructions per packet, of those in the switch', 8)
    svg.bars([(label, [(min(8, t.net(r, m) / here), COLOURS[0], '%.2f' % (t.net(r, m) / here))])
              for label, r, m in rows] +
             [('Oko: process|(shared mem.)', [(1.78, COLOURS[4], '1.7-1.85')]),
              ('Oko: virtual|machine', [(2.6, COLOURS[4], '2.1-3.1')])])
    return svg


def draw(latest, out):
    t = report.Table(list(latest.values()))
    missing = 0
    for name, fn in (('classification', classification), ('chain', chain),
                     ('setups', setups)):
        try:
            fn(t).write(os.path.join(out, name + '.svg'))
        except report.Missing as row:
            print('%s.svg: %s was not measured: run scripts/bench %s' % (name, row, row))
            missing = 1
    return missing
