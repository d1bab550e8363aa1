from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import FiglakeError
from pipeline.indexing.checkpoint import Checkpoint
from pipeline.indexing.drift import imbalance
from pipeline.indexing.ids import draw, vector_ids
from pipeline.indexing.spaces import Space
from pipeline.indexing.train import SampleFilter, gather_sample, train, vector_matrix
from pipeline.storage import Storage
from tests.indexing.lakes import clustered


def rows(keys: list[str], model: str = "m") -> pa.Table:
    vectors = [[float(position), 1.0] for position in range(len(keys))]
    return pa.table({
        "figure_id": keys, "model": [model] * len(keys), "revision": ["1"] * len(keys),
        "vector": pa.array(vectors, pa.list_(pa.float32())),
    })  # fmt: skip


KEYS = [f"EP{number}A1/s.tif#1" for number in range(2000)]


def test_the_sample_is_the_same_whatever_the_blocks_and_their_order() -> None:
    table, keep = rows(KEYS), SampleFilter("figure_id", "m", "1", len(KEYS), 300, seed=3)
    whole = gather_sample([keep(table)], 2, 300)
    blocks = [keep(table.slice(start, 190)) for start in range(0, len(KEYS), 190)]
    assert np.array_equal(gather_sample(reversed(blocks), 2, 300), whole)
    ranks = draw(vector_ids(KEYS), 3)
    assert whole[:, 0].tolist() == np.argsort(ranks)[:300].tolist()


def test_workers_pass_on_little_more_than_the_sample() -> None:
    kept = SampleFilter("figure_id", "m", "1", len(KEYS), 300, seed=3)(rows(KEYS))
    assert 300 <= kept.num_rows <= 400


def test_a_small_table_is_taken_whole_and_another_encoders_vectors_never() -> None:
    keep = SampleFilter("figure_id", "m", "1", 5, 300, seed=3)
    assert keep(rows(KEYS[:5])).num_rows == 5
    assert keep(rows(KEYS[:5], model="other")).num_rows == 0


def test_every_archive_gives_its_share() -> None:
    ranks = draw(vector_ids(KEYS), 3)
    sampled = np.argsort(ranks)[:400]
    assert 60 < np.count_nonzero(sampled < 500) < 140  # the first quarter of the rows gives about 100


def test_training_twice_gives_the_same_codebook() -> None:
    import faiss

    sample = clustered(2000, 32, 20, seed=1)
    first, second = (faiss.serialize_index(train(sample, "IVF16,PQ4x4fs", 32, seed=7)) for _ in range(2))
    assert first.tobytes() == second.tobytes()


class CutOffError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("recipe", ["IVF16,PQ4x4fs", "OPQ4_16,IVF16,PQ4x4fs", "RR32,IVF16_HNSW8,RaBitQ"])
def test_a_training_that_was_cut_off_goes_on_and_ends_in_the_same_codebook(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faiss

    sample, space = clustered(2000, 32, 20, seed=1), Space("m", "1", 32, 2000)
    undisturbed = faiss.serialize_index(train(sample, recipe, 32, seed=7))
    checkpoint = Checkpoint.of(Storage.at(tmp_path), "image", recipe, space, 7, sample, pause_s=0)
    kept: list[int] = []

    def write_and_die(index: object, centroids: object, iterations: int) -> None:
        Checkpoint.write(checkpoint, index, centroids, iterations)  # type: ignore[arg-type]
        kept.append(iterations)
        if len(kept) in (3, 5):
            raise CutOffError

    monkeypatch.setattr(checkpoint, "write", write_and_die)
    for _ in range(2):
        with pytest.raises(CutOffError):
            train(sample, recipe, 32, 7, checkpoint)
    resumed = train(sample, recipe, 32, 7, checkpoint)
    assert kept == list(range(1, 11))  # each of the ten iterations once
    assert faiss.serialize_index(resumed).tobytes() == undisturbed.tobytes()
    assert checkpoint.read() is None


def test_a_damaged_checkpoint_is_as_good_as_none(tmp_path: Path) -> None:
    sample = clustered(500, 32, 20, seed=1)
    checkpoint = Checkpoint.of(Storage.at(tmp_path), "image", "IVF8,SQ8", Space("m", "1", 32, 500), 7, sample)
    for damage in (b"", b"no archive", b"PK\x03\x04 cut off"):
        checkpoint.storage.write_bytes(damage, checkpoint.path)
        assert checkpoint.read() is None
    assert train(sample, "IVF8,SQ8", 32, 7, checkpoint).is_trained


def test_imbalance_is_one_for_equal_lists_whatever_their_length() -> None:
    rng = np.random.default_rng(1)
    for rows in (200, 20_000):
        found = imbalance(np.bincount(rng.integers(0, 100, rows), minlength=100))
        assert found == pytest.approx(1, abs=0.2)
    assert imbalance(np.array([10, 0, 0, 0])) == 4
    assert imbalance(np.array([1, 0])) is None


def test_a_sample_smaller_than_the_number_of_lists_is_refused_with_advice() -> None:
    with pytest.raises(FiglakeError, match=r"IVF64,Flat cannot be trained on 10 vectors; set indexing\.factory"):
        train(clustered(10, 32, 2, seed=1), "IVF64,Flat", 32, seed=7)


def test_vectors_of_another_length_are_refused() -> None:
    column = pa.array([[1.0, 0.0], [1.0]], pa.list_(pa.float32()))
    with pytest.raises(FiglakeError, match="not all of dimension 2"):
        vector_matrix(column, 2, "image vectors")
