"""Figure labels: as printed, as declared, as a recogniser misreads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.labels import expand, label_key, normal_label, printed_labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("FIG. 3", ("3",)),
        ("Fig 2A", ("2A",)),
        ("FIG.10(b)", ("10(b)",)),
        ("Figur 3", ("3",)),
        ("FIGURA 12", ("12",)),
        ("FIGURE 4", ("4",)),
        ("Abb. 7", ("7",)),
        ("FIG. 3'", ("3'",)),
        ("FIG. 3’", ("3'",)),
        ("ＦＩＧ．２", ("2",)),
        ("FIGS. 1a-d", ("1a", "1b", "1c", "1d")),
        ("FIG. 3 – 5", ("3", "4", "5")),
        ("FIG. 2 (cont.)", ("2",)),
        ("FIG. 3(a) (Cont'd)", ("3(a)",)),
        ("FIG. 3 (continued)", ("3",)),
        ("FIG. 2α", ("2a",)),
        ("FIG. 5(β)", ("5(b)",)),
        ("F1G. l", ("1",)),
        ("FIG.I", ("1",)),
        ("FIG. IV", ("IV",)),
        ("EIG. 6", ("6",)),
        ("12a", ()),
        ("figure", ()),
        ("", ()),
        ("FIGHT 3 days", ()),
        ("Figuration", ()),
    ],
)
def test_a_printed_label_is_known_by_its_word(text: str, labels: tuple[str, ...]) -> None:
    assert printed_labels(text) == labels


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("2A", "2C", ["2A", "2B", "2C"]),
        ("1A", "1I", [f"1{c}" for c in "ABCDEFGHI"]),
        ("4(a)", "(c)", ["4(a)", "4(b)", "4(c)"]),
        ("4", "7", ["4", "5", "6", "7"]),
        ("7", "4", ["7", "4"]),
        ("3", "9B", ["3", "9B"]),
        ("IVa", "c", ["IVa", "IVb", "IVc"]),
    ],
)
def test_a_series_is_written_out(first: str, last: str, labels: list[str]) -> None:
    assert expand(first, last) == labels


def test_spellings_of_one_label_share_a_key() -> None:
    assert {label_key(text) for text in ("4(a)", "4a", "4 A", "4-a", "4A.")} == {"4a"}


@given(st.text(max_size=40))
def test_any_text_has_a_normal_form_that_stays(text: str) -> None:
    assert normal_label(normal_label(text)) == normal_label(text)
    assert all(label for label in printed_labels(text))
