"""Declared labels and labels read on the sheet, reconciled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.figures.labels import ReadLabel, SheetLabel, reconcile
from schemas.figures import LABEL_SOURCES

BOX = (10, 10, 60, 30)


def read(*labels: str) -> list[ReadLabel]:
    return [ReadLabel(label, BOX, 0.9) for label in labels]


@pytest.mark.parametrize(
    ("declared", "printed", "figures"),
    [
        (["3"], ["3"], [("3", "both")]),
        (["4(a)"], ["4A"], [("4(a)", "both")]),
        (["3", "4"], ["3"], [("3", "both"), ("4", "office")]),
        (["3"], ["3", "4"], [("3", "both"), ("4", "ocr")]),
        ([], ["2"], [("2", "ocr")]),
        (["2"], [], [("2", "office")]),
        ([], [], [(None, "none")]),
        (["1A"], ["7"], [("7", "conflict")]),
        (["1A"], ["1B"], [("1A", "conflict")]),
        (["2", "3"], ["2", "2"], [("2", "both"), ("3", "office")]),
        (["", " "], [], [(None, "none")]),
    ],
)
def test_sources_confirm_or_contradict_each_other(
    declared: list[str], printed: list[str], figures: list[tuple[str | None, str]]
) -> None:
    assert [(f.label, f.source) for f in reconcile(declared, read(*printed))] == figures


def test_only_a_label_that_was_read_has_a_place() -> None:
    assert reconcile(["3", "4"], read("3")) == [SheetLabel("3", "both", BOX), SheetLabel("4", "office", None)]


@given(st.lists(st.text(max_size=5), max_size=5), st.lists(st.text(max_size=5), max_size=5))
def test_every_sheet_has_a_figure_and_no_label_twice(declared: list[str], printed: list[str]) -> None:
    figures = reconcile(declared, read(*printed))
    assert figures and all(figure.source in LABEL_SOURCES for figure in figures)
    named = [figure.label for figure in figures]
    assert len(named) == len(set(named))
