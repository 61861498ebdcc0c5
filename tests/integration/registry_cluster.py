#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Registries as processes: a root and its replicas, killed and restored, with nodes registering all the while.
"""Needs peerkit-registry (PEERKIT_EXAMPLES_DIR) and integration_registry_signer (PEERKIT_BUILD_DIR/tests); exits with
77 if they were not built."""
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "registry"))
from processes import REGISTRY, SIGNER, Case, ask, free_port, skip_without, until  # noqa: E402


class Reader:
    """Reads lists of nodes all the time, from one registry, each on a connection of its own."""

    def __init__(self, port, least):
        self.port, self.least = port, least
        self.reads, self.failures, self.longest, self.ending = 0, [], 0.0, False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.ending:
            begin = time.monotonic()
            try:
                got = ask(self.port, "GET", "/api/nodes", timeout=5)
                if got.status != 200 or len(got.json["nodes"]) < self.least:
                    self.failures.append((got.status, got.body[:200]))
            except OSError as e:
                self.failures.append(e)
            self.longest = max(self.longest, time.monotonic() - begin)
            self.reads += 1
            time.sleep(0.01)

    def stop(self):
        self.ending = True
        self.thread.join()


class Cluster(Case):
    def root(self, *words, **more):
        return self.registry("--token-file", self.token, *words, **more)

    def converged(self, root, *replicas):
        def same():
            wanted, _ = root.state()
            return all(one.state() == (wanted, False) for one in replicas)

        until(same, "the replicas have the root's state", root, *replicas)
        nodes = root.nodes()
        for one in replicas:
            theirs = one.nodes()
            self.assertEqual(theirs.keys(), nodes.keys())
            for name, row in nodes.items():
                for field in ("id", "record", "status", "domain", "version", "first_seen"):
                    self.assertEqual(theirs[name][field], row[field])

    def test_a_registration_anywhere_is_known_everywhere_at_once(self):
        root = self.root()
        one, other = self.replica(root), self.replica(root, role="integrated")
        first = self.registered(1, root)
        second = self.registered(2, one)
        third = self.registered(3, other)
        begin = time.monotonic()
        self.converged(root, one, other)
        self.assertLess(time.monotonic() - begin, 20)  # by long poll, not every minute
        self.assertEqual(sorted(root.nodes()), ["n1", "n2", "n3"])
        for node, there in ((first, root), (second, one), (third, other)):
            self.assertEqual(node.beat(there.port).status, 200)
        self.assertEqual(second.leave(one.port).status, 200)
        self.converged(root, one, other)
        self.assertEqual(sorted(other.nodes()), ["n1", "n3"])

    def test_with_the_root_killed_reads_go_on_and_no_write_is_lost(self):
        database = self.scratch / "root.db"
        root = self.root("--db", database)
        replicas = [self.replica(root, "--db", self.scratch / f"replica{i}.db") for i in range(2)]
        for number in range(10):
            self.registered(number, root)
        self.converged(root, *replicas)
        readers = [Reader(one.port, 10) for one in replicas]
        try:
            until(lambda: all(reader.reads > 5 for reader in readers), "reads are under way")
            root.kill()
            late = []
            for number in range(10, 20):
                one = self.node(number)
                got = one.register(replicas[number % 2].port)
                self.assertIn(got.status, (200, 202), got.body)
                self.assertEqual(got.json["status"], "queued")
                late.append(one)
            until(lambda: all(one.state()[1] for one in replicas), "they say that they are stale", *replicas)
            health = replicas[0].get("/health").json
            self.assertTrue(health["stale"])
            # Of two writes of one node, the later one counts.
            newer = self.node(10, incarnation=2)
            self.assertIn(newer.register(replicas[0].port).status, (200, 202))
            again = self.root("--db", database, port=root.port)
            self.assertEqual(again.port, root.port)
            until(lambda: len(again.nodes()) == 20, "all that was queued is with the root", again, *replicas)
            self.converged(again, *replicas)
            self.assertEqual(again.nodes()["n10"]["record"], newer.record)
            for one in late[1:]:
                self.assertEqual(one.beat(replicas[one.number % 2].port).status, 200)
        finally:
            for reader in readers:
                reader.stop()
        for reader in readers:
            self.assertEqual(reader.failures, [])
            self.assertGreater(reader.reads, 50)
        print(f"reads while the root was away: {sum(r.reads for r in readers)}, failed: 0, "
              f"longest: {max(r.longest for r in readers) * 1000:.0f} ms", file=sys.stderr)

    def test_a_replica_that_starts_without_its_root_serves_what_it_had(self):
        root = self.root("--db", self.scratch / "root.db")
        replica = self.replica(root, "--db", self.scratch / "replica.db")
        for number in range(5):
            self.registered(number, root)
        self.converged(root, replica)
        root.kill()
        queued = self.node(7)
        self.assertEqual(queued.register(replica.port).json["status"], "queued")
        replica.kill()
        replica = self.replica(root, "--db", self.scratch / "replica.db", port=replica.port)
        self.assertEqual(len(replica.nodes()), 6)  # what is queued is known here
        self.assertTrue(replica.state()[1])
        again = self.root("--db", self.scratch / "root.db", port=root.port)
        until(lambda: "n7" in again.nodes(), "the queue outlives its registry", again, replica)
        self.converged(again, replica)

    def test_a_replica_without_a_root_or_memory_starts_all_the_same(self):
        class nowhere:
            port = free_port()

        replica = self.replica(nowhere)
        self.assertEqual(replica.nodes(), {})
        self.assertTrue(replica.state()[1])
        self.assertEqual(self.node(1).register(replica.port).json["status"], "queued")

    def test_killed_while_nodes_register_it_has_everything_it_acknowledged(self):
        database = self.scratch / "root.db"
        root = self.root("--db", database)
        number = 0
        acknowledged = {}
        for _ in range(5):
            ending = threading.Event()

            def register(begin):
                at = begin
                while not ending.is_set():
                    one = self.node(at)
                    try:
                        if one.register(root.port, timeout=5).status == 200:
                            acknowledged[one.name] = one.record
                    except (OSError, ValueError):
                        return
                    at += 2

            threads = [threading.Thread(target=register, args=(number + i,)) for i in range(2)]
            before = len(acknowledged)
            for thread in threads:
                thread.start()
            until(lambda: len(acknowledged) >= before + 10, "nodes register", root)
            root.kill()
            ending.set()
            for thread in threads:
                thread.join()
            number += 1000
            root = self.root("--db", database, port=root.port)
            kept = root.nodes()
            for name, record in acknowledged.items():
                self.assertIn(name, kept)
                self.assertEqual(kept[name]["record"], record)
        print(f"acknowledged over five kills: {len(acknowledged)}, lost: 0", file=sys.stderr)

    def test_a_root_restored_from_an_old_snapshot_is_followed_and_never_mixed(self):
        database, snapshots = self.scratch / "root.db", self.scratch / "snapshots"
        root = self.root("--db", database, "--snapshots", snapshots, "--snapshot-interval", 1, "--snapshots-kept", 3)
        replica = self.replica(root, "--db", self.scratch / "replica.db")
        self.registered(1, root)

        def written():
            return sorted(snapshots.glob("registry-*.sqlite"))

        first = until(written, "a snapshot is written", root)[-1]
        until(lambda: written()[-1] > first, "one that is younger than the registration", root)
        keep = self.scratch / "old-snapshot"
        keep.write_bytes(written()[-1].read_bytes())
        until(lambda: not first.exists(), "the oldest are taken away", root)
        self.assertLessEqual(len(written()), 4)  # three, and one that is just being replaced
        for number in range(2, 6):
            self.registered(number, root)
        self.converged(root, replica)
        epoch = root.state()[0][0]
        root.kill()
        root = self.root("--db", database, "--restore", keep, port=root.port)
        self.assertEqual(sorted(root.nodes()), ["n1"])
        self.assertNotEqual(root.state()[0][0], epoch)
        self.converged(root, replica)
        self.assertEqual(sorted(replica.nodes()), ["n1"])
        self.registered(9, replica)
        self.converged(root, replica)

    def test_a_replica_that_was_away_for_long_fetches_everything(self):
        root = self.root()
        replica = self.replica(root, "--db", self.scratch / "replica.db")
        self.registered(1, root)
        self.converged(root, replica)
        replica.kill()
        root.kill()  # without a database: what it knew is gone, and its next life has another epoch
        root = self.root(port=root.port)
        self.registered(2, root)
        replica = self.replica(root, "--db", self.scratch / "replica.db", port=replica.port)
        self.converged(root, replica)
        self.assertEqual(sorted(replica.nodes()), ["n2"])

    def test_without_the_token_nobody_is_a_replica(self):
        root = self.root()
        other = self.scratch / "other"
        other.write_text("another-token-of-16\n")
        stranger = self.registry("--role", "secondary", "--root", f"http://127.0.0.1:{root.port}", "--token-file", other)
        self.registered(1, root)
        got = self.node(2).register(stranger.port)
        time.sleep(1)
        self.assertNotIn("n2", root.nodes())
        self.assertNotEqual(got.status, 500)


if __name__ == "__main__":
    skip_without(REGISTRY, SIGNER)
    unittest.main(verbosity=2)
