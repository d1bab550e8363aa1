"""Figures that are not pictures of a thing: block diagrams, flow charts, message sequences, graphs, circuits.

Each builder returns a sketch at its final size, its words written in, with anchors for the numerals that
are put in later.
"""

from __future__ import annotations

import math
import random
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.synth.geometry import Box, Point, arc
from pipeline.synth.glyphs import smooth
from pipeline.synth.lettering import Hand, write
from pipeline.synth.sketch import BOLD, DASHED, NORMAL, Sketch


@dataclass(frozen=True)
class Ink:
    """Lettering and pen of a diagram. ``shout``: words in capitals."""

    hand: Hand
    cap_px: int
    shout: bool = False
    width: float = NORMAL

    def words(self, text: str, columns: int) -> list[str]:
        """The text in lines of about ``columns`` characters."""
        upper = text.upper().replace("ß", "SS") if self.shout else text
        return textwrap.wrap(upper, columns, break_long_words=False) or [""]

    def size(self, lines: Sequence[str]) -> Point:
        """Width and height of written lines in pixels."""
        boxes = [write(line, self.hand.suits(line), self.cap_px).box for line in lines]
        return max(b[2] - b[0] for b in boxes), len(lines) * self.cap_px * 1.75


def block_diagram(
    parts: Mapping[str, str],
    frame: str | None,
    ink: Ink,
    rng: random.Random,
    inside: Mapping[str, str] | None = None,
    stores: frozenset[str] = frozenset(),
) -> Sketch:
    """Labelled boxes in columns, joined by lines; ``frame`` is the key of a box around some of them.

    ``parts`` maps part keys to the words in their boxes, in order of importance: the first is joined to all.
    ``inside`` gives signs that stand under the words; keys in ``stores`` are drawn as drums.
    """
    lines = {key: ink.words(words, 14) for key, words in parts.items()}
    if inside:
        lines = {key: [*words, inside[key]] for key, words in lines.items()}
    sizes = [ink.size(v) for v in lines.values()]
    width = max(s[0] for s in sizes) + 50
    height = max(s[1] for s in sizes) + 40
    keys = list(parts)
    columns = 2 if len(keys) <= 4 else 3
    rows = math.ceil(len(keys) / columns)
    gap_x, gap_y = rng.uniform(120, 190), rng.uniform(110, 160)
    hub = (columns // 2, rows // 2)
    cells = sorted(
        ((c, r) for r in range(rows) for c in range(columns)), key=lambda cell: (cell != hub, cell[1], cell[0])
    )[: len(keys)]
    boxes = {}
    for key, (column, row) in zip(keys, cells, strict=True):
        x, y = column * (width + gap_x), row * (height + gap_y)
        boxes[key] = (x, y, x + width, y + height)
    sketch = Sketch()
    if frame is not None:
        _frame(sketch, [box for box, cell in zip(boxes.values(), cells, strict=True) if cell[0] <= hub[0]], frame, rng)
    for key, cell in zip(keys[1:], cells[1:], strict=True):
        _join(sketch, boxes[keys[0]], boxes[key], hub, cell, gap_x, gap_y, rng)
    for key, box in boxes.items():
        (_drum if key in stores else _rectangle)(sketch, box, ink.width)
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2 + (10 if key in stores else 0))
        texts = sketch.words(lines[key], middle, ink.cap_px, ink.hand)
        if inside:
            texts[-1].kind = "sign"
        sketch.anchors[key] = _border(box)
    return sketch


def _rectangle(sketch: Sketch, box: Box, width: float) -> None:
    """A rectangle."""
    sketch.box(box, width)


def _drum(sketch: Sketch, box: Box, width: float) -> None:
    """The upright cylinder that stands for a store of data."""
    x0, y0, x1, y1 = box
    half, high = (x1 - x0) / 2, 16.0
    middle = (x0 + x1) / 2
    sides = [*arc((middle, y0 + high), half, high, 180, 360), *arc((middle, y1 - high), half, high, 0, 180)]
    sketch.shape(sides, width)
    sketch.line(arc((middle, y0 + high), half, high, 0, 180), width)


def _frame(sketch: Sketch, boxes: Sequence[Box], key: str, rng: random.Random) -> None:
    x0, y0 = min(b[0] for b in boxes) - 55, min(b[1] for b in boxes) - 55
    x1, y1 = max(b[2] for b in boxes) + 50, max(b[3] for b in boxes) + 55
    sketch.box((x0, y0, x1, y1), NORMAL, rng.choice(((), DASHED)))
    sketch.anchors[key] = _border((x0, y0, x1, y1))


def _border(box: Box) -> list[Point]:
    x0, y0, x1, y1 = box
    left, right = x0 + (x1 - x0) * 0.15, x0 + (x1 - x0) * 0.85
    upper, lower = y0 + (y1 - y0) * 0.2, y0 + (y1 - y0) * 0.8
    return [(right, y0), (x1, upper), (left, y0), (x0, lower), (right, y1), (x1, lower)]


def _join(
    sketch: Sketch, hub: Box, box: Box, hub_cell: Point, cell: Point, gap_x: float, gap_y: float, rng: random.Random
) -> None:
    """A line from the hub to a box through the gaps between columns and rows."""
    away_x, away_y = cell[0] - hub_cell[0], cell[1] - hub_cell[1]
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    if away_x == 0:
        x = middle[0]
        points = [(x, hub[1] if away_y < 0 else hub[3]), (x, box[3] if away_y < 0 else box[1])]
    else:
        # Level with its own row: from the hub's side straight across, else around through the gap.
        start = (hub[0] if away_x < 0 else hub[2], (hub[1] + hub[3]) / 2 + 12 * away_y)
        end = (box[2] if away_x < 0 else box[0], middle[1])
        bend = start[0] + math.copysign(gap_x * 0.72, away_x)
        points = [start, end] if away_y == 0 else [start, (bend, start[1]), (bend, end[1]), end]
    kind = rng.random()
    if kind < 0.45:
        sketch.arrow(points, 3.0, both=kind < 0.2)
    else:
        sketch.line(points, 3.0)


@dataclass(frozen=True)
class Node:
    """One element of a flow chart: a step, a decision, or its start or end."""

    key: str
    words: str
    kind: str  # step, decision, terminal


def flow_chart(nodes: Sequence[Node], yes_no: tuple[str, str], ink: Ink, rng: random.Random) -> Sketch:
    """Steps from top to bottom; each decision sends 'no' back to an earlier step around the side."""
    sketch = Sketch()
    lines = [ink.words(node.words, 18 if node.kind == "step" else 14) for node in nodes]
    half = max(ink.size(v)[0] for v in lines) / 2 + 45
    gap = rng.uniform(70, 100)
    tops: list[Box] = []
    y = 0.0
    for node, words in zip(nodes, lines, strict=True):
        wide, high = ink.size(words)
        if node.kind == "decision":
            reach, tall = max(half * 1.05, wide * 0.78 + 60), high * 1.0 + 70
        elif node.kind == "terminal":
            reach, tall = wide / 2 + 50, high / 2 + 22
        else:
            reach, tall = half, high / 2 + 24
        tops.append((-reach, y, reach, y + 2 * tall))
        y += 2 * tall + gap
    for before, after in pairwise(tops):
        sketch.arrow([(0.0, before[3]), (0.0, after[1])], 3.0)
    for index, (node, box, words) in enumerate(zip(nodes, tops, lines, strict=True)):
        _node(sketch, node, box, ink.width)
        sketch.words(words, (0.0, (box[1] + box[3]) / 2), ink.cap_px, ink.hand)
        sketch.anchors[node.key] = _rhombus(box) if node.kind == "decision" else _border(box)
        if node.kind == "decision":
            _no_branch(sketch, tops, index, yes_no, ink, gap)
    return sketch


def _rhombus(box: Box) -> list[Point]:
    """Places on the upper and lower right edges of a decision, and on the upper left one."""
    x, middle = box[2] * 0.55, (box[1] + box[3]) / 2
    rise = (middle - box[1]) * 0.45
    return [(x, middle - rise), (-x, middle - rise), (x, middle + rise)]


def _node(sketch: Sketch, node: Node, box: Box, width: float) -> None:
    x0, y0, x1, y1 = box
    if node.kind == "decision":
        middle = (y0 + y1) / 2
        sketch.shape([(x0, middle), (0, y0), (x1, middle), (0, y1)], width)
    elif node.kind == "terminal":
        r = (y1 - y0) / 2
        ends = [
            (x + math.cos(t) * r, y0 + r + math.sin(t) * r)
            for x, start in ((x1 - r, -math.pi / 2), (x0 + r, math.pi / 2))
            for t in (start + math.pi * i / 14 for i in range(15))
        ]
        sketch.shape(ends, width)
    else:
        sketch.box(box, width)


def _no_branch(sketch: Sketch, boxes: Sequence[Box], index: int, yes_no: tuple[str, str], ink: Ink, gap: float) -> None:
    box, target = boxes[index], boxes[max(1, index - 2)]
    middle = (box[1] + box[3]) / 2
    small = round(ink.cap_px * 0.9)
    yes, no = (ink.words(word, 9)[0] for word in yes_no)
    side = min(b[0] for b in boxes) - 70 - 2 * write(no, ink.hand.suits(no), small).box[2]
    into = target[1] - gap / 2
    sketch.arrow([(box[0], middle), (side, middle), (side, into), (-6.0, into)], 3.0)
    wide = write(no, ink.hand.suits(no), small).box
    sketch.write(no, (box[0] - 30 - wide[2], middle - ink.cap_px - 6), small, ink.hand, "word")
    wide = write(yes, ink.hand.suits(yes), small).box
    sketch.write(yes, (22 + wide[2], box[3] + gap * 0.45), small, ink.hand, "word")


def sequence_chart(
    parties: Mapping[str, str], messages: Sequence[tuple[str, str]], ink: Ink, rng: random.Random
) -> Sketch:
    """Lifelines of the parties with messages (key, words) between them."""
    sketch = Sketch()
    heads = {key: ink.words(words, 13) for key, words in parties.items()}
    wide = max(ink.size(v)[0] for v in heads.values()) + 40
    high = max(ink.size(v)[1] for v in heads.values()) + 30
    notes = [ink.words(words, 16) for _, words in messages]
    step = max(wide + 60, max(ink.size(v)[0] for v in notes) + 80)
    xs = [i * step for i in range(len(heads))]
    y = high + 60.0
    rows = []
    for words in notes:
        y += ink.size(words)[1] + 70
        rows.append(y)
    for (key, words), x in zip(heads.items(), xs, strict=True):
        sketch.line([(x, high), (x, y + 90)], 3.0, rng.choice(((), DASHED)))
        box = (x - wide / 2, 0.0, x + wide / 2, high)
        sketch.box(box, ink.width)
        sketch.words(words, (x, high / 2), ink.cap_px, ink.hand)
        sketch.anchors[key] = [(x + wide * 0.3, 0.0), (x - wide * 0.3, 0.0)]
    spans = [i % (len(xs) - 1) for i in range(len(messages))]
    rng.shuffle(spans)
    for (key, _), words, row, start in zip(messages, notes, rows, spans, strict=True):
        ends = [(xs[start] + 3, row), (xs[start + 1] - 3, row)]
        middle = (xs[start] + xs[start + 1]) / 2
        sketch.arrow(ends if rng.random() < 0.6 else ends[::-1], 3.0)
        sketch.words(words, (middle, row - ink.size(words)[1] / 2 - 10), ink.cap_px, ink.hand)
        sketch.anchors[key] = [(middle + step * 0.2, row), (middle - step * 0.2, row)]
    return sketch


@dataclass(frozen=True)
class Axis:
    """A graph's axis: what it measures and its highest value."""

    name: str
    unit: str
    top: float


def graph(x: Axis, y: Axis, curves: Sequence[str], level: str, ink: Ink, size: Point, rng: random.Random) -> Sketch:
    """Curves over axes with numbers. ``curves`` are part keys; ``level`` is that of a dashed threshold ('' = none)."""
    sketch = Sketch()
    width, height = size
    sketch.arrow([(0, height), (0, -40)], NORMAL)
    sketch.arrow([(0, height), (width + 60, height)], NORMAL)
    ticks = rng.choice((4, 5))
    gridded = rng.random() < 0.3
    small = round(ink.cap_px * 0.85)
    for i in range(1, ticks + 1):
        across, up = width * i / ticks, height - height * i / ticks * 0.96
        sketch.line([(across, height - 10), (across, height + 10)], 3.0)
        sketch.line([(-10, up), (10, up)], 3.0)
        if gridded:
            sketch.line([(across, 0), (across, height)], 1.0)
            sketch.line([(0, up), (width, up)], 1.0)
        sketch.write(_number(x.top * i / ticks), (across, height + 22 + small), small, ink.hand, "number")
        label = _number(y.top * i / ticks)
        reach = write(label, ink.hand.suits(label), small).box[2]
        sketch.write(label, (-26 - reach, up), small, ink.hand, "number")
    below = f"{x.name} [{x.unit}]"
    sketch.write(below, (width / 2, height + 60 + 2.4 * small), ink.cap_px, ink.hand, "word")
    widest = max(write(_number(y.top * i / ticks), ink.hand, small).box[2] for i in range(1, ticks + 1))
    sketch.write(f"{y.name} [{y.unit}]", (-60 - 2 * widest - ink.cap_px, height / 2), ink.cap_px, ink.hand, "word", 270)
    for index, key in enumerate(curves):
        points = _curve(width, height, index, len(curves), rng)
        sketch.line(points, (BOLD, NORMAL, 3.0)[index % 3], ((), DASHED, (6.0, 10.0))[index % 3])
        sketch.anchors[key] = points[len(points) // 4 : -4 : max(1, len(points) // 8)]
    if level:
        up = height * rng.uniform(0.15, 0.3)
        sketch.line([(0, up), (width, up)], 3.0, DASHED)
        sketch.anchors[level] = [(width * 0.92, up), (width * 0.5, up)]
    return sketch


def _curve(width: float, height: float, index: int, count: int, rng: random.Random) -> list[Point]:
    """A smooth run from left to right in the band of the curve's rank."""
    low = height * (0.9 - 0.6 * index / count)
    kind = rng.choice(("rise", "peak", "wave"))
    knots = []
    for i in range(9):
        t = i / 8
        lift = {"rise": 1 - math.exp(-3 * t), "peak": math.exp(-(((t - 0.5) / 0.2) ** 2)),
                "wave": 0.5 + 0.4 * math.sin(6 * t + index)}[kind]  # fmt: skip
        knots.append((width * 0.97 * t, low - lift * height * 0.32 + rng.uniform(-0.02, 0.02) * height))
    return list(smooth(tuple(knots), 8))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"
