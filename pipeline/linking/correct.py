"""A second look at readings: the text says which signs exist, so a doubtful reading that is one mistake away from
exactly one of them is taken for it. A confident reading is never replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.labels import spell

#: At or above this confidence a reading stands, whatever the text says …
CONFIDENT = 0.9
#: … but for shapes that are drawn alike, of which no recogniser can be sure.
_DRAWN_ALIKE = str.maketrans("OoQIl|", "000111")
#: Shapes that recognisers take for one another.
_LOOKS = str.maketrans("OoQDIl|i!SsBZzGbgq", "000011111558226699")
#: What a character reads as when the sheet lies upside down.
_TURNED = str.maketrans({"6": "9", "9": "6", "l": "1", "I": "1", "O": "0", "o": "0"})
_SAME_TURNED = frozenset("0168 9lIOo")
#: The recogniser's own second thought counts when it is so probable, and so many times the next known sign's.
_PROBABLE, _CLEARLY = 0.05, 3.0
#: What may stand around a sign and is no part of it.
_AROUND = "()[]{}<>.,:;_~-·|/\\$*«»=^+ "
#: Other texts than signs are looked at when they are no longer than this.
_SHORT = 6


@dataclass(frozen=True, slots=True)
class Correction:
    """The sign that the text knows, and how the reading differs from it (schemas.figure_signs.CORRECTIONS)."""

    sign: str
    kind: str


def correct(regions: Iterable[Mapping[str, Any]], known: Iterable[str]) -> dict[tuple[str, int], Correction]:
    """Corrections by (sheet_id, ordinal) of one document's regions, given the signs that its text names.

    Looks at signs and at short words, some of which are signs misread.
    """
    second = _SecondLook(set(known))
    found: dict[tuple[str, int], Correction] = {}
    for region in regions:
        reading = region["sign"] if region["role"] == "sign" else bare(region["text"])
        if not reading or region["role"] == "figure label" or (region["role"] != "sign" and len(reading) > _SHORT):
            continue
        correction = second.at(reading, region["confidence"], region["alternatives"] or ())
        if correction is not None:
            found[region["sheet_id"], region["ordinal"]] = correction
    return found


def bare(text: str) -> str:
    """A text without what may stand around a sign."""
    return spell(text).strip(_AROUND)


def look(sign: str) -> str:
    """What two signs that are easily taken for one another share."""
    return sign.translate(_LOOKS).lower()


class _SecondLook:
    """The signs of one text, by how they may be misread."""

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self.looks: dict[str, set[str]] = defaultdict(set)
        self.alike: dict[str, set[str]] = defaultdict(set)
        self.cases: dict[str, set[str]] = defaultdict(set)
        for sign in known:
            self.looks[look(sign)].add(sign)
            self.alike[sign.translate(_DRAWN_ALIKE)].add(sign)
            self.cases[sign.lower()].add(sign)

    def at(
        self, reading: str, confidence: float, alternatives: Iterable[Mapping[str, Any]]
    ) -> Correction | None:  # fmt: skip
        """What a reading is taken for; None when it stands."""
        if reading in self.known:
            return None
        # "C1" for c1: printed so or read so, it is the same sign, however confident the reading.
        same = self.cases.get(reading.lower(), set()) if len(reading) > 1 else set()
        alike = self.alike.get(reading.translate(_DRAWN_ALIKE), set())
        for candidates in (same, alike):
            if len(candidates) == 1:
                return Correction(next(iter(candidates)), "confusion")
        if reading[0] == "0" and reading[1:] in self.known:  # no sign begins so: the ring of a leader line does
            return Correction(reading[1:], "extra")
        if confidence >= CONFIDENT:
            return None
        if second := self._thought(alternatives):
            return Correction(second, "confusion")
        for kind, candidates in (
            ("confusion", self.looks.get(look(reading), set())),
            ("rotation", _turned(reading) & self.known),
            ("missing", {sign for sign in self.known if _lacks_one(reading, sign)}),
            ("extra", {sign for sign in (reading[1:], reading[:-1]) if len(sign) > 1} & self.known),
        ):
            if len(candidates) == 1:
                return Correction(next(iter(candidates)), kind)
            if candidates:
                return None  # two signs are as near: nobody can tell
        return None

    def _thought(self, alternatives: Iterable[Mapping[str, Any]]) -> str | None:
        """The known sign that the recogniser itself thought of, if it is clearly the most probable."""
        odds: dict[str, float] = defaultdict(float)
        for other in alternatives:
            sign = bare(other["text"])
            if sign in self.known:
                odds[sign] += other["probability"]
        ranked = sorted(odds, key=lambda sign: -odds[sign])
        if not ranked or odds[ranked[0]] < _PROBABLE:
            return None
        return None if len(ranked) > 1 and odds[ranked[0]] < _CLEARLY * odds[ranked[1]] else ranked[0]


def _turned(reading: str) -> set[str]:
    if not set(reading) <= _SAME_TURNED:
        return set()
    return {reading[::-1].translate(_TURNED)}


def _lacks_one(reading: str, sign: str) -> bool:
    """True when ``sign`` is ``reading`` with one more character; a single character says too little."""
    if len(reading) < 2 or len(sign) != len(reading) + 1:
        return False
    return any(sign[:i] + sign[i + 1 :] == reading for i in range(len(sign)))
