#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Nothing that is committed names a developer's machine or holds a secret.
"""Checks every file git tracks or would track."""
import re
import sys

import tree

RULES = {
    "path": "no path of a developer's machine",
    "secret": "no private key, token or key file",
    "size": "no file above 1 MiB, no binary of a program",
}
# Written in two halves, so that this file does not contain what it looks for.
PATHS = re.compile(
    r"(?<![\w.$}/-])/(?:" + "wo" + r"rk|home/[a-z]\w*|" + "Us" + r"ers/\w+|ro" + r"ot)/[\w.]"
    r"|(?<![\w.-])(?:\.\./)+" + "sha" + r"red\b|(?<![\w./-])" + "sha" + r"red/(?:reference|data|hooks|\w+\.md)"
    r"|/tmp/" + r"bri" + r"ef\b"
)
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----|\btskey-[a-z]+-[A-Za-z0-9]{8,}|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bxox[baprs]-[0-9A-Za-z-]{20,}"
)
KEY_FILES = re.compile(r"\.(?:key|psk|pem)$|(?:^|/)id_(?:rsa|ed25519)$")
LIMIT = 1024 * 1024


def check(root):
    for path in tree.committed(root):
        shown = path.relative_to(root).as_posix()
        raw = path.read_bytes()
        if len(raw) > LIMIT or raw.startswith(b"\x7fELF"):
            yield tree.Finding("size", shown, 1, f"{len(raw)} bytes")
        if KEY_FILES.search(shown):
            yield tree.Finding("secret", shown, 1, "is a key file by its name")
        for number, line in enumerate(raw.decode("latin-1").split("\n"), 1):
            match = PATHS.search(line)
            if match:
                yield tree.Finding("path", shown, number, f"names '{match[0]}'")
            match = SECRETS.search(line)
            if match:
                yield tree.Finding("secret", shown, number, f"holds what looks like a secret: '{match[0][:12]}...'")


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
