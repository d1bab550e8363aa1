"""Compaction: many small shards become few, without rows that nothing shows; nothing is decoded or trained.

A shard is made anew when it holds documents that were withdrawn, when a tenth of its rows are dead, or when there are
more shards than ``indexing.shards`` and it is one of the small ones. The archives' own shards stay in the table
``shards`` and are what everything can be made from again; ``figlake releases --prune`` removes their files once a
release uses the compacted ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.config import Settings
from pipeline.errors import FiglakeError
from pipeline.flow import LAKE_SCOPE
from pipeline.indexing import codebook
from pipeline.indexing.files import sha256_of, workspace
from pipeline.indexing.lists import merged_lists
from pipeline.indexing.recipe import FLAT
from pipeline.indexing.shard import KEYS_SCHEMA, put_in_place
from pipeline.lake import Lake, next_generation
from pipeline.parts import PartWriter
from pipeline.publishing.live import live_documents
from pipeline.publishing.units import Member, Row, Unit, read_keys, standing_units
from pipeline.storage import Storage

STEP = "compact"
#: A shard with a greater share of rows that nothing shows is made anew.
_DEAD_SHARE = 0.1
_BLOCK_ROWS = 1 << 15


@dataclass(frozen=True)
class Compacted:
    """What a compaction did with a modality."""

    modality: str
    shards_before: int
    shards_after: int
    rows_before: int
    rows_after: int


@dataclass(frozen=True)
class Source:
    """A unit to be compacted: which of its rows stay, and whether it must be made anew."""

    unit: Unit
    keep: NDArray[np.bool_]
    is_dirty: bool

    @property
    def kept(self) -> int:
        return int(np.count_nonzero(self.keep))


def compact(lake: Lake, settings: Settings) -> list[Compacted]:
    """Compact what needs it and commit the table ``compacted``; returns what changed, nothing when nothing did.

    Files are written first and named by their content, so a killed compaction leaves only files that nothing names.
    The next release uses what was compacted; a release that is read keeps its files.
    """
    documents = live_documents(lake)
    withdrawn = pc.unique(lake.read("tombstones", ["doc_id"])["doc_id"])
    codebooks = {row["modality"]: row for row in lake.read("codebooks").to_pylist()}
    rows: list[Row] = []
    done: list[Compacted] = []
    standing = lake.generation("compacted", STEP, LAKE_SCOPE)
    for modality, units in standing_units(lake, documents).items():
        sources = {id(unit): _source(lake.storage, unit, documents, withdrawn) for unit in units}
        dirty = [unit for unit in units if sources[id(unit)].is_dirty]
        kept = [(unit, sources[id(unit)].kept) for unit in units]
        groups = with_the_living(plan(kept, dirty, settings.indexing.shards), kept)
        changed = {id(unit) for group in groups for unit in group}
        made = [
            _merge(lake.storage, codebooks[modality], [sources[id(unit)] for unit in group])
            for group in groups
            if any(sources[id(unit)].kept for unit in group)
        ]
        rows += made
        rows += [_row(unit.files, unit.members) for unit in units if unit.is_compacted and id(unit) not in changed]
        if groups:
            done.append(
                Compacted(
                    modality, len(units), len(units) - len(changed) + len(made),
                    sum(unit.files["rows"] for unit in units),
                    sum(unit.files["rows"] for unit in units if id(unit) not in changed)
                    + sum(row["rows"] for row in made),
                )
            )  # fmt: skip
    if done:
        with PartWriter(lake.storage, "compacted", {"archive": LAKE_SCOPE}, settings.lake) as writer:
            writer.write_rows(rows)
        lake.commit("compacted", STEP, LAKE_SCOPE, next_generation([standing], random.Random()), writer.parts)  # noqa: S311
    return done


def plan(units: Sequence[tuple[Any, int]], dirty: Iterable[Any], most: int) -> list[list[Any]]:
    """Which units become one: groups of small ones where there are more than ``most``, and dirty ones by themselves.

    ``units`` come with their rows that stay. Merged shards have at least a ``most / 2``-th of all rows, so at most
    about half of ``most`` remain, and a row is moved again only after the lake has grown by as much.
    """
    dirty_ids = {id(unit) for unit in dirty}
    groups: list[list[Any]] = []
    if len(units) > most:
        aim = max(1, sum(rows for _, rows in units) // max(1, most // 2))
        group: list[Any] = []
        size = 0
        for unit, rows in sorted((pair for pair in units if pair[1] < aim), key=lambda pair: pair[1]):
            group.append(unit)
            size += rows
            if size >= aim:
                groups.append(group)
                group, size = [], 0
        if group:
            groups.append(group)
    grouped = {id(unit) for group in groups for unit in group}
    groups += [[unit] for unit, _ in units if id(unit) in dirty_ids and id(unit) not in grouped]
    return [group for group in groups if len(group) > 1 or id(group[0]) in dirty_ids]


def with_the_living(groups: list[list[Any]], units: Sequence[tuple[Any, int]]) -> list[list[Any]]:
    """The groups, those without a row that stays joined to one that has some, or to the smallest unit that does.

    A shard of which nothing is left must be covered by another one: else the archive's own counts again, with all that
    was to go. Only where no unit has a row that stays, the groups are what they were.
    """
    rows = {id(unit): kept for unit, kept in units}
    alive = [group for group in groups if any(rows[id(unit)] for unit in group)]
    dead = [unit for group in groups if not any(rows[id(unit)] for unit in group) for unit in group]
    living = [(kept, number) for number, (_, kept) in enumerate(units) if kept]
    if not dead or not living:
        return groups
    if not alive:
        alive = [[units[min(living)[1]][0]]]
    return [[*alive[0], *dead], *alive[1:]]


def _source(storage: Storage, unit: Unit, documents: Mapping[str, pa.Array], withdrawn: pa.Array) -> Source:
    keys = read_keys(storage, unit)
    nothing = pa.array([], pa.string())
    kept = [
        pc.is_in(rows["doc_id"], value_set=documents.get(member.archive, nothing) if member.stands else nothing)
        for member, _, rows in unit.slices(keys)
    ]
    keep = np.concatenate([part.to_numpy(zero_copy_only=False) for part in kept])
    dead = keys["doc_id"].filter(pa.array(~keep))
    is_dirty = len(dead) > _DEAD_SHARE * len(keys) or bool(pc.any(pc.is_in(dead, value_set=withdrawn)).as_py())
    return Source(unit, keep, is_dirty)


def _merge(storage: Storage, book: Row, sources: Sequence[Source]) -> Row:
    """One shard of the rows that stay, archive after archive. Memory: the keys and the codes of these sources."""
    keys_of = {id(source): read_keys(storage, source.unit) for source in sources}
    pieces = [
        (member, source, first + np.flatnonzero(source.keep[first : first + member.rows]))
        for source in sources
        for member, first, _ in source.unit.slices(keys_of[id(source)])
        if member.stands
    ]
    pieces = sorted(pieces, key=lambda piece: piece[0].archive)  # those without rows, too: they stay covered
    members = tuple(
        Member(member.archive, member.shard, len(rows), _dropped(member, source, keys_of[id(source)]), True)
        for member, source, rows in pieces
    )
    with workspace(storage) as folder:
        files = {"keys": folder / "keys", "vectors": folder / "vectors"}
        local = {id(source): _fetched(storage, source.unit.files, "vectors", folder) for source in sources}
        keys = pa.concat_tables([keys_of[id(source)].take(pa.array(rows)) for _, source, rows in pieces])
        with pa.OSFile(str(files["keys"]), "wb") as stream, pa.ipc.new_file(stream, KEYS_SCHEMA) as writer:
            writer.write_table(keys.combine_chunks(), max_chunksize=_BLOCK_ROWS)
        with files["vectors"].open("wb") as target:
            for _, source, rows in pieces:
                stored = np.memmap(local[id(source)], np.float16, "r").reshape(-1, book["dimension"])
                for start in range(0, len(rows), _BLOCK_ROWS):
                    target.write(stored[rows[start : start + _BLOCK_ROWS]].tobytes())
        if book["recipe"] != FLAT:
            files["lists"] = folder / "lists"
            parts = [
                (
                    _fetched(storage, source.unit.files, "lists", folder),
                    keys_of[id(source)]["id"].to_numpy(),
                    source.keep,
                )
                for source in sources
            ]
            vectors = np.memmap(files["vectors"], np.float16, "r").reshape(-1, book["dimension"])
            merged_lists(
                lambda: codebook.load(storage, book), parts, keys["id"].to_numpy(), vectors, files["lists"]
            )  # fmt: skip
        row = put_in_place(storage, book, "compacted", keys.num_rows, files)
    return _row(row, members)


def _dropped(member: Member, source: Source, keys: pa.Table) -> tuple[str, ...]:
    """Documents of the archive's own shard that are not among the rows that stay."""
    first = sum(other.rows for other in source.unit.members[: source.unit.members.index(member)])
    rows = slice(first, first + member.rows)
    gone = keys["doc_id"].slice(first, member.rows).filter(pa.array(~source.keep[rows]))
    return tuple(sorted({*member.dropped, *gone.to_pylist()}))


def _row(files: Row, members: Sequence[Member]) -> Row:
    """A row of the table ``compacted``."""
    parts = [
        {"archive": member.archive, "shard": member.shard, "rows": member.rows, "dropped": list(member.dropped)}
        for member in members
    ]
    return {**files, "members": parts}


def _fetched(storage: Storage, files: Row, kind: str, folder: Path) -> Path:
    """A local path of a shard's lists or vectors; from an object store they are copied into ``folder`` first.

    Raises FiglakeError when the file is not the one that the table names: faiss trusts what it reads, and a
    merged shard would carry the damage on under a checksum of its own.
    """
    import shutil

    path = files[f"{kind}_path"]
    target = Path(storage.path(path))
    if not storage.is_local:
        target = folder / path.replace("/", "-")
        if not target.exists():
            with storage.open_input(path) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
    if sha256_of(target) != files[f"{kind}_sha256"]:
        raise FiglakeError(f"{storage.uri(path)} is damaged: its SHA-256 is not the one in the table that names it")
    return target
