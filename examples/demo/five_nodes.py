#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Five node processes that find each other, lose one, take it back and say goodbye; a table of when each saw what.
"""Each process has a loopback address of its own, 127.0.0.1 to 127.0.0.5, as if it were a machine.

Two nodes are told of each other by a static list. Three ask the Tailscale daemon of "their" machine, for which
local_api.py stands in: its document names all five at tailnet addresses, 100.64.0.1 to 100.64.0.5. What is missing here
is the tunnel that carries those addresses to the machines; in its place the nodes are told with --translate where each
one ends. (Giving the addresses to the loopback interface would need root and could hide machines of a real tailnet;
writing 127.0.0.x into the document would be refused: no peer of a tailnet has such an address.)
"""
import argparse
import datetime
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

NAMES = [f"tw-node{i:02}" for i in range(1, 6)]
STATIC = NAMES[:2]
VICTIM = NAMES[3]
HERE = pathlib.Path(__file__).resolve().parent


class Failed(Exception):
    """The demonstration did not show what it should; the text says what."""


def free_port(addresses, kinds):
    """A port free on all addresses, below those the system gives to outgoing connections."""
    for _ in range(200):
        port = random.randrange(20000, 30000)
        held = []
        try:
            for address in addresses:
                for kind in kinds:
                    held.append(socket.socket(socket.AF_INET, kind))
                    held[-1].bind((address, port))
            return port
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise Failed("no port is free on all of " + ", ".join(addresses))


class Node:
    """One node program, started any number of times; its events are read from what it prints."""

    def __init__(self, demo, index):
        self.demo = demo
        self.name = NAMES[index]
        self.address = f"127.0.0.{index + 1}"
        self.tailnet = f"100.64.0.{index + 1}"
        self.output = demo.directory / f"{self.name}.out"
        self.log = demo.directory / f"{self.name}.log"
        self.process = None
        self.offset = 0
        self.events = []

    def start(self):
        demo = self.demo
        command = [
            demo.program, "run", "--name", self.name, "--bind", self.address, "--port", str(demo.gossip_port),
            "--api-port", str(demo.api_port), "--network", "demo", "--network-key-file", str(demo.key),
            "--state-dir", str(demo.directory / self.name), "--profile", "local", "--format", "json",
            "--peer-port", str(demo.gossip_port),
        ]  # fmt: skip
        if self.name in STATIC:
            others = [n.address for n in demo.nodes if n.name in STATIC and n is not self]
            command += ["--discover", "static", "--peers", ",".join(others)]
        else:
            command += ["--discover", "tailscale", "--prefix", "tw_node*"]
            command += ["--tailscale-socket", str(demo.directory / f"{self.name}.sock")]
            command += ["--translate", ",".join(f"{n.tailnet}={n.address}" for n in demo.nodes)]
        with open(self.output, "ab") as out, open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True
            )

    def signal(self, number):
        self.process.send_signal(number)

    def check_running(self):
        code = self.process.poll()
        if code is not None:
            raise Failed(f"{self.name} ended by itself with exit status {code}")

    def health(self):
        """What the node says at this moment; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{self.demo.api_port}/health", timeout=3) as got:
                return json.load(got)
        except (OSError, urllib.error.URLError, ValueError):
            return None

    def states(self):
        """name -> state, as this node sees them."""
        return {m["name"]: m["state"] for m in (self.health() or {"members": []})["members"]}

    def sees_all(self):
        members = (self.health() or {"members": []})["members"]
        return sorted((m["name"], m["state"]) for m in members) == [(name, "alive") for name in NAMES]

    def read_events(self):
        with open(self.output, "rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.offset += len(line)
                event = json.loads(line)
                event["at"] = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
                self.events.append(event)

    def first(self, kind, name, since):
        """Seconds from the start of the demonstration to the first such event not before `since`."""
        found = [e["at"] for e in self.events if e["event"] == kind and e.get("name") == name and e["at"] >= since]
        return found[0] - self.demo.began if found else None


class Demo:
    def __init__(self, options):
        self.program = str(pathlib.Path(options.node).resolve())
        self.patience = options.patience
        self.keep = options.keep
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="peerkit-demo-", dir="/tmp"))  # a socket's path is short
        self.key = self.directory / "net.key"
        self.nodes = [Node(self, i) for i in range(len(NAMES))]
        addresses = [n.address for n in self.nodes]
        self.gossip_port = free_port(addresses, [socket.SOCK_DGRAM, socket.SOCK_STREAM])
        self.api_port = free_port(addresses, [socket.SOCK_STREAM])
        self.local_api = None
        self.began = time.time()
        self.story = []

    def say(self, text):
        now = time.time() - self.began
        self.story.append((now, text))
        print(f"{now:7.2f} s  {text}", flush=True)

    def wait(self, what, condition, nodes):
        """Until condition(node) holds for all nodes at once. Returns when it first held for each, in seconds."""
        deadline = time.monotonic() + self.patience
        when = {}
        while True:
            lacking = []
            for node in nodes:
                node.check_running()
                if condition(node):
                    when.setdefault(node.name, time.time() - self.began)
                else:
                    lacking.append(node)
            if not lacking:
                return when
            if time.monotonic() > deadline:
                seen = "; ".join(f"{n.name} sees {n.states()}" for n in lacking)
                raise Failed(f"{what}: still not so after {self.patience:g} s ({seen})")
            time.sleep(0.05)

    def start_local_api(self):
        machines = [f"{n.name}={n.tailnet}" for n in self.nodes]
        with open(self.directory / "local_api.log", "wb") as log:
            self.local_api = subprocess.Popen(
                [sys.executable, "-B", str(HERE / "local_api.py"), str(self.directory), *machines],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + self.patience
        while not all((self.directory / f"{n.name}.sock").exists() for n in self.nodes):
            if self.local_api.poll() is not None or time.monotonic() > deadline:
                raise Failed("the stand-in for the Tailscale daemon does not start")
            time.sleep(0.02)

    def run(self):
        self.make_key()
        self.start_local_api()
        victim = next(n for n in self.nodes if n.name == VICTIM)
        others = [n for n in self.nodes if n is not victim]

        self.began = time.time()
        for node in self.nodes:
            node.start()
        self.say(f"five processes started; gossip on port {self.gossip_port}, API on port {self.api_port}")
        all_alive = self.wait("all five list all five as alive", Node.sees_all, self.nodes)
        self.say("all five list all five as alive")
        before = victim.health()

        killed = time.time()
        victim.signal(signal.SIGKILL)
        victim.process.wait()
        self.say(f"{VICTIM} killed with SIGKILL")
        self.wait(f"{VICTIM} is dead", lambda n: n.states().get(VICTIM) == "dead", others)
        self.say(f"the other four say that {VICTIM} is dead")

        restarted = time.time()
        victim.start()
        self.say(f"{VICTIM} started again")
        back = self.wait(f"{VICTIM} is back", Node.sees_all, self.nodes)
        after = victim.health()
        if after["id"] != before["id"] or after["incarnation"] <= before["incarnation"]:
            raise Failed(f"{VICTIM} did not come back as the same node with a later incarnation")
        self.say("all five list all five as alive again")

        left = {}
        if not self.keep:
            left = self.leave_one_by_one()
        self.show_table(all_alive, killed, restarted, back, left)

    def make_key(self):
        command = [self.program, "psk", str(self.key)]
        made = subprocess.run(command, capture_output=True, text=True, timeout=self.patience)
        if made.returncode != 0:
            raise Failed(f"no network key was made: {made.stderr.strip()}")

    def leave_one_by_one(self):
        """Each says goodbye while those that stay watch. Returns, per node, when the first one's goodbye was seen."""
        staying = list(self.nodes)
        while staying:
            leaving = staying.pop()
            leaving.signal(signal.SIGINT)
            if staying:
                self.wait(f"{leaving.name} has left", lambda n: n.states().get(leaving.name) == "left", staying)
            try:
                code = leaving.process.wait(timeout=self.patience)
            except subprocess.TimeoutExpired:
                raise Failed(f"{leaving.name} does not end after SIGINT") from None
            if code != 0:
                raise Failed(f"{leaving.name} ended with exit status {code} after SIGINT")
        for node in self.nodes:
            node.read_events()
            wrong = [e["name"] for e in node.events if e["event"] == "dead" and e["name"] != VICTIM]
            if wrong:
                raise Failed(f"{node.name} took {', '.join(wrong)} for dead")
        self.say("all five said goodbye, and who stayed saw it")
        return {n.name: n.first("left", NAMES[-1], 0) for n in self.nodes}

    def show_table(self, all_alive, killed, restarted, back, left):
        for node in self.nodes:
            node.read_events()
        titles = ["node", "found by", "sees all five", f"{VICTIM} suspect", "dead", "up again", "sees all five"]
        if left:
            titles.append(f"{NAMES[-1]} left")
        rows = []
        for node in self.nodes:
            row = [node.name, "static list" if node.name in STATIC else "tailscale", all_alive[node.name]]
            row += [node.first(kind, VICTIM, killed) for kind in ("suspected", "dead")]
            row += [node.first("up", VICTIM, restarted) if node.name != VICTIM else None, back[node.name]]
            if left:
                row.append(left[node.name])
            rows.append(["-" if cell is None else cell if isinstance(cell, str) else f"{cell:.2f}" for cell in row])
        print("\nWhen each node saw it, in seconds since the start "
              f"({VICTIM} killed at {killed - self.began:.2f}, started again at {restarted - self.began:.2f}):\n")
        widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
        for row in [titles, ["-" * width for width in widths], *rows]:
            cells = enumerate(zip(row, widths))
            print("  ".join(cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in cells))

    def processes(self):
        return [p for p in [*(n.process for n in self.nodes), self.local_api] if p is not None and p.poll() is None]

    def stop_all(self):
        for process in self.processes():
            process.kill()
            process.wait()

    def show_logs(self):
        for node in self.nodes:
            for path in (node.output, node.log):
                lines = path.read_text(errors="replace").splitlines() if path.exists() else []
                print(f"\n---- the end of {path}", *lines[-12:], sep="\n")
        print(f"\nEverything the nodes wrote is in {self.directory}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--node", required=True, help="the node program")
    parser.add_argument("--keep", action="store_true", help="leave the nodes running")
    parser.add_argument("--patience", type=float, default=30, help="seconds each thing may take (30)")
    options = parser.parse_args()

    def interrupted(number, frame):
        raise Failed(f"interrupted by signal {number}")

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    demo = None
    try:
        demo = Demo(options)
        demo.run()
    except BaseException as why:
        if demo is None:
            raise
        demo.stop_all()
        demo.show_logs()
        if not isinstance(why, Failed):
            raise
        print(f"\nFAILED: {why}", file=sys.stderr)
        return 1
    if options.keep:
        running = " ".join(str(p.pid) for p in demo.processes())
        print(f"\nAll five keep running; logs, keys and state are in {demo.directory}. Look at one, then stop them:\n"
              f"  curl http://{demo.nodes[0].address}:{demo.api_port}/health\n"
              f"  kill -INT {running}")
        return 0
    demo.stop_all()
    shutil.rmtree(demo.directory)
    print("\nEverything happened as it should.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
