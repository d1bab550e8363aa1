"""Deliveries fetched into an object store: each file comes to this machine's temporary folder, then up, whole.

The record of what came lies in the bucket, so the next machine goes on from there. What was on its way when a process
was killed is resumed on the same machine, and fetched anew on another.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from obstore import get, open_writer, put
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError

from pipeline.errors import UsageError
from pipeline.fetch.sources import Source
from pipeline.fetch.transport import FetchError, Transport
from pipeline.fetch.work import RECORD, Fetched, Record, fetch
from pipeline.storage import Storage

_CHUNK_BYTES = 8 << 20
#: Parts under way at once, and the time that one may take: together they bear 0.1 MB/s.
_PARTS, _PART_S = 4, 300.0
#: How often the record is read again because another machine wrote it meanwhile.
_TRIES = 20


def read_record(place: Storage) -> Record:
    """The record of a folder or bucket; empty where there is none. Raises UsageError when it is damaged."""
    if place.is_local:
        return Record.read(Path(place.root))
    return Record.parse(place.read_bytes(RECORD), place.uri(RECORD)) if place.exists(RECORD) else Record()


def fetch_into(source: Source, place: Storage, transport: Transport, **options: Any) -> Fetched:
    """Bring what is new into a folder or bucket; ``options`` and errors are those of ``fetch``.

    Of a bucket, ``files`` are the names below it.
    """
    if place.is_local:
        return fetch(source, Path(place.root), transport, **options)
    scratch = _scratch(place)
    known = _remembered(Record(), place)  # before anything large is fetched for a bucket that refuses it
    known.write(scratch)

    def keep(path: Path, record: Record) -> None:
        try:
            _upload(path, place)
            _remember(Record(record.since, {path.name: record.files[path.name]}, record.passed), place)
        except (OSError, BaseError) as error:
            raise FetchError(f"{path.name}: cannot be written to {place.root}: {_first_line(error)}") from None
        finally:
            path.unlink()

    def refuse(record: Record) -> None:
        _remembered(Record(refused=record.refused), place)

    done = fetch(source, scratch, transport, keep=keep, refuse=refuse, **options)
    begun = Record.read(scratch)
    if begun.since is not None and not done.files:
        _remembered(Record(begun.since, passed=begun.passed), place)
    if not done.failures:
        shutil.rmtree(scratch, ignore_errors=True)
    return Fetched(tuple(Path(path.name) for path in done.files), done.failures, done.known)


def _first_line(error: BaseException) -> str:
    """What went wrong, without the store's whole answer, which obstore adds."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _upload(path: Path, place: Storage) -> None:
    """Whole or not there: an upload that is never closed makes no object, and leaves one of this name as it was.

    Its parts stay until the store's own rule for broken uploads removes them.
    """
    upload = open_writer(place.object_store(_PART_S), path.name, buffer_size=_CHUNK_BYTES, max_concurrency=_PARTS)
    with path.open("rb") as file:
        shutil.copyfileobj(file, upload, _CHUNK_BYTES)
    upload.close()


def _remember(record: Record, place: Storage) -> Record:
    """Add to the bucket's record and return it whole; what another machine has added meanwhile stays."""
    store = place.object_store()
    for _ in range(_TRIES):
        mode: Any = "create"
        merged = record
        try:
            found = get(store, RECORD)
            merged = Record.parse(bytes(found.bytes()), place.uri(RECORD)).with_(record)
            mode = {"e_tag": found.meta["e_tag"]}
        except (NotFoundError, FileNotFoundError):
            pass
        try:
            put(store, RECORD, merged.to_json(), mode=mode)
        except (AlreadyExistsError, FileExistsError, PreconditionError):
            continue
        return merged
    raise FetchError(f"{place.uri(RECORD)}: other machines write it all the time; try again later")


def _remembered(record: Record, place: Storage) -> Record:
    """The same, with an error that says which bucket could not be written."""
    try:
        return _remember(record, place)
    except (OSError, BaseError) as error:
        raise FetchError(f"cannot write to {place.root}: {_first_line(error)}") from None


def _scratch(place: Storage) -> Path:
    """A folder of this user's own, the same for the same bucket."""
    name = hashlib.sha256(place.root.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"figlake-fetch-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise UsageError(f"{folder} belongs to somebody else; set TMPDIR")
    return folder
