"""Why a figure is a hit: the linked sentences and the reference signs that speak for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Sentences and signs that a reason names.
SENTENCES = 3
SIGNS = 20
#: English, German and French words that match everywhere and mean nothing here.
_STOP_WORDS = frozenset(
    {
        *("and", "are", "for", "from", "into", "its", "that", "the", "this", "which", "with", "wherein"),
        *("das", "dem", "den", "der", "des", "die", "ein", "eine", "einem", "einer", "mit", "und", "von", "zum", "zur"),
        *("aux", "avec", "ces", "dans", "est", "les", "par", "pour", "sur", "une"),
    }
)
#: A word matches its plural and its genitive.
_ENDINGS = frozenset({"s", "es", "n", "en"})
#: Shorter words are looked for only where they have a digit, as reference signs do.
_SHORTEST = 3


@dataclass(frozen=True)
class Sentence:
    """A sentence linked with the figure. ``strength`` is the link's score, 0 to 1; ``signs`` are those that link them;
    ``words`` are the query's that it has; ``similarity`` to the query's words, None where it has no vector."""

    passage_id: str
    text: str
    signs: tuple[str, ...]
    strength: float
    words: tuple[str, ...]
    similarity: float | None


@dataclass(frozen=True)
class Why:
    """``sentences``: best first. ``signs``: (reference sign, part name) that match the query's words or,
    where it has none, that link those sentences. ``region``: box of the region that is nearest to the query's
    drawing, (x0, y0, x1, y1) in pixels of the sheet; None for a query without one."""

    sentences: tuple[Sentence, ...]
    signs: tuple[tuple[str, str], ...]
    region: tuple[int, int, int, int] | None = None


def explain(links: Sequence[Mapping[str, Any]], words: str, similarities: Mapping[str, float]) -> Why:
    """The reasons that a figure's ``links`` give for a query's ``words``; ``similarities`` by passage_id.

    Sentences come by similarity to the query, else by how many of its words they have, else by the
    strength of their link, which alone decides for a query without words.
    """
    asked, by_passage = query_words(words), dict[str, list[Mapping[str, Any]]]()
    for link in links:
        by_passage.setdefault(link["passage_id"], []).append(link)
    sentences = [_sentence(own, asked, similarities.get(passage)) for passage, own in by_passage.items()]
    sentences.sort(key=lambda s: (-(s.similarity or 0.0), -len(s.words), -s.strength, s.passage_id))
    shown = tuple(sentences[:SENTENCES])
    linking = {sign for sentence in shown for sign in sentence.signs}
    signs = {link["sign"]: link["term"] for link in links if link["sign"] and link["term"]}
    matching = {
        s: t for s, t in signs.items() if (s.casefold() in asked or _found(asked, t) if asked else s in linking)
    }
    return Why(shown, in_order(matching)[:SIGNS])


def in_order(signs: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(sign, part name) in the order of the signs: 2, 10, 10a."""
    return tuple(sorted(signs.items(), key=lambda part: (len(part[0]), part[0])))


def query_words(text: str) -> tuple[str, ...]:
    """The words to look for, folded, each once, in their order."""
    words = (word for word in _words(text) if len(word) >= _SHORTEST or any(map(str.isdigit, word)))
    return tuple(dict.fromkeys(word for word in words if word not in _STOP_WORDS))


def _sentence(links: Sequence[Mapping[str, Any]], asked: Sequence[str], similarity: float | None) -> Sentence:
    signs = {link["sign"]: "" for link in links if link["sign"]}
    strength, text = max(float(link["score"]) for link in links), str(links[0]["text"])
    found = tuple(_found(asked, text))
    return Sentence(
        links[0]["passage_id"], text, tuple(sign for sign, _ in in_order(signs)), strength, found, similarity
    )


def _found(asked: Sequence[str], text: str) -> list[str]:
    """The asked words that the text has, in one form or another."""
    there = set(_words(text))
    return [word for word in asked if word in there or any(_same(word, other) for other in there)]


def _same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= _SHORTEST and long.startswith(short) and long[len(short) :] in _ENDINGS


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
