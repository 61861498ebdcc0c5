#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Stands in for the Tailscale daemons of a few machines: serves each one's status document on its own LocalAPI socket.
"""usage: local_api.py DIRECTORY NAME=ADDRESS...

Every NAME is a machine of one tailnet, and its daemon listens on DIRECTORY/NAME.sock. As the real one does, it answers
GET /localapi/v0/status with a document in which that machine is Self and all others are Peer, in chunks, and refuses
requests that do not name it as their Host or come from a browser. The tailnet has machines that run no node, too.
"""
import http.server
import json
import os
import signal
import socketserver
import sys
import threading

DOMAIN = "tail0demo.ts.net"
OTHERS = {"printer": "100.64.0.101", "pixel-7": "100.64.0.102"}


def machine(number, name, address, online=True):
    # Only IPv4: nothing here could be reached at the IPv6 addresses a tailnet also gives out.
    return {
        "ID": f"nDEMO{number:04}CNTRL",
        "NodeID": 1000000000000000 + number,
        "PublicKey": f"nodekey:{number:064x}",
        "HostName": name.replace("-", "_"),
        "DNSName": f"{name}.{DOMAIN}.",
        "OS": "linux",
        "UserID": 1000000000000001,
        "TailscaleIPs": [address],
        "AllowedIPs": [f"{address}/32"],
        "Addrs": None,
        "CurAddr": "",
        "Relay": "fra",
        "RxBytes": 0,
        "TxBytes": 0,
        "Created": "2026-01-02T03:04:05.123456789Z",
        "LastSeen": "0001-01-01T00:00:00Z",
        "LastHandshake": "0001-01-01T00:00:00Z",
        "Online": online,
        "ExitNode": False,
        "ExitNodeOption": False,
        "Active": False,
        "PeerAPIURL": [f"http://{address}:37413"],
        "InNetworkMap": True,
        "InMagicSock": True,
        "InEngine": False,
    }


def status(machines, name):
    """The document of the daemon on the machine of this name."""
    everybody = [
        machine(number, other, address, other not in OTHERS)
        for number, (other, address) in enumerate({**machines, **OTHERS}.items(), 1)
    ]
    itself = next(m for m in everybody if m["DNSName"].startswith(name + "."))
    return {
        "Version": "1.102.4-t000000000-g000000000",
        "TUN": True,
        "BackendState": "Running",
        "HaveNodeKey": True,
        "AuthURL": "",
        "TailscaleIPs": itself["TailscaleIPs"],
        "Self": itself,
        "Health": [],
        "MagicDNSSuffix": DOMAIN,
        "CurrentTailnet": {"Name": "demo@example.com", "MagicDNSSuffix": DOMAIN, "MagicDNSEnabled": True},
        "CertDomains": None,
        "Peer": {m["PublicKey"]: m for m in everybody if m is not itself},
        "User": {"1000000000000001": {"ID": 1000000000000001, "LoginName": "demo@example.com", "DisplayName": "Demo"}},
        "ClientVersion": None,
    }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        headers = self.headers
        if headers.get("Host") != "local-tailscaled.sock" or "Origin" in headers or "Referer" in headers:
            return self.answer(403, "text/plain", b"invalid localapi request\n")
        if self.path.split("?")[0] != "/localapi/v0/status":
            return self.answer(404, "text/plain", b"404 page not found\n")
        text = json.dumps(status(self.server.machines, self.server.name), indent="\t") + "\n"
        return self.answer(200, "application/json", text.encode())

    def answer(self, code, kind, body):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Tailscale-Version", "1.102.4-t000000000-g000000000")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), 2048):
            part = body[at : at + 2048]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def address_string(self):
        return "local"

    def log_message(self, *arguments):
        print(self.server.name, arguments[0] % arguments[1:], flush=True)


class Daemon(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path, machines, name):
        super().__init__(path, Handler)
        os.chmod(path, 0o666)  # any local user may read the status
        self.machines, self.name = machines, name


def main():
    if len(sys.argv) < 3 or not all("=" in word for word in sys.argv[2:]):
        print(__doc__, file=sys.stderr)
        return 2
    directory = sys.argv[1]
    machines = dict(word.split("=", 1) for word in sys.argv[2:])
    for name in machines:
        daemon = Daemon(os.path.join(directory, name + ".sock"), machines, name)
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
    print("ready", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
