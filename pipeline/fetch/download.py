"""One file, whole or not at all: resumed where it broke off, checked before it gets its name."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.fetch.sources import Offer, Source
from pipeline.fetch.transport import FetchError, TransientError, Transport

_CHUNK_BYTES = 1 << 20
#: Over which time a connection's speed is judged.
_WINDOW_S = 30.0
#: How often a whole download whose checksum is wrong is made again.
_WHOLE_TRIES = 2
#: Called with the bytes that are there and the bytes there will be, None where nobody says.
Progress = Callable[[int, int | None], None]


class WrongChecksumError(FetchError):
    """A file came whole, twice, and is not the one that its source says it is."""


@dataclass
class _Part:
    """The file on its way: ``NAME.part``, and beside it which version of the file it is the beginning of."""

    path: Path
    digest: Any = None
    size: int = 0
    resumed: bool = False

    @property
    def label(self) -> Path:
        return self.path.with_suffix(".version")

    def open(self, version: str) -> None:
        """Take up what is there if it is of this version; hash it."""
        self.digest, self.size = hashlib.sha1(usedforsecurity=False), 0
        if not self.path.is_file() or self._version() != version:
            self.restart(version)
            return
        with self.path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                self.digest.update(chunk)
                self.size += len(chunk)
        self.resumed = self.size > 0

    def restart(self, version: str) -> None:
        """Begin at nothing."""
        self.digest, self.size, self.resumed = hashlib.sha1(usedforsecurity=False), 0, False
        self.path.write_bytes(b"")
        self.label.write_text(json.dumps(version), encoding="utf-8")

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.label.unlink(missing_ok=True)

    def _version(self) -> str | None:
        with suppress(OSError, ValueError):
            return str(json.loads(self.label.read_text(encoding="utf-8")))
        return None


def download(source: Source, offer: Offer, folder: Path, transport: Transport, progress: Progress) -> tuple[Path, str]:
    """Bring one offered file into ``folder``; returns its path and SHA-1 (hex, upper case).

    Until it is whole and its checksum is right it is called ``.NAME.part``; a later call goes on from there. Raises
    FetchError when it cannot be had, WrongChecksumError when it came whole and is not what was offered.
    """
    target = folder / offer.name
    part = _Part(folder / f".{offer.name}.part")
    part.open(offer.version)
    for _ in range(_WHOLE_TRIES):
        _receive(source, offer, part, transport, progress)
        found = part.digest.hexdigest().upper()
        if offer.sha1 is None or found == offer.sha1.upper():
            _keep(part, target)
            return target, found
        part.restart(offer.version)
    part.discard()
    raise WrongChecksumError(
        f"{offer.name}: its SHA-1 is {found}, the delivery says {offer.sha1}; nothing was kept. "
        "The file is being replaced at its source, or something on the way changes it. It rests for half a day now, "
        "in which --again fetches it"
    )


def _receive(source: Source, offer: Offer, part: _Part, transport: Transport, progress: Progress) -> None:
    """Append what is missing until the source says that it was all.

    Progress is what no try before had: a source that starts anew each time, and always breaks off, is given up.
    """
    before = furthest = part.size

    def one_try() -> None:
        nonlocal before, furthest
        before = furthest = max(furthest, part.size)
        with source.open(offer, part.size) as answer:
            if answer.start != part.size:  # it does not resume, or has another file now
                part.restart(offer.version)
            if answer.start not in (0, part.size):
                raise TransientError(f"{offer.name}: asked from byte {part.size}, got byte {answer.start}")
            with part.path.open("r+b", buffering=0) as stream:
                stream.seek(part.size)
                _copy(answer.read, stream, part, progress, answer.total, transport.settings.slowest_kb_s)
                stream.truncate()
            if answer.total is not None and part.size < answer.total:
                raise TransientError(f"{offer.name}: the connection ended at byte {part.size} of {answer.total}")

    transport.persist(one_try, offer.name, progressed=lambda: part.size > before)


def _copy(
    read: Callable[[int], bytes], stream: Any, part: _Part, progress: Progress, total: int | None, slowest_kb_s: float
) -> None:
    """Copy to the end. A trickle that stays below the floor for half a minute is as bad as a dropped connection."""
    began, at_begin = time.monotonic(), part.size
    while chunk := read(_CHUNK_BYTES):
        _write(stream, chunk, part.path)
        part.digest.update(chunk)
        part.size += len(chunk)
        progress(part.size, total)
        passed = time.monotonic() - began
        if passed > _WINDOW_S:
            if (part.size - at_begin) / 1024 < slowest_kb_s * passed:
                raise TransientError(f"less than {slowest_kb_s:g} KB/s for {passed:.0f} s")
            began, at_begin = time.monotonic(), part.size


def _write(stream: Any, chunk: bytes, path: Path) -> None:
    rest = memoryview(chunk)
    try:
        while rest:  # a disk that fills takes a part, and refuses the next
            rest = rest[stream.write(rest) :]
    except OSError as error:  # a full disk is no fault of the connection
        raise FetchError(f"cannot write {path}: {error.strerror}; what came so far is kept") from None


def _keep(part: _Part, target: Path) -> None:
    with part.path.open("rb") as stream:
        os.fsync(stream.fileno())
    part.path.replace(target)
    part.label.unlink(missing_ok=True)
