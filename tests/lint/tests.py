#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Every public header has a test at its path, which includes it first; every test case is in a file that is built.
"""Checks that tests/unit mirrors include/peerkit and that no test is left out of the build."""
import re
import sys

import tree

RULES = {
    "untested": "include/peerkit/<floor>/<name>.hpp is tested by tests/unit/<floor>/<name>.cpp (what is in impl/ by the "
    "test of the header it is the body of)",
    "first": "a unit test includes the header at its own path before anything else",
    "stray": "tests/unit/<floor>/<name>.cpp tests an existing include/peerkit/<floor>/<name>.hpp",
    "empty": "a file of unit, concept or simulator tests has a test case",
    "unbuilt": "test cases are only in tests/unit/**, tests/concepts/* and tests/sim/*, which the build takes up",
    "main": "one main for all doctest programs, in tests/main.cpp",
}
CASE = re.compile(r"\b(?:TEST_CASE|SCENARIO|TEST_CASE_TEMPLATE|TEST_CASE_FIXTURE)\s*\(")


def check(root):
    unit = root / "tests/unit"
    for header in tree.headers(root):
        test = unit / (header.removeprefix("peerkit/").removesuffix(".hpp") + ".cpp")
        if not test.is_file() and header.split("/")[2:3] != ["impl"]:
            yield tree.Finding("untested", "include/" + header, 1, f"has no {test.relative_to(root).as_posix()}")
    for path in tree.sources(root):
        relative = path.relative_to(root)
        shown = relative.as_posix()
        text = tree.code(path)
        if shown.startswith("tests/unit/") and path.suffix == ".cpp":
            header = "peerkit/" + path.relative_to(unit).with_suffix(".hpp").as_posix()
            if not (root / "include" / header).is_file():
                yield tree.Finding("stray", shown, 1, f"<{header}> does not exist")
            first = next(tree.includes(path), (1, "", "nothing"))
            if first[2] != header:
                yield tree.Finding("first", shown, first[0], f"includes {first[2]} before <{header}>")
        built = path.suffix == ".cpp" and (
            shown.startswith("tests/unit/") or relative.parent.as_posix() in ("tests/concepts", "tests/sim")
        )
        if built and not CASE.search(text):
            yield tree.Finding("empty", shown, 1, "has no test case")
        if not built and CASE.search(text):
            yield tree.Finding("unbuilt", shown, 1, "has test cases but is not built as a test")
        if built and re.search(r"\bint\s+main\s*\(|\bDOCTEST_CONFIG_IMPLEMENT", text):
            yield tree.Finding("main", shown, 1, "has a main of its own")


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
