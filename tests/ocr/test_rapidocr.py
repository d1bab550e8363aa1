"""RapidOCR's models on drawn sheets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.config import OcrSettings
from pipeline.errors import UsageError
from pipeline.ocr.engines import OcrEngine, Reading, Sheet, load_engine
from tests.ocr.drawn import sheet


@pytest.fixture(scope="module")
def engine() -> OcrEngine:
    return load_engine(OcrSettings())


def test_an_unknown_engine_is_named_with_the_choices() -> None:
    with pytest.raises(UsageError, match="'tesseract' is not known; choose one of: rapidocr, easyocr"):
        load_engine(OcrSettings(engine="tesseract"))


def at(readings: list[Reading], x: int, y: int) -> Reading:
    """The reading whose box holds a point."""
    (found,) = [
        r for r in readings if (r.polygon.min(axis=0) <= (x, y)).all() and (r.polygon.max(axis=0) >= (x, y)).all()
    ]
    return found


def test_upright_and_turned_text_of_one_sheet_is_read_where_it_stands(engine: OcrEngine) -> None:
    page = sheet([("FIG. 2A", 500, 780, 0), ("1204", 100, 100, 0), ("VALVE", 900, 200, 90), ("PUMP 14", 200, 500, 270)])
    (readings,) = engine.read([page])
    for text, turn, x, y in (
        ("FIG. 2A", 0, 520, 795), ("1204", 0, 120, 115), ("VALVE", 90, 915, 230), ("PUMP 14", 270, 215, 530),
    ):  # fmt: skip
        found = at(readings, x, y)
        assert (found.text.replace(" ", ""), found.angle) == (text.replace(" ", ""), turn)
        assert found.confidence > 0.8


def test_sheets_of_a_batch_do_not_mix(engine: OcrEngine) -> None:
    pages = [sheet([(text, 300, 300, 0)], 800, 600) for text in ("110", "220", "330")]
    assert [[r.text for r in readings] for readings in engine.read(pages)] == [["110"], ["220"], ["330"]]
    assert [[r.text for r in engine.read([page])[0]] for page in pages] == [["110"], ["220"], ["330"]]


def test_a_blank_sheet_has_no_text(engine: OcrEngine) -> None:
    assert engine.read([np.full((300, 200), 255, np.uint8)]) == [[]]
    assert engine.read([]) == []


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90)), elements=st.sampled_from([0, 255])))
@settings(max_examples=15, deadline=None)
def test_no_image_makes_the_engine_raise(engine: OcrEngine, image: Sheet) -> None:
    assert len(engine.read([image])) == 1
