"""Crops, turns and polygons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.crops import by_width, clip, part, polygon, reduced_size, turned_back, upright
from tests.ocr.drawn import sheet


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_text_set_upright_is_the_upright_text(turn: int) -> None:
    plain = sheet([("12a", 0, 0, 0)], 300, 300)
    turned = sheet([("12a", 100, 50, turn)], 300, 300)
    ys, xs = np.nonzero(turned == 0)
    crop = upright(turned[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1], turn)
    ys, xs = np.nonzero(plain == 0)
    assert np.array_equal(crop, plain[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1])


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_box_on_the_upright_sheet_is_found_again_on_the_sheet(turn: int) -> None:
    page = np.arange(12 * 20, dtype=np.uint8).reshape(12, 20)
    x0, y0, x1, y1 = (int(v) for v in turned_back((2, 1, 7, 4), turn, 12, 20))
    assert np.array_equal(upright(page[y0:y1, x0:x1], turn), upright(page, turn)[1:4, 2:7])


@pytest.mark.parametrize(
    ("turn", "first"), [(0, (0, 0, 5, 8)), (90, (0, 0, 20, 2)), (180, (15, 0, 20, 8)), (270, (0, 6, 20, 8))]
)
def test_a_part_of_a_box_is_counted_in_reading_direction(turn: int, first: tuple) -> None:
    assert part((0, 0, 20, 8), turn, 0.0, 0.25) == first


@pytest.mark.parametrize(
    ("turn", "first", "second"),
    [(0, (1, 2), (9, 2)), (90, (9, 2), (9, 6)), (180, (9, 6), (1, 6)), (270, (1, 6), (1, 2))],
)
def test_a_polygon_begins_where_its_text_begins_and_goes_clockwise(turn: int, first: tuple, second: tuple) -> None:
    points = polygon((1, 2, 9, 6), turn)
    assert tuple(points[0]) == first and tuple(points[1]) == second
    x, y = points.T
    assert float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) > 0  # clockwise where y points down


def test_a_box_beyond_the_sheet_is_cut_or_dropped() -> None:
    assert clip((-5, 3.2, 20, 30), 10, 12) == (0, 3, 12, 10)
    assert clip((20, 0, 30, 5), 10, 12) is None


@given(st.lists(st.integers(1, 3000), max_size=60), st.integers(1, 64), st.integers(1, 5000))
def test_every_crop_is_in_one_group_of_its_width_step(widths: list[int], step: int, pixels: int) -> None:
    groups = by_width(widths, step, pixels)
    assert sorted(i for group, _ in groups for i in group) == list(range(len(widths)))
    for group, width in groups:
        assert {-(-widths[i] // step) * step for i in group} == {width}
        assert len(group) == 1 or len(group) * width <= pixels
        assert len(group) & (len(group) - 1) == 0, "a power of two"


def test_a_detector_sees_small_lettering_larger_and_large_lettering_smaller() -> None:
    assert reduced_size((3508, 2480), 0.45, 0.0, 32) == reduced_size((3508, 2480), 0.45, 38.0, 32) == (1568, 1120)
    assert reduced_size((3508, 2480), 0.45, 28.0, 32) == (2144, 1504)
    assert reduced_size((3508, 2480), 0.45, 5.0, 32) == (2528, 1792)
    assert reduced_size((3508, 2480), 0.45, 90.0, 32) == (1120, 768)
    assert reduced_size((10, 900), 0.45, 0.0, 32) == (32, 416)
