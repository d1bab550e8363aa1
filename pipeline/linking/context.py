"""The running context: which figures the text is about while it names none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.linking.references import References

Vector = NDArray[np.float64]
Row = Mapping[str, Any]

#: How much of the old context stays when the text turns to other figures, and when it does so twice running.
_TURNED, _TURNED_AGAIN = 0.15, 0.75
_LEANED, _LEAN = 0.3, 0.9
#: What a mention in passing, a new paragraph, a table, and a reference behind its paragraph leave.
_ASIDE, _PARAGRAPH, _TABLE, _TRAILED = 0.3, 0.93, 0.2, 0.3
#: A document whose references stand behind their paragraphs more often than this is read backwards.
_TRAILING_STYLE = 0.4
_TABLE_WORD = re.compile(r"(?i)\btab(?:le|elle|leau|la)s?\b")
_LIST_HEADING = re.compile(r"(?i)(?:brief|description|summary|kurz|beschreibung|descripci).{0,25}"
                           r"(?:drawing|figur|zeichnung|dessin|dibujo)")  # fmt: skip
_NO_LIST = re.compile(r"(?i)detailed|embodiment|ausführung|détaill|detallad")
_ENTRY = re.compile(r"(?i)\W*(?:the\s|la\s|die\s)?(?:fig|abb)")


@dataclass(frozen=True)
class Context:
    """Per sentence: the strength (0 to 1) with which each figure is in view, and the figures that a reference
    behind the sentence, in the same paragraph, will name."""

    strength: list[Vector]
    announced: list[Vector]


def is_table(passage: Row) -> bool:
    """True for a sentence that speaks of a table and of no figure."""
    return not passage["figure_refs"] and _TABLE_WORD.search(passage["text"]) is not None


def names_unknown(passage: Row, named: Mapping[str, Vector]) -> bool:
    """True for a sentence that names figures, none of which the document shows: a drawing is missing."""
    return bool(passage["figure_refs"]) and not any(vector.any() for vector in named.values())


def list_paragraphs(passages: Sequence[Row]) -> set[int]:
    """Indices of the paragraphs of the list of figures."""
    found = set()
    for index, group in groupby(passages, key=lambda p: p["paragraph_index"]):
        sentences = list(group)
        heading = sentences[0]["heading"] or ""
        entries = sum(_ENTRY.match(p["text"]) is not None for p in sentences)
        announced = _LIST_HEADING.search(heading) and not _NO_LIST.search(heading)
        if announced or (entries >= 3 and entries >= 0.6 * len(sentences)):
            found.add(index)
    return found


def running_context(
    passages: Sequence[Row], references: Sequence[References], named: Sequence[Mapping[str, Vector]],
    listing: set[int], figures: int,
) -> Context:  # fmt: skip
    """Follow the description sentence by sentence.

    ``named``: for each sentence what References holds (about, aside, turns, leans), as vectors over the figures.
    """
    detailed = [r for p, r in zip(passages, references, strict=True)
                if p["figure_refs"] and p["paragraph_index"] not in listing]  # fmt: skip
    backwards = sum(r.trailing for r in detailed) > _TRAILING_STYLE * len(detailed)
    strength: list[Vector] = []
    now = np.zeros(figures)
    paragraph, in_list, turned = -1, False, False
    for passage, reference, vectors in zip(passages, references, named, strict=True):
        index = passage["paragraph_index"]
        if in_list and index not in listing:
            now = np.zeros(figures)
        in_list = index in listing
        if index != paragraph:
            now, paragraph, turned = now * _PARAGRAPH, index, False
        trails = backwards and reference.trailing and bool(passage["figure_refs"])
        if names_unknown(passage, vectors):
            now, turned = now * _TURNED, True
        else:
            now, turned = _next(now, vectors, turned, trails)
        if is_table(passage):
            now = now * _TABLE
        strength.append(now)
    return Context(strength, _announced(passages, references, named, figures))


def _next(now: Vector, named: Mapping[str, Vector], turned: bool, trails: bool) -> tuple[Vector, bool]:
    """The context after a sentence, and whether the sentence turned to other figures."""
    passing = _ASIDE * np.maximum(named["about"], named["aside"])
    if trails:
        return np.maximum(now * _TRAILED, 0.4 * named["about"]), False
    if named["turns"].any():
        kept = now * (_TURNED_AGAIN if turned else _TURNED)
        return np.maximum(np.maximum(kept, named["turns"]), passing), True
    leans = named["leans"] if named["leans"].any() or now.max(initial=0) > 0.5 else named["about"]
    if leans.any():
        now = np.where(leans > 0, _LEAN, now * _LEANED)
    return np.maximum(now, passing), False


def _announced(
    passages: Sequence[Row], references: Sequence[References], named: Sequence[Mapping[str, Vector]], figures: int
) -> list[Vector]:
    """For each sentence the figures of the next trailing reference of its paragraph, if no other comes first."""
    announced: list[Vector] = [np.zeros(figures)] * len(passages)
    for _, group in groupby(range(len(passages)), key=lambda i: passages[i]["paragraph_index"]):
        indices = list(group)
        led = False
        for place, i in enumerate(indices):
            led = led or bool(passages[i]["figure_refs"] and not references[i].trailing)
            following = next((j for j in indices[place:] if passages[j]["figure_refs"]), None)
            if not led and following is not None and references[following].trailing:
                announced[i] = np.maximum(named[following]["about"], named[following]["aside"])
    return announced
