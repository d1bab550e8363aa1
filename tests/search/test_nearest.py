from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.config import IndexSettings, PublishSettings, SearchSettings, Settings
from pipeline.indexing.ids import vector_id
from pipeline.lake import Lake
from pipeline.search import SearchEngine, open_release
from pipeline.search.nearest import exact, nearest, similarities
from pipeline.search.release import OpenModality
from tests.indexing.lakes import add_archive, build_index, clustered, publish, write_vectors

ROWS, DIMENSION = 20_000, 64
SETTINGS = Settings(indexing=IndexSettings(flat_below=1000, sample=10_000), publish=PublishSettings(queries=50))


@pytest.fixture(scope="module")
def vectors() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return clustered(ROWS, DIMENSION, 400, seed=11)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, vectors: np.ndarray) -> SearchEngine:
    """20,000 vectors in three archives under the recipe that the size asks for."""
    lake = Lake.at(tmp_path_factory.mktemp("lake"))
    keys = [f"EP{number:05d}A1/d/1/0" for number in range(ROWS)]
    for archive, start, stop in (("A", 0, 12_000), ("B", 12_000, 12_010), ("C", 12_010, ROWS)):
        add_archive(lake, archive, {key.split("/")[0]: {} for key in keys[start:stop]}, date(2019, 2, 13))
        write_vectors(lake, "passage", archive, dict(zip(keys[start:stop], vectors[start:stop], strict=True)))
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    return open_release(lake, SETTINGS)


@pytest.fixture(scope="module")
def passages(engine: SearchEngine) -> OpenModality:
    return engine.release.modalities["passage"]


def test_the_recipe_was_chosen_by_size_and_the_recall_was_measured(engine: SearchEngine) -> None:
    entry = engine.manifest.modalities["passage"]
    assert entry.codebook.recipe == "RR64,IVF256,RaBitQ"
    assert len(entry.shards) == 3
    assert entry.queries == 50
    assert entry.recall_at_10 is not None and entry.recall_at_10 >= 0.95


@pytest.mark.parametrize("block", [7, 50, 1 << 14])
@pytest.mark.parametrize("k", [1, 10, 400])
def test_of_vectors_as_near_the_first_are_found_however_many_are_scored_at_a_time(
    monkeypatch: pytest.MonkeyPatch, block: int, k: int
) -> None:
    monkeypatch.setattr("pipeline.search.nearest._BLOCK_VECTORS", block)
    rng = np.random.default_rng(block)
    stored, queries = (rng.integers(-1, 2, (count, 4)).astype(np.float32) for count in (300, 20))
    order = rng.permutation(300).astype(np.int32)
    modality = SimpleNamespace(stored_order=order, gather=lambda positions: stored[positions])
    scores, positions = exact(modality, queries, k)  # type: ignore[arg-type]
    for query, found, where in zip(queries @ stored.T, scores, positions, strict=True):
        first = np.lexsort((np.arange(300), -query))[:k]
        assert where[:300].tolist() == first.tolist()
        assert found[:300].tolist() == query[first].tolist()
        assert (where[300:] == -1).all() and np.isneginf(found[300:]).all()


def test_exact_search_is_brute_force(passages: OpenModality, vectors: np.ndarray) -> None:
    queries = vectors[::997]
    similar, positions = exact(passages, queries, 10)
    everything = queries @ vectors.T
    assert similar == pytest.approx(-np.sort(-everything, axis=1)[:, :10], abs=1e-5)
    assert passages.ids[positions[:, 0]].tolist() == [
        vector_id(f"EP{number:05d}A1/d/1/0") for number in range(0, ROWS, 997)
    ]


def test_refined_search_finds_what_exact_search_finds(passages: OpenModality, vectors: np.ndarray) -> None:
    queries = vectors[::197]
    found = nearest(passages, queries, 10, SearchSettings())
    wanted = exact(passages, queries, 10)
    shared = [len(set(a) & set(b)) for a, b in zip(found[1].tolist(), wanted[1].tolist(), strict=True)]
    assert sum(shared) / (10 * len(queries)) >= 0.95
    assert found[0][:, 0] == pytest.approx(wanted[0][:, 0], abs=1e-6)


def test_scores_are_the_stored_vectors_inner_products(passages: OpenModality, vectors: np.ndarray) -> None:
    similar, positions = nearest(passages, vectors[:5], 7, SearchSettings())
    for row in range(5):
        assert similar[row] == pytest.approx(passages.gather(positions[row]) @ vectors[row], abs=1e-6)


def test_more_is_asked_than_there_is(passages: OpenModality, vectors: np.ndarray) -> None:
    few = replace(SearchSettings(), nprobe=1, candidates=10)
    similar, positions = nearest(passages, vectors[:3], 2000, few)
    assert similar.shape == positions.shape == (3, 2000)
    assert np.all(np.isneginf(similar[positions == -1]))
    assert np.all(positions[:, -1] == -1)


def test_no_query_gives_no_answer(passages: OpenModality) -> None:
    similar, positions = nearest(passages, np.empty((0, DIMENSION), np.float32), 10, SearchSettings())
    assert similar.shape == positions.shape == (0, 10)


def test_an_id_that_is_not_in_the_release_has_no_position(passages: OpenModality) -> None:
    known = passages.ids[[3, 1]]
    unknown = np.array([0, 2**63 - 1], dtype=np.int64)
    assert passages.positions_of(np.concatenate([known, unknown])).tolist() == [3, 1, -1, -1]


def test_similarity_at_no_position_is_minus_infinity(passages: OpenModality, vectors: np.ndarray) -> None:
    found = similarities(passages, vectors[:1], np.array([[5, -1]]))
    assert np.isfinite(found[0, 0]) and np.isneginf(found[0, 1])


def test_a_modality_whose_rows_are_all_masked_answers_nothing(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    add_archive(lake, "A", {"EP1A1": {"1": ([1.0, 0.0], None)}}, date(2019, 2, 13))
    write_vectors(lake, "passage", "A", {"EP7A1/d/1/0": [1.0, 0.0]})  # of a document that is not there
    build_index(lake, Settings())
    publish(lake, Settings())
    passages = open_release(lake, Settings()).release.modalities["passage"]
    assert (passages.entry.rows, passages.entry.masked) == (0, 1)
    assert nearest(passages, np.ones((1, 2), np.float32), 3, SearchSettings())[1].tolist() == [[-1, -1, -1]]
