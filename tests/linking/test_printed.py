"""Signs in figures: where they stand, what the text makes of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.linking.printed import best_readings, printed_rows
from schemas.figure_signs import CORRECTIONS, STATUSES
from tests.linking.rows import figure, region

TERMS = {"10": "plate", "14": "spike", "S610": "step"}
BOXES = [figure("1", box=(0, 0, 100, 100)), figure("2", box=(0, 100, 100, 200))]


def printed(*regions: dict, figures: list[dict] = BOXES, described: bool = True) -> list[tuple]:
    rows = printed_rows(figures, regions, TERMS, described, 0.5)
    return [(r["figure_id"][-1], r["sign"], r["read_as"], r["correction"], r["status"], r["term"]) for r in rows]


def test_a_sign_belongs_to_the_figure_it_stands_in_or_nearest_to() -> None:
    assert printed(region("10", y=50), region("14", y=150, ordinal=1), region("14", x=180, y=190, ordinal=2)) == [
        ("1", "10", "10", "none", "named", "plate"),
        ("2", "14", "14", "none", "named", "spike"),
        ("2", "14", "14", "none", "named", "spike"),
    ]
    assert printed(region("10", x=2000, y=50)) == []


def test_of_two_boxes_around_a_sign_the_smaller_holds_it() -> None:
    boxes = [figure("1", box=(0, 0, 400, 400)), figure("2", box=(40, 40, 60, 60))]
    assert [row[0] for row in printed(region("10"), figures=boxes)] == ["2"]


def test_what_the_text_does_not_name_stays_and_is_marked() -> None:
    assert [row[1::3] for row in printed(region("12"), region("S620"), region("9X"), region("1234"))] == [
        ("12", "unnamed"), ("S620", "unnamed"), ("9X", "stray"), ("1234", "stray")]  # fmt: skip
    assert printed(region("1234"), described=False) == [("1", "1234", "1234", "none", "unnamed", None)]


def test_a_correction_is_marked_with_what_was_read() -> None:
    assert printed(region("1O", confidence=0.6)) == [("1", "10", "1O", "confusion", "named", "plate")]


def test_a_doubtful_reading_is_left_out_unless_the_text_names_it() -> None:
    assert printed(region("22", confidence=0.2)) == []
    assert [row[1] for row in printed(region("14", confidence=0.2))] == ["14"]


def test_the_most_confident_reading_of_a_sign_is_the_best() -> None:
    regions = [region("14", ordinal=0, confidence=0.7), region("14", ordinal=5, confidence=0.95)]
    best = best_readings(BOXES, printed_rows(BOXES, regions, TERMS, True, 0.5))
    assert {sign: row["region_ordinal"] for sign, row in best[BOXES[0]["figure_id"]].items()} == {"14": 5}
    assert best[BOXES[1]["figure_id"]] == {}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=6), st.floats(0, 1), st.sampled_from(["sign", "word"]),
                          st.floats(-500, 500), st.floats(-500, 500))))  # fmt: skip
def test_every_row_names_a_figure_and_a_sign(found: list[tuple[str, float, str, float, float]]) -> None:
    regions = [region(text, x, y, ordinal=n, confidence=c, role=role) for n, (text, c, role, x, y) in enumerate(found)]
    rows = printed_rows(BOXES, regions, TERMS, True, 0.5)
    assert len({row["region_ordinal"] for row in rows}) == len(rows)
    for row in rows:
        assert row["sign"] and row["correction"] in CORRECTIONS and row["status"] in STATUSES
        assert (row["status"] == "named") == (row["sign"] in TERMS) == (row["term"] is not None)
