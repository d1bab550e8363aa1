from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.figures.captions import find_captions

BRIEF = "Brief Description of the Drawings"


def paragraphs(*groups: list[str], heading: str = BRIEF, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"section": "description", "language": "en", "paragraph_index": index, "heading": heading, "text": text}
        for index, group in enumerate(groups, start)
        for text in group
    ]


def test_each_line_of_the_list_of_figures_is_a_caption() -> None:
    lines = ["It is shown:", "Fig. 1A shows a top view of a plate;", "Fig. 1B shows the plate of Fig. 1A; and"]
    rows = paragraphs([*lines, "Fig. 2 is a side view of it."])
    assert find_captions(rows, ["1A", "1B", "2"]) == {
        "1A": "a top view of a plate", "1B": "the plate of Fig. 1A", "2": "a side view of it"}  # fmt: skip


def test_one_long_sentence_is_cut_at_its_figures() -> None:
    rows = paragraphs(
        ["An embodiment follows, wherein: FIG. 1 shows a pump; FIG. 2 schematically illustrates a valve."]
    )
    assert find_captions(rows, ["1", "2"]) == {"1": "a pump", "2": "a valve"}


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("FIG. 3: is a view of FIG. 1 from below.", "a view of FIG. 1 from below"),
        ("Figur 3 zeigt eine Seitenansicht einer Schraube.", "eine Seitenansicht einer Schraube"),
        ("- la figure 3 est une vue en coupe de la vanne ;", "une vue en coupe de la vanne"),
        ("La figura 3 muestra una vista de la tapa.", "una vista de la tapa"),
        ("Fig. 3\neine Ansicht von oben", "eine Ansicht von oben"),
    ],
)
def test_offices_languages_are_read(text: str, caption: str) -> None:
    assert find_captions(paragraphs(text.split("\n")), ["3"]) == {"3": caption}


def test_several_figures_share_a_caption_and_a_description_of_one_wins() -> None:
    rows = paragraphs(["Figures 5A to 5C depict the same cap.", "Figure 5B is the cap, cut open."])
    assert find_captions(rows, ["5A", "5B", "5C"]) == {
        "5A": "the same cap", "5B": "the cap, cut open", "5C": "the same cap"}  # fmt: skip


def test_the_list_wins_over_the_detailed_description() -> None:
    rows = paragraphs(["FIG. 1 is a front view of the blind."]) + paragraphs(
        ["FIG. 1 shows a blind 100 that has slats 120."], heading="Detailed Description", start=1)  # fmt: skip
    assert find_captions(rows, ["1"]) == {"1": "a front view of the blind"}


def test_a_bare_figure_line_is_read_with_the_next_paragraph() -> None:
    assert find_captions(paragraphs(["FIG. 1"], ["a lift truck."]), ["1"]) == {"1": "a lift truck"}


def test_a_part_without_a_description_takes_what_the_text_says_of_it_or_that_of_the_whole() -> None:
    rows = paragraphs(["FIG. 4 shows the slats.", "FIG. 10 is a flowchart."]) + paragraphs(
        ["As shown in FIG. 4 (a), when the sun is high, the controller 140 turns the slats."],
        ["A roof device shown in FIG. 4 (b) yields 68 %."], heading="Embodiments", start=2)  # fmt: skip
    assert find_captions(rows, ["4", "4(a)", "4(b)", "10A"]) == {
        "4": "the slats", "4(a)": "when the sun is high", "4(b)": "A roof device", "10A": "a flowchart"}  # fmt: skip


def test_a_mention_inside_a_sentence_is_no_caption() -> None:
    assert find_captions(paragraphs(["The shaft of FIG. 1 is shown in FIG. 2 from below."]), ["2"]) == {}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["FIG. 1", "Figs. 2A-2C", "shows", ";", ".", "\n", "(a)", "and", "la figure 3", "I"])
                | st.text(max_size=8), max_size=14))  # fmt: skip
def test_no_text_makes_it_raise(pieces: list[str]) -> None:
    find_captions(paragraphs([" ".join(pieces)]), ["1", "2A", "3"])
