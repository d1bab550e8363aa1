"""Claims and abstract: reference signs in brackets, the same parts in any language."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pipeline.synth import phrases
from pipeline.synth.grammar import Mention, Typography, listed, noun_phrase, sentence
from pipeline.synth.invention import Part

_IN_BRACKETS = Typography(brackets=True)
_LISTED = 4  # parts named in the first claim and in the abstract


def claims(whole: Part, parts: Sequence[Part], rng: random.Random) -> dict[str, list[str]]:
    """The claims as XML, by language: the first one and up to nine that depend on an earlier one."""
    later = [(rng.choice(parts), rng.choice(parts), rng.randint(1, i + 1)) for i in range(min(9, len(parts)))]
    return {
        language: [_first(language, whole, parts), *_later(language, whole, later)] for language in phrases.CLAIM_NEXT
    }


def abstract(language: str, whole: Part, parts: Sequence[Part]) -> str:
    """The abstract as XML."""
    template = phrases.ABSTRACT[language].replace("{parts}", _enumerated(language, parts))
    sentences = [sentence(piece, _slots(whole, parts), language, _IN_BRACKETS) for piece in template.split(". ")]
    return ". ".join(sentences)


def _mention(part: Part) -> Mention:
    return Mention(part.term, part.signs, len(part.members))


def _slots(whole: Part, parts: Sequence[Part]) -> dict[str, Mention]:
    return {"w": _mention(whole), "x": _mention(parts[0]), "y": _mention(parts[min(1, len(parts) - 1)])}


def _enumerated(language: str, parts: Sequence[Part]) -> str:
    article = phrases.INDEFINITE[language]
    return listed([noun_phrase(article, _mention(p), language, _IN_BRACKETS) for p in parts[:_LISTED]], language)


def _first(language: str, whole: Part, parts: Sequence[Part]) -> str:
    template = phrases.CLAIM_FIRST[language].replace("{parts}", _enumerated(language, parts))
    return sentence(template, _slots(whole, parts), language, _IN_BRACKETS)


def _later(language: str, whole: Part, later: Sequence[tuple[Part, Part, int]]) -> list[str]:
    rows = []
    for a, b, claim in later:
        template = phrases.CLAIM_NEXT[language].replace("{claim}", str(claim))
        slots = {"w": _mention(whole), "a": _mention(a), "b": _mention(b if b is not a else whole)}
        rows.append(sentence(template, slots, language, _IN_BRACKETS))
    return rows
