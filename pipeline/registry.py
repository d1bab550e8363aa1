"""The archives that a lake knows: name, place and content hash of each delivery.

One small file per archive at ``<lake>/archives/<name>.json``. The hash is cached by size,
modification time and ETag, so that a second run reads no archive.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipeline.archives import ArchiveSource, content_sha256
from pipeline.errors import FiglakeError, UsageError
from pipeline.lake import Lake
from pipeline.storage import Storage

#: Requests at once where many archives are looked up.
_READERS = 16


@dataclass(frozen=True)
class Archive:
    """One delivery. ``stamp`` is what must stay the same for the cached hash to hold."""

    name: str
    uri: str
    sha256: str
    stamp: str


class ChangingError(FiglakeError):
    """A delivery changes while it is read: somebody is still copying it."""


def known(lake: Lake) -> dict[str, Archive]:
    """The archives registered in the lake, by name."""
    return lake.once(("archives",), lambda: _known(lake))


def _known(lake: Lake) -> dict[str, Archive]:
    names = sorted(info.base_name for info in lake.storage.walk("archives") if info.base_name.endswith(".json"))
    with ThreadPoolExecutor(_READERS) as pool:  # in an object store each is a request
        found = list(pool.map(lambda name: Archive(**json.loads(lake.storage.read_bytes("archives", name))), names))
    return {archive.name: archive for archive in sorted(found, key=lambda archive: archive.name)}


def register(lake: Lake, source: ArchiveSource, *, name: str | None = None, replace_content: bool = False) -> Archive:
    """Record a delivery and return it with its content hash.

    Raises UsageError when the lake already holds other content under this name, unless
    ``replace_content`` says that it is the same delivery corrected; ChangingError when it changes while it is read.
    """
    name = name or source.name
    before = known_one(lake, name)
    stamp = stamp_of(source)
    if before and before.stamp == stamp and before.uri == source.uri:
        return before
    archive = Archive(name, source.uri, content_sha256(source), stamp)
    if stamp_of(source) != stamp:
        raise ChangingError(f"{source.uri} changes while it is read; run again when it is whole")
    if before and before.sha256 != archive.sha256 and not replace_content:
        raise UsageError(
            f"the lake already holds other content under the archive name {name!r} (from {before.uri}); "
            f"say --replace if {source.uri} is the same delivery corrected, or --as NAME if it is a new one"
        )
    lake.storage.write_bytes(json.dumps(asdict(archive), indent=1).encode(), "archives", f"{name}.json")
    return archive


def known_one(lake: Lake, name: str) -> Archive | None:
    """The archive registered under a name."""
    if lake.seen is not None:
        return known(lake).get(name)
    if not lake.storage.exists("archives", f"{name}.json"):
        return None
    return Archive(**json.loads(lake.storage.read_bytes("archives", f"{name}.json")))


def source_of(archive: Archive, options: Mapping[str, str]) -> ArchiveSource:
    """Where to read a registered archive."""
    return ArchiveSource(archive.name, archive.uri, options)


def refuse_twins(sources: Iterable[ArchiveSource]) -> list[ArchiveSource]:
    """The sources, each name once. Raises UsageError when two deliveries of one call share a name."""
    by_name: dict[str, ArchiveSource] = {}
    for source in sources:
        other = by_name.setdefault(source.name, source)
        if other.uri != source.uri:
            raise UsageError(
                f"{other.uri} and {source.uri} would both be the archive {source.name!r}; "
                f"run them one by one and name one of them with --as NAME"
            )
    return list(by_name.values())


def renamed(source: ArchiveSource, name: str) -> ArchiveSource:
    """The same delivery under another name."""
    return replace(source, name=name)


def stamp_of(source: ArchiveSource) -> str:
    """Size and modification time of a file, or of every file of a folder."""
    return ";".join(f"{info.base_name}:{info.size}:{info.mtime_ns}" for info in _files_of(source))


def age_s(source: ArchiveSource) -> float:
    """Seconds since a local delivery last changed. An object store shows no object before it is whole: infinite."""
    if not Storage.at(source.uri, source.options).is_local:
        return math.inf
    return time.time() - max((info.mtime_ns / 1e9 for info in _files_of(source)), default=0.0)


def _files_of(source: ArchiveSource) -> list[Any]:
    storage = Storage.at(source.uri, source.options)
    infos = [storage.filesystem().get_file_info(storage.path())]
    return infos if infos[0].is_file else sorted(storage.walk(), key=lambda info: info.path)
