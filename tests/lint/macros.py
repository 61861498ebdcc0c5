#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# No macro leaks from a header unless its name begins with PEERKIT_.
"""Checks every #define under include/."""
import re
import sys

import tree

RULES = {
    "leak": "a macro defined in a header is named PEERKIT_... or undefined before the header ends",
    "foreign": "a header undefines only macros it defined",
}
DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(define|undef)[ \t]+(\w+)")


def check(root):
    for header in tree.headers(root):
        shown = "include/" + header
        defined = {}
        for number, line in enumerate(tree.code(root / "include" / header).splitlines(), 1):
            match = DIRECTIVE.match(line)
            if not match:
                continue
            if match[1] == "define":
                defined[match[2]] = number
            elif match[2] in defined:
                del defined[match[2]]
            else:
                yield tree.Finding("foreign", shown, number, f"undefines {match[2]}, which it did not define")
        for name, number in defined.items():
            if not name.startswith("PEERKIT_"):
                yield tree.Finding("leak", shown, number, f"leaks the macro {name}")


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
