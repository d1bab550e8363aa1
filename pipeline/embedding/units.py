"""An archive's sentences cut into units of whole documents, each with its links beside it.

A document's rows lie together in ``passages`` and in ``links``, so a unit is a handful of row ranges; what
reaches the driver is those ranges, never a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.parts import read_group
from pipeline.storage import Storage

#: What a unit holds at most, in sentences, unless one document alone has more: the memory bound of a worker.
ROWS_PER_UNIT = 32_768
#: Smaller units would cost more in files than they gain in balance.
_LEAST_ROWS = 256


@dataclass(frozen=True)
class Span:
    """Rows ``start`` to ``stop`` (exclusive) of a row group; ``path`` as the storage's filesystem spells it."""

    path: str
    group: int
    start: int
    stop: int


#: A document's name and one run of its rows.
Run = tuple[str, Span]


@dataclass(frozen=True)
class Unit:
    """Some documents' rows in ``passages`` and in ``links``."""

    passages: tuple[Span, ...]
    links: tuple[Span, ...]


def document_runs(storage: Storage, path: str) -> list[Run]:
    """Which rows of a file belong to which document, in file order."""
    runs = []
    with storage.open_path(path) as stream:
        reader = pq.ParquetFile(stream)
        for group in range(reader.num_row_groups):
            column = reader.read_row_group(group, columns=["doc_id"])["doc_id"].combine_chunks().dictionary_encode()
            codes = column.indices.to_numpy()
            starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
            for start, stop in zip(starts, [*starts[1:], len(codes)], strict=True):
                runs.append((column.dictionary[codes[start]].as_py(), Span(path, group, start, stop)))
    return runs


def cut(passages: Iterable[Run], links: Iterable[Run], rows_per_unit: Callable[[int], int]) -> list[Unit]:
    """Units of whole documents in the order of the passages.

    Each is filled up to as many sentences as ``rows_per_unit`` says for those that are left.
    """
    of_document, links_of = _by_document(passages), _by_document(links)
    rows_of = {doc_id: sum(span.stop - span.start for span in spans) for doc_id, spans in of_document.items()}
    left, room = sum(rows_of.values()), 0
    units: list[list[str]] = []
    for doc_id, rows in rows_of.items():
        if not units or rows > room:
            units.append([])
            room = rows_per_unit(left)
        units[-1].append(doc_id)
        room, left = room - rows, left - rows
    return [
        Unit(
            _joined([span for doc_id in unit for span in of_document[doc_id]]),
            _joined([span for doc_id in unit for span in links_of.get(doc_id, [])]),
        )
        for unit in units
    ]


def rows_per_unit(left: int, workers: int) -> int:
    """Sentences of the next unit: a share of those that are left, no more than memory allows.

    So the last units are small and the workers end together (guided self-scheduling, Polychronopoulos and Kuck 1987).
    """
    return min(ROWS_PER_UNIT, max(_LEAST_ROWS, -(-left // (2 * workers))))


def read_spans(storage: Storage, spans: Sequence[Span], columns: Sequence[str], schema: pa.Schema) -> pa.Table:
    """The rows of the spans in their order; a row group is read once."""
    wanted = pa.schema([schema.field(name) for name in columns])
    found = [wanted.empty_table()]
    at: tuple[str, int] | None = None
    for span in spans:
        if at != (span.path, span.group):
            at = (span.path, span.group)
            with storage.open_path(span.path) as stream:
                rows = read_group(pq.ParquetFile(stream), span.group, wanted)
        found.append(rows.slice(span.start, span.stop - span.start))
    return pa.concat_tables(found)


def _by_document(runs: Iterable[Run]) -> dict[str, list[Span]]:
    grouped: dict[str, list[Span]] = defaultdict(list)
    for doc_id, span in runs:
        grouped[doc_id].append(span)
    return dict(grouped)


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """The spans sorted, neighbours made one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.path, s.group, s.start)):
        last = joined[-1] if joined else None
        if last is not None and (last.path, last.group, last.stop) == (span.path, span.group, span.start):
            joined[-1] = Span(last.path, last.group, last.start, span.stop)
        else:
            joined.append(span)
    return tuple(joined)
