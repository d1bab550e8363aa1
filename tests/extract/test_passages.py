"""Passages: ids that are unique and stay, whatever the office numbers or forgets to number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.model import Paragraph
from pipeline.extract.passages import passage_rows


def ids(*paragraphs: Paragraph) -> list[str]:
    return [row["passage_id"] for row in passage_rows("EP1A1", paragraphs)]


def test_a_row_holds_a_sentence_with_its_place_heading_and_figures() -> None:
    paragraph = Paragraph("description", "en", "0012", "DRAWINGS", ["Fig. 1 shows a lid. It is open.", "10 housing"])
    assert passage_rows("EP1A1", [paragraph])[0] == {
        "passage_id": "EP1A1/description-en/0012/0", "doc_id": "EP1A1", "section": "description", "paragraph": "0012",
        "paragraph_index": 0, "sentence": 0, "language": "en", "heading": "DRAWINGS", "text": "Fig. 1 shows a lid.",
        "figure_refs": ["1"],
    }  # fmt: skip
    assert [row["text"] for row in passage_rows("EP1A1", [paragraph])] == [
        "Fig. 1 shows a lid.", "It is open.", "10 housing",
    ]  # fmt: skip


def test_claims_of_three_languages_and_amended_claims_keep_apart() -> None:
    claims = [
        Paragraph(group, language, "0001", None, ["A lid."])
        for group, language in (("claims", "en"), ("claims", "de"), ("claims", "fr"), ("amended-claims", "en"))
    ]
    assert ids(*claims) == ["EP1A1/claims-en/0001/0", "EP1A1/claims-de/0001/0", "EP1A1/claims-fr/0001/0",
                            "EP1A1/amended-claims-en/0001/0"]  # fmt: skip
    rows = passage_rows("EP1A1", claims)
    assert [(row["section"], row["paragraph_index"]) for row in rows] == [("claims", 0)] * 3 + [("claims", 1)]


def test_missing_and_repeated_numbers_get_ids_of_their_own() -> None:
    numbers = ["", "0001", "0001", "", "0001~2", "a/b c"]
    assert ids(*(Paragraph("claims", "en", number, None, ["A lid."]) for number in numbers)) == [
        "EP1A1/claims-en/@0/0", "EP1A1/claims-en/0001/0", "EP1A1/claims-en/0001~2/0", "EP1A1/claims-en/@3/0",
        "EP1A1/claims-en/0001~2~2/0", "EP1A1/claims-en/a_b_c/0",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["claims", "amended-claims"]), st.sampled_from(["en", "de"]),
                          st.sampled_from(["", "1", "1~2", "@0", "@1", "2/3", "2_3"]))))  # fmt: skip
def test_ids_are_unique_and_deterministic(keys: list[tuple[str, str, str]]) -> None:
    paragraphs = [Paragraph(*key, None, ["One. Two."]) for key in keys]
    found = ids(*paragraphs)
    assert len(set(found)) == len(found)
    assert found == ids(*paragraphs)
