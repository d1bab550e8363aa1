"""What lies in one archive: its directory read once, names checked, what is unsafe refused."""

from __future__ import annotations

from dataclasses import replace

from pipeline.archives.entries import Cut, Entry, Survey, clean_name, shown
from pipeline.archives.spans import Span
from pipeline.archives.tars import BLOCK, is_tar, list_tar
from pipeline.archives.zips import is_zip, list_zip, overlapping
from pipeline.config import LimitSettings
from pipeline.errors import Reason, Reject, RejectedItemError

#: Names of archives; those that turn out to be of an unsupported kind are rejected, not passed over.
NESTED_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")
#: An empty tar is one record of zeros: 10 KB unless its blocking factor was raised.
_EMPTY_TAR_BYTES = 64 << 10

_OTHER_FORMATS = {
    b"\x1f\x8b": "gzip; unpack it to a plain tar first, which can be read in parts",
    b"BZh": "bzip2; unpack it to a plain tar first, which can be read in parts",
    b"7z\xbc\xaf": "7-Zip, which is not supported; repack it as zip",
    b"Rar!": "RAR, which is not supported; repack it as zip",
    b"\xfd7zXZ": "xz; unpack it to a plain tar first, which can be read in parts",
}


def survey_archive(span: Span, limits: LimitSettings, most: int) -> Survey:
    """List a zip or tar of at most ``most`` files; no file's content is read.

    Raises RejectedItemError: ARCHIVE_EMPTY, ARCHIVE_UNREADABLE (neither zip nor tar) or
    TOO_MANY_ENTRIES.
    """
    first = span.read_at(0, BLOCK)
    if not first:
        raise RejectedItemError(Reason.ARCHIVE_EMPTY, "the file holds 0 bytes")
    zipped = is_zip(first)
    if zipped:
        entries, cut = list_zip(span, most, limits.nested_mb << 20)
    elif is_tar(first) or _is_empty_tar(span):
        entries, cut = list_tar(span, most)
    else:
        raise RejectedItemError(Reason.ARCHIVE_UNREADABLE, _not_an_archive(first))
    if len(entries) > most:
        raise RejectedItemError(Reason.TOO_MANY_ENTRIES, f"more than {most:,} members")
    if not entries and cut is None:
        raise RejectedItemError(Reason.ARCHIVE_EMPTY, "the archive holds no file")
    return checked(entries, cut, overlapping(entries) if zipped else [])


def checked(entries: list[Entry], cut: Cut | None = None, overlaps: list[Entry] | None = None) -> Survey:
    """Clean the names and refuse what no reader should take.

    Refused: unsafe paths, links and devices, members that overlap another, and all but the last of
    several members with one name (the last is what unpacking would leave on disk).
    """
    survey = Survey(cut=_named(cut))
    bombs = {id(entry) for entry in overlaps or ()}
    by_name: dict[str, Entry] = {}
    for entry in entries:
        reject = _refusal(entry, id(entry) in bombs)
        if reject is None:
            name = clean_name(entry.name)
            if name in by_name:
                survey.rejects.append(_shadowed(name))
            by_name.pop(name, None)
            by_name[name] = entry if name == entry.name else replace(entry, name=name)
        else:
            survey.rejects.append(reject)
    survey.entries = list(by_name.values())
    survey.rejects = distinct(survey.rejects)
    return survey


def is_nested(name: str) -> bool:
    """Whether a member is itself an archive to open, by its name."""
    return name.lower().endswith(NESTED_SUFFIXES)


def without_suffix(name: str) -> str:
    """An archive's stem."""
    return next((name[: -len(suffix)] for suffix in NESTED_SUFFIXES if name.lower().endswith(suffix)), name)


def distinct(rejects: list[Reject]) -> list[Reject]:
    """One reject per item and reason, the first of each."""
    first: dict[tuple[str, Reason], Reject] = {}
    for reject in rejects:
        first.setdefault((reject.item, reject.reason), reject)
    return list(first.values())


def _refusal(entry: Entry, overlaps: bool) -> Reject | None:
    try:
        name = clean_name(entry.name)
    except RejectedItemError as error:
        return error.reject(shown(entry.name))
    if entry.special:
        return Reject(name, Reason.UNSAFE_PATH, f"the member {entry.special}, not a file")
    if overlaps:
        return Reject(name, Reason.MEMBER_UNREADABLE, "the member's bytes overlap those of another member")
    return None


def _shadowed(name: str) -> Reject:
    reason = Reason.DUPLICATE_DOCUMENT if is_nested(name) else Reason.MEMBER_UNREADABLE
    return Reject(name, reason, "another member of the same name comes later in the archive; the last one is taken")


def _named(cut: Cut | None) -> Cut | None:
    if cut is None or cut.member is None:
        return cut
    try:
        return replace(cut, member=clean_name(cut.member))
    except RejectedItemError:
        return replace(cut, member=None)


def _is_empty_tar(span: Span) -> bool:
    """Zeros and nothing else, as few as tar writes; a longer run of them is a download that failed."""
    return BLOCK <= span.size <= _EMPTY_TAR_BYTES and not any(span.read_at(0, span.size))


def _not_an_archive(first: bytes) -> str:
    known = next((text for magic, text in _OTHER_FORMATS.items() if first.startswith(magic)), None)
    return f"the file is {known}" if known else f"neither a zip nor a tar: it begins with {first[:8]!r}"
