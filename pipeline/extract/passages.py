"""Paragraphs become rows of passages: one per sentence, under an id that stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipeline.extract.figure_mentions import figure_refs
from pipeline.extract.model import Paragraph
from pipeline.extract.sentences import split

#: Where the section of the table differs from the group in the id.
_SECTIONS = {"amended-claims": "claims"}


def passage_rows(doc_id: str, paragraphs: Iterable[Paragraph]) -> list[dict[str, Any]]:
    """Rows of ``passages`` in document order.

    The id is ``doc_id/group-language/paragraph/sentence``. A paragraph without a number is ``@`` and its
    index; one whose number was used before in its group gets ``~2``, ``~3`` …
    """
    rows: list[dict[str, Any]] = []
    indexes: Counter[tuple[str, str]] = Counter()
    used: set[str] = set()
    for paragraph in paragraphs:
        section = _SECTIONS.get(paragraph.group, paragraph.group)
        language = paragraph.language
        index = indexes[section, language]
        indexes[section, language] += 1
        prefix = _unique(f"{doc_id}/{paragraph.group}-{language}/{_printable(paragraph.number) or f'@{index}'}", used)
        sentences = [sentence for block in paragraph.blocks for sentence in split(block, language)]
        rows += [
            {
                "passage_id": f"{prefix}/{ordinal}",
                "doc_id": doc_id,
                "section": section,
                "paragraph": paragraph.number,
                "paragraph_index": index,
                "sentence": ordinal,
                "language": language,
                "heading": paragraph.heading,
                "text": sentence,
                "figure_refs": figure_refs(sentence, language),
            }
            for ordinal, sentence in enumerate(sentences)
        ]
    return rows


def _printable(number: str) -> str:
    return number.replace("/", "_").replace(" ", "_")


def _unique(prefix: str, used: set[str]) -> str:
    """The prefix, or the first of ``prefix~2``, ``prefix~3`` … that is free."""
    name, count = prefix, 1
    while name in used:
        count += 1
        name = f"{prefix}~{count}"
    used.add(name)
    return name
