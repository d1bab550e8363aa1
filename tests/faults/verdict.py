"""What must hold after every fault: nothing twice, nothing that was never there, CURRENT readable."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.config import Settings
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.search import open_release
from schemas import TABLES

_BOOKKEEPING = ("runs", "quality", "rejects")


class RowsLostError(AssertionError):
    """Rows that should be there are not."""


class RowsTwiceError(AssertionError):
    """A row is there more than once."""


def keys_of(lake: Lake, table: str) -> list[tuple[Any, ...]]:
    """The key of every row of a table's newest version."""
    columns = lake.read(table, list(TABLES[table].key))
    return [tuple(row.values()) for row in columns.to_pylist()]


def assert_nothing_twice_and_current_readable(lake: Lake, whole: Lake, settings: Settings) -> int:
    """Rows are of ``whole`` and each is there once; what CURRENT names opens and has all figures of its archives.

    Returns the documents.
    """
    for table in TABLES:
        if table in _BOOKKEEPING:
            continue
        found = keys_of(lake, table)
        if twice := [key for key, count in Counter(found).items() if count > 1]:
            raise RowsTwiceError(f"{table}: {len(twice)} rows twice, such as {twice[0]}")
        assert set(found) <= set(keys_of(whole, table)), f"{table}: rows that were never there"
    if pointer.current(lake) is not None:
        engine = open_release(lake, settings, verify=True)
        released = Counter(engine.release.facets["figure_id"].to_pylist())
        archives = set(engine.release.facets["archive"].to_pylist())
        assert archives, "nothing is released"
        assert released == Counter(figure for archive in archives for figure in _figures(whole, archive))
    return len(keys_of(lake, "documents"))


def _figures(whole: Lake, archive: str) -> list[str]:
    found: list[str] = whole.read("figures", ["figure_id"], archive=archive)["figure_id"].to_pylist()
    return found


def assert_whole(lake: Lake, whole: Lake) -> None:
    """Every row of ``whole`` is there exactly once."""
    for table in TABLES:
        if table in _BOOKKEEPING:
            continue
        found, wanted = Counter(keys_of(lake, table)), Counter(keys_of(whole, table))
        if gone := list(wanted - found):
            raise RowsLostError(f"{table}: {len(gone)} rows are gone, such as {gone[0]}")
        if more := list(found - wanted):
            kind = RowsTwiceError if more[0] in wanted else AssertionError
            raise kind(f"{table}: {len(more)} rows too many, such as {more[0]}")
