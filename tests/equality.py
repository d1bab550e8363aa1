"""Two lakes are equal in the design's sense: all rows and columns but times, attempts and hosts."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.lake import Lake
from schemas import TABLES

#: Columns that may differ between a disturbed and an undisturbed run.
_FREE = {"first_seen", "last_seen", "attempt", "at", "host"}
#: Content-addressed files hold vectors, which are compared where they are rows.
_TABLES = [name for name in TABLES if name not in ("runs", "quality", "shards", "codebooks")]


def assert_equal(first: Lake, second: Lake) -> None:
    """Compare every table row by row, vectors at cosine >= 0.9999; name the first difference."""
    for table in _TABLES:
        left, right = _rows(first, table), _rows(second, table)
        assert left.keys() == right.keys(), f"{table}: keys differ: {sorted(left.keys() ^ right.keys())[:5]}"
        for key, row in left.items():
            _assert_row(table, key, row, right[key])


def _rows(lake: Lake, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    key = TABLES[table].key
    rows = lake.read(table).to_pylist()
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows), f"{table}: {len(rows) - len(found)} rows share a key"
    return found


def _assert_row(table: str, key: tuple[Any, ...], left: dict[str, Any], right: dict[str, Any]) -> None:
    for name, value in left.items():
        if name in _FREE:
            continue
        if name == "vector":
            cosine = float(np.dot(value, right[name]) / np.linalg.norm(value) / np.linalg.norm(right[name]))
            assert cosine >= 0.9999, f"{table} {key}: cosine {cosine}"
        elif isinstance(value, float):
            assert abs(value - right[name]) <= 1e-4 * max(1.0, abs(value)), f"{table} {key}.{name}"
        else:
            assert value == right[name], f"{table} {key}.{name}: {value!r} != {right[name]!r}"
