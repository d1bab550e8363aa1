"""Official lists of reference signs: ``100: window blind``, ``12 Deckel``, ``vis (3)``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.linking.languages import Language
from pipeline.linking.mentions import normal_form

_HEADING = re.compile(
    r"""(?ix) reference \s+ (?:sign|numeral|symbol|number|character)s? | (?:list|description|explanation) \s of \s
        (?:the\s)? (?:symbol|numeral|reference|sign)s? | ^\W*(?:symbols|numerals)\W*$
      | bezugszeichen | bezugsziffer | bezugsnummer | positionsliste
      | (?:liste|légende|signes|numéros|repères) \s+ (?:des? \s+)? (?:signes|références?|repères) | nomenclature
      | (?:lista|signos|números|símbolos) \s+ de \s+ (?:los\s+)? (?:signos|referencias?|símbolos|números)"""
)
_SIGN = r"(?:[A-Z]{1,3}[-.]?)?\d{1,4}[a-zA-Z]?['′’]{0,3}|[A-Za-zα-ω]\d{0,3}['′’]{0,3}"
_SIGNS = rf"(?:{_SIGN})(?:\s*(?:,|;|/|-|–|to|bis|and|und|et|y|à)\s*(?:{_SIGN}))*"
_ENTRY = re.compile(rf"^\W{{0,2}}(?P<signs>{_SIGNS})[\s)\].:=,–-]+(?P<term>[^\W\d].*)$")
_REVERSED = re.compile(rf"^(?P<term>[^\W\d].*?)[\s:=,–-]+[(\[]?(?P<signs>{_SIGNS})[)\]]?$")


def official_names(passages: Iterable[Mapping[str, Any]], language: Language) -> dict[str, str]:
    """Sign → name from the passages that stand under a heading of a list of reference signs."""
    names: dict[str, str] = {}
    for passage in passages:
        if passage["section"] != "description" or not _HEADING.search(passage["heading"] or ""):
            continue
        text = passage["text"].strip().rstrip(".;,").strip()
        if len(text) > 160:
            continue
        match = _ENTRY.match(text) or _REVERSED.match(text)
        if match is None:
            continue
        for sign in re.split(r"\s*(?:[,;/–-]|\bto\b|\bbis\b|\band\b|\bund\b|\bet\b|\by\b|\bà\b)\s*", match["signs"]):
            names.setdefault(normal_form(sign), match["term"].strip())
    return names
