from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.linking.references import References, read_references


@pytest.mark.parametrize(
    "text",
    [
        "FIG. 3 shows a side view of the pump.",
        "As shown in FIG. 3, the shaft 5 turns.",
        "Hereinafter, the operation of the pump is described with reference to FIG. 3.",
        "A schematic representation of the whole method for prediction is shown in Figure 3.",
        "Wie in Figur 3 gezeigt, trägt die Welle 5 ein Zahnrad.",
        "Sur la figure 3, l'arbre 5 porte une roue.",
    ],
)
def test_a_sentence_turns_to_the_figure_it_begins_with_or_refers_to(text: str) -> None:
    found = read_references(text, ["3"])
    assert (found.about, found.turns, found.aside) == (("3",), ("3",), ())


@pytest.mark.parametrize(
    "text",
    [
        "The spring 7 is longer than in the embodiment that was described above in Fig. 2.",
        "The feature 54 engages the plate 10 (see the corresponding opening of the hub 22 in Fig. 2).",
        "The angle of the spikes 14 has increased compared to the configuration illustrated in Fig. 2.",
    ],
)
def test_a_comparison_is_made_in_passing(text: str) -> None:
    found = read_references(text, ["2"])
    assert found.turns == ()
    assert "2" in found.aside or "2" in found.about


def test_a_figure_of_another_figure_is_named_in_passing() -> None:
    found = read_references("Fig. 3 is an enlarged view of the plate 10 of Figs. 1A and 1B.", ["3", "1A", "1B"])
    assert found == References(about=("3",), aside=("1A", "1B"), turns=("3",))


def test_two_figures_with_a_joiner_are_one_reference_and_a_range_names_what_lies_between() -> None:
    assert read_references("FIG. 6 and FIG. 7 are enlarged views.", ["6", "7"]).turns == ("6", "7")
    assert read_references("Referring to FIG. 12A to FIG. 12C, it works.", ["12A", "12B", "12C"]).turns == (
        "12A", "12B", "12C")  # fmt: skip


def test_a_reference_behind_its_paragraph_is_trailing() -> None:
    assert read_references("See FIG. 3 and FIG. 4.", ["3", "4"]).trailing
    assert read_references("The rod is pressed into the cylinder and welded to its cap (FIG. 3).", ["3"]).trailing
    assert not read_references("In FIG. 3 the rod is pressed into the cylinder and welded to its cap.", ["3"]).trailing


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.lists(st.sampled_from(["1", "2A", "3(b)"]), unique=True, max_size=3))
def test_every_label_is_read_as_about_or_aside(text: str, labels: list[str]) -> None:
    found = read_references(f"Fig. 1 {text} Fig. 2A", labels)
    assert set(found.about) | set(found.aside) <= set(labels)
    assert set(found.turns) | set(found.leans) <= set(found.about)


def test_references_take_time_with_their_number_not_its_square() -> None:
    def seconds(count: int) -> float:
        text = "as shown in Fig. 3 " * count
        started = time.perf_counter()
        read_references(text, ["3"])
        return time.perf_counter() - started

    seconds(10)
    few = min(seconds(500) for _ in range(3))
    assert seconds(4000) < 24 * few  # 8 times where each costs the same, 64 times where each looks at all before it
