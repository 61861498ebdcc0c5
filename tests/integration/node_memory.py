#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# What peerkit-node remembers: starting from its store alone, kill -9, two processes, directories that cannot be used.
"""Needs PEERKIT_EXAMPLES_DIR, the directory with peerkit-node in it; exits with 77 if it was not built."""
import json
import os
import signal
import sqlite3
import stat
import sys
import unittest

from node_program import PROGRAM, Case, call, until


def has_sqlite():
    return "without SQLite" not in call("run", "--open-network", "--store", "sqlite").stderr


class Memory(Case):
    """Nodes that keep their state in directories of the test."""

    def start(self, name, *words, store="file", **more):
        return self.node(
            "--state-dir", self.scratch / name, "--store", store, "--format", "json", *words, **more
        )

    def trio(self, store):
        """Three nodes that know each other through one of them."""
        first = self.start("a", "--name", "a", store=store)
        others = [
            self.start(name, "--name", name, "--peers", f"127.0.0.1:{first.listen}", store=store) for name in "bc"
        ]
        nodes = [first, *others]
        for node in nodes:
            until(lambda: set(node.states().values()) == {"alive"} and len(node.states()) == 3, "three meet", *nodes)
        return nodes

    def back(self, store):
        """The same without a name, a port or a way to find anybody: all of it is in their stores."""
        return [self.start(name, "--discover", "none", store=store) for name in "abc"]

    def check_together(self, nodes, before):
        for node in nodes:
            until(lambda: list(node.states().values()).count("alive") == 3, "they find each other again", *nodes)
        for node in nodes:
            self.assertEqual((node.name, node.listen), before[node.id])
            health = node.health()
            self.assertEqual(health["memory"]["recalled"], 2)
            self.assertNotIn("trouble", health["memory"])
            kinds = [e["event"] for e in node.events()]
            order = ["discovery-started", "discovery-found", "peers-recalled", "listening", "announced"]
            self.assertEqual([kind for kind in kinds if kind in order[2:]], order[2:])
            self.assertLess(kinds.index("discovery-found"), kinds.index("peers-recalled"))

    def stop_and_come_back(self, store, how):
        nodes = self.trio(store)
        before = {node.id: (node.name, node.listen) for node in nodes}
        was = {node.id: node.health()["incarnation"] for node in nodes}
        saves = {node: node.health()["memory"]["saves"] for node in nodes}
        if how == signal.SIGKILL:  # what was learnt is written within seconds
            for node in nodes:
                until(lambda: node.health()["memory"]["saves"] > saves[node], "it is written", node)
        for node in nodes:
            node.process.send_signal(how)
        for node in nodes:
            node.ended()
        nodes = self.back(store)
        self.check_together(nodes, before)
        for node in nodes:
            self.assertGreater(node.health()["incarnation"], was[node.id])

    def test_three_nodes_that_were_killed_come_back_from_their_files_alone(self):
        self.stop_and_come_back("file", signal.SIGKILL)
        self.assertEqual(stat.S_IMODE((self.scratch / "a" / "gossip_state.json").stat().st_mode), 0o600)

    def test_three_nodes_that_said_goodbye_come_back_from_their_files_alone(self):
        self.stop_and_come_back("file", signal.SIGTERM)

    def test_three_nodes_that_said_goodbye_come_back_from_their_databases_alone(self):
        if not has_sqlite():
            self.skipTest("built without SQLite")
        self.stop_and_come_back("sqlite", signal.SIGTERM)
        with sqlite3.connect(f"file:{self.scratch / 'a' / 'peerkit.sqlite'}?mode=ro", uri=True) as db:
            self.assertEqual(db.execute("SELECT value FROM settings WHERE name = 'name'").fetchone(), ("a",))
            self.assertEqual(db.execute("SELECT count(*) FROM peers WHERE sources != 0").fetchone(), (2,))

    def test_the_incarnation_never_goes_back_however_often_a_node_is_killed(self):
        last = 0
        for _ in range(5):
            node = self.start("a")
            until(lambda: node.health()["memory"]["saves"] >= 1, "it is kept before anything is sent", node)
            now = node.health()["incarnation"]
            self.assertGreater(now, last)
            stored = json.loads((self.scratch / "a" / "gossip_state.json").read_text())
            self.assertGreaterEqual(int(find(stored, "incarnation")), now)
            last = now
            node.process.kill()
            node.ended()

    def test_two_processes_do_not_share_a_directory(self):
        first = self.start("a", "--name", "first")
        until(lambda: first.health()["memory"]["saves"] >= 1, "it is running", first)
        second = call(
            "run", "--bind", "127.0.0.1", "--port", "0", "--api-port", "0", "--network-key-file", self.key,
            "--state-dir", self.scratch / "a",
        )
        self.assertRefused(second, 1, "--state-dir", "another store holds it", str(first.process.pid))
        self.assertEqual(first.health()["status"], "ok")
        first.process.kill()
        first.ended()
        self.start("a")  # who is gone holds nothing

    def test_the_memory_of_another_network_is_refused_and_left_alone(self):
        first = self.start("a")
        until(lambda: first.health()["memory"]["saves"] >= 1, "it is written", first)
        first.process.send_signal(signal.SIGTERM)
        first.ended()
        kept = (self.scratch / "a" / "gossip_state.json").read_bytes()
        other = call(
            "run", "--bind", "127.0.0.1", "--port", "0", "--api-port", "0", "--network-key-file", self.key,
            "--network", "other", "--state-dir", self.scratch / "a",
        )
        self.assertRefused(other, 1, "--state-dir", "something else")
        self.assertEqual((self.scratch / "a" / "gossip_state.json").read_bytes(), kept)

    def test_a_damaged_file_is_set_aside_and_told(self):
        first = self.start("a")
        until(lambda: first.health()["memory"]["saves"] >= 1, "it is written", first)
        first.process.kill()
        first.ended()
        for name in ("gossip_state.json", "gossip_state.previous.json"):
            file = self.scratch / "a" / name
            if file.exists():
                file.write_bytes(file.read_bytes().replace(b"settings", b"sottings"))
        again = self.start("a")
        until(lambda: any("set aside" in line for line in again.log), "it is told", again)
        self.assertTrue(list((self.scratch / "a").glob("*.quarantined-1")))
        until(lambda: again.health()["memory"]["saves"] >= 1, "it is written anew", again)

    def test_a_directory_that_cannot_be_written_is_told_and_the_node_runs(self):
        first = self.start("a")
        until(lambda: first.health()["memory"]["saves"] >= 1, "it is written", first)
        first.process.kill()
        first.ended()
        directory = self.scratch / "a"
        if os.geteuid() == 0:  # who may write everywhere is stopped by something else
            (directory / "gossip_state.json").unlink()
            (directory / "gossip_state.json").mkdir()
        else:
            directory.chmod(0o500)
            self.addCleanup(directory.chmod, 0o700)
        again = self.start("a")
        until(lambda: any("without memory" in line or "nothing new is kept" in line for line in again.log), "told", again)
        health = again.health()
        self.assertEqual(health["status"], "ok")
        self.assertIn("store: ", health["memory"]["trouble"])

    def test_a_store_needs_a_directory_and_memory_none(self):
        self.assertRefused(call("run", "--open-network", "--store", "file"), 2, "--store file", "--state-dir")
        self.assertRefused(call("run", "--open-network", "--store", "clay"), 2, "--store", "'clay'")
        for store in ("memory", "none"):
            node = self.node("--store", store)
            self.assertEqual(node.health()["memory"]["store"], store)


def find(document, key):
    """The first value of that key at any depth."""
    if isinstance(document, dict):
        if key in document:
            return document[key]
        document = list(document.values())
    if isinstance(document, list):
        for one in document:
            value = find(one, key)
            if value is not None:
                return value
    return None


if __name__ == "__main__":
    if not PROGRAM.exists():
        print(f"{PROGRAM} was not built")
        sys.exit(77)
    unittest.main(verbosity=2)
