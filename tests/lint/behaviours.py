#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# The table of docs/behaviours.md and the tests named "behaviour 12: ..." say the same.
"""Checks that each of the forty behaviours is tested, or said not to apply, and that the table names the tests."""
import re
import sys

import tree

TABLE = "docs/behaviours.md"
COUNT = 40
RULES = {
    "row": f"{TABLE} has one row for each of the {COUNT} behaviours, in order",
    "untested": "a behaviour is stated by a test, or said not to apply",
    "where": "the row of a behaviour names the files of its tests, and no others",
    "number": f"a test named after a behaviour has a number from 1 to {COUNT}",
}
ROW = re.compile(r"^\| (\d+) \|[^|]*\|([^|]*)\|([^|]*)\|$")
NAME = re.compile(r'\bTEST_CASE(?:_TEMPLATE)?\s*\(\s*"behaviours? ([\d, and]+):')


def tested(root):
    """Behaviour -> files under tests/ with a test of that name; findings for impossible numbers go to the second."""
    files, wrong = {}, []
    for path in sorted((root / "tests").rglob("*.cpp")):
        inside = path.relative_to(root / "tests")
        if inside.parts[0] not in ("unit", "sim", "concepts"):
            continue
        text = path.read_text()
        for found in NAME.finditer(text):
            for number in map(int, re.findall(r"\d+", found.group(1))):
                files.setdefault(number, set()).add(inside.as_posix())
                if not 1 <= number <= COUNT:
                    line = text.count("\n", 0, found.start()) + 1
                    wrong.append(tree.Finding("number", f"tests/{inside.as_posix()}", line, f"names behaviour {number}"))
    return files, wrong


def check(root):
    files, wrong = tested(root)
    yield from wrong
    page = root / TABLE
    rows = []
    for line, text in enumerate(page.read_text().splitlines() if page.is_file() else [], 1):
        if row := ROW.match(text):
            rows.append((line, int(row.group(1)), row.group(2), set(re.findall(r"`([\w/.]+\.cpp)`", row.group(3)))))
    if [number for _, number, _, _ in rows] != list(range(1, COUNT + 1)):
        yield tree.Finding("row", TABLE, 1, f"has rows {[number for _, number, _, _ in rows]}")
    for line, number, here, named in rows:
        found = files.get(number, set())
        if not found and "does not apply:" not in here:
            yield tree.Finding("untested", TABLE, line, f"no test is named after behaviour {number}")
        elif named != found:
            yield tree.Finding("where", TABLE, line, f"behaviour {number} is tested in {sorted(found)}")


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
