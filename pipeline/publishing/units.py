"""The shards that a release is made of: those that encode wrote, and those that stand compacted for several.

A compacted shard stands for an archive as long as the archive's own shard is the one it was made from and no document
that it left out is shown again; else the archive's own shard counts, and what the compacted one has of it is masked.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.errors import FiglakeError
from pipeline.indexing.shard import KEYS_SCHEMA
from pipeline.lake import Lake
from pipeline.storage import Storage

Row = dict[str, Any]
#: What a row of ``compacted`` and a row of ``shards`` have in common.
FILE_COLUMNS = (
    "modality", "codebook", "rows", "lists_path", "lists_sha256", "vectors_path", "vectors_sha256", "keys_path",
    "keys_sha256",
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """Rows of one archive in a unit. ``shard`` identifies the archive's own shard that they come from."""

    archive: str
    shard: str
    rows: int
    dropped: tuple[str, ...]
    stands: bool


@dataclass(frozen=True)
class Unit:
    """A shard's files and whose rows lie in it, member after member; a member of whose rows none stayed has 0."""

    files: Row
    members: tuple[Member, ...]
    is_compacted: bool = False

    def slices(self, keys: pa.Table) -> Iterator[tuple[Member, int, pa.Table]]:
        """Each member with its first row and its rows of ``keys``."""
        first = 0
        for member in self.members:
            yield member, first, keys.slice(first, member.rows)
            first += member.rows


def standing_units(lake: Lake, documents: Mapping[str, pa.Array]) -> dict[str, list[Unit]]:
    """The units of each modality under the codebooks in force, in an order that depends on them alone.

    ``documents`` are those that each archive shows.
    """
    codebooks = {row["modality"]: row["codebook"] for row in lake.read("codebooks").to_pylist()}
    shards = [row for row in lake.read("shards").to_pylist() if codebooks.get(row["modality"]) == row["codebook"]]
    packs = [row for row in lake.read("compacted").to_pylist() if codebooks.get(row["modality"]) == row["codebook"]]
    own = {(row["modality"], row["archive"]): row["vectors_sha256"] for row in shards}
    shown = {archive: frozenset(found.to_pylist()) for archive, found in _needed(packs, documents).items()}
    units: dict[str, list[Unit]] = {}
    covered = set()
    for row in sorted(packs, key=lambda row: str(row["vectors_path"])):
        members = tuple(_member(row["modality"], part, own, shown) for part in row["members"])
        if any(member.stands for member in members):
            units.setdefault(row["modality"], []).append(Unit(_files(row), members, True))
            covered |= {(row["modality"], member.archive) for member in members if member.stands}
    for row in sorted(shards, key=lambda row: (row["modality"], row["archive"])):
        if (row["modality"], row["archive"]) not in covered:
            member = Member(row["archive"], row["vectors_sha256"], row["rows"], (), True)
            units.setdefault(row["modality"], []).append(Unit(_files(row), (member,)))
    return units


def _needed(packs: Sequence[Row], documents: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The shown documents of those archives of which a compacted shard left some out."""
    names = {part["archive"] for row in packs for part in row["members"] if part["dropped"]}
    return {name: documents[name] for name in names if name in documents}


def _member(
    modality: str, part: Row, own: Mapping[tuple[str, str], str], shown: Mapping[str, frozenset[str]]
) -> Member:
    dropped = tuple(part["dropped"])
    same = own.get((modality, part["archive"])) == part["shard"]
    stands = same and shown.get(part["archive"], frozenset()).isdisjoint(dropped)
    return Member(part["archive"], part["shard"], part["rows"], dropped, stands)


def _files(row: Row) -> Row:
    return {name: row[name] for name in FILE_COLUMNS}


def read_keys(storage: Storage, unit: Unit) -> pa.Table:
    """Id, key and document of every row. Raises FiglakeError where the file is gone."""
    with _opened_keys(storage, unit) as stream:
        return pa.ipc.open_file(stream).read_all().combine_chunks()


def _opened_keys(storage: Storage, unit: Unit) -> pa.NativeFile:
    """A local file is mapped, so that columns that nobody looks at cost nothing."""
    path = unit.files["keys_path"]
    try:
        return pa.memory_map(storage.path(path)) if storage.is_local else storage.open_input(path)
    except FileNotFoundError:
        archives = " and ".join(f"`figlake step encode --archive {one.archive} --again`" for one in unit.members)
        raise FiglakeError(f"{storage.uri(path)} is gone; {archives} makes it anew") from None


@dataclass(frozen=True)
class Piece:
    """Rows of one archive, those from ``first`` on of shard number ``shard``; some columns of its keys."""

    shard: int
    first: int
    archive: str
    rows: pa.RecordBatch


@dataclass(frozen=True)
class Shards:
    """The rows of units; those of members that do not stand belong to no archive.

    Files are read anew whenever they are gone through, batch by batch: keys of a whole lake do not fit into memory.
    """

    storage: Storage
    units: Sequence[Unit]

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(unit.files["rows"] for unit in self.units)

    def read(self, columns: Sequence[str], only: Container[int] | None = None) -> Iterator[Piece]:
        """These columns of all shards, or of ``only`` these, in order. Raises FiglakeError where a file is gone."""
        for number, unit in enumerate(self.units):
            if only is None or number in only:
                with _opened_keys(self.storage, unit) as stream:
                    for member, first, rows in _by_member(unit.members, _batches(stream, columns)):
                        yield Piece(number, first, member.archive if member.stands else "", rows)


def _batches(stream: pa.NativeFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    fields = [KEYS_SCHEMA.get_field_index(name) for name in columns]
    reader = pa.ipc.open_file(stream, options=pa.ipc.IpcReadOptions(included_fields=fields))
    return (reader.get_batch(number) for number in range(reader.num_record_batches))


def _by_member(
    members: Sequence[Member], batches: Iterable[pa.RecordBatch]
) -> Iterator[tuple[Member, int, pa.RecordBatch]]:
    """Batches cut where members meet: whose rows, the first one's number in the shard, the rows."""
    ends = np.cumsum([member.rows for member in members])
    first = 0
    for batch in batches:
        at = 0
        while at < batch.num_rows:
            number = int(np.searchsorted(ends, first, side="right"))
            count = min(int(ends[number]) - first, batch.num_rows - at)
            yield members[number], first, batch.slice(at, count)
            at, first = at + count, first + count
