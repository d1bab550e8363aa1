"""Circuit diagrams: two-pole symbols on the branches of a ladder (after IEC 60617, in outline)."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.synth.diagrams import Ink
from pipeline.synth.geometry import Affine, Point, arc, shifted, turned
from pipeline.synth.sketch import NORMAL, Sketch

_LENGTH = 150.0  # of a symbol with its leads


@dataclass(frozen=True)
class Element:
    """A component: part key and symbol (resistor, capacitor, coil, diode, transistor, switch, or a lettered circle)."""

    key: str
    symbol: str


def circuit(elements: Sequence[Element], ink: Ink, rng: random.Random) -> Sketch:
    """Elements in turn along the upper rail and down the branches between the two rails."""
    sketch = Sketch()
    pitch, depth = rng.uniform(260, 340), rng.uniform(340, 460)
    count = len(elements)
    branches = min(count, max(2, math.ceil(count / 2)))
    sketch.line([(0, depth), (pitch * branches, depth)], NORMAL)
    rails, downs = elements[: count - branches], elements[count - branches :]
    for index in range(branches):
        start, end = (index * pitch, 0.0), ((index + 1) * pitch, 0.0)
        if index < len(rails):
            _wire(sketch, rails[index], start, end, ink)
        else:
            sketch.line([start, end], NORMAL)
        foot = (end[0], depth)
        _wire(sketch, downs[index], end, foot, ink)
        if index < branches - 1:
            for joint in (end, foot):
                sketch.area(arc(joint, 8, 8), 1.0)
    for y in (0.0, depth):
        sketch.ellipse((-10, y), 10, 10, 3.0)
    _ground(sketch, (pitch, depth))
    return sketch


def _ground(sketch: Sketch, at: Point) -> None:
    x, y = at
    sketch.line([(x, y), (x, y + 50)], NORMAL)
    for reach, down in ((44, 50), (28, 64), (12, 78)):
        sketch.line([(x - reach, y + down), (x + reach, y + down)], NORMAL)


def _wire(sketch: Sketch, element: Element, start: Point, end: Point, ink: Ink) -> None:
    """The element in the middle of a wire from start to end."""
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    upright = start[0] == end[0]
    half = _LENGTH / 2
    near = (middle[0] - (0 if upright else half), middle[1] - (half if upright else 0))
    far = (middle[0] + (0 if upright else half), middle[1] + (half if upright else 0))
    sketch.line([start, near], NORMAL)
    sketch.line([far, end], NORMAL)
    symbol = Sketch()
    _SYMBOLS.get(element.symbol, _source)(symbol)
    place: Affine = turned(90 if upright else 0).then(shifted(*middle))
    sketch.add(symbol, place)
    reach = 45.0
    sketch.anchors[element.key] = [place((0.0, -reach * 0.6)), place((0.0, reach * 0.6))]


def _leads(sketch: Sketch, gap: float) -> None:
    sketch.line([(-_LENGTH / 2, 0), (-gap, 0)], NORMAL)
    sketch.line([(gap, 0), (_LENGTH / 2, 0)], NORMAL)


def _resistor(sketch: Sketch) -> None:
    _leads(sketch, 50)
    sketch.box((-50, -19, 50, 19), NORMAL)


def _zigzag(sketch: Sketch) -> None:
    teeth = [(-50 + 100 * (i + 0.5) / 6, 22 if i % 2 else -22) for i in range(6)]
    _leads(sketch, 50)
    sketch.line([(-50.0, 0.0), *teeth, (50.0, 0.0)], NORMAL)


def _capacitor(sketch: Sketch) -> None:
    _leads(sketch, 9)
    for x in (-9, 9):
        sketch.line([(x, -38), (x, 38)], 5.0)


def _coil(sketch: Sketch) -> None:
    _leads(sketch, 52)
    for i in range(4):
        sketch.line(arc((-39 + 26 * i, 0), 13, 18, 180, 360, 24), NORMAL)


def _diode(sketch: Sketch) -> None:
    _leads(sketch, 26)
    sketch.shape([(-26, -28), (26, 0), (-26, 28)], NORMAL)
    sketch.line([(26, -28), (26, 28)], NORMAL)
    sketch.line([(26, 0), (30, 0)], NORMAL)


def _switch(sketch: Sketch) -> None:
    _leads(sketch, 34)
    sketch.line([(-34, 0), (32, -30)], NORMAL)
    for x in (-34, 34):
        sketch.ellipse((x, 0), 6, 6, 3.0)


def _transistor(sketch: Sketch) -> None:
    sketch.ellipse((0, 0), 46, 46, 3.0)
    sketch.line([(-_LENGTH / 2, 0), (-26, 0), (-8, 18)], NORMAL)
    sketch.line([(_LENGTH / 2, 0), (26, 0)], NORMAL)
    sketch.arrow([(8, 18), (26, 0)], NORMAL, head=16)
    sketch.line([(-24, 18), (24, 18)], 6.0)
    sketch.line([(0, 18), (0, 62)], NORMAL)


def _source(sketch: Sketch) -> None:
    _leads(sketch, 36)
    sketch.ellipse((0, 0), 36, 36, NORMAL)
    sketch.line([(-16, 0), (16, 0)], 3.0)


_SYMBOLS = {
    "resistor": _resistor, "impedance": _zigzag, "capacitor": _capacitor, "coil": _coil, "diode": _diode,
    "switch": _switch, "transistor": _transistor,
}  # fmt: skip
