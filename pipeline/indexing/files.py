"""Immutable files: hashed while they are small enough to hold nothing, put in place whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.storage import Storage

#: Where a local lake keeps files that are still being written; cleaning removes what killed workers left.
PARTIAL = "index/.partial"
_CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 of a local file, hex; memory does not grow with the file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def workspace(storage: Storage) -> Iterator[Path]:
    """A local folder to write files in, on the lake's own disk where the lake is local."""
    if not storage.is_local:
        with tempfile.TemporaryDirectory(prefix="figlake-") as folder:
            yield Path(folder)
        return
    folder_path = Path(storage.path(PARTIAL, uuid.uuid4().hex))
    folder_path.mkdir(parents=True)
    try:
        yield folder_path
    finally:
        shutil.rmtree(folder_path, ignore_errors=True)


def put(storage: Storage, local: Path, path: str) -> None:
    """Move a finished local file to ``path`` below the lake; a reader sees all of it or nothing."""
    if storage.is_local:
        target = Path(storage.path(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        with local.open("rb") as stream:
            os.fsync(stream.fileno())
        local.replace(target)
        return
    with local.open("rb") as source, storage.filesystem().open_output_stream(storage.path(path)) as target_stream:
        shutil.copyfileobj(source, target_stream, _CHUNK_BYTES)
    local.unlink()
