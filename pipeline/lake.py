"""The lake: snapshots to read, and the one path by which anything is committed.

Workers write Parquet parts into a table's folder (``pipeline/parts.py``); the driver commits them in
one Delta transaction that replaces an archive's partition. delta-rs checks little, so ``commit``
does: each part exists and is what was claimed, the schema passed is always the table's own, and a
commit happens once. Protocol: Armbrust et al. 2020, "Delta Lake: High-Performance ACID Table
Storage over Cloud Object Stores", with the application transactions of the Delta protocol.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from pipeline.errors import CommitError, SupersededError
from pipeline.parts import Part, PartWriter
from pipeline.storage import Storage
from schemas import TABLES

#: Attempts at one commit before giving up; with back-off this rides out about a minute of contention.
COMMIT_ATTEMPTS = 60
_GATHERED_AFTER_S = 3600
#: delta-rs forgets versions older than a month, and a release, or a rollback, may name one. A vacuum heeds the table's
#: property alone.
_LOG_CLEANUP = "delta.enableExpiredLogCleanup"
_KEEP_LOGS = PostCommitHookProperties(cleanup_expired_logs=False)
#: A generation is a counter above this many random bits, so that two first writers who both count
#: from the same standing generation still never share one.
RANDOM_BITS = 20


Found = TypeVar("Found")


@dataclass(frozen=True)
class LakeFile:
    """A committed Parquet file. ``path`` is as the storage's filesystem spells it."""

    path: str
    partition: Mapping[str, str]
    rows: int
    size: int


@dataclass(frozen=True)
class Lake:
    """The tables below one root. Small and picklable; opens what it needs when it needs it.

    ``pins`` fixes the version that reads of a table see; without a pin they see the newest. Rows of the archives in
    ``hidden`` are not read. ``seen`` is what a snapshot has looked at so far, by what was asked.
    """

    storage: Storage
    pins: Mapping[str, int] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    seen: dict[tuple[Any, ...], Any] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def at(cls, uri: str | Path, options: Mapping[str, str] | None = None) -> Lake:
        """The lake at a local path or object-store URI; nothing is touched yet."""
        return cls(Storage.at(uri, options))

    def pinned(self, versions: Mapping[str, int]) -> Lake:
        """The same lake with reads of these tables fixed at these versions."""
        return replace(self, pins={**self.pins, **versions})

    def without(self, archives: Iterable[str]) -> Lake:
        """The same lake with no rows of these archives to be read."""
        return replace(self, hidden=self.hidden.union(archives))

    def snapshot(self) -> Lake:
        """The same lake as it is found now: each thing is looked at once, however often it is asked for.

        For one look at many archives; what is committed later is not seen, and nothing is committed through it.
        """
        return replace(self, seen={})

    def once(self, key: tuple[Any, ...], look: Callable[[], Found]) -> Found:
        """What ``look`` finds; in a snapshot what it found for this key before."""
        if self.seen is None:
            return look()
        if key not in self.seen:
            self.seen[key] = look()
        found: Found = self.seen[key]
        return found

    # Reading

    def delta(self, table: str, version: int | None = None) -> DeltaTable | None:
        """The Delta table at a version (default: the pin, else the newest); None where there is none."""
        wanted = self.pins.get(table) if version is None else version
        found = self.once(("delta", table, wanted), lambda: self._open(table, wanted))
        if self.seen is not None and found is not None:  # a plan pins the version that it has just seen
            self.seen.setdefault(("delta", table, found.version()), found)
        return found

    def _open(self, table: str, version: int | None) -> DeltaTable | None:
        try:
            return DeltaTable(
                self.storage.uri("tables", table),
                version=version,
                storage_options=self.storage.delta_options(),
            )
        except TableNotFoundError:
            return None

    def version(self, table: str) -> int | None:
        """The version that reads of the table see; None when the table does not exist."""
        found = self.delta(table)
        return None if found is None else int(found.version())

    def files(self, table: str, archive: str | None = None, version: int | None = None) -> list[LakeFile]:
        """The files of a snapshot, of one archive or of all; in path order, so that reads repeat."""
        found = self.delta(table, version)
        if found is None:
            return []
        files = self.once(("files", table, found.version()), lambda: self._files_of(found, table))
        return [
            file
            for file in files
            if (name := file.partition.get("archive")) not in self.hidden and archive in (None, name)
        ]

    def _files_of(self, found: DeltaTable, table: str) -> list[LakeFile]:
        names = TABLES[table].partition_by
        rows = pa.table(found.get_add_actions(flatten=True)).to_pylist()
        files = [
            LakeFile(
                path=self.storage.path("tables", table, row["path"]),
                partition={name: row[f"partition.{name}"] for name in names},
                rows=row["num_records"],
                size=row["size_bytes"],
            )
            for row in rows
        ]
        return sorted(files, key=lambda f: f.path)

    def dataset(self, table: str, archive: str | None = None, version: int | None = None) -> ds.Dataset:
        """A snapshot as a pyarrow dataset with the table's declared schema, partition columns included.

        Files older than an added column read as null there.
        """
        schema, filesystem, layout = TABLES[table].schema, self.storage.readable(), ds.ParquetFileFormat()
        fragments = []
        for file in self.files(table, archive, version):
            where = ds.scalar(True)
            for name, value in file.partition.items():
                where = where & (pc.field(name) == value)
            fragments.append(layout.make_fragment(file.path, filesystem, partition_expression=where))
        return ds.FileSystemDataset(fragments, schema, layout, filesystem)

    def read(
        self, table: str, columns: Sequence[str] | None = None, archive: str | None = None, version: int | None = None
    ) -> pa.Table:
        """A whole snapshot in memory, empty where there is none; for tables small enough for a driver."""
        return self.dataset(table, archive, version).to_table(columns=None if columns is None else list(columns))

    def batches(
        self, table: str, columns: Sequence[str] | None = None, archive: str | None = None, version: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """A snapshot as a stream of record batches; one row group in memory at a time."""
        dataset = self.dataset(table, archive, version)
        yield from dataset.to_batches(
            columns=None if columns is None else list(columns), batch_readahead=1, fragment_readahead=1
        )

    # Generations

    def generation(self, table: str, step: str, archive: str) -> int | None:
        """The generation that a step last committed for an archive; None before the first."""
        found = self.delta(table)
        if found is None:
            return None
        return self.once(
            ("generation", table, found.version(), step, archive), lambda: _generation_in(found, step, archive)
        )

    # Writing

    def create(self, table: str) -> DeltaTable:
        """The table, made empty under its declared schema if there is none. Safe against a racing maker."""
        for attempt in range(COMMIT_ATTEMPTS):
            found = self.delta(table)
            if found is not None:
                return found
            declared = TABLES[table]
            self.storage.make_folder("tables", table)
            try:
                return DeltaTable.create(
                    self.storage.uri("tables", table),
                    schema=Schema.from_arrow(declared.schema),
                    partition_by=list(declared.partition_by),
                    description=declared.description,
                    configuration={_LOG_CLEANUP: "false"},
                    storage_options=self.storage.delta_options(),
                )
            except DeltaError:
                _back_off(attempt)
        raise CommitError(f"cannot create the table {table} in {self.storage.root}: another writer keeps interfering")

    def commit(
        self,
        table: str,
        step: str,
        archive: str,
        generation: int,
        parts: Iterable[Part],
        *,
        instead_of: Sequence[str] | None = None,
    ) -> bool:
        """Replace the archive's partition (rejects: archive and step) by ``parts``, once.

        Returns True when this call committed, False when this generation already stood there.
        With ``instead_of`` the standing files stay but for those it names, and ``parts`` are added (replay).
        Raises SupersededError when a newer generation stands there, CommitError when a part is not
        what was claimed or does not fit the table's own schema.
        """
        parts = list(parts)
        partition = {"archive": archive, "step": step}
        where = {name: partition[name] for name in TABLES[table].partition_by}
        # What stands in for single files lies where they lay: of rejects, in the partitions of whichever steps.
        self._check(table, parts, where if instead_of is None else {"archive": archive})
        delta = self.create(table)
        _require_declared_schema(delta, table)
        for attempt in range(COMMIT_ATTEMPTS):
            delta.update_incremental()
            standing = _generation_in(delta, step, archive)
            if standing == generation:
                return False
            if standing is not None and standing > generation:
                raise SupersededError(
                    f"{step} of {archive}: generation {standing} of {table} is newer than this run's {generation}"
                )
            transaction = Transaction(f"{step}/{archive}", generation)
            if self._try_commit(delta, parts, where if instead_of is None else None, transaction, instead_of or ()):
                return True
            _back_off(attempt)
        raise CommitError(f"cannot commit to {table} in {self.storage.root}: another writer keeps winning; run again")

    def append(self, table: str, parts: Iterable[Part]) -> None:
        """Add parts to an append-only table (the ledger), whoever else appends at the same time."""
        parts = list(parts)
        delta = self.create(table)
        _require_declared_schema(delta, table)
        for attempt in range(COMMIT_ATTEMPTS):
            delta.update_incremental()
            # A commit whose answer was lost has happened all the same; adding its file twice would double it.
            if attempt and {part.path for part in parts} <= {row["path"] for row in _actions(delta)}:
                return
            if self._try_commit(delta, parts, None, None):
                return
            _back_off(attempt)
        raise CommitError(f"cannot append to {table} in {self.storage.root}: another writer keeps winning; run again")

    def gather(self, table: str) -> int:
        """Write an append-only table's many small files anew as one a partition; returns how many went into them.

        Rows that are appended meanwhile stand beside them. Files of the last hour are left: an append whose answer was
        lost looks for its own.
        """
        delta, gathered = self.delta(table), 0
        if delta is None:
            return 0
        before = time.time() - _GATHERED_AFTER_S
        old = [row for row in _actions(delta) if row["modification_time"] / 1000 < before]
        layout, filesystem, schema = ds.ParquetFileFormat(), self.storage.readable(), TABLES[table].part_schema
        for partition, rows in groupby(sorted(old, key=_partition_of), key=_partition_of):
            names = [row["path"] for row in rows]
            if len(names) < 2:
                continue
            places = (self.storage.path("tables", table, name) for name in names)
            fragments = [layout.make_fragment(place, filesystem) for place in places]
            with PartWriter(self.storage, table, dict(partition)) as writer:
                for batch in ds.FileSystemDataset(fragments, schema, layout, filesystem).to_batches():
                    writer.write(batch)
            for attempt in range(COMMIT_ATTEMPTS):
                delta.update_incremental()
                there = {row["path"] for row in _actions(delta)}
                if not there.issuperset(names):  # an answer was lost, or somebody else gathered them
                    gathered += len(names) if there.issuperset(part.path for part in writer.parts) else 0
                    break
                if self._try_commit(delta, writer.parts, None, None, names):
                    gathered += len(names)
                    break
                _back_off(attempt)
        return gathered

    def migrate(self, table: str) -> list[str]:
        """Add the columns that the declared schema has and the stored one lacks; the only schema change.

        Returns the added names. Raises CommitError when the change would not be additive.
        """
        delta = self.create(table)
        stored, declared = pa.schema(delta.schema()), TABLES[table].schema
        added = [f for f in declared if f.name not in stored.names]
        if [f.name for f in declared if f.name in stored.names] != stored.names or any(not f.nullable for f in added):
            raise CommitError(f"{table}: only nullable columns at the end can be added to a stored table")
        if added:
            fields = list(Schema.from_arrow(pa.schema(added)).fields)
            delta.alter.add_columns(fields, post_commithook_properties=_KEEP_LOGS)
        _require_declared_schema(delta, table)
        return [f.name for f in added]

    def clean(self, retention_hours: int, keep_versions: Mapping[str, Sequence[int]], *, dry_run: bool = False) -> int:
        """Vacuum every table in full mode: also files of killed workers, which no log names.

        ``retention_hours`` must exceed the longest step; versions that a kept release names are kept.
        Returns how many files went (or would go).
        """
        removed = 0
        for table in TABLES:
            if (found := self.delta(table)) is not None:
                if not dry_run and found.metadata().configuration.get(_LOG_CLEANUP) != "false":  # made before 0.1
                    found.alter.set_table_properties({_LOG_CLEANUP: "false"})
                removed += len(
                    found.vacuum(
                        retention_hours=retention_hours,
                        dry_run=dry_run,
                        enforce_retention_duration=False,
                        full=True,
                        keep_versions=sorted(keep_versions.get(table, ())) or None,
                    )
                )
        return removed

    def _try_commit(
        self,
        delta: DeltaTable,
        parts: list[Part],
        replace_where: Mapping[str, str] | None,
        tx: Transaction | None,
        removed: Sequence[str] = (),
    ) -> bool:
        """One attempt from the snapshot in ``delta``; False when another writer came first."""
        now_ms = int(time.time() * 1000)
        adds = [AddAction(p.path, p.size, dict(p.partition), now_ms, True, p.stats) for p in parts]
        gone = [_removal(row, now_ms) for row in (_actions(delta) if removed else ()) if row["path"] in set(removed)]
        if len(gone) != len(removed):
            raise CommitError("the rows to be merged with have changed meanwhile; run the replay again")
        before = delta.version()
        try:
            delta.create_write_transaction(
                [*adds, *gone],
                mode="append" if replace_where is None else "overwrite",
                schema=delta.schema(),
                partition_by=delta.metadata().partition_columns,
                partition_filters=None if replace_where is None else [(k, "=", v) for k, v in replace_where.items()],
                # No retries inside delta-rs: it would not look at the generation again before each of them.
                commit_properties=CommitProperties(app_transactions=None if tx is None else [tx], max_commit_retries=0),
                post_commithook_properties=_KEEP_LOGS,
            )
        except DeltaError:
            delta.update_incremental()
            if delta.version() == before:  # nobody else wrote: the storage refused, and would again
                raise
            return False
        return True

    def _check(self, table: str, parts: list[Part], where: Mapping[str, str]) -> None:
        """Compare each part with what its writer claimed, footers read in parallel."""

        def problem(part: Part) -> str | None:
            if part.table != table or not where.items() <= part.partition.items():
                return f"belongs to {part.table} {dict(part.partition)}, not {table} {dict(where)}"
            path = self.storage.path("tables", table, part.path)
            try:
                with self.storage.open_path(path) as stream:
                    size, footer = stream.size(), pq.ParquetFile(stream)
            except (OSError, pa.ArrowInvalid) as error:
                return f"cannot be read: {error}"
            if size != part.size or footer.metadata.num_rows != part.rows:
                return (
                    f"has {size} bytes and {footer.metadata.num_rows} rows, not {part.size} and {part.rows} as claimed"
                )
            if not footer.schema_arrow.equals(TABLES[table].part_schema):
                return f"has the schema {footer.schema_arrow.names}, not the table's"
            return None

        with ThreadPoolExecutor(8) as pool:
            for part, found in zip(parts, pool.map(problem, parts), strict=True):
                if found:
                    raise CommitError(f"{table}: the part {part.path} {found}")


def next_generation(standing: Iterable[int | None], rng: random.Random | None = None) -> int:
    """A generation above all standing ones: a counter, then random bits that keep racers apart."""
    counter = max((g >> RANDOM_BITS for g in standing if g is not None), default=0) + 1
    return (counter << RANDOM_BITS) | (rng or random.SystemRandom()).getrandbits(RANDOM_BITS)


def _generation_in(delta: DeltaTable, step: str, archive: str) -> int | None:
    found: int | None = delta.transaction_version(f"{step}/{archive}")
    return found


def _actions(delta: DeltaTable) -> list[dict[str, Any]]:
    return list(pa.table(delta.get_add_actions(flatten=True)).to_pylist())


def _partition_of(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name.removeprefix("partition."), row[name]) for name in sorted(row) if name.startswith("partition."))


def _removal(row: Mapping[str, Any], now_ms: int) -> RemoveAction:
    partition = {name.removeprefix("partition."): row[name] for name in row if name.startswith("partition.")}
    return RemoveAction(
        row["path"], deletion_timestamp=now_ms, data_change=True, partition_values=partition, size=row["size_bytes"]
    )


def _require_declared_schema(delta: DeltaTable, table: str) -> None:
    """delta-rs lets an overwrite change a table's schema silently; figlake never does."""
    stored = Schema.from_arrow(pa.schema(delta.schema()).remove_metadata())
    declared = Schema.from_arrow(TABLES[table].schema.remove_metadata())
    if [(f.name, f.type) for f in stored.fields] != [(f.name, f.type) for f in declared.fields]:
        raise CommitError(
            f"{table}: the stored schema {[f.name for f in stored.fields]} is not this version's "
            f"{[f.name for f in declared.fields]}; run `figlake migrate` if columns were added"
        )


def _back_off(attempt: int) -> None:
    """Wait a random time that grows with each lost race, at most two seconds."""
    time.sleep(random.uniform(0.0, min(2.0, 0.02 * 1.5**attempt)))  # noqa: S311 - jitter, not a secret
