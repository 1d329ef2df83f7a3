# SPDX-License-Identifier: GPL-2.0-or-later
"""A switch of tables whose rules run programs: what it must do, and how a daemon caches it.

Two things that share nothing but the pipeline. walk() sends a packet through the tables,
one rule after the other, each program run where it stands: that is the truth. Daemon
translates what an upcall shows into a megaflow, following the packet as it is and
recording every bit it looks at; what the programs do is not known to it.
"""
import errno
import struct

import ovsnl as nl

V4, V6, OTHER = 0x0800, 0x86dd, 0x88b5
# The fields of a packet, by the width in bits. Addresses of IPv6 vary in 32 bits only.
WIDTH = {'dst': 48, 'src': 48, 'type': 16, 'vlan': 16, 'nsrc': 32, 'ndst': 32, 'tos': 8,
         'ttl': 8, 'sport': 16, 'dport': 16, 'mark': 32, 'prio': 32, 'result': 32}
IP_FIELDS = ('nsrc', 'ndst', 'tos', 'ttl', 'sport', 'dport')
SETTABLE = ('dst', 'src', 'nsrc', 'ndst', 'tos', 'ttl', 'sport', 'dport', 'mark', 'prio')
# Where programs store them: offset over IPv4, over IPv6, bytes.
AT = {'dst': (0, 0, 6), 'src': (6, 6, 6), 'type': (12, 12, 2), 'tos': (15, 255, 1),
      'ttl': (22, 21, 1), 'nsrc': (26, 34, 4), 'ndst': (30, 50, 4), 'sport': (34, 54, 2),
      'dport': (36, 56, 2)}
NONE, STORE, MARK, PRIO, PUSH, POP = range(6)
LEVELS = 5
# Programs in a list, behind which it ends at the next table.
LONG = 24


class Op:
    """What a program does if nonce[byte] & mask == value."""

    def __init__(self, rng, pools):
        self.byte, self.mask = rng.randrange(8), rng.choice((0, 1, 1, 3))
        self.value = rng.randint(0, self.mask) & self.mask
        self.field = rng.choice(('dst', 'src', 'nsrc', 'nsrc', 'ndst', 'tos', 'ttl', 'sport',
                                 'dport', 'mark', 'prio', 'vlan', 'vlan'))
        if not rng.randrange(30):
            self.field = 'type'
        self.data = rng.choice(pools[self.field])

    def encode(self):
        kind = {'mark': MARK, 'prio': PRIO,
                'vlan': PUSH if self.data else POP}.get(self.field, STORE)
        ofs4, ofs6, n = AT.get(self.field, (255, 255, 0))
        if kind == STORE:
            data = self.data.to_bytes(n, 'big')
        elif kind in (PUSH, POP):
            data = struct.pack('=H', self.data & 0xefff)
        else:
            data = struct.pack('=I', self.data)
        return struct.pack('8B8s', self.byte, self.mask, self.value, kind, ofs4, ofs6, n, 0,
                           data)

    def run(self, pkt, v6):
        """Whether something was done."""
        if pkt['nonce'][self.byte] & self.mask != self.value:
            return False
        if self.field == 'tos' and v6:
            return False
        if self.field == 'vlan' and bool(self.data) == bool(pkt['vlan']):
            return False
        pkt[self.field] = self.data
        return True


class Recipe:
    def __init__(self, rng, pools, number):
        self.number = number
        self.honest = rng.random() < 0.5
        self.byte, self.mask = rng.randrange(8), rng.choice((1, 3))
        self.ops = [Op(rng, pools) for _ in range(rng.randint(0, 3))]

    def encode(self):
        return struct.pack('4B', len(self.ops), self.byte, self.mask, self.honest) + \
            b''.join(op.encode() for op in self.ops).ljust(64, b'\0')

    def result(self, pkt):
        if pkt['type'] not in (V4, V6):
            return 0
        return pkt['nonce'][self.byte] & self.mask

    def run(self, pkt):
        v6 = pkt['type'] == V6
        if pkt['type'] in (V4, V6):
            for op in self.ops:
                op.run(pkt, v6)


class Rule:
    """Matches, then what to do: sets, programs, and where it ends."""

    def __init__(self, rng, pipe, level, match):
        self.family = rng.choice((V4, V4, V6, 0)) if match else 0
        self.match, self.acts = {}, []
        if match:
            fields = [f for f in WIDTH if f not in ('type', 'result') and
                      (self.family or f not in IP_FIELDS) and
                      not (f == 'tos' and self.family == V6)]
            for f in rng.sample(fields, rng.randint(1, 2)):
                value = rng.choice(pipe.pools[f])
                mask = (1 << WIDTH[f]) - 1
                if f != 'vlan' and rng.random() < 0.4:
                    mask = rng.choice(pipe.bits[f])
                self.match[f] = (value & mask, mask)
        for _ in range(rng.randint(0, 2)):
            f = rng.choice([f for f in SETTABLE if (self.family or f not in IP_FIELDS) and
                            not (f == 'tos' and self.family == V6)])
            mask = (1 << WIDTH[f]) - 1
            if rng.random() < 0.3:
                mask = rng.choice(pipe.bits[f])
            self.acts.append(('set', f, rng.choice(pipe.pools[f]) & mask, mask))
        for _ in range(rng.choice((0, 1, 1, 2))):
            self.acts.insert(rng.randint(0, len(self.acts)),
                             ('prog', rng.choice(pipe.recipes), rng.random() < 0.8))
        self.end = self.make_end(rng, pipe, level, 0)

    def make_end(self, rng, pipe, level, depth):
        if depth < 1 and rng.random() < 0.25:
            recipe = rng.choice(pipe.recipes)
            cases = {v: self.make_end(rng, pipe, level, depth + 1)
                     for v in rng.sample(range(4), rng.randint(1, 3))}
            return ('filter', recipe, cases, self.make_end(rng, pipe, level, depth + 1))
        if level + 1 < LEVELS and rng.random() < 0.85:
            return ('goto', rng.randint(level + 1, min(level + 2, LEVELS - 1)))
        return ('output', rng.choice((1, 2, 1, 2, 0)))

    def hit(self, pkt):
        return (not self.family or pkt['type'] == self.family) and \
            all(pkt[f] & m == v for f, (v, m) in self.match.items())


class Pipeline:
    def __init__(self, rng):
        self.pools, self.bits = {}, {}
        for f, width in WIDTH.items():
            base, flips = rng.getrandbits(width), rng.sample(range(width), 2)
            self.bits[f] = [1 << b for b in flips]
            self.pools[f] = [base, base ^ 1 << flips[0], base ^ 1 << flips[1]]
        self.pools['dst'] = [v & ~(1 << 40) for v in self.pools['dst']]
        self.pools['src'] = [v & ~(1 << 40) for v in self.pools['src']]
        self.pools['type'] = [OTHER]
        self.pools['vlan'] = [0, 0x1000 | rng.randint(1, 4000), 0x1000 | rng.randint(1, 4000)]
        self.recipes = [Recipe(rng, self.pools, i) for i in range(12)]
        self.tables = [[Rule(rng, self, i, True) for _ in range(rng.randint(2, 4))] +
                       [Rule(rng, self, i, False)] for i in range(LEVELS)]

    def packet(self, rng, number):
        pkt = {f: rng.choice(self.pools[f]) for f in WIDTH}
        pkt.update(type=rng.choice((V4, V4, V6)), mark=0, prio=0, result=0, id=number,
                   nonce=rng.getrandbits(64).to_bytes(8, 'big'))
        if pkt['type'] == V6:
            pkt['tos'] = 0
        return pkt


def walk(pipe, pkt, runs):
    """The truth: the port, 0 if none; RUNS counts the runs of each recipe."""
    table = 0
    while True:
        rule = next(r for r in pipe.tables[table] if r.hit(pkt))
        for act in rule.acts:
            if act[0] == 'set':
                if act[1] not in IP_FIELDS or pkt['type'] == rule.family:
                    pkt[act[1]] = pkt[act[1]] & ~act[3] | act[2]
            else:
                runs[act[1].number] += 1
                act[1].run(pkt)
        end = rule.end
        while end[0] == 'filter':
            runs[end[1].number] += 1
            end = end[2].get(end[1].result(pkt), end[3])
        if end[0] == 'output':
            return end[1]
        table = end[1]


def frame_of(pkt):
    payload = pkt['nonce'] + struct.pack('!I', pkt['id'])
    l4 = struct.pack('!HHHH', pkt['sport'], pkt['dport'], 8 + len(payload), 0) + payload
    if pkt['type'] == V4:
        l3 = struct.pack('!BBHHHBBHII', 0x45, pkt['tos'], 20 + len(l4), 1, 0, pkt['ttl'], 17,
                         0, pkt['nsrc'], pkt['ndst'])
        l3 = l3[:10] + struct.pack('!H', nl.csum(l3)) + l3[12:]
    else:
        l3 = struct.pack('!IHBB12xI12xI', 6 << 28, len(l4), 17, pkt['ttl'], pkt['nsrc'],
                         pkt['ndst'])
    tag = struct.pack('!HH', 0x8100, pkt['vlan'] & 0xefff) if pkt['vlan'] else b''
    return pkt['dst'].to_bytes(6, 'big') + pkt['src'].to_bytes(6, 'big') + tag + \
        struct.pack('!H', pkt['type']) + l3 + l4


def summary(pkt):
    """What of a packet a frame shows."""
    return tuple(pkt[f] for f in ('dst', 'src', 'vlan', 'type', 'nsrc', 'ndst', 'tos', 'ttl',
                                  'sport', 'dport'))


def read_frame(frame):
    """Number and summary of the packet that a frame is."""
    vlan, at = 0, 12
    if frame[12:14] == b'\x81\0':
        vlan, at = 0x1000 | struct.unpack('!H', frame[14:16])[0], 16
    kind = struct.unpack('!H', frame[at:at + 2])[0]
    ip, tos = frame[at + 2:], 0
    if ip[0] >> 4 == 4:
        tos, ttl, l4 = ip[1], ip[8], ip[20:]
        nsrc, ndst = struct.unpack('!II', ip[12:20])
    else:
        ttl, l4 = ip[7], ip[40:]
        nsrc, ndst = struct.unpack('!12xI12xI', ip[8:40])
    sport, dport = struct.unpack('!HH', l4[:4])
    return struct.unpack('!I', l4[16:20])[0], (
        int.from_bytes(frame[:6], 'big'), int.from_bytes(frame[6:12], 'big'), vlan, kind, nsrc,
        ndst, tos, ttl, sport, dport)


def ip6(low):
    return bytes(12) + struct.pack('!I', low)


class Used:
    """Bits consulted since some point of the walk, and those overwritten since."""

    def __init__(self, bits=None, over=None):
        self.bits = {} if bits is None else bits
        self.over = {} if over is None else over

    def consult(self, field, mask):
        self.bits[field] = self.bits.get(field, 0) | mask & ~self.over.get(field, 0)

    def branch(self):
        return Used(self.bits, dict(self.over))


def bits_attrs(bits, kind):
    """Masks of fields as attributes, for USED and for the mask of a flow: flat."""
    def get(f):
        return bits.get(f, 0)
    out = [nl.attr(nl.SKB_MARK, get('mark')), nl.attr(nl.PRIORITY, get('prio')),
           nl.attr(nl.ETHERNET, get('src').to_bytes(6, 'big') + get('dst').to_bytes(6, 'big'))]
    ip = []
    if kind == V4:
        ip = [nl.attr(nl.IPV4, struct.pack('!IIBBBB', get('nsrc'), get('ndst'), 255,
                                           get('tos'), get('ttl'), 255))]
    elif kind == V6:
        ip = [nl.attr(nl.IPV6, ip6(get('nsrc')) + ip6(get('ndst')) +
                      struct.pack('!IBBBB', 0, 255, 0, get('ttl'), 255))]
    if ip:
        ip.append(nl.attr(nl.UDP, struct.pack('!HH', get('sport'), get('dport'))))
    return out, ip


class Daemon:
    """Answers upcalls. OMIT: a bit (field, mask) that it leaves out of every USED."""

    def __init__(self, pipe, dp, prog, filt, omit=None):
        self.pipe, self.dp, self.omit = pipe, dp, omit
        self.fds = (prog, filt)
        self.stages, self.ids = [(None, 0)], {}
        self.n_progs = 0        # in the list that is being made
        self.n_upcalls = 0
        self.consulted = {}     # after a program: (field, bit) -> times

    def stage(self, rule, index):
        """The recirculation id for "go on in this rule behind its action INDEX", or, without
        a rule, "in this table"."""
        what = (id(rule) if rule else 0, index)
        if what not in self.ids:
            self.ids[what] = len(self.stages)
            self.stages.append((rule, index))
        return self.ids[what]

    def used_attr(self, used, kind):
        bits = dict(used.bits)
        for f, mask in bits.items():
            for b in range(WIDTH[f]):
                if mask >> b & 1:
                    self.consulted[f, 1 << b] = self.consulted.get((f, 1 << b), 0) + 1
        if self.omit:
            bits[self.omit[0]] = bits.get(self.omit[0], 0) & ~self.omit[1]
        flat, ip = bits_attrs(bits, kind)
        return flat + ip + [nl.attr(nl.VLAN, struct.pack('!H', bits.get('vlan', 0)))]

    def look_up(self, table, vals, since):
        for rule in self.pipe.tables[table]:
            if rule.family and rule.family != vals['type']:
                continue
            for f, (_, mask) in rule.match.items():
                for u in since:
                    u.consult(f, mask)
            if rule.hit(vals):
                return rule

    def end(self, end, vals, since):
        if end[0] == 'output':
            return [nl.output(end[1])] if end[1] else []
        if end[0] == 'goto':
            if self.n_progs > LONG:
                return [nl.attr(nl.RECIRC, self.stage(None, end[1]))]
            rule = self.look_up(end[1], vals, since)
            return self.follow(rule, 0, vals, since)
        _, recipe, cases, default = end
        self.n_progs += 1
        made = {v: self.end(e, dict(vals), [u.branch() for u in since])
                for v, e in cases.items()}
        return [nl.bpf_action(self.fds[1], arg=recipe.number, cases=made,
                              default=self.end(default, dict(vals),
                                               [u.branch() for u in since]))]

    def follow(self, rule, index, vals, since):
        """Actions for the rest of a rule."""
        if index == len(rule.acts):
            return self.end(rule.end, vals, since)
        act = rule.acts[index]
        if act[0] == 'set':
            _, f, value, mask = act
            if f in IP_FIELDS and vals['type'] != rule.family:
                return self.follow(rule, index + 1, vals, since)
            vals[f] = vals[f] & ~mask | value
            for u in since:
                u.over[f] = u.over.get(f, 0) | mask
            return [set_attr(f, value, mask, vals['type'])] + \
                self.follow(rule, index + 1, vals, since)
        _, recipe, changed = act
        self.n_progs += 1
        recirc = self.stage(rule, index + 1)
        if recipe.honest:
            mode = nl.PROGRAM
        elif changed:
            mode = nl.CHANGED
        else:
            return [nl.bpf_action(self.fds[0], nl.ALWAYS, recirc=recirc, arg=recipe.number)]
        used = Used()
        rest = self.follow(rule, index + 1, vals, since + [used])
        return [nl.bpf_action(self.fds[0], mode, recirc=recirc, arg=recipe.number,
                              used=self.used_attr(used, vals['type'])
                              if mode == nl.CHANGED else None)] + rest

    def upcall(self, a):
        key = nl.attrs(a[2])
        vals = read_key(key)
        mask = Used()
        stage = struct.unpack('=I', key[nl.RECIRC_ID])[0]
        self.n_progs = 0
        rule, index = self.stages[stage]
        if not rule:
            rule, index = self.look_up(index, vals, [mask]), 0
        acts = self.follow(rule, index, vals, [mask])
        keys = [nl.attr(k, v) for k, v in nl.attr_list(a[2])]
        self.n_upcalls += 1
        try:
            self.dp.put_flow(keys, self.mask_attrs(mask, key), acts)
        except nl.NlError as err:
            # Meanwhile a flow was made, for another packet, that this one matches.
            if err.errno != errno.ENOENT:
                raise
        self.dp.execute(a[1], keys, acts)

    @staticmethod
    def mask_attrs(mask, key):
        inner = nl.attrs(key[nl.ENCAP]) if nl.ENCAP in key else key
        kind = struct.unpack('!H', inner[nl.ETHERTYPE])[0]
        flat, ip = bits_attrs(mask.bits, kind)
        flat += [nl.attr(nl.RECIRC_ID, 0xffffffff), nl.attr(nl.IN_PORT, 0xffffffff),
                 nl.attr(nl.ETHERTYPE, b'\xff\xff')]
        if nl.ENCAP not in key:
            return flat + ip
        return flat + [nl.attr(nl.VLAN, b'\xff\xff'),
                       nl.nest(nl.ENCAP, nl.attr(nl.ETHERTYPE, b'\xff\xff'), *ip)]


def set_attr(f, value, mask, kind):
    if f in ('mark', 'prio'):
        return nl.nest(nl.SET_MASKED, nl.attr(nl.SKB_MARK if f == 'mark' else nl.PRIORITY,
                                              struct.pack('=II', value, mask)))
    both = bits_attrs({f: value}, kind), bits_attrs({f: mask}, kind)
    at = {'src': (0, 2), 'dst': (0, 2), 'sport': (1, 1), 'dport': (1, 1)}.get(f, (1, 0))
    raw = [b[at[0]][at[1]] for b in both]
    v, m = raw[0][4:], bytearray(raw[1][4:])
    v = bytearray(v)
    what = struct.unpack('=H', raw[0][2:4])[0]
    for i in {nl.IPV4: (8, 11), nl.IPV6: (36, 39)}.get(what, ()):
        v[i] = m[i] = 0     # protocol and fragment type are not set
    return nl.nest(nl.SET_MASKED, nl.attr(what, bytes(v + m)))


def read_key(key):
    """The fields that a key shows."""
    vals = dict.fromkeys(WIDTH, 0)
    inner = key
    if nl.ENCAP in key:
        vals['vlan'] = struct.unpack('!H', key[nl.VLAN])[0]
        inner = nl.attrs(key[nl.ENCAP])
    vals['mark'] = struct.unpack('=I', key[nl.SKB_MARK])[0]
    vals['prio'] = struct.unpack('=I', key[nl.PRIORITY])[0]
    vals['src'] = int.from_bytes(key[nl.ETHERNET][:6], 'big')
    vals['dst'] = int.from_bytes(key[nl.ETHERNET][6:], 'big')
    vals['type'] = struct.unpack('!H', inner[nl.ETHERTYPE])[0]
    if vals['type'] == V4:
        vals['nsrc'], vals['ndst'], _, vals['tos'], vals['ttl'], _ = struct.unpack(
            '!IIBBBB', inner[nl.IPV4])
    elif vals['type'] == V6:
        vals['nsrc'], vals['ndst'], _, _, _, vals['ttl'], _ = struct.unpack(
            '!12xI12xIIBBBB', inner[nl.IPV6])
    if nl.UDP in inner:
        vals['sport'], vals['dport'] = struct.unpack('!HH', inner[nl.UDP])
    return vals
