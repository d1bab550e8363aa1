"""How a sentence names figures: which it is about, which it only compares with, and whether the text that follows
goes on about them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.labels import LABEL, WORD, label_key

_WORD = re.compile(rf"\b(?i:{WORD})\b\.?")
_LISTED = re.compile(rf"(?:{LABEL}|\b(?:and|or|to|through|und|oder|bis|sowie|et|ou|à|y|a|o|e)\b|[\s,;&/–—.-])+")
_LABEL = re.compile(LABEL)
#: "FIG. 6 and FIG. 7" is one reference.
_JOINED = re.compile(r"(?i)(?:,|&|-|–|\b(?:and|or|to|through|und|oder|bis|et|ou|à|y|a|o))\s*(?:the\s+|la\s+)?$")
#: The figure is brought in for comparison, or as known from before.
_ASIDE = re.compile(
    r"""(?ix) \b (?:
        compared\s(?:to|with) | similar(?:ly)?\sto | unlike | like | contrary\sto | different\sfrom | from\sthat | than
      | in\scontrast\sto | corresponding(?:ly)? | already | previous(?:ly)? | as\s(?:generally|already|also|in)
      | im\s(?:vergleich|gegensatz)\szu\w* | ähnlich\swie | anders\sals | gegenüber | entsprechend | bereits
      | par\srapport\sà | contrairement\sà | semblable\sà | analogue\sà | déjà
      | en\scomparación\scon | a\sdiferencia\sde | similar\sa | ya
    ) \b [^.;]{0,70} $"""
)
#: The author turns to the figure.
_TURNS = re.compile(
    r"""(?ix) (?:
        \b(?:with|by|in)\s(?:reference|regard)\s(?:to|of) | \bturning\s(?:\w+\s)?to
      | \brefer(?:ring|ence\sis\s(?:now\s)?made)\s(?:\w+\s){0,2}to
      | \b(?:is|are|be)\s(?:\w+\s){0,2}(?:shown|seen|illustrated|depicted|described|explained|represented|presented)\s
        (?:\w+\s){0,2}(?:in|from|by|on|with|through|to)
      | unter\sbezug(?:nahme)?\sauf | mit\sbezug\sauf | anhand(?:\sder|\svon)?
      | (?:ist|sind|wird|werden)\s(?:\w+\s){0,2}in
      | en\s(?:se\s)?référ(?:ence|ant)\sà | (?:est|sont)\s(?:\w+\s){0,2}(?:sur|à|dans)
      | (?:con|haciendo)\sreferencia\sa | se\s(?:muestra|ilustra|representa)n?\sen
    ) \s* (?:the\s|der\s|den\s|la\s|las\s|les\s|accompanying\s)* $"""
)
_SEE = re.compile(
    r"(?i)\(\s*(?:see|cf\.?|siehe|vgl\.?|voir|v[ée]ase)\s+(?:also\s+|auch\s+)?(?:the|der|die|das|la|le|el)\b"
)
_COORDINATED = re.compile(r"(?i)\b(?:and|while|whereas|und|et|tandis que|y)\s*$")
#: What is said of a reference stands within so many characters before it; looking further costs the square of a text.
_BEFORE = 240
#: A reference that begins within so many characters is what the sentence is about.
_EARLY = 45
#: A reference in the last part of a sentence, or a sentence of little else, closes what was said before.
_SHORT, _LATE = 45, 0.7
_LEADS_IN = re.compile(r"(?i)^\W*(?:as|in|with|refer|wie|in der|comme|como|en)\b")


@dataclass(frozen=True, slots=True)
class References:
    """The figures that a sentence names, as labels.

    ``turns``: the text that follows is about ``about``, too; ``leans``: it may be.
    ``trailing``: the reference stands behind what it belongs to ("… See FIG. 3.").
    """

    about: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    leans: tuple[str, ...] = ()
    trailing: bool = False


def read_references(text: str, labels: Sequence[str]) -> References:
    """Sort the figure labels that ``text`` names (in order, as passages.figure_refs) by their part in it."""
    groups = _groups(text, labels)
    if not groups:
        return References(about=tuple(labels), leans=tuple(labels))
    about: list[str] = []
    aside: list[str] = []
    turns: list[str] = []
    leans: list[str] = []
    for position, start, named in groups:
        part = _part(text[:start], start, first=position == 0, alone=len(groups) == 1, turned=bool(turns))
        (aside if part == "aside" else about).extend(named)
        if part == "turns":
            turns.extend(named)
        elif part == "leans":
            leans.extend(named)
    only_aside = tuple(label for label in aside if label not in about)
    return References(tuple(about), only_aside, tuple(turns), tuple(leans), _is_trailing(text, groups[0][1]))


def _part(before: str, start: int, first: bool, alone: bool, turned: bool) -> str:
    """What a reference with ``before`` left of it does: turns, leans, about or aside."""
    bracket = before.rfind("(")
    if bracket > before.rfind(")"):
        return "aside" if turned or _SEE.match(before[bracket:]) else "about"
    before = before[-_BEFORE:]
    early = start < _EARLY
    if start > 12 and _ASIDE.search(before) and not (early and alone):
        return "aside"
    if (first and early) or (_TURNS.search(before) and not turned) or (turned and _COORDINATED.search(before)):
        return "turns"
    if turned:
        return "aside"
    return "leans" if alone else "about"


def _groups(text: str, labels: Sequence[str]) -> list[tuple[int, int, list[str]]]:
    """Position, start and labels of each reference; neighbours that a joiner links are one."""
    by_key = {label_key(label): index for index, label in enumerate(labels)}
    groups: list[tuple[int, int, list[str]]] = []
    end = 0
    for match in _WORD.finditer(text) if labels else ():
        listed = _LISTED.match(text, match.end())
        keys = [label_key(found.group()) for found in _LABEL.finditer(listed.group())] if listed else []
        indices = [by_key[key] for key in keys if key in by_key]
        if not indices:
            continue
        # A range names what lies between its ends; figure_refs spells it out in order.
        named = list(labels[min(indices) : max(indices) + 1])
        if groups and match.start() - end < 24 and _JOINED.search(text[end : match.start()]):
            groups[-1][2].extend(_span(labels, groups[-1][2][-1], named))
        else:
            groups.append((len(groups), match.start(), named))
        end = match.end()
    return groups


def _span(labels: Sequence[str], last: str, named: list[str]) -> list[str]:
    """``named`` with the labels that a range from ``last`` left unsaid."""
    start, stop = labels.index(last) + 1, labels.index(named[0])
    return [*labels[start:stop], *named]


def _is_trailing(text: str, start: int) -> bool:
    return len(text) < _SHORT or (start > _LATE * len(text) and not _LEADS_IN.match(text))


def named_figures(labels: Iterable[str], figures: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of the figures that ``labels`` name: the figure itself, else its parts (Fig. 4 names 4A and 4(b)),
    else the figure that it is a part of (Fig. 15(a) names 15 where the sheet has no label for the part)."""
    by_key: dict[str, set[str]] = defaultdict(set)
    for figure in figures:
        if figure["label"]:
            by_key[label_key(figure["label"])].add(figure["figure_id"])
    found: set[str] = set()
    for key in map(label_key, labels):
        parts = [other for other in by_key if is_part(other, key)]
        wholes = [other for other in by_key if is_part(key, other)]
        for match in [key] if key in by_key else parts or wholes:
            found |= by_key[match]
    return found


def is_part(label: str, whole: str) -> bool:
    """True when ``label`` is a part of ``whole``: 4A, 4(b) or 4' of 4, but not 40."""
    return bool(whole) and label.startswith(whole) and len(label) > len(whole) and not label[len(whole)].isdigit()
