# SPDX-License-Identifier: GPL-2.0-or-later
"""KTAP output for tests in Python, and the datapath that they work on."""
import os
import subprocess
import sys
import time


class Ktap:
    def __init__(self):
        self.points = []

    def ok(self, good, what, *details):
        self.points.append(bool(good))
        print('%s %d - %s' % ('ok' if good else 'not ok', len(self.points), what),
              flush=True)
        if not good:
            for d in details:
                print('# %s' % (d,), flush=True)
        return good

    def equal(self, got, want, what):
        return self.ok(got == want, what, 'got  %r' % (got,), 'want %r' % (want,))

    def skip(self, what, why):
        """A point that can't be tested here."""
        self.points.append(True)
        print('ok %d - %s # SKIP %s' % (len(self.points), what, why), flush=True)

    def finish(self):
        """The plan may stand at the end; a test that dies before has none."""
        print('1..%d' % len(self.points), flush=True)
        sys.exit(0 if all(self.points) else 1)


def skip_all(why):
    print('TAP version 13\n1..0 # SKIP %s' % why)
    sys.exit(4)


def run(cmd, **kw):
    return subprocess.run(cmd, shell=isinstance(cmd, str), check=True,
                          stdout=subprocess.PIPE, text=True, **kw).stdout


def wait_until(cond, seconds=10):
    """Poll until COND is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = cond()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


def clear_kprobes():
    """Remove all probes; one that was just switched off may be busy still."""
    def clear():
        try:
            open('/sys/kernel/tracing/kprobe_events', 'w').close()
        except OSError:
            return False
        return True
    assert wait_until(clear)


def load_module():
    """Load the module under test; "stock" is the distribution's own."""
    ko = os.environ.get('OVS_KMOD', 'kmod/openvswitch.ko')
    subprocess.run('modprobe -a nf_conntrack nf_nat nf_defrag_ipv6 nf_conncount nsh psample libcrc32c veth',
                   shell=True, stderr=subprocess.DEVNULL)
    run(['modprobe', 'openvswitch'] if ko == 'stock' else ['insmod', ko])
    return ko


def unload_module():
    return wait_until(lambda: subprocess.run(['rmmod', 'openvswitch'],
                                             stderr=subprocess.DEVNULL).returncode == 0)
