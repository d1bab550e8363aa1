from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.embedding.drawing import Preparation
from pipeline.embedding.figures import prepared_regions
from pipeline.embedding.regions import COMPONENTS, WINDOWS, region_boxes
from tests.embedding.test_step import tiff


def paper(height: int, width: int) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


def frame(page: np.ndarray, x0: int, y0: int, x1: int, y1: int, line: int = 3) -> None:
    page[y0:y1, x0:x1] = 0
    page[y0 + line : y1 - line, x0 + line : x1 - line] = 255


def test_the_whole_comes_first_then_the_parts_that_stand_alone_then_the_windows() -> None:
    page = paper(400, 400)
    frame(page, 20, 20, 120, 110)
    frame(page, 250, 240, 390, 380)
    boxes = region_boxes(page)
    assert boxes[0] == (20, 20, 390, 380)
    assert boxes[1:3] == [(250, 240, 390, 380), (20, 20, 120, 110)]
    # The windows in the corners hold one frame each or none, and so say nothing new; the others cut the frames.
    assert len(boxes) <= 3 + 5


def test_one_drawing_of_connected_lines_has_its_windows() -> None:
    page = paper(300, 500)
    frame(page, 0, 0, 500, 300)
    page[150:153, :], page[:, 250:253] = 0, 0
    boxes = region_boxes(page)
    assert boxes[0] == (0, 0, 500, 300)
    assert boxes[1:] == [(x, y, x + 250, y + 150) for y in (0, 75, 150) for x in (0, 125, 250)]


def test_specks_and_paper_are_no_regions() -> None:
    page = paper(300, 300)
    assert region_boxes(page) == []
    frame(page, 10, 10, 290, 290)
    page[150, 150] = 0
    assert all((x1 - x0) * (y1 - y0) > 100 for x0, y0, x1, y1 in region_boxes(page))


@settings(deadline=None)
@given(st.integers(1, 900), st.integers(1, 900), st.integers(0, 2**32))
def test_boxes_lie_in_the_drawing_and_are_few(height: int, width: int, seed: int) -> None:
    rng, page = np.random.default_rng(seed), paper(height, width)
    for _ in range(rng.integers(0, 9)):
        x, y = rng.integers(0, width), rng.integers(0, height)
        frame(page, x, y, x + rng.integers(1, width + 1), y + rng.integers(1, height + 1), 2)
    boxes = region_boxes(page)
    assert len(boxes) <= 1 + COMPONENTS + WINDOWS**2
    assert bool(boxes) == bool((page == 0).any())
    for x0, y0, x1, y1 in boxes:
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
        assert (page[y0:y1, x0:x1] == 0).any()


def test_regions_are_named_after_their_figure_and_lie_in_pixels_of_the_sheet() -> None:
    sheet = paper(400, 600)
    frame(sheet, 320, 120, 420, 210)
    frame(sheet, 450, 240, 580, 380)
    corners = {"x0": 300, "y0": 100, "x1": 600, "y1": 400}
    figure = {"figure_id": "D/s.tif#1", "sheet_id": "D/s.tif", "doc_id": "D", **corners}
    sheets = [{"sheet_id": "D/s.tif", "image": tiff(sheet)}]
    rows = prepared_regions(sheets, [figure], Preparation(32), 10)
    assert [row["region_id"] for row in rows[:3]] == ["D/s.tif#1/0", "D/s.tif#1/1", "D/s.tif#1/2"]
    assert [(row["x0"], row["y0"], row["x1"], row["y1"]) for row in rows[:3]] == [
        (320, 120, 580, 380), (450, 240, 580, 380), (320, 120, 420, 210)
    ]  # fmt: skip
    assert {(row["figure_id"], row["doc_id"], len(row["canvas"])) for row in rows} == {("D/s.tif#1", "D", 1024)}
    assert prepared_regions([{"sheet_id": "D/s.tif", "image": b"no"}], [figure], Preparation(32), 10) == []


@pytest.mark.parametrize("side", [40, 4000])
def test_a_part_is_found_at_any_size(side: int) -> None:
    page = paper(side, side)
    frame(page, 0, 0, side // 4, side // 4, max(1, side // 100))
    frame(page, side // 2, side // 2, side, side, max(1, side // 100))
    assert (0, 0, side // 4, side // 4) in region_boxes(page)
