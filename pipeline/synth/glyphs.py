"""A drafting alphabet: every character as the pen strokes that a draughtsman would make.

Units: cap height 20, x-height 13, baseline 0, y upwards. Strokes are separated by ``|``; a stroke that
begins with ``~`` is a smooth curve through its points, any other is a polyline. Drawn as vectors, the
letters look the same under every version of every library.
"""

from __future__ import annotations

from functools import cache

Stroke = tuple[tuple[float, float], ...]

CAP_HEIGHT = 20.0
#: Free space between two characters.
SPACING = 5.0
SPACE = 8.0

_GLYPHS = {
    "0": "~6,20 1,16 0,10 1,4 6,0 11,4 12,10 11,16 6,20",
    "1": "1,16 5,20 5,0",
    "2": "~0,15 2,19 6,20 10,19 12,15 9,9 4,4 0,0|0,0 12,0",
    "3": "~0,17 2,19 6,20 11,18 11,13 8,11 4,11|~4,11 10,10 12,6 11,2 6,0 2,1 0,4",
    "4": "9,0 9,20 0,6 12,6",
    "5": "11,20 2,20 1,11|~1,11 5,13 10,11 12,7 10,2 5,0 0,3",
    "6": "~11,18 7,20 2,16 0,8 1,2 6,0 11,2 12,6 10,11 6,12 2,10 0,7",
    "7": "0,20 12,20 4,0",
    "8": "~6,11 2,13 1,17 6,20 11,17 10,13 6,11|~6,11 1,9 0,5 2,1 6,0 10,1 12,5 11,9 6,11",
    "9": "~1,2 5,0 10,4 12,12 11,18 6,20 1,18 0,14 2,9 6,8 10,10 12,13",
    "A": "0,0 7,20 14,0|2.5,7 11.5,7",
    "B": "0,0 0,20 6,20|~6,20 11,18 11,13 6,11|0,11 6,11|~6,11 12,9 12,2 6,0|6,0 0,0",
    "C": "~13,16 11,19 7,20 2,17 0,10 2,3 7,0 11,1 13,4",
    "D": "0,0 0,20 5,20|~5,20 11,17 13,10 11,3 5,0|5,0 0,0",
    "E": "11,20 0,20 0,0 11,0|0,11 9,11",
    "F": "11,20 0,20 0,0|0,11 9,11",
    "G": "~13,16 11,19 7,20 2,17 0,10 2,3 7,0 11,1 13,4|13,4 13,9 8,9",
    "H": "0,0 0,20|13,0 13,20|0,11 13,11",
    "I": "0,0 0,20",
    "J": "9,20 9,5|~9,5 8,1 4,0 1,1 0,5",
    "K": "0,0 0,20|12,20 0,8|4,12 12,0",
    "L": "0,20 0,0 11,0",
    "M": "0,0 0,20 8,4 16,20 16,0",
    "N": "0,0 0,20 13,0 13,20",
    "O": "~7,20 2,17 0,10 2,3 7,0 12,3 14,10 12,17 7,20",
    "P": "0,0 0,20 6,20|~6,20 11,19 12,15 11,11 6,10|6,10 0,10",
    "Q": "~7,20 2,17 0,10 2,3 7,0 12,3 14,10 12,17 7,20|9,5 14,-2",
    "R": "0,0 0,20 6,20|~6,20 11,19 12,15 11,11 6,10|6,10 0,10|6,10 12,0",
    "S": "~12,17 10,19 6,20 2,19 0,15 3,12 9,9 12,5 10,1 6,0 2,1 0,4",
    "T": "0,20 13,20|6.5,20 6.5,0",
    "U": "0,20 0,6|~0,6 2,1 6.5,0 11,1 13,6|13,6 13,20",
    "V": "0,20 7,0 14,20",
    "W": "0,20 5,0 10,17 15,0 20,20",
    "X": "0,0 13,20|0,20 13,0",
    "Y": "0,20 6.5,10 13,20|6.5,10 6.5,0",
    "Z": "0,20 12,20 0,0 12,0",
    "a": "~10,9 8,12 5,13 1,11 0,6 2,1 5,0 8,1 10,4|10,13 10,0",
    "b": "0,20 0,0|~0,9 2,12 5,13 9,11 10,6 8,1 5,0 2,1 0,4",
    "c": "~9,10 7,12.5 5,13 1,11 0,6 2,1 5,0 7,0.5 9,3",
    "d": "~10,9 8,12 5,13 1,11 0,6 2,1 5,0 8,1 10,4|10,20 10,0",
    "e": "0,7 10,7|~10,7 9,11 5,13 1,11 0,6 2,1 5,0 8,0.5 10,3",
    "f": "~8,19 5,20 3,17 3,13|3,13 3,0|0,13 7,13",
    "g": "~10,9 8,12 5,13 1,11 0,6 2,1 5,0 8,1 10,4|10,13 10,-2|~10,-2 8,-6 5,-7 1,-5",
    "h": "0,20 0,0|~0,8 2,12 5,13 8,12 9,8|9,8 9,0",
    "i": "0,13 0,0|0,17 0,18.5",
    "j": "3,13 3,-3|~3,-3 2,-6 -1,-7|3,17 3,18.5",
    "k": "0,20 0,0|9,13 0,5|3,8 9,0",
    "l": "0,20 0,0",
    "m": "0,13 0,0|~0,8 2,12 4,13 7,12 8,8|8,8 8,0|~8,8 10,12 12,13 15,12 16,8|16,8 16,0",
    "n": "0,13 0,0|~0,8 2,12 5,13 8,12 9,8|9,8 9,0",
    "o": "~5,13 1,11 0,6.5 1,2 5,0 9,2 10,6.5 9,11 5,13",
    "p": "0,13 0,-7|~0,9 2,12 5,13 9,11 10,6 8,1 5,0 2,1 0,4",
    "q": "~10,9 8,12 5,13 1,11 0,6 2,1 5,0 8,1 10,4|10,13 10,-7",
    "r": "0,13 0,0|~0,7 2,11 5,13 7,12.5",
    "s": "~8,11 6,13 3,13 0,10 3,7 7,6 9,3 6,0 3,0 0,2",
    "t": "3,18 3,4|~3,4 4,1 6,0 8,1|0,13 7,13",
    "u": "0,13 0,5|~0,5 1,1 4,0 7,1 9,5|9,13 9,0",
    "v": "0,13 5,0 10,13",
    "w": "0,13 4,0 8,11 12,0 16,13",
    "x": "0,0 9,13|0,13 9,0",
    "y": "0,13 5,0|10,13 5,0 2,-7 0,-7",
    "z": "0,13 9,13 0,0 9,0",
    "ß": "0,0 0,15|~0,15 2,19 5,20 9,18 8,13 5,11|~5,11 9,9 10,4 8,1 4,0",
    ".": "0,0 0,1.2",
    ",": "1,1 0,-3",
    ":": "0,1 0,2.2|0,10 0,11.2",
    ";": "1,1 0,-3|1,10 1,11.2",
    "-": "0,9 7,9",
    "–": "0,9 10,9",
    "+": "0,9 12,9|6,3 6,15",
    "=": "0,7 11,7|0,12 11,12",
    "/": "0,-2 8,21",
    "(": "~4,22 1,17 0,10 1,3 4,-3",
    ")": "~0,22 3,17 4,10 3,3 0,-3",
    "[": "4,22 0,22 0,-3 4,-3",
    "]": "0,22 4,22 4,-3 0,-3",
    "'": "1,21 0,15",
    "?": "~0,16 1,19 5,20 9,18 9,14 5,10 4,6|4,0 4,1.2",
    "%": "~3,20 0,18 0,14 3,12 6,14 6,18 3,20|13,20 2,0|~12,8 9,6 9,2 12,0 15,2 15,6 12,8",
    "°": "~3,21 0,18 3,15 6,18 3,21",
    "<": "11,16 0,9 11,2",
    ">": "0,16 11,9 0,2",
    "&": "~13,8 9,1 5,0 1,1 0,5 3,9 7,13 8,17 5,20 2,18 3,13 12,0",
}
#: Marks over a letter of x-height; over capitals they are raised.
_ACCENTS = {
    "¨": "2,16.5 2,18|8,16.5 8,18",
    "´": "4,16 7,20",
    "`": "6,16 3,20",
    "^": "2,16 5,19.5 8,16",
    "¸": "~5,0 6,-3 3,-5",
}
_COMPOSED = {
    "ä": "a¨", "ö": "o¨", "ü": "u¨", "Ä": "A¨", "Ö": "O¨", "Ü": "U¨", "é": "e´", "è": "e`", "ê": "e^", "ë": "e¨",
    "à": "a`", "â": "a^", "î": "i^", "ï": "i¨", "ô": "o^", "û": "u^", "ù": "u`", "ç": "c¸", "É": "E´", "È": "E`",
    "Ê": "E^", "À": "A`", "Â": "A^", "Ç": "C¸", "Ô": "O^", "Î": "I^", "Û": "U^",
}  # fmt: skip


def drawable(text: str) -> bool:
    """True when the alphabet has every character of ``text``."""
    return all(char in _GLYPHS or char in _COMPOSED or char == " " for char in text)


@cache
def glyph(char: str) -> tuple[tuple[Stroke, ...], float]:
    """The strokes of a character and its width, in alphabet units. Raises KeyError for an unknown one."""
    if char == " ":
        return (), SPACE
    if char in _COMPOSED:
        base, accent = _COMPOSED[char][0], _COMPOSED[char][1]
        strokes, width = glyph(base)
        if base == "i":
            strokes = strokes[:1]
        lift = 6.5 if base.isupper() else 0.0
        lift = 0.0 if accent == "¸" else lift
        shift = width / 2 - 5.0
        marks = tuple(tuple((x + shift, y + lift) for x, y in stroke) for stroke in _parse(_ACCENTS[accent]))
        return strokes + marks, width
    strokes = _parse(_GLYPHS[char])
    return strokes, max(x for stroke in strokes for x, _ in stroke)


def _parse(text: str) -> tuple[Stroke, ...]:
    strokes = []
    for part in text.split("|"):
        numbers = [tuple(map(float, pair.split(","))) for pair in part.lstrip("~").split()]
        points = tuple((x, y) for x, y in numbers)
        strokes.append(smooth(points) if part.startswith("~") else points)
    return tuple(strokes)


def smooth(points: Stroke, pieces: int = 5) -> Stroke:
    """A Catmull-Rom curve through the points, as a polyline; closed when the first point is the last."""
    closed = points[0] == points[-1]
    before = points[-2] if closed else points[0]
    after = points[1] if closed else points[-1]
    padded = (before, *points, after)
    curve = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(pieces):
            t = step / pieces
            curve.append((_spline(p0[0], p1[0], p2[0], p3[0], t), _spline(p0[1], p1[1], p2[1], p3[1], t)))
    return (*curve, points[-1])


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
