#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# What strangers may send to a registry: every refusal is JSON with a stable code, and nobody else is held up.
"""Needs peerkit-registry (PEERKIT_EXAMPLES_DIR) and integration_registry_signer (PEERKIT_BUILD_DIR/tests); exits with
77 if they were not built."""
import base64
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "registry"))
from processes import PATIENCE, REGISTRY, SIGNER, Case, Registry, ask, environment, free_port, skip_without, until  # noqa: E402


def raw(port, data, patience=15):
    """Everything that is answered to these bytes until the other side closes, or nothing more comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as s:
        s.sendall(data)
        s.settimeout(patience)
        got = b""
        try:
            while part := s.recv(65536):
                got += part
        except (TimeoutError, socket.timeout):
            pass
        return got


def own_address():
    """The IPv4 address this machine would use to reach others, if it has any."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            return None


class Usage(unittest.TestCase):
    def refused(self, *words):
        done = subprocess.run([REGISTRY, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE, env=environment())
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr

    def test_a_wrong_flag_is_refused_with_a_sentence_that_names_it(self):
        wrong = [
            (["--role", "king"], "--role 'king'"),
            (["--role", "secondary"], "--root"),
            (["--root", "http://x"], "--role"),
            (["--role", "secondary", "--root", "http://x"], "--token-file"),
            (["--bind", "nowhere"], "--bind 'nowhere'"),
            (["--port", "70000"], "--port"),
            (["--token-file", "/nonexistent"], "--token-file '/nonexistent'"),
            (["--snapshots", "/tmp"], "--db"),
            (["--restore", "/tmp/x"], "--db"),
            (["--heartbeat", "0"], "--heartbeat"),
        ]
        for words, phrase in wrong:
            with self.subTest(" ".join(words)):
                code, said = self.refused(*words)
                self.assertEqual(code, 2, said)
                self.assertIn(phrase, said)

    def test_what_cannot_be_done_is_said(self):
        for words in (["--bind", "192.0.2.1"], ["--db", "/nonexistent/dir/file.db"]):
            with self.subTest(" ".join(words)):
                code, said = self.refused("--port", free_port(), *words)
                self.assertEqual(code, 1, said)


class Protocol(Case):
    def test_a_node_registers_beats_is_listed_and_leaves(self):
        one = self.registry("--heartbeat", 30)
        node = self.node(1)
        first = ask(one.port, "POST", "/api/register", node.body())
        self.assertRefused(first, 401, "challenge")
        got = node.register(one.port)
        self.assertEqual(got.status, 200, got.body)
        self.assertEqual(got.json["status"], "registered")
        self.assertEqual(got.json["node_id"], node.id)
        self.assertEqual(got.json["heartbeat_interval"], 30)
        other = self.registered(2, one)
        told = self.node(3).register(one.port).json
        self.assertEqual({peer["name"] for peer in told["peers"]} - {"n3"}, {"n1", "n2"})
        row = one.nodes()["n1"]
        self.assertEqual((row["id"], row["status"], row["domain"]), (node.id, "online", "example.test"))
        self.assertEqual(row["record"], node.record)
        self.assertNotIn(node.lease, json.dumps(one.nodes()))
        self.assertEqual(node.beat(one.port).status, 200)
        self.assertEqual(node.leave(one.port).status, 200)
        self.assertNotIn("n1", one.nodes())
        self.assertRefused(node.beat(one.port), 404, "unknown_node")
        self.assertEqual(other.beat(one.port).status, 200)

    def test_lists_are_filtered_paged_and_not_sent_twice(self):
        one = self.registry()
        for number in range(7):
            self.registered(number, one, domain="a.test" if number % 2 else "b.test")
        self.assertEqual(sorted(one.nodes("&domain=a.test")), ["n1", "n3", "n5"])
        page = one.get("/api/nodes?limit=3").json
        self.assertEqual(len(page["nodes"]), 3)
        self.assertTrue(page["next"])
        whole = one.get("/api/nodes")
        again = one.get("/api/nodes", If_None_Match=whole.headers["ETag"])
        self.assertEqual((again.status, again.body), (304, b""))

    def test_a_long_poll_ends_with_the_change_or_its_time(self):
        one = self.registry()
        self.registered(1, one)
        version = one.state()[0][1]
        begin = time.monotonic()
        got = one.get(f"/api/nodes?wait=1&version={version}")
        self.assertIn(got.status, (200, 304))
        self.assertGreater(time.monotonic() - begin, 0.8)
        answers = []
        polls = [threading.Thread(target=lambda: answers.append(one.get(f"/api/nodes?wait=50&version={version}")))
                 for _ in range(10)]
        for poll in polls:
            poll.start()
        time.sleep(0.5)
        begin = time.monotonic()
        self.registered(2, one)
        for poll in polls:
            poll.join()
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual({len(got.json["nodes"]) for got in answers}, {2})

    def test_polls_are_bounded_in_number_and_hold_up_nobody(self):
        one = self.registry("--limit-loopback")
        self.registered(1, one)
        version = one.state()[0][1]
        request = f"GET /api/nodes?wait=50&version={version} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        polls = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(200)]
        try:
            for poll in polls:
                poll.sendall(request)
                poll.setblocking(False)
            refused = set()

            def some_refused():
                for poll in polls:
                    try:
                        if poll.recv(4096).startswith(b"HTTP/1.1 503 "):
                            refused.add(poll)
                    except BlockingIOError:
                        pass
                return len(refused) == 8

            until(some_refused, "those above 192 are refused", one)
            begin = time.monotonic()
            self.assertEqual(one.get("/health").status, 200)
            self.assertLess(time.monotonic() - begin, 2)
        finally:
            for poll in polls:
                poll.close()
        until(lambda: one.get(f"/api/nodes?wait=1&version={version}").status != 503, "who has gone makes room", one)

    def test_health_and_metrics_are_served(self):
        one = self.registry()
        self.registered(1, one)
        health = one.get("/health").json
        self.assertEqual((health["status"], health["role"]), ("ok", "root"))
        metrics = one.get("/metrics")
        self.assertIn(b"peerkit_registry", metrics.body)
        if shutil.which("promtool"):
            checked = subprocess.run(["promtool", "check", "metrics"], input=metrics.body, capture_output=True)
            self.assertEqual(checked.returncode, 0, checked.stderr + checked.stdout)

    def test_a_taken_port_leads_to_the_next_with_a_warning(self):
        one = self.registry()
        two = self.registry(port=one.port)
        self.assertGreater(two.port, one.port)
        self.assertTrue(any(f"{one.port} is taken" in line for line in two.log), two.log)


class Abuse(Case):
    def setUp(self):
        super().setUp()
        self.one = self.registry()
        self.registered(1, self.one)
        self.before = self.one.state()

    def tearDown(self):
        self.assertEqual(self.one.state(), self.before)  # nothing changed
        self.assertIsNone(self.one.process.poll())

    def test_malformed_requests_are_refused_with_codes(self):
        node = self.node(5)
        body = node.body("00" * 16)

        def changed(**fields):
            return {**body, **fields}

        record = bytearray(base64.b64decode(node.record))
        record[-1] ^= 1
        forged = base64.b64encode(bytes(record)).decode()
        other = self.node(6)
        cases = [
            ("POST", "/api/register", b"", 400, "malformed"),
            ("POST", "/api/register", b"{", 400, "malformed"),
            ("POST", "/api/register", b"[]", 400, "malformed"),
            ("POST", "/api/register", b'{"record":7}', 400, "malformed"),
            ("POST", "/api/register", b"[" * 60000, 400, "malformed"),
            ("POST", "/api/register", changed(record="!!"), 400, None),
            ("POST", "/api/register", changed(proof="00" * 64), 401, "challenge"),
            ("POST", "/api/register", changed(node_name="another"), 400, "mismatch"),
            ("POST", "/api/register", changed(network="00" * 16), 400, "wrong_network"),
            ("POST", "/api/register", changed(proof=other.body("00" * 16)["proof"]), 401, "challenge"),
            ("POST", "/api/heartbeat", {"node_id": node.id, "lease": "00" * 16}, 404, "unknown_node"),
            ("POST", "/api/deregister", {"node_id": self.node(1).id, "lease": "ab" * 16}, 404, "unknown_node"),
            ("POST", "/api/heartbeat", {"node_id": "zz"}, 400, "malformed"),
            ("GET", "/api/nodes?limit=x", None, 400, "bad_query"),
            ("GET", "/api/nodes?status=happy", None, 400, "bad_query"),
            ("GET", "/api/changes?since=99999&epoch=" + str(self.before[0][0]), None, 410, "snapshot_needed"),
            ("GET", "/api/changes?since=1&epoch=0000000000000001", None, 410, "snapshot_needed"),
            ("GET", "/nowhere", None, 404, "not_found"),
            ("DELETE", "/api/nodes", None, 405, "method_not_allowed"),
            ("GET", "/api/register", None, 405, "method_not_allowed"),
        ]
        for method, target, sent, status, code in cases:
            with self.subTest(f"{method} {target} {str(sent)[:60]}"):
                got = self.one.ask(method, target, sent)
                self.assertEqual(got.status, status, got.body)
                if code:
                    self.assertEqual(got.code, code, got.body)
                self.assertTrue(got.json["error"]["message"])
        challenge = ask(self.one.port, "POST", "/api/register", node.body()).json["challenge"]
        proven = {**node.body(challenge), "record": forged}
        self.assertRefused(self.one.ask("POST", "/api/register", proven), 400, "bad_record")

    def test_what_is_not_http_is_refused_with_codes_too(self):
        cases = [
            (b"nonsense\r\n\r\n", 400),
            (b"POST /api/register HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n", 413),
            (b"POST /api/register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 30000 + b"\r\n\r\n", 431),
            (b"POST /api/register HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{}", 408),
        ]
        for sent, status in cases:
            with self.subTest(str(sent[:60])):
                got = raw(self.one.port, sent)
                self.assertTrue(got.startswith(b"HTTP/1.1 %d " % status), got[:200])
                self.assertIn("code", json.loads(got.split(b"\r\n\r\n", 1)[1])["error"])

    def test_a_recorded_registration_registers_nobody(self):
        node = self.node(1, incarnation=2)
        challenge = ask(self.one.port, "POST", "/api/register", node.body()).json["challenge"]
        recorded = node.body(challenge)
        elsewhere = self.registry()  # has another secret
        got = ask(elsewhere.port, "POST", "/api/register", recorded)
        self.assertRefused(got, 401, "challenge")

    def test_slow_senders_and_idle_connections_hold_up_nobody(self):
        slow = [socket.create_connection(("127.0.0.1", self.one.port)) for _ in range(300)]
        for one in slow:
            self.addCleanup(one.close)
        time.sleep(0.3)  # then they are known to be slow
        ending = threading.Event()

        def drip():
            rest = b"POST /api/register HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"{" * 1000
            for at in range(len(rest)):
                for one in slow[:150]:  # the others are silent
                    try:
                        one.send(rest[at : at + 1])
                    except OSError:
                        pass
                if ending.wait(0.2):
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            begin = time.monotonic()
            longest = 0.0
            while time.monotonic() - begin < 7:  # longer than the time a request may take
                at = time.monotonic()
                self.assertEqual(self.one.get("/health").status, 200)
                longest = max(longest, time.monotonic() - at)
                time.sleep(0.02)
            self.assertLess(longest, 2)
        finally:
            ending.set()
            thread.join()
        closed = 0
        for one in slow:
            one.setblocking(False)
            try:
                while one.recv(4096):
                    pass
                closed += 1
            except BlockingIOError:
                pass
            except OSError:
                closed += 1
        self.assertEqual(closed, 300)

    def test_a_hundred_thousand_registrations_from_one_source_take_bounded_time(self):
        there = own_address()
        if not there:
            self.skipTest("this machine has no address but loopback, which is not limited")
        one = Registry("--bind", there)
        self.addCleanup(one.close)
        body = json.dumps(self.node(1).body("00" * 16)).encode()
        request = b"POST /api/register HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        wanted, counts = 100_000, {}
        begin = time.monotonic()
        while (done := sum(counts.values())) < wanted:
            batch = min(5_000, wanted - done)
            with socket.create_connection((there, one.port), timeout=PATIENCE) as s:
                sender = threading.Thread(target=lambda: s.sendall(request * batch))
                sender.start()
                got = b""
                seen = 0
                while seen < batch:
                    part = s.recv(1 << 20)
                    self.assertTrue(part)
                    got += part
                    found = re.findall(rb"HTTP/1\.1 (\d{3}) ", got)
                    seen += len(found)
                    for status in found:
                        counts[status] = counts.get(status, 0) + 1
                    got = got[got.rfind(b"HTTP/1.1 ") + 12 :] if found else got[-20:]
                sender.join()
        took = time.monotonic() - begin
        print(f"100,000 registrations from one source: {took:.1f} s, {counts}", file=sys.stderr)
        self.assertGreater(counts.get(b"429", 0), 90_000)
        self.assertEqual(set(counts) - {b"429", b"401"}, set())
        self.assertLess(took, PATIENCE)
        until(lambda: ask(one.port, "GET", "/health", host=there).status == 200, "it serves again", one)
        self.assertEqual(ask(one.port, "GET", "/api/nodes", host=there).json["nodes"], [])


if __name__ == "__main__":
    skip_without(REGISTRY, SIGNER)
    unittest.main(verbosity=2)
