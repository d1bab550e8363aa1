"""Writing on a drawing: a hand (face, slant, weight) turns a text into strokes or into a bitmap."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.synth.geometry import Box, Point
from pipeline.synth.glyphs import CAP_HEIGHT, SPACING, glyph

#: drafting: pen of one width; roman: broad pen with serifs; stencil: strokes with gaps; hand: unsteady pen;
#: print: the outline font that Pillow carries; any other value is the path of a font file.
FACES = ("drafting", "roman", "stencil", "hand", "print")
_DRAWN = frozenset({"drafting", "roman", "stencil", "hand"})
_PRINT_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:;-+=/()[]'?%<>&")


@dataclass(frozen=True)
class Hand:
    """How one hand letters. ``weight`` is the pen's width as a share of the cap height."""

    face: str = "drafting"
    slant: float = 0.0
    stretch: float = 1.0
    weight: float = 0.11

    def suits(self, text: str) -> Hand:
        """This hand, or the drafting hand where the face lacks a character of the text."""
        if self.face == "print" and not _PRINT_CHARACTERS.issuperset(text):
            return Hand(stretch=self.stretch, weight=self.weight)
        return self


@dataclass(frozen=True)
class Written:
    """A text in pixels around its anchor: the middle of its width at half its cap height.

    ``strokes`` (with ``pen`` = width and height of the nib) or ``mask`` (0/1 bytes, laid at the corner of ``box``).
    """

    box: Box
    strokes: tuple[tuple[Point, ...], ...]
    pen: tuple[float, float]
    mask: NDArray[np.uint8] | None


@lru_cache(maxsize=4096)
def write(text: str, hand: Hand, cap_px: int) -> Written:
    """Letter ``text`` with capitals ``cap_px`` high. Raises KeyError for a character the drawn faces lack."""
    hand = hand.suits(text)
    return _draw(text, hand, cap_px) if hand.face in _DRAWN else _print(text, hand, cap_px)


def _draw(text: str, hand: Hand, cap_px: int) -> Written:
    scale = cap_px / CAP_HEIGHT
    pen = max(2.0, hand.weight * cap_px)
    nib = (pen, pen) if hand.face != "roman" else (pen * 1.15, max(2.0, pen * 0.45))
    # Unsteady on purpose, the same for the same text.
    rng = random.Random(f"{text}/{hand}")  # noqa: S311
    unsteady = 0.5 if hand.face == "hand" else 0.0
    strokes: list[tuple[Point, ...]] = []
    x = 0.0
    for char in text:
        parts, width = glyph(char)
        lean, drop = rng.uniform(-0.1, 0.1) * unsteady, rng.uniform(-1.2, 1.2) * unsteady
        for part in parts:
            points = [
                (x + px + (py - 10) * (hand.slant + lean) + rng.uniform(-unsteady, unsteady) * 0.4, py + drop)
                for px, py in part
            ]
            strokes.extend(_serifs(points, char) if hand.face == "roman" else ())
            strokes.extend(_gaps(points) if hand.face == "stencil" else (tuple(points),))
        x += width + SPACING + (2.0 if hand.face == "roman" else 0.0)
    placed = [
        tuple((px * scale * hand.stretch, (CAP_HEIGHT / 2 - py) * scale) for px, py in stroke) for stroke in strokes
    ]
    xs = [px for stroke in placed for px, _ in stroke]
    ys = [py for stroke in placed for _, py in stroke]
    middle = (min(xs) + max(xs)) / 2
    centred = tuple(tuple((px - middle, py) for px, py in stroke) for stroke in placed)
    half_w, half_h = nib[0] / 2, nib[1] / 2
    reach = (max(xs) - min(xs)) / 2
    return Written((-reach - half_w, min(ys) - half_h, reach + half_w, max(ys) + half_h), centred, nib, None)


def _serifs(points: list[Point], char: str) -> list[tuple[Point, ...]]:
    """Short feet across the ends of upright straight strokes of letters and of the digit 1."""
    if not (char.isalpha() or char == "1") or len(points) > 5:
        return []
    feet: list[tuple[Point, ...]] = []
    for end, other in ((points[0], points[1]), (points[-1], points[-2])):
        upright = abs(end[1] - other[1]) > 2 * abs(end[0] - other[0])
        if upright and round(end[1]) in (0, 13, 20, -7):
            feet.append(((end[0] - 2.6, end[1]), (end[0] + 2.6, end[1])))
    return feet


def _gaps(points: list[Point]) -> list[tuple[Point, ...]]:
    """The stroke with a bridge cut out of its middle, as a stencil needs where a stroke is long."""
    lengths = [math.dist(a, b) for a, b in pairwise(points)]
    total = sum(lengths)
    if total < 14:
        return [tuple(points)]
    first: list[Point] = [points[0]]
    second: list[Point] = []
    cut_from, cut_to, run = total * 0.5 - 2.4, total * 0.5 + 2.4, 0.0
    for a, b, length in zip(points, points[1:], lengths, strict=False):
        for at, piece in ((cut_from, first), (cut_to, second)):
            if run <= at < run + length:
                share = (at - run) / length
                piece.append((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share))
        run += length
        if run < cut_from:
            first.append(b)
        elif run >= cut_to:
            second.append(b)
    return [tuple(first), tuple(second)]


@lru_cache(maxsize=64)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    if face == "print":
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise RuntimeError("this build of Pillow has no FreeType; install a wheel of Pillow that has it")
        return font
    return ImageFont.truetype(face, size)


def _print(text: str, hand: Hand, cap_px: int) -> Written:
    trial = _font(hand.face, 100).getbbox("H")
    font = _font(hand.face, max(6, round(100 * cap_px / (trial[3] - trial[1]))))
    top, bottom = font.getbbox("H")[1], font.getbbox("H")[3]
    x0, y0, x1, y1 = (int(v) for v in font.getbbox(text))
    image = Image.new("L", (x1 - x0 + 4, y1 - y0 + 4), 0)
    ImageDraw.Draw(image).text((2 - x0, 2 - y0), text, fill=255, font=font)
    if hand.stretch != 1.0:
        image = image.resize((max(1, round(image.width * hand.stretch)), image.height))
    mask = (np.asarray(image) > 127).astype(np.uint8)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    mask = np.ascontiguousarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    height, width = mask.shape
    upper = y0 + int(rows[0]) - 2 - (top + bottom) / 2
    return Written((-width / 2, upper, width / 2, upper + height), (), (0.0, 0.0), mask)
