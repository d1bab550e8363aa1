"""What a piece of text on a sheet is: figure label, reference sign, other number or word.

First by its form; then by the company it keeps: a number in a column of decimals is a table's, a lone
letter half the size of the numerals is a piece of the drawing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.labels import is_figure_word, printed_labels, spell
from pipeline.ocr.engines import Reading

_SIGN = re.compile(
    r"^(?:[A-Z]{0,3}-?\d{1,5}(?:[.-]\d{1,3})?[a-zA-Z]{0,2}\d?'{0,3}|[a-zA-Z]\d{1,4}'{0,3}|[A-Z]{1,2}'{0,3})$"
)
_NUMERIC = re.compile(r"^[-+±<>≤≥=~]*[\d.,:/%°'x×*-]+\s?(?:[a-zA-Zµμ°%]{1,4}(?:/[a-z]+)?)?$")
_QUANTITY = re.compile(
    r"^\d+[.,]\d+$|^0\d+$|^\d{6,}$|[%°]|^[+±]\d|^\d+/\d+$|^\d+\s?(?:[mcnkµ]?m|[kmµ]?g|[kmµn]?s|k?Hz|kW|mA|ml|dB)$"
)
#: A sign that is told from a number in a sentence by its own form: S862, 1140, 120a.
_TELLING = re.compile(r"^(?:[A-Z]{1,2}-?\d{2,5}[a-zA-Z]?|\d{3,4}[a-zA-Z]?)'{0,2}$")
_VALUE = re.compile(r"^[-+±]?\d*[.,]\d+%?$|^[-+±]?\d+(?:[.,]\d+)?\s?[%°]C?$")
#: A terminal or a coil at the end of a leader line.
_RING_BEFORE_OR_AFTER = re.compile(r"^[0oO]+[-~]+(?=.)|(?<=.)[-~]+[0oO]$")
#: Whatever stands around a sign and is neither letter nor digit nor prime.
_AROUND = re.compile(r"^[\W_]+|[^\w']+$|_+$")
#: The hook of a leader line before a lettered sign: rS720 is S720.
_HOOK_BEFORE = re.compile(r"^[a-z(](?=[A-Z]{1,2}\d{2,})")
#: A letter of a hand after digits, as a recogniser that knows Greek reads it: 225σ is 225a.
_LIKE_A, _LIKE_B = re.compile(r"(?<=\d)[ασ](?!\w)"), re.compile(r"(?<=\d)β(?!\w)")
#: Short words in capitals that flowcharts print; as letter signs they would be wrong more often than right.
_WORDS = frozenset(re.findall(r"\w+", "NO ON IN UP TO OF OR IF BY AT IS IT JA SI OK GO Y N"))
#: A zero, ring or dash of a drawing reads as one of these.
_RINGS_AND_BARS = frozenset("0OoQDIl|1")


@dataclass(frozen=True)
class Role:
    """``name`` is one of schemas.regions.REGION_ROLES; ``sign`` and ``labels`` are in normal form."""

    name: str
    sign: str | None = None
    labels: tuple[str, ...] = ()


_WORD = Role("word")

#: A reading and what it is.
Piece = tuple[Reading, Role]


def role_of(text: str) -> Role:
    """The role of a text by its form. Any string is allowed."""
    plain = spell(text)
    if labels := printed_labels(plain):
        return Role("figure label", labels=labels)
    if sign := as_sign(plain):
        return Role("sign", sign=sign)
    return Role("other number") if _NUMERIC.match(plain) else _WORD


def as_sign(text: str) -> str | None:
    """The reference sign in normal form (no brackets, spaces or trailing dots), or None."""
    bare = _RING_BEFORE_OR_AFTER.sub("", _AROUND.sub("", re.sub(r"\s+", "", text)))
    bare = _LIKE_B.sub("b", _LIKE_A.sub("a", _HOOK_BEFORE.sub("", bare)))
    if not _SIGN.match(bare) or any(map(_QUANTITY.search, (text.strip(), bare))) or bare.upper() in _WORDS:
        return None
    return bare


def pieces(readings: Sequence[Reading]) -> list[Piece]:
    """A sheet's readings with their roles; a line that holds signs among words is taken apart."""
    found = [piece for reading in _with_numbers(readings) for piece in _parts(reading)]
    lettering = _lettering(found)
    found = [(reading, role if _plausible(reading, role, lettering) else _WORD) for reading, role in found]
    return _without_values(found)


def _with_numbers(readings: Sequence[Reading]) -> list[Reading]:
    """Figure words put together with the number that follows them at a distance."""
    rest = list(readings)
    for word in [reading for reading in readings if is_figure_word(reading.text)]:
        numbers = [r for r in rest if r is not word and r.angle == word.angle and _follows(word, r)]
        if numbers:
            number = min(numbers, key=lambda r: float(np.linalg.norm(r.polygon[0] - word.polygon[1])))
            rest = [r for r in rest if r is not word and r is not number]
            rest.append(_together(word, number))
    return rest


def _follows(word: Reading, number: Reading) -> bool:
    """True for a number of the word's height on its line, less than two letters away."""
    height = word.height_px
    forward = word.polygon[1] - word.polygon[0]
    forward = forward / (float(np.linalg.norm(forward)) or 1.0)
    gap = float((number.polygon[0] - word.polygon[1]) @ forward)
    beside = float(np.linalg.norm((number.centre - word.centre) - ((number.centre - word.centre) @ forward) * forward))
    alike = 0.5 * height <= number.height_px <= 1.5 * height
    return (
        alike
        and -0.3 * height < gap < 2 * height
        and beside < 0.5 * height
        and bool(printed_labels(f"FIG. {number.text}"))
    )


def _parts(reading: Reading) -> list[Piece]:
    """One piece for a label, a word or a lone sign; signs apart from words."""
    whole = role_of(reading.text)
    if whole.name == "figure label" or not reading.words:
        return [(reading, whole)]
    roles = [role_of(word.text) for word in reading.words]
    if whole.sign and whole.sign[0].isalpha():  # S 600
        return [(reading, whole)]
    if all(role.name in ("sign", "other number") for role in roles):
        # A digit apart from the rest of its line is a piece of a number, or one of a table.
        alone = [len(word.text) == 1 for word in reading.words]
        return [
            (word, Role("other number") if single else role)
            for word, role, single in zip(reading.words, roles, alone, strict=True)
        ]
    last = len(roles) - 1
    named = [role.name == "sign" and _named(role.sign or "", i == last) for i, role in enumerate(roles)]
    result: list[Piece] = []
    for word, role, is_sign in zip(reading.words, roles, named, strict=True):
        if is_sign:
            result.append((word, role))
        elif result and result[-1][1] is _WORD:
            result[-1] = (_together(result[-1][0], word), _WORD)
        else:
            result.append((word, _WORD))
    return result


def _named(sign: str, at_the_end: bool) -> bool:
    """True for a sign that a line of words names: in its own form, or as "pump 12"."""
    return bool(_TELLING.match(sign)) or (at_the_end and len(sign) > 1 and sign[0].isdigit())


def _together(one: Reading, other: Reading) -> Reading:
    """Two neighbouring words as one reading."""
    corners = np.concatenate([one.polygon, other.polygon])
    start, reading_way = one.polygon[0], one.polygon[1] - one.polygon[0]
    across = one.polygon[3] - one.polygon[0]
    length = float(np.linalg.norm(reading_way)) or 1.0
    reach = float(((corners - start) @ (reading_way / length)).max())
    end = start + reading_way / length * reach
    letters = len(one.text) + len(other.text)
    return replace(
        one,
        polygon=np.stack([start, end, end + across, start + across]).astype(np.float32),
        text=f"{one.text} {other.text}",
        confidence=(one.confidence * len(one.text) + other.confidence * len(other.text)) / max(1, letters),
    )


def _lettering(found: Sequence[Piece]) -> float:
    """Usual height in pixels of the sheet's numerals, or of its words; 0 when nothing is clear."""
    clear = [(reading, role) for reading, role in found if reading.confidence > 0.9]
    numerals = [r.height_px for r, role in clear if role.sign and not _RINGS_AND_BARS.issuperset(role.sign)]
    words = [r.height_px for r, role in clear if len(r.text) > 2]
    sizes = numerals if len(numerals) > 1 else words
    return float(np.median(sizes)) if sizes else 0.0


def _plausible(reading: Reading, role: Role, lettering: float) -> bool:
    """False for a sign that its size and the doubt about it show to be a piece of the drawing."""
    if not role.sign:
        return True
    size = reading.height_px / lettering if lettering else 1.0
    sure = reading.confidence
    if len(role.sign) > 1:
        return 0.55 <= size <= 1.9 and (sure >= 0.95 or not role.sign.isalpha())
    if role.sign.isdigit():
        return sure >= 0.93 and 0.75 <= size <= 1.4 and role.sign != "0"
    return sure >= 0.98 and 0.8 <= size <= 1.35 and role.sign not in _RINGS_AND_BARS


def _without_values(found: list[Piece]) -> list[Piece]:
    """Plain numbers in line with decimals or percentages are a table's or an axis's."""
    values = [reading for reading, _ in found if _VALUE.match(reading.text) and reading.confidence > 0.6]
    if len(values) < 4:
        return found
    places = np.array([reading.centre for reading in values])

    def is_value(reading: Reading, role: Role) -> bool:
        if not (role.sign and role.sign.isdigit()):
            return False
        apart = np.abs(places - reading.centre)
        return int(np.count_nonzero(apart.min(axis=1) < 0.8 * reading.height_px)) >= 2

    return [(reading, Role("other number") if is_value(reading, role) else role) for reading, role in found]
