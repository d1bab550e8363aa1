"""The audit of dependencies finds what a service knows, and never passes in silence where none answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
#: The format of osv.dev, as pip-audit reads it.
ADVISORY = {
    "id": "GHSA-toy", "aliases": ["CVE-2026-0001"], "summary": "It breaks.",
    "affected": [{"package": {"name": "broken", "ecosystem": "PyPI"},
                  "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]}],
}  # fmt: skip


@contextmanager
def service(known: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """An advisory service on loopback; yields its URL and the packages it was asked about."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(f"{query['package']['name']}=={query['version']}")
            body = json.dumps({"vulns": [known[asked[-1]]]} if asked[-1] in known else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query", asked
    finally:
        server.shutdown()


def audit(url: str, folder: Path, *options: str, accept: str = "") -> tuple[int, str]:
    """Exit code and words of an audit of two pins, with OSV's answers coming from ``url``."""
    pins = folder / "pins.txt"
    pins.write_text("sound==2.0\nbroken==1.0\n")
    program = folder / "infra" / "audit.py"
    program.parent.mkdir(exist_ok=True)
    program.write_text((ROOT / "infra" / "audit.py").read_text(encoding="utf-8"))
    (folder / "pyproject.toml").write_text(f"[tool.figlake.accepted-advisories]\n{accept}\n")
    # A proxy that refuses keeps the first service out of reach; OSV's stand-in is on loopback, which passes it by.
    environment = {**os.environ, "PIP_AUDIT_OSV_URL": url, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, program, pins, *options], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_a_known_advisory_fails_and_says_what_mends_it(tmp_path: Path) -> None:
    with service({"broken==1.0": ADVISORY}) as (url, asked):
        code, said = audit(url, tmp_path)
    assert code == 1
    assert "audit: broken 1.0: CVE-2026-0001 = GHSA-toy, mended in 1.1\n" in said
    assert "audit: 2 pinned versions checked with osv, 1 advisories, 0 accepted" in said
    assert {"sound==2.0", "broken==1.0"} <= set(asked)


def test_an_accepted_advisory_passes_and_is_counted(tmp_path: Path) -> None:
    with service({"broken==1.0": ADVISORY}) as (url, _):
        code, said = audit(url, tmp_path, "--strict", accept='CVE-2026-0001 = "the broken part is not used"')
    assert (code, said) == (0, "audit: 2 pinned versions checked with osv, 0 advisories, 1 accepted\n")


def test_sound_pins_pass(tmp_path: Path) -> None:
    with service({}) as (url, _):
        assert audit(url, tmp_path, "--strict")[0] == 0


@pytest.mark.parametrize(("options", "expected"), [((), 0), (("--strict",), 1)])
def test_where_no_service_answers_it_says_that_nothing_was_checked(
    tmp_path: Path, options: tuple[str, ...], expected: int
) -> None:
    code, said = audit("http://127.0.0.1:9/v1/query", tmp_path, *options)
    assert code == expected
    assert said.startswith("audit: NOTHING WAS CHECKED, because no advisory service answers (pypi: ")


def test_the_check_that_everybody_runs_holds_the_audit() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("\ncheck:")[1].split("\n\n")[0]
    assert "$(BIN)/python infra/audit.py" in recipe
