"""Roles by rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.roles import role_of
from schemas.regions import REGION_ROLES


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("12a", "12a"), ("3'", "3'"), ("3’", "3'"), ("S620", "S620"), ("A1", "A1"), ("KF", "KF"), ("t2", "t2"),
        ("(106)", "106"),
        ("10.", "10"), ("S 600", "S600"), ("100A", "100A"), ("12-1", "12-1"), ("B1'", "B1'"), ("3″", "3''"),
    ],
)  # fmt: skip
def test_signs_are_known_by_their_form(text: str, sign: str) -> None:
    role = role_of(text)
    assert (role.name, role.sign) == ("sign", sign)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("FIG. 2A", "figure label"), ("3.5", "other number"), ("10%", "other number"), ("1/14", "other number"),
        ("-20", "other number"), ("25 mm", "other number"), ("90°", "other number"), ("YES", "word"), ("Nein", "word"),
        ("USER DEVICE", "word"), ("valve", "word"), ("", "word"), ("==>", "word"),
    ],
)  # fmt: skip
def test_the_rest_is_label_number_or_word(text: str, role: str) -> None:
    assert role_of(text).name == role and role_of(text).sign is None


@given(st.text(max_size=60))
def test_any_text_has_one_of_the_roles_and_a_sign_only_as_a_sign(text: str) -> None:
    role = role_of(text)
    assert role.name in REGION_ROLES
    assert (role.sign is not None) == (role.name == "sign")
    assert role.sign is None or role_of(role.sign).sign == role.sign
