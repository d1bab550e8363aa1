"""Stages of reading, and what was read as rows: what fails is rejected alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import Reason, Reject
from pipeline.isolation import Isolated
from pipeline.ocr.crops import polygon
from pipeline.ocr.ctc import Alternative
from pipeline.ocr.engines import Reading
from pipeline.ocr.pages import CANVAS_PIXELS
from pipeline.ocr.reading import region_rows, regions
from pipeline.ocr.stages import Engine, ReadSheet, guarded
from tests.ocr.drawn import sheet, tiff


class Counting:
    """A call that has memory for so many items at a time and cannot do sevens."""

    def __init__(self, room: int = 100) -> None:
        self.room, self.batches = room, []

    def __call__(self, items: Sequence[int]) -> list[str]:
        self.batches.append(len(items))
        if len(items) > self.room:
            raise MemoryError("no room")
        if 7 in items:
            raise ValueError("cannot read a seven")
        return [str(item) for item in items]


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    call = Counting(room=2)
    assert guarded(call, [0, 1, 2, 3, 4]) == ["0", "1", "2", "3", "4"]
    assert call.batches == [5, 2, 3, 1, 2]


def test_an_item_for_which_there_is_no_memory_is_rejected() -> None:
    assert guarded(Counting(room=0), [1]) == [Reject("", Reason.OUT_OF_MEMORY, "no memory to read a sheet: no room")]


def test_an_item_that_fails_is_rejected_and_rejects_pass() -> None:
    before = Reject("", Reason.IMAGE_UNREADABLE, "not an image")
    assert guarded(Counting(), [1, before, 7, 2]) == [
        "1", before, Reject("", Reason.STEP_ERROR, "ValueError: cannot read a seven"), "2"]  # fmt: skip


def _deadly(poison: str) -> Callable[[Sequence[str]], list[str]]:
    def call(items: Sequence[str]) -> list[str]:
        if poison in items:
            os.kill(os.getpid(), signal.SIGSEGV)
        return [item.upper() for item in items]

    return call


def test_a_sheet_that_kills_its_process_is_rejected_alone() -> None:
    child = Isolated(_deadly, "poison")
    found = guarded(child, ["a", "b", "poison", "c", "d"])
    child.renew()
    assert found == [
        "A", "B", Reject("", Reason.STEP_ERROR, "RuntimeError: its process ended by SIGSEGV"), "C", "D"]  # fmt: skip


def test_image_files_become_readings_and_what_is_no_image_a_reject() -> None:
    pages = [tiff(sheet([("110", 100, 100, 0)], 400, 300)), b"junk", tiff(sheet([("12a", 90, 80, 270)], 300, 400))]
    first, junk, last = Engine(Settings()).read(pages)
    assert isinstance(first, ReadSheet) and isinstance(last, ReadSheet)
    assert ([r.text for r in first.readings], first.shape) == (["110"], (300, 400))
    assert [(r.text, r.angle) for r in last.readings] == [("12a", 270)]
    assert isinstance(junk, Reject) and junk.reason is Reason.IMAGE_UNREADABLE


def test_a_huge_sheet_is_read_reduced_and_its_boxes_are_its_own() -> None:
    small = sheet([("1204", 900, 700, 0)], 2600, 1600, size=60)
    huge = np.kron(small, np.ones((4, 4), np.uint8))
    assert huge.size > CANVAS_PIXELS
    (read,) = Engine(Settings()).read([tiff(huge)])
    assert isinstance(read, ReadSheet)
    (reading,) = read.readings
    ys, xs = np.nonzero(huge == 0)
    assert reading.text == "1204" and read.shape == huge.shape
    assert np.abs(reading.polygon[0] - (xs.min(), ys.min())).max() <= 8
    assert np.abs(reading.polygon[2] - (xs.max(), ys.max())).max() <= 8


def test_readings_become_rows_and_rejects_name_their_sheet() -> None:
    reading = Reading(polygon((1, 1, 9, 5), 0), "3l", 0.9, 0, alternatives=(Alternative("31", 0.3),))
    rows, rejects = regions(
        [{"sheet_id": "D/1", "doc_id": "D"}, {"sheet_id": "D/2", "doc_id": "D"}],
        [ReadSheet((40, 60), [reading], "counting 1"), Reject("", Reason.STEP_ERROR, "why")],
        0.5,
    )
    assert rejects == [Reject("D/2", Reason.STEP_ERROR, "why")]
    assert rows == [
        {
            "sheet_id": "D/1", "ordinal": 0, "doc_id": "D", "polygon": [1.0, 1.0, 9.0, 1.0, 9.0, 5.0, 1.0, 5.0],
            "text": "3l", "confidence": 0.9, "angle": 0, "role": "sign", "sign": "3l",
            "alternatives": [{"text": "31", "probability": 0.3}], "engine": "counting 1",
        }
    ]  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.tuples(*[st.integers(-50, 120)] * 4), st.text(max_size=9), st.floats(0, 1), st.sampled_from([0, 90, 270])
        )
    )
)
def test_rows_stay_inside_the_sheet_in_reading_order(found: list) -> None:
    readings = [Reading(polygon((x0, y0, max(x0, x1), max(y0, y1)), turn), text, confidence, turn)
                for (x0, y0, x1, y1), text, confidence, turn in found]  # fmt: skip
    rows = region_rows({"sheet_id": "s", "doc_id": "d"}, (40, 60), readings, "e", 0.0)
    tops = [min(row["polygon"][1::2]) for row in rows]
    assert [row["ordinal"] for row in rows] == list(range(len(rows))) and tops == sorted(tops)
    for row in rows:
        assert row["text"].strip() and min(row["polygon"]) >= 0 and 0 <= row["confidence"] <= 1
        assert max(row["polygon"][0::2]) <= 60 and max(row["polygon"][1::2]) <= 40
