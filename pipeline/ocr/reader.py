"""Reading a batch of sheets with a detector and a recogniser, whichever they are.

A sheet's text mostly stands one way; which, a sample of its lines tells. A sheet that stands turned is set
upright and detected again, since detectors see upright text best. Lines that run across it are read as
they are, lines along it at the turn that their sample reads best at, single characters like the numerals
around them. Crops of all sheets share the recogniser's batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np

from pipeline.ocr.crops import part, polygon, turned_back, upright
from pipeline.ocr.ctc import Char, Chars, confidence
from pipeline.ocr.engines import Reading
from pipeline.ocr.ink import Ink, find_ink, without_screens
from pipeline.ocr.lines import Line, Patch, cut, find_lines, letter_heights, word_gaps
from pipeline.pixels import Sheet

#: Lines of a sheet that are read both ways to settle a turn.
_SAMPLE = 12
#: A sheet is set upright when its lines along hold this many times the characters of those across.
_MOSTLY = 1.5
#: Single characters are read one way only when that many times more numerals stand so.
_ONE_WAY = 4
#: Characters less sure than this count against a reading of the sheet.
_DOUBTFUL = 0.75
#: Confidence by which a line must read better to stand against its neighbours.
_MUCH = 0.15
#: A degree sign is at most this share of its digits' height.
_RING = 0.65
#: Two readings that share this much of the smaller one's box are of the same place.
_SAME_PLACE = 0.3


class Detector(Protocol):
    def patches(self, images: Sequence[Sheet]) -> list[list[Patch]]:
        """Where text is on each sheet, in its pixels."""
        ...


class Recogniser(Protocol):
    def chars(self, crops: Sequence[Sheet]) -> list[Chars]:
        """The characters in upright crops (uint8, 0 ink)."""
        ...


@dataclass(frozen=True)
class Page:
    """A sheet set upright by ``turn``, with its lines and their crops."""

    sheet: Sheet
    turn: int
    ink: Ink
    lines: list[Line]

    def crop(self, line: int, turn: int) -> Sheet:
        return upright(cut(self.sheet, self.ink, self.lines[line]), turn)

    def along(self, axis: int | None) -> list[int]:
        return [i for i, line in enumerate(self.lines) if line.axis == axis]


#: Which line of which page, at which turn.
_Place = tuple[int, int, int]


def read(images: Sequence[Sheet], detector: Detector, recogniser: Recogniser) -> list[list[Reading]]:
    """The text of each sheet.

    A screened or dusty sheet is read as it is and cleaned, and place by place the clearer reading stands:
    cleaning saves black letters on grey and spoils fine grey ones.
    """
    cleaned = [(n, sheet) for n, image in enumerate(images) if (sheet := without_screens(image)) is not None]
    found = _read_sheets([*images, *(sheet for _, sheet in cleaned)], detector, recogniser)
    readings = found[: len(images)]
    for (n, _), other in zip(cleaned, found[len(images) :], strict=True):
        readings[n] = _clearest([*readings[n], *other])
    return readings


def _clearest(readings: Sequence[Reading]) -> list[Reading]:
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


def _read_sheets(images: Sequence[Sheet], detector: Detector, recogniser: Recogniser) -> list[list[Reading]]:
    pages = _pages(images, [0] * len(images), detector)
    known: dict[_Place, Chars] = {}
    turns = _sample(pages, range(len(pages)), recogniser, known)
    leaning = [n for n, page in enumerate(pages) if _mostly_along(page)]
    again = [upright(pages[n].sheet, turns[n]).copy() for n in leaning]
    for n, page in zip(leaning, _pages(again, [turns[n] for n in leaning], detector), strict=True):
        pages[n] = page
        known = {place: chars for place, chars in known.items() if place[0] != n}
    turns |= _sample(pages, leaning, recogniser, known)
    across = [(n, i, 0) for n, page in enumerate(pages) for i in page.along(0)]
    along = [(n, i, turns[n]) for n, page in enumerate(pages) for i in page.along(1)]
    _read(pages, [*across, *along], recogniser, known)
    other_way = {(n, i, turn): (n, i, 360 - turn) for n, i, turn in along}
    _read(pages, [other_way[p] for p in along if confidence(known[p]) < _DOUBTFUL], recogniser, known)
    lines = [*across, *(_surer(place, other_way[place], known) for place in along)]
    single = {
        (n, i): _turns_of_singles(n, page, turns[n], known) for n, page in enumerate(pages) for i in page.along(None)
    }
    _read(pages, [(n, i, turn) for (n, i), choices in single.items() for turn in choices], recogniser, known)
    lines += [
        (n, i, max(choices, key=lambda turn: confidence(known[n, i, turn]))) for (n, i), choices in single.items()
    ]
    readings: list[list[Reading]] = [[] for _ in images]
    for place in lines:
        readings[place[0]] += _reading(pages[place[0]], place[1], place[2], known[place], images[place[0]].shape)
    return readings


def _pages(sheets: Sequence[Sheet], turns: Sequence[int], detector: Detector) -> list[Page]:
    pages = []
    for sheet, turn, patches in zip(sheets, turns, detector.patches(sheets), strict=True):
        ink = find_ink(sheet)
        pages.append(Page(sheet, turn, ink, find_lines(ink, patches)))
    return pages


def _read(pages: Sequence[Page], places: Iterable[_Place], recogniser: Recogniser, known: dict[_Place, Chars]) -> None:
    """Read what is not known yet, in one call."""
    todo = [place for place in dict.fromkeys(places) if place not in known]
    crops = [pages[n].crop(line, turn) for n, line, turn in todo]
    known.update(zip(todo, recogniser.chars(crops), strict=True))


def _sample(
    pages: Sequence[Page], which: Iterable[int], recogniser: Recogniser, known: dict[_Place, Chars]
) -> dict[int, int]:
    """The turn, 90 or 270, at which the longest lines along each page read best."""
    samples = {
        n: sorted(pages[n].along(1), key=lambda i, n=n: -len(pages[n].lines[i].glyphs))[:_SAMPLE]  # type: ignore[misc]
        for n in which
    }
    _read(pages, [(n, i, turn) for n, lines in samples.items() for i in lines for turn in (90, 270)], recogniser, known)
    turns = {}
    for n, lines in samples.items():
        votes = {turn: sum(_weight(known[n, i, turn]) for i in lines) for turn in (90, 270)}
        turns[n] = 90 if votes[90] > votes[270] else 270
    return turns


def _surer(usual: _Place, other: _Place, known: dict[_Place, Chars]) -> _Place:
    """The usual turn of the page's lines along it, unless the other one reads much better."""
    better = other in known and confidence(known[other]) > confidence(known[usual]) + _MUCH
    return other if better else usual


def _weight(chars: Chars) -> float:
    return len(chars) * confidence(chars) ** 2


def _mostly_along(page: Page) -> bool:
    across, along = (sum(max(1, len(page.lines[i].glyphs)) for i in page.along(axis)) for axis in (0, 1))
    return along >= 4 and along > _MOSTLY * across


def _turns_of_singles(n: int, page: Page, turn: int, known: dict[_Place, Chars]) -> tuple[int, ...]:
    """The turns at which a page's single characters may stand: those of its numerals."""
    across = sum(_is_numeral(known[n, i, 0]) for i in page.along(0))
    along = sum(_is_numeral(known[n, i, turn]) for i in page.along(1))
    if not across + along:
        across, along = len(page.along(0)), len(page.along(1))
    if across >= _ONE_WAY * along:
        return (0,)
    return (turn,) if along >= _ONE_WAY * across else (0, turn)


def _is_numeral(chars: Chars) -> bool:
    return 0 < len(chars) <= 6 and any(char.text.isdigit() for char in chars) and confidence(chars) > 0.8


def _reading(page: Page, index: int, turn: int, chars: Chars, shape: tuple[int, ...]) -> list[Reading]:
    """The line as a reading in the sheet's own pixels; none when nothing was read.

    A character that stands alone and touches the drawing is a piece of the drawing more often than not.
    """
    line = page.lines[index]
    chars = _with_degrees(chars, letter_heights(page.ink, line, turn))
    words = _words(chars, word_gaps(page.ink, line, turn))
    if not words or (not line.clean and sum(map(len, words)) == 1):
        return []
    angle = (turn + page.turn) % 360
    box = line.box

    def place(start: float, stop: float, word: Sequence[Char]) -> Reading:
        there = turned_back(part(box, turn, start, stop), page.turn, shape[0], shape[1])
        return Reading(polygon(there, angle), "".join(c.text for c in word), confidence(word), angle)

    extents = zip(words, _extents(words), strict=True)
    inner = tuple(place(start, stop, word) for word, (start, stop) in extents)
    if len(inner) == 1:
        return [place(0.0, 1.0, words[0])]
    whole = place(0.0, 1.0, [char for word in words for char in word])
    return [replace(whole, text=" ".join(word.text for word in inner), words=inner)]


def _with_degrees(chars: Chars, heights: Sequence[int]) -> Chars:
    """A ring much smaller than the digits before it is a degree sign, which recognisers take for a zero."""
    if len(chars) != len(heights) or len(chars) < 2 or chars[-1].text not in "0oO":
        return chars
    if not chars[-2].text.isdigit() or heights[-1] > _RING * max(heights[:-1]):
        return chars
    return (*chars[:-1], chars[-1]._replace(text="°"))


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
