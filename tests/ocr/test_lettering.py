"""How large the lettering is and which way it runs, from the ink alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.ocr.ink import find_ink
from pipeline.ocr.lettering import Lettering, find_lettering
from pipeline.pixels import Sheet
from tests.ocr.drawn import sheet

TEXTS = [("1204", 100, 100), ("PUMP", 500, 200), ("128", 300, 600), ("S610", 700, 700)]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [24, 44, 70])
def test_lines_across_and_along_are_told_apart_with_their_height(turn: int, size: int) -> None:
    page = sheet([(text, x, y, turn) for text, x, y in TEXTS], 1200, 1000, size)
    found = find_lettering(find_ink(page))
    assert found.leaning == (turn in (90, 270))
    assert found.height_px == pytest.approx(0.7 * size, rel=0.15)


def test_hatching_is_no_lettering() -> None:
    page = np.full((400, 600), 255, np.uint8)
    page[100:140, 50:550:12] = page[100:140, 51:550:12] = 0
    assert find_lettering(find_ink(page)) == Lettering(0.0, False)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60)), elements=st.sampled_from([0, 255])))
@settings(max_examples=40, deadline=None)
def test_no_image_makes_it_raise(page: Sheet) -> None:
    assert find_lettering(find_ink(page)).height_px >= 0
