"""HTTP as downloads need it: an answer is good, worth another try, or final; nothing secret is ever said."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pipeline.config import FetchSettings
from pipeline.errors import FiglakeError

#: Answers that another try may change (RFC 9110, RFC 6585).
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

_CHUNK_BYTES = 1 << 16
#: How long and how large an answer in JSON may be; lists of a product have some hundred KB.
_ANSWER_TIMEOUTS, _ANSWER_BYTES = 5, 64 << 20


class FetchError(FiglakeError):
    """A file or a list of files cannot be had, and trying again now will not change it."""


class TransientError(Exception):
    """Worth another try, after ``wait_s`` seconds where the server said so."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class UnauthorisedError(Exception):
    """The server wants other credentials than it was given."""


def safe(url: str) -> str:
    """A URL without what may be secret in it: user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


class Transport:
    """A pool of connections. One request is one try: who asks decides about the next, see :meth:`persist`."""

    def __init__(self, settings: FetchSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        import urllib3

        self.settings, self._sleep = settings, sleep
        timeout = urllib3.Timeout(connect=settings.timeout_s, read=settings.timeout_s)
        # Authorization is not sent on to another host after a redirect; that is urllib3's default.
        self._pool = urllib3.PoolManager(
            timeout=timeout, retries=urllib3.Retry(total=None, connect=0, read=0, redirect=5)
        )

    @contextmanager
    def open(
        self, url: str, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> Iterator[Any]:  # fmt: skip
        """The answer, its body unread; a ``form`` is posted.

        Raises TransientError, UnauthorisedError for 401 and 403, FetchError for any other refusal.
        """
        import urllib3

        body: dict[str, Any] = {"fields": dict(form), "encode_multipart": False} if form else {}
        sent = {"User-Agent": "figlake", "Accept-Encoding": "identity", **(headers or {})}
        try:
            answer = self._pool.request(
                "POST" if form else "GET", url, headers=sent, preload_content=False, **body
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise TransientError(f"{safe(url)}: {_said(error)}") from None
        try:
            _judge(answer, url)
            yield answer
        except (urllib3.exceptions.HTTPError, OSError) as error:
            answer.close()  # what is left of it would be read by the next request
            raise TransientError(f"{safe(url)}: {_said(error)}") from None
        except BaseException:
            answer.close()
            raise
        else:
            answer.drain_conn()
        finally:
            answer.release_conn()

    def json(self, url: str, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None) -> Any:
        """A decoded JSON answer; raises as :meth:`open` does, TransientError where it is none or does not end."""
        body, until = bytearray(), time.monotonic() + _ANSWER_TIMEOUTS * self.settings.timeout_s
        with self.open(url, headers, form) as answer:
            while chunk := answer.read1(_CHUNK_BYTES):  # a trickle never runs into the time-out of a single read
                body += chunk
                if time.monotonic() > until or len(body) > _ANSWER_BYTES:
                    raise TransientError(f"{safe(url)} does not come to an end: {len(body) / 1e3:,.0f} KB so far")
            try:
                return json.loads(body)
            except (ValueError, RecursionError):  # the latter of brackets in brackets
                raise TransientError(f"{safe(url)} did not answer in JSON") from None

    def persist(self, work: Callable[[], Any], what: str, progressed: Callable[[], bool] = lambda: False) -> Any:
        """Call ``work`` until it succeeds: ``attempts`` times in a row without progress, with growing, jittered waits.

        Raises FetchError when the attempts are used up.
        """
        failures = 0
        while True:
            try:
                return work()
            except TransientError as error:
                failures = 1 if progressed() else failures + 1
                if failures >= self.settings.attempts:
                    raise FetchError(f"{what}: given up after {failures} attempts; the last said: {error}") from None
                self._sleep(self._wait(failures, error.wait_s))

    def _wait(self, failures: int, asked: float | None) -> float:
        """Seconds before the next try: doubling with full jitter, longer where the server asks for it; bounded."""
        longest = self.settings.longest_wait_s
        ceiling = min(longest, self.settings.backoff_s * 2.0 ** (failures - 1))
        wait = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreads load, keeps no secret
        return min(max(asked or 0.0, wait), longest)


def _judge(answer: Any, url: str) -> None:
    status = int(answer.status)
    if status < 400 or status == 416:
        return
    if status in (401, 403):
        raise UnauthorisedError(f"{safe(url)} answered {status}")
    if status in _TRANSIENT:
        raise TransientError(f"{safe(url)} answered {status}", retry_after(answer.headers.get("Retry-After")))
    raise FetchError(f"{safe(url)} answered {status}")


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for; None where it asks for none or makes no sense."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None


def _said(error: Exception) -> str:
    """What went wrong, in the library's word for it; its full text may quote a URL with a signature."""
    reason = getattr(error, "reason", None)
    return type(reason if isinstance(reason, Exception) else error).__name__
