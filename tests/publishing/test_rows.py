from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
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
from pipeline.publishing.units import ShardKeys


@dataclass
class Listed:
    """Shards in memory."""

    shards: list[ShardKeys]

    @property
    def rows(self) -> int:
        return sum(len(shard.rows) for shard in self.shards)

    def __iter__(self) -> Iterator[ShardKeys]:
        return iter(self.shards)


def keys_of(
    number: int, archive: str, ids: np.ndarray, documents: list[str], keys: list[str] | None = None
) -> ShardKeys:
    table = pa.table([ids, keys or [f"key {one}" for one in ids], documents], schema=KEYS_SCHEMA)
    return ShardKeys(number, 0, archive, table)


def many(count: int, per_shard: int, seed: int) -> tuple[Listed, dict[str, pa.Array]]:
    """Shards of one document each, every third shown; each has a tenth of its ids in common with the next."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 1 << 63, (count, per_shard), dtype=np.int64)
    ids[1:, : per_shard // 10] = ids[:-1, -(per_shard // 10) :]
    shards = [keys_of(n, f"A{n}", own, [f"D{n}"] * per_shard) for n, own in enumerate(ids)]
    return Listed(shards), {f"A{n}": pa.array([f"D{n}"]) for n in range(0, count, 3)}


def by_brute_force(shards: Listed, documents: dict[str, pa.Array], existing: set[int] | None) -> LiveRows:
    found, other = [], set()
    for shard in shards:
        for row, (vector, doc_id) in enumerate(
            zip(shard.rows["id"].to_pylist(), shard.rows["doc_id"].to_pylist(), strict=True)
        ):
            shown = doc_id in documents.get(shard.archive, pa.array([], pa.string())).to_pylist()
            if shown and (existing is None or vector in existing):
                found.append((vector, shard.shard, row))
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
    existing = np.sort(np.concatenate([shard.rows["id"].to_numpy()[::2] for shard in shards])) if some else None
    wanted = by_brute_force(shards, documents, None if existing is None else set(existing.tolist()))
    found = select_rows("image", shards, documents, existing, tmp_path)
    for name in ("id", "shard", "row", "masked"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert found.batch.num_rows == len(wanted.id) > 0
    assert len(found.masked) > 100


def test_two_keys_with_one_id_and_a_row_seen_twice_are_refused(tmp_path: Path) -> None:
    ids = np.array([5, 6])
    first = keys_of(0, "A", ids, ["D", "D"])
    for name, second, error, message in (
        ("other", keys_of(1, "B", ids, ["E", "E"], ["key 5", "another"]), IdCollisionError, "'key 6' and 'another'"),
        ("twice", keys_of(1, "B", ids, ["E", "E"]), FiglakeError, "'key 5' would be in the release twice"),
    ):
        (tmp_path / name).mkdir()
        documents = {"A": pa.array(["D"]), "B": pa.array(["E"])}
        with pytest.raises(error, match=message):
            select_rows("image", Listed([first, second]), documents, None, tmp_path / name)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Thirty shards and three hundred, of 20,000 rows: in memory their keys alone would be half a gigabyte."""
    script = """
import resource, sys
from pathlib import Path
import numpy as np, pyarrow as pa
from pipeline.indexing.shard import KEYS_SCHEMA
from pipeline.publishing import rows
from pipeline.publishing.units import ShardKeys

class Drawn:
    def __init__(self, count):
        self.count, self.rows = count, count * 20_000
    def __iter__(self):
        for n in range(self.count):
            ids = np.random.default_rng(n).integers(0, 1 << 63, 20_000, dtype=np.int64)
            keys = [f"document {n}/passage {i}" for i in ids]
            table = pa.table([ids, keys, [f"D{n}"] * len(ids)], schema=KEYS_SCHEMA)
            yield ShardKeys(n, 0, "A", table)

rows._SORTED_ROWS = 1 << 18
folder, count = Path(sys.argv[1]), int(sys.argv[2])
shown = {"A": pa.array([f"D{n}" for n in range(count)])}
def grown():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(folder / "few").mkdir()
rows.select_rows("image", Drawn(30), shown, None, folder / "few")
before = grown()
(folder / "many").mkdir()
found = rows.select_rows("image", Drawn(count), shown, None, folder / "many")
assert len(found.id) == count * 20_000
print((grown() - before) / 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), "300"], check=True, capture_output=True, text=True
    )  # fmt: skip
    assert float(done.stdout) < 60, f"{done.stdout} MB more for ten times the rows"


def test_a_spool_gives_back_what_was_appended(tmp_path: Path) -> None:
    with Spool(tmp_path, "numbers", np.int32, 2) as spool:
        spool.append(np.arange(10)[::2], 1)
        spool.append(np.array([7]), 1)
        for read in (spool.read, spool.mapped):
            assert read(1).tolist() == [0, 2, 4, 6, 8, 7]
            assert read(0).tolist() == []
            assert read(0).dtype == np.int32
