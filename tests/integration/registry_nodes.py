#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Nodes with nothing in common but --domain find each other: name server, registries, nodes, each a process of its own.
"""Needs peerkit-node and peerkit-registry (PEERKIT_EXAMPLES_DIR), dnsmasq, and port 8000 of 127.0.0.2 and others of the
loopback; exits with 77 without them."""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "registry"))
from processes import EXAMPLES, PATIENCE, REGISTRY, Registry, ask, environment, skip, skip_without, until  # noqa: E402

NODE = pathlib.Path(os.environ.get("PEERKIT_NODE_PROGRAM", EXAMPLES / "peerkit-node")).resolve()
DNSMASQ = shutil.which("dnsmasq", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
ROOT, SECOND, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
DOMAIN = "example.test"


class Node:
    """A peerkit-node that knows a domain and nothing else; the name server stands for that of its machine."""

    def __init__(self, name, server, *words):
        api = str(random.randrange(20000, 30000))
        command = [NODE, "--name", name, "--bind", "127.0.0.1", "--port", "0", "--api-port", api, "--profile", "local",
                   "--format", "json", "--open-network", "--domain", DOMAIN, *map(str, words)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.name, self.log, self.events = name, [], []
        self.process = subprocess.Popen(command, env=environment(PEERKIT_DNS_SERVER=server), text=True, **pipes)
        self.threads = [threading.Thread(target=self._read, args=(self.process.stderr, self.log)),
                        threading.Thread(target=self._read, args=(self.process.stdout, self.events))]
        for thread in self.threads:
            thread.start()
        ready = re.compile(r"node (\S+) ([0-9a-f]{64}) listens on .*API on port (\d+)")
        said = until(lambda: ready.search("\n".join(self.log)) or self.process.poll(), f"{name} starts", self)
        if isinstance(said, int):
            raise AssertionError("\n".join(self.log))
        self.id, self.api = said[2], int(said[3])

    @staticmethod
    def _read(stream, into):
        with stream:
            for line in stream:
                into.append(line.rstrip("\n"))

    def members(self):
        """Name to state."""
        return {m["name"]: m["state"] for m in ask(self.api, "GET", "/health").json["members"]}

    def seen(self):
        """Kinds of what happened to members, with their names."""
        return [(e.get("event") or e.get("kind"), e.get("name")) for e in map(json.loads, list(self.events))]

    def leave(self):
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self):
        code = self.process.wait(timeout=PATIENCE)
        for thread in self.threads:
            thread.join()
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.ended()


class Meeting(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.token = self.scratch / "token"
        self.token.write_text("0123456789abcdef\n")

    def name_server(self, *addresses):
        """dnsmasq that serves tnr.DOMAIN; its address as host:port."""
        hosts = self.scratch / "hosts"
        hosts.write_text("".join(f"{address} tnr.{DOMAIN}\n" for address in addresses))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--listen-address=127.0.0.1",
                 "--bind-interfaces", f"--port={port}", f"--addn-hosts={hosts}", f"--local=/{DOMAIN}/", "--user=",
                 f"--pid-file={self.scratch / 'dnsmasq.pid'}"]
        process = subprocess.Popen([DNSMASQ, *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        return f"127.0.0.1:{port}"

    def registry(self, host, *words):
        one = Registry("--bind", host, "--token-file", self.token, "--db", self.scratch / f"{host}.db", *words, port=8000)
        self.addCleanup(one.close)
        if one.port != 8000:
            skip(f"port 8000 of {host} is taken")
        one.host = host
        return one

    def replica(self, host):
        return self.registry(host, "--role", "secondary", "--root", f"http://{ROOT}:8000")

    def node(self, name, *words):
        one = Node(name, self.server, *words)
        self.addCleanup(one.close)
        return one

    @staticmethod
    def known(registry):
        """Name to status, as a registry has it."""
        rows = ask(registry.port, "GET", "/api/nodes", host=registry.host).json["nodes"]
        return {row["name"]: row["status"] for row in rows}

    def test_three_nodes_meet_through_dns_and_a_registry_and_stay_when_the_root_is_killed(self):
        self.server = self.name_server(ROOT, SECOND, THIRD)
        root = self.registry(ROOT)
        others = [self.replica(SECOND), self.replica(THIRD)]
        nodes = [self.node(name) for name in ("a", "b", "c")]
        names = {"a", "b", "c"}

        def alive(expected, of):
            return all({n for n, state in one.members().items() if state == "alive"} == expected for one in of)

        until(lambda: alive(names, nodes), "they know each other", root, *others, *nodes)
        for registry in (root, *others):
            until(lambda: self.known(registry) == dict.fromkeys(names, "online"), "registered", registry, *nodes)

        root.kill()
        fourth = self.node("d")
        everybody, all_nodes = names | {"d"}, [*nodes, fourth]
        until(lambda: alive(everybody, all_nodes), "a fourth one finds them without the root", *others, *all_nodes)
        until(lambda: any("d" in self.known(one) for one in others), "its write is kept for the root", *others, fourth)

        again = self.registry(ROOT)
        until(lambda: set(self.known(again)) == everybody, "the root has everybody, the fourth too", again, *others)
        for registry in others:
            until(lambda: set(self.known(registry)) == everybody, "and so have the others", again, registry)
        self.assertTrue(alive(everybody, all_nodes))
        for one in all_nodes:
            self.assertTrue(any(kind == "up" for kind, _ in one.seen()), one.events)
            lost = [what for what in one.seen() if what[0] in ("dead", "left", "removed")]
            self.assertEqual(lost, [], f"what {one.name} saw")

        self.assertEqual(fourth.leave(), 0)
        until(lambda: set(self.known(again)) == names, "who leaves is taken out", again, *others)

    def test_a_registry_inside_a_node_comes_before_dns_and_hands_on_to_its_root(self):
        self.server = self.name_server()  # knows nobody
        root = self.registry(ROOT)
        inside = self.node("inside", "--serve-registry", "integrated", "--registry-root", f"http://{ROOT}:8000",
                           "--registry-token-file", self.token, "--state-dir", self.scratch / "state")
        where = re.compile(r"integrated registry on 127\.0\.0\.1:(\d+)")
        port = until(lambda: where.search("\n".join(inside.log)), "the registry is there", inside)[1]
        if port != "8000":
            skip("port 8000 of 127.0.0.1 is taken")
        beside = self.node("beside")
        names = {"inside": "alive", "beside": "alive"}
        until(lambda: inside.members() == beside.members() == names, "they know each other", root, inside, beside)
        until(lambda: set(self.known(root)) == set(names), "the root knows both", root, inside, beside)
        self.assertEqual(beside.leave(), 0)
        until(lambda: set(self.known(root)) == {"inside"}, "who leaves is taken out", root, inside)
        self.assertEqual(inside.leave(), 0)

    def test_a_domain_without_registries_is_no_reason_not_to_run(self):
        self.server = self.name_server()
        one = self.node("alone")
        self.assertEqual(one.members(), {"alone": "alive"})
        self.assertEqual(one.leave(), 0)


if __name__ == "__main__":
    skip_without(REGISTRY, NODE)
    if not DNSMASQ:
        skip("there is no dnsmasq (Debian: dnsmasq-base)")
    unittest.main(verbosity=2)
