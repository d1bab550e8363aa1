"""Batches of sheets: what fails is rejected alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Reason, Reject
from pipeline.ocr.crops import polygon
from pipeline.ocr.engines import Reading, Sheet
from pipeline.ocr.reading import read_all, region_rows, regions
from tests.ocr.drawn import tiff

BLANK = np.full((40, 60), 255, np.uint8)


class Counting:
    """An engine that reads a sheet's ink as its text, and has memory for so many sheets at a time."""

    name_and_version = "counting 1"

    def __init__(self, room: int = 100) -> None:
        self.room, self.batches = room, []

    def read(self, images: Sequence[Sheet]) -> list[list[Reading]]:
        self.batches.append(len(images))
        if len(images) > self.room:
            raise MemoryError("no room")
        if any(image.min() == 7 for image in images):
            raise ValueError("cannot read a seven")
        return [[Reading(polygon((1, 1, 9, 5), 0), str(int((image == 0).sum())), 0.9, 0)] for image in images]


def inked(pixels: int) -> Sheet:
    image = BLANK.copy()
    image.ravel()[:pixels] = 0
    return image


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    engine = Counting(room=2)
    found = read_all(engine, [inked(n) for n in range(5)])
    assert [readings[0].text for readings in found] == ["0", "1", "2", "3", "4"]
    assert engine.batches == [5, 2, 3, 1, 2]


def test_a_sheet_for_which_there_is_no_memory_is_rejected() -> None:
    assert read_all(Counting(room=0), [BLANK]) == [
        Reject("", Reason.OUT_OF_MEMORY, "no memory to read 2400 pixels: no room")
    ]


def test_a_sheet_that_fails_is_rejected_and_the_others_are_read() -> None:
    seven = np.full_like(BLANK, 7)
    sheets = [
        {"sheet_id": "D/1", "doc_id": "D", "image": tiff(inked(37), compression="raw")},
        {"sheet_id": "D/2", "doc_id": "D", "image": b"junk"},
        {"sheet_id": "D/3", "doc_id": "D", "image": _png(seven)},
    ]
    rows, rejects = regions(sheets, Counting(), 1, 0.5)
    assert [(r.item, r.reason) for r in rejects] == [
        ("D/2", Reason.IMAGE_UNREADABLE), ("D/3", Reason.STEP_ERROR)]  # fmt: skip
    assert rows == [
        {
            "sheet_id": "D/1", "ordinal": 0, "doc_id": "D", "polygon": [1.0, 1.0, 9.0, 1.0, 9.0, 5.0, 1.0, 5.0],
            "text": "37", "confidence": 0.9, "angle": 0, "role": "sign", "sign": "37", "corrected_sign": None,
            "correction": "none", "engine": "counting 1",
        }
    ]  # fmt: skip


def _png(pixels: Sheet) -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


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
