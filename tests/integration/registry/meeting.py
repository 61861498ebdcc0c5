# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# What the tests of foreign registries share: programs that run, peerkit-node among them, and patience.
"""Not a test itself: the others import it."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

NODE = (pathlib.Path(os.environ.get("PEERKIT_EXAMPLES_DIR", "build/gcc-debug/examples")) / "peerkit-node").resolve()
PATIENCE = 60  # seconds, for the slowest of machines


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def until(condition, what, *programs):
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError):
            found = condition()
            if found:
                return found
        if time.monotonic() > deadline:
            printed = "\n".join("\n".join(p.lines[-40:]) for p in programs)
            raise AssertionError(f"not so in {PATIENCE} s: {what}\n{printed}")
        time.sleep(0.05)


def free_ports(count):
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Program:
    """A process, and what it printed on both streams."""

    def __init__(self, *words, **more):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PEERKIT_", "ETCD_"))}
        self.process = subprocess.Popen(
            [str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", env=clean, **more)
        self.lines = []
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join()
        return self.process.returncode


class Node(Program):
    def __init__(self, name, *find):
        self.api = free_ports(1)[0]
        self.name = name
        super().__init__(
            NODE, "run", "--name", name, "--bind", "127.0.0.1", "--port", "0", "--api-port", self.api, "--open-network",
            "--profile", "local", *find)

    def alive(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api}/members", timeout=10) as got:
            members = json.load(got)
        rows = members["members"] if isinstance(members, dict) else members
        return sorted(row["name"] for row in rows if row["state"] == "alive")
