"""Words compared with the drawings themselves by the text tower of the release's image model."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from pipeline.config import ModelSettings
from pipeline.embedding.clip import ClipEncoder
from pipeline.embedding.models import image_encoder
from pipeline.errors import UsageError
from pipeline.indexing.ids import vector_ids
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from pipeline.pixels import decode
from pipeline.publishing.manifest import Calibration
from pipeline.search import Filter, Query, SearchEngine, open_release
from pipeline.search.parts import CrossModalPart, VectorPart
from tests.embedding.checkpoints import clip_checkpoint
from tests.indexing.lakes import (
    add_archive,
    build_index,
    clustered,
    publish,
    sheet_file,
    small_settings,
    unit,
    write_vectors,
)

SETTINGS = small_settings()
NAMES = [f"EP{n}A1" for n in range(8)]
KEYS = [f"{name}/s1.tif#1" for name in NAMES]
WORDS = "a closed housing"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipEncoder:
    """A real CLIP, small and with random weights, in a folder."""
    folder = clip_checkpoint(tmp_path_factory.mktemp("clip"))
    found = image_encoder(ModelSettings(image=str(folder), dtype="float32"))
    assert isinstance(found, ClipEncoder)
    return found


@pytest.fixture(scope="module")
def drawings(clip: ClipEncoder) -> np.ndarray:
    return unit(clip.encode([decode(sheet_file(key.split("#")[0]), 100) for key in KEYS]))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, clip: ClipEncoder, drawings: np.ndarray) -> Lake:
    found = Lake.at(tmp_path_factory.mktemp("lake"))
    texts = clustered(len(NAMES), 16, 8, seed=4)
    documents = {name: {"1": (drawing, text)} for name, drawing, text in zip(NAMES, drawings, texts, strict=True)}
    add_archive(found, "A", documents, date(2019, 2, 13))
    write_vectors(found, "image", "A", dict(zip(KEYS, drawings, strict=True)), clip.revision, clip.name)
    build_index(found, SETTINGS)
    publish(found, SETTINGS)
    record(found, Run("A", "extract", 1, "f", "done"))
    return found


@pytest.fixture(scope="module")
def engine(lake: Lake) -> SearchEngine:
    return open_release(lake, SETTINGS)


def test_figures_come_by_the_similarity_of_their_drawing_to_the_words(
    engine: SearchEngine, clip: ClipEncoder, drawings: np.ndarray
) -> None:
    expected = drawings @ clip.encode_texts([WORDS])[0]
    hits = engine.search(depicts=WORDS, k=8)
    assert [hit.doc_id for hit in hits] == [NAMES[n] for n in np.argsort(-expected)]
    assert [hit.scores for hit in hits] == [{"depicts": pytest.approx(s, abs=2e-3)} for s in np.sort(expected)[::-1]]
    assert hits[0].why.sentences[0].words == ("closed", "housing")


def test_it_joins_other_parts_and_respects_filters(engine: SearchEngine, drawings: np.ndarray) -> None:
    hits = engine.search(image=drawings[3], depicts=WORDS, filter=Filter(doc_ids=("EP3A1", "EP5A1")), k=5)
    assert {hit.doc_id for hit in hits} == {"EP3A1", "EP5A1"}
    for hit in hits:
        assert hit.score == pytest.approx((hit.scores["image"] + hit.scores["depicts"]) / 2, abs=1e-6)
    weighed = engine.search(image=drawings[3], depicts=WORDS, weights={"depicts": 3.0}, k=1)[0]
    assert weighed.score == pytest.approx((weighed.scores["image"] + 3 * weighed.scores["depicts"]) / 4, abs=1e-6)


def test_a_similarity_counts_against_those_of_the_same_words_to_random_drawings(
    engine: SearchEngine, clip: ClipEncoder, drawings: np.ndarray
) -> None:
    """Pairs of drawings lie on another scale: calibrated by theirs, all words would be far from all drawings."""
    own = drawings @ clip.encode_texts([WORDS])[0]
    part = engine.parts(Query(depicts=WORDS))["depicts"]
    assert isinstance(part, CrossModalPart) and part.calibration is not None
    assert part.calibration.mean == pytest.approx(float(own.mean()), abs=2e-3)
    assert part.calibration.std == pytest.approx(float(own.std()), rel=0.05)
    assert abs(part.calibration.mean - engine.manifest.modalities["image"].calibration.mean) > 0.1  # type: ignore[union-attr]
    ranking = engine.rank(Query(depicts=WORDS, fusion="calibrated-mean", k=8))
    assert ranking.fused.mean() == pytest.approx(0, abs=0.05) and ranking.fused.std() == pytest.approx(1, abs=0.05)


def test_the_calibration_of_a_large_release_is_that_of_a_bounded_sample(
    engine: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    scores = VectorPart.scores

    def counted(part: VectorPart, figures: np.ndarray) -> np.ndarray:
        asked.append(len(figures))
        return scores(part, figures)

    monkeypatch.setattr("pipeline.search.parts._SAMPLE", 5)
    monkeypatch.setattr(CrossModalPart, "scores", counted)
    parts = [engine.parts(Query(depicts=WORDS))["depicts"] for _ in range(2)]
    assert parts[0].calibration == parts[1].calibration
    assert isinstance(parts[0].calibration, Calibration) and parts[0].calibration.pairs == 5
    assert asked == [5, 5]


def test_a_vector_of_that_space_may_be_given(engine: SearchEngine, drawings: np.ndarray) -> None:
    assert engine.search(depicts=drawings[6], k=1)[0].doc_id == "EP6A1"
    with pytest.raises(UsageError, match=r"has 3 dimensions, release .* has 48"):
        engine.search(depicts=np.ones(3, np.float32))


def test_an_image_model_without_a_text_tower_is_named_with_one_that_has_it(tmp_path: Path) -> None:
    lake, builtin = Lake.at(tmp_path), image_encoder(ModelSettings())
    add_archive(lake, "A", {"EP1A1": {"1": ([1.0, 0.0], None)}}, date(2019, 2, 13))
    write_vectors(lake, "image", "A", {"EP1A1/s1.tif#1": np.ones(builtin.dimension)}, builtin.revision, builtin.name)
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    with pytest.raises(UsageError, match=r"builtin:gradient-histogram has no text tower.*openai/clip-vit-base-patch32"):
        open_release(lake, SETTINGS).search(depicts=WORDS)


def test_the_command_line_has_it_and_pages_it(lake: Lake) -> None:
    arguments = ["search", "--depicts", WORDS, "--json", "-k", "5", "--lake", lake.storage.root]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    page = json.loads(first.output)
    assert [set(hit["scores"]) for hit in page["hits"]] == [{"depicts"}] * 5
    rest = json.loads(CliRunner().invoke(app, [*arguments, "--cursor", page["next"]]).output)
    found = [hit["figure_id"] for hit in page["hits"] + rest["hits"]]
    assert sorted(vector_ids(found)) == sorted(vector_ids(KEYS)) and rest["next"] is None
    other = CliRunner().invoke(app, [*arguments[:2], "other words", *arguments[3:], "--cursor", page["next"]])
    assert other.exit_code == 2 and "belongs to another query" in other.output
