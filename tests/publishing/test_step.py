from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config import PublishSettings
from pipeline.errors import GateError, SupersededError
from pipeline.indexing.ids import IdCollisionError
from pipeline.lake import Lake
from pipeline.publishing import gates, pointer, step
from pipeline.publishing.manifest import Effort, read_manifest
from pipeline.publishing.measure import Trial, kept
from pipeline.search import open_release
from tests.indexing.lakes import (
    add_archive,
    build_index,
    clustered,
    encode,
    publish,
    small_settings,
    tiny_index,
    write,
    write_vectors,
)

SETTINGS = small_settings()
FIRST, SECOND = date(2019, 2, 13), date(2019, 2, 20)
VECTORS = clustered(40, 32, 10, seed=4)


def documents(*names: str, first_vector: int = 0) -> dict[str, Any]:
    """Two figures a document, the second without words."""
    return {
        name: {"1": (VECTORS[first_vector + 2 * n], VECTORS[first_vector + 2 * n][:16]),
               "2": (VECTORS[first_vector + 2 * n + 1], None)}
        for n, name in enumerate(names)
    }  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    found = Lake.at(tmp_path)
    add_archive(found, "A", documents("EP1A1", "EP2A1", "EP3A1"), FIRST, {"EP1A1/d/1/0": VECTORS[0][:16]})
    build_index(found, SETTINGS)
    return found


def figures_found(lake: Lake, vector: Any, k: int = 50) -> list[str]:
    return [hit.figure_id for hit in open_release(lake, SETTINGS).search(image=np.asarray(vector), k=k)]


def test_a_release_holds_the_lake_and_is_current(lake: Lake) -> None:
    metrics = publish(lake, SETTINGS)
    assert metrics == {
        "release": pointer.current(lake), "published": True,
        "recall_at_10": {"image": 1.0, "text": 1.0, "passage": None},
    }  # fmt: skip
    manifest = read_manifest(lake.storage, metrics["release"])
    assert {name: (m.rows, m.masked) for name, m in manifest.modalities.items()} == {
        "image": (6, 0), "text": (3, 0), "passage": (1, 0)
    }  # fmt: skip
    assert manifest.counts == {"documents": 3, "figures": 6}
    assert manifest.tables["figure_vectors"] == lake.version("figure_vectors")
    assert manifest.tables.keys() >= {"documents", "sheets", "figures", "links", "shards", "codebooks"}
    assert manifest.files["facets"].rows == 6
    assert set(manifest.modalities["image"].latency_ms) == {"p50", "p95", "p99"}


def test_an_archive_on_its_way_is_left_out_and_hides_no_earlier_delivery(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(lake, SETTINGS)
    again = documents("EP1A1", "EP4A1", first_vector=8)
    add_archive(lake, "B", again, SECOND)  # classified, but not encoded
    extracted = lake.read("documents", archive="B").to_pylist()
    write(lake, "documents", "C", extracted)  # extracted, and no more
    metrics = publish(lake, SETTINGS)
    assert metrics["left_out"] == ["B", "C"]
    assert capsys.readouterr().err == "publish leaves out what is not through all its steps: B, C\n"
    engine = open_release(lake, SETTINGS)
    assert set(engine.release.facets["archive"].to_pylist()) == {"A"}
    assert {"EP1A1/s1.tif#1", "EP1A1/s2.tif#2"} <= set(figures_found(lake, VECTORS[0]))
    encode(lake, "B")
    assert publish(lake, SETTINGS)["left_out"] == ["C"]
    shown = open_release(lake, SETTINGS).release.facets.select(["archive", "doc_id"]).to_pylist()
    assert {(row["archive"], row["doc_id"]) for row in shown} == {
        ("A", "EP2A1"), ("A", "EP3A1"), ("B", "EP1A1"), ("B", "EP4A1")
    }  # fmt: skip


def test_an_archive_that_the_release_shows_is_never_left_out(lake: Lake) -> None:
    before = publish(lake, SETTINGS)["release"]
    write(lake, "shards", "A", [])
    with pytest.raises(GateError, match="archive A has 6 rows in figure_vectors and 0 in the image shards"):
        publish(lake, SETTINGS)
    assert pointer.current(lake) == before


def test_an_unchanged_lake_is_not_published_again(lake: Lake) -> None:
    name = publish(lake, SETTINGS)["release"]
    before = {info.path: info.mtime for info in lake.storage.walk("releases")}
    again = publish(lake, SETTINGS)
    assert (again["release"], again["published"]) == (name, False)
    assert {info.path: info.mtime for info in lake.storage.walk("releases")} == before


def test_the_newest_delivery_of_a_document_is_the_one_that_is_seen(lake: Lake) -> None:
    add_archive(lake, "B", documents("EP2A1", "EP4A1", first_vector=20), SECOND)
    build_index(lake, SETTINGS)
    manifest = read_manifest(lake.storage, publish(lake, SETTINGS)["release"])
    assert (manifest.modalities["image"].rows, manifest.modalities["image"].masked) == (8, 2)
    engine = open_release(lake, SETTINGS)
    hit = engine.search(image=VECTORS[20], k=1)[0]
    assert (hit.figure_id, hit.archive, round(hit.score, 2)) == ("EP2A1/s1.tif#1", "B", 1.0)
    everything = [hit.figure_id for hit in engine.search(image=VECTORS[2], k=50)]
    assert sorted(everything) == sorted(
        f"EP{n}A1/s{label}.tif#{label}" for n in (1, 2, 3, 4) for label in (1, 2)
    )  # fmt: skip
    assert engine.search(image=VECTORS[2], k=1)[0].score < 0.99  # the older EP2A1's own vector is gone


def test_deliveries_of_one_day_are_settled_by_the_archives_name(lake: Lake) -> None:
    add_archive(lake, "B", documents("EP2A1", first_vector=20), FIRST)
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    assert open_release(lake, SETTINGS).search(figure="EP2A1/s1.tif#1", k=1)[0].archive == "B"


def test_a_document_that_comes_without_its_figures_takes_the_old_ones_along(lake: Lake) -> None:
    add_archive(lake, "B", {"EP2A1": {"1": (VECTORS[20], None)}}, SECOND)
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    assert "EP2A1/s2.tif#2" not in figures_found(lake, VECTORS[3])


@pytest.mark.parametrize("factory", ["", "IVF1,SQ8"])
def test_a_tombstoned_document_is_masked_at_once(lake: Lake, factory: str) -> None:
    settings = small_settings(indexing=tiny_index(factory)) if factory else SETTINGS
    publish(lake, SETTINGS)
    write(lake, "tombstones", "A", [{"doc_id": "EP1A1", "reason": "withdrawn", "at": datetime.now(UTC)}])
    build_index(lake, settings)
    publish(lake, settings)
    found = open_release(lake, settings).search(image=VECTORS[0], k=50)
    assert {hit.doc_id for hit in found} == {"EP2A1", "EP3A1"}
    passages = read_manifest(lake.storage, str(pointer.current(lake))).modalities["passage"]
    assert (passages.rows, passages.masked) == (0, 1)


def test_archives_in_either_order_give_the_same_content(tmp_path: Path) -> None:
    contents = []
    for order in ("AB", "BA"):
        lake = Lake.at(tmp_path / order)
        for archive in order:
            first = 0 if archive == "A" else 20
            add_archive(lake, archive, documents("EP1A1", f"EP{archive}A1", first_vector=first), FIRST)
        build_index(lake, SETTINGS)
        contents.append(read_manifest(lake.storage, publish(lake, SETTINGS)["release"]).content)
    assert contents[0] == contents[1]


def test_a_lake_without_vectors_publishes_nothing(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    add_archive(lake, "A", {}, FIRST)
    build_index(lake, SETTINGS)
    assert publish(lake, SETTINGS) == {"release": None}
    assert pointer.current(lake) is None


# Gates. Each leaves CURRENT as it was.


def refused(lake: Lake, message: str, settings: Any = SETTINGS) -> None:
    before, listed = pointer.current(lake), pointer.list_releases(lake)
    with pytest.raises(GateError, match=message):
        publish(lake, settings)
    assert pointer.current(lake) == before
    assert pointer.list_releases(lake) == listed


def test_tables_that_are_not_as_expected_stop_a_release(lake: Lake) -> None:
    before = publish(lake, SETTINGS)["release"]
    write(lake, "facets", "A", lake.read("facets").to_pylist() * 2)
    with pytest.raises(GateError, match=r"gate quality: A: facets is unique .* for 6 of 12 rows"):
        publish(lake, SETTINGS)
    assert pointer.current(lake) == before
    assert not all(row["passed"] for row in lake.read("quality").to_pylist())


def test_vectors_that_are_in_no_shard_stop_a_release(lake: Lake) -> None:
    publish(lake, SETTINGS)
    write_vectors(lake, "image", "A", {"EP1A1/s1.tif#1": VECTORS[0]})
    refused(lake, "gate counts: archive A has 1 rows in figure_vectors and 6 in the image shards")


def test_an_archive_under_another_codebook_stops_a_release(lake: Lake) -> None:
    publish(lake, SETTINGS)
    standing = lake.read("shards", archive="A").to_pylist()
    build_index(lake, small_settings(indexing=tiny_index("IVF1,SQ8")))
    write(lake, "shards", "A", standing)
    refused(lake, "gate counts: archive A has 6 rows in figure_vectors and 0 in the image shards")


def test_a_lake_that_lost_everything_keeps_its_last_release(lake: Lake) -> None:
    publish(lake, SETTINGS)
    add_archive(lake, "A", {}, FIRST)
    build_index(lake, SETTINGS)
    refused(lake, "gate counts: no vectors are left")


@pytest.mark.parametrize("column", ["vectors_path", "keys_path"])
def test_a_damaged_shard_stops_a_release(lake: Lake, column: str) -> None:
    path = lake.read("shards").to_pylist()[0][column]
    data = bytearray(lake.storage.read_bytes(path))
    data[len(data) // 2] ^= 1
    lake.storage.write_bytes(bytes(data), path)
    refused(lake, "gate checksums: .*is damaged")


def test_a_missing_shard_stops_a_release(lake: Lake) -> None:
    lake.storage.delete(lake.read("shards").to_pylist()[0]["vectors_path"])
    refused(lake, "gate checksums: .*is missing")


def test_poor_recall_stops_a_release(tmp_path: Path) -> None:
    lake, vectors = Lake.at(tmp_path), clustered(3000, 32, 1500, seed=8)
    add_archive(lake, "A", {f"EP{n}A1": {"1": (v, None)} for n, v in enumerate(vectors)}, FIRST, drawn=False)
    settings = small_settings(indexing=tiny_index("IVF256,PQ4x4fs"))
    build_index(lake, settings)
    hasty = replace(settings, search=replace(settings.search, nprobe=1, candidates=20))
    refused(lake, r"gate recall: recall@10 of image is 0\.\d+ over 20 queries, publish.recall_at_10 asks 0.9", hasty)
    assert publish(lake, replace(settings, search=replace(settings.search, nprobe=256, candidates=2000)))["published"]


def test_a_night_keeps_the_effort_of_the_release_before_while_it_does_and_far_less_would_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, tuned = Lake.at(tmp_path), list[float]()
    vectors = clustered(2020, 32, 1000, seed=8)

    def untimed(trial: Trial, aim: float) -> Effort:
        """What tuning finds, but for the choice by the clock."""
        tuned.append(aim)
        counts = (50, 100, 200, 400, 800, 1600, 3200)
        efforts = (Effort(nprobe, candidates) for nprobe in (4, 8, 16, 32, 64) for candidates in counts)
        return next(effort for effort in efforts if kept(trial, effort, aim) == effort)

    monkeypatch.setattr(step, "tune", untimed)

    def night(archive: str, of: slice, aim: float) -> Effort:
        drawings = {f"EP{archive}{n}A1": {"1": (v, None)} for n, v in enumerate(vectors[of])}
        add_archive(lake, archive, drawings, FIRST, drawn=False)
        settings = small_settings(indexing=tiny_index("IVF64,PQ4x4fs"), publish=PublishSettings(0.0, aim))
        build_index(lake, settings)
        found = read_manifest(lake.storage, publish(lake, settings)["release"]).modalities["image"].effort
        assert found
        return found

    first = night("A", slice(2000), 0.95)
    assert night("B", slice(2000, 2010), 0.95) == first
    assert len(tuned) == 1
    less = night("C", slice(2010, 2020), 0.5)
    assert less.nprobe < first.nprobe or less.candidates < first.candidates
    assert night("D", slice(2010, 2020), 0.95) != less
    assert tuned == [0.95, 0.5, 0.95]


def test_shards_whose_lists_belong_to_other_vectors_stop_a_release(tmp_path: Path) -> None:
    """Every file is intact and every count right: only a canary can tell."""
    lake, settings = Lake.at(tmp_path), small_settings(indexing=tiny_index("IVF64,PQ8x4fs"),
                                                       publish=PublishSettings(recall_at_10=0.0))  # fmt: skip
    for archive, start in (("A", 0), ("B", 1000)):
        vectors = clustered(1000, 32, 400, seed=start)
        add_archive(
            lake, archive, {f"EP{start + n}A1": {"1": (v, None)} for n, v in enumerate(vectors)}, FIRST, drawn=False
        )
    build_index(lake, settings)
    own, other = (lake.read("shards", archive=archive).to_pylist()[0] for archive in "AB")
    write(lake, "shards", "B", [{**other, "lists_path": own["lists_path"], "lists_sha256": own["lists_sha256"]}])
    refused(lake, "gate canaries: 1 of 2 stored image vectors do not find themselves, .* archive B", settings)


def test_two_keys_with_one_id_stop_a_release(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.indexing import shard

    add_archive(lake, "B", documents("EP9A1", first_vector=20), SECOND)
    honest = shard.vector_ids
    clash = int(honest(["EP1A1/s1.tif#1"])[0])
    monkeypatch.setattr(
        shard, "vector_ids", lambda keys: np.where(np.array([k == "EP9A1/s1.tif#1" for k in keys]), clash, honest(keys))
    )
    encode(lake, "B")
    with pytest.raises(IdCollisionError, match=r"'EP1A1/s1.tif#1' and 'EP9A1/s1.tif#1' have the same vector id"):
        publish(lake, SETTINGS)


# Crashes and races


CRASH = """
import os, sys
from pathlib import Path
from pipeline.lake import Lake
from pipeline.publishing import gates, pointer
from tests.indexing.lakes import publish, small_settings
pointer.swap = lambda *_: os.kill(os.getpid(), 9)
publish(Lake.at(sys.argv[1]), small_settings())
"""


def test_a_crash_between_manifest_and_current_leaves_the_old_release_and_the_next_run_goes_on(lake: Lake) -> None:
    old = publish(lake, SETTINGS)["release"]
    add_archive(lake, "B", documents("EP9A1", first_vector=20), SECOND)
    build_index(lake, SETTINGS)
    done = subprocess.run(
        [sys.executable, "-c", CRASH, lake.storage.root], cwd=Path(__file__).resolve().parents[2], timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == -9
    assert pointer.current(lake) == old
    assert len(open_release(lake, SETTINGS).search(image=VECTORS[0], k=50)) == 6
    made = [row["release"] for row in pointer.list_releases(lake)]
    assert len(made) == 2
    finished = publish(lake, SETTINGS)
    assert finished["release"] in made and finished["release"] != old
    assert pointer.current(lake) == finished["release"]
    assert len(pointer.list_releases(lake)) == 2


def test_of_two_publishers_the_one_that_read_an_older_current_is_refused(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(lake, SETTINGS)
    add_archive(lake, "B", documents("EP9A1", first_vector=20), SECOND)
    build_index(lake, SETTINGS)
    honest, others = pointer.swap, []

    def swap_after_another(lake: Lake, release: str, expected: str | None) -> None:
        """Between this publisher's gates and its swap another one, with a newer lake, goes through."""
        monkeypatch.setattr(pointer, "swap", honest)
        newest = Lake.at(lake.storage.root)
        add_archive(newest, "C", documents("EP8A1", first_vector=30), SECOND)
        build_index(newest, SETTINGS)
        others.append(publish(newest, SETTINGS)["release"])
        honest(lake, release, expected)

    monkeypatch.setattr(pointer, "swap", swap_after_another)
    with pytest.raises(SupersededError, match="another writer came first"):
        publish(lake, SETTINGS)
    assert pointer.current(lake) == others[0]
    assert len(open_release(lake, SETTINGS).search(image=VECTORS[0], k=50)) == 10


def test_two_publishers_of_one_lake_at_once_make_one_whole_release(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, others = gates.check_canaries, []

    def check_after_another(*arguments: Any) -> None:
        """When this publisher's files lie in place, another one of the same lake goes through."""
        monkeypatch.setattr(gates, "check_canaries", honest)
        others.append(publish(Lake.at(lake.storage.root), SETTINGS)["release"])
        honest(*arguments)

    monkeypatch.setattr(gates, "check_canaries", check_after_another)
    assert [publish(lake, SETTINGS)["release"]] == others == [pointer.current(lake)]
    engine = open_release(lake, SETTINGS, verify=True)
    assert len(engine.search(image=VECTORS[0], k=50)) == 6
    assert engine.search(lexical="pump", k=1)
    folders = Path(lake.storage.path("releases", others[0])).glob("lexical-*")
    (left,) = set(folders) - {engine.release.paths[file.path].parent for file in engine.release.manifest.lexical}
    pointer.prune(lake, PublishSettings(), datetime.now(UTC) + timedelta(days=400))
    assert not left.exists()
    assert open_release(lake, SETTINGS, verify=True).search(lexical="pump", k=1)


def test_pruning_beside_a_publisher_leaves_what_it_took_over(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(lake, SETTINGS)
    root = Path(lake.storage.path("releases"))
    month_ago = (datetime.now(UTC) - timedelta(days=30)).timestamp()
    for path in root.rglob("*"):
        os.utime(path, (month_ago, month_ago))
    add_archive(lake, "B", documents("EP9A1", first_vector=20), SECOND)
    build_index(lake, SETTINGS)
    honest = gates.check_canaries

    def check_after_pruning(*arguments: Any) -> None:
        pointer.prune(Lake.at(lake.storage.root), PublishSettings(keep=1, keep_days=1))
        honest(*arguments)

    monkeypatch.setattr(gates, "check_canaries", check_after_pruning)
    publish(lake, SETTINGS)
    assert open_release(lake, SETTINGS, verify=True).search(lexical="pump", k=1)


def test_a_reader_of_the_old_release_goes_on_while_the_tables_change(lake: Lake) -> None:
    publish(lake, SETTINGS)
    reader = open_release(lake, SETTINGS)
    add_archive(lake, "A", documents("EP5A1", first_vector=20), SECOND)
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    hit = reader.search(image=VECTORS[0], k=1)[0]
    assert (hit.figure_id, hit.title, hit.release) == ("EP1A1/s1.tif#1", "Pump EP1A1", reader.name)
    assert figures_found(lake, VECTORS[0])[0].startswith("EP5A1/")
