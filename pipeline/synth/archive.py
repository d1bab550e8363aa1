"""A weekly delivery of an office, with its ground truth beside it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Protocol

from pipeline.errors import UsageError
from pipeline.synth import epo, uspto
from pipeline.synth.content import PACES, Drawn, Pace
from pipeline.synth.packaging import Replacement
from pipeline.synth.truth import FILES

YEAR = 2025
_MOST = 50_000  # documents that the numbering has room for


class Tree(Protocol):
    """An archive that is being written."""

    def add(self, drawn: Drawn) -> None:
        """Put in one document."""


@dataclass(frozen=True)
class Office:
    """How an office names, fills and publishes its deliveries."""

    weekday: int
    stem: Callable[[date], str]
    suffix: str
    draw: Callable[[int, int, date, Pace], Drawn]
    tree: Callable[[Path, date], AbstractContextManager[Tree]]


OFFICES = {
    "epo": Office(epo.WEEKDAY, epo.stem, epo.Tree.suffix, epo.draw_document, epo.Tree),
    "uspto": Office(uspto.WEEKDAY, uspto.stem, uspto.Tree.suffix, uspto.draw_document, uspto.Tree),
}


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
    whatever ``processes`` is, with the same versions of the libraries. ``office`` is epo or uspto; ``week``
    (1 to 52) names the delivery and defaults to one that follows from the seed; ``pace`` is full or fast.
    Raises UsageError for arguments out of range.
    """
    week = 1 + seed % 52 if week is None else week
    _check(documents, week, office, pace)
    chosen = OFFICES[office]
    published = date.fromisocalendar(YEAR, week, chosen.weekday)
    stem = chosen.stem(published)
    path = out / f"{stem}{chosen.suffix}"
    one = partial(_draw, office, seed, published, pace)
    with ExitStack() as stack:
        partial_path = stack.enter_context(Replacement(path))
        targets = {name: stack.enter_context(Replacement(out / f"{stem}.truth" / f"{name}.jsonl")) for name in FILES}
        truth = {name: stack.enter_context(target.open("w", encoding="utf-8")) for name, target in targets.items()}
        tree = stack.enter_context(chosen.tree(partial_path, published))
        for drawn in _drawn(one, documents, processes):
            tree.add(drawn)
            for file, rows in drawn.truth.items():
                truth[file].writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path


def _check(documents: int, week: int, office: str, pace: str) -> None:
    if not 1 <= documents <= _MOST:
        raise UsageError(f"a delivery holds 1 to {_MOST} documents, not {documents}")
    if not 1 <= week <= 52:
        raise UsageError(f"week {week} is not 1 to 52")
    if office not in OFFICES:
        raise UsageError(f"unknown office {office!r}; choose one of: {', '.join(OFFICES)}")
    if pace not in PACES:
        raise UsageError(f"unknown pace {pace!r}; choose one of: {', '.join(PACES)}")


def _draw(office: str, seed: int, published: date, pace: str, index: int) -> Drawn:
    return OFFICES[office].draw(seed, index, published, PACES[pace])


def _drawn(one: partial[Drawn], documents: int, processes: int) -> Iterator[Drawn]:
    """The documents in order, drawn here or by a pool; one is in memory at a time here."""
    if processes <= 1:
        yield from map(one, range(documents))
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(one, range(documents), chunksize=8)
