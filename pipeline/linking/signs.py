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
from pipeline.linking.names import Name, base_form, choose_names
from pipeline.linking.sign_lists import official_names

#: A document in which at least this share of the named signs stands in brackets prints them so.
BRACKET_STYLE = 0.7
#: Fewer signs than this that are named again and again, and the document has none at all.
SURE_SIGNS, SURE_BRACKETED_SIGNS = 3, 2
#: So many signs that begin with the same letters are a numbering of steps.
STEP_FAMILY = 5
#: Mentions of sure signs per sentence of the description, below which they are there by chance.
SURE_DENSITY = 0.1
#: Look like signs and are not.
NOT_SIGNS = frozenset(
    ["2D", "3D", "4D", "2G", "3G", "4G", "5G", "4K", "8K", "H2", "O2", "N2", "CO2", "SO2", "NH3", "CH4", "A4"]
)
YEAR = re.compile(r"19[5-9]\d|20[0-4]\d")


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
    known = accepted_signs(by_sign, sum(p["section"] == "description" for p in read), tongue) | set(listed)
    names = choose_names({sign: by_sign.get(sign, []) for sign in known}, tongue, listed)
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


def accepted_signs(by_sign: Mapping[str, list[Mention]], sentences: int, tongue: Language) -> set[str]:
    """The candidates that are reference signs, judged by how, and how often, the document uses them.

    ``sentences``: those of the description; the signs of a document that has any are dense in them.
    """
    numeric = [m for ms in by_sign.values() for m in ms if m.name and m.sign[0].isdigit()]
    bracketed = sum(m.bracketed for m in numeric) >= BRACKET_STYLE * len(numeric)
    usage = {sign: Usage.of(ms, bracketed, tongue) for sign, ms in by_sign.items()}
    sure = {sign: use for sign, use in usage.items() if use.sure}
    if (
        len(sure) < (SURE_BRACKETED_SIGNS if bracketed else SURE_SIGNS)
        or sum(use.named for use in sure.values()) < SURE_DENSITY * sentences
    ):
        return set()
    families = Counter(_prefix(sign) for sign in by_sign)
    return {sign for sign, use in usage.items() if _is_sign(sign, use, families[_prefix(sign)])}


@dataclass(frozen=True)
class Usage:
    """How the document uses a candidate: how many of its mentions are so and so."""

    mentions: int
    named: int
    agreed: int  # share the commonest head noun
    bounded: int  # named, and the left edge of the name is sure
    closed: int  # named, and nothing follows that the number could count
    numbered: bool  # begins with a digit, or with a capital letter and has one
    in_style: bool  # at least one named mention stands in brackets, if the document's signs do

    @classmethod
    def of(cls, mentions: list[Mention], bracketed: bool, tongue: Language) -> Usage:
        named = [m for m in mentions if m.name]
        heads = Counter(base_form(m.name[-1:] if tongue.head_last else m.name[:1], tongue).lower() for m in named)
        return cls(
            mentions=len(mentions),
            named=len(named),
            agreed=max(heads.values(), default=0),
            bounded=sum(m.bounded for m in named),
            closed=sum(m.closed for m in named),
            numbered=any(c.isdigit() for c in mentions[0].sign),
            in_style=not bracketed or any(m.bracketed for m in named),
        )

    @property
    def sure(self) -> bool:
        """Named with an article twice: a document without reference signs does so at most by chance."""
        return self.numbered and self.agreed >= 2 and self.bounded >= 2 and self.closed >= 1 and self.in_style


def _prefix(sign: str) -> str:
    return sign.rstrip("0123456789abcdefghijklmnopqrstuvwxyz'") or sign[:1]


def _is_sign(sign: str, use: Usage, family: int) -> bool:
    if sign in NOT_SIGNS or (not use.closed and use.agreed < 3 and family < STEP_FAMILY):
        return False
    if sign[0].isdigit():
        if YEAR.fullmatch(sign) and use.agreed < 3:
            return False
        return (use.in_style and (use.agreed >= 2 or use.bounded >= 1)) or use.agreed >= 3
    if len(sign.rstrip("'")) == 1:
        return use.agreed >= 3 and use.agreed >= 0.5 * use.named
    if sign[0].islower():
        return use.agreed >= 3
    return family >= STEP_FAMILY or use.agreed >= 2
