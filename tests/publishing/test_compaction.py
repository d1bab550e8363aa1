"""Compaction, and the life of an index: whatever is done to it in whatever order, it answers as brute force does."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.config import IndexSettings, PublishSettings, SearchSettings, Settings
from pipeline.errors import FiglakeError, UsageError
from pipeline.indexing.ids import vector_id
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.publishing.compaction import compact, plan
from pipeline.publishing.manifest import read_manifest
from pipeline.search import open_release
from pipeline.search.nearest import nearest
from tests.indexing.lakes import Vectors, add_archive, build_index, clustered, encode, publish, write

DIMENSION = 16
#: Every list is looked into and many candidates are scored: the answer is exact, so that any other is a fault.
EVERYTHING = SearchSettings(nprobe=64, candidates=1000)
FACTORIES = ("IVF4,PQ8x4fs", "IVF4,SQ8", "PCAR8,IVF4,PQ4x4fs", "RR16,IVF4,RaBitQ", "")


def settings_for(factory: str, shards: int = 4) -> Settings:
    return Settings(
        indexing=IndexSettings(factory=factory, sample=2000, shards=shards),
        publish=PublishSettings(queries=10, keep=1, keep_days=0), search=EVERYTHING,
    )  # fmt: skip


def delivery(seed: int, documents: range) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Documents with two figures each."""
    vectors = clustered(2 * len(documents), DIMENSION, 10, seed)
    return {
        f"EP{number:04d}A1": {label: (vectors[2 * at + side], None) for side, label in enumerate("12")}
        for at, number in enumerate(documents)
    }


def withdraw(lake: Lake, doc_ids: list[str]) -> None:
    rows = [{"doc_id": doc, "reason": "test", "at": datetime.now(UTC)} for doc in doc_ids]
    write(lake, "tombstones", "_lake", rows)


def answers(lake: Lake, settings: Settings) -> dict[int, Vectors]:
    """The image vectors that the current release finds, by id: each is looked for by itself."""
    modality = open_release(lake, settings).release.modalities["image"]
    found = {}
    vectors = modality.gather(np.arange(len(modality.ids)))
    scores, positions = nearest(modality, vectors, 3, settings.search)
    exact = vectors @ vectors.T
    best = -np.sort(-exact, axis=1)[:, :3]
    assert scores == pytest.approx(best, abs=1e-4)
    assert np.all(np.isin(np.arange(len(modality.ids)), positions[:, 0]))
    for number, vector in zip(modality.ids.tolist(), vectors, strict=True):
        found[number] = vector
    return found


def expected(documents: dict[str, dict[str, tuple[Any, Any]]]) -> dict[int, Vectors]:
    return {
        vector_id(f"{doc}/s{label}.tif#{label}"): pair[0]
        for doc, figures in documents.items()
        for label, pair in figures.items()
    }


def same(found: dict[int, Vectors], wanted: dict[int, Vectors]) -> None:
    assert found.keys() == wanted.keys()
    for key, vector in wanted.items():
        assert found[key] == pytest.approx(vector, abs=1e-3)


def six_archives(lake: Lake, settings: Settings) -> dict[str, dict[str, tuple[Any, Any]]]:
    held: dict[str, dict[str, tuple[Any, Any]]] = {}
    for number in range(6):
        documents = delivery(number, range(20 * number, 20 * number + 20))
        add_archive(lake, f"A{number}", documents, date(2019, 1, 1 + number), drawn=False)
        held |= documents
    build_index(lake, settings)
    return held


@pytest.mark.parametrize("factory", FACTORIES)
def test_compacted_shards_answer_as_their_parts_did(tmp_path: Path, factory: str) -> None:
    lake, settings = Lake.at(tmp_path), settings_for(factory)
    held = six_archives(lake, settings)
    withdraw(lake, ["EP0003A1", "EP0050A1"])
    before = read_manifest(lake.storage, publish(lake, settings)["release"])
    done = compact(lake, settings)
    after = read_manifest(lake.storage, publish(lake, settings)["release"])
    assert [(each.modality, each.shards_before, each.rows_before) for each in done] == [("image", 6, 240)]
    assert len(after.modalities["image"].shards) == done[0].shards_after <= 4
    assert done[0].rows_after == 236
    assert after.content == before.content, "a release holds the same wherever its vectors lie"
    assert before.modalities["image"].masked == 4
    assert after.modalities["image"].masked == 0
    same(answers(lake, settings), expected({doc: v for doc, v in held.items() if doc not in ("EP0003A1", "EP0050A1")}))
    assert compact(lake, settings) == [], "a second time there is nothing to do"


@pytest.mark.parametrize("kind", ["vectors", "lists"])
def test_a_damaged_shard_is_not_merged_into_a_whole_one(tmp_path: Path, kind: str) -> None:
    lake, settings = Lake.at(tmp_path), settings_for("IVF4,PQ8x4fs")
    six_archives(lake, settings)
    path = lake.read("shards", archive="A2")[f"{kind}_path"][0].as_py()
    held = bytearray((tmp_path / path).read_bytes())
    held[len(held) // 2] ^= 1
    (tmp_path / path).write_bytes(held)
    with pytest.raises(FiglakeError, match=f"{path} is damaged"):
        compact(lake, settings)
    assert lake.version("compacted") is None


def test_a_withdrawn_document_is_in_no_file_of_the_index_after_compaction_and_pruning(tmp_path: Path) -> None:
    lake, settings = Lake.at(tmp_path), settings_for("IVF4,PQ8x4fs")
    six_archives(lake, settings)
    publish(lake, settings)
    withdraw(lake, ["EP0003A1"])
    compact(lake, settings)
    publish(lake, settings)
    pointer.prune(lake, settings.publish, datetime.now(UTC) + timedelta(days=1))
    files = [path for path in (tmp_path / "index").rglob("*") if path.is_file()]
    gone = b"EP0003A1"
    assert files
    assert not [path.name for path in files if gone in path.read_bytes()]
    assert b"EP0004A1" in b"".join(path.read_bytes() for path in files)


def test_an_archive_that_came_again_replaces_its_rows_in_a_compacted_shard(tmp_path: Path) -> None:
    lake, settings = Lake.at(tmp_path), settings_for("IVF4,PQ8x4fs")
    held = six_archives(lake, settings)
    compact(lake, settings)
    again = delivery(99, range(0, 20))
    add_archive(lake, "A0", again, date(2019, 1, 1), drawn=False)
    encode(lake, "A0")
    publish(lake, settings)
    same(answers(lake, settings), expected(held | again))


def test_a_document_left_out_as_superseded_comes_back_when_the_newer_one_goes(tmp_path: Path) -> None:
    lake, settings = Lake.at(tmp_path), settings_for("IVF4,PQ8x4fs", shards=1)
    old, new = delivery(1, range(0, 20)), delivery(2, range(10, 30))
    add_archive(lake, "A", old, date(2019, 1, 1), drawn=False)
    add_archive(lake, "B", new, date(2019, 1, 8), drawn=False)
    build_index(lake, settings)
    compact(lake, settings)
    publish(lake, settings)
    same(answers(lake, settings), expected(old | new))
    pointer.prune(lake, settings.publish, datetime.now(UTC) + timedelta(days=1))
    fewer = {doc: figures for doc, figures in new.items() if doc >= "EP0020A1"}
    add_archive(lake, "B", fewer, date(2019, 1, 8), drawn=False)
    encode(lake, "B")
    publish(lake, settings)
    same(answers(lake, settings), expected(old | fewer))


def test_the_plan_merges_the_small_and_leaves_the_large() -> None:
    units = [(f"u{number}", rows) for number, rows in enumerate([1000, 10, 20, 30, 900, 5])]
    assert plan(units, [], most=6) == []
    assert plan(units, [], most=4) == [["u5", "u1", "u2", "u3", "u4"]]
    assert plan(units, [units[0][0]], most=6) == [["u0"]]
    many = [(object(), 10) for _ in range(200)]
    assert len(many) - sum(len(group) - 1 for group in plan(many, [], most=64)) <= 64


@dataclass
class Life:
    """A lake, and what a release published now must answer."""

    lake: Lake
    settings: Settings
    archives: dict[str, dict[str, dict[str, tuple[Any, Any]]]] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    published: dict[str, dict[int, Vectors]] = field(default_factory=dict)

    def held(self) -> dict[int, Vectors]:
        """The newest delivery of each document; archives are named in the order of their delivery."""
        documents: dict[str, dict[str, tuple[Any, Any]]] = {}
        for name in sorted(self.archives):
            documents |= self.archives[name]
        return expected({doc: figures for doc, figures in documents.items() if doc not in self.withdrawn})


def killed(action: Callable[[], object], writes: int) -> None:
    """Run the action in a child that is killed by SIGKILL at its n-th file put in place."""
    child = os.fork()
    if not child:
        import pipeline.indexing.files as files
        from pipeline.storage import Storage

        left = [writes]

        def counted(call: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*arguments: Any, **named: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **named)

            return wrapped

        Storage.write_bytes = counted(Storage.write_bytes)  # type: ignore[method-assign]
        for module in ("pipeline.indexing.shard", "pipeline.publishing.draft", "pipeline.indexing.codebook"):
            __import__(module)
            import sys

            vars(sys.modules[module])["put"] = counted(files.put)
        with suppress(BaseException):
            action()
        os._exit(0)
    os.waitpid(child, 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_life_of_appending_replacing_compacting_pruning_and_rolling_back(tmp_path: Path, seed: int) -> None:
    """Actions in random order, each killed first with a chance of a half; after each release, brute force decides."""
    chance = random.Random(seed)
    life = Life(Lake.at(tmp_path), settings_for(("IVF4,PQ8x4fs", "IVF4,SQ8", "")[seed], shards=3))
    lake, settings = life.lake, life.settings

    def deliver(name: str, size: int) -> None:
        first = chance.randrange(60)
        life.archives[name] = delivery(chance.randrange(1 << 30), range(first, first + size))
        add_archive(lake, name, life.archives[name], date(2019, 1, 1) + timedelta(days=int(name[1:])), drawn=False)
        either = [lambda: encode(lake, name), lambda: build_index(lake, settings)][len(life.archives) == 1]
        attempt(either)

    def attempt(action: Callable[[], object]) -> None:
        if chance.random() < 0.5:
            killed(action, chance.randrange(6))
        action()

    def release() -> None:
        attempt(lambda: publish(lake, settings))
        name = pointer.current(lake)
        assert name is not None
        same(answers(lake, settings), life.held())
        life.published[name] = life.held()

    deliver("A00", 60)
    release()
    for number in range(8):
        action = chance.choice(["append", "append", "replace", "withdraw", "compact", "prune", "roll back"])
        if action == "append":
            deliver(f"A{number + 1:02d}", chance.randrange(5, 25))
        elif action == "replace":
            deliver(chance.choice(sorted(life.archives)), chance.randrange(5, 25))
        elif action == "withdraw":
            life.withdrawn.append(f"EP{chance.randrange(80):04d}A1")
            withdraw(lake, life.withdrawn)
        elif action == "compact":
            attempt(lambda: compact(lake, settings))
        elif action == "prune":
            attempt(lambda: pointer.prune(lake, settings.publish, datetime.now(UTC) + timedelta(days=1)))
        else:
            with suppress(UsageError):  # nothing older is left
                name = pointer.rollback(lake)
                same(answers(lake, settings), life.published[name])
        release()


def test_a_pruned_release_does_not_hide_what_another_uses(tmp_path: Path) -> None:
    lake, settings = Lake.at(tmp_path), settings_for("IVF4,PQ8x4fs")
    held = six_archives(lake, settings)
    publish(lake, settings)
    compact(lake, settings)
    publish(lake, settings)
    kept = replace(settings.publish, keep=1)
    assert len(pointer.prune(lake, kept, datetime.now(UTC) + timedelta(days=1))) == 1
    same(answers(lake, settings), expected(held))
    assert pa.compute.sum(lake.read("shards", ["rows"])["rows"]).as_py() == 240


def test_a_release_that_is_open_is_not_pruned(tmp_path: Path) -> None:
    lake, settings = Lake.at(tmp_path), settings_for("IVF4,PQ8x4fs")
    six_archives(lake, settings)
    first = publish(lake, settings)["release"]
    reader = open_release(lake, settings)
    compact(lake, settings)
    publish(lake, settings)
    later = datetime.now(UTC) + timedelta(days=1)
    assert pointer.prune(lake, settings.publish, later) == []
    assert reader.name == first
    del reader
    assert pointer.prune(lake, settings.publish, later) == [first]
