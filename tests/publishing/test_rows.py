from __future__ import annotations

import subprocess
import sys
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import FiglakeError
from pipeline.indexing.ids import IdCollisionError
from pipeline.indexing.shard import KEYS_SCHEMA
from pipeline.publishing import rows
from pipeline.publishing.rows import LiveRows, select_rows
from pipeline.publishing.spool import Spool
from pipeline.publishing.units import Member, Piece, Shards, Unit
from pipeline.storage import Storage


@dataclass
class Listed:
    """Shards in memory."""

    pieces: list[Piece]

    @property
    def rows(self) -> int:
        return sum(len(piece.rows) for piece in self.pieces)

    def read(self, columns: Sequence[str], only: Container[int] | None = None) -> Iterator[Piece]:
        for piece in self.pieces:
            if only is None or piece.shard in only:
                yield replace(piece, rows=piece.rows.select(list(columns)))


def keys_of(
    number: int, archive: str, ids: np.ndarray, documents: list[str], keys: list[str] | None = None, first: int = 0
) -> Piece:
    columns = [pa.array(ids), pa.array(keys or [f"key {one}" for one in ids]), pa.array(documents)]
    return Piece(number, first, archive, pa.record_batch(columns, schema=KEYS_SCHEMA))


def many(count: int, per_shard: int, seed: int) -> tuple[Listed, dict[str, pa.Array]]:
    """Shards of one document each, every third shown; each has a tenth of its ids in common with the next."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 1 << 63, (count, per_shard), dtype=np.int64)
    ids[1:, : per_shard // 10] = ids[:-1, -(per_shard // 10) :]
    shards = [keys_of(n, f"A{n}", own, [f"D{n}"] * per_shard) for n, own in enumerate(ids)]
    return Listed(shards), {f"A{n}": pa.array([f"D{n}"]) for n in range(0, count, 3)}


def by_brute_force(shards: Listed, documents: dict[str, pa.Array], existing: set[int] | None) -> LiveRows:
    found, other = [], set()
    for piece in shards.pieces:
        columns = piece.rows["id"].to_pylist(), piece.rows["doc_id"].to_pylist()
        for row, (vector, doc_id) in enumerate(zip(*columns, strict=True)):
            shown = doc_id in documents.get(piece.archive, pa.array([], pa.string())).to_pylist()
            if shown and (existing is None or vector in existing):
                found.append((vector, piece.shard, piece.first + row))
            else:
                other.add(vector)
    columns = [np.array(column) for column in zip(*sorted(found), strict=True)]
    return LiveRows(*columns, np.array(sorted(other - set(columns[0].tolist()))))


@pytest.mark.parametrize("at_a_time", [1 << 23, 1000, 37])
@pytest.mark.parametrize("some", [False, True])
def test_rows_are_the_same_however_few_are_sorted_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_a_time: int, some: bool
) -> None:
    monkeypatch.setattr(rows, "_SORTED_ROWS", at_a_time)
    shards, documents = many(13, 200, seed=at_a_time)
    existing = np.sort(np.concatenate([piece.rows["id"].to_numpy()[::2] for piece in shards.pieces])) if some else None
    wanted = by_brute_force(shards, documents, None if existing is None else set(existing.tolist()))
    found = select_rows("image", shards, documents, existing, tmp_path)  # type: ignore[arg-type]
    for name in ("id", "shard", "row", "masked"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert found.batch.num_rows == len(wanted.id) > 0
    assert len(found.masked) > 100
    assert not list(tmp_path.iterdir())  # what was spooled takes no room while the release is made


@pytest.mark.parametrize("shown", [("A", "B"), ("A",), ()])
def test_two_keys_with_one_id_are_refused_also_where_they_are_hidden(tmp_path: Path, shown: tuple[str, ...]) -> None:
    ids = np.array([5, 6])
    shards = Listed([keys_of(0, "A", ids, ["D", "D"]), keys_of(1, "B", ids, ["E", "E"], ["key 5", "another"])])
    documents = {name: pa.array(["D", "E"]) for name in shown}
    with pytest.raises(IdCollisionError, match="'key 6' and 'another' have the same vector id 6"):
        select_rows("image", shards, documents, None, tmp_path)  # type: ignore[arg-type]


def test_a_row_that_would_be_seen_twice_is_refused(tmp_path: Path) -> None:
    ids = np.array([5, 6])
    shards = Listed([keys_of(0, "A", ids, ["D", "D"]), keys_of(1, "B", ids, ["E", "E"])])
    with pytest.raises(FiglakeError, match="'key 5' would be in the release twice"):
        select_rows("image", shards, {"A": pa.array(["D"]), "B": pa.array(["E"])}, None, tmp_path)  # type: ignore[arg-type]


def test_pieces_are_cut_where_archives_meet_and_batches_end(tmp_path: Path) -> None:
    counts = (3, 0, 5, 1)
    table = pa.table([range(9), [f"k{n}" for n in range(9)], [f"D{n}" for n in range(9)]], schema=KEYS_SCHEMA)
    with pa.OSFile(str(tmp_path / "keys"), "wb") as stream, pa.ipc.new_file(stream, KEYS_SCHEMA) as writer:
        writer.write_table(table, max_chunksize=4)
    members = tuple(Member(name, "s", count, (), name != "C") for name, count in zip("ABCD", counts, strict=True))
    unit = Unit({"keys_path": "keys", "rows": 9}, members, True)
    shards = Shards(Storage.at(str(tmp_path)), [unit, unit])
    found = [(p.shard, p.archive, p.first, p.rows["id"].to_pylist()) for p in shards.read(("id", "doc_id"), {1})]
    assert found == [(1, "A", 0, [0, 1, 2]), (1, "", 3, [3]), (1, "", 4, [4, 5, 6, 7]), (1, "D", 8, [8])]
    assert next(shards.read(("id", "key"))).rows.schema.names == ["id", "key"]


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Of 160 shards of 20,000 rows every other one has come before, so that half of all ids are there twice."""
    script = """
import resource, sys
from pathlib import Path
import numpy as np, pyarrow as pa
from pipeline.publishing import rows
from pipeline.publishing.units import Piece

class Drawn:
    def __init__(self, count):
        self.count, self.rows = count, count * 20_000
    def read(self, columns, only=None):
        for n in range(self.count):
            if only is None or n in only:
                ids = np.random.default_rng(n // 2).integers(0, 1 << 63, 20_000, dtype=np.int64)
                keys = [f"document {n // 2}/passage {i}" for i in ids]
                yield Piece(n, 0, f"A{n}", pa.record_batch({"id": ids, "key": keys, "doc_id": ["D"] * len(ids)}))

rows._SORTED_ROWS = 1 << 18
folder, count = Path(sys.argv[1]), int(sys.argv[2])
shown = {f"A{n}": pa.array(["D"]) for n in range(0, count, 2)}
def grown():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows.select_rows("image", Drawn(30), shown, None, folder)
before = grown()
found = rows.select_rows("image", Drawn(count), shown, None, folder)
assert (len(found.id), len(found.masked)) == (count * 10_000, 0)
print((grown() - before) / 1024)
"""
    command = [sys.executable, "-c", script, str(tmp_path), "160"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert float(done.stdout) < 70, f"{done.stdout} MB more for five times the rows"


def test_a_spool_gives_back_what_was_appended(tmp_path: Path) -> None:
    for name, take in (("read", Spool.read), ("mapped", Spool.mapped)):
        spool = Spool(tmp_path, name, np.int32, 2)
        spool.append(np.arange(10)[::2], 1)
        spool.append(np.array([7]), 1)
        spool.append(np.empty(0, np.int32), 0)
        assert take(spool, 1).tolist() == [0, 2, 4, 6, 8, 7]
        nothing = take(spool, 0)
        assert (nothing.tolist(), nothing.dtype) == ([], np.int32)
        assert not list(tmp_path.iterdir())


def test_a_spool_on_a_full_disk_says_so_however_little_is_written(tmp_path: Path) -> None:
    (tmp_path / "numbers.0").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        Spool(tmp_path, "numbers", np.int64).append(np.arange(10))
