from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import LinkingSettings
from pipeline.linking.printed import printed_rows
from pipeline.linking.references import is_part, named_figures
from pipeline.linking.resolve import resolve
from pipeline.linking.signs import find_signs
from tests.linking.rows import figure, passages, region

TEXTS = passages(
    "FIG. 1 shows a plate 10 with spikes 14.",
    "The plate 10 bears the hub 22 and the spikes 14.",
    "The hub 22 is round, and the plate 10 is flat.",
    refs={0: ["1"]},
)
SECOND = "EP1A1/2.tif"


def links(figures: list[dict], regions: list[dict], min_score: float = 1.1) -> list[tuple]:
    signs = find_signs(TEXTS)
    printed = printed_rows(figures, regions, {row["sign"]: row["term"] for row in signs.rows}, True, 0.5)
    rows = resolve(figures, printed, TEXTS, signs, LinkingSettings(min_score=min_score))
    return [(r["figure_id"][-1], r["sign"], r["passage_id"][-3], r["match"], r["region_ordinal"]) for r in rows]


def test_a_sentence_is_linked_through_the_signs_that_the_figure_prints() -> None:
    assert links([figure("1"), figure("2", SECOND)], [region("22", sheet=SECOND, ordinal=3)]) == [
        ("1", "", "0", "figure mention", None),
        ("2", "22", "1", "exact", 3),
        ("2", "22", "2", "exact", 3),
    ]


def test_a_corrected_reading_is_marked() -> None:
    found = links([figure("1")], [region("1O", confidence=0.6)])
    assert {(sign, match) for _, sign, _, match, _ in found} == {("", "figure mention"), ("10", "corrected")}


def test_the_most_confident_reading_of_a_sign_is_the_linked_one() -> None:
    regions = [region("14", ordinal=0, confidence=0.7), region("14", ordinal=5, confidence=0.95)]
    assert {r[4] for r in links([figure("2")], regions) if r[1]} == {5}


def test_a_label_names_the_figure_or_its_parts_or_the_whole() -> None:
    figures = [figure("4A"), figure("4B"), figure("40"), figure("15")]
    assert {i[-2:] for i in named_figures(["4"], figures)} == {"4A", "4B"}
    assert {i[-2:] for i in named_figures(["15(a)"], figures)} == {"15"}
    assert named_figures(["7"], figures) == set()
    assert not is_part("40", "4")


def test_a_document_without_figures_has_no_links() -> None:
    assert resolve([], [], TEXTS, find_signs(TEXTS), LinkingSettings()) == []


WORDS = st.sampled_from(
    ["the plate 10", "FIG. 1", "FIGS. 2A and 2B", "(14, 22)", "A-A", "Fig.", "10–14", "respectively"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(WORDS | st.text(max_size=6), max_size=8).map(" ".join), max_size=4))
def test_no_text_makes_it_raise_and_every_link_joins_rows_that_exist(texts: list[str]) -> None:
    rows = TEXTS + passages(*texts, start=len(TEXTS))
    figures = [figure("1"), figure("2A", SECOND)]
    signs = find_signs(rows)
    terms = {row["sign"]: row["term"] for row in signs.rows}
    printed = printed_rows(figures, [region("10"), region("22", sheet=SECOND)], terms, True, 0.5)
    for link in resolve(figures, printed, rows, signs, LinkingSettings()):
        assert link["passage_id"] in {row["passage_id"] for row in rows}
        assert link["figure_id"] in {one["figure_id"] for one in figures}
        assert not link["sign"] or link["sign"] in terms
