"""A sheet's rows in the figures table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.config import FigureSettings
from pipeline.figures.build import Repeats, figure_rows
from pipeline.figures.captions import Captions
from pipeline.figures.split import split
from pipeline.pixels import Sheet

NO_CAPTIONS = Captions([])


def blank(height: int = 600, width: int = 400) -> Sheet:
    return np.full((height, width), 255, np.uint8)


def frame(sheet: Sheet, x0: int, y0: int, x1: int, y1: int) -> None:
    """Draw a rectangle's outline."""
    sheet[y0:y1, [x0, x0 + 1, x1 - 2, x1 - 1]] = 0
    sheet[[y0, y0 + 1, y1 - 2, y1 - 1], x0:x1] = 0


def label(text: str, x0: int, y0: int, x1: int, y1: int) -> dict[str, Any]:
    return {"role": "figure label", "polygon": [x0, y0, x1, y0, x1, y1, x0, y1], "text": text, "confidence": 0.9}


def row(role: str = "drawing", declared: list[str] | None = None) -> dict[str, Any]:
    return {"sheet_id": "D/s.tif", "doc_id": "D", "role": role, "declared_labels": declared}


def rows(sheet: Sheet, regions: list[dict[str, Any]], **of: Any) -> list[dict[str, Any]]:
    return figure_rows(row(**of), sheet, regions, NO_CAPTIONS, FigureSettings(margin_px=0))


def test_one_label_takes_all_the_ink() -> None:
    sheet = blank()
    frame(sheet, 80, 80, 200, 160)
    frame(sheet, 240, 320, 320, 400)
    (figure,) = rows(sheet, [label("FIG. 1", 160, 480, 240, 504)])
    assert figure == {
        "figure_id": "D/s.tif#1", "sheet_id": "D/s.tif", "doc_id": "D", "label": "1", "label_source": "ocr",
        "ordinal": 0, "x0": 80, "y0": 80, "x1": 320, "y1": 400, "caption": None,
    }  # fmt: skip


def test_two_figures_above_each_other_keep_the_labels_below_them() -> None:
    sheet = blank()
    frame(sheet, 80, 40, 320, 200)
    frame(sheet, 80, 304, 320, 480)
    found = rows(sheet, [label("FIG. 1", 160, 224, 240, 248), label("FIG. 2", 160, 504, 240, 528)])
    assert [(f["label"], f["y0"], f["y1"]) for f in found] == [("1", 40, 200), ("2", 304, 480)]


def test_labels_above_their_figures_are_seen_as_such() -> None:
    sheet = blank()
    frame(sheet, 80, 80, 320, 240)
    frame(sheet, 80, 344, 320, 520)
    found = rows(sheet, [label("FIG. 1", 160, 32, 240, 56), label("FIG. 2", 160, 288, 240, 312)])
    assert [(f["label"], f["y0"], f["y1"]) for f in found] == [("1", 80, 240), ("2", 344, 520)]


def test_a_declared_figure_that_was_not_read_takes_the_other_drawing() -> None:
    sheet = blank()
    frame(sheet, 80, 40, 320, 200)
    frame(sheet, 80, 304, 320, 480)
    found = rows(sheet, [label("FIG. 4", 160, 504, 240, 528)], declared=["3", "4"])
    assert [(f["label"], f["label_source"], f["y0"], f["y1"]) for f in found] == [
        ("3", "office", 40, 200), ("4", "both", 304, 480)]  # fmt: skip


def test_page_number_dust_and_stray_marks_are_left_out() -> None:
    sheet = blank(1000, 800)
    frame(sheet, 200, 300, 600, 700)
    sheet[20:40, 380:420] = 0  # the page number
    sheet[900:905, 30:35] = 0  # dust
    sheet[960:990, 700:730] = 0  # a stray mark
    page_number = {
        "role": "other number",
        "polygon": [380, 20, 420, 20, 420, 40, 380, 40],
        "text": "1/2",
        "confidence": 1.0,
    }
    (figure,) = rows(sheet, [page_number])
    assert (figure["x0"], figure["y0"], figure["x1"], figure["y1"]) == (200, 296, 600, 704)


def test_figures_in_two_rows_are_told_apart() -> None:
    sheet = blank(1200, 1200)
    places = {"1": (80, 80), "2": (680, 80), "3": (80, 680), "4": (680, 680)}
    for x, y in places.values():
        frame(sheet, x, y, x + 400, y + 320)
    found = rows(sheet, [label(f"FIG. {n}", x + 160, y + 360, x + 240, y + 392) for n, (x, y) in places.items()])
    assert {f["label"]: (f["x0"], f["y0"], f["x1"], f["y1"]) for f in found} == {
        n: (x, y, x + 400, y + 320) for n, (x, y) in places.items()
    }


def test_figures_without_label_or_with_the_same_one_are_told_apart_by_ordinal() -> None:
    assert rows(blank(), [])[0]["figure_id"] == "D/s.tif#@0"


def test_declared_labels_of_other_images_are_not_taken_for_figures() -> None:
    assert rows(blank(), [], role="front page", declared=["1", "2"])[0]["label"] is None


def test_the_caption_is_the_label_s() -> None:
    captions = Captions([{"section": "description", "heading": "Drawings", "language": "en", "paragraph_index": 0,
                          "sentence": 0, "text": "FIG. 1 is a side view of a pump."}])  # fmt: skip
    (figure,) = figure_rows(row(declared=["1"]), blank(), [], captions, FigureSettings())
    assert (figure["label"], figure["label_source"], figure["caption"]) == ("1", "office", "a side view of a pump")


def test_only_images_that_repeat_by_nature_are_dropped_as_repeats() -> None:
    sheet, other = blank(), blank()
    other[5, 5] = 0
    repeats = Repeats()
    assert [
        repeats.is_repeat("drawing", sheet),
        repeats.is_repeat("drawing", sheet),
        repeats.is_repeat("front page", sheet),
        repeats.is_repeat("abstract figure", other),
        repeats.is_repeat("front page", other),
    ] == [False, False, True, False, True]


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 80), st.integers(1, 80)), elements=st.sampled_from([0, 255])),
    st.lists(st.tuples(*[st.integers(0, 120)] * 4), max_size=5),
    st.integers(0, 20),
)
@settings(max_examples=100, deadline=None)
def test_no_sheet_and_no_labels_make_it_raise_and_boxes_stay_inside(
    sheet: Sheet, places: list[tuple[int, int, int, int]], margin: int
) -> None:
    labels = [(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in places]
    regions = [label(f"FIG. {n}", *place) for n, place in enumerate(labels)]
    found = figure_rows(row(), sheet, regions, NO_CAPTIONS, FigureSettings(margin_px=margin))
    assert len(found) == max(1, len(labels))
    assert len({figure["figure_id"] for figure in found}) == len(found)
    height, width = sheet.shape
    for figure in found:
        assert 0 <= figure["x0"] < figure["x1"] <= width and 0 <= figure["y0"] < figure["y1"] <= height


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_sheet_without_ink_gives_the_whole_sheet_to_each(count: int) -> None:
    assert split(blank(60, 40), [None] * count, 12) == [(0, 0, 40, 60)] * count
