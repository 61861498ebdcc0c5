#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Sources are ASCII, begin with the two-line header, and guard their headers by path.
"""Checks the text of sources: C++ everywhere, and the header of scripts and CMake files."""
import re
import sys

import tree

LICENSE = "Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE)."
RULES = {
    "ascii": "C++ sources, scripts and CMake files are ASCII",
    "header": "every source begins with the license line and one line saying what the file is",
    "guard": "a header is guarded by its path: peerkit/core/error.hpp by PEERKIT_CORE_ERROR_HPP; no #pragma once",
    "blank": "no tabs, no blanks at the end of a line, one newline at the end of the file",
    "width": "C++ lines have at most 120 columns",
}
SCRIPTS = {".py", ".sh", ".cmake"}
WIDTH = 120


def kind_of(path):
    if path.suffix in (".hpp", ".cpp", ".h", ".ipp"):
        return "//"
    if path.suffix in SCRIPTS or path.name == "CMakeLists.txt" or path.name.endswith(".cmake.in"):
        return "#"
    if path.parts[-2:] == (".ci", "run"):
        return "#"
    return None


def check(root):
    for path in tree.committed(root):
        comment = kind_of(path)
        shown = path.relative_to(root).as_posix()
        if comment is None or shown.startswith("tests/data/"):
            continue
        raw = path.read_bytes()
        lines = raw.decode("utf-8", errors="replace").split("\n")
        for number, line in enumerate(lines, 1):
            if not line.isascii():
                strange = next(c for c in line if not c.isascii())
                yield tree.Finding("ascii", shown, number, f"U+{ord(strange):04X} is not ASCII")
            if "\t" in line or line != line.rstrip():
                yield tree.Finding("blank", shown, number, "has a tab or ends in blanks")
            if comment == "//" and len(line) > WIDTH:
                yield tree.Finding("width", shown, number, f"has {len(line)} columns")
        if not raw.endswith(b"\n") or raw.endswith(b"\n\n"):
            yield tree.Finding("blank", shown, len(lines), "does not end in one newline")
        first = 1 if lines[0].startswith("#!") else 0
        head = lines[first : first + 2] + ["", ""]
        if head[0] != f"{comment} {LICENSE}" or not re.match(rf"{comment} \S.*\S", head[1]):
            yield tree.Finding("header", shown, first + 1, "does not begin with the license line and a sentence")
        if shown.startswith("include/") and shown.endswith(".hpp"):
            guard = re.sub(r"[^A-Z0-9]", "_", shown.removeprefix("include/").upper())
            text = tree.code(path)
            directives = re.findall(r"^[ \t]*#[ \t]*(\w+)[ \t]*([^\n]*)$", text, re.MULTILINE)
            opened = [d[0] for d in directives[:2]] == ["ifndef", "define"]
            named = opened and [d[1].strip() for d in directives[:2]] == [guard, guard]
            closed = bool(directives) and directives[-1][0] == "endif" and text.rstrip().split("\n")[-1].lstrip().startswith("#")
            if not (named and closed) or ("pragma", "once") in directives:
                yield tree.Finding("guard", shown, 1, f"is not guarded by {guard}")


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
