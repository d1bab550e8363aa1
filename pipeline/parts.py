"""What workers write and hand back: Parquet parts, reject rows and notes.

A worker writes parts through :class:`PartWriter` into the table's folder under unique names and
returns a *result batch* (``RESULT_SCHEMA``). The driver gathers those into an :class:`Outcome` and
commits it; table data never passes through the driver.
"""

from __future__ import annotations

import json
import re
import resource
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config import LakeSettings
from pipeline.errors import Reason, Reject
from pipeline.storage import Storage
from schemas import TABLES

#: kind is part, reject or note; payload is JSON.
RESULT_SCHEMA = pa.schema([("kind", pa.string()), ("payload", pa.string())])


#: Partition values become folder names; with these characters a path reads the same in a URI.
PARTITION_VALUE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Part:
    """A Parquet file that lies in a table's folder and is not committed yet."""

    table: str
    partition: Mapping[str, str]
    path: str  # relative to the table's folder
    size: int
    rows: int
    stats: str  # Delta statistics, JSON


@dataclass
class Outcome:
    """What a step did, gathered from its workers. ``notes`` are small facts, merged by the step."""

    parts: list[Part] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    rows_in: int = 0
    peak_memory_mb: float = 0.0
    metrics: dict[str, Any] = field(default_factory=dict)

    def rows_out(self, tables: Iterable[str]) -> dict[str, int]:
        """Rows by table, zero included."""
        return {name: sum(p.rows for p in self.parts if p.table == name) for name in tables}


class PartWriter:
    """Writes rows of one table and partition as Parquet parts; use as a context manager.

    Row groups hold at most ``row_group_mb`` and the table's ``row_group_rows``; a part is closed at
    about ``file_mb``. Memory is bounded by one row group. ``parts`` is complete after the exit.
    Raises pa.ArrowInvalid when rows do not fit the table's schema.
    """

    def __init__(
        self, storage: Storage, table: str, partition: Mapping[str, str], settings: LakeSettings | None = None
    ) -> None:
        if bad := [value for value in partition.values() if not PARTITION_VALUE.fullmatch(value)]:
            raise ValueError(f"partition value {bad[0]!r}: only letters, digits, '.', '_' and '-' are allowed")
        self.storage, self.table, self.partition = storage, TABLES[table], dict(partition)
        self.settings = settings or LakeSettings()
        self.schema = self.table.part_schema
        self.parts: list[Part] = []
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self._pending_rows = 0
        self._open: _OpenPart | None = None

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()

    def write_rows(self, rows: list[dict[str, Any]]) -> None:
        """Write rows given as dictionaries without the partition columns."""
        if rows:
            self.write(pa.Table.from_pylist(rows, schema=self.schema))

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Write Arrow rows; partition columns are dropped, the rest must match the schema."""
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        table = table.select(self.schema.names).cast(self.schema)
        limit_bytes = self.settings.row_group_mb << 20
        step = max(1, min(self.table.row_group_rows, _rows_within(table, limit_bytes)))
        for start in range(0, table.num_rows, step):
            piece = table.slice(start, step)
            size = piece.nbytes
            if self._pending and (
                self._pending_bytes + size > limit_bytes
                or self._pending_rows + piece.num_rows > self.table.row_group_rows
            ):
                self._flush()
            self._pending.append(piece)
            self._pending_bytes += size
            self._pending_rows += piece.num_rows

    def close(self) -> None:
        """Flush and close the last part."""
        self._flush()
        self._finish_part()

    def _flush(self) -> None:
        if not self._pending:
            return
        if self._open is None:
            self._open = _OpenPart(
                self.storage, self.table.name, self.partition, self.schema, self.table.byte_stream_split
            )
        self._open.write(pa.concat_tables(self._pending).combine_chunks())
        self._pending, self._pending_bytes, self._pending_rows = [], 0, 0
        if self._open.bytes_written >= self.settings.file_mb << 20:
            self._finish_part()

    def _finish_part(self) -> None:
        if self._open is not None:
            self.parts.append(self._open.finish())
            self._open = None


class _OpenPart:
    """One Parquet file being written, with the statistics that Delta wants."""

    def __init__(
        self,
        storage: Storage,
        table: str,
        partition: Mapping[str, str],
        schema: pa.Schema,
        byte_stream_split: tuple[str, ...],
    ) -> None:
        folders = [f"{name}={value}" for name, value in partition.items()]
        self.relative = "/".join([*folders, f"part-{uuid.uuid4().hex}.zstd.parquet"])
        self.storage, self.table, self.partition = storage, table, partition
        self.rows = 0
        self.key = [n for n in TABLES[table].key if n in schema.names]
        self.least: dict[str, Any] = {}
        self.greatest: dict[str, Any] = {}
        storage.make_folder("tables", table, *folders)
        split = [f"{name}.list.element" for name in byte_stream_split]
        plain = [n for n in schema.names if n not in byte_stream_split and not pa.types.is_binary(schema.field(n).type)]
        self.stream = storage.filesystem().open_output_stream(storage.path("tables", table, self.relative))
        self.writer = pq.ParquetWriter(
            self.stream,
            schema,
            compression="zstd",
            use_dictionary=plain,
            use_byte_stream_split=split or False,
        )

    @property
    def bytes_written(self) -> int:
        return int(self.stream.tell())

    def write(self, rows: pa.Table) -> None:
        self.writer.write_table(rows, row_group_size=rows.num_rows)
        self.rows += rows.num_rows
        for name in self.key:
            limits = pc.min_max(rows[name]).as_py()
            if limits["min"] is not None:
                self.least[name] = min(self.least.get(name, limits["min"]), limits["min"])
                self.greatest[name] = max(self.greatest.get(name, limits["max"]), limits["max"])

    def finish(self) -> Part:
        self.writer.close()
        size = int(self.stream.tell())
        self.stream.close()
        stats = {"numRecords": self.rows, "minValues": self.least, "maxValues": self.greatest, "nullCount": {}}
        return Part(self.table, dict(self.partition), self.relative, size, self.rows, json.dumps(stats, default=str))


def _rows_within(table: pa.Table, limit_bytes: int) -> int:
    per_row = max(1, table.nbytes // max(1, table.num_rows))
    return max(1, int(limit_bytes // per_row))


def result_batch(
    parts: Iterable[Part] = (),
    rejects: Iterable[Reject] = (),
    notes: Iterable[Mapping[str, Any]] = (),
    rows_in: int = 0,
) -> pa.RecordBatch:
    """What a worker returns. Adds its own peak memory; ``rows_in`` counts the items it was given."""
    peak_mb = peak_memory_mb()
    rows: list[tuple[str, Any]] = [("part", asdict(part)) for part in parts]
    rows += [("reject", {**asdict(reject), "reason": reject.reason.value}) for reject in rejects]
    rows += [("note", dict(note)) for note in notes]
    rows.append(("worker", {"rows_in": rows_in, "peak_memory_mb": peak_mb}))
    kinds, payloads = zip(*((kind, json.dumps(payload)) for kind, payload in rows), strict=True)
    return pa.RecordBatch.from_pydict({"kind": list(kinds), "payload": list(payloads)}, schema=RESULT_SCHEMA)


def peak_memory_mb(process: int | None = None) -> float:
    """Largest resident set of this process, or of a child. ru_maxrss would also count the one it was forked from."""
    try:
        lines = Path(f"/proc/{process or 'self'}/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024
    except (OSError, StopIteration):
        return 0.0 if process else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_group(parquet: pq.ParquetFile, group: int, columns: pa.Schema) -> pa.Table:
    """These columns of a row group; one that was added to its table after the file was written is null throughout."""
    known = set(parquet.schema_arrow.names)
    rows = parquet.read_row_group(group, columns=[name for name in columns.names if name in known])
    count = parquet.metadata.row_group(group).num_rows
    return pa.table(
        [rows[f.name].cast(f.type) if f.name in known else pa.nulls(count, f.type) for f in columns], schema=columns
    )


def gather(results: Iterable[tuple[str, str]]) -> Outcome:
    """Read result rows (kind, payload) back into one Outcome."""
    outcome = Outcome()
    for kind, payload in results:
        value = json.loads(payload)
        if kind == "part":
            outcome.parts.append(Part(**value))
        elif kind == "reject":
            outcome.rejects.append(Reject(**{**value, "reason": Reason(value["reason"])}))
        elif kind == "note":
            outcome.notes.append(value)
        else:
            outcome.rows_in += value["rows_in"]
            outcome.peak_memory_mb = max(outcome.peak_memory_mb, value["peak_memory_mb"])
    return outcome
