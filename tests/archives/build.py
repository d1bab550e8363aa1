"""Tiny archives made on the spot."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.archives import ArchiveSource, Listing, Package, Shard, list_archive, open_packages
from pipeline.config import ExtractSettings, LimitSettings
from pipeline.errors import Reject

LIMITS = LimitSettings()
EXTRACT = ExtractSettings()
XML = b"<ep-patent-document/>"


class Pipe(io.RawIOBase):
    """Takes bytes and cannot go back: makes zipfile write lengths behind the data."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.data += piece
        return len(piece)


def streamed_zip_bytes(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, zip64: bool = False) -> bytes:
    """A zip whose members' lengths stand behind their data."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        for name, data in files.items():
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(data)
    return bytes(pipe.data)


def zip_bytes(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files, in this order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2019, 2, 13, 14, 0, 0)), data, method)
    return stream.getvalue()


def tar_bytes(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of these files, in this order."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def package(stem: str, images: int = 2) -> bytes:
    """A package as the EPO makes them: XML, PDF, table of contents and drawings."""
    drawings = {f"imgf{number:04}.tif": f"II*\0{stem}{number}".encode() for number in range(1, images + 1)}
    return zip_bytes({f"{stem}.xml": XML + stem.encode(), f"{stem}.pdf": b"%PDF", "TOC.xml": b"<x/>", **drawings})


def source(folder: Path, data: bytes, name: str = "week.zip") -> ArchiveSource:
    """The bytes as an archive on disk."""
    path = folder / name
    path.write_bytes(data)
    return ArchiveSource(path.stem, str(path), {})


def listing(of: ArchiveSource, limits: LimitSettings = LIMITS, extract: ExtractSettings = EXTRACT) -> Listing:
    return list_archive(of, limits, extract)


def contents(
    of: ArchiveSource, limits: LimitSettings = LIMITS, extract: ExtractSettings = EXTRACT
) -> tuple[dict[str, dict[str, bytes]], list[tuple[str, str]]]:
    """Every package's files by path and name, and every reject as (item, reason), as a run would see them."""
    found = list_archive(of, limits, extract)
    packages: dict[str, dict[str, bytes]] = {}
    rejects = list(found.rejects)
    for shard in found.shards:
        for item in open_packages(Shard.from_json(shard.to_json(), of.options), limits):
            if isinstance(item, Reject):
                rejects.append(item)
                continue
            assert item.path not in packages, f"two packages are called {item.path}"
            rejects += item.rejects
            packages[item.path] = {name: item.read(name) for name in item.names()}
    return packages, [(reject.item, reject.reason.value) for reject in rejects]


def first_package(of: ArchiveSource, limits: LimitSettings = LIMITS) -> Package:
    """The first package, open for reading (its archive is small enough to stay in memory)."""
    for shard in list_archive(of, limits, EXTRACT).shards:
        for item in open_packages(shard, limits):
            if isinstance(item, Package):
                return item
    raise AssertionError("the archive holds no package")
