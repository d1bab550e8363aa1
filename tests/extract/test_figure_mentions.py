"""Which figures a sentence names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.figure_mentions import declared_labels, figure_refs


@pytest.mark.parametrize(("language", "text", "labels"), [
    ("en", "FIGS. 1, 2 and 3 show a lid", "1 2 3"),
    ("en", "Figs. 2A-2C and 5", "2A 2B 2C 5"),
    ("en", "FIGS. 1A, B and C", "1A 1B 1C"),
    ("en", "FIG. 12A through FIG. 12D", "12A 12B 12C 12D"),
    ("en", "FIG. 4(a) and 4(b)", "4(a) 4(b)"),
    ("en", "Figs. 4(a), (b) and (c)", "4(a) 4(b) 4(c)"),
    ("en", "FIGS. 2(a) to 2(c)", "2(a) 2(b) 2(c)"),
    ("en", "Fig. 3' and FIG. 3’ and FIG. 3″", "3' 3''"),
    ("en", "FIGS. 1 to 3B", "1 2 3B"),
    ("en", "FIG. 2-1 and FIG. 3-2", "2-1 3-2"),
    ("en", "Figure IV, FIG. A and FIG. B1", "IV A B1"),
    ("en", "[FIG.1] FIG 2, Figs 9, 10 and 11 , includes", "1 2 9 10 11"),
    ("en", "in FIG. 5 and 6, and in FIG. 5", "5 6"),
    ("de", "Figur 3 zeigt, vgl. Fig. 2, Abbildung 4 und Abb. 5", "3 2 4 5"),
    ("de", "Fig. 1 a und 1 b sowie Fig. 2a bis c", "1a 1b 2a 2b 2c"),
    ("de", "siehe Fig. 3 z. B.", "3"),
    ("fr", "la figure 1, les figures 2 à 4 et 6", "1 2 3 4 6"),
    ("es", "las figuras 1 a 3 y la figura 3a", "1 2 3 3a"),
])  # fmt: skip
def test_figures_are_named_in_four_languages(language: str, text: str, labels: str) -> None:
    assert figure_refs(text, language) == labels.split()


@pytest.mark.parametrize(("language", "text", "labels"), [
    ("en", "In FIG. 1, 10 denotes a housing", "1"),
    ("en", "In FIGS. 1 and 2, 10 denotes a housing", "1 2"),
    ("en", "FIGS. 1-3, 10 is a housing", "1 2 3"),
    ("en", "In FIG. 1 a housing", "1"),
    ("en", "FIG. 1A and a housing", "1A"),
    ("en", "FIG. 2 (10)", "2"),
    ("en", "FIG. 3 and table 4, claim 5", "3"),
    ("en", "a config 3, a figment 4, figures of 10", ""),
    ("en", "figures 20% of, figure 8-shaped loop", ""),
    ("en", "FIG. 3 of US 4,183,715 and FIG. 2 of D1", ""),
    ("es", "la figura 6A, o 680 de la figura 6B", "6A 6B"),
    ("de", "In Fig. 1, 10 und 12 sind", "1"),
])  # fmt: skip
def test_reference_signs_quantities_and_other_documents_are_no_figures(language: str, text: str, labels: str) -> None:
    assert figure_refs(text, language) == labels.split()


@pytest.mark.parametrize(("num", "labels"), [
    ("2,2A,2B,2C", ["2", "2A", "2B", "2C"]), ("4(a),4(b)", ["4(a)", "4(b)"]), ("FIG. 5", ["5"]),
    ("1-3", ["1", "2", "3"]),
    ("12A, 12B", ["12A", "12B"]), ("1A", ["1A"]), ("", []), ("0003", []), ("00001", []), ("x?y,2", ["x?y", "2"]),
])  # fmt: skip
def test_declared_labels_are_read_and_sheet_numbers_are_not(num: str, labels: list[str]) -> None:
    assert declared_labels(num) == labels


@given(st.lists(st.integers(1, 99), min_size=1, max_size=6, unique=True))
def test_a_list_of_numbers_is_read_back(numbers: list[int]) -> None:
    labels = [str(number) for number in numbers]
    assert figure_refs(f"FIGS. {', '.join(labels)} show") == labels


@given(st.integers(1, 99), st.integers(1, 30))
def test_a_range_names_every_figure_in_it(first: int, more: int) -> None:
    expected = [str(number) for number in range(first, first + more + 1)]
    assert figure_refs(f"FIGS. {first}-{first + more} show") == expected
    assert figure_refs(f"Figuren {first} bis {first + more}", "de") == expected


@given(st.text() | st.text("FIGSfigs. 0123456789,-()'andbis ", max_size=40), st.sampled_from(["en", "de", "fr", "es"]))
def test_no_text_raises(text: str, language: str) -> None:
    labels = figure_refs(text, language)
    assert len(labels) == len(set(labels))
    declared_labels(text)
