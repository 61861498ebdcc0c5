#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Multicast DNS with avahi, both ways: on one machine that shares the port, and between two on a link of their own.
"""Needs avahi-daemon, avahi-browse, dbus-daemon and the right to make network namespaces; exits with 77 without.

PEERKIT_BUILD_DIR is the build directory; PEERKIT_MDNS_TOOL, if set, is the tool itself. Everything runs in namespaces of
its own: network, mounts (its own /run and avahi configuration) and processes.
"""
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("PEERKIT_BUILD_DIR", "build/gcc-debug"))
TOOL = pathlib.Path(os.environ.get("PEERKIT_MDNS_TOOL", BUILD / "tests" / "integration_mdns_tool")).resolve()
INSIDE = "PEERKIT_MDNS_INSIDE"
PATIENCE = 60  # seconds, for the slowest of sanitizers
SERVICE = "_peerkit._udp"

AVAHI = """[server]
host-name={host}
domain-name=local
use-ipv4=yes
use-ipv6=yes
allow-interfaces={interface}
enable-dbus={dbus}
disallow-other-stacks=no
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
publish-aaaa-on-ipv4=yes
"""
STATIC = """<?xml version="1.0" standalone='no'?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>{name}</name><service>
<type>{service}</type><port>{port}</port>
<txt-record>v=1</txt-record><txt-record>id=abc</txt-record>
</service></service-group>
"""
DBUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
"""


def skip(why):
    print(why, file=sys.stderr)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def run(*words, **more):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=PATIENCE, **more)


def must(*words):
    done = run(*words)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr}{done.stdout}")
    return done.stdout


QUESTION = b"".join(bytes([len(p)]) + p.encode() for p in [*SERVICE.split("."), "local"]) + b"\0" + struct.pack(">2H", 12, 1)


def ask(source, destination, patience=PATIENCE):
    """Asks for the service as a resolver does that knows nothing of multicast: from a port of its own. (reply, sender)"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind((source, 0))
        asker.settimeout(patience)
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
        asker.sendto(struct.pack(">6H", 0x4711, 0, 1, 0, 0, 0) + QUESTION, destination)
        return asker.recvfrom(9000)


def eventually(what, patience=PATIENCE):
    """Calls until the answer is true, and gives it; the last one if it never is."""
    end = time.monotonic() + patience
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.2)


class Base(unittest.TestCase):
    """A directory, and programs that are ended with the test."""

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pk-mdns-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def start(self, *words, **more):
        log = open(self.scratch / f"log-{len(list(self.scratch.iterdir()))}", "w+b")
        self.addCleanup(log.close)
        process = subprocess.Popen([str(w) for w in words], stdout=log, stderr=subprocess.STDOUT, **more)
        process.log = log.name
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def publish(self, *words, prefix=()):
        """Our responder; `stop` ends it with a goodbye. Gives the process and the name it ended up with."""
        process = subprocess.Popen(
            [*prefix, str(TOOL), "publish", *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(self.end, process)
        line = process.stdout.readline()
        self.assertTrue(line.startswith("published "), line)
        return process, line.removeprefix("published ").strip()

    def stop(self, process):
        process.stdin.close()
        self.assertEqual(process.wait(timeout=PATIENCE), 0)

    def browse(self, interface, seconds=2, prefix=()):
        done = run(*prefix, TOOL, "browse", interface, SERVICE, seconds)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def avahi(self, interface, host, dbus, services=()):
        """avahi-daemon with static services; its configuration directory is ours."""
        files = pathlib.Path("/etc/avahi/services")
        for old in files.glob("*.service"):
            old.unlink()
        for name, port in services:
            (files / f"{port}.service").write_text(STATIC.format(name=name, service=SERVICE, port=port))
        config = self.scratch / "avahi.conf"
        config.write_text(AVAHI.format(host=host, interface=interface, dbus="yes" if dbus else "no"))
        environment = dict(os.environ)
        if dbus:
            address = self.scratch / "bus"
            bus = self.scratch / "bus.conf"
            bus.write_text(DBUS.format(socket=address))
            self.start("dbus-daemon", f"--config-file={bus}", "--nofork", "--nopidfile")
            self.assertTrue(eventually(address.exists), "no D-Bus")
            environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={address}"
        self.environment = environment
        daemon = self.start(
            "avahi-daemon", "-f", config, "--no-drop-root", "--no-chroot", "--no-rlimits", env=environment
        )
        said = lambda: "Server startup complete" in pathlib.Path(daemon.log).read_text(errors="replace")
        self.assertTrue(eventually(said), pathlib.Path(daemon.log).read_text(errors="replace"))
        for _, port in services:
            known = lambda: re.search(r"Service .* successfully established", pathlib.Path(daemon.log).read_text(errors="replace"))
            self.assertTrue(eventually(known), "avahi does not publish")
        return daemon

    def avahi_browse(self):
        """Resolved instances: [interface, family, name, type, domain, host, address, port, text]."""
        done = run("avahi-browse", "-rpt", SERVICE, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line[2:].split(";") for line in done.stdout.splitlines() if line.startswith("=;")]


class OneMachine(Base):
    """avahi and peerkit share port 5353 of one machine."""

    def setUp(self):
        super().setUp()
        # Nobody is at the other end; a dummy interface would do, but not every kernel has one.
        must("ip", "link", "add", "pk0", "type", "veth", "peer", "name", "pk9")
        self.addCleanup(run, "ip", "link", "del", "pk0")
        must("ip", "link", "set", "pk9", "up")
        must("ip", "link", "set", "pk0", "up")
        must("ip", "address", "add", "10.77.0.1/24", "dev", "pk0")
        self.quiet("pk0")

    def quiet(self, interface, prefix=()):
        """Waits until no IPv6 address is on trial any more: sending from one fails."""
        eventually(lambda: "tentative" not in run(*prefix, "ip", "-6", "address", "show", "dev", interface).stdout)

    def test_avahi_lists_a_peerkit_node_with_port_and_text_until_it_leaves(self):
        self.avahi("pk0", "pk-avahi", dbus=True)
        node, name = self.publish("pk0", SERVICE, "node one", 9123, "v=1", "id=0123", "zone=a b")
        self.assertEqual(name, "node one")
        found = eventually(self.avahi_browse)
        self.assertTrue(found, "avahi-browse lists nothing")
        v4 = [f for f in found if f[1] == "IPv4"]
        self.assertTrue(v4, found)
        _, _, label, kind, domain, host, address, port, text = v4[0]
        self.assertEqual((label, kind, domain, address, port), ("node\\032one", SERVICE, "local", "10.77.0.1", "9123"))
        self.assertTrue(host.startswith("peerkit-") and host.endswith(".local"), host)
        self.assertEqual(sorted(re.findall(r'"([^"]*)"', text)), ["id=0123", "v=1", "zone=a b"])
        self.stop(node)
        self.assertTrue(eventually(lambda: not self.avahi_browse()), "the goodbye was not heard")

    def test_peerkit_finds_a_service_that_avahi_publishes(self):
        self.avahi("pk0", "pk-avahi", dbus=False, services=[("Avahi node", 9321)])
        found = eventually(lambda: self.browse("pk0"))
        self.assertEqual(len(found), 1, found)
        self.assertIn("instance=Avahi node host=pk-avahi.local port=9321", found[0])
        self.assertIn("address=10.77.0.1", found[0])
        self.assertIn("text=v=1", found[0])
        self.assertIn("text=id=abc", found[0])

    def test_a_name_that_avahi_has_is_left_to_it(self):
        self.avahi("pk0", "pk-avahi", dbus=False, services=[("twin", 9321)])
        _, name = self.publish("pk0", SERVICE, "twin", 9322)
        self.assertEqual(name, "twin-2")
        both = lambda: [line for line in [self.browse("pk0")] if len(line) == 2]
        found = eventually(both)
        self.assertTrue(found, "not both are found")
        self.assertIn("port=9321", found[0][0])
        self.assertIn("port=9322", found[0][1])

    def test_a_resolver_that_knows_only_unicast_is_answered(self):
        self.publish("pk0", SERVICE, "node one", 9123, "v=1")
        reply, sender = ask("10.77.0.1", ("224.0.0.251", 5353))
        self.assertEqual(sender, ("10.77.0.1", 5353))
        self.assertEqual(struct.unpack(">6H", reply[:12])[:4], (0x4711, 0x8400, 1, 1))
        self.assertTrue(reply[12:].startswith(QUESTION), "the question is not repeated")
        self.assertIn(b"\x08node one", reply)


class TwoMachines(OneMachine):
    """The same across a wire: avahi on one side, peerkit on the other."""

    def setUp(self):
        Base.setUp(self)
        other = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.addCleanup(self.end, other)
        self.addCleanup(run, "ip", "link", "del", "pk0")
        self.there = ["nsenter", f"--net=/proc/{other.pid}/ns/net"]
        own = os.readlink("/proc/self/ns/net")
        self.assertTrue(eventually(lambda: os.readlink(f"/proc/{other.pid}/ns/net") != own))
        must("ip", "link", "add", "pk0", "type", "veth", "peer", "name", "pk1", "netns", other.pid)
        for prefix, name, address in ((), "pk0", "10.77.0.2"), (self.there, "pk1", "10.77.0.1"):
            must(*prefix, "ip", "link", "set", name, "up")
            must(*prefix, "ip", "address", "add", f"{address}/24", "dev", name)
        self.quiet("pk0")
        self.quiet("pk1", self.there)

    def publish(self, interface, *words):
        return super().publish("pk1", *words, prefix=self.there)

    def browse(self, interface):
        return super().browse("pk1", prefix=self.there)

    def test_peerkit_finds_a_service_that_avahi_publishes(self):
        self.avahi("pk0", "pk-avahi", dbus=False, services=[("Avahi node", 9321)])
        found = eventually(lambda: self.browse("pk1"))
        self.assertEqual(len(found), 1, found)
        self.assertIn("instance=Avahi node host=pk-avahi.local port=9321", found[0])
        self.assertIn("address=10.77.0.2", found[0])

    def test_peerkit_nodes_find_each_other_where_there_is_only_ipv6(self):
        for prefix, name in ((), "pk0"), (self.there, "pk1"):
            must(*prefix, "ip", "-4", "address", "flush", "dev", name)
        must(*self.there, "ip", "address", "add", "fd00:77::1/64", "dev", "pk1", "nodad")
        must("ip", "address", "add", "fd00:77::2/64", "dev", "pk0", "nodad")
        node, name = self.publish("pk1", SERVICE, "v6 node", 9123, "v=1")
        found = eventually(lambda: Base.browse(self, "pk0", 1))
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"instance={name} ", found[0])
        self.assertIn("port=9123 address=fd00:77::1 text=v=1", found[0])
        self.stop(node)

    def test_a_resolver_that_knows_only_unicast_is_answered(self):
        self.publish("pk1", SERVICE, "node one", 9123, "v=1")
        _, sender = ask("10.77.0.2", ("224.0.0.251", 5353))
        self.assertEqual(sender, ("10.77.0.1", 5353))
        # From an address that is not of this link there is no answer, whether the group is asked or the node alone.
        must("ip", "address", "add", "192.0.2.9/32", "dev", "pk0")
        must(*self.there, "ip", "route", "add", "192.0.2.9/32", "dev", "pk1")
        for there in ("10.77.0.1", 5353), ("224.0.0.251", 5353):
            with self.assertRaises(TimeoutError):
                ask("192.0.2.9", there, patience=1)
        ask("10.77.0.2", ("10.77.0.1", 5353))


def enter():
    """Starts this script again in namespaces of its own."""
    for program in ("avahi-daemon", "avahi-browse", "dbus-daemon", "ip", "unshare", "nsenter"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed")
    if not TOOL.is_file():
        skip(f"{TOOL} was not built")
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        words.append("--map-root-user")
    if subprocess.run([*words, "ip", "link", "set", "lo", "up"], capture_output=True).returncode != 0:
        skip("network namespaces are not allowed here")
    done = subprocess.run([*words, sys.executable, __file__, *sys.argv[1:]], env={**os.environ, INSIDE: "1"})
    sys.exit(done.returncode)


def furnish():
    """Its own /run and avahi configuration: what runs outside is not touched."""
    must("ip", "link", "set", "lo", "up")
    must("mount", "-t", "tmpfs", "none", "/run")
    must("mount", "-t", "tmpfs", "none", "/etc/avahi")
    pathlib.Path("/etc/avahi/services").mkdir()
    pathlib.Path("/run/avahi-daemon").mkdir()


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter()
    furnish()
    unittest.main()
