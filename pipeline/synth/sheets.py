"""Figures on a sheet: placed, labelled, turned, skewed; the image and the truth about it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.synth.figures import Figure
from pipeline.synth.geometry import Affine, Box, Point, bounds, corners, scaled, shifted, turned
from pipeline.synth.lettering import Hand, write
from pipeline.synth.raster import Canvas, rasterise, roughen
from pipeline.synth.sketch import Sketch, Text
from pipeline.synth.style import DrawingStyle
from pipeline.synth.tiff import PX_PER_MM

#: The usable area of a drawing sheet under Rule 46 EPC is 170 mm × 262 mm; the paper is A4.
_USABLE = (round(170 * PX_PER_MM), round(262 * PX_PER_MM))
_CAPTION_ROOM = 260  # a caption and the gaps around it
#: How many figures a sheet is meant to have; fewer where they would be drawn at less than this share of their size.
_FIGURES_A_SHEET = (1, 1, 1, 2, 2, 2, 3, 3, 4, 6, 8)
_SMALLEST = 0.65
#: A layout is chosen among those that are drawn at least at this share of the largest.
_GOOD_FIT = 0.8
_TOO_WIDE_FOR_A_LABEL_BESIDE = 900
_A4 = (round(210 * PX_PER_MM), round(297 * PX_PER_MM))


@dataclass(frozen=True)
class Wear:
    """How a sheet came to be: turned by the applicant, enlarged to fill it, skewed and worn by the scanner.

    ``skew`` in degrees, ``ragged`` the share of pixels, ``page`` a whole A4 page and not a cut-out.
    """

    skew: float = 0.0
    ragged: float = 0.0
    specks: int = 0
    page: bool = False
    turn: int = 0
    grow: float = 1.0


@dataclass(frozen=True)
class PlacedText:
    """A text on the finished sheet, in sheet pixels."""

    text: str
    kind: str
    polygon: tuple[Point, ...]
    angle: int
    figure: int | None


@dataclass(frozen=True)
class Sheet:
    """A finished sheet. ``boxes`` are the figures' tight boxes without their labels, in order."""

    image: Canvas
    figures: tuple[Figure, ...]
    boxes: tuple[tuple[int, int, int, int], ...]
    texts: tuple[PlacedText, ...]
    turn: int


def choose_wear(rng: random.Random, pages: bool) -> Wear:
    """Most scans are clean; some are skewed, ragged or speckled."""
    skew = rng.uniform(-0.7, 0.7) if rng.random() < 0.35 else 0.0
    page = pages and rng.random() < 0.25
    grow = rng.uniform(1.0, 1.6) if page else rng.choice((1.0, 1.0, 1.25))
    return Wear(skew, rng.choice((0.0, 0.03, 0.08, 0.15)), rng.choice((0, 0, 5, 30, 120)), page, 0, grow)


def grouped(figures: Sequence[Figure], style: DrawingStyle, rng: random.Random) -> list[tuple[list[Figure], int]]:
    """Up to eight figures a sheet, as many as fit without being drawn much smaller, and how the sheet is turned."""
    groups = []
    left = list(figures)
    while left:
        turn = rng.choice((90, 270)) if rng.random() < style.turned else 0
        room = _room(turn)
        count = min(len(left), rng.choice(_FIGURES_A_SHEET))
        while (
            count > 1 and _layouts([_with_room(f.sketch.bounds()) for f in left[:count]], room, 0.0)[0].fit < _SMALLEST
        ):
            count -= 1
        groups.append((left[:count], turn))
        left = left[count:]
    return groups


def compose(figures: Sequence[Figure], style: DrawingStyle, wear: Wear, rng: random.Random, number: str = "") -> Sheet:
    """Put the figures on one sheet below or beside each other, each with its label (``number``: '2/7' on a page).

    Figures too large for the sheet are drawn smaller. An empty label leaves the figure without a caption.
    """
    turn = wear.turn
    room = _room(turn)
    whole = Sketch()
    side = _label_side(figures, rng)
    cells = [_with_label(figure, style, index, side, rng) for index, figure in enumerate(figures)]
    spots = _arrange([cell.bounds() for cell in cells], room, rng)
    for cell, spot in zip(cells, spots, strict=True):
        whole.add(cell, shifted(*spot))
    parts = [_moved(figure.sketch.bounds(), spot) for figure, spot in zip(figures, spots, strict=True)]
    x0, y0, x1, y1 = whole.bounds()
    fit = min(wear.grow, room[0] / (x1 - x0), room[1] / (y1 - y0))
    if fit != 1.0:
        drawn = Sketch()
        drawn.add(whole, scaled(fit))
        parts = [(a * fit, b * fit, c * fit, d * fit) for a, b, c, d in parts]
        whole = drawn
    place, size = _on_paper(whole.bounds(), turn, wear, rng)
    if wear.page and number:
        hand = Hand("print") if rng.random() < 0.5 else style.label_hand
        at = _back(place, (size[0] / 2, 90.0))
        whole.texts.append(Text(number, at, 34, hand.suits(number), "number", -place.turn % 360))
    image = rasterise(whole, *size, place)
    boxes = tuple(_tight(image, box, place) for box in parts)
    texts = tuple(_placed(text, place) for text in whole.texts)
    roughen(image, rng, wear.ragged, wear.specks)
    return Sheet(image, tuple(figures), boxes, texts, turn)


def _room(turn: int) -> tuple[int, int]:
    """Width and height of the usable area as the drawing sees it."""
    return (_USABLE[1], _USABLE[0]) if turn else _USABLE


def _label_side(figures: Sequence[Figure], rng: random.Random) -> str:
    """Where the captions of a sheet stand: all at the same side of their figures."""
    widths = [box[2] - box[0] for box in (figure.sketch.bounds() for figure in figures)]
    side = rng.choice(("below", "below", "above", "above", "right"))
    return "below" if side == "right" and max(widths) > _TOO_WIDE_FOR_A_LABEL_BESIDE else side


def _with_label(figure: Figure, style: DrawingStyle, index: int, side: str, rng: random.Random) -> Sketch:
    """A copy of the figure's sketch with its caption below, above or to the right of it."""
    cell = Sketch()
    cell.add(figure.sketch, Affine())
    for text in cell.texts:
        text.figure = index
    if not figure.plan.label:
        return cell
    x0, y0, x1, y1 = cell.bounds()
    label = style.label_form.format(figure.plan.label)
    hand = style.label_hand.suits(label)
    wide, high = write(label, hand, style.label_cap_px).box[2], style.label_cap_px
    gap = rng.uniform(45, 90)
    at = {
        "below": ((x0 + x1) / 2 + rng.uniform(-0.1, 0.3) * (x1 - x0) * 0.5, y1 + gap + high / 2),
        "above": ((x0 + x1) / 2 + rng.uniform(-0.3, 0.3) * (x1 - x0) * 0.5, y0 - gap - high / 2),
        "right": (x1 + gap + wide, y0 + (y1 - y0) * rng.uniform(0.3, 0.9)),
    }[side]
    cell.write(label, at, style.label_cap_px, hand, "label").figure = index
    return cell


def _moved(box: Box, by: Point) -> Box:
    return box[0] + by[0], box[1] + by[1], box[2] + by[0], box[3] + by[1]


@dataclass(frozen=True)
class _Layout:
    """``spots``: where each box's origin goes; ``fit``: how much the whole may grow, or must shrink, for the sheet."""

    fit: float
    spots: list[Point]


def _arrange(boxes: Sequence[Box], room: tuple[int, int], rng: random.Random) -> list[Point]:
    """Where each box's origin goes: in rows or in columns of up to three, one of the layouts that fit well."""
    layouts = _layouts(boxes, room, rng.uniform(90, 170))
    return rng.choice([layout for layout in layouts if layout.fit >= _GOOD_FIT * layouts[0].fit]).spots


def _layouts(boxes: Sequence[Box], room: tuple[int, int], gap: float) -> list[_Layout]:
    """Every way to put the boxes, in order, into rows or columns; the one that is drawn largest first."""
    found = []
    for lengths in _compositions(len(boxes)):
        for in_columns in (False, True):
            spots = _laid_out(boxes, lengths, gap, in_columns)
            x0, y0, x1, y1 = _around([_moved(box, spot) for box, spot in zip(boxes, spots, strict=True)])
            found.append(_Layout(min(room[0] / (x1 - x0), room[1] / (y1 - y0)), spots))
    return sorted(found, key=lambda layout: -layout.fit)


def _compositions(count: int) -> list[list[int]]:
    """The ways to write ``count`` as a sum of ones, twos and threes, in order."""
    if count == 0:
        return [[]]
    return [[first, *rest] for first in (1, 2, 3) if first <= count for rest in _compositions(count - first)]


def _laid_out(boxes: Sequence[Box], lengths: Sequence[int], gap: float, in_columns: bool) -> list[Point]:
    """Rows of so many boxes one below the other, each centred; or columns beside each other."""
    along, across = (1, 0) if in_columns else (0, 1)
    spots: list[Point] = []
    start, left = 0.0, list(boxes)
    for length in lengths:
        line, left = left[:length], left[length:]
        total = sum(box[along + 2] - box[along] for box in line) + gap * (length - 1)
        deep, at = max(box[across + 2] - box[across] for box in line), -total / 2
        for box in line:
            middle = start + (deep - (box[across + 2] - box[across])) / 2 - box[across]
            spots.append((middle, at - box[along]) if in_columns else (at - box[along], middle))
            at += box[along + 2] - box[along] + gap
        start += deep + gap
    return spots


def _with_room(box: Box) -> Box:
    """A figure's box with what its caption and the gap take."""
    return box[0], box[1], box[2] + _CAPTION_ROOM / 2, box[3] + _CAPTION_ROOM


def _around(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _on_paper(box: Box, turn: int, wear: Wear, rng: random.Random) -> tuple[Affine, tuple[int, int]]:
    """The map from the drawing to the paper, and the paper's size."""
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    upright = shifted(-middle[0], -middle[1]).then(turned(turn)).then(turned(wear.skew))
    x0, y0, x1, y1 = bounds(upright(p) for p in corners(box))
    if wear.page:
        width, height = _A4
        free_x, free_y = width - (x1 - x0), height - (y1 - y0)
        left, top = free_x * rng.uniform(0.4, 0.6), max(free_y * rng.uniform(0.4, 0.6), min(170.0, free_y))
    else:
        left, top, right, bottom = (rng.uniform(12, 60) for _ in range(4))
        width, height = math.ceil(x1 - x0 + left + right), math.ceil(y1 - y0 + top + bottom)
    return upright.then(shifted(left - x0, top - y0)), (width, height)


def _back(place: Affine, point: Point) -> Point:
    """Where on the drawing a point of the paper comes from."""
    scale = place.a * place.e - place.b * place.d
    x, y = point[0] - place.c, point[1] - place.f
    return (place.e * x - place.b * y) / scale, (place.a * y - place.d * x) / scale


def _placed(text: Text, place: Affine) -> PlacedText:
    polygon = tuple((round(x, 1), round(y, 1)) for x, y in text.polygon(place))
    return PlacedText(text.text, text.kind, polygon, (text.angle + place.turn) % 360, text.figure)


def _tight(image: Canvas, box: Box, place: Affine) -> tuple[int, int, int, int]:
    """The box on the paper, shrunk to the ink inside it; right and bottom exclusive."""
    x0, y0, x1, y1 = bounds(place(p) for p in corners(box))
    left, top = max(0, math.floor(x0) - 1), max(0, math.floor(y0) - 1)
    ink = image[top : math.ceil(y1) + 2, left : math.ceil(x1) + 2]
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1
