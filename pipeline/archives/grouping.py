"""Which files of an archive belong to which document.

A package is the files beside one document's XML; a nested archive stays closed until a task opens it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from pipeline.archives.entries import INSIDE, Entry, Survey
from pipeline.archives.packages import IMAGE_SUFFIXES, Member
from pipeline.archives.survey import is_nested
from pipeline.errors import Reason, Reject

#: XML that stands beside documents: tables of contents, and the sequence listings of the EPO and the USPTO.
_OTHER_XML = re.compile(r"(toc|index|.*__sl\d+|.*-s\d{5})\.xml", re.IGNORECASE)
#: Supplements of the USPTO (tables, listings, program code), DTDs, and what Mac archivers add.
_ASIDE = re.compile(r"(^|/)(__MACOSX/|\._|DTDS?/|[^/]*-SUPP(/|\.[^/]*$))", re.IGNORECASE)


def members_of(survey: Survey, where: str, depth: int) -> tuple[list[Member], list[Reject]]:
    """The nested archives and documents of one archive, in stored order, and the folders that hold neither.

    ``where`` is the archive's own path (empty for the outermost), ``depth`` its depth. Where the archive
    is cut, the document that the cut lies in is rejected: its other files may be lost.
    """
    members: list[Member] = []
    rejects: list[Reject] = []
    folders: dict[str, list[Entry]] = {}
    for entry in survey.entries:
        if _ASIDE.search(entry.name):
            continue
        if is_nested(entry.name):
            path = _inside(where, entry.name)
            members.append(Member(path, path + INSIDE, (entry,), depth + 1, nested=True))
        else:
            folders.setdefault(_folder(entry.name), []).append(entry)
    last = _last_before_cut(survey, depth)
    for folder, files in folders.items():
        found, refused = _documents(folder, files, where, depth)
        if last is not None and folder == _folder(last):
            found, refused = _without_the_cut(found, refused, PurePosixPath(last).name)
        members += found
        rejects += refused
    members.sort(key=lambda member: (member.entries[0].file, member.entries[0].offset))
    return _with_paths_of_their_own(members, rejects)


def _documents(folder: str, files: list[Entry], where: str, depth: int) -> tuple[list[Member], list[Reject]]:
    """The documents of one folder; none and a reject where images lie without a document."""
    base = _inside(where, folder) if folder else where
    root = (base + INSIDE if base == where else base + "/") if base else ""
    names = [PurePosixPath(entry.name).name for entry in files]
    documents = _document_names(names, PurePosixPath(base).stem, PurePosixPath(base).name)
    images = [name for name in names if name.lower().endswith(IMAGE_SUFFIXES)]
    if not documents:
        if not images:
            return [], []
        detail = f"{len(images)} images and no document XML"
        return [], [Reject(base or images[0], Reason.PACKAGE_WITHOUT_DOCUMENT, detail)]
    if len(documents) == 1:
        name = documents[0]
        return [Member(base or name, root, tuple(files), depth, document=name)], []
    shares, orphans = _shared_out(files, documents)
    members = [Member(root + name, root, tuple(share), depth, document=name) for name, share in shares.items()]
    lost = sum(PurePosixPath(entry.name).suffix.lower() in IMAGE_SUFFIXES for entry in orphans)
    if not lost:
        return members, []
    detail = f"{lost} images begin with the name of none of the {len(documents)} documents beside them"
    return members, [Reject(base or images[0], Reason.PACKAGE_WITHOUT_DOCUMENT, detail)]


def _document_names(names: Iterable[str], *titles: str) -> list[str]:
    """The document XML among sibling files; the one named like its folder or archive, where there is one."""
    found = [name for name in names if name.lower().endswith(".xml") and not _OTHER_XML.fullmatch(name)]
    titled = [name for name in found if PurePosixPath(name).stem in titles]
    return titled if len(titled) == 1 else found


def _shared_out(files: list[Entry], documents: list[str]) -> tuple[dict[str, list[Entry]], list[Entry]]:
    """Each file to the document whose stem begins its name (the longest such), the rest apart."""
    by_stem = {PurePosixPath(name).stem: name for name in documents}
    shares: dict[str, list[Entry]] = {name: [] for name in by_stem.values()}
    orphans: list[Entry] = []
    for entry in files:
        owner = _owner(PurePosixPath(entry.name).name, by_stem)
        (orphans if owner is None else shares[owner]).append(entry)
    return shares, orphans


def _owner(name: str, by_stem: Mapping[str, str]) -> str | None:
    """The document whose stem begins the file's name, up to a sign that is no letter or digit."""
    ends = (end for end in range(len(name) - 1, 0, -1) if not name[end].isalnum() and name[:end] in by_stem)
    end = next(ends, None)
    return None if end is None else by_stem[name[:end]]


def _last_before_cut(survey: Survey, depth: int) -> str | None:
    """The loose file that the cut lies in or behind; None when no document can have lost files.

    In a nested archive even a cut that spares all members counts: a package is whole or it is not taken.
    """
    if survey.cut is None or (survey.cut.whole and depth == 1) or not survey.entries:
        return None
    last = survey.cut.member or survey.entries[-1].name
    return None if is_nested(last) else last


def _without_the_cut(found: list[Member], refused: list[Reject], last: str) -> tuple[list[Member], list[Reject]]:
    """Reject the document that the file ``last`` belongs to; a folder's only document owns all its files."""
    lost = {member.path for member in found}
    if len(found) > 1:
        owner = _owner(last, {PurePosixPath(member.document).stem: member.path for member in found})
        lost = {owner} if owner else set()
    elif not found:
        lost = {reject.item for reject in refused}
    kept = [member for member in found if member.path not in lost]
    cut = [Reject(path, Reason.PACKAGE_TRUNCATED, "files may be lost beyond the cut") for path in sorted(lost)]
    return kept, [*(reject for reject in refused if reject.item not in lost), *cut]


def _with_paths_of_their_own(members: list[Member], rejects: list[Reject]) -> tuple[list[Member], list[Reject]]:
    """The first package of each path; a folder and an archive in it may bear one name."""
    by_path: dict[str, Member] = {}
    for member in members:
        if by_path.setdefault(member.path, member) is not member:
            detail = "another package of this path comes before it in the archive"
            rejects.append(Reject(member.path, Reason.DUPLICATE_DOCUMENT, detail))
    return list(by_path.values()), rejects


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _inside(where: str, name: str) -> str:
    return where + INSIDE + name if where else name
