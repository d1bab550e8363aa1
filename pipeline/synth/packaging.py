"""Zip files whose bytes depend on nothing but their contents."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path


def packed(files: Sequence[tuple[str, bytes]], day: date) -> bytes:
    """A document's package: deflated files dated to ``day``."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files:
            write_member(archive, name, data, day, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def write_member(archive: zipfile.ZipFile, name: str, data: bytes, day: date, method: int) -> None:
    """Add a file with a fixed time and mode, so that no clock or umask shows in the bytes."""
    info = zipfile.ZipInfo(name, (day.year, day.month, day.day, 14, 0, 0))
    info.compress_type = method
    info.external_attr = 0o600 << 16
    info.create_system = 3
    archive.writestr(info, data)


class Replacement:
    """A file that appears under its name only when it is complete."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(path.name + ".partial")

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.partial

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.partial.replace(self.path)
        else:
            self.partial.unlink(missing_ok=True)
