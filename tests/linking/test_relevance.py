from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.linking.relevance import Document, probabilities
from tests.linking.rows import figure, passages

PUMP = [figure("1", "EP1A1/1.tif"), figure("2", "EP1A1/2.tif")]
PRINTED = {"EP1A1/1.tif#1": {"5": None, "7": None}, "EP1A1/2.tif#2": {"7": None, "9": None}}
TEXTS = passages(
    "FIG. 1 shows a pump with a shaft 5 and a rotor 7.",
    "The shaft 5 turns the rotor 7.",
    "It should be understood that it may turn either way.",
    "FIG. 2 shows the rotor 7 with its vanes 9.",
    "The vanes 9 are pressed outwards.",
    "They are shorter than the shaft 5 of FIG. 1.",
    "The vanes 9 slide.",
    refs={0: ["1"], 3: ["2"], 5: ["1"]},
)
SPOKEN = {0: ["5", "7"], 1: ["5", "7"], 3: ["7", "9"], 4: ["9"], 5: ["5"], 6: ["9"]}


def document(texts: list[dict[str, Any]] = TEXTS) -> Document:
    spoken = {texts[place]["passage_id"]: signs for place, signs in SPOKEN.items() if place < len(texts)}
    return Document(PUMP, texts, PRINTED, spoken)


def about(place: int) -> list[str]:
    """The figures that the sentence is about."""
    found = probabilities(document())[TEXTS[place]["passage_id"]]
    return [figure["label"] for figure, p in zip(PUMP, found, strict=True) if p >= 0.5]


def test_a_sentence_is_about_the_figure_it_names() -> None:
    assert (about(0), about(3)) == (["1"], ["2"])


def test_the_running_context_carries_on() -> None:
    assert (about(1), about(4)) == (["1"], ["2"])


def test_a_comparison_does_not_move_the_context() -> None:
    assert "1" in about(5)
    assert about(6) == ["2"]


def test_signs_in_the_claims_point_to_the_figures_that_print_them_alone() -> None:
    claims = passages("A pump with a shaft (5).", section="claims")
    found = probabilities(Document(PUMP, claims, PRINTED, {claims[0]["passage_id"]: ["5"]}))
    first, second = found[claims[0]["passage_id"]]
    assert first > second


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["FIG. 1 shows it.", "See FIG. 2.", "The shaft 5.", "Table 1.", ""]), max_size=8))
def test_every_passage_has_a_probability_for_every_figure(texts: list[str]) -> None:
    refs = {i: ["1"] if "1" in t else ["2"] for i, t in enumerate(texts) if "FIG" in t}
    rows = passages(*texts, refs=refs)
    found = probabilities(document(rows))
    assert sorted(found) == sorted(row["passage_id"] for row in rows)
    assert all(len(p) == 2 and ((p >= 0) & (p <= 1)).all() for p in found.values())
