#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# LocalAPI and the tailscale command played by stand-ins, well and badly: what peerkit-node finds, and what it says.
"""Needs PEERKIT_EXAMPLES_DIR, the directory with peerkit-node in it; exits with 77 if it was not built."""
import contextlib
import json
import os
import pathlib
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
import unittest

from node_program import DATA, PROGRAM, Case, environment, until

DOCUMENTS = DATA / "tailscale"
MIB = 1 << 20


def document(name):
    return (DOCUMENTS / name).read_bytes()


def head(status="200 OK", **fields):
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", "Tailscale-Version: 1.102.5"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def chunked(body, size=2048):
    """As Go sends what it does not know the length of."""
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def whole(body):
    return head(Content_Length=len(body)) + body


class Daemon(socketserver.ThreadingUnixStreamServer):
    """A LocalAPI: refuses what the real one refuses, and lets `answer(connection, turn)` send the rest."""

    daemon_threads = True

    def __init__(self, path, answer):
        super().__init__(str(path), None)
        self.answer, self.turn, self.requests, self.lock = answer, 0, [], threading.Lock()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self.thread.start()

    def finish_request(self, connection, _):
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            got = connection.recv(4096)
            if not got:
                return
            text += got
        request = text.decode("latin-1")
        with self.lock:
            self.requests.append(request)
            self.turn += 1
            turn = self.turn
        fields = dict(line.split(": ", 1) for line in request.lower().split("\r\n")[1:] if line)
        with contextlib.suppress(OSError):
            if fields.get("host") != "local-tailscaled.sock" or "origin" in fields or "referer" in fields:
                connection.sendall(head("403 Forbidden") + b"invalid localapi request\n")
            elif not request.startswith("GET /localapi/v0/status HTTP/1.1\r\n"):
                connection.sendall(head("404 Not Found") + b"404 page not found\n")
            else:
                self.answer(connection, turn)

    def handle_error(self, *_):
        raise

    def close(self):
        self.over.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


class Api(Case):
    def serve(self, answer):
        """Starts a daemon that says this, or sends these bytes; returns it, with its socket's path."""
        if isinstance(answer, bytes):
            text = answer
            answer = lambda connection, turn: connection.sendall(text)
        path = self.scratch / f"daemon-{len(list(self.scratch.iterdir()))}.sock"
        daemon = Daemon(path, answer)
        daemon.path = path
        self.addCleanup(daemon.close)
        return daemon

    def find(self, *words, **more):
        return self.node("--discover", "tailscale", "--log-level", "debug", *words, **more)

    def asks(self, daemon, *words):
        return self.find("--tailscale-socket", daemon.path, *words)

    def command(self, script):
        """A tailscale command: a shell script that is given `status --json`."""
        path = self.scratch / f"tailscale-{len(list(self.scratch.iterdir()))}"
        path.write_text(f'#!/bin/sh\n[ "$*" = "status --json" ] || exit 9\n{script}\n')
        path.chmod(0o755)
        return path

    def logs(self, node, *phrases):
        """Waits for a line of the log that has all of these."""
        until(lambda: any(all(p in line for p in phrases) for line in node.log), f"it says {phrases}", node)
        return next(line for line in node.log if all(p in line for p in phrases))

    def found(self, node, count):
        pattern = re.compile(r"discovery-found.*?(?:count (\d+))?$")
        said = lambda: next((m for line in list(node.lines) if (m := pattern.search(line))), None)
        until(said, "it finds", node)
        self.assertEqual(int(said()[1] or 0), count, node.log)


class Documents(Api):
    # How many peers of each document can run a node; every other document is told why it is refused.
    COUNTS = {
        "s4_running_no_peers.json": 0,
        "s5_running_everything.json": 11,
        "s6_running_600_mullvad.json": 13,
        "odd_version_0_97.json": 2,
        "odd_headscale.json": 1,
        "odd_sorted_keys.json": 1,
        "odd_utf8_bom.json": 1,
        "variants/v1_0_base64_keys_no_self.json": 2,
        "variants/v1_103_newest_fields.json": 1,
        "variants/mullvad_exit_nodes.json": 1,
        "variants/no_tailscale_ips.json": 3,
    }
    REFUSED = {
        "odd_utf16le_bom.json": "UTF-16",
        "odd_latin1.json": "not UTF-8",
        "odd_swallowed_quote.json": "not valid JSON",
        "odd_logged_out.json": "BackendState NeedsLogin",
        "s1_stopped.json": "BackendState Stopped",
        "s2_needsmachineauth.json": "BackendState NeedsMachineAuth",
        "s3_starting_with_peers.json": "BackendState Starting",
        "variants/unknown_state.json": "BackendState Hibernating",
        "variants/in_use_by_other_user.json": "BackendState InUseOtherUser",
        "variants/no_state_just_started.json": "BackendState NoState",
    }

    def test_documents_of_every_age_and_kind_are_understood(self):
        ways = [whole, lambda body: head(Transfer_Encoding="chunked") + chunked(body), lambda body: head() + body]
        for number, (name, count) in enumerate(self.COUNTS.items()):
            with self.subTest(name):
                node = self.asks(self.serve(ways[number % len(ways)](document(name))))
                self.found(node, count)
                node.close()

    def test_documents_that_cannot_be_used_are_refused_with_the_reason_and_without_the_login_link(self):
        for name, phrase in self.REFUSED.items():
            with self.subTest(name):
                node = self.asks(self.serve(whole(document(name))))
                self.logs(node, phrase)
                self.assertEqual(node.health()["status"], "ok")
                self.assertNotIn("secret", "\n".join(node.log))
                node.close()

    def test_what_was_left_out_is_told(self):
        node = self.asks(self.serve(whole(document("variants/mullvad_exit_nodes.json"))))
        self.logs(node, "of 5 peers: exit node 4")
        node = self.asks(self.serve(whole(document("variants/userspace_networking.json"))))
        self.logs(node, "warning", "userspace networking")


class Misbehaviour(Api):
    GOOD = document("variants/v1_103_newest_fields.json")

    def test_the_request_is_one_that_the_real_daemon_takes(self):
        daemon = self.serve(whole(self.GOOD))
        self.found(self.asks(daemon), 1)
        self.assertRegex(daemon.requests[0], r"(?i)\r\nhost: local-tailscaled\.sock\r\n")

    def test_a_reply_that_trickles_in_is_put_together(self):
        def trickle(connection, _):
            text = head(Transfer_Encoding="chunked") + chunked(self.GOOD, 7)
            for at in range(0, len(text), 97):
                connection.sendall(text[at : at + 97])
                time.sleep(0.001)

        self.found(self.asks(self.serve(trickle)), 1)

    def test_an_error_of_the_server_is_told_and_the_command_is_asked(self):
        for status in ("500 Internal Server Error", "403 Forbidden", "401 Unauthorized"):
            with self.subTest(status):
                daemon = self.serve(head(status) + b'{"Error":"it is broken"}')
                (self.scratch / "good.json").write_bytes(self.GOOD)
                node = self.asks(daemon, "--tailscale-command", self.command(f"cat {self.scratch}/good.json"))
                self.logs(node, "the server answered with an error", status[:3], "it is broken")
                self.found(node, 1)

    def test_whatever_a_server_does_wrong_is_told_and_not_fatal(self):
        wrong = {
            "half a reply": (head(Content_Length=len(self.GOOD)) + self.GOOD[:1000], "malformed"),
            "half a chunked reply": (head(Transfer_Encoding="chunked") + chunked(self.GOOD)[:1000], "malformed"),
            "half a document": (whole(self.GOOD[:1000]), "not valid JSON"),
            "half a document, then the end": (head() + self.GOOD[:1000], "not valid JSON"),
            "nothing": (b"", "malformed"),
            "no HTTP": (b"220 mail ready\r\n", "malformed"),
            "an empty body": (whole(b""), "the document is empty"),
            "a page": (whole(b"<html>hello</html>"), "<html>hello</html>"),
            "a list": (whole(b"[]"), "not an object"),
            "two documents": (whole(self.GOOD + b"{}"), "text follows"),
            "more than it says": (head(Content_Length=10) + self.GOOD, "not valid JSON"),
            "lying chunks": (head(Transfer_Encoding="chunked") + b"ffffffffffffffff\r\n{", "larger than the limit"),
        }
        for name, (text, phrase) in wrong.items():
            with self.subTest(name):
                node = self.asks(self.serve(text))
                self.logs(node, phrase)
                self.logs(node, "warning", "tailscale is not ready, try 1 of 30")
                self.assertEqual(node.health()["status"], "ok")
                node.close()

    def test_a_document_of_50_megabytes_is_refused_before_it_is_read(self):
        sent = []

        def flood(connection, turn):
            connection.sendall(head(Content_Length=50 * MIB) if turn == 1 else head(Transfer_Encoding="chunked"))
            block = b" " * MIB
            for _ in range(50):
                connection.sendall(block if turn == 1 else b"%x\r\n%s\r\n" % (MIB, block))
                sent.append(turn)

        node = self.asks(self.serve(flood))
        self.logs(node, "larger than the limit")
        # The length alone is enough; without one, the limit is.
        self.logs(node, "warning", "larger than the limit", "try 2 of 30")
        self.assertLess(sent.count(1), 4)
        until(lambda: 32 <= sent.count(2) < 40, "it reads up to the limit", node)
        self.assertEqual(node.health()["status"], "ok")

    def test_a_daemon_that_blocks_is_left_after_the_time_allowed_and_the_command_is_asked(self):
        (self.scratch / "good.json").write_bytes(self.GOOD)
        daemon = self.serve(lambda connection, turn: daemon.over.wait(60))
        begun = time.monotonic()
        node = self.asks(daemon, "--tailscale-command", self.command(f"cat {self.scratch}/good.json"))
        self.logs(node, "did not come in time", "5000")
        self.assertGreater(time.monotonic() - begun, 4)
        self.found(node, 1)

    def test_a_daemon_that_starts_is_awaited(self):
        def start(connection, turn):
            state = ("NoState", "NeedsLogin", "Starting")[turn - 1] if turn < 4 else "Running"
            connection.sendall(whole(json.dumps({**json.loads(self.GOOD), "BackendState": state}).encode()))

        node = self.asks(self.serve(start))
        self.found(node, 1)
        for turn, state in enumerate(("NoState", "NeedsLogin", "Starting"), 1):
            self.logs(node, "warning", f"BackendState {state}, try {turn} of 30")

    def test_the_last_answer_stays_when_the_next_ones_are_bad(self):
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as once:
            once.bind(("127.0.0.1", 0))
            port = once.getsockname()[1]
        daemon = self.serve(lambda c, turn: c.sendall(whole(self.GOOD if turn == 1 else self.GOOD[:1000])))
        address = next(iter(json.loads(self.GOOD)["Peer"].values()))["TailscaleIPs"][0]
        second = self.asks(daemon, "--translate", f"{address}=127.0.0.1:{port}")
        # Nobody listens there yet; it is remembered while one half of a document follows another.
        self.found(second, 1)
        self.logs(second, "not valid JSON")
        self.assertEqual(len(second.health()["members"]), 1)
        words = ["--bind", "127.0.0.1", "--port", str(port), "--api-port", "0", "--profile", "local", "--name", "first"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([PROGRAM, *words, "--network-key-file", self.key], env=environment(), **quiet)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until(lambda: second.states().get("first") == "alive", "they meet", second)

    def test_sockets_that_are_not_there_or_not_open_are_told_apart(self):
        stale = self.scratch / "stale.sock"
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as once:
            once.bind(str(stale))
        plain = self.scratch / "plain"
        plain.write_text("")
        absent = self.scratch / "absent.sock"
        node = self.find(*(w for p in (absent, stale, plain) for w in ("--tailscale-socket", p)))
        self.logs(node, "not there: " + str(absent))
        self.assertIn("111", self.logs(node, str(stale)))  # ECONNREFUSED
        self.logs(node, str(plain))

    def test_a_stop_does_not_wait_for_a_daemon_that_blocks(self):
        daemon = self.serve(lambda connection, turn: daemon.over.wait(60))
        node = self.asks(daemon)
        until(lambda: daemon.requests, "it asks", node)
        node.process.terminate()
        self.assertEqual(node.ended(), 0)
        self.assertNotIn("did not come in time", "\n".join(node.log))


class Command(Api):
    GOOD = Misbehaviour.GOOD

    def runs(self, script, *words):
        (self.scratch / "good.json").write_bytes(self.GOOD)
        (self.scratch / "utf16.json").write_bytes(document("odd_utf16le_bom.json"))
        for name in ("good", "utf16"):
            script = script.replace(name.upper(), str(self.scratch / f"{name}.json"))
        return self.find("--tailscale-command", self.command(script), *words)

    def test_warnings_on_standard_error_do_not_spoil_the_document(self):
        node = self.runs('echo "Warning: client version != tailscaled server version" >&2; cat GOOD; echo late >&2')
        self.found(node, 1)

    def test_a_document_larger_than_a_pipe_arrives_whole(self):
        node = self.runs(f"cat {DOCUMENTS}/s6_running_600_mullvad.json")
        self.found(node, 13)

    def test_whatever_goes_wrong_with_the_command_is_told(self):
        wrong = {
            'echo "failed to connect to local tailscaled; it doesn\'t appear to be running" >&2; exit 1': (
                "the program ended with an error, at 1", "failed to connect to local tailscaled"),
            'echo "Failed to connect to tailscaled. (safesocket.Connect: x)"; exit 1': ("safesocket.Connect",),
            'echo "Log in at: https://login.example.com/a/secret" >&2; exit 1': ("Log in at: (a link)",),
            "cat UTF16": ("UTF-16",),
            'cat GOOD; echo; echo "Warning: client version"': ("text follows", "Warning: client version"),
            "true": ("the document is empty",),
            "kill -9 $$": ("the program ended with an error, at 137",),
            "yes": ("larger than the limit",),
        }  # fmt: skip
        for script, phrases in wrong.items():
            with self.subTest(script):
                node = self.runs(script)
                self.logs(node, *phrases)
                self.assertNotIn("secret", "\n".join(node.log))
                node.close()

    def test_a_command_that_is_patient_is_awaited_and_one_that_never_ends_is_killed(self):
        self.found(self.runs("sleep 5.5; cat GOOD"), 1)  # as long as the real one waits for its daemon, and more
        note = self.scratch / "pid"
        node = self.runs(f"echo $$ >{note}; exec sleep 1000")
        self.logs(node, "did not come in time", "8000")
        killed = int(note.read_text().split()[0])
        until(lambda: not pathlib.Path(f"/proc/{killed}").exists(), "it is killed", node)

    def test_a_place_without_the_command_is_passed_by(self):
        (self.scratch / "good.json").write_bytes(self.GOOD)
        absent = self.scratch / "absent"
        good = self.command(f"cat {self.scratch}/good.json")
        node = self.find("--tailscale-command", absent, "--tailscale-command", good)
        self.found(node, 1)
        self.logs(node, f"not there: {absent}")


if __name__ == "__main__":
    if not PROGRAM.exists():
        print(f"{PROGRAM} was not built")
        sys.exit(77)
    os.environ.setdefault("LC_ALL", "C")
    unittest.main(verbosity=2)
