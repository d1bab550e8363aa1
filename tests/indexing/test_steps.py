"""The steps codebook and encode on a real Ray."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import IndexSettings, RaySettings, Settings
from pipeline.context import StepContext
from pipeline.flow import LAKE_SCOPE
from pipeline.indexing import codebook_step, encode_step
from pipeline.indexing.drift import drifts
from pipeline.indexing.modalities import MODALITIES
from pipeline.indexing.spaces import Space, count_encoders, find_space
from pipeline.lake import Lake
from tests.indexing.lakes import MODEL, add_archive, build_index, clustered, write_vectors

SETTINGS = Settings(ray=RaySettings(num_cpus=2, object_store_mb=200))
_generation = iter(range(1, 1000))


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    from pipeline.engines.ray import session

    with session(SETTINGS):
        yield


def archive_with(lake: Lake, archive: str, documents: int, seed: int) -> None:
    vectors = clustered(documents, 32, 8, seed)
    found = {f"EP{archive}{n:04d}A1": {"1": (vectors[n], vectors[n][:16])} for n in range(documents)}
    add_archive(lake, archive, found, date(2019, 2, 13), {f"{doc}/d/1/0": vectors[0][:16] for doc in found})


def run(step: Any, lake: Lake, archive: str, settings: Settings) -> Any:
    """Run a step and commit what it wrote, as the runner does."""
    generation = next(_generation)
    outcome = step.run(StepContext(lake, settings, archive, None, generation, lambda done, total: None))
    table = "codebooks" if step is codebook_step else "shards"
    lake.commit(table, table, archive, generation, outcome.parts)
    return outcome


def codebooks(lake: Lake) -> dict[str, Any]:
    return {row["modality"]: row for row in lake.read("codebooks").to_pylist()}


@pytest.mark.slow
def test_codebooks_stay_frozen_until_growth_or_another_encoder_asks(ray: None, tmp_path: Path) -> None:
    lake, settings = Lake.at(tmp_path), replace(SETTINGS, indexing=IndexSettings(flat_below=120, sample=1000))
    archive_with(lake, "A", 100, seed=1)
    assert run(codebook_step, lake, LAKE_SCOPE, settings).metrics["trained"] == ["image", "text", "passage"]
    first, state = codebooks(lake), codebook_step.state(lake, settings)
    assert {name: (row["recipe"], row["dimension"]) for name, row in first.items()} == {
        "image": ("Flat", 32), "text": ("Flat", 16), "passage": ("Flat", 16)
    }  # fmt: skip

    archive_with(lake, "B", 10, seed=2)
    assert codebook_step.state(lake, settings) == state
    assert run(codebook_step, lake, LAKE_SCOPE, settings).metrics["trained"] == []
    assert codebooks(lake) == first

    archive_with(lake, "C", 50, seed=3)  # 160 vectors: beyond flat
    assert codebook_step.state(lake, settings) != state
    assert run(codebook_step, lake, LAKE_SCOPE, settings).metrics["trained"] == ["image", "text", "passage"]
    grown = codebooks(lake)
    assert {name: row["replaces"] for name, row in grown.items()} == {
        name: row["codebook"] for name, row in first.items()
    }
    assert grown["image"]["recipe"] == "RR32,IVF4,RaBitQ"
    assert (grown["image"]["trained_on"], grown["image"]["vectors_seen"]) == (152, 160)

    for archive in "ABC":
        write_vectors(lake, "image", archive, {f"EP{archive}0001A1/s1.tif#1": [1.0] * 24}, revision="2")
    assert run(codebook_step, lake, LAKE_SCOPE, settings).metrics["trained"] == ["image"]
    assert (codebooks(lake)["image"]["revision"], codebooks(lake)["image"]["dimension"]) == ("2", 24)
    assert codebooks(lake)["text"] == grown["text"]


@pytest.mark.slow
def test_a_codebook_is_trained_anew_when_its_shards_drift_away_and_only_then(ray: None, tmp_path: Path) -> None:
    settings = replace(SETTINGS, indexing=IndexSettings(factory="IVF8,PQ8x4fs", sample=1000, drift_limit=0.3))
    lake = Lake.at(tmp_path)
    archive_with(lake, "A", 400, seed=1)
    run(codebook_step, lake, LAKE_SCOPE, settings)
    known = run(encode_step, lake, "A", settings).metrics["drift"]
    assert all(abs(one["error"]) < 0.3 and not one["retrain"] for one in known.values())
    before, state = codebooks(lake), codebook_step.state(lake, settings)

    archive_with(lake, "B", 400, seed=99)  # around other centres
    found = run(encode_step, lake, "B", settings).metrics["drift"]
    assert found["image"]["error"] > 0.6 and found["image"]["retrain"]
    whole = drifts(lake, settings.indexing)
    assert 0.3 < (whole["image"].error or 0) < found["image"]["error"]  # the archives weigh as many rows
    assert codebook_step.state(lake, settings) != state
    off = replace(settings, indexing=replace(settings.indexing, drift_limit=0, imbalance_limit=0))
    assert codebook_step.state(lake, off) == state

    run(codebook_step, lake, LAKE_SCOPE, settings)
    after = codebooks(lake)
    assert (after["image"]["codebook"] != before["image"]["codebook"], after["image"]["replaces"]) == (
        True, before["image"]["codebook"]
    )  # fmt: skip
    replaced = codebook_step.state(lake, settings)
    for archive in "AB":
        run(encode_step, lake, archive, settings)
    assert codebook_step.state(lake, settings) == replaced  # nothing more to do
    assert not drifts(lake, settings.indexing)["image"].retrain


@pytest.mark.slow
def test_a_codebook_that_somebody_wants_replaced_is_replaced_once(ray: None, tmp_path: Path) -> None:
    settings = replace(SETTINGS, indexing=IndexSettings(flat_below=50, sample=300))
    lake = Lake.at(tmp_path)
    archive_with(lake, "A", 200, seed=1)
    run(codebook_step, lake, LAKE_SCOPE, settings)
    first = codebooks(lake)["image"]["codebook"]
    archive_with(lake, "B", 150, seed=2)
    asked = replace(settings, indexing=replace(settings.indexing, retrain=(first,)))
    wanted = codebook_step.state(lake, asked)
    assert wanted != codebook_step.state(lake, settings)
    assert run(codebook_step, lake, LAKE_SCOPE, asked).metrics["trained"] == ["image"]
    assert codebooks(lake)["image"]["codebook"] != first
    assert codebook_step.state(lake, asked) == codebook_step.state(lake, settings) == wanted


@pytest.mark.slow
def test_ray_writes_the_shards_that_a_plain_loop_writes(ray: None, tmp_path: Path) -> None:
    settings = replace(SETTINGS, indexing=IndexSettings(flat_below=50, sample=1000))
    by_ray, by_loop = Lake.at(tmp_path / "ray"), Lake.at(tmp_path / "loop")
    for lake in (by_ray, by_loop):
        archive_with(lake, "A", 100, seed=1)
        archive_with(lake, "B", 30, seed=2)
        add_archive(lake, "C", {}, date(2019, 2, 20))
    run(codebook_step, by_ray, LAKE_SCOPE, settings)
    outcomes = {archive: run(encode_step, by_ray, archive, settings) for archive in "ABC"}
    build_index(by_loop, settings)
    assert codebooks(by_ray) == codebooks(by_loop)
    rows = sorted(by_ray.read("shards").to_pylist(), key=lambda row: (row["archive"], row["modality"]))
    assert [(row["archive"], row["modality"], row["rows"]) for row in rows] == [
        ("A", "image", 100), ("A", "passage", 100), ("A", "text", 100),
        ("B", "image", 30), ("B", "passage", 30), ("B", "text", 30),
    ]  # fmt: skip
    assert rows == sorted(by_loop.read("shards").to_pylist(), key=lambda row: (row["archive"], row["modality"]))
    assert {archive: outcome.rows_in for archive, outcome in outcomes.items()} == {"A": 300, "B": 90, "C": 0}


@pytest.mark.slow
def test_a_lake_without_vectors_has_no_codebooks_and_no_shards(ray: None, tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    add_archive(lake, "A", {}, date(2019, 2, 13))
    assert codebook_step.state(lake, SETTINGS) == {}
    run(codebook_step, lake, LAKE_SCOPE, SETTINGS)
    run(encode_step, lake, "A", SETTINGS)
    assert lake.read("codebooks").num_rows == lake.read("shards").num_rows == 0


def test_the_configured_encoder_wins_over_the_one_with_more_vectors(tmp_path: Path) -> None:
    lake, image = Lake.at(tmp_path), MODALITIES["image"]
    write_vectors(lake, "image", "A", {f"EP{n}A1/s": [1.0, 0.0, n] for n in range(5)}, revision="old")
    write_vectors(lake, "image", "B", {"EP9A1/s": [1.0, 0.0]}, revision="new")
    assert count_encoders(lake, "figure_vectors") == {(MODEL["image"], "old"): 5, (MODEL["image"], "new"): 1}
    assert find_space(lake, image, (MODEL["image"], "")) == Space(MODEL["image"], "old", 3, 5)
    assert find_space(lake, image, (MODEL["image"], "new")) == Space(MODEL["image"], "new", 2, 1)
    assert find_space(lake, image, ("another", "")) == Space(MODEL["image"], "old", 3, 5)
    assert find_space(lake, MODALITIES["text"], ("another", "")) is None
