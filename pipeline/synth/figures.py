"""Drawing the figures of an invention, each with its numerals."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipeline.synth.circuits import Element, circuit
from pipeline.synth.clip import clipped
from pipeline.synth.diagrams import Axis, Node, block_diagram, flow_chart, graph, sequence_chart
from pipeline.synth.dimensions import angle, dimension, section_letters
from pipeline.synth.geometry import arc
from pipeline.synth.invention import Invention, Plan
from pipeline.synth.leaders import annotate
from pipeline.synth.lexicon import QUANTITIES
from pipeline.synth.sketch import NORMAL, Sketch
from pipeline.synth.style import DrawingStyle
from pipeline.synth.views import Thing, outside, section


@dataclass(frozen=True)
class Figure:
    """A finished figure. ``signs`` are those printed on it, ``axes`` the quantities of a graph."""

    plan: Plan
    sketch: Sketch
    signs: tuple[str, ...]
    axes: tuple[int, int] | None = None


_YES_NO = {"en": ("yes", "no"), "de": ("ja", "nein"), "fr": ("oui", "non")}
_START_END = {"en": ("Start", "End"), "de": ("Start", "Ende"), "fr": ("Début", "Fin")}


_STORES = frozenset({"memory", "database"})
#: Views that can bear dimensions.
_PLANE = ("front", "side", "top", "section")
_DIAGRAMS = ("block", "flow", "sequence", "graph")


@dataclass(frozen=True)
class _Task:
    """What a builder needs to know. ``inscribed`` are signs to write inside the boxes, by key."""

    invention: Invention
    plan: Plan
    language: str
    style: DrawingStyle
    axes: tuple[int, int]
    inscribed: Mapping[str, str]


def draw(invention: Invention, plan: Plan, language: str, style: DrawingStyle, rng: random.Random) -> Figure:
    """Draw one figure and put the numerals in."""
    axes = (rng.choice((0, 0, 1, 5)), rng.choice((2, 3, 4, 6, 7, 8)))
    signs = _chosen(invention, rng)
    inscribed = signs if style.inscribed and plan.kind == "block" else {}
    task = _Task(invention, plan, language, style, axes, inscribed)
    sketch = _BUILDERS[plan.kind](task, rng)
    if plan.kind in _PLANE and rng.random() < style.measured:
        note = rng.choice((dimension, dimension, angle, section_letters))
        note(sketch, style.words.hand, style.words.cap_px, rng)
    numerals = style.numerals
    if rng.random() < style.inner_turn:
        numerals = replace(numerals, angle=rng.choice((90, 270)))
    whole = "" if plan.kind not in (*_DIAGRAMS, "detail") and rng.random() < 0.7 else None
    written = {text.text for text in sketch.texts if text.kind == "sign"}
    annotate(sketch, {key: sign for key, sign in signs.items() if sign not in written}, numerals, rng, whole)
    printed = dict.fromkeys(text.text for text in sketch.texts if text.kind == "sign")
    return Figure(plan, sketch, tuple(printed), axes if plan.kind == "graph" else None)


def _chosen(invention: Invention, rng: random.Random) -> dict[str, str]:
    """The keys to label: of like parts with one common sign only one or two are labelled."""
    signs = invention.signs()
    for part in invention.parts:
        if len(part.signs) == 1 and len(part.members) > 1:
            kept = rng.sample(part.members, rng.choice((1, 2)))
            for member in part.members:
                if member not in kept:
                    del signs[member]
    return signs


def _thing(task: _Task) -> Thing:
    if task.invention.assembly is None:
        raise ValueError(f"a figure of kind {task.plan.kind} needs an object to show")
    return task.invention.assembly.thing


def _picture(task: _Task, rng: random.Random) -> Sketch:
    low, high = task.style.size_px
    size = (float(rng.randint(low, high)), float(rng.randint(low, high)))
    return _view(task, task.plan.kind, size, rng)


def _view(task: _Task, kind: str, size: tuple[float, float], rng: random.Random) -> Sketch:
    thing, plan = _thing(task), task.plan
    if kind == "section":
        return section(thing, size, rng)
    return outside(thing, plan.yaw, plan.pitch, size, kind == "exploded")


def _detail(task: _Task, rng: random.Random) -> Sketch:
    """A circle cut out of a larger view, where most parts come together."""
    low, high = task.style.size_px
    side = 1.6 * high
    view = _view(task, rng.choice(("perspective", "section")), (side, side), rng)
    radius = rng.uniform(0.35, 0.5) * (low + high) / 2
    spots = [point for anchors in view.anchors.values() for point in anchors]

    def parts_near(x: float, y: float) -> int:
        return sum(any((px - x) ** 2 + (py - y) ** 2 < radius**2 for px, py in a) for a in view.anchors.values())

    centre = max(spots, key=lambda spot: parts_near(*spot))
    sketch = clipped(view, arc(centre, radius, radius)[:-1])
    sketch.line(arc(centre, radius, radius), NORMAL)
    return sketch


def _block(task: _Task, rng: random.Random) -> Sketch:
    parts = [part for part in task.invention.parts if part.key not in ("curve", "threshold")]
    kept = parts[:1] + rng.sample(parts[1:], min(len(parts) - 1, rng.randint(3, 7)))
    words = {part.members[0]: part.term.noun(task.language).one for part in kept}
    frame = rng.choice((None, ""))
    return block_diagram(words, frame, task.style.words, rng, task.inscribed, _STORES)


def _flow(task: _Task, rng: random.Random) -> Sketch:
    start, end = _START_END[task.language]
    nodes = [
        Node(step.key, step.step.box[task.language], "decision" if step.decision else "step")
        for step in task.invention.steps
    ]
    ends = rng.random() < 0.7
    whole = [Node("start", start, "terminal"), *nodes, Node("end", end, "terminal")] if ends else nodes
    return flow_chart(whole, _YES_NO[task.language], task.style.words, rng)


def _sequence(task: _Task, rng: random.Random) -> Sketch:
    parties = {part.key: part.term.noun(task.language).one for part in task.invention.parts[: rng.randint(2, 4)]}
    messages = [(step.key, step.step.name[task.language]) for step in task.invention.steps if not step.decision]
    return sequence_chart(parties, messages, task.style.words, rng)


def _graph(task: _Task, rng: random.Random) -> Sketch:
    tops = (4.0, 5.0, 10.0, 20.0, 50.0, 80.0, 100.0, 400.0)
    x, y = (Axis(QUANTITIES[i][0][task.language], QUANTITIES[i][2], rng.choice(tops)) for i in task.axes)
    low, high = task.style.size_px
    size = (float(rng.randint(low, high)), float(rng.randint(round(low * 0.6), round(high * 0.75))))
    return graph(x, y, ("curve#1", "curve#2"), "threshold", task.style.words, size, rng)


def _circuit(task: _Task, rng: random.Random) -> Sketch:
    return circuit([Element(key, symbol) for key, symbol in task.invention.circuit], task.style.words, rng)


_BUILDERS: dict[str, Callable[[_Task, random.Random], Sketch]] = {
    "perspective": _picture, "exploded": _picture, "front": _picture, "side": _picture, "top": _picture,
    "section": _picture, "detail": _detail, "block": _block, "flow": _flow, "sequence": _sequence,
    "graph": _graph, "circuit": _circuit,
}  # fmt: skip
