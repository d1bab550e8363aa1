"""Where archives lie: finding them, opening them, their content hash and the date in their name."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.fs as pafs

from pipeline.archives.entries import Entry, Survey
from pipeline.archives.grouping import members_of
from pipeline.archives.spans import Span
from pipeline.archives.survey import checked, is_nested, survey_archive, without_suffix
from pipeline.config import LimitSettings
from pipeline.errors import FiglakeError, Reason, RejectedItemError, UsageError
from pipeline.storage import Storage

#: The EPO's weekly file: year, six-digit week. The USPTO's: the day of publication.
_EPO_WEEK = re.compile(r"EPRTBJV(\d{4})(\d{6})\d{6}", re.IGNORECASE)
_DAY = re.compile(r"(?:I|FTM-)(\d{8})(?!\d)", re.IGNORECASE)
_PACKAGE_NAME = re.compile(r"(EP\d{8}NW[A-Z]\d|US\w+-\d{8})\.(zip|tar)", re.IGNORECASE)
#: What the root of a delivery holds, besides its documents.
_DELIVERY_MARKS = frozenset({"index.xml", "volumeid", "contents", "doc", "root"})
#: A package of one document has fewer files than this; used to tell it from an archive.
_PEEK_ENTRIES = 5000


@dataclass(frozen=True)
class ArchiveSource:
    """A delivery: a zip, a tar or a folder. ``name`` is the stem, fit for a folder's name."""

    name: str
    uri: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


class OpenSource:
    """A source opened for reading by position; use as a context manager.

    Of a folder, one file is open at a time. Raises OSError when the storage fails.
    """

    def __init__(self, source: ArchiveSource) -> None:
        self.storage = Storage.at(source.uri, source.options)
        self._filesystem = self.storage.filesystem()
        self._open: tuple[str, Any] | None = None

    def __enter__(self) -> OpenSource:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open:
            self._open[1].close()

    def span(self, file: str = "") -> Span:
        """The file at a path below the source; the source itself when it is a file."""
        if self._open is None or self._open[0] != file:
            if self._open:
                self._open[1].close()
            self._open = file, self.storage.open_input(*([file] if file else []))
        return Span.whole(self._open[1])

    def survey(self, limits: LimitSettings) -> Survey:
        """List the archive. Raises RejectedItemError as ``survey_archive`` does, FiglakeError when it is gone."""
        kind = self._filesystem.get_file_info(self.storage.path()).type
        if kind == pafs.FileType.File:
            return survey_archive(self.span(), limits, limits.entries)
        if kind == pafs.FileType.NotFound:
            raise FiglakeError(f"there is no archive at {self.storage.root}; put it back or register its new place")
        entries = list(islice(_folder_entries(self.storage), limits.entries + 1))
        if len(entries) > limits.entries:
            raise RejectedItemError(Reason.TOO_MANY_ENTRIES, f"more than {limits.entries:,} files")
        if not entries:
            raise RejectedItemError(Reason.ARCHIVE_EMPTY, "the folder holds no file")
        return checked(sorted(entries, key=lambda entry: entry.file))


def discover(uris: Iterable[str], options: Mapping[str, str] | None = None) -> list[ArchiveSource]:
    """The archives at the given places, each once, in the order given and then by path.

    A file is an archive. A folder with a delivery's name or marks (index.xml, VOLUMEID, DOC …) is one;
    another folder stands for the archives below it; one that holds only packages or documents is itself
    an archive. Raises UsageError where there is nothing to read.
    """
    found: dict[str, ArchiveSource] = {}
    for uri in uris:
        storage = Storage.at(uri, options)
        kind = storage.filesystem().get_file_info(storage.path()).type
        if kind == pafs.FileType.NotFound:
            raise UsageError(f"there is nothing at {uri}; name a zip, a tar, or a folder that holds some")
        if kind == pafs.FileType.File:
            places = [storage.root]
        else:
            places = sorted(_archives_below(storage, set()))
            if not places and is_empty(storage):
                raise UsageError(f"the folder {uri} is empty; name a zip, a tar, or a folder that holds some")
        for place in places or [storage.root]:
            found.setdefault(place, ArchiveSource(_name_of(place), place, dict(options or {})))
    return list(found.values())


def content_sha256(source: ArchiveSource) -> str:
    """SHA-256 of the file's bytes, hex; of a folder, over its sorted (path, size, SHA-256) lines.

    Reads everything once, a chunk at a time. Raises OSError when the storage fails.
    """
    with OpenSource(source) as opened:
        storage = opened.storage
        if storage.size() is not None:
            return _digest(opened.span())
        lines = sorted(
            (entry.file, entry.size, _digest(opened.span(entry.file)))
            for entry in _folder_entries(storage)
            if not entry.special
        )
        whole = hashlib.sha256()
        for path, size, digest in lines:
            whole.update(f"{path}\0{size}\0{digest}\n".encode())
        return whole.hexdigest()


def date_in_name(path: str) -> date | None:
    """The day that a delivery's file name states; for a week of the EPO its Wednesday."""
    name = PurePosixPath(path).name
    try:
        if week := _EPO_WEEK.match(name):
            return date.fromisocalendar(int(week[1]), int(week[2]), 3)
        if day := _DAY.match(name):
            return date.fromisoformat(day[1])
    except ValueError:
        return None
    return None


def _digest(span: Span) -> str:
    digest = hashlib.sha256()
    for piece in span.chunks():
        digest.update(piece)
    return digest.hexdigest()


def is_empty(folder: Storage) -> bool:
    """Whether a folder holds nothing but hidden files, such as the record of what was fetched."""
    return next(_folder_entries(folder), None) is None


def _folder_entries(storage: Storage) -> Iterator[Entry]:
    """The files of a folder, hidden ones aside, in no order; links that lead out of it are marked."""
    walk = _local_files(Path(storage.root)) if storage.is_local else _remote_files(storage)
    for path, size, special in walk:
        if not any(part.startswith(".") for part in path.split("/")):
            yield Entry(path, 0, size, size, file=path, special=special)


def _remote_files(storage: Storage) -> Iterator[tuple[str, int, str]]:
    base = storage.path() + "/"
    for info in storage.walk():
        yield info.path.removeprefix(base), info.size, ""


def _local_files(root: Path) -> Iterator[tuple[str, int, str]]:
    """Links to folders are not followed: they may lead in circles."""
    for folder, folders, files in os.walk(root):
        linked = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in [*files, *linked]:
            path = Path(folder) / name
            relative = path.relative_to(root).as_posix()
            yield relative, *_size_or_trouble(path, root, relative)


def _size_or_trouble(path: Path, root: Path, relative: str) -> tuple[int, str]:
    if not relative.isprintable() and any(0xD800 <= ord(sign) < 0xE000 for sign in relative):
        return 0, "has a name that is not UTF-8"
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        return 0, "is a link that leads out of the folder"
    if not path.is_file():
        return 0, "is a link to a folder, or a device"
    return path.stat().st_size, ""


def _archives_below(folder: Storage, seen: set[str]) -> set[str]:
    """URIs of the archives in a folder, itself included; none when it holds packages or documents alone."""
    if folder.root in seen:
        return set()
    seen.add(folder.root)
    infos = folder.filesystem().get_file_info(pafs.FileSelector(folder.path()))
    infos = sorted((info for info in infos if not info.base_name.startswith(".")), key=lambda info: info.base_name)
    names = {info.base_name.lower() for info in infos}
    # A dot in the name makes it something beside the delivery, as figlake synth's EPRTBJV….truth.
    dated = date_in_name(folder.root) and "." not in PurePosixPath(folder.root).name
    if dated or names & _DELIVERY_MARKS:
        return {folder.root}
    files = [info.base_name for info in infos if info.is_file and is_nested(info.base_name)]
    found = set() if _are_packages(folder, files) else {Storage.at(folder.uri(name)).root for name in files}
    for info in infos:
        if info.type == pafs.FileType.Directory:
            found |= _archives_below(Storage.at(folder.uri(info.base_name), folder.options), seen)
    return found


def _are_packages(folder: Storage, files: list[str]) -> bool:
    """Whether the zips of a folder are packages of one document each; the first that can be read tells."""
    for name in files:
        if _PACKAGE_NAME.fullmatch(name):
            return True
        if date_in_name(name):
            return False
        try:
            with OpenSource(ArchiveSource(name, folder.uri(name), folder.options)) as opened:
                members, _ = members_of(opened.survey(LimitSettings(entries=_PEEK_ENTRIES)), name, 1)
        except RejectedItemError:
            continue
        return len(members) == 1 and not members[0].nested
    return False


def _name_of(uri: str) -> str:
    name = uri.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._-]", "_", without_suffix(name)).lstrip(".-") or "archive"
