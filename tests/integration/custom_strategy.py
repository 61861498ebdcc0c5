#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# The example of a strategy of one's own finds hosts in a file.
"""Needs PEERKIT_EXAMPLES_DIR, the directory with custom_strategy in it; exits with 77 if it was not built."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ.get("PEERKIT_EXAMPLES_DIR", "build/gcc-debug/examples")) / "custom_strategy"


class CustomStrategy(unittest.TestCase):
    def call(self, *words):
        ended = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)
        return ended.returncode, ended.stdout, ended.stderr

    def test_hosts_whose_name_begins_so_are_found(self):
        with tempfile.NamedTemporaryFile("w") as hosts:
            hosts.write("# machines\n192.0.2.1 db1 alias\n192.0.2.2\tdb2\n2001:db8::3 db3\n192.0.2.4 web\nnonsense db5\n\n")
            hosts.flush()
            self.assertEqual(
                self.call(hosts.name, "db"),
                (0, "db1 192.0.2.1:9000\ndb2 192.0.2.2:9000\ndb3 [2001:db8::3]:9000\n", ""),
            )
            self.assertEqual(self.call(hosts.name, "mail"), (1, "", ""))

    def test_a_file_that_is_not_there_is_told(self):
        status, found, told = self.call("/nonexistent/hosts", "db")
        self.assertEqual((status, found), (1, ""))
        self.assertIn("cannot be used", told)


if __name__ == "__main__":
    if not PROGRAM.exists():
        print(f"skipped: no {PROGRAM}")
        sys.exit(77)
    unittest.main()
