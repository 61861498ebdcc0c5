#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# The pure floors print nothing, end nothing, throw nothing, and ask neither clock, thread nor entropy.
"""Checks include/peerkit/{core,wire,crypto,membership,gossip,discovery,registry,node,sim} for what a pure core must not do."""
import re
import sys

import tree

PURE = {"detail", "core", "wire", "crypto", "membership", "gossip", "discovery", "registry", "node", "sim"}
# The one place where the standard clock is wrapped as a model of the clock concept.
CLOCKS = {"peerkit/core/clock.hpp"}

RULES = {
    "output": "no iostream, no stdio output: a library does not print",
    "exception": "no throw, try or catch: the pure floors compile with -fno-exceptions",
    "rtti": "no typeid or dynamic_cast: the pure floors compile with -fno-rtti",
    "end": "no abort, exit, terminate or assert: an error is a value",
    "world": "no threads, locks, sockets, environment, entropy or clock: they are passed in",
}

CALL = r"(?<![\w.>])(?:std\s*::\s*|::\s*)?"
PATTERNS = [
    ("output", r"#\s*include\s*<(?:iostream|ostream|istream|fstream|syncstream|print|iomanip)>"),
    ("output", CALL + r"(?:v?f?printf|puts|fputs|putchar|putc|fputc|perror)\s*\("),
    ("output", r"\bstd\s*::\s*(?:cout|cerr|clog|cin|print|println)\b"),
    ("exception", r"\b(?:throw|try|catch)\b"),
    ("rtti", r"\b(?:typeid|dynamic_cast)\b"),
    ("end", CALL + r"(?:abort|exit|_Exit|_exit|quick_exit|terminate|assert)\s*\("),
    ("end", r"#\s*include\s*<(?:cassert|assert\.h)>"),
    ("end", r"\b__builtin_(?:trap|abort)\b"),
    (
        "world",
        r"#\s*include\s*<(?:thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token|random|"
        r"sys/socket\.h|netinet/in\.h|arpa/inet\.h|netdb\.h)>",
    ),
    ("world", r"\bstd\s*::\s*(?:random_device|thread|jthread|mutex|getenv)\b"),
    ("world", CALL + r"(?:getenv|rand|srand|time|gettimeofday|clock_gettime|sleep|usleep)\s*\("),
    ("world", r"\b\w*_clock\s*::\s*now\s*\("),
]
PATTERNS = [(rule, re.compile(pattern)) for rule, pattern in PATTERNS]


def check(root):
    for header in tree.headers(root):
        parts = header.split("/")
        if len(parts) < 3 or parts[1] not in PURE:
            continue
        for number, line in enumerate(tree.code(root / "include" / header).splitlines(), 1):
            for rule, pattern in PATTERNS:
                match = pattern.search(line)
                if not match or (header in CLOCKS and "_clock" in match[0]):
                    continue
                yield tree.Finding(rule, "include/" + header, number, f"'{match[0].strip()}' in a pure floor")


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
