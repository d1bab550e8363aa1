"""Roles by form, and by the company that a text keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.ocr.crops import polygon
from pipeline.ocr.engines import Reading
from pipeline.ocr.roles import pieces, role_of
from schemas.regions import REGION_ROLES


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("12a", "12a"), ("3'", "3'"), ("3’", "3'"), ("S620", "S620"), ("A1", "A1"), ("KF", "KF"), ("t2", "t2"),
        ("(106)", "106"), ("10.", "10"), ("S 600", "S600"), ("100A", "100A"), ("12-1", "12-1"), ("B1'", "B1'"),
        ("3″", "3''"), ("~110", "110"), ("$-D1", "D1"), ("000-240d", "240d"), ("34-0", "34"), ("-70", "70"),
        (">110", "110"), ("225σ", "225a"), ("12α", "12a"), ("4β", "4b"),
    ],
)  # fmt: skip
def test_signs_are_known_by_their_form(text: str, sign: str) -> None:
    role = role_of(text)
    assert (role.name, role.sign) == ("sign", sign)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("FIG. 2A", "figure label"), ("Fig. 2A - Heavy Chain", "figure label"), ("3.5", "other number"),
        ("10%", "other number"), ("1/14", "other number"), ("+20", "other number"), ("25 mm", "other number"),
        ("90°", "other number"), ("NO", "word"), ("Y", "word"), ("CPU", "word"), ("USER DEVICE", "word"),
        ("valve", "word"), ("", "word"), ("==>", "word"),
    ],
)  # fmt: skip
def test_the_rest_is_label_number_or_word(text: str, role: str) -> None:
    assert role_of(text).name == role and role_of(text).sign is None


@pytest.mark.parametrize("text", ["P60", "F60", "F161", "TC2", "PC3"])
def test_a_sign_that_begins_like_a_misread_figure_word_is_a_sign(text: str) -> None:
    assert role_of(text).sign == text


@given(st.text(max_size=60))
@example("00:")
@example("P60<")
def test_any_text_has_one_of_the_roles_and_a_sign_only_as_a_sign(text: str) -> None:
    role = role_of(text)
    assert role.name in REGION_ROLES
    assert (role.sign is not None) == (role.name == "sign")
    assert role.sign is None or role_of(role.sign).sign == role.sign


def at(text: str, x: int, y: int, height: int = 40, sure: float = 1.0) -> Reading:
    """A line of words at a place; each character is 20 px wide."""
    words = []
    for word in text.split():
        start = x + 20 * text.index(word)
        words.append(Reading(polygon((start, y, start + 20 * len(word), y + height), 0), word, sure, 0))
    return Reading(
        polygon((x, y, x + 20 * len(text), y + height), 0), text, sure, 0, tuple(words) if len(words) > 1 else ()
    )


def found(*readings: Reading) -> list[tuple[str, str]]:
    return [(reading.text, role.name) for reading, role in pieces(readings)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SHARED FILE ID S862", [("SHARED FILE ID", "word"), ("S862", "sign")]),
        ("CONTROLLER 140", [("CONTROLLER", "word"), ("140", "sign")]),
        ("pump 12", [("pump", "word"), ("12", "sign")]),
        ("TYPE 2", [("TYPE 2", "word")]),
        ("32 BIT BUS", [("32 BIT BUS", "word")]),
        ("130 133", [("130", "sign"), ("133", "sign")]),
        ("30 1", [("30", "sign"), ("1", "other number")]),
        ("FIG. 3", [("FIG. 3", "figure label")]),
        ("S 600", [("S 600", "sign")]),
    ],
)
def test_a_line_is_taken_apart_where_it_names_signs(text: str, parts: list[tuple[str, str]]) -> None:
    assert found(at(text, 0, 0)) == parts


def test_a_figure_word_takes_the_number_that_follows_it() -> None:
    assert found(at("Fig.", 0, 0), at("4", 120, 0), at("12", 600, 0)) == [("12", "sign"), ("Fig. 4", "figure label")]
    assert found(at("Fig.", 0, 0), at("4", 400, 0))[0] == ("Fig.", "word")


def test_words_put_together_span_both() -> None:
    ((reading, _), _) = pieces([at("FILE ID S862", 100, 50)])
    assert reading.polygon.tolist() == [[100, 50], [240, 50], [240, 90], [100, 90]]


def test_a_lone_character_must_look_like_the_sheet_s_lettering() -> None:
    numerals = [at("110", 0, 0), at("120", 0, 100), at("130", 0, 200)]
    assert found(*numerals, at("7", 0, 300))[-1] == ("7", "sign")
    assert found(*numerals, at("7", 0, 300, height=20))[-1] == ("7", "word")
    assert found(*numerals, at("7", 0, 300, sure=0.8))[-1] == ("7", "word")
    assert found(*numerals, at("A", 0, 300))[-1] == ("A", "sign")
    assert found(*numerals, at("A", 0, 300, sure=0.9))[-1] == ("A", "word")
    assert found(*numerals, at("O", 0, 300))[-1] == ("O", "word")


def test_plain_numbers_among_decimals_are_values() -> None:
    table = [
        at("0,86", 0, 0),
        at("1,05", 0, 60),
        at("7", 200, 0),
        at("105", 200, 60),
        at("98%", 400, 0),
        at("12%", 400, 60),
    ]
    roles = dict(found(*table, at("32", 900, 500)))
    assert roles["105"] == "other number" and roles["32"] == "sign"


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=12), st.integers(0, 500), st.integers(0, 500), st.floats(0, 1)),
        max_size=8,
    )
)
def test_no_readings_make_it_raise(lines: list[tuple[str, int, int, float]]) -> None:
    for reading, role in pieces([at(text, x, y, sure=sure) for text, x, y, sure in lines]):
        assert role.name in REGION_ROLES and np.isfinite(reading.polygon).all()
