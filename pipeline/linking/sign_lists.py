"""Lists of reference signs: ``100: window blind``, ``12 Deckel``, ``vis (3)``.

A list stands under a heading that says so, or is a paragraph that consists of nothing but entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from pipeline.linking.mentions import normal_form

_HEADING = re.compile(
    r"""(?ix) \b(?:reference|parts?) [\s-]+ (?:sign|numeral|symbol|number|character|list|legend)s? \b
      | \breference \s+ list | (?:list|description|explanation|key) \s+ (?:of|to) \s+ (?:the\s+)?
        (?:main\s+|reference\s+)?
        (?:symbol|numeral|reference|sign|part|element|component)s?\b | ^\W*(?:(?:symbols|numerals|legend)\W*)$
      | bezugszeichen | bezugsziffer | bezugsnummer | positionszahl | positionsliste | teileliste
      | (?:liste|légende|signes|numéros|repères|nomenclature) \s+ (?:des?\s+|d')? (?:signes|références?|repères|numéros)
      | (?:lista|signos|números|símbolos|relación) \s+ de \s+ (?:l[oa]s\s+)? (?:signos|referencias?|símbolos|números)
    """
)
_SIGN = r"(?:(?:[A-Z]{1,3}[-.]?)?\d{1,4}[a-zA-Z]?['′’]{0,3}|[A-Zα-ω]\d{0,3}['′’]{0,3}|[a-z]\d{1,3})"
_JOIN = r"\s*(?:[,;/–-]|\b(?:to|bis|and|und|et|y|à)\b)\s*"
_SIGNS = rf"{_SIGN}(?:{_JOIN}{_SIGN})*"
#: An entry that begins with its sign, or ends with it. ``mark`` makes it one even where no heading announces a list.
_ENTRY = re.compile(rf"^[\s(\[•*-]*(?P<signs>{_SIGNS})(?P<mark>\s*[:=–-])?[\s)\].:,=–-]+(?P<term>[^\W_].*)$")
_REVERSED = re.compile(rf"^[\s•*-]*(?P<term>[^\W\d_].*?)[\s:=,–-]+(?P<mark>[(\[])?(?P<signs>{_SIGNS})[)\]]?$")
_LONGEST_ENTRY = 160
#: A paragraph of at least so many entries, which are this share of its sentences, is a list.
_ENTRIES, _SHARE = 5, 0.8


def official_names(passages: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Sign → name from the description's lists of reference signs."""
    names: dict[str, str] = {}
    described = (p for p in passages if p["section"] == "description")
    for _, group in groupby(described, key=lambda p: p["paragraph_index"]):
        sentences = list(group)
        announced = bool(_HEADING.search(sentences[0]["heading"] or ""))
        entries = [entry for p in sentences if (entry := _entry(p["text"], announced)) is not None]
        if announced or (len(entries) >= _ENTRIES and len(entries) >= _SHARE * len(sentences)):
            for signs, term in entries:
                for sign in signs:
                    names.setdefault(sign, term)
    return names


def _entry(text: str, announced: bool) -> tuple[list[str], str] | None:
    """The signs and the name of a list's entry; None for a sentence that is none."""
    text = text.strip().rstrip(".;,").strip()
    if len(text) > _LONGEST_ENTRY:
        return None
    match = _ENTRY.match(text) or _REVERSED.match(text)
    if match is None or not (announced or match["mark"]):
        return None
    signs = [normal_form(sign) for sign in re.split(_JOIN, match["signs"])]
    term = match["term"].strip()
    return signs, term if term[1:2].isupper() else term[:1].lower() + term[1:]
