"""Vectors as the tables hold them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipeline.embedding.vectors import figure_means, unit, vector_rows
from schemas import TABLES

LINKS = pa.table(
    {
        "figure_id": ["D/s2#2", "D/s1#1", "D/s1#1", "D/s1#1"],
        "doc_id": ["D"] * 4,
        "passage_id": ["p2", "p1", "p1", "p2"],
        "score": pa.array([0.5, 0.25, 1.0, 0.25], pa.float32()),
    }
)
PASSAGES = pa.array(["p1", "p2", "p3"])
VECTORS = np.array([[1, 0], [0, 1], [1, 0]], np.float32)


def test_unit_vectors_hold_values_of_float16() -> None:
    found = unit(np.array([[3.0, 4.0], [1.0, 1.0]]))
    assert found.tolist() == [[0.60009765625, 0.7998046875], [0.70703125, 0.70703125]]


@pytest.mark.parametrize("bad", [[0.0, 0.0], [np.nan, 1.0]])
def test_a_vector_of_no_direction_is_an_error(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="no direction"):
        unit(np.array([bad]))


def test_a_sentence_counts_once_however_many_signs_link_it() -> None:
    figures, means = figure_means(LINKS, PASSAGES, VECTORS)
    assert figures.to_pylist() == [{"figure_id": "D/s1#1", "doc_id": "D"}, {"figure_id": "D/s2#2", "doc_id": "D"}]
    assert means.tolist() == [[0.70703125, 0.70703125], [0.0, 1.0]]


def test_scores_can_weigh_the_sentences() -> None:
    _, means = figure_means(LINKS, PASSAGES, VECTORS, weighted=True)
    assert means[0] == pytest.approx([4 / 17**0.5, 1 / 17**0.5], abs=1e-3)


def test_figures_without_sentences_have_no_vector() -> None:
    figures, means = figure_means(LINKS.slice(0, 0), PASSAGES, VECTORS)
    assert (figures.num_rows, means.shape) == (0, (0, 2))
    figures, _ = figure_means(LINKS, pa.array(["p3"]), VECTORS[2:])
    assert figures.num_rows == 0


def test_rows_fit_the_tables_schema() -> None:
    rows = vector_rows("passage_id", PASSAGES, pa.array(["D"] * 3), "m", "r", VECTORS)
    assert rows.cast(TABLES["passage_vectors"].part_schema).to_pylist()[1] == {
        "passage_id": "p2", "doc_id": "D", "model": "m", "revision": "r", "vector": [0.0, 1.0],
    }  # fmt: skip
