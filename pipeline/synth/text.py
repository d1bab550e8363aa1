"""The text of a document as data: sentences that know which figures they are about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Statement:
    """One sentence as XML.

    ``figures`` is what a careful reader would look at, ``optional`` is neither right nor wrong; ``basis`` is
    explicit (names the figure), signs (describes parts shown there) or none.
    """

    xml: str
    figures: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    basis: str = "none"


@dataclass
class Paragraph:
    """A numbered paragraph; ``items`` are written as a list, ``formula`` puts the formula image at its end."""

    number: str
    statements: list[Statement]
    heading: str = ""
    items: bool = False
    formula: bool = False


@dataclass
class Account:
    """What the text said, for the ground truth: by reference sign, by figure, and the traps."""

    mentions: Counter[str] = field(default_factory=Counter)
    terms: dict[str, str] = field(default_factory=dict)
    alternates: dict[str, list[str]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    captions: list[dict[str, str]] = field(default_factory=list)
    not_signs: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Body:
    """A document's text. ``claims`` holds all three languages; only granted patents print them all."""

    language: str
    titles: dict[str, str]
    paragraphs: list[Paragraph]
    claims: dict[str, list[str]]
    abstract: str
    account: Account
    cited: list[str]
