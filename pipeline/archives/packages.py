"""The files of one document, as the extract reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.archives.entries import Entry
from pipeline.archives.inflate import check_entry, inflated
from pipeline.archives.spans import Span
from pipeline.config import LimitSettings
from pipeline.errors import Reason, Reject, RejectedItemError

IMAGE_SUFFIXES = (".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Member:
    """What a task opens: a nested archive (``nested``, one entry), or the loose files of one document.

    ``path`` is unique in the outermost archive; paths through nested archives are joined by ``!/``.
    ``root`` stands before a file's name in its path. ``depth`` counts archives, the outermost being 1:
    for a nested archive its own, else that of the archive that holds the files.
    """

    path: str
    root: str
    entries: tuple[Entry, ...]
    depth: int
    nested: bool = False
    document: str = ""

    @property
    def stored(self) -> int:
        """Bytes it takes up in its archive."""
        return sum(entry.stored for entry in self.entries)


class Package:
    """The files of one document: its XML and the files beside it.

    Read it before asking for the next one; its archive may be closed then. ``document`` is the name of
    the XML. ``rejects`` is the trouble found while listing it, reported nowhere else.
    """

    def __init__(
        self, member: Member, opener: Callable[[str], Span], limits: LimitSettings, rejects: Iterable[Reject] = ()
    ) -> None:
        """``opener`` gives the file that an entry counts in, by :attr:`Entry.file`."""
        self.path, self.document = member.path, member.document
        self.rejects = list(rejects)
        self._root, self._opener, self._limits = member.root, opener, limits
        self._entries = {PurePosixPath(entry.name).name: entry for entry in member.entries}
        self._other_case: dict[str, list[Entry]] = {}
        self._counted: set[str] = set()
        self._inflated_bytes = 0

    def names(self) -> list[str]:
        """File names without folders, in stored order."""
        return list(self._entries)

    def member_path(self, name: str) -> str:
        """The file's path in the outermost archive; what a reject names."""
        return self._root + name

    def read(self, name: str) -> bytes:
        """The file's content, inflated now.

        A name that differs only in case is found. Raises RejectedItemError: IMAGE_MISSING (no such
        image), MEMBER_UNREADABLE (no such file, damaged, wrong checksum), MEMBER_ENCRYPTED,
        RATIO_TOO_HIGH or TOO_LARGE (the file, or all that has been read of the package with it).
        """
        try:
            return self._read(name)
        except RejectedItemError as error:
            raise RejectedItemError(error.reason, error.detail, self.member_path(name)) from None

    def _read(self, name: str) -> bytes:
        entry = self._entries.get(name) or self._in_other_case(name)
        if entry is None:
            missing = name.lower().endswith(IMAGE_SUFFIXES)
            reason = Reason.IMAGE_MISSING if missing else Reason.MEMBER_UNREADABLE
            raise RejectedItemError(reason, f"the package holds no file {name!r}")
        check_entry(entry, self._limits.member_mb << 20, self._limits)
        self._count(entry)
        return b"".join(inflated(self._opener(entry.file), entry))

    def _count(self, entry: Entry) -> None:
        """Hold all files read of the package, each once, against its limit."""
        if entry.name in self._counted:
            return
        if self._inflated_bytes + entry.size > self._limits.package_mb << 20:
            detail = f"with it more than {self._limits.package_mb} MB of the package would be inflated"
            raise RejectedItemError(Reason.TOO_LARGE, detail)
        self._counted.add(entry.name)
        self._inflated_bytes += entry.size

    def _in_other_case(self, name: str) -> Entry | None:
        if not self._other_case:
            for known, entry in self._entries.items():
                self._other_case.setdefault(known.casefold(), []).append(entry)
        found = self._other_case.get(name.casefold(), [])
        return found[0] if len(found) == 1 else None
