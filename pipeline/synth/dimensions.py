"""What engineers add to views: dimensions, angles and the letters of a section. None of it is a reference sign."""

from __future__ import annotations

import math
import random

from pipeline.synth.geometry import Point, arc
from pipeline.synth.lettering import Hand, write
from pipeline.synth.sketch import CENTRE, THIN, Sketch

_OUT = 70.0  # how far a dimension line stands off the object, px


def dimension(sketch: Sketch, hand: Hand, cap_px: int, rng: random.Random) -> None:
    """A width below the object or a height beside it, with its number above the line."""
    x0, y0, x1, y1 = sketch.bounds()
    share = rng.uniform(0.3, 1.0)
    value = rng.choice((f"{rng.uniform(2, 90):.1f}", f"{rng.randint(5, 400)}", f"{rng.randint(5, 90)} mm", "d", "L1"))
    kind = "symbol" if value in ("d", "L1") else "number"
    off = _OUT + cap_px * 0.5
    if rng.random() < 0.6:
        end, line = x0 + (x1 - x0) * share, y1 + off
        for x in (x0, end):
            sketch.line([(x, y1 + 12), (x, line + 16)], THIN)
        sketch.arrow([(x0, line), (end, line)], THIN, both=True, head=20)
        sketch.write(value, ((x0 + end) / 2, line - cap_px * 0.5 - 12), cap_px, hand.suits(value), kind)
    else:
        end, line = y1 - (y1 - y0) * share, x0 - off
        for y in (y1, end):
            sketch.line([(x0 - 12, y), (line - 16, y)], THIN)
        sketch.arrow([(line, y1), (line, end)], THIN, both=True, head=20)
        sketch.write(value, (line - cap_px * 0.5 - 12, (y1 + end) / 2), cap_px, hand.suits(value), kind, 270)


def section_letters(sketch: Sketch, hand: Hand, cap_px: int, rng: random.Random) -> None:
    """The line of a section through the object, its ends bent into arrows with a letter each."""
    x0, y0, x1, y1 = sketch.bounds()
    letter = rng.choice(("A", "B", "X", "II", "III", "IV"))
    at = x0 + (x1 - x0) * rng.uniform(0.35, 0.65)
    top, bottom = y0 - 45, y1 + 45
    sketch.line([(at, top), (at, bottom)], THIN, CENTRE)
    for y in (top, bottom):
        sketch.arrow([(at, y), (at + 60, y)], 3.0, head=22)
        reach = write(letter, hand.suits(letter), cap_px).box[2]
        sketch.write(letter, (at + 78 + reach, y), cap_px, hand.suits(letter), "symbol")


def angle(sketch: Sketch, hand: Hand, cap_px: int, rng: random.Random) -> None:
    """An angle between two lines off the lower left of the object."""
    x0, _, _, y1 = sketch.bounds()
    size = rng.randint(12, 75)
    corner: Point = (x0 - 20, y1 + 60 + 1.5 * cap_px)
    reach = 240.0
    tip = (
        corner[0] + reach * math.cos(math.radians(size)) * 0.8,
        corner[1] + reach * math.sin(math.radians(size)) * 0.8,
    )
    sketch.line([corner, (corner[0] + reach, corner[1])], THIN, CENTRE)
    sketch.line([corner, tip], THIN, CENTRE)
    sketch.arrow(arc(corner, 130, 130, 0, size), THIN, both=True, head=18)
    text = f"{size}°"
    half = write(text, hand.suits(text), cap_px).box[2]
    sketch.write(text, (corner[0] + reach + 24 + half, corner[1] + 24 + cap_px / 2), cap_px, hand.suits(text), "number")
