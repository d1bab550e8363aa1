"""Which candidates are reference signs: by how, and how often, the document uses them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.linking.languages import Language
from pipeline.linking.mentions import Mention
from pipeline.linking.nouns import BaseForm, head

#: A document in which at least this share of the named signs stands in brackets prints them so.
BRACKET_STYLE = 0.7
#: Fewer signs than this that are named again and again, and the document has none at all.
SURE_SIGNS, SURE_BRACKETED_SIGNS = 3, 2
#: So many signs that begin with the same letters are a numbering.
FAMILY = 5
#: Mentions of sure signs per sentence of the description, below which they are there by chance.
SURE_DENSITY = 0.1
#: Below this density a document speaks of other numbers, too, and its signs must show themselves more clearly:
#: a name that this share of the mentions agrees on, and as many digits as this share of the sure ones have.
SPARSE_DENSITY, SPARSE_AGREEMENT, SPARSE_LENGTH = 0.3, 0.5, 0.2
#: Look like signs and are not.
NOT_SIGNS = frozenset(
    [
        "2D",
        "3D",
        "4D",
        "2G",
        "3G",
        "4G",
        "5G",
        "4K",
        "8K",
        "H2",
        "O2",
        "N2",
        "CO2",
        "SO2",
        "NH3",
        "CH4",
        "A4",
        "3'",
        "5'",
    ]
)
_YEAR = re.compile(r"19[5-9]\d|20[0-4]\d")


@dataclass(frozen=True)
class Usage:
    """How the document uses a candidate: how many of its mentions are so and so."""

    mentions: int
    named: int
    agreed: int  # share the commonest head noun
    bounded: int  # named, and the left edge of the name is sure
    closed: int  # named, and nothing follows that the number could count
    numbered: bool
    in_style: bool  # at least one named mention stands in brackets, if the document's signs do

    @classmethod
    def of(cls, mentions: Sequence[Mention], bracketed: bool, heads: Sequence[str]) -> Usage:
        """Count ``mentions``, whose named ones have these head nouns."""
        named = [m for m in mentions if m.name]
        return cls(
            mentions=len(mentions),
            named=len(named),
            agreed=max(Counter(heads).values(), default=0),
            bounded=sum(m.bounded for m in named),
            closed=sum(m.closed for m in named),
            numbered=any(c.isdigit() for c in mentions[0].sign),
            in_style=not bracketed or any(m.bracketed for m in named),
        )

    @property
    def sure(self) -> bool:
        """Named with an article twice: a document without reference signs does so at most by chance."""
        return self.numbered and self.agreed >= 2 and self.bounded >= 2 and self.closed >= 1 and self.in_style


def accepted_signs(
    by_sign: Mapping[str, Sequence[Mention]], sentences: int, language: Language, base_form: BaseForm
) -> set[str]:
    """The candidates that are reference signs. ``sentences``: those of the description; where a document has signs,
    they are dense in them."""
    numeric = [m for ms in by_sign.values() for m in ms if m.name and m.sign[0].isdigit()]
    bracketed = bool(numeric) and sum(m.bracketed for m in numeric) >= BRACKET_STYLE * len(numeric)
    usage = {sign: Usage.of(ms, bracketed, heads(ms, language, base_form)) for sign, ms in by_sign.items()}
    sure = {sign: use for sign, use in usage.items() if use.sure}
    density = sum(use.named for use in sure.values()) / max(1, sentences)
    if len(sure) < (SURE_BRACKETED_SIGNS if bracketed else SURE_SIGNS) or density < SURE_DENSITY:
        return set()
    families = Counter(family(sign) for sign in by_sign)
    accepted = {sign for sign, use in usage.items() if _is_sign(sign, use, families[family(sign)])}
    if density >= SPARSE_DENSITY:
        return accepted
    lengths = Counter(_digits(sign) for sign in sure)
    usual = {length for length, count in lengths.items() if count >= SPARSE_LENGTH * len(sure)}
    return {
        sign
        for sign in accepted
        if usage[sign].agreed >= SPARSE_AGREEMENT * usage[sign].named and (sign in sure or _digits(sign) in usual)
    }


def _digits(sign: str) -> int:
    return sum(c.isdigit() for c in sign)


def heads(mentions: Sequence[Mention], language: Language, base_form: BaseForm) -> list[str]:
    """The head nouns of the mentions' names, in base form."""
    return [base_form([head(m.name, language)]).lower() for m in mentions if m.name]


def family(sign: str) -> str:
    """What signs of one numbering share: S of S610, L of L14, b of b1."""
    return sign.rstrip("0123456789abcdefghijklmnopqrstuvwxyz'") or sign[:1]


def _is_sign(sign: str, use: Usage, siblings: int) -> bool:
    if sign in NOT_SIGNS or (not use.closed and use.agreed < 3 and siblings < FAMILY):
        return False
    if sign[0].isdigit():
        if _YEAR.fullmatch(sign) and use.agreed < 3:
            return False
        return (use.in_style and (use.agreed >= 2 or use.bounded >= 1)) or use.agreed >= 3
    if len(sign.rstrip("'")) == 1:
        return use.agreed >= 3 and use.agreed >= 0.5 * use.named
    if sign[0].islower():
        return use.agreed >= 3
    return siblings >= FAMILY or use.agreed >= 2
