#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Runs peerkit-discover the way people do: every kind of source, lists, files that change, bad strategies.
"""Needs PEERKIT_EXAMPLES_DIR, the directory with peerkit-discover in it; exits with 77 if it was not built."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = pathlib.Path(os.environ.get("PEERKIT_EXAMPLES_DIR", "build/gcc-debug/examples")) / "peerkit-discover"
DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
PATIENCE = 60  # seconds, for the slowest of sanitizers


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PEERKIT_", "TS_"))}
    return {**clean, **more}


def call(*words, **variables):
    """Runs the program to its end."""
    return subprocess.run(
        [PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE, env=environment(**variables)
    )


def look(*words, **variables):
    """One run as JSON, with the exit status beside it."""
    ended = call("--json", *words, **variables)
    if ended.stderr:
        raise AssertionError(ended.stderr)
    return {**json.loads(ended.stdout), "status": ended.returncode}


def addresses(run):
    return [there for one in run["found"] for there in one["addresses"]]


class Watching:
    """The program with --watch and --json: one run after the other."""

    def __init__(self, *words, interval="86400", **variables):
        command = [PROGRAM, "--json", "--watch", "--interval", interval, *map(str, words)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment(**variables), text=True, **pipes)
        self.lines, self.taken, self.changed = [], 0, threading.Condition()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line)
                self.changed.notify()

    def next(self):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.lines) > self.taken, PATIENCE):
                raise AssertionError(f"no run follows: {self.lines}")
            self.taken += 1
            return json.loads(self.lines[self.taken - 1])

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self.thread.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)


class Sources(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def program(self, body):
        path = self.directory / "list-peers"
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(0o755)
        return path

    def test_static_peers_are_printed_with_labels(self):
        ended = call("--strategy", 'static peers="192.0.2.1 zone=a role=db, [2001:db8::1]:9100"', "--port", 7000)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertRegex(ended.stdout, r"(?m)^static peers=.*: found 2 in \d+\.\d ms$")
        self.assertIn("  192.0.2.1:7000  static  zone=a  role=db\n", ended.stdout)
        self.assertIn("  [2001:db8::1]:9100  static\n", ended.stdout)

    def test_names_are_looked_up(self):
        run = look("static peers=localhost:9100,192.0.2.1")
        self.assertIn(addresses(run)[0], ("127.0.0.1:9100", "[::1]:9100"))
        self.assertEqual(addresses(run)[-1], "192.0.2.1:9000")
        self.assertEqual(run["found"][0]["name"], "localhost")
        self.assertEqual(run["providers"][0]["asked"], 1)
        self.assertGreaterEqual(run["took_us"], run["providers"][0]["took_us"])

    def test_a_node_on_this_machine_is_left_out_where_asked_for(self):
        peers = "static peers=127.0.0.1:9000,127.0.0.1:9001,192.0.2.1"
        self.assertEqual(len(addresses(look(peers))), 3)
        self.assertEqual(addresses(look(peers, "--as", 9000)), ["127.0.0.1:9001", "192.0.2.1:9000"])
        self.assertEqual(look("static peers=127.0.0.1:9000", "--as", 9000)["status"], 1)

    def test_an_environment_variable(self):
        run = look("environment", PEERKIT_PEERS="192.0.2.1, 192.0.2.2:9100 zone=b")
        self.assertEqual(addresses(run), ["192.0.2.1:9000", "192.0.2.2:9100"])
        self.assertEqual(run["found"][1]["labels"], {"zone": "b"})
        self.assertEqual(run["found"][1]["source"], "environment")
        unset = look("environment variable=SITE")
        self.assertEqual((unset["found"], unset["status"]), ([], 1))
        self.assertIn("SITE is not set", unset["providers"][0]["notices"][0]["text"])
        bad = look("environment variable=SITE", SITE="192.0.2.1, db:99999")
        self.assertEqual(addresses(bad), ["192.0.2.1:9000"])
        self.assertRegex(bad["providers"][0]["notices"][0]["text"], r"SITE: line 1: 'db:99999' \(.*port.*at 3 \(port\)\)")

    def test_the_strategy_may_be_in_the_environment(self):
        self.assertEqual(addresses(look(PEERKIT_STRATEGY="static peers=192.0.2.1")), ["192.0.2.1:9000"])

    def test_a_program_that_prints_peers(self):
        path = self.program('echo "192.0.2.1 site=$1"; echo "a warning" >&2')
        run = look(f'command run="{path} \\"a b\\""')
        self.assertEqual(run["found"][0]["labels"], {"site": "a"})  # the rest of the line is another entry
        self.assertEqual(run["found"][0]["source"], "command")

    def test_a_program_that_fails_hangs_floods_or_is_not_there(self):
        for body, options, sentence, notice in (
            ('echo 192.0.2.1; echo "no access" >&2; exit 3', "", "ended with an error, at 3", "says: no access"),
            ("exec sleep 1000", "run_timeout=300ms", "did not come in time, at 300", ""),
            ("exec yes 192.0.2.1", "", "larger than the limit", ""),
        ):
            with self.subTest(body=body):
                run = look(f'command run="{self.program(body)}" {options}')
                self.assertEqual(run["status"], 1)
                self.assertIn(sentence, run["failed"])
                self.assertIn(notice, run["providers"][0]["notices"][0]["text"])
        self.assertIn("cannot be used, at 2", look("command run=/nonexistent/program")["failed"])

    def test_a_tailscale_document(self):
        document = DATA / "tailscale" / "s5_running_everything.json"
        run = look(f"tailscale file={document}")
        self.assertEqual(run["status"], 0)
        self.assertTrue(all(one["source"] == "tailscale" for one in run["found"]))
        nobody = look(f"tailscale file={document} prefix=nobody-is-called-so")
        self.assertEqual((nobody["status"], nobody["found"]), (1, []))

    def test_multicast_finds_nobody_who_is_not_there(self):
        run = look("mdns service=_nobody._udp listen=200ms")
        self.assertEqual(run["status"], 1)

    def test_a_file_is_followed(self):
        path = self.directory / "peers.txt"

        def write(text):
            fresh = self.directory / "peers.new"
            fresh.write_text(text)
            fresh.rename(path)

        with Watching(f"file path={path}") as program:
            gone = program.next()
            self.assertIn("cannot be used, at 2", gone["failed"])
            self.assertEqual(gone["watching"], [str(path)])
            write("# site A\n192.0.2.1 zone=a\n")
            self.assertEqual(addresses(program.next()), ["192.0.2.1:9000"])
            write("192.0.2.1\n192.0.2.2:9100 # another\n")
            self.assertEqual(addresses(program.next()), ["192.0.2.1:9000", "192.0.2.2:9100"])
            write("192.0.2.3\n192.0.2.4 zone=a zone=b\n")
            bad = program.next()
            self.assertEqual(addresses(bad), ["192.0.2.1:9000", "192.0.2.2:9100"])
            texts = [told["text"] for told in bad["providers"][0]["notices"]]
            self.assertRegex(texts[0], r": line 2: '192\.0\.2\.4 zone=a zone=b' \(.*same key.*\(label key\)\)$")
            self.assertIn("the last good list stays", texts[1])
            path.unlink()
            self.assertEqual(len(addresses(program.next())), 2)
            write("192.0.2.5\n")
            last = program.next()
            self.assertEqual((addresses(last), last["run"]), (["192.0.2.5:9000"], 6))
            self.assertEqual(program.stop(), 0)

    def test_a_signal_ends_it_with_the_status_of_the_last_run(self):
        with Watching("none") as program:
            program.next()
            self.assertEqual(program.stop(signal.SIGINT), 1)

    def test_it_looks_again_after_the_interval(self):
        with Watching("static peers=192.0.2.1", interval="0.05") as program:
            self.assertEqual([program.next()["run"] for _ in range(3)], [1, 2, 3])


class Lists(unittest.TestCase):
    def test_first_of_says_who_was_asked(self):
        run = look("first_of(file path=/nonexistent/peers, none, static peers=192.0.2.1, environment)")
        self.assertEqual([one["asked"] for one in run["providers"]], [1, 1, 1, 0])
        self.assertIn("cannot be used", run["providers"][0]["failed"])
        self.assertEqual(run["providers"][1]["found"], [])
        self.assertEqual(addresses(run), ["192.0.2.1:9000"])
        self.assertEqual(run["watching"], ["/nonexistent/peers"])
        ended = call("first_of(none, static peers=192.0.2.1, environment)")
        self.assertIn("\nenvironment: not asked\n", ended.stdout)

    def test_all_of_merges(self):
        run = look('all_of(static peers="192.0.2.1 zone=a, 192.0.2.2", environment)', PEERKIT_PEERS="192.0.2.1 role=db")
        self.assertEqual(addresses(run), ["192.0.2.1:9000", "192.0.2.2:9000"])
        self.assertEqual(run["found"][0]["labels"], {"zone": "a", "role": "db"})

    def test_filters_say_how_many_they_dropped(self):
        run = look('static peers="192.0.2.1 zone=a, 192.0.2.2 zone=b" where=zone=b')
        self.assertEqual(addresses(run), ["192.0.2.2:9000"])
        self.assertEqual(len(run["providers"][0]["found"]), 2)
        self.assertIn("1 of 2 candidates kept", run["notices"][0]["text"])

    def test_a_run_that_takes_too_long_is_cut_off(self):
        since = time.monotonic()
        ended = call('command run="sleep 1000" run_timeout=10m', "--timeout", "0.3")
        self.assertLess(time.monotonic() - since, PATIENCE / 2)
        self.assertEqual(ended.returncode, 1)
        self.assertIn(": cut off\n", ended.stdout)
        self.assertIn("failed in ", ended.stdout)
        one = look('first_of(command run="sleep 1000" timeout=200ms, static peers=192.0.2.1)')
        self.assertEqual(addresses(one), ["192.0.2.1:9000"])

    def test_retries_are_counted(self):
        run = look('command run=/nonexistent/program retry=2')
        self.assertEqual(run["providers"][0]["asked"], 2)
        self.assertIn("attempt 2 of 2", run["notices"][0]["text"])


class BadInput(unittest.TestCase):
    def refused(self, strategy):
        ended = call(strategy)
        self.assertEqual((ended.returncode, ended.stdout), (2, ""))
        return ended.stderr.splitlines()

    def test_errors_are_shown_with_their_place(self):
        for strategy, sentence, mark in (
            ("static", "option that is missing (peers)", 0),
            ("static peers=a colour=red", "no such option, at 15 (static)", 15),
            ("static peers=a,b:99999", "not an endpoint, at 17 (port)", 17),
            ("first_of(mdns, ftp)", "no strategy has this name, at 15 (strategy)", 15),
            ("dns_pattern pattern=node.example.org", "name pattern is not valid, at 24 (pattern)", 24),
            ("dns_pattern pattern=n*.example.org first=9 last=1", "upside down, at 48 (last)", 48),
            ("tailscale tries=many", "permitted values, at 16 (tries)", 16),
            ("static peers=\"a", "quote that is not closed", 13),
            ("first_of(none", "not closed, at 8 (parenthesis)", 8),
            ("none timeout=5", "permitted values, at 13 (timeout)", 13),
        ):
            with self.subTest(strategy=strategy):
                lines = self.refused(strategy)
                self.assertTrue(lines[0].startswith("peerkit-discover: --strategy: "), lines)
                self.assertIn(sentence, lines[0])
                self.assertEqual(lines[1:3], ["  " + strategy, "  " + " " * mark + "^"])
                self.assertEqual(lines[3], "See peerkit-discover --help.")

    def test_flags_are_checked(self):
        self.assertIn("--strategy: is missing", call().stderr)
        for words in (["--port", "0"], ["--interval", "-1"], ["--timeout", "x"], ["--unheard-of"], ["--as", "70000"]):
            with self.subTest(words=words):
                self.assertEqual(call("none", *words).returncode, 2)

    def test_help_lists_every_provider_and_key(self):
        text = call("--providers").stdout
        for name in "static file environment command tailscale dns_pattern dns_name dns_service mdns registry none".split():
            self.assertRegex(text, rf"(?m)^{name}\s")
        self.assertRegex(text, r"(?m)^    pattern=TEXT\s")
        self.assertRegex(text, r"(?m)^    timeout=TIME\s")
        self.assertIn("Exit status", call("--help").stdout)

    def test_nothing_found_moves_the_cursor(self):
        ended = call("command run=\"printf 192.0.2.1\\040k=\\033[2J\"")
        self.assertNotIn("\033", ended.stdout)
        self.assertNotIn("\033", call("environment variable=X", X="\033[2J").stdout)


class NameServer(unittest.TestCase):
    """Asks a real name server through c-ares, if both are there; on a build server they have to be."""

    @classmethod
    def setUpClass(cls):
        missing = AssertionError if os.environ.get("CI") == "true" else unittest.SkipTest
        if "without c-ares" in call("none", "--server", "127.0.0.1").stderr:
            raise missing("built without c-ares")
        program = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin:/sbin")
        if program is None:
            raise missing("dnsmasq is missing")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            cls.port = free.getsockname()[1]
        records = ["--host-record=tw_node01.test,192.0.2.1", "--host-record=tw_node07.test,192.0.2.7,2001:db8::7",
                   "--host-record=pods.test,192.0.2.11", "--host-record=pods.test,192.0.2.12",
                   "--srv-host=_peerkit._udp.test,tw_node01.test,9100,0,1"]
        cls.server = subprocess.Popen(
            [program, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
             "--listen-address=127.0.0.1", f"--port={cls.port}", "--local=/test/", "--pid-file=", "--user=", *records],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + PATIENCE
        while look("dns_name names=tw_node01.test", "--server", f"127.0.0.1:{cls.port}")["status"] != 0:
            if cls.server.poll() is not None or time.monotonic() > until:
                raise AssertionError("dnsmasq does not start: " + cls.server.stderr.read())

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait(PATIENCE)
        cls.server.stderr.close()

    def look(self, strategy):
        return look(strategy, "--server", f"127.0.0.1:{self.port}")

    def test_numbered_names(self):
        run = self.look("dns_pattern prefix=tw_node domain=test")
        found = {one["name"]: sorted(one["addresses"]) for one in run["found"]}
        self.assertEqual(list(sorted(found.values())), [["192.0.2.1:9000"], ["192.0.2.7:9000", "[2001:db8::7]:9000"]])
        self.assertTrue(all(one["source"] == "dns" for one in run["found"]))

    def test_all_addresses_of_a_name(self):
        run = self.look("dns_name names=pods.test:8000")
        self.assertEqual(sorted(addresses(run)), ["192.0.2.11:8000", "192.0.2.12:8000"])

    def test_a_service(self):
        run = self.look("dns_service service=_peerkit._udp.test")
        self.assertEqual(addresses(run), ["192.0.2.1:9100"])

    def test_a_name_that_is_not_there(self):
        run = self.look("dns_pattern pattern=nobody*.test last=3")
        self.assertEqual((run["found"], run["status"]), ([], 1))

    def test_a_server_that_is_none(self):
        ended = call("none", "--server", "nonsense!")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("--server", ended.stderr)


if __name__ == "__main__":
    if not PROGRAM.exists():
        print(f"skipped: no {PROGRAM}")
        sys.exit(77)
    unittest.main()
