"""A second look at doubtful readings: the text says which signs exist, so a reading that is one mistake away from
exactly one of them is taken for it. A confident reading is never replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: At or above this confidence a reading stands, whatever the text says.
CONFIDENT = 0.9
#: Shapes that recognisers take for one another.
_LOOKS = str.maketrans("OoQDIl|i!SsBZzGbgq", "000011111558226699")
#: What a character reads as when the sheet lies upside down.
_TURNED = str.maketrans({"6": "9", "9": "6", "l": "1", "I": "1", "O": "0", "o": "0"})
_SAME_TURNED = frozenset("0168 9lIOo")


@dataclass(frozen=True, slots=True)
class Correction:
    """The sign that the text knows, and how the reading differs from it (schemas.regions.CORRECTIONS)."""

    sign: str
    kind: str


def correct(regions: Iterable[Mapping[str, Any]], known: Iterable[str]) -> dict[tuple[str, int], Correction]:
    """Corrections by (sheet_id, ordinal) of one document's regions, given the signs that its text names."""
    known = set(known)
    looks: dict[str, set[str]] = defaultdict(set)
    for sign in known:
        looks[look(sign)].add(sign)
    found: dict[tuple[str, int], Correction] = {}
    for region in regions:
        reading = region["sign"]
        if region["role"] != "sign" or not reading or reading in known or region["corrected_sign"]:
            continue
        correction = _correction(reading, region["confidence"], known, looks)
        if correction is not None:
            found[region["sheet_id"], region["ordinal"]] = correction
    return found


def look(sign: str) -> str:
    """What two signs that are easily taken for one another share."""
    return sign.translate(_LOOKS).lower()


def _correction(reading: str, confidence: float, known: set[str], looks: Mapping[str, set[str]]) -> Correction | None:
    # "C1" for c1: printed so or read so, it is the same sign, however confident the reading.
    same = {sign for sign in known if sign.lower() == reading.lower()} if len(reading) > 1 else set()
    if len(same) == 1:
        return Correction(same.pop(), "confusion")
    if confidence >= CONFIDENT:
        return None
    for kind, candidates in (
        ("confusion", looks.get(look(reading), set())),
        ("rotation", _turned(reading) & known),
        ("missing", {sign for sign in known if _lacks_one(reading, sign)}),
    ):
        if len(candidates) == 1:
            return Correction(next(iter(candidates)), kind)
        if candidates:
            return None  # two signs are as near: nobody can tell
    return None


def _turned(reading: str) -> set[str]:
    if not set(reading) <= _SAME_TURNED:
        return set()
    return {reading[::-1].translate(_TURNED)}


def _lacks_one(reading: str, sign: str) -> bool:
    """True when ``sign`` is ``reading`` with one more character; a single character says too little."""
    if len(reading) < 2 or len(sign) != len(reading) + 1:
        return False
    return any(sign[:i] + sign[i + 1 :] == reading for i in range(len(sign)))
