#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Nodes find each other through a real Consul agent, also after it has lost its memory.
"""Needs consul, which tests/integration/consul/build.sh makes, in the directory PEERKIT_CONSUL_DIR (or consul/ in
PEERKIT_BUILD_DIR; with PEERKIT_FULL=1 it is built there), and peerkit-node in PEERKIT_EXAMPLES_DIR. Exits with 77 if
something is missing. The agent runs in development mode at free ports of loopback, in memory."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "registry"))
from meeting import NODE, Node, Program, free_ports, skip, until  # noqa: E402

BUILD = pathlib.Path(os.environ.get("PEERKIT_BUILD_DIR", "build/gcc-debug")).resolve()
CONSUL = pathlib.Path(os.environ.get("PEERKIT_CONSUL_DIR", BUILD / "consul")).resolve() / "consul"


class Agent(Program):
    def __init__(self, ports):
        self.port = ports[0]
        names = ["http", "server", "serf-lan", "serf-wan", "dns", "grpc", "grpc-tls"]
        super().__init__(
            CONSUL, "agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-log-level", "warn",
            *[f"-{name}-port={port}" for name, port in zip(names, ports)])
        until(lambda: self.ask("/v1/status/leader"), "the agent has a leader", self)

    def ask(self, target):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{target}", timeout=10) as got:
            return json.load(got)

    def passing(self):
        return len(self.ask("/v1/health/service/peerkit?passing=1"))


class RegistryConsul(unittest.TestCase):
    def setUp(self):
        self.ports = free_ports(7)
        self.agent = Agent(self.ports)
        self.addCleanup(lambda: self.agent.end(signal.SIGKILL))
        self.nodes = []
        self.addCleanup(lambda: [node.end() for node in self.nodes])

    def start(self, name):
        self.nodes.append(Node(name, "--strategy", f"consul servers=127.0.0.1:{self.ports[0]} domain=example.test ttl=5s"))

    def test_nodes_find_each_other_leave_vanish_and_register_again(self):
        names = ["n1", "n2", "n3"]
        for name in names:
            self.start(name)
        for node in self.nodes:
            until(lambda node=node: node.alive() == names, f"{node.name} sees all three", *self.nodes)
        until(lambda: self.agent.passing() == 3, "three instances pass their check", *self.nodes)
        rows = self.agent.ask("/v1/health/service/peerkit?passing=1&tag=example.test")
        self.assertEqual(len(rows), 3)
        self.assertTrue(all("peerkit-record-0" in row["Service"]["Meta"] for row in rows))

        self.assertEqual(self.nodes.pop().end(), 0)
        until(lambda: len(self.agent.ask("/v1/agent/services")) == 2, "one that leaves takes itself out", *self.nodes)
        self.nodes.pop().end(signal.SIGKILL)
        until(lambda: self.agent.passing() == 1, "the check of one that was killed fails", *self.nodes)

        # In development mode an agent remembers nothing: the node hears that its check is not known.
        self.agent.end(signal.SIGKILL)
        self.agent = Agent(self.ports)
        until(lambda: self.agent.passing() == 1, "the node registers again", *self.nodes)
        self.start("n4")
        until(lambda: self.nodes[-1].alive() == ["n1", "n4"], "a newcomer finds it", *self.nodes)


if __name__ == "__main__":
    if not NODE.exists():
        skip(f"{NODE} was not built")
    if not CONSUL.exists():
        if os.environ.get("PEERKIT_FULL") != "1":
            skip(f"tests/integration/consul/build.sh {CONSUL.parent} was not run")
        built = subprocess.run(["bash", HERE / "consul/build.sh", CONSUL.parent])
        if built.returncode:
            sys.exit(built.returncode)
    unittest.main()
