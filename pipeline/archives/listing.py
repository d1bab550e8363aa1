"""From a source to shards of members on the driver, and from a shard to packages in a task."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import PurePosixPath

from pipeline.archives.entries import STORED, Entry, Survey
from pipeline.archives.grouping import members_of
from pipeline.archives.inflate import check_entry, inflated, stored_span
from pipeline.archives.packages import Member, Package
from pipeline.archives.sources import ArchiveSource, OpenSource, date_in_name
from pipeline.archives.spans import Span
from pipeline.archives.survey import distinct, survey_archive
from pipeline.config import ExtractSettings, LimitSettings
from pipeline.errors import Reason, Reject, RejectedItemError

#: A nested archive up to this size is held in memory while it is open; a larger one lies on disk or in place.
IN_MEMORY_BYTES = 16 << 20

#: What is wrong with an archive, said of one inside another.
_NESTED_REASON = {
    Reason.ARCHIVE_EMPTY: Reason.PACKAGE_WITHOUT_DOCUMENT,
    Reason.ARCHIVE_UNREADABLE: Reason.PACKAGE_UNREADABLE,
    Reason.MEMBER_UNREADABLE: Reason.PACKAGE_UNREADABLE,
}
_INDEX_DATE = re.compile(rb"<[\w-]*package-index\b[^>]*\bdate=\"(\d{8})\"")
_ENTRY_FIELDS = tuple(item.name for item in fields(Entry))


@dataclass(frozen=True)
class Shard:
    """Neighbouring members of one archive: the work of one task."""

    source: ArchiveSource
    members: tuple[Member, ...]

    def to_json(self) -> str:
        """Everything but the storage options, which may hold secrets."""
        members = [
            [
                m.path,
                m.root,
                [[getattr(e, name) for name in _ENTRY_FIELDS] for e in m.entries],
                m.depth,
                m.nested,
                m.document,
            ]
            for m in self.members
        ]
        return json.dumps({"name": self.source.name, "uri": self.source.uri, "members": members})

    @classmethod
    def from_json(cls, text: str, options: Mapping[str, str] | None = None) -> Shard:
        """Read it back; ``options`` reach the storage."""
        tree = json.loads(text)
        members = tuple(
            Member(path, root, tuple(Entry(*values) for values in entries), *rest)
            for path, root, entries, *rest in tree["members"]
        )
        return cls(ArchiveSource(tree["name"], tree["uri"], dict(options or {})), members)


@dataclass(frozen=True)
class Listing:
    """An archive cut into shards, what was refused on the way, and the delivery's date where it says one."""

    shards: list[Shard]
    rejects: list[Reject]
    delivery_date: date | None


def list_archive(source: ArchiveSource, limits: LimitSettings, extract: ExtractSettings) -> Listing:
    """Read the archive's directory once and cut it into shards of about ``extract.shard_mb``.

    No member is inflated. Trouble with the archive becomes rejects: ARCHIVE_EMPTY, ARCHIVE_UNREADABLE,
    TOO_MANY_ENTRIES, or ARCHIVE_TRUNCATED beside what could be recovered. Raises FiglakeError when there
    is no such file or folder, OSError when the storage fails.
    """
    with OpenSource(source) as opened:
        try:
            survey = opened.survey(limits)
        except RejectedItemError as error:
            return Listing([], [error.reject(source.name)], date_in_name(source.uri))
        rejects = list(survey.rejects)
        if survey.cut:
            cut_in = f" ({survey.cut.member})" if survey.cut.member else ""
            rejects.append(Reject(source.name, Reason.ARCHIVE_TRUNCATED, survey.cut.detail + cut_in))
        members, refused = members_of(survey, "", 1)
        rejects += refused
        shard_bytes = extract.shard_mb << 20
        members, refused = _spread(members, opened.span, limits, shard_bytes)
        rejects += refused
        if not members and not rejects:
            detail = f"none of its {len(survey.entries):,} files is a document or a package"
            rejects.append(Reject(source.name, Reason.ARCHIVE_EMPTY, detail))
        delivered = date_in_name(source.uri) or _date_inside(survey, opened.span, limits)
    return Listing(_shards(source, members, shard_bytes, extract.shard_packages), distinct(rejects), delivered)


def open_packages(shard: Shard, limits: LimitSettings) -> Iterator[Package | Reject]:
    """Open the shard's members one after another, nested archives down to ``limits.depth``.

    One package is held in memory at a time. Raises OSError when the storage fails.
    """
    with OpenSource(shard.source) as opened:
        for member in shard.members:
            yield from _open(member, opened.span, limits)


def _open(member: Member, opener: Callable[[str], Span], limits: LimitSettings) -> Iterator[Package | Reject]:
    if not member.nested:
        yield Package(member, opener, limits)
        return
    with ExitStack() as stack:
        try:
            span = _nested_span(member, opener, limits, stack)
            inner, rejects = _look_inside(member, span, limits)
        except RejectedItemError as error:
            yield _nested_reject(member, error)
            return
        by_folder: dict[str, list[Reject]] = {}
        for reject in rejects:
            by_folder.setdefault(reject.item.rpartition("/")[0] + "/", []).append(reject)
        for each in inner:
            if each.nested:
                yield from _open(each, lambda _: span, limits)
            else:
                yield Package(each, lambda _: span, limits, by_folder.pop(each.root, ()))
        for remaining in by_folder.values():
            yield from remaining


def _spread(
    members: list[Member], opener: Callable[[str], Span], limits: LimitSettings, shard_bytes: int
) -> tuple[list[Member], list[Reject]]:
    """Replace each large nested archive that lies uncompressed by its own members, so that many tasks share it."""
    spread: list[Member] = []
    rejects: list[Reject] = []
    for member in members:
        entry = member.entries[0]
        in_place = member.nested and entry.method == STORED and not entry.encrypted and member.depth <= limits.depth
        if not in_place or entry.stored <= shard_bytes:
            spread.append(member)
            continue
        try:
            place = stored_span(opener(entry.file), entry)
            inner, refused = _look_inside(member, place, limits)
        except RejectedItemError as error:
            rejects.append(_nested_reject(member, error))
            continue
        moved = [_moved(each, entry.file, place.start) for each in inner]
        deeper, more = _spread(moved, opener, limits, shard_bytes)
        spread += deeper
        rejects += refused + more
    return spread, rejects


def _moved(member: Member, file: str, by: int) -> Member:
    """The member with its entries counted in the file that holds its archive."""
    entries = tuple(replace(entry, file=file, offset=entry.offset + by) for entry in member.entries)
    return replace(member, entries=entries)


def _look_inside(member: Member, span: Span, limits: LimitSettings) -> tuple[list[Member], list[Reject]]:
    """What a nested archive holds. Raises RejectedItemError when nothing of it can be read."""
    survey = survey_archive(span, limits, limits.nested_entries)
    rejects = [replace(reject, item=member.root + reject.item) for reject in survey.rejects]
    if survey.cut:
        rejects.append(Reject(member.path, Reason.PACKAGE_TRUNCATED, survey.cut.detail))
    inner, refused = members_of(survey, member.path, member.depth)
    rejects = distinct(rejects + refused)
    if not inner and not rejects:
        detail = f"none of its {len(survey.entries):,} files is a document's XML"
        raise RejectedItemError(Reason.PACKAGE_WITHOUT_DOCUMENT, detail)
    return inner, rejects


def _nested_span(member: Member, opener: Callable[[str], Span], limits: LimitSettings, stack: ExitStack) -> Span:
    """The bytes of a nested archive: in memory when small, else in place or, inflated, in a temporary file."""
    entry = member.entries[0]
    if member.depth > limits.depth:
        raise RejectedItemError(Reason.TOO_DEEP, f"archives are nested more than {limits.depth} deep")
    within = opener(entry.file)
    if entry.method == STORED:
        check_entry(entry, entry.size, limits)
        place = stored_span(within, entry)
        return Span.of_bytes(place.read_at(0, place.size)) if place.size <= IN_MEMORY_BYTES else place
    check_entry(entry, limits.nested_mb << 20, limits)
    if entry.size <= IN_MEMORY_BYTES:
        return Span.of_bytes(b"".join(inflated(within, entry)))
    spool = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the caller's stack closes it)
    for piece in inflated(within, entry):
        spool.write(piece)
    return Span(spool, 0, entry.size)


def _nested_reject(member: Member, error: RejectedItemError) -> Reject:
    return Reject(member.path, _NESTED_REASON.get(error.reason, error.reason), error.detail)


def _shards(source: ArchiveSource, members: list[Member], most_bytes: int, most_packages: int) -> list[Shard]:
    shards: list[Shard] = []
    group: list[Member] = []
    held = 0
    for member in members:
        if group and (held + member.stored > most_bytes or len(group) >= most_packages):
            shards.append(Shard(source, tuple(group)))
            group, held = [], 0
        group.append(member)
        held += member.stored
    return [*shards, Shard(source, tuple(group))] if group else shards


def _date_inside(survey: Survey, opener: Callable[[str], Span], limits: LimitSettings) -> date | None:
    """The date that a nested delivery's name or the index states; of the index only its beginning is read."""
    for entry in survey.entries:
        if PurePosixPath(entry.name).name.startswith("FTM-") and (found := date_in_name(entry.name)):
            return found
    index = min(
        (e for e in survey.entries if PurePosixPath(e.name).name.lower() == "index.xml"),
        key=lambda e: len(e.name),
        default=None,
    )
    if index is None:
        return None
    try:
        check_entry(index, limits.member_mb << 20, limits)
        head = next(inflated(opener(index.file), index), b"")
    except RejectedItemError:
        return None
    stated = _INDEX_DATE.search(head)
    return date_in_name(f"FTM-{stated[1].decode()}") if stated else None
