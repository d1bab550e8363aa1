"""Replace one small file only if it still says what we read: the one place where releases can race."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import SupersededError
from pipeline.storage import Storage


def read_pointer(storage: Storage, path: str) -> str | None:
    """What the file says, stripped; None when there is no such file."""
    try:
        return storage.read_bytes(path).decode().strip()
    except FileNotFoundError:
        return None


def replace_pointer(storage: Storage, path: str, expected: str | None, value: str) -> None:
    """Write ``value`` if the file still says ``expected`` (None: is not there).

    Local: under a lock that ends with its holder, so a killed process leaves none behind. Object
    stores: a conditional put (If-Match, If-None-Match). Raises SupersededError when another writer
    came first; the file is then as that writer left it.
    """
    if storage.is_local:
        with _locked(Path(storage.path(path + ".lock"))):
            found = read_pointer(storage, path)
            if found == value:
                return
            _require(found, expected, path)
            storage.write_bytes(f"{value}\n".encode(), path)
    else:
        _conditional_put(storage, path, expected, value)


def hold(storage: Storage, path: str) -> BinaryIO | None:
    """Say that a file is in use, until the handle is closed or its process ends. Only a local file can be held."""
    if not storage.is_local:
        return None
    handle = Path(storage.path(path)).open("rb")  # noqa: SIM115 - it outlives this call
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def is_held(storage: Storage, path: str) -> bool:
    """Whether some process holds a local file."""
    if not storage.is_local:
        return False
    with Path(storage.path(path)).open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The kernel's lock on a file beside the pointer; waits its turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _conditional_put(storage: Storage, path: str, expected: str | None, value: str) -> None:
    from obstore import get, put
    from obstore.exceptions import AlreadyExistsError, NotFoundError, PreconditionError

    store = storage.object_store()
    try:
        found = get(store, path)
        text, tag = bytes(found.bytes()).decode().strip(), found.meta["e_tag"]
    except (NotFoundError, FileNotFoundError):
        text, tag = None, None
    if text == value:
        return
    _require(text, expected, path)
    try:
        put(store, path, f"{value}\n".encode(), mode="create" if text is None else {"e_tag": tag})
    except (AlreadyExistsError, FileExistsError, PreconditionError):
        now = read_pointer(storage, path)
        if now == value:  # the answer to our own write was lost, and the client tried again
            return
        _require(now, expected, path)
        raise SupersededError(f"{path}: another writer is at work; run again") from None


def _require(found: str | None, expected: str | None, path: str) -> None:
    if found != expected:
        raise SupersededError(f"{path} now says {found or 'nothing'}, not {expected or 'nothing'}: another writer came "
                              f"first; run again")  # fmt: skip
