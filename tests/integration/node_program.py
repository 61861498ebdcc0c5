#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Runs peerkit-node the way people do: flags, keys, ports, signals, and what it prints and serves.
"""Needs PEERKIT_EXAMPLES_DIR, the directory with peerkit-node in it; exits with 77 if it was not built."""
import json
import os
import pathlib
import random
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

PROGRAM = pathlib.Path(os.environ.get("PEERKIT_EXAMPLES_DIR", "build/gcc-debug/examples")) / "peerkit-node"
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


class Running:
    """A node that runs; `listen` and `api` are the ports it says it uses."""

    def __init__(self, *words, profile="local", stdout=subprocess.PIPE, **variables):
        command = [PROGRAM, "--bind", "127.0.0.1", "--port", "0", "--profile", profile, *map(str, words)]
        if "--api-port" not in words:
            command += ["--api-port", str(random.randrange(20000, 30000))]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": stdout, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment(**variables), text=True, **pipes)
        self.lines, self.log = [], []
        self.threads = [threading.Thread(target=self._read, args=(self.process.stderr, self.log))]
        if stdout == subprocess.PIPE:
            self.threads.append(threading.Thread(target=self._read, args=(self.process.stdout, self.lines)))
        for thread in self.threads:
            thread.start()
        ready = re.compile(r"node (\S+) ([0-9a-f]{64}) listens on \S+:(\d+), .*?(?:API on port (\d+))?$", re.M)
        until(lambda: ready.search("\n".join(self.log)) or self.process.poll() is not None, "it starts", self)
        said = ready.search("\n".join(self.log))
        if not said:
            raise AssertionError("the node does not start: " + "\n".join(self.log))
        self.name, self.id, self.listen = said[1], said[2], int(said[3])
        self.api = int(said[4]) if said[4] else 0

    @staticmethod
    def _read(stream, into):
        with stream:
            for line in stream:
                into.append(line.rstrip("\n"))

    def health(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api}/health", timeout=10) as got:
            return json.load(got)

    def states(self):
        return {m["name"]: m["state"] for m in self.health()["members"]}

    def ended(self):
        """Waits for the end; returns the exit status."""
        code = self.process.wait(timeout=PATIENCE)
        for thread in self.threads:
            thread.join()
        return code

    def events(self):
        return [json.loads(line) for line in list(self.lines)]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.ended()


def until(condition, what, *nodes):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            printed = "\n".join(line for node in nodes for line in node.lines + node.log)
            raise AssertionError(f"not so in {PATIENCE} s: {what}\n{printed}")
        time.sleep(0.02)


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(self.enterContext_(tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp")))
        self.key = self.scratch / "net.psk"
        self.assertEqual(call("psk", self.key).returncode, 0)

    def enterContext_(self, context):  # unittest has its own from Python 3.11 on
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def node(self, *words, key=None, **more):
        """A node of the network of this test, ended with it."""
        if key is not False:
            words = ("--network-key-file", key or self.key, *words)
        node = Running(*words, **more)
        self.addCleanup(node.close)
        return node

    def assertRefused(self, run, code, *phrases):
        self.assertEqual(run.returncode, code, run.stderr)
        for phrase in phrases:
            self.assertIn(phrase, run.stderr)
        self.assertEqual(run.stdout, "")


class Flags(Case):
    def test_help_documents_every_flag_with_its_variable_and_every_exit_status(self):
        text = call("--help").stdout
        flags = re.findall(r"^ +(--[a-z-]+).*$", text, re.M)
        self.assertGreater(len(flags), 20)
        for line in re.findall(r"^ +--[a-z-]+.*$", text, re.M):
            if "--version" not in line:
                self.assertRegex(line, r"\(Env:PEERKIT_[A-Z_]+\)")
        for word in ("run\n", "keygen\n", "psk\n", "status\n", "PEERKIT_NETWORK_KEY", "Exit status: 0", "/health"):
            self.assertIn(word, text)

    def test_a_wrong_value_is_refused_with_a_sentence_that_names_the_flag(self):
        wrong = [
            (["--port", "70000"], "--port"),
            (["--port", "x"], "--port"),
            (["--api-port", "-1"], "--api-port"),
            (["--peer-port", "0"], "--peer-port"),
            (["--bind", "nowhere"], "--bind 'nowhere'"),
            (["--api-bind", "1.2.3"], "--api-bind '1.2.3'"),
            (["--name", "two words"], "--name"),
            (["--name", "n" * 64], "--name"),
            (["--role", "a b"], "--role"),
            (["--label", "nokey"], "--label 'nokey'"),
            (["--label", "a=1", "--label", "a=2"], "--label"),
            (["--capability", "a b"], "--capability"),
            (["--service", "sql=port"], "--service 'sql=port'"),
            (["--service", "sql=65536"], "--service 'sql=65536'"),
            (["--advertise", "host.example"], "--advertise 'host.example'"),
            (["--profile", "moon"], "--profile"),
            (["--format", "xml"], "--format"),
            (["--log-level", "loud"], "--log-level"),
            (["--discover", "telepathy"], "--discover"),
            (["--discover", "static,static"], "--discover"),
            (["--discover", "none,static"], "--discover"),
            (["--peers", "good:9000,bad:port,1.2.3"], "'bad:port'", "'1.2.3'", "--peers"),
            (["--discover", "none", "--peers", "a"], "--peers"),
            (["--prefix", "tw"], "--prefix"),
            (["--domain", "a b"], "--domain"),
            (["--domain", "example.test", "--discover", "static"], "--domain"),
            (["--registry", "10.0.0.1:port"], "--registry"),
            (["--domain", "example.test", "--registry-protocol", "gopher"], "--registry-protocol"),
            (["--discover", "dns_pattern"], "--discover dns_pattern"),
            (["--discover", "dns_pattern", "--prefix", "tw_node"], "domain"),
            (["--discover", "dns_pattern", "--prefix", "a*b*.example.org"], "--prefix"),
            (["--discover", "file"], "--discover file", "path"),
            (["--peers-file", "peers"], "--peers-file", "--discover file"),
            (["--strategy", "static peers=a", "--discover", "static"], "--discover", "--strategy"),
            (["--strategy", "static peers=a", "--peers", "b"], "--peers"),
            (["--strategy", "first_of(mdns, telepathy)"], "--strategy", "no strategy has this name", "^"),
            (["--strategy", "mdns colour=red"], "--strategy", "no such option", "^"),
            (["--config", "/nonexistent/file"], "--config '/nonexistent/file'"),
            (["--discover", "tailscale", "--prefix", "a b"], "--prefix"),
            (["--translate", "100.64.0.1"], "--translate"),
            (["--translate", "a=127.0.0.1"], "--translate"),
            (["--translate", "100.64.0.1=host"], "--translate"),
            (["--state-dir", "/dev/null/x"], "--state-dir"),
            (["--record", "/dev/null/x"], "--record '/dev/null/x'"),
            (["--record-size", "0"], "--record-size"),
            (["--serve-registry", "king"], "--serve-registry 'king'"),
            (["--serve-registry", "integrated"], "--registry-root"),
            (["--serve-registry", "root", "--registry-root", "http://x"], "--registry-root"),
            (["--registry-root", "http://x"], "--serve-registry"),
            (["--nonsense"], "--nonsense"),
            (["stray"], "stray"),
        ]
        for words, *phrases in wrong:
            with self.subTest(" ".join(words)):
                self.assertRefused(call("run", "--open-network", *words), 2, *phrases)

    def test_an_unknown_command_is_refused(self):
        self.assertRefused(call("rnu"), 2, "'rnu'", "keygen")

    def test_variables_stand_for_flags_and_flags_win(self):
        self.assertRefused(call("--open-network", PEERKIT_PORT="x"), 2, "--port")
        node = self.node("--name", "flag", PEERKIT_NAME="variable", PEERKIT_ROLES="web,db", PEERKIT_NETWORK="other")
        health = node.health()
        self.assertEqual((health["name"], health["network"]), ("flag", "other"))
        self.assertEqual(health["members"][0]["roles"], ["db", "web"])

    def test_a_file_says_what_neither_flag_nor_variable_does(self):
        file = self.scratch / "node.toml"
        file.write_text('# all in one place\nname = "file"\nrole = ["web", "db"]\nnetwork = "of-file"\nlabel = ["a=1"]\n')
        node = self.node("--config", file, "--name", "flag", PEERKIT_NETWORK="of-variable")
        health = node.health()
        self.assertEqual((health["name"], health["network"]), ("flag", "of-variable"))
        self.assertEqual(health["members"][0]["roles"], ["db", "web"])
        file.write_text("open-network = true\n")
        self.assertTrue(self.node("--config", file, key=False).health()["open"])

    def test_a_file_that_says_something_else_is_refused(self):
        file = self.scratch / "node.toml"
        for text, phrase in (("colour = 1\n", "'colour'"), ("[run]\nname = 'a'\n", "run.name"), ("port = x\n", "--port")):
            with self.subTest(text):
                file.write_text(text)
                self.assertRefused(call("--open-network", "--config", file), 2, phrase)

    def test_a_record_that_does_not_fit_is_refused_before_anything_is_sent(self):
        labels = [word for i in range(16) for word in ("--label", f"key{i}=" + "v" * 120)]
        run = call("--open-network", "--bind", "127.0.0.1", "--port", "0", "--api-port", "0", *labels)
        self.assertRefused(run, 2, "record")


class Keys(Case):
    def test_keygen_makes_an_identity_only_its_owner_can_read_and_overwrites_nothing(self):
        file = self.scratch / "id.key"
        made = call("keygen", file)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertRegex(made.stdout, r"\A[0-9a-f]{64}\n\Z")
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        before = file.read_bytes()
        self.assertRefused(call("keygen", file), 1, str(file), "exists")
        self.assertEqual(file.read_bytes(), before)
        self.assertEqual(self.node("--identity-file", file).id, made.stdout.strip())

    def test_psk_prints_64_digits_or_writes_a_file_only_its_owner_can_read(self):
        one, other = call("psk").stdout, call("psk").stdout
        self.assertRegex(one, r"\A[0-9a-f]{64}\n\Z")
        self.assertNotEqual(one, other)
        self.assertEqual(stat.S_IMODE(self.key.stat().st_mode), 0o600)
        self.assertRefused(call("psk", self.key), 1, str(self.key), "exists")
        self.assertRefused(call("psk", self.scratch / "no" / "where"), 1, "where")

    def test_keys_others_can_read_are_refused(self):
        identity = self.scratch / "id.key"
        call("keygen", identity)
        cases = (("--network-key-file", self.key, []), ("--identity-file", identity, ["--open-network"]))
        for flag, file, more in cases:
            for mode in (0o644, 0o640, 0o604):
                file.chmod(mode)
                self.assertRefused(call(*more, flag, file), 2, flag, str(file), "others than its owner")

    def test_bad_key_files_are_refused(self):
        for text in ("", "00" * 31, "00" * 33, "xy" * 32, "00" * 32, "peerkit network key 9\n" + "ab" * 32):
            self.key.write_text(text)
            self.assertRefused(call("--network-key-file", self.key), 2, "--network-key-file", str(self.key))
        self.key.write_text("not an identity")
        self.assertRefused(call("--open-network", "--identity-file", self.key), 2, "--identity-file", str(self.key))
        self.assertRefused(call("--network-key-file", self.scratch / "absent"), 2, "absent", "does not exist")

    def test_a_node_needs_a_key_or_the_flag_of_an_open_network_and_not_two_of_them(self):
        self.assertRefused(call(), 2, "--network-key-file", "PEERKIT_NETWORK_KEY", "--open-network")
        self.assertRefused(call("--open-network", "--network-key-file", self.key), 2, "only one")
        digits = call("psk").stdout.strip()
        self.assertRefused(call("--open-network", PEERKIT_NETWORK_KEY=digits), 2, "only one")
        for wrong in ("00", digits[:-1], digits + "0", digits[:-1] + "x"):
            self.assertRefused(call(PEERKIT_NETWORK_KEY=wrong), 2, "PEERKIT_NETWORK_KEY")
        self.assertTrue(self.node("--open-network", key=False).health()["open"])
        self.assertFalse(self.node(key=False, PEERKIT_NETWORK_KEY=digits).health()["open"])


class Ports(Case):
    def test_a_taken_gossip_port_ends_the_program_and_names_the_flag(self):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as other:
                other.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    other.listen()
                port = str(other.getsockname()[1])
                run = call("--open-network", "--bind", "127.0.0.1", "--port", port, "--api-port", "0")
                self.assertRefused(run, 1, "--port " + port)

    def test_an_address_of_another_machine_cannot_be_bound(self):
        for flag in ("--bind", "--api-bind"):
            self.assertRefused(call("--open-network", "--port", "0", flag, "192.0.2.1"), 1, flag, "192.0.2.1")

    def test_a_taken_api_port_becomes_the_next_free_one_which_is_announced(self):
        first = self.node("--name", "first")
        second = self.node("--name", "second", "--api-port", first.api, "--peers", f"127.0.0.1:{first.listen}")
        self.assertGreater(second.api, first.api)
        self.assertTrue(any("warning" in line and f"--api-port {first.api} is taken" in line for line in second.log))
        until(lambda: "second" in first.states(), "they meet", first, second)
        told = next(m for m in first.health()["members"] if m["name"] == "second")
        self.assertEqual((told["api_port"], told["endpoint"]), (second.api, f"127.0.0.1:{second.listen}"))

    def test_the_api_can_be_switched_off(self):
        self.assertEqual(self.node("--api-port", "0").api, 0)


class Api(Case):
    def test_health_tells_who_the_node_is_and_whom_it_sees(self):
        words = ["--label", "zone=a=b", "--role", "web", "--service", "sql=5432=main", "--capability", "gpu", "--label", 'quote=say "\\x"']
        node = self.node("--name", "solo", *words)
        health = node.health()
        self.assertEqual((health["status"], health["name"], health["id"]), ("ok", "solo", node.id))
        self.assertEqual(health["counts"], {"alive": 1, "suspect": 0, "dead": 0, "left": 0})
        itself = health["members"][0]
        self.assertEqual(itself["labels"], {"zone": "a=b", "quote": 'say "\\x"'})
        [offered] = itself["services"]
        self.assertGreater(offered.pop("version"), 1_700_000_000)
        self.assertEqual(offered, {"name": "sql", "port": 5432, "info": "main", "health": "unknown"})
        self.assertEqual(itself["capabilities"], ["gpu"])
        self.assertEqual((itself["self"], itself["api_port"]), (True, node.api))
        self.assertEqual(itself["incarnation"], health["incarnation"])

    def test_members_are_chosen_and_explained(self):
        node = self.node("--name", "solo", "--label", "zone=a", "--service", "sql=5432", "--role", "web")

        def ask(words):
            with urllib.request.urlopen(f"http://127.0.0.1:{node.api}/members?{words}", timeout=10) as got:
                return json.loads(got.read())

        def chosen(words):
            return [m["name"] for m in ask(words)["members"]]

        for words in ("", "filter=zone%3Da,!gpu", "service=sql", "role=web", "name=solo", "departed=1"):
            self.assertEqual(chosen(words), ["solo"], words)
        for words in ("filter=zone%3Db", "service=sql&passing=1", "role=db", "capability=gpu", "nearest=3"):
            self.assertEqual(chosen(words), [], words)
        why = ask("explain=" + node.id)
        self.assertEqual((why["name"], why["state"], why["accusers"]), ("solo", "alive", []))
        self.assertIn("this node itself", why["text"])
        for words, code, part in (
            ("filter=zone%3D%22a", 400, "filter: core: a value was opened with"),
            ("nearest=0", 400, "nearest: '0'"),
            ("explain=12", 400, "explain: '12'"),
            ("explain=" + "7" * 64, 404, "not known"),
            ("colour=red", 400, "'colour'"),
        ):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                ask(words)
            self.assertEqual(refused.exception.code, code)
            self.assertIn(part, json.loads(refused.exception.read())["error"])
            refused.exception.close()

    def test_there_is_nothing_else(self):
        node = self.node()
        for path in ("/", "/healthz", "/../health"):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{node.api}{path}", timeout=10)
            self.assertEqual(refused.exception.code, 404)
            refused.exception.close()

    def test_entries_are_put_on_one_node_and_read_on_another(self):
        first = self.node("--name", "first")
        second = self.node("--name", "second", "--peers", f"127.0.0.1:{first.listen}")

        def ask(node, path, method="GET", body=None):
            asked = urllib.request.Request(f"http://127.0.0.1:{node.api}/entries{path}", body, method=method)
            try:
                with urllib.request.urlopen(asked, timeout=10) as got:
                    return json.load(got)
            except urllib.error.HTTPError as refused:
                with refused:
                    return refused.code, json.load(refused)["error"]

        def held(path):
            return {e["key"]: (e["value"], e["member"]) for e in ask(second, path)["entries"]}

        self.assertEqual(ask(first, "/shard/7", "PUT", b"ready"), {"status": "ok"})
        self.assertEqual(ask(first, "/role", "PUT", b"leader"), {"status": "ok"})
        until(lambda: len(held("")) == 2, "the entries arrive", first, second)
        self.assertEqual(held("?prefix=shard/"), {"shard/7": ("ready", first.id)})
        self.assertEqual(held("?member=" + second.id), {})
        self.assertEqual(ask(first, "/role", "DELETE"), {"status": "ok"})
        until(lambda: set(held("?member=" + first.id)) == {"shard/7"}, "the erased one goes", first, second)
        self.assertEqual(ask(first, "/role", "DELETE")[0], 404)
        self.assertEqual(ask(first, "/large", "PUT", b"v" * 801)[0], 400)
        self.assertEqual(ask(first, "/two%20words", "PUT", b"v")[0], 400)
        self.assertEqual(ask(first, "?member=12")[0], 400)
        self.assertEqual(ask(first, "?colour=red")[0], 400)
        self.assertEqual(ask(first, "?member=" + "12" * 32)[0], 404)

    def test_status_prints_the_health_of_a_node_and_fails_without_one(self):
        node = self.node("--name", "asked")
        seen = call("status", f"127.0.0.1:{node.api}")
        self.assertEqual((seen.returncode, json.loads(seen.stdout)["name"]), (0, "asked"))
        node.close()
        self.assertRefused(call("status", f"127.0.0.1:{node.api}"), 1, f"127.0.0.1:{node.api} does not answer")
        self.assertRefused(call("status", "a:b:c"), 2, "a:b:c")

    def test_a_loop_that_hangs_is_told_from_one_that_is_well(self):
        # The whole process is stopped, so nobody answers; afterwards it must be well again.
        node = self.node()
        node.process.send_signal(signal.SIGSTOP)
        with self.assertRaises(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{node.api}/health", timeout=1)
        node.process.send_signal(signal.SIGCONT)
        self.assertEqual(node.health()["status"], "ok")

    def test_many_asking_at_once_all_get_a_whole_document(self):
        nodes = [self.node("--name", "a")]
        nodes.append(self.node("--name", "b", "--peers", f"127.0.0.1:{nodes[0].listen}"))
        answers, errors = [], []

        def ask():
            try:
                answers.extend(nodes[0].health()["name"] for _ in range(20))
            except (OSError, ValueError) as why:
                errors.append(why)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((answers, errors), (["a"] * 160, []))


class Network(Case):
    def pair(self, *words, **more):
        words = ("--format", "json", *words)
        first = self.node("--name", "first", *words, **more)
        second = self.node("--name", "second", "--peers", f"127.0.0.1:{first.listen}", *words, **more)
        both = {"first": "alive", "second": "alive"}
        until(lambda: first.states() == second.states() == both, "they meet", first, second)
        return first, second

    def test_a_goodbye_is_seen_as_a_goodbye(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                first, second = self.pair()
                second.process.send_signal(number)
                self.assertEqual(second.ended(), 0)
                until(lambda: first.states()["second"] == "left", "the goodbye is seen", first, second)
                # For longer than the local profile takes to suspect and bury: it stays a goodbye.
                time.sleep(3)
                kinds = [e["event"] for e in first.events() if e.get("name") == "second"]
                self.assertIn("left", kinds)
                self.assertNotIn("suspected", kinds)
                self.assertNotIn("dead", kinds)

    def test_a_kill_is_seen_as_a_death(self):
        first, second = self.pair()
        second.process.kill()
        until(lambda: first.states()["second"] == "dead", "the death is seen", first)
        kinds = [e["event"] for e in first.events() if e.get("name") == "second"]
        self.assertEqual([k for k in kinds if k in ("up", "suspected", "dead", "left")], ["up", "suspected", "dead"])

    def test_a_second_signal_stops_at_once(self):
        first, second = self.pair(profile="wan")
        second.process.send_signal(signal.SIGINT)
        until(lambda: any("leaving" in line for line in second.log), "it begins to leave", second)
        second.process.send_signal(signal.SIGINT)
        self.assertEqual(second.ended(), 3)

    def test_a_node_that_is_alone_leaves_too(self):
        node = self.node()
        node.process.send_signal(signal.SIGTERM)
        self.assertEqual(node.ended(), 0)

    def test_strangers_see_nobody_and_are_counted(self):
        first = self.node("--name", "first")
        peers = ["--peers", f"127.0.0.1:{first.listen}"]
        other_key = self.scratch / "other.psk"
        call("psk", other_key)
        strangers = [
            self.node("--name", "key", *peers, key=other_key),
            self.node("--name", "name", "--network", "other", *peers),
            self.node("--name", "open", "--open-network", *peers, key=False),
        ]
        friend = self.node("--name", "friend", *peers)
        until(lambda: "friend" in first.states(), "who has the key is let in", first, friend)
        until(lambda: first.health()["refused"] >= 3, "the strangers are counted", first, *strangers)
        time.sleep(2)
        self.assertEqual(set(first.states()), {"first", "friend"})
        for stranger in strangers:
            self.assertEqual(set(stranger.states()), {stranger.name})

    def test_a_restarted_node_is_the_same_with_a_later_incarnation(self):
        state = self.scratch / "state" / "deep"
        before = self.node("--state-dir", state)
        was = before.health()["incarnation"]
        before.process.kill()
        before.ended()
        self.assertEqual(stat.S_IMODE(state.stat().st_mode), 0o700)
        after = self.node("--state-dir", state)
        self.assertEqual(after.id, before.id)
        self.assertGreater(after.health()["incarnation"], was)

    def test_every_line_has_time_kind_name_and_cause(self):
        first = self.node("--name", "first")
        second = self.node("--name", "second", "--peers", f"127.0.0.1:{first.listen}")
        until(lambda: re.search(r"members +2 alive", "\n".join(first.lines)), "the members are printed", first)
        line = next(line for line in first.lines if "  up  " in line)
        when, who, where = r"^[\d-]{10}T[\d:]{8}\.\d{3}Z", r"second \[[0-9a-f]{16}\]", r"127\.0\.0\.1:\d+"
        self.assertRegex(line, rf"{when}  up  {who}  {where}  \([a-z ]+\)$")
        line = next(line for line in first.lines if "members  2 alive" in line)
        self.assertEqual(set(line.split(": ")[1].split()), {"first", "second"})
        second.close()

    def test_nobody_reading_its_output_is_no_reason_to_stop(self):
        read, write = os.pipe()
        first = self.node("--name", "first", stdout=write)
        os.close(write)
        os.close(read)
        second = self.node("--name", "second", "--peers", f"127.0.0.1:{first.listen}")
        until(lambda: "second" in first.states(), "it goes on", first, second)


class Recording(Case):
    """What --record writes is lived through again by examples/replay."""

    def setUp(self):
        super().setUp()
        self.program = PROGRAM.parent / "replay"
        if not self.program.exists():
            self.skipTest("examples/replay was not built")
        self.file = self.scratch / "one.rec"

    def replay(self, *words):
        return subprocess.run([self.program, *words], capture_output=True, text=True, timeout=PATIENCE)

    def recorded(self, node, what):
        until(lambda: sum("recorded in" in line for line in node.log) == what, f"record {what} is written", node)
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertNotIn(bytes.fromhex(self.key.read_text().split()[-1]), self.file.read_bytes())
        return self.replay("--check", self.file)

    def test_a_recorded_node_does_the_same_again_while_it_runs_and_after_its_goodbye(self):
        one = self.node("--name", "one", "--record", self.file)
        two = self.node("--name", "two", "--peers", f"127.0.0.1:{one.listen}")
        until(lambda: one.states().get("two") == "alive", "they meet", one, two)
        one.process.send_signal(signal.SIGUSR1)
        run = self.recorded(one, 1)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        self.assertRegex(run.stdout, rf"Node one, {one.id}, recorded by peerkit \d+\.\d+\.\d+\n")
        two.process.kill()
        until(lambda: one.states().get("two") == "dead", "the death is seen", one)
        one.process.send_signal(signal.SIGTERM)
        self.assertEqual(one.ended(), 0)
        run = self.recorded(one, 2)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        self.assertRegex(run.stdout, r"The same: \d+ inputs, alive at the end: 0\.")
        told = self.replay(self.file)
        self.assertEqual(told.returncode, 0)
        for what in ("suspected", "dead"):
            self.assertRegex(told.stdout, rf"(?m)^    tell: {what} {two.id[:16]} \(")
        self.assertRegex(told.stdout, r"(?m)^\d+\.\d{6} datagram from 127\.0\.0\.1:\d+, \d+ bytes: ")

    def test_one_byte_that_is_changed_is_noticed(self):
        one = self.node("--record", self.file)
        one.process.send_signal(signal.SIGTERM)
        self.assertEqual(one.ended(), 0)
        self.assertEqual(self.recorded(one, 1).returncode, 0)
        whole = self.file.read_bytes()
        for where in (0, 8, 20, len(whole) // 2, len(whole) - 1):
            self.file.write_bytes(whole[:where] + bytes([whole[where] ^ 1]) + whole[where + 1 :])
            run = self.replay(self.file)
            self.assertEqual(run.returncode, 2, run.stdout)
            self.assertRegex(run.stderr, "no dump|format that is not known|damaged")

    def test_an_open_network_is_recorded_too(self):
        one = self.node("--open-network", "--record", self.file, key=False)
        two = self.node("--open-network", "--name", "two", "--peers", f"127.0.0.1:{one.listen}", key=False)
        until(lambda: one.states().get("two") == "alive", "they meet", one, two)
        one.process.send_signal(signal.SIGTERM)
        self.assertEqual(one.ended(), 0)
        run = self.recorded(one, 1)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)

    def test_a_place_that_cannot_be_written_any_more_is_told(self):
        place = self.scratch / "gone"
        place.mkdir()
        one = self.node("--record", place / "one.rec")
        place.rmdir()
        one.process.send_signal(signal.SIGTERM)
        self.assertEqual(one.ended(), 1)
        self.assertIn("--record", "\n".join(one.log))


class Discovery(Case):
    def test_machines_of_a_status_document_are_found_through_translation(self):
        first = self.node("--name", "first")
        document = json.loads((DATA / "tailscale" / "s5_running_everything.json").read_text())
        peer = next(p for p in document["Peer"].values() if p["DNSName"].startswith("beta."))
        file = self.scratch / "status.json"
        file.write_text(json.dumps(document))
        second = self.node(
            "--name", "second", "--discover", "tailscale", "--tailscale-file", file, "--prefix", "be",
            "--translate", f"{peer['TailscaleIPs'][0]}=127.0.0.1:{first.listen}",
        )  # fmt: skip
        until(lambda: "second" in first.states() and "first" in second.states(), "they meet", first, second)

    def test_a_tailnet_that_is_not_there_is_never_fatal_and_is_told(self):
        (self.scratch / "junk.json").write_text("{")
        logged_out = DATA / "tailscale" / "odd_logged_out.json"
        for words, phrase in (
            (["--tailscale-socket", self.scratch / "absent.sock"], "absent.sock"),
            (["--tailscale-command", self.scratch / "absent"], "absent"),
            (["--tailscale-file", self.scratch / "junk.json"], "not valid JSON"),
            (["--tailscale-file", logged_out], "not connected"),
        ):
            with self.subTest(phrase):
                node = self.node("--discover", "tailscale", *words)
                until(lambda: any("warning" in line for line in node.log), "it is told", node)
                self.assertIn(phrase, "\n".join(node.log))
                self.assertEqual(node.health()["status"], "ok")

    def test_a_file_of_peers_is_read_again_when_it_changes(self):
        first = self.node("--name", "first")
        file = self.scratch / "peers"
        file.write_text("# nobody yet\n")
        second = self.node("--name", "second", "--discover", "file", "--peers-file", file)
        file.write_text(f"127.0.0.1:{first.listen}  # the first\n")
        until(lambda: "second" in first.states(), "they meet", first, second)

    def test_a_strategy_can_be_written_out(self):
        first = self.node("--name", "first")
        strategy = f'first_of(environment variable=NOT_SET_HERE, static peers=127.0.0.1:{first.listen}) keep=1h'
        second = self.node("--name", "second", "--strategy", strategy)
        until(lambda: "second" in first.states(), "they meet", first, second)

    def test_the_next_mode_is_asked_when_the_one_before_finds_nobody(self):
        first = self.node("--name", "first")
        second = self.node(
            "--name", "second", "--discover", "tailscale,static", "--tailscale-socket", self.scratch / "absent.sock",
            "--peers", f"127.0.0.1:{first.listen}",
        )  # fmt: skip
        until(lambda: "second" in first.states(), "they meet", first, second)


if __name__ == "__main__":
    if not PROGRAM.exists():
        print(f"{PROGRAM} was not built")
        sys.exit(77)
    unittest.main(verbosity=2)
