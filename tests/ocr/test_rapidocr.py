"""RapidOCR's models on drawn sheets."""

from __future__ import annotations

import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.config import OcrSettings, Settings
from pipeline.errors import Reject, UsageError
from pipeline.ocr import rapidocr
from pipeline.ocr.ctc import confidence, greedy
from pipeline.ocr.engines import Reading, Sheet, load
from pipeline.ocr.stages import Engine
from tests.ocr.drawn import sheet, tiff


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Settings())


def readings(engine: Engine, pages: list[Sheet]) -> list[list[Reading]]:
    found = engine.read([tiff(page) for page in pages])
    assert not any(isinstance(read, Reject) for read in found), found
    return [read.readings for read in found if not isinstance(read, Reject)]


def test_an_unknown_engine_is_named_with_the_choices() -> None:
    with pytest.raises(UsageError, match="'tesseract' is not known; choose one of: rapidocr, easyocr"):
        load("View", OcrSettings(engine="tesseract"))


def at(found: list[Reading], x: int, y: int) -> Reading:
    """The reading whose box holds a point."""
    (one,) = [r for r in found if (r.polygon.min(axis=0) <= (x, y)).all() and (r.polygon.max(axis=0) >= (x, y)).all()]
    return one


def test_upright_and_turned_text_of_one_sheet_is_read_where_it_stands(engine: Engine) -> None:
    page = sheet([("FIG. 2A", 500, 780, 0), ("1204", 100, 100, 0), ("VALVE", 900, 200, 90), ("PUMP 14", 200, 500, 270)])
    (found_all,) = readings(engine, [page])
    for text, turn, x, y in (
        ("FIG. 2A", 0, 520, 795), ("1204", 0, 120, 115), ("VALVE", 90, 915, 230), ("PUMP 14", 270, 215, 530),
    ):  # fmt: skip
        found = at(found_all, x, y)
        assert (found.text.replace(" ", ""), found.angle) == (text.replace(" ", ""), turn)
        assert found.confidence > 0.8


def test_sheets_of_a_batch_do_not_mix(engine: Engine) -> None:
    pages = [sheet([(text, 300, 300, 0)], 800, 600) for text in ("110", "220", "330")]
    assert [[r.text for r in found] for found in readings(engine, pages)] == [["110"], ["220"], ["330"]]
    assert [[r.text for r in readings(engine, [page])[0]] for page in pages] == [["110"], ["220"], ["330"]]


@pytest.mark.skipif(not rapidocr.has_bfloat16(), reason="this processor does not multiply bfloat16")
def test_a_crop_is_read_the_same_whatever_shares_its_batch() -> None:
    recogniser = load("Recogniser", OcrSettings())
    crops = [sheet([(text, 12, 10, 0)], 130, 60) for text in ("110", "8", "S620", "12a", "1/2", "3'")]
    together = recogniser.steps(crops)
    for crop, shared in zip(crops, together, strict=True):
        (alone,) = recogniser.steps([crop])
        assert np.array_equal(alone.classes, shared.classes) and np.array_equal(alone.values, shared.values)


def test_a_processor_without_bfloat16_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, crops = load("Recogniser", OcrSettings()), [sheet([(text, 12, 10, 0)], 130, 60) for text in ("110", "S62a")]
    page = sheet([("110", 300, 300, 0)], 800, 600)
    monkeypatch.setattr(rapidocr, "has_bfloat16", lambda: False)
    other = load("Recogniser", OcrSettings())
    assert other.alphabet == usual.alphabet and other.name.endswith("float32") and "bfloat16" not in other.name
    for one, another in zip(usual.steps(crops), other.steps(crops), strict=True):
        this, that = (greedy(steps, usual.alphabet) for steps in (one, another))
        assert "".join(char.text for char in this) == "".join(char.text for char in that)
        assert abs(confidence(this) - confidence(that)) < 0.1
    assert [[reading.text for reading in found] for found in readings(Engine(Settings()), [page])] == [["110"]]


def test_only_characters_of_the_offices_compete_for_a_reading() -> None:
    recogniser = load("Recogniser", OcrSettings())
    assert len(recogniser.alphabet) < 1000 and {"F", "ß", "é", "′", "Ω", "7", " "} <= set(recogniser.alphabet)
    (found,) = recogniser.steps([sheet([("S620", 12, 10, 0)], 130, 60)])
    assert found.classes.max() <= len(recogniser.alphabet)
    assert (found.values.sum(axis=1) > 0.9).all()


def test_reading_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO brings a package for telemetry; its runtime must not use it."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    (found,) = readings(Engine(Settings()), [sheet([("110", 300, 300, 0)], 800, 600)])
    assert [reading.text for reading in found] == ["110"]


def test_a_blank_sheet_has_no_text(engine: Engine) -> None:
    assert readings(engine, [np.full((300, 200), 255, np.uint8)]) == [[]]
    assert engine.read([]) == []


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90)), elements=st.sampled_from([0, 255])))
@settings(max_examples=15, deadline=None)
def test_no_image_makes_the_engine_raise(engine: Engine, image: Sheet) -> None:
    assert len(readings(engine, [image])) == 1
