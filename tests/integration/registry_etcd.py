#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Nodes that know nothing but a domain and an etcd cluster find each other, also while one of its members is killed.
"""Needs etcd and, in PEERKIT_EXAMPLES_DIR, peerkit-node; exits with 77 if one is missing.

The cluster has three members on loopback, at free ports; when this process ends, all of it is gone.
"""
import base64
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "registry"))
from meeting import NODE, Node, Program, free_ports, skip, until  # noqa: E402


def post(url, document):
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as got:
        return json.load(got)


class EtcdCluster:
    def __init__(self, directory):
        ports = free_ports(6)
        self.clients = [f"127.0.0.1:{port}" for port in ports[:3]]
        peers = [f"http://127.0.0.1:{port}" for port in ports[3:]]
        everybody = ",".join(f"e{i}={url}" for i, url in enumerate(peers))
        self.members = [
            Program(
                "etcd", "--name", f"e{i}", "--data-dir", directory / f"e{i}", "--listen-client-urls",
                f"http://{self.clients[i]}", "--advertise-client-urls", f"http://{self.clients[i]}",
                "--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i], "--initial-cluster",
                everybody)
            for i in range(3)
        ]

    def identities(self, member):
        """Those registered, as one member of the cluster says."""
        prefix = b"/peerkit/example.test/"
        found = post(f"http://{self.clients[member]}/v3/kv/range", {
            "key": base64.b64encode(prefix).decode(), "range_end": base64.b64encode(prefix[:-1] + b"0").decode()})
        return [base64.b64decode(row["key"])[len(prefix):].decode() for row in found.get("kvs", [])]

    def end(self):
        for member in self.members:
            member.end(signal.SIGKILL)


class RegistryEtcd(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.cluster = EtcdCluster(pathlib.Path(directory.name))
        self.addCleanup(self.cluster.end)
        until(lambda: all(self.cluster.identities(i) == [] for i in range(3)), "etcd answers", *self.cluster.members)
        self.nodes = []
        self.addCleanup(lambda: [node.end() for node in self.nodes])

    def start(self, name):
        servers = ",".join(self.cluster.clients)
        self.nodes.append(
            Node(name, "--domain", "example.test", "--registry", servers, "--registry-protocol", "etcd"))
        return self.nodes[-1]

    def test_nodes_find_each_other_while_a_member_of_the_cluster_is_killed(self):
        first = self.start("n1")
        until(lambda: len(self.cluster.identities(1)) == 1, "the first node is registered", first)
        self.start("n2")
        self.cluster.members[0].end(signal.SIGKILL)  # the one that nodes ask first, while others come
        self.start("n3")
        # The same as a text, with a short life.
        self.nodes.append(Node("n4", "--strategy", f"etcd domain=example.test ttl=4s servers={','.join(self.cluster.clients)}"))
        names = ["n1", "n2", "n3", "n4"]
        for node in self.nodes:
            until(lambda node=node: node.alive() == names, f"{node.name} sees all four", *self.nodes)
        until(lambda: len(self.cluster.identities(1)) == 4, "all four are registered", *self.nodes)
        self.assertEqual(sorted(self.cluster.identities(1)), sorted(self.cluster.identities(2)))

        self.nodes.pop().end(signal.SIGKILL)
        # Its lease runs out, without a word from anybody.
        until(lambda: len(self.cluster.identities(1)) == 3, "a node that was killed vanishes", *self.nodes)
        self.assertEqual(self.nodes.pop().end(), 0)
        until(lambda: len(self.cluster.identities(1)) == 2, "a node that leaves takes itself out", *self.nodes)
        until(lambda: self.nodes[0].alive() == ["n1", "n2"], "the others stay together", *self.nodes)

    def test_nodes_stay_together_and_come_back_when_all_of_etcd_was_away(self):
        self.start("n1")
        self.start("n2")
        for node in self.nodes:
            until(lambda node=node: node.alive() == ["n1", "n2"], f"{node.name} sees both", *self.nodes)
        for member in self.cluster.members:
            member.process.send_signal(signal.SIGSTOP)
        self.addCleanup(lambda: [m.process.send_signal(signal.SIGCONT) for m in self.cluster.members
                                 if m.process.poll() is None])
        time.sleep(3)
        for node in self.nodes:
            self.assertIsNone(node.process.poll())
            self.assertEqual(node.alive(), ["n1", "n2"])
        for member in self.cluster.members:
            member.process.send_signal(signal.SIGCONT)
        third = self.start("n3")
        until(lambda: third.alive() == ["n1", "n2", "n3"], "a third one finds them", *self.nodes)


if __name__ == "__main__":
    if not NODE.exists():
        skip(f"{NODE} was not built")
    if not shutil.which("etcd"):
        skip("there is no etcd (Debian: etcd-server)")
    unittest.main()
