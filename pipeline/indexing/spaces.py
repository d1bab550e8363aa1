"""Which encoder made a modality's vectors, asked of the tables themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import FiglakeError
from pipeline.indexing.modalities import Modality
from pipeline.lake import Lake

_COLUMNS = ("model", "revision")
#: What ``count_encoders`` has found, by file.
_counted: dict[str, Counter[tuple[str, str]]] = {}


@dataclass(frozen=True)
class Space:
    """The space that vectors live in, and how many of them there are."""

    model: str
    revision: str
    dimension: int
    rows: int


def find_space(lake: Lake, modality: Modality, configured: tuple[str, str]) -> Space | None:
    """The space a modality is indexed in; None when it has no vectors.

    Where the table holds vectors of several encoders (a change of model that has not reached every
    archive), the ``configured`` model and revision win, then the one with the most vectors.
    """
    counts = count_encoders(lake, modality.table)
    if not counts:
        return None
    wanted_model, wanted_revision = configured
    (model, revision), rows = max(
        counts.items(),
        key=lambda item: (item[0][0] == wanted_model, item[0] == (wanted_model, wanted_revision), item[1], item[0]),
    )
    one = lake.dataset(modality.table).scanner(
        columns=["vector"], filter=(pc.field("model") == model) & (pc.field("revision") == revision), batch_readahead=0
    ).head(1)  # fmt: skip
    if one.num_rows == 0:
        raise FiglakeError(f"{modality.table}: no vector of {model} {revision}, though the file footers name it")
    return Space(model, revision, len(one["vector"][0]), rows)


def count_encoders(lake: Lake, table: str) -> Counter[tuple[str, str]]:
    """Vectors by (model, revision). Reads file footers, each once in a process; columns only where a row group holds
    several."""
    counts: Counter[tuple[str, str]] = Counter()
    for file in lake.files(table):
        if file.path not in _counted:  # a file of a table never changes
            _counted[file.path] = _count(lake, file.path)
        counts.update(_counted[file.path])
    return counts


def _count(lake: Lake, path: str) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    with lake.storage.open_path(path) as stream:
        parquet = pq.ParquetFile(stream)
        for group in range(parquet.metadata.num_row_groups):
            single = _single_value(parquet.metadata.row_group(group))
            if single is not None:
                counts[single] += parquet.metadata.row_group(group).num_rows
                continue
            rows = parquet.read_row_group(group, columns=list(_COLUMNS))
            counts.update(zip(rows["model"].to_pylist(), rows["revision"].to_pylist(), strict=True))
    return counts


def _single_value(group: pq.RowGroupMetaData) -> tuple[str, str] | None:
    """(model, revision) when the row group's statistics show a single one."""
    found = {}
    for position in range(group.num_columns):
        column = group.column(position)
        if column.path_in_schema in _COLUMNS:
            limits = column.statistics
            if limits is None or not limits.has_min_max or limits.min != limits.max:
                return None
            found[column.path_in_schema] = str(limits.min)
    return found["model"], found["revision"]
