#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Puts the measures of several benchmark programs beside their bars.
"""Prints one table of measures and bars.

usage: bench/table.py [--quick] [--json FILE] MEASURES...

MEASURES are flat JSON objects, key to number. Prints key, measured, bar and whether it is met; with --json writes all
measures as one flat object. Exit status 1 if a key that bench/bars.txt expects is missing or measured twice; what is
marked "long" there is not expected with --quick.
"""

import argparse
import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BARS = ROOT / "bench/bars.txt"


def read_bars(quick):
    """Yields key, direction, bar, and whether the key is expected."""
    for number, line in enumerate(BARS.read_text().splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        lasting = words[3:4] == ["long"]
        if lasting:
            del words[3]
        if len(words) not in (3, 4) or words[1] not in ("<=", ">="):
            sys.exit(f"{BARS}:{number}: not 'key <= number [long] [file]'")
        try:
            bar = float(words[2])
        except ValueError:
            sys.exit(f"{BARS}:{number}: {words[2]} is not a number")
        exists = len(words) == 3 or (ROOT / words[3]).exists()
        yield words[0], words[1], bar, exists and not (lasting and quick)


def shown(value):
    if value == 0 or (float(value).is_integer() and abs(value) < 1e7):
        return str(int(value))
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true")
    options.add_argument("--json", metavar="FILE")
    options.add_argument("measures", nargs="*", type=pathlib.Path)
    chosen = options.parse_args()

    measured, faults = {}, []
    for path in chosen.measures:
        for key, value in json.loads(path.read_text()).items():
            if key in measured:
                faults.append(f"{key} is measured twice, the second time in {path.name}")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                faults.append(f"{key} in {path.name} is not a number")
            else:
                measured[key] = value

    rows, met = [], 0
    bars = list(read_bars(chosen.quick))
    for key, direction, bar, expected in bars:
        if key in measured:
            value = measured[key]
            good = value <= bar if direction == "<=" else value >= bar
            met += good
            rows.append((key, shown(value), f"{direction} {shown(bar)}", "met" if good else "not met"))
        elif expected:
            faults.append(f"{key} was not measured")
            rows.append((key, "-", f"{direction} {shown(bar)}", "MISSING"))
    barred = {key for key, *_ in bars}
    rows += [(key, shown(value), "-", "") for key, value in sorted(measured.items()) if key not in barred]

    heading = ("key", "measured", "bar", "")
    widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(4)]
    for row in [heading, *rows]:
        print(f"{row[0]:{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip())
    print(f"\n{met} of {sum(key in measured for key in barred)} bars met")

    if chosen.json:
        pathlib.Path(chosen.json).write_text(json.dumps(dict(sorted(measured.items())), indent=2) + "\n")
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
