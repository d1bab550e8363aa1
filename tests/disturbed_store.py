"""A proxy before an S3 server that throttles, fails and loses answers, each kind of request in turn."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: What a request may meet: refused with 503 or 500 before anything was done, or done and its answer lost.
FAULTS = ("SlowDown", "InternalError", "lost answer")
#: Of so many requests of one kind, each fault meets one. Clients give up after ten attempts.
ROUND = 120
#: The first round is shorter, so that kinds of which a night makes few requests are hit as well.
FIRST_ROUND = 7


@dataclass
class Disturbance:
    """Which requests meet what, seeded, and how many did: ``met`` counts (kind of request, fault)."""

    seed: int
    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    _coming: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, kind: str) -> str:
        """The fault that this request meets; empty for none."""
        with self._lock:
            coming = self._coming[kind]
            if not coming:
                length = ROUND if self.seen[kind] else FIRST_ROUND
                coming += [*FAULTS, *[""] * (length - len(FAULTS))]
                random.Random(f"{self.seed}/{kind}/{self.seen[kind]}").shuffle(coming)
            self.seen[kind] += 1
            fault = coming.pop()
            if fault:
                self.met[kind, fault] += 1
            return fault


def kind_of(method: str, path: str, conditional: bool) -> str:
    """What a request asks of the store."""
    query = urlsplit(path).query
    if method == "GET":
        return "list" if re.search(r"list-type=|delimiter=|prefix=", query) else "read"
    if method == "PUT":
        return "write a part" if "partNumber=" in query else "conditional write" if conditional else "write"
    if method == "POST":
        return "delete many" if "delete" in query else "finish parts" if "uploadId=" in query else "begin parts"
    return {"HEAD": "look", "DELETE": "delete"}[method]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disturbance: Disturbance
    behind: str

    def log_message(self, *_: object) -> None:
        pass

    def _pass_on(self) -> None:
        body = self._body()
        conditional = "If-Match" in self.headers or "If-None-Match" in self.headers
        fault = self.disturbance.next(kind_of(self.command, self.path, conditional))
        if fault in ("SlowDown", "InternalError"):
            self._refuse(503 if fault == "SlowDown" else 500, fault)
            return
        there = HTTPConnection(self.behind, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            there.request(self.command, self.path, body, headers)
            answer = there.getresponse()
            content = answer.read()
        finally:
            there.close()
        if fault:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response_only(answer.status)
        length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        for name, value in answer.headers.items():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self._end(length, content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def _refuse(self, status: int, code: str) -> None:
        content = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>for the test</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self._end(str(len(content)), b"" if self.command == "HEAD" else content)

    def _end(self, length: str, content: bytes) -> None:
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)


for _method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
    setattr(_Handler, f"do_{_method}", _Handler._pass_on)

_OWN = {"content-length", "transfer-encoding", "connection", "expect"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


@contextmanager
def disturbed(options: dict[str, str], disturbance: Disturbance) -> Iterator[dict[str, str]]:
    """The same store behind a proxy: yields the storage options that lead through it."""
    behind = urlsplit(options["AWS_ENDPOINT_URL"]).netloc
    handler = type("Bound", (_Handler,), {"disturbance": disturbance, "behind": behind})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield {**options, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}"}
    finally:
        server.shutdown()
        server.server_close()
