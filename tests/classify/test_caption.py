"""Figure type and perspective by the caption's words, in four languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.classify.caption import Facets, facets
from schemas.facets import FIGURE_TYPES, PERSPECTIVES


@pytest.mark.parametrize(
    ("caption", "figure_type", "perspective"),
    [
        ("a perspective top view of an embodiment of a cranial burr hole plate", "technical drawing", "perspective"),
        ("an exploded view of the pump", "technical drawing", "exploded"),
        ("a cross-sectional view along the line A-A", "technical drawing", "cross section"),
        ("a side view of a lever", "technical drawing", "side"),
        ("a plan view of the housing", "technical drawing", "top"),
        ("a flowchart illustrating an operation method", "flow chart", "unknown"),
        ("a block diagram of a server", "block diagram", "unknown"),
        ("a circuit diagram of the driver", "circuit diagram", "unknown"),
        ("a graph of temperature over time", "graph", "unknown"),
        ("a table with the values of Test 1", "table", "unknown"),
        ("eine Seitenansicht der Pumpe", "technical drawing", "side"),
        ("einen Längsschnitt durch das Ventil", "technical drawing", "cross section"),
        ("ein Ablaufdiagramm des Verfahrens", "flow chart", "unknown"),
        ("une vue en coupe de la vanne", "technical drawing", "cross section"),
        ("une vue de dessus", "technical drawing", "top"),
        ("una vista en perspectiva del dispositivo", "technical drawing", "perspective"),
        ("un diagrama de bloques", "block diagram", "unknown"),
    ],
)
def test_set_phrases_name_type_and_view(caption: str, figure_type: str, perspective: str) -> None:
    found = facets(caption)
    assert (found.figure_type, found.perspective, found.source) == (figure_type, perspective, "caption")
    assert found.type_probability >= 0.6


@pytest.mark.parametrize("caption", [None, "", "how a filter may be used", "the interface of the Schnittstelle"])
def test_without_a_phrase_nothing_is_claimed(caption: str | None) -> None:
    assert facets(caption) == Facets("unknown", 0.0, "unknown", 0.0, "none")


def test_a_caption_that_names_two_types_is_less_sure_and_means_the_first() -> None:
    found = facets("a block diagram of the device and a flow chart of its operation")
    assert (found.figure_type, found.type_probability) == ("block diagram", 0.6)


@given(st.text(max_size=200))
def test_any_caption_has_facets_of_the_closed_lists(caption: str) -> None:
    found = facets(caption)
    assert found.figure_type in FIGURE_TYPES and found.perspective in PERSPECTIVES
    assert (found.type_probability == 0.0) == (found.figure_type == "unknown")
