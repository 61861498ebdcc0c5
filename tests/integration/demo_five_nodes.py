#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# The demonstration succeeds with a good program, fails with a bad one, and leaves no process behind either way.
"""Needs PEERKIT_EXAMPLES_DIR, the directory with peerkit-node in it; exits with 77 if it was not built."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = (pathlib.Path(os.environ.get("PEERKIT_EXAMPLES_DIR", "build/gcc-debug/examples")) / "peerkit-node").resolve()
DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples"
PATIENCE = 60


class Demo(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pk-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.addCleanup(self.kill_all)

    def wrapper(self, what=""):
        """A program that notes its process id, does `what` in a shell and becomes peerkit-node; $* are its flags."""
        path = self.scratch / "node"
        path.write_text(f'#!/bin/bash\necho $$ >>"{self.scratch}/pids"\n{what}\nexec "{PROGRAM}" "$@"\n')
        path.chmod(0o755)
        return path

    def pids(self):
        path = self.scratch / "pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def alive(self):
        found = []
        for pid in self.pids():
            with contextlib.suppress(OSError):
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
                if state != "Z" and str(PROGRAM) in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
                    found.append(pid)
        return found

    def kill_all(self):
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start(self, *words, what="", patience=PATIENCE):
        command = ["bash", DEMO / "demo.sh", "--node", self.wrapper(what), "--patience", str(patience), *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_demo(self, *words, **more):
        process = self.start(*words, **more)
        output = process.communicate(timeout=8 * PATIENCE)[0]
        shown = re.search(r"/tmp/peerkit-demo-\w+", output)
        if shown:
            self.addCleanup(shutil.rmtree, shown[0], ignore_errors=True)
        return process.returncode, output

    def test_five_nodes_find_each_other_lose_one_take_it_back_and_leave(self):
        code, output = self.run_demo()
        self.assertEqual(code, 0, output)
        rows = re.findall(r"^tw-node0([1-5])  (static list|tailscale  ) .*\d\.\d\d", output, re.M)
        self.assertEqual([row[1].strip() for row in rows], ["static list"] * 2 + ["tailscale"] * 3, output)
        self.assertEqual(len(self.pids()), 7, "five, one again, and the one that made the key")
        self.assertEqual(self.alive(), [])

    def test_with_keep_they_go_on_until_told_to_stop(self):
        code, output = self.run_demo("--keep")
        self.assertEqual(code, 0, output)
        self.assertEqual(len(self.alive()), 5)
        told = [int(pid) for pid in re.search(r"kill -INT ([\d ]+)", output)[1].split()]
        self.assertEqual(len(told), 6)
        for pid in told:
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(self.alive(), [])

    def assertFails(self, outcome, *phrases):
        code, output = outcome
        self.assertEqual(code, 1, output)
        for phrase in ("FAILED: ", "/tmp/peerkit-demo-", *phrases):
            self.assertIn(phrase, output)
        self.assertEqual(self.alive(), [])

    def test_it_fails_when_one_is_a_stranger(self):
        what = '[[ "$*" != *tw-node05* ]] || set -- "${@/#demo/other}"'  # another network
        self.assertFails(self.run_demo(what=what, patience=3), "all five list all five", "tw-node05")

    def test_it_fails_when_one_ends_by_itself(self):
        what = '[[ "$*" != *"--name tw-node02"* ]] || exit 5'
        self.assertFails(self.run_demo(what=what), "tw-node02 ended by itself", "status 5")

    def test_it_fails_when_the_killed_one_comes_back_as_another(self):
        what = '[[ "$*" != *"--name tw-node04"* ]] || rm -rf "$(sed "s/.*--state-dir \\([^ ]*\\).*/\\1/" <<<"$*")"'
        self.assertFails(self.run_demo(what=what, patience=4), "tw-node04")

    def test_it_cleans_up_when_it_is_interrupted(self):
        process = self.start(what="sleep 0.2")
        deadline = time.monotonic() + PATIENCE
        while len(self.alive()) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=PATIENCE)[0]
        self.addCleanup(shutil.rmtree, re.search(r"/tmp/peerkit-demo-\w+", output)[0], ignore_errors=True)
        self.assertFails((process.returncode, output), "interrupted")


class LocalApi(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="pk-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.scratch)
        program = DEMO / "demo" / "local_api.py"
        command = [sys.executable, "-B", program, self.scratch, "tw-a=100.64.0.1", "tw-b=100.64.0.2"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.terminate)
        self.assertEqual(process.stdout.readline(), "ready\n")

    def get(self, name, path="/localapi/v0/status", **headers):
        connection = http.client.HTTPConnection("local-tailscaled.sock")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(f"{self.scratch}/{name}.sock")
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        got = answer.status, answer.headers, answer.read()
        connection.close()
        return got

    def test_each_daemon_is_itself_and_has_all_others_as_peers(self):
        for name, other in (("tw-a", "tw-b"), ("tw-b", "tw-a")):
            code, headers, body = self.get(name)
            self.assertEqual((code, headers["Transfer-Encoding"]), (200, "chunked"))
            document = json.loads(body)
            self.assertTrue(document["Self"]["DNSName"].startswith(name + "."))
            names = {peer["DNSName"].split(".")[0] for peer in document["Peer"].values()}
            self.assertIn(other, names)
            self.assertNotIn(name, names)

    def test_it_is_as_strict_as_the_real_one(self):
        for headers in ({"Host": "localhost"}, {"Origin": "http://a"}, {"Referer": "http://a"}):
            self.assertEqual(self.get("tw-a", **headers)[0], 403)
        self.assertEqual(self.get("tw-a", "/localapi/v0/prefs")[0], 404)


if __name__ == "__main__":
    if not PROGRAM.exists():
        print(f"{PROGRAM} was not built")
        sys.exit(77)
    unittest.main(verbosity=2)
