#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Runs peerkit-node on machines with several addresses: network namespaces on two subnets and an overlay.
"""Needs root and ip(8) (Debian: iproute2), and PEERKIT_EXAMPLES_DIR, the directory with peerkit-node in it; exits with 77
if one of them is missing, but with 1 where CI=true."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = pathlib.Path(os.environ.get("PEERKIT_EXAMPLES_DIR", "build/gcc-debug/examples")) / "peerkit-node"
PATIENCE = 90  # seconds, for the slowest of sanitizers
PORT, API = 9000, 8000
SUBNETS = {"site1": "192.168.71", "site2": "192.168.72", "overlay": "100.64.7", "fresh": "192.168.73"}


def ip(*words, where=None, check=True):
    command = ["ip", *(["-n", where] if where else []), *map(str, words)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if check and run.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {run.stderr.strip()}")
    return run


def until(condition, what, *machines):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            printed = "\n".join(f"{m.name}: {line}" for m in machines for line in m.lines + m.log)
            raise AssertionError(f"not so in {PATIENCE} s: {what}\n{printed}")
        time.sleep(0.1)


class Lab:
    """One namespace with a bridge per subnet, to which the machines are connected."""

    def __init__(self):
        self.tag = f"pk{os.getpid() % 100000}"
        self.switch = f"{self.tag}-switch"
        self.made = []
        self.namespace(self.switch)
        for name in SUBNETS:
            ip("link", "add", "name", name, "type", "bridge", where=self.switch)
            ip("link", "set", name, "up", where=self.switch)

    def namespace(self, name):
        ip("netns", "add", name)
        self.made.append(name)
        ip("link", "set", "lo", "up", where=name)

    def close(self):
        for name in reversed(self.made):
            ip("netns", "del", name, check=False)


class Machine:
    """A namespace with an interface per subnet, and the node that runs in it."""

    def __init__(self, lab, number, *subnets):
        self.lab, self.number, self.name = lab, number, f"m{number}"
        self.space = f"{lab.tag}-{self.name}"
        self.process, self.lines, self.log, self.threads = None, [], [], []
        lab.namespace(self.space)
        for subnet in subnets:
            self.connect(subnet)

    def address(self, subnet):
        return f"{SUBNETS[subnet]}.{self.number}"

    def port_of(self, subnet):
        return f"{self.name}-{subnet}"

    def connect(self, subnet):
        inner = ["peer", "name", f"to-{subnet}", "netns", self.space]
        ip("link", "add", "name", self.port_of(subnet), "type", "veth", *inner, where=self.lab.switch)
        ip("link", "set", self.port_of(subnet), "master", subnet, "up", where=self.lab.switch)
        ip("addr", "add", f"{self.address(subnet)}/24", "dev", f"to-{subnet}", where=self.space)
        ip("link", "set", f"to-{subnet}", "up", where=self.space)

    def link(self, subnet, state):
        """The machine's own end of a link."""
        ip("link", "set", f"to-{subnet}", state, where=self.space)

    def cable(self, subnet, state):
        """The switch's end: the machine loses the carrier."""
        ip("link", "set", self.port_of(subnet), state, where=self.lab.switch)

    def start(self, key, *words):
        command = ["ip", "netns", "exec", self.space, PROGRAM, "--name", self.name, "--network-key-file", key]
        command += ["--port", PORT, "--api-port", API, "--profile", "lan", "--format", "json", *words]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PEERKIT_", "TS_"))}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen([*map(str, command)], env=clean, text=True, **pipes)
        for stream, into in ((self.process.stdout, self.lines), (self.process.stderr, self.log)):
            self.threads.append(threading.Thread(target=self._read, args=(stream, into)))
            self.threads[-1].start()
        until(lambda: re.search("listens on", "\n".join(self.log)) or self.process.poll() is not None, "it starts", self)
        if self.process.poll() is not None:
            raise AssertionError("the node does not start: " + "\n".join(self.log))

    @staticmethod
    def _read(stream, into):
        with stream:
            for line in stream:
                into.append(line.rstrip("\n"))

    def members(self):
        command = ["ip", "netns", "exec", self.space, PROGRAM, "status", f"127.0.0.1:{API}"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        if run.returncode != 0:
            raise AssertionError(f"{self.name} does not answer: {run.stderr}\n" + "\n".join(self.log))
        return {m["name"]: m for m in json.loads(run.stdout)["members"]}

    def uses(self, other):
        """The address at which this node reaches the other; none unless it holds it alive."""
        member = self.members().get(other.name, {"state": "unknown"})
        return member["endpoint"].rsplit(":", 1)[0] if member["state"] == "alive" else None

    def events(self, *kinds):
        all_events = [json.loads(line) for line in list(self.lines)]
        return [e for e in all_events if e["event"] in kinds]

    def close(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=PATIENCE)
        for thread in self.threads:
            thread.join()


class SeveralAddresses(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp")
        self.addCleanup(scratch.cleanup)
        self.key = pathlib.Path(scratch.name) / "net.psk"
        subprocess.run([PROGRAM, "psk", self.key], check=True, capture_output=True, timeout=PATIENCE)
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        sites = {1: "site1", 2: "site1", 3: "site2", 4: "site2"}
        self.machines = [Machine(self.lab, number, site, "overlay") for number, site in sites.items()]
        first = self.machines[0]
        for machine in self.machines:
            self.addCleanup(machine.close)
            machine.start(self.key, "--peers", f"{first.address('overlay')}:{PORT}")
        until(lambda: all(len(m.members()) == 4 for m in self.machines), "they all meet", *self.machines)
        until(self.settled, "everybody uses the subnet that is shared, else the overlay", *self.machines)

    def tearDown(self):
        for machine in self.machines:
            self.assertEqual(machine.events("dead"), [], machine.name)

    def site(self, machine):
        return "site1" if machine.number <= 2 else "site2"

    def settled(self):
        def right(one, other):
            subnet = self.site(other) if self.site(one) == self.site(other) else "overlay"
            return one.uses(other) == other.address(subnet)

        return all(right(one, other) for one in self.machines for other in self.machines if one is not other)

    def test_a_link_that_goes_down_is_followed_by_the_overlay_and_used_again_when_it_is_up(self):
        one, two = self.machines[:2]
        for change in ("link", "cable"):  # switched off here, or pulled out over there
            with self.subTest(change):
                getattr(one, change)("site1", "down")
                until(
                    lambda: two.uses(one) == one.address("overlay") and one.uses(two) == two.address("overlay"),
                    "the two are reached over the overlay", *self.machines,
                )  # fmt: skip
                getattr(one, change)("site1", "up")
                until(self.settled, "the subnet is used again", *self.machines)

    def test_an_address_that_is_new_is_announced_and_used(self):
        one, three = self.machines[0], self.machines[2]
        before = len(one.events("updated"))
        for machine in (one, three):
            machine.connect("fresh")
        until(lambda: len(one.events("updated")) > before, "the new address is announced", *self.machines)
        for machine in (one, three):
            machine.link("overlay", "down")
        until(
            lambda: one.uses(three) == three.address("fresh") and three.uses(one) == one.address("fresh"),
            "the two are reached at their new addresses", *self.machines,
        )  # fmt: skip
        # The others share no subnet with them any more, and hear through each other that they are alive.
        for machine in (one, three):
            machine.link("overlay", "up")
        everybody = {m.name: "alive" for m in self.machines}

        def whole():
            return all({n: v["state"] for n, v in m.members().items()} == everybody for m in self.machines)

        until(whole, "everybody sees everybody", *self.machines)

    def test_an_address_that_is_forced_is_the_only_one(self):
        late = Machine(self.lab, 5, "site1", "overlay")
        self.machines.append(late)
        self.addCleanup(late.close)
        late.start(self.key, "--peers", f"{self.machines[0].address('overlay')}:{PORT}", "--advertise",
                   late.address("overlay"))  # fmt: skip
        one = self.machines[0]
        until(lambda: one.uses(late) == late.address("overlay"), "it is where it says it is", *self.machines)
        # Although it shares a subnet with the first, and still when an interface comes and goes.
        late.link("site1", "down")
        time.sleep(1)
        late.link("site1", "up")
        time.sleep(3)
        self.assertEqual(one.uses(late), late.address("overlay"))


def missing():
    if not PROGRAM.exists():
        return f"{PROGRAM} was not built"
    if shutil.which("ip") is None:
        return "there is no ip(8)"
    probe = f"pk{os.getpid() % 100000}-probe"
    made = ip("netns", "add", probe, check=False)
    if made.returncode != 0:
        return f"no network namespaces here: {made.stderr.strip()}"
    bridge = ip("link", "add", "name", "probe", "type", "bridge", where=probe, check=False)
    ip("netns", "del", probe, check=False)
    return None if bridge.returncode == 0 else f"no bridges here: {bridge.stderr.strip()}"


if __name__ == "__main__":
    if why := missing():
        print(why)
        sys.exit(1 if os.environ.get("CI") == "true" and PROGRAM.exists() else 77)
    unittest.main(verbosity=2)
