# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of scripts/bench that runs in the VM: guest.py NAME@MODULE..."""
import json
import os
import sys
import traceback

import bed
import rows


def measure(fn, args, module):
    b = bed.Bed(module)
    with b.undo:
        return fn(b, *args)


def main():
    by_name = {r[0]: r for r in rows.ROWS}
    out = open(os.path.join(os.environ['VM_OUT'], 'results.jsonl'), 'w')
    bed.prepare()
    failed, loaded = 0, 'none'
    for want in sys.argv[1:]:
        name, module = want.rsplit('@', 1)
        _, unit, _, fn, args = by_name[name]
        result = {'name': name, 'module': module, 'unit': unit}
        try:
            if module != loaded:
                bed.unload_module(loaded)
                loaded = 'none'
                bed.load_module(module)
                loaded = module
            n, insns = measure(fn, args, module)
            result.update(count=n, instructions=insns, per=insns / n)
            print('%-32s %-6s %12.1f instructions per %s' % (name, module, insns / n, unit),
                  flush=True)
        except Exception as err:
            failed += 1
            traceback.print_exc()
            result['error'] = str(err)
            print('%-32s %-6s failed: %s' % (name, module, err), flush=True)
        out.write(json.dumps(result) + '\n')
        out.flush()
    return 1 if failed else 0


sys.exit(main())
