from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.linking.correct import Correction, correct
from tests.linking.rows import region

KNOWN = ["10", "12a", "55", "68", "120", "S610", "b1"]


def corrected(reading: str, confidence: float = 0.6, known: list[str] = KNOWN, **more: Any) -> Correction | None:
    return correct([region(reading, confidence=confidence, **more)], known).get(("EP1A1/1.tif", 0))


@pytest.mark.parametrize(
    ("reading", "sign", "kind"),
    [
        ("1O", "10", "confusion"),
        ("l0", "10", "confusion"),
        ("S5", "55", "confusion"),
        ("SG10", "S610", "confusion"),
        ("l2a", "12a", "confusion"),
        ("89", "68", "rotation"),
        ("S10", "S610", "missing"),
        ("r120", "120", "extra"),
    ],
)
def test_a_doubtful_reading_one_mistake_from_a_known_sign_is_corrected(reading: str, sign: str, kind: str) -> None:
    assert corrected(reading) == Correction(sign, kind)


def test_a_confident_reading_is_never_replaced() -> None:
    assert corrected("S5", confidence=0.97) is None
    assert corrected("S10", confidence=0.97) is None


def test_a_leading_ring_is_no_digit_however_confident_the_reading() -> None:
    assert corrected("0120", confidence=0.97, role="other number") == Correction("120", "extra")
    assert corrected("0121", confidence=0.97, role="other number") is None


def test_shapes_that_are_drawn_alike_are_never_confident() -> None:
    assert corrected("1O", confidence=0.97) == Correction("10", "confusion")
    assert corrected("bI", confidence=0.99, role="word") == Correction("b1", "confusion")


def test_the_recognisers_own_second_thought_counts() -> None:
    assert corrected("59", alternatives={"69": 0.3, "55": 0.2}) == Correction("55", "confusion")
    assert corrected("59", alternatives={"55": 0.2, "68": 0.15}) is None
    assert corrected("59", alternatives={"55": 0.01}) is None


def test_words_and_labels_are_left_alone() -> None:
    assert corrected("ab", role="word") is None
    assert corrected("FIG. 10", role="figure label") is None
    assert corrected("(12a", 0.5, role="word") is None


def test_a_sign_printed_in_another_case_is_the_same_sign() -> None:
    assert corrected("B1", confidence=0.99) == Correction("b1", "confusion")


def test_a_reading_between_two_known_signs_stays() -> None:
    assert corrected("12", known=["120", "112"]) is None


def test_a_reading_that_the_text_knows_or_is_far_from_stays() -> None:
    assert corrected("55") is None
    assert corrected("999") is None


@given(st.text(max_size=6), st.lists(st.text(min_size=1, max_size=5), max_size=8), st.floats(0, 1))
def test_a_correction_is_always_a_known_sign(reading: str, known: list[str], confidence: float) -> None:
    found = corrected(reading, confidence, known)
    assert found is None or (found.sign in known and reading not in known)
