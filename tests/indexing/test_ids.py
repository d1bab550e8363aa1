from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.indexing.ids import IdCollisionError, draw, require_distinct, vector_id, vector_ids

KEYS = st.lists(st.text(min_size=1, max_size=30), unique=True, max_size=50)


def test_the_id_of_a_key_never_changes() -> None:
    assert vector_id("") == 0x2D06800538D394C2 >> 1  # XXH3's published value for no bytes
    assert vector_id("EP3441903A1/imgf0001.tif#1") == 6655407370921940109


@given(st.text())
def test_ids_are_positive_int64(key: str) -> None:
    assert 0 <= vector_id(key) < 2**63


@given(KEYS)
def test_many_keys_have_the_ids_of_each_alone(keys: list[str]) -> None:
    assert vector_ids(keys).tolist() == [vector_id(key) for key in keys]
    assert vector_ids(keys).dtype == np.int64


@given(KEYS)
def test_distinct_keys_pass(keys: list[str]) -> None:
    require_distinct(vector_ids(keys), keys, "here")


@given(KEYS.filter(len), st.data())
def test_a_key_that_comes_twice_is_named(keys: list[str], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(keys))
    with pytest.raises(IdCollisionError, match="twice") as caught:
        require_distinct(vector_ids([*keys, again]), [*keys, again], "image vectors of archive A")
    assert repr(again) in str(caught.value)


def test_two_keys_with_one_id_are_both_named() -> None:
    with pytest.raises(IdCollisionError, match="'left' and 'right' have the same vector id"):
        require_distinct(np.array([7, 3, 7]), ["left", "other", "right"], "here")


@given(KEYS, st.integers(0, 2**32))
def test_a_draw_ranks_every_vector_once_whatever_the_order(keys: list[str], seed: int) -> None:
    ids = vector_ids(keys)
    ranks = draw(ids, seed)
    assert np.all(ranks >= 0)
    assert len(set(ranks.tolist())) == len(keys)
    assert draw(ids[::-1], seed).tolist() == ranks[::-1].tolist()


def test_another_seed_draws_another_sample() -> None:
    ids = vector_ids(str(number) for number in range(1000))
    first, second = (set(np.argsort(draw(ids, seed))[:100].tolist()) for seed in (1, 2))
    assert len(first & second) < 40


def test_draws_are_uniform() -> None:
    ranks = draw(vector_ids(str(number) for number in range(20_000)), 5)
    assert abs(float(np.mean(ranks < 2**62)) - 0.5) < 0.02
