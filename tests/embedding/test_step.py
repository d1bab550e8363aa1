"""The embed step on Ray, from tables to tables."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.config import ModelSettings, Settings, load_settings
from pipeline.context import StepContext
from pipeline.embedding.gradient_histogram import GradientHistogram
from pipeline.embedding.models import text_encoder
from pipeline.embedding.step import run
from pipeline.engines import ray as ray_engine
from pipeline.errors import ModelNotFoundError, Reason, UsageError
from pipeline.lake import Lake
from pipeline.parts import Outcome
from tests.embedding.checkpoints import clip_checkpoint, sentence_checkpoint
from tests.embedding.test_drawing import drawing
from tests.embedding.test_sentences import link, passage, write

SETTINGS = load_settings(environment={}, overrides=["ray.object_store_mb=100", "ray.num_cpus=2"])
SENTENCES = {
    "D": ["The valve turns.", "The shaft holds the valve.", "This ends the description."],
    "E": ["The housing holds the shaft.", "This ends the description."],
}


def tiff(pixels: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).convert("1").save(data, "TIFF", compression="group4")
    return data.getvalue()


def sheet(doc_id: str, name: str, image: bytes) -> dict[str, Any]:
    return {
        "sheet_id": f"{doc_id}/{name}", "doc_id": doc_id, "file": name, "ordinal": 0, "role": "drawing",
        "width_px": 400, "height_px": 300, "media_type": "image/tiff", "source": "tiff", "image": image, "sha256": "",
    }  # fmt: skip


def figure(doc_id: str, name: str, label: str, box: tuple[int, int, int, int]) -> dict[str, Any]:
    corners = dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
    return {
        "figure_id": f"{doc_id}/{name}#{label}", "sheet_id": f"{doc_id}/{name}", "doc_id": doc_id, "label": label,
        "label_source": "office", "ordinal": 0, **corners,
    }  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """D has a sheet of three figures, one of them blank; E a good sheet and one that is no image."""
    found = Lake.at(tmp_path / "lake")
    page = np.full((300, 800), 255, np.uint8)
    page[:, :400], page[:, 400:700] = drawing(300, 400), drawing(300, 300, 1)
    tables: dict[str, list[dict[str, Any]]] = {
        "sheets": [sheet("D", "s.tif", tiff(page)), sheet("E", "s.tif", tiff(drawing(300, 400, 2))),
                   sheet("E", "broken.tif", b"II*\0 not much"), sheet("E", "formula.tif", b"not looked at")],
        "figures": [figure("D", "s.tif", "1", (0, 0, 400, 300)), figure("D", "s.tif", "2", (400, 0, 700, 300)),
                    figure("D", "s.tif", "3", (710, 0, 800, 300)), figure("E", "s.tif", "1", (0, 0, 400, 300)),
                    figure("E", "broken.tif", "2", (0, 0, 9, 9))],
        "passages": [passage(d, n, text) for d, texts in SENTENCES.items() for n, text in enumerate(texts)],
        "links": [link("D", "1", 0), link("D", "1", 1), {**link("D", "1", 1), "sign": "12"}, link("E", "1", 1)],
    }  # fmt: skip
    for table, rows in tables.items():
        found.commit(table, "before", "A", 1, write(found, table, rows))
    return found


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    with ray_engine.session(SETTINGS):
        yield


def embed(lake: Lake, generation: int = 1, only: frozenset[str] = frozenset(), **models: Any) -> Outcome:
    """Run the step and commit what it wrote, as the runner does."""
    settings: Settings = replace(SETTINGS, models=replace(ModelSettings(), **models))
    outcome = run(StepContext(lake, settings, "A", None, generation, lambda done, total: None, only=only))
    for table in ("figure_vectors", "text_vectors", "passage_vectors", "region_vectors"):
        lake.commit(table, "embed", "A", generation, [part for part in outcome.parts if part.table == table])
    return outcome


def vectors(lake: Lake, table: str, key: str) -> dict[str, np.ndarray]:
    rows = lake.read(table, [key, "vector"]).to_pylist()
    assert len({row[key] for row in rows}) == len(rows)
    return {row[key]: np.array(row["vector"], np.float32) for row in sorted(rows, key=lambda row: str(row[key]))}


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other)) > 0.9999


@pytest.mark.slow
def test_every_figure_and_sentence_gets_its_vector_and_bad_images_are_rejected(ray: None, lake: Lake) -> None:
    outcome = embed(lake)
    figures = vectors(lake, "figure_vectors", "figure_id")
    assert list(figures) == ["D/s.tif#1", "D/s.tif#2", "E/s.tif#1"]
    expected = GradientHistogram().encode([drawing(300, 400), drawing(300, 300, 1), drawing(300, 400, 2)])
    assert all(same(*pair) for pair in zip(figures.values(), expected, strict=True))
    rejected = {(reject.item, reject.reason) for reject in outcome.rejects}
    assert rejected == {("D/s.tif#3", Reason.IMAGE_UNREADABLE), ("E/broken.tif", Reason.IMAGE_UNREADABLE)}

    passages = vectors(lake, "passage_vectors", "passage_id")
    assert list(passages) == ["D/d/0", "D/d/1", "D/d/2", "E/d/0", "E/d/1"]
    plain = text_encoder(SETTINGS.models).encode([text for texts in SENTENCES.values() for text in texts])
    assert all(same(*pair) for pair in zip(passages.values(), plain, strict=True))
    texts = vectors(lake, "text_vectors", "figure_id")
    assert list(texts) == ["D/s.tif#1", "E/s.tif#1"]
    assert same(texts["D/s.tif#1"], passages["D/d/0"] + passages["D/d/1"])
    assert same(texts["E/s.tif#1"], passages["E/d/1"])
    assert outcome.metrics == {"figures": 5, "sentences": 5, "shared_sentences": 1}

    row = lake.read("passage_vectors").to_pylist()[0]
    assert (row["archive"], row["model"], row["revision"]) == ("A", "builtin:all-minilm-l6-v2", "0.1.0")
    assert np.array_equal(np.array(row["vector"]), np.array(row["vector"], np.float16).astype(float))


@pytest.mark.slow
def test_regions_get_vectors_where_they_are_wanted(ray: None, lake: Lake) -> None:
    assert not any(part.table == "region_vectors" for part in embed(lake).parts)
    outcome = embed(lake, generation=2, regions=True)
    rows = lake.read("region_vectors").to_pylist()
    assert {row["figure_id"] for row in rows} == {"D/s.tif#1", "D/s.tif#2", "E/s.tif#1"}
    assert all(row["region_id"] == f"{row['figure_id']}/{row['ordinal']}" for row in rows)
    figures = vectors(lake, "figure_vectors", "figure_id")
    for row in rows:
        assert 0 <= row["x0"] < row["x1"] <= 800 and 0 <= row["y0"] < row["y1"] <= 300
        if row["ordinal"] == 0:  # the whole figure, trimmed as the figure itself is
            assert float(figures[row["figure_id"]] @ np.array(row["vector"], np.float32)) > 0.99
    assert {reject.item for reject in outcome.rejects} == {"D/s.tif#3", "E/broken.tif"}
    assert outcome.metrics["figures"] == 5


@pytest.mark.slow
def test_other_models_and_only_linked_sentences(ray: None, lake: Lake, tmp_path: Path) -> None:
    clip, text = clip_checkpoint(tmp_path / "clip"), sentence_checkpoint(tmp_path / "text")
    embed(lake, image=str(clip), text=str(text), passages="linked", sentence_weights="score")
    assert {len(vector) for vector in vectors(lake, "figure_vectors", "figure_id").values()} == {48}
    passages = vectors(lake, "passage_vectors", "passage_id")
    assert list(passages) == ["D/d/0", "D/d/1", "E/d/1"]
    assert {len(vector) for vector in passages.values()} == {64}
    (revision,) = set(lake.read("text_vectors", ["revision"])["revision"].to_pylist())
    assert revision.startswith("sha256-")


@pytest.mark.slow
def test_a_replay_takes_in_whole_documents(ray: None, lake: Lake) -> None:
    embed(lake, only=frozenset({"E/broken.tif"}))
    assert list(vectors(lake, "figure_vectors", "figure_id")) == ["E/s.tif#1"]
    assert list(vectors(lake, "passage_vectors", "passage_id")) == ["E/d/0", "E/d/1"]
    assert list(vectors(lake, "text_vectors", "figure_id")) == ["E/s.tif#1"]


@pytest.mark.slow
def test_an_archive_without_anything_to_encode_is_done_at_once(ray: None, tmp_path: Path) -> None:
    assert embed(Lake.at(tmp_path / "empty")).parts == []


def test_what_cannot_work_is_said_before_any_worker_starts(lake: Lake) -> None:
    with pytest.raises(ModelNotFoundError, match="no/such-model"):
        embed(lake, text="no/such-model")
    with pytest.raises(UsageError, match=r"models\.passages = 'some'"):
        embed(lake, passages="some")
