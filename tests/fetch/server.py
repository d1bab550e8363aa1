"""A bulk data service on loopback that misbehaves as it is told: a real HTTP server with real connections."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

USER, PASSWORD = "someone@example.org", "correct horse"


@dataclass
class Behaviour:
    """What the next requests for a file meet, in order; afterwards all goes well.

    A fault is a status number, ``drop`` (close after half of what is left), ``slow`` (trickle), ``wrong`` (other
    bytes of the same length) or ``hang``.
    """

    files: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    faults: list[Any] = field(default_factory=list)
    sha1: dict[int, str] = field(default_factory=dict)  # where the list lies about it
    endless_list: bool = False
    instead: bytes = b""  # of the true list
    ranges: bool = True
    paid: bool = False
    token_life: int = 3600
    downloads_a_token: int = 10**9
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behaviour: Behaviour

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form.get("username") != [USER] or form.get("password") != [PASSWORD]:
            self._json(400, {"error": "invalid_grant"})
            return
        token = f"token-{len(self.behaviour.tokens)}"
        self.behaviour.tokens.append(token)
        self._json(200, {"access_token": token, "expires_in": self.behaviour.token_life, "token_type": "Bearer"})

    def do_GET(self) -> None:
        self.behaviour.requests.append((self.path, self.headers.get("Range")))
        if self.behaviour.paid and not self._admitted():
            self._json(401, {"error": "no token"})
        elif match := re.search(r"/file/(\d+)/download$", self.path):
            self._file(int(match[1]))
        elif re.search(r"/products/\d+$", self.path):
            if self.behaviour.endless_list:
                self._trickle()
            else:
                self._json(200, self.behaviour.instead or product(self.behaviour))
        else:
            self._json(404, {})

    def _admitted(self) -> bool:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in self.behaviour.tokens[-1:]:
            return False
        self.behaviour.used[token] = self.behaviour.used.get(token, 0) + 1
        return self.behaviour.used[token] <= self.behaviour.downloads_a_token

    def _file(self, number: int) -> None:
        fault = self.behaviour.faults.pop(0) if self.behaviour.faults else None
        if isinstance(fault, int):
            self._json(fault, {}, {"Retry-After": "0"} if fault in (429, 503) else {})
            return
        data = self.behaviour.files[number][1]
        start = 0
        if self.behaviour.ranges and (asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))):
            start = int(asked[1])
        if start and start >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = data[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send(fault, body)

    def _send(self, fault: Any, body: bytes) -> None:
        if fault == "wrong":
            self.wfile.write(bytes(len(body)))
        elif fault == "drop":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
        elif fault == "hang":
            time.sleep(3)
            self.close_connection = True
        elif fault == "slow":
            for at in range(0, len(body), 64):
                try:
                    self.wfile.write(body[at : at + 64])
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.02)
        else:
            self.wfile.write(body)

    def _trickle(self) -> None:
        """A list that goes on and on, a byte at a time."""
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            for _ in range(1000):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.02)

    def _json(self, status: int, tree: Any, headers: dict[str, str] | None = None) -> None:
        body = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def product(behaviour: Behaviour) -> dict[str, Any]:
    """The list of a product in the service's own form: one delivery a week."""
    deliveries = []
    for week, (number, (name, data)) in enumerate(behaviour.files.items()):
        day = f"2026-01-{7 + 7 * week:02d}T14:00:00+01:00"
        sha1 = behaviour.sha1.get(number) or hashlib.sha1(data).hexdigest().upper()
        file = {
            "FileID": number, "FileName": name, "FileSize": f"{len(data) / 1000:.1f} kB", "FileChecksum": sha1,
            "FilePublicationDatetime": day,
        }  # fmt: skip
        deliveries.append(
            {
                "DeliveryID": 100 + week, "DeliveryName": f"week {week}", "DeliveryPublicationDatetime": day,
                "DeliveryExpiryDatetime": None, "Files": [file],
            }
        )  # fmt: skip
    return {"ID": 32, "Name": "14.12 EP full-text data", "Deliveries": deliveries}


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """The service's base URL while it runs."""
    handler = type("Bound", (Handler,), {"behaviour": behaviour})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
