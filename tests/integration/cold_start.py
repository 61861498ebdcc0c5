#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Twenty real nodes, each told of a few others in its own order, some of nobody, become exactly one cluster.
"""Needs PEERKIT_EXAMPLES_DIR, the directory with peerkit-node in it; exits with 77 if it was not built.

Three cold starts, or twenty with PEERKIT_FULL=1. PEERKIT_SEED runs the one with that number."""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

PROGRAM = pathlib.Path(os.environ.get("PEERKIT_EXAMPLES_DIR", "build/gcc-debug/examples")) / "peerkit-node"
NODES = 20
STARTS = 20 if os.environ.get("PEERKIT_FULL") == "1" else 3
PATIENCE = 120  # seconds for one cold start, for the slowest of machines
READY = re.compile(r"node (\S+) ([0-9a-f]{64}) listens on \S+:(\d+), .*?API on port (\d+)$", re.M)


def free_ports(count):
    """Ports of 127.0.0.1 that are free for UDP and TCP, below those the system gives out by itself."""
    found = []
    candidates = list(range(10000, 20000))
    random.shuffle(candidates)
    for port in candidates:
        if len(found) == count:
            return found
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
            found.append(port)
    raise AssertionError("no free ports")


def hearsay(dice, count):
    """Who is told of whom, in one direction each: a random tree, so that all hang together, and a few more."""
    knows = [set() for _ in range(count)]
    order = list(range(count))
    dice.shuffle(order)
    pairs = [(order[i], order[dice.randrange(i)]) for i in range(1, count)]
    pairs += [tuple(dice.sample(range(count), 2)) for _ in range(count // 4)]
    for pair in pairs:
        teller, told = dice.sample(pair, 2)
        knows[told].add(teller)
    return knows


class Node:
    def __init__(self, scratch, key, number, port, peers, by_file):
        command = [PROGRAM, "--bind", "127.0.0.1", "--port", port, "--profile", "local", "--name", f"n{number}"]
        command += ["--network-key-file", key, "--api-port", random.randrange(20000, 30000)]
        if by_file:
            file = scratch / f"n{number}.peers"
            file.write_text("".join(f"{peer}\n" for peer in peers))
            command += ["--discover", "file", "--peers-file", file]
        elif peers:
            command += ["--discover", "static", "--peers", ",".join(peers)]
        else:
            command += ["--discover", "none"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PEERKIT_", "TS_"))}
        self.log = scratch / f"n{number}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean
            )
        self.id = self.api = None

    def ready(self):
        if self.api is None and (said := READY.search(self.log.read_text())):
            self.id, self.api = said[2], int(said[4])
        if self.process.poll() is not None:
            raise AssertionError(f"a node ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
        return self.api is not None

    def view(self):
        """Ids of those it holds alive, itself included."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api}/health", timeout=10) as got:
                members = json.load(got)["members"]
        except OSError:
            return frozenset()
        return frozenset(m["id"] for m in members if m["state"] == "alive") | {self.id}


class ColdStart(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pk-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.key = self.scratch / "net.psk"
        subprocess.run([PROGRAM, "psk", self.key], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def cold_start(self, seed):
        dice = random.Random(seed)
        ports = free_ports(NODES + 3)
        knows = hearsay(dice, NODES)
        nodes = []
        try:
            for number in dice.sample(range(NODES), NODES):
                # Beside those it knows: itself now and then, and somebody who never starts.
                told = [ports[peer] for peer in knows[number]]
                if told or dice.random() < 0.5:
                    told += [ports[number]] if dice.random() < 0.5 else []
                    told += [ports[NODES + dice.randrange(3)]] if dice.random() < 0.5 else []
                dice.shuffle(told)
                peers = [f"127.0.0.1:{port}" for port in told]
                nodes.append(Node(self.scratch, self.key, number, ports[number], peers, dice.random() < 0.5))
                time.sleep(dice.random() * 0.05)
            return self.settle(nodes)
        finally:
            for node in nodes:
                node.process.kill()
            for node in nodes:
                node.process.wait()

    def settle(self, nodes):
        """Waits until there is one cluster; returns how long that took."""
        begin = time.monotonic()
        views = []
        while time.monotonic() - begin < PATIENCE:
            if all(node.ready() for node in nodes):
                everyone = frozenset(node.id for node in nodes)
                # Only as far as the first that does not see all: asking is work, too.
                views = []
                for node in nodes:
                    views.append(node.view())
                    if views[-1] != everyone:
                        break
                else:
                    return time.monotonic() - begin
            time.sleep(0.2)
        sizes = sorted({len(node.view()) for node in nodes})
        logs = "\n".join(node.log.read_text()[-1500:] for node in nodes[:3])
        raise AssertionError(f"after {PATIENCE} s views have {sizes} members\n{logs}")

    def test_twenty_nodes_with_shuffled_partial_lists_become_one_cluster_every_time(self):
        only = os.environ.get("PEERKIT_SEED")
        seeds = [int(only)] if only else range(1, STARTS + 1)
        for seed in seeds:
            with self.subTest(PEERKIT_SEED=seed):
                took = self.cold_start(seed)
                print(f"  cold start {seed}: one cluster after {took:.1f} s", flush=True)


if __name__ == "__main__":
    if not PROGRAM.exists():
        print(f"{PROGRAM} was not built")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    unittest.main(verbosity=2)
