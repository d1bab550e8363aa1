"""From lines that were read to readings on the sheet: words, places, what is no character after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from pipeline.ocr.crops import part, polygon, turned_back
from pipeline.ocr.ctc import Alternative, Char, Chars, alternatives, confidence, greedy
from pipeline.ocr.engines import Reading
from pipeline.ocr.lines import Line
from pipeline.ocr.turns import ReadLine

#: White space that parts two words, as a share of the letters' height.
_BETWEEN_WORDS = 0.8
#: A degree sign is at most this share of its digits' height, a tilde or the end of a leader line of its neighbours'.
_RING, _TILDE = 0.65, 0.6
#: Two readings that share this much of the smaller one's box are of the same place.
_SAME_PLACE = 0.3
#: A character less sure than this counts against a reading.
_DOUBTFUL = 0.75
#: Texts of up to so many characters that are less sure than this keep other ways to read them, so many at most.
_SHORT, _SETTLED, _MOST = 8, 0.98, 4


def page_readings(
    lines: Sequence[ReadLine], turn: int, page_shape: tuple[int, int], alphabet: Sequence[str]
) -> list[Reading]:
    """The readings of a page that was set upright by ``turn``, in pixels of the sheet as it stood before."""
    height, width = page_shape if turn in (0, 180) else page_shape[::-1]
    return [reading for line in lines for reading in _readings(line, turn, (height, width), alphabet)]


def clearest(readings: Sequence[Reading]) -> list[Reading]:
    """Of readings of one place the one with the most and surest characters."""
    kept: list[Reading] = []
    boxes = np.zeros((0, 4), dtype=np.float32)
    for reading in sorted(readings, key=lambda r: len(r.text) * (_DOUBTFUL - r.confidence)):
        box = np.concatenate([reading.polygon.min(axis=0), reading.polygon.max(axis=0)])
        shared = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
        area = np.maximum(shared, 0).prod(axis=1)
        smaller = np.minimum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), (box[2:] - box[:2]).prod())
        if not (area > _SAME_PLACE * smaller).any():
            kept.append(reading)
            boxes = np.concatenate([boxes, box[None]])
    return kept


def enlarged(reading: Reading, factor: int) -> Reading:
    """The reading of a sheet that was reduced by a factor, on the sheet itself."""
    words = tuple(enlarged(word, factor) for word in reading.words)
    return replace(reading, polygon=(reading.polygon * factor).astype(np.float32), words=words)


def _readings(read: ReadLine, page_turn: int, shape: tuple[int, int], alphabet: Sequence[str]) -> list[Reading]:
    """The line as a reading; none when nothing was read.

    A character that stands alone and touches the drawing is a piece of the drawing more often than not.
    """
    line, turn = read.line, read.turn
    chars = _without_tildes(greedy(read.steps, alphabet), letter_heights(line, turn))
    chars = _with_degrees(chars, letter_heights(line, turn))
    words = _words(chars, word_gaps(line, turn))
    if not words or (not line.clean and sum(map(len, words)) == 1):
        return []
    angle = (turn + page_turn) % 360

    def place(start: float, stop: float, word: Sequence[Char]) -> Reading:
        there = turned_back(part(line.box, turn, start, stop), page_turn, shape[0], shape[1])
        text = "".join(c.text for c in word)
        return Reading(polygon(there, angle), text, confidence(word), angle)

    def alone(start: float, stop: float, word: Sequence[Char]) -> Reading:
        reading = place(start, stop, word)
        return replace(reading, alternatives=_alternatives(read, reading, start, stop, alphabet))

    if len(words) == 1:
        return [alone(0.0, 1.0, words[0])]
    inner = tuple(
        alone(start, stop, word) for word, (start, stop) in zip(words, _extents(words), strict=True)
    )  # fmt: skip
    whole = place(0.0, 1.0, [char for word in words for char in word])
    return [replace(whole, text=" ".join(word.text for word in inner), words=inner)]


def _alternatives(
    read: ReadLine, reading: Reading, start: float, stop: float, alphabet: Sequence[str]
) -> tuple[Alternative, ...]:
    if len(reading.text) > _SHORT or reading.confidence >= _SETTLED:
        return ()
    found = alternatives(read.steps, alphabet, start, stop, _MOST + 1)
    return tuple(other for other in found if other.text.strip() != reading.text)[:_MOST]


def letter_heights(line: Line, turn: int) -> tuple[int, ...]:
    """Heights in pixels of the line's components in reading direction; empty for a crop that is not clean."""
    return line.heights if turn in (0, 90) else line.heights[::-1]


def word_gaps(line: Line, turn: int) -> list[float]:
    """Middles of the white space between words, as shares of the crop's length in reading direction."""
    if not line.starts:
        return []
    wide = _BETWEEN_WORDS * line.size / line.crop.shape[0 if line.axis == 1 else 1]
    gaps, reached = [], line.ends[0]
    for start, end in zip(line.starts[1:], line.ends[1:], strict=True):
        if start - reached > wide:
            middle = (start + reached) / 2
            gaps.append(middle if turn in (0, 90) else 1 - middle)
        reached = max(reached, end)
    return sorted(gaps)


def _with_degrees(chars: Chars, heights: Sequence[int]) -> Chars:
    """A ring much smaller than the digits before it is a degree sign, which recognisers take for a zero."""
    if len(chars) != len(heights) or len(chars) < 2 or chars[-1].text not in "0oO":
        return chars
    if not chars[-2].text.isdigit() or heights[-1] > _RING * max(heights[:-1]):
        return chars
    return (*chars[:-1], chars[-1]._replace(text="°"))


def _without_tildes(chars: Chars, heights: Sequence[int]) -> Chars:
    """A digit much lower than those it stands before or behind is the tilde or hook at the end of a leader line."""
    if len(chars) != len(heights) or len(chars) < 3:
        return chars
    first, last = (
        chars[end].text.isdigit() and heights[end] < _TILDE * max(heights) and chars[end].text != "0" for end in (0, -1)
    )
    return chars[int(first) : len(chars) - int(last)]


def _words(chars: Chars, gaps: Sequence[float]) -> list[list[Char]]:
    """Characters parted at spaces that were read, at white space that is wide, and after a bracket."""
    words: list[list[Char]] = [[]]
    last = Char(" ", 1.0, 0.0)
    for char in chars:
        if char.text == " " or last.text == ")" or any(last.at < gap < char.at for gap in gaps):
            words.append([])
        if char.text != " ":
            words[-1].append(char)
        last = char
    return [word for word in words if word]


def _extents(words: Sequence[Sequence[Char]]) -> list[tuple[float, float]]:
    """Where each word begins and ends, as shares of the line: half-way to the neighbouring words."""
    cuts = [0.0, *((a[-1].at + b[0].at) / 2 for a, b in pairwise(words)), 1.0]
    return [(float(np.clip(a, 0, 1)), float(np.clip(b, a, 1))) for a, b in pairwise(cuts)]
