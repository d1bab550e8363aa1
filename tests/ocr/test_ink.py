"""Components of ink, and sheets freed of screens and dust."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from pipeline.ocr.ink import find_ink
from pipeline.pixels import Sheet
from pipeline.screens import without_screens
from tests.ocr.drawn import sheet


def test_components_are_told_by_box_and_area() -> None:
    page = np.full((20, 30), 255, np.uint8)
    page[2:12, 3:6] = 0
    page[15, 20] = page[16, 21] = 0  # diagonal neighbours
    ink = find_ink(page)
    assert ink.boxes.tolist() == [[3, 2, 6, 12], [20, 15, 22, 17]] and ink.area.tolist() == [30, 2]
    assert ink.glyphs().tolist() == [True, False]


def test_a_sheet_may_have_more_components_than_sixteen_bits_can_name() -> None:
    page = np.full((1100, 1100), 255, np.uint8)
    page[::4, ::4] = 0
    ink = find_ink(page)
    assert len(ink.boxes) == 275**2 > 1 << 16
    assert ink.labels.max() == 275**2 and ink.area.sum() == 275**2


def test_a_clean_sheet_needs_no_cleaning() -> None:
    assert without_screens(sheet([("12a", 100, 100, 0)])) is None


def test_black_letters_on_a_dithered_ground_come_out_alone() -> None:
    page = sheet([("120", 100, 100, 0)], 400, 300)
    grey = np.where(page == 0, 0, 160).astype(np.uint8)
    screened = np.where(np.asarray(Image.fromarray(grey).convert("1")), 255, 0).astype(np.uint8)
    cleaned = without_screens(screened)
    assert cleaned is not None
    assert np.count_nonzero(find_ink(cleaned).glyphs()) == 3
    assert np.mean(cleaned != page) < 0.01


def test_dust_is_wiped_off() -> None:
    page = sheet([("34", 100, 100, 0)], 400, 300)
    dusty = page.copy()
    dusty[np.random.default_rng(3).random(page.shape) < 0.004] = 0
    cleaned = without_screens(dusty)
    assert cleaned is not None and np.mean(cleaned != page) < 0.01


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60))))
@settings(max_examples=50, deadline=None)
def test_no_image_makes_it_raise(page: Sheet) -> None:
    cleaned = without_screens(page)
    assert cleaned is None or cleaned.shape == page.shape
    assert find_ink(page).labels.max() == len(find_ink(page).area)
