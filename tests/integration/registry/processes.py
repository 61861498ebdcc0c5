# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# What the tests of registries share: registries as processes, nodes that speak HTTP to them, patience.
"""Not a test itself: the others import it."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BUILD = pathlib.Path(os.environ.get("PEERKIT_BUILD_DIR", "build/gcc-debug"))
EXAMPLES = pathlib.Path(os.environ.get("PEERKIT_EXAMPLES_DIR", BUILD / "examples"))
REGISTRY = pathlib.Path(os.environ.get("PEERKIT_REGISTRY_PROGRAM", EXAMPLES / "peerkit-registry")).resolve()
SIGNER = pathlib.Path(os.environ.get("PEERKIT_REGISTRY_SIGNER", BUILD / "tests" / "integration_registry_signer")).resolve()
PATIENCE = 60  # seconds, for the slowest of sanitizers


def skip(why):
    print(why, file=sys.stderr)
    sys.stderr.flush()
    os._exit(1 if os.environ.get("CI") == "true" else 77)


def skip_without(*programs):
    for program in programs:
        if not program.exists():
            skip(f"{program.name} was not built")


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PEERKIT_", "TS_"))}
    return {**clean, **more}


def until(condition, what, *processes, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > deadline:
            printed = "\n".join(line for one in processes for line in one.log)
            raise AssertionError(f"not so in {patience} s: {what}\n{printed}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]


def ask(port, method, target, body=None, timeout=PATIENCE, host="127.0.0.1", **headers):
    """One request on a connection of its own. `headers` with _ for -."""
    client = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        client.request(method, target, data, {name.replace("_", "-"): value for name, value in headers.items()})
        got = client.getresponse()
        return Answer(got.status, got.headers, got.read())
    finally:
        client.close()


class Registry:
    """A registry that runs; `port` is what it says it listens on."""

    def __init__(self, *words, port=None):
        bind = [] if "--bind" in words else ["--bind", "127.0.0.1"]
        command = [REGISTRY, *bind, "--port", str(port or free_port()), *map(str, words)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen(command, env=environment(), text=True, **pipes)
        self.log = []
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        ready = re.compile(r"listens on \S+:(\d+)")
        until(lambda: ready.search("\n".join(self.log)) or self.process.poll() is not None, "it starts", self)
        said = ready.search("\n".join(self.log))
        if not said:
            raise AssertionError("the registry does not start: " + "\n".join(self.log))
        self.port = int(said[1])

    def _read(self):
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
        self.process.stdout.close()

    def ask(self, method, target, body=None, **more):
        return ask(self.port, method, target, body, **more)

    def get(self, target, **more):
        return self.ask("GET", target, **more)

    def nodes(self, query=""):
        """Name to row, all pages."""
        rows, after = {}, ""
        while True:
            page = self.get(f"/api/nodes?limit=1000{query}{after}").json
            rows.update({row["name"]: row for row in page["nodes"]})
            if not page.get("next"):
                return rows
            after = "&cursor=" + page["next"]

    def state(self):
        """(epoch, version), and whether it is stale."""
        said = self.get("/api/nodes?limit=1").json
        return (said["epoch"], said["version"]), said.get("stale", False)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.ended()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self):
        code = self.process.wait(timeout=PATIENCE)
        self.thread.join()
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.ended()


class Signer:
    """Signs for nodes that are known by number."""

    def __init__(self, network="peerkit"):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([SIGNER, "serve", network], text=True, **pipes)
        self.lock = threading.Lock()

    def _ask(self, *words):
        with self.lock:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
            return self.process.stdout.readline().split()

    def record(self, number, name, port, incarnation):
        """(node id, record in Base64)"""
        return self._ask("record", number, name, port, incarnation)

    def proof(self, number, challenge):
        return self._ask("proof", number, challenge)[0]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()


class Node:
    """A node as a registry sees it."""

    def __init__(self, signer, number, name=None, incarnation=1, domain="example.test"):
        self.signer, self.number, self.name, self.domain = signer, number, name or f"n{number}", domain
        self.incarnation, self.port, self.lease = incarnation, 9000 + number % 1000, None
        self.id, self.record = signer.record(number, self.name, self.port, incarnation)

    def body(self, challenge=None):
        said = {
            "node_name": self.name,
            "ipv6_address": "127.0.0.1",
            "domain": self.domain,
            "registry_address": "127.0.0.1:8000",
            "port": self.port,
            "record": self.record,
            "found_by": "test",
        }
        if challenge:
            said["proof"] = self.signer.proof(self.number, challenge)
        return said

    def register(self, port, timeout=PATIENCE):
        """Answers the challenge, too."""
        got = ask(port, "POST", "/api/register", self.body(), timeout)
        if got.status == 401:
            got = ask(port, "POST", "/api/register", self.body(got.json["challenge"]), timeout)
        if got.status in (200, 202):
            self.lease = got.json["lease"]
        return got

    def beat(self, port):
        return ask(port, "POST", "/api/heartbeat", {"node_id": self.id, "lease": self.lease})

    def leave(self, port):
        return ask(port, "POST", "/api/deregister", {"node_id": self.id, "lease": self.lease})


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.token = self.scratch / "token"
        self.token.write_text("0123456789abcdef\n")
        self.signer = Signer()
        self.addCleanup(self.signer.close)

    def registry(self, *words, **more):
        one = Registry(*words, **more)
        self.addCleanup(one.close)
        return one

    def replica(self, root, *words, role="secondary", **more):
        url = f"http://127.0.0.1:{root.port}"
        return self.registry("--role", role, "--root", url, "--token-file", self.token, *words, **more)

    def node(self, number, *words, **more):
        return Node(self.signer, number, *words, **more)

    def registered(self, number, registry, **more):
        one = self.node(number, **more)
        got = one.register(registry.port)
        self.assertIn(got.status, (200, 202), got.body)
        return one

    def assertRefused(self, got, status, code):
        self.assertEqual((got.status, got.code), (status, code), got.body)
