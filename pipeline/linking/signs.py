"""The reference signs of a document and the names of their parts, from its sentences.

Every mention votes: ``the burr hole plate 10`` says what 10 is called. A sign is taken for one when enough
mentions name it, and its name is the fullest form that enough of them share (the others are alternates). An
official list of reference signs, where the document has one, comes first.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.linking.languages import Language, language
from pipeline.linking.mentions import Mention, find_mentions
from pipeline.linking.names import Name, choose_names
from pipeline.linking.nouns import base_forms
from pipeline.linking.sign_lists import official_names
from pipeline.linking.usage import accepted_signs


@dataclass(frozen=True, slots=True)
class SignMention:
    """``sign`` stands at ``text[start:end]`` of the passage."""

    passage_id: str
    sign: str
    start: int
    end: int


@dataclass(frozen=True)
class DocumentSigns:
    """What the text of one document says: rows of ``signs`` and where each sign is mentioned."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[SignMention] = field(default_factory=list)


def find_signs(passages: Iterable[Mapping[str, Any]]) -> DocumentSigns:
    """Find the reference signs of one document.

    ``passages``: rows of the passages table of one document (passage_id, section, language, heading, text) in
    reading order. A document whose text names no figure has no signs, unless it lists them officially.
    """
    read = main_language(list(passages))
    if not read:
        return DocumentSigns()
    tongue = language(read[0]["language"])
    listed = official_names(read)
    found = [(p, find_mentions(p["text"], tongue)) for p in read]
    if not listed and not any(_names_figure(p["text"], tongue) for p in read):
        return DocumentSigns()
    by_sign: dict[str, list[Mention]] = defaultdict(list)
    for _, mentions in found:
        for mention in mentions:
            by_sign[mention.sign].append(mention)
    base_form = base_forms(tongue, (p["text"] for p in read))
    sentences = sum(p["section"] == "description" for p in read)
    known = accepted_signs(by_sign, sentences, tongue, base_form) | set(listed)
    names = choose_names({sign: by_sign.get(sign, []) for sign in known}, tongue, listed, base_form)
    counts = Counter(m.sign for _, mentions in found for m in mentions)
    rows = [_row(read[0]["doc_id"], sign, name, counts[sign], tongue) for sign, name in sorted(names.items())]
    places = [SignMention(p["passage_id"], m.sign, m.start, m.end) for p, ms in found for m in ms if m.sign in known]
    return DocumentSigns(rows, places)


def main_language(passages: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The passages in the language of the description (else of most passages)."""
    described = Counter(p["language"] for p in passages if p["section"] == "description")
    counts = described or Counter(p["language"] for p in passages)
    if not counts:
        return []
    main = counts.most_common(1)[0][0]
    return [p for p in passages if p["language"] == main]


def _names_figure(text: str, tongue: Language) -> bool:
    words = "|".join(sorted(map(re.escape, tongue.figure_words), key=len, reverse=True))
    return re.search(rf"(?i)\b(?:{words})\b\.?\s*\d", text) is not None


def _row(doc_id: str, sign: str, name: Name, mentions: int, tongue: Language) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "sign": sign,
        "term": name.term,
        "alternates": list(name.alternates),
        "language": tongue.code,
        "mentions": mentions,
        "confidence": name.confidence,
        "source": name.source,
    }
