"""Measures against numbers worked out by hand and against their own definitions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.metrics import (
    average_precision,
    bootstrap,
    complete_average_precision,
    discounted_gain,
    measure,
    precision,
    recall,
    reciprocal_rank,
)

FOUND = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]


def test_average_precision_is_over_what_was_found() -> None:
    assert average_precision(FOUND, 6, 10) == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    assert average_precision(FOUND, 3, 10) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([0.0, 0.0], 2, 5) == 0.0


def test_complete_average_precision_counts_what_was_not_found() -> None:
    assert complete_average_precision(FOUND, 6, 10) == pytest.approx((1 + 2 / 3 + 3 / 6) / 6)
    assert complete_average_precision(FOUND, 6, 4) == pytest.approx((1 + 2 / 3 + 3 / 6) / 4)


def test_precision_recall_and_rank_by_hand() -> None:
    assert (precision(FOUND, 3, 4), recall(FOUND, 3, 4), reciprocal_rank(FOUND, 3, 4)) == (2 / 3, 0.5, 1.0)
    assert precision([1.0], 10, 1) == 0.1
    assert reciprocal_rank([0.0, 0.0, 2.0], 10, 1) == pytest.approx(1 / 3)
    assert reciprocal_rank([0.0, 0.0, 2.0], 2, 1) == 0.0


def test_discounted_gain_by_hand() -> None:
    gain = 3 / math.log2(2) + 1 / math.log2(4)  # grades 2, 0, 1
    best = 3 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)  # grades 2, 1, 1
    assert discounted_gain([2.0, 0.0, 1.0], 3, [1.0, 2.0, 1.0]) == pytest.approx(gain / best)


@given(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.0]), max_size=30), st.integers(1, 20), st.integers(0, 5))
def test_every_measure_lies_from_zero_to_one_and_looks_no_further_than_k(
    grades: list[float], k: int, missing: int
) -> None:
    ideal = [*grades, *[1.0] * missing]
    found = measure(grades, k, ideal)
    assert all(0.0 <= value <= 1.0 + 1e-12 for value in found.values())
    assert found == measure(grades[:k], k, ideal)
    relevant = sum(grade > 0 for grade in ideal)
    naive = [sum(g > 0 for g in grades[: i + 1]) / (i + 1) for i in range(min(k, len(grades))) if grades[i] > 0]
    assert found["mAP"] == pytest.approx(sum(naive) / len(naive) if naive else 0.0)
    assert found["mAP-all"] == pytest.approx(sum(naive) / min(relevant, k) if relevant else 0.0)


@given(st.lists(st.sampled_from([1.0, 2.0]), min_size=1, max_size=8))
def test_the_best_order_has_full_marks(grades: list[float]) -> None:
    best = sorted(grades, reverse=True)
    found = measure(best, len(best), grades)
    assert found["NDCG"] == pytest.approx(1.0) and found["mAP-all"] == pytest.approx(1.0)


def test_an_interval_holds_the_mean_and_narrows_with_more_queries() -> None:
    few, many = bootstrap([0.0, 1.0] * 5), bootstrap([0.0, 1.0] * 500)
    assert few.low < few.mean == 0.5 < few.high
    assert many.high - many.low < 0.3 * (few.high - few.low)
    assert bootstrap([0.0, 1.0] * 5) == few and bootstrap([]).mean == 0.0
