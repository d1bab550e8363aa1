"""Cutting an archive's sentences into units of whole documents."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from pipeline.embedding.units import Run, Span, Unit, cut, document_runs, read_spans, rows_per_unit
from pipeline.storage import Storage


def runs(*lengths: int, path: str = "f") -> list[Run]:
    """One document after another: A, B, C …"""
    found, at = [], 0
    for place, length in enumerate(lengths):
        found.append((chr(65 + place), Span(path, 0, at, at + length)))
        at += length
    return found


def test_documents_fill_units_in_order_and_stay_whole() -> None:
    links = [("C", Span("l", 0, 0, 9)), ("A", Span("l", 0, 9, 11)), ("B", Span("l", 1, 0, 4))]
    assert cut(runs(4, 5, 3, 20), links, lambda _: 10) == [
        Unit((Span("f", 0, 0, 9),), (Span("l", 0, 9, 11), Span("l", 1, 0, 4))),
        Unit((Span("f", 0, 9, 12),), (Span("l", 0, 0, 9),)),
        Unit((Span("f", 0, 12, 32),), ()),
    ]


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(1, 40))
def test_every_row_is_in_one_unit_and_only_single_documents_pass_the_limit(lengths: list[int], limit: int) -> None:
    units = cut(runs(*lengths), [], lambda _: limit)
    spans = [span for unit in units for span in unit.passages]
    assert [row for span in spans for row in range(span.start, span.stop)] == list(range(sum(lengths)))
    sizes = [sum(span.stop - span.start for span in unit.passages) for unit in units]
    assert all(size <= limit or size in lengths for size in sizes)


def test_small_archives_are_spread_and_large_ones_bounded() -> None:
    assert [rows_per_unit(n, 2) for n in (10, 4_000, 10_000_000)] == [256, 1_000, 32_768]


def test_the_last_units_are_small_so_that_workers_end_together() -> None:
    units = cut(runs(*[20] * 400), [], partial(rows_per_unit, workers=2))
    sizes = [sum(span.stop - span.start for span in unit.passages) for unit in units]
    assert sizes[0] == 2_000 and sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 256 and len(sizes) <= 14


def test_runs_of_documents_are_found_per_row_group_and_read_back(tmp_path: Path) -> None:
    schema = pa.schema([("doc_id", pa.string()), ("text", pa.string())])
    table = pa.table({"doc_id": list("AABBBC"), "text": list("uvwxyz")}, schema=schema)
    path = str(tmp_path / "p.parquet")
    pq.write_table(table, path, row_group_size=4)
    storage = Storage.at(tmp_path)
    found = document_runs(storage, path)
    assert found == [("A", Span(path, 0, 0, 2)), ("B", Span(path, 0, 2, 4)), ("B", Span(path, 1, 0, 1)),
                     ("C", Span(path, 1, 1, 2))]  # fmt: skip
    spans = [span for doc_id, span in found if doc_id == "B"]
    assert read_spans(storage, spans, ["text"], schema).to_pydict() == {"text": ["w", "x", "y"]}
    assert read_spans(storage, [], ["text"], schema).num_rows == 0
