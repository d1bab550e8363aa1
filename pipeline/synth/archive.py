"""A weekly delivery in the EPO's tree, with its ground truth beside it."""

from __future__ import annotations

import json
import multiprocessing
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from functools import partial
from pathlib import Path
from typing import TextIO

from pipeline.errors import UsageError
from pipeline.synth.document import PACES, Drawn, draw_document
from pipeline.synth.epo_xml import index_xml
from pipeline.synth.packaging import Replacement, write_member
from pipeline.synth.truth import FILES

YEAR = 2025
_MOST = 50_000  # documents that the numbering has room for


def draw_archive(
    out: Path,
    documents: int,
    seed: int,
    *,
    office: str = "epo",
    week: int | None = None,
    pace: str = "full",
    processes: int = 1,
) -> Path:
    """Draw a delivery of ``documents`` documents into ``out`` and return the archive's path.

    The truth lies beside it in ``<archive's stem>.truth/*.jsonl``. The same arguments give the same bytes,
    whatever ``processes`` is, with the same versions of the libraries. ``week`` (1 to 52) names the delivery and
    defaults to one that follows from the seed; ``pace`` is full or fast. Raises UsageError for arguments out of
    range.
    """
    week = 1 + seed % 52 if week is None else week
    _check(documents, week, office, pace)
    published = date.fromisocalendar(YEAR, week, 3)
    stem = f"EPRTBJV{YEAR}{week:06d}001001"
    path = out / f"{stem}.zip"
    one = partial(_draw, seed, week, published, pace)
    with ExitStack() as stack:
        partial_path = stack.enter_context(Replacement(path))
        files = {name: stack.enter_context(Replacement(out / f"{stem}.truth" / f"{name}.jsonl")) for name in FILES}
        handles: dict[str, TextIO] = {
            name: stack.enter_context(target.open("w", encoding="utf-8")) for name, target in files.items()
        }
        archive = stack.enter_context(zipfile.ZipFile(partial_path, "w"))
        _fill(archive, handles, _drawn(one, documents, processes), published, stem)
    return path


def _check(documents: int, week: int, office: str, pace: str) -> None:
    if not 1 <= documents <= _MOST:
        raise UsageError(f"a delivery holds 1 to {_MOST} documents, not {documents}")
    if not 1 <= week <= 52:
        raise UsageError(f"week {week} is not 1 to 52")
    if office != "epo":
        raise UsageError(f"unknown office {office!r}; choose: epo")
    if pace not in PACES:
        raise UsageError(f"unknown pace {pace!r}; choose one of: {', '.join(PACES)}")


def _draw(seed: int, week: int, published: date, pace: str, index: int) -> tuple[Drawn, bytes]:
    drawn = draw_document(seed, week, index, published, PACES[pace])
    return drawn, drawn.package()


def _drawn(one: partial[tuple[Drawn, bytes]], documents: int, processes: int) -> Iterator[tuple[Drawn, bytes]]:
    """The documents in order, drawn here or by a pool."""
    if processes <= 1:
        yield from map(one, range(documents))
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(one, range(documents), chunksize=8)


def _fill(
    archive: zipfile.ZipFile,
    truth: dict[str, TextIO],
    documents: Iterator[tuple[Drawn, bytes]],
    published: date,
    stem: str,
) -> None:
    """Write package after package, one in memory at a time, then the delivery's own files."""
    listed = []
    for drawn, package in documents:
        folder = f"EPNW{drawn.identity.kind}"
        name = f"{drawn.identity.stem}.zip"
        write_member(archive, f"DOC/{folder}/{name}", package, published, zipfile.ZIP_STORED)
        listed.append((name, len(package), f"\\DOC\\{folder}"))
        for file, rows in drawn.truth.items():
            truth[file].writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    for name, data in (
        ("index.xml", index_xml(listed)),
        ("CONTENTS", b"Synthetic full-text documents in the tree of the EPO's weekly delivery\n"),
        ("VOLUMEID", stem.encode()),
        ("DTDS/README", b"The documents follow ep-patent-document-v1-5.dtd of the EPO.\n"),
    ):
        write_member(archive, name, data, published, zipfile.ZIP_DEFLATED)
