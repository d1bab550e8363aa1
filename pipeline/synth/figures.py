"""Drawing the figures of an invention, each with its numerals."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.synth.circuits import Element, circuit
from pipeline.synth.diagrams import Axis, Ink, Node, block_diagram, flow_chart, graph, sequence_chart
from pipeline.synth.invention import Invention, Plan
from pipeline.synth.leaders import LeaderStyle, annotate
from pipeline.synth.lettering import Hand
from pipeline.synth.lexicon import QUANTITIES
from pipeline.synth.sketch import Sketch
from pipeline.synth.views import outside, section


@dataclass(frozen=True)
class Office:
    """How one applicant's drawings look, throughout a document."""

    numerals: LeaderStyle
    words: Ink
    label_hand: Hand
    label_cap_px: int
    label_form: str  # "FIG. {}"
    size_px: tuple[int, int]  # least and greatest side of a figure
    turned: float  # share of the sheets that lie on their side
    inner_turn: float  # share of the figures whose numerals alone are turned


@dataclass(frozen=True)
class Figure:
    """A finished figure. ``signs`` are those printed on it, ``axes`` the quantities of a graph."""

    plan: Plan
    sketch: Sketch
    signs: tuple[str, ...]
    axes: tuple[int, int] | None = None


_LABELS = {
    "en": ("FIG. {}", "FIG. {}", "Fig. {}", "Fig. {}", "FIG.{}", "FIG {}", "Figure {}", "Fig {}"),
    "de": ("Fig. {}", "FIG. {}", "Fig. {}", "FIG {}", "Figur {}", "Fig.{}"),
    "fr": ("FIG. {}", "Fig. {}", "FIG.{}", "Fig {}", "Figure {}"),
}
_YES_NO = {"en": ("yes", "no"), "de": ("ja", "nein"), "fr": ("oui", "non")}
_START_END = {"en": ("Start", "End"), "de": ("Start", "Ende"), "fr": ("Début", "Fin")}


def choose_office(language: str, size_px: tuple[int, int], rng: random.Random) -> Office:
    """Draw a drawing style by lot."""
    face = rng.choice(("drafting", "drafting", "roman", "print", "print", "hand", "stencil"))
    hand = Hand(
        face, rng.choice((0.0, 0.0, 0.0, 0.22)), rng.choice((0.85, 1.0, 1.0, 1.15)), rng.choice((0.08, 0.1, 0.13))
    )
    words = Hand(
        rng.choice(("drafting", "print", "roman", "drafting")), 0.0, rng.choice((0.9, 1.0)), rng.choice((0.09, 0.12))
    )
    label = Hand(
        rng.choice(("drafting", "roman", "print", hand.face)),
        rng.choice((0.0, 0.0, 0.25)),
        rng.choice((1.0, 1.0, 1.2)),
        rng.choice((0.1, 0.13, 0.17)),
    )
    cap = rng.randint(28, 44)
    numerals = LeaderStyle(
        hand,
        cap,
        rng.choice(("straight", "straight", "bow", "tilde", "tilde", "arrow")),
        width=rng.choice((2.0, 2.0, 3.0)),
        underlined=rng.choice((0.0, 0.0, 0.15, 0.3)),
    )
    ink = Ink(words, rng.randint(24, 31), shout=rng.random() < 0.5)
    form = rng.choice(_LABELS[language])
    turned = rng.choice((0.0, 0.0, 0.15, 0.6))
    inner = rng.choice((0.0, 0.0, 0.0, 0.25))
    return Office(numerals, ink, label, round(cap * rng.uniform(1.0, 1.5)), form, size_px, turned, inner)


def draw(invention: Invention, plan: Plan, language: str, office: Office, rng: random.Random) -> Figure:
    """Draw one figure and put the numerals in."""
    axes = None
    if plan.kind == "graph":
        axes = (rng.choice((0, 0, 1, 5)), rng.choice((2, 3, 4, 6, 7, 8)))
        sketch = _graph(axes, language, office, rng)
    else:
        sketch = _BUILDERS[plan.kind](invention, plan, language, office, rng)
    numerals = office.numerals
    if rng.random() < office.inner_turn:
        numerals = LeaderStyle(**{**vars(numerals), "angle": rng.choice((90, 270))})
    signs = _chosen(invention, rng)
    pictured = plan.kind not in ("block", "flow", "sequence", "graph", "circuit")
    whole = "" if (pictured or plan.kind == "circuit") and rng.random() < 0.7 else None
    placed = annotate(sketch, signs, numerals, rng, whole)
    return Figure(plan, sketch, tuple(dict.fromkeys(signs[key] for key in placed)), axes)


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


def _picture(invention: Invention, plan: Plan, language: str, office: Office, rng: random.Random) -> Sketch:
    assert invention.assembly is not None  # noqa: S101 (plans of views are made only with an assembly)
    thing = invention.assembly.thing
    size = (float(rng.randint(*office.size_px)), float(rng.randint(*office.size_px)))
    if plan.kind == "section":
        return section(thing, size, rng)
    return outside(thing, plan.yaw, plan.pitch, size, plan.kind == "exploded")


def _block(invention: Invention, plan: Plan, language: str, office: Office, rng: random.Random) -> Sketch:
    parts = [part for part in invention.parts if part.key not in ("curve", "threshold")]
    kept = parts[:1] + rng.sample(parts[1:], min(len(parts) - 1, rng.randint(3, 7)))
    words = {part.members[0]: part.term.noun(language).one for part in kept}
    return block_diagram(words, rng.choice(("", "")), office.words, rng)


def _flow(invention: Invention, plan: Plan, language: str, office: Office, rng: random.Random) -> Sketch:
    start, end = _START_END[language]
    nodes = [
        Node(step.key, step.step.box[language], "decision" if step.decision else "step") for step in invention.steps
    ]
    ends = rng.random() < 0.7
    whole = [Node("start", start, "terminal"), *nodes, Node("end", end, "terminal")] if ends else nodes
    return flow_chart(whole, _YES_NO[language], office.words, rng)


def _sequence(invention: Invention, plan: Plan, language: str, office: Office, rng: random.Random) -> Sketch:
    parties = {part.key: part.term.noun(language).one for part in invention.parts[: rng.randint(2, 4)]}
    messages = [(step.key, step.step.name[language]) for step in invention.steps if not step.decision]
    return sequence_chart(parties, messages, office.words, rng)


def _graph(axes: tuple[int, int], language: str, office: Office, rng: random.Random) -> Sketch:
    x, y = (
        Axis(QUANTITIES[i][0][language], QUANTITIES[i][2], rng.choice((4.0, 5.0, 10.0, 20.0, 50.0, 80.0, 100.0, 400.0)))
        for i in axes
    )
    low, high = office.size_px
    size = (float(rng.randint(low, high)), float(rng.randint(round(low * 0.6), round(high * 0.75))))
    return graph(x, y, ("curve#1", "curve#2"), "threshold", office.words, size, rng)


def _circuit(invention: Invention, plan: Plan, language: str, office: Office, rng: random.Random) -> Sketch:
    return circuit([Element(key, symbol) for key, symbol in invention.circuit], office.words, rng)


_BUILDERS: dict[str, Callable[[Invention, Plan, str, Office, random.Random], Sketch]] = {
    "perspective": _picture, "exploded": _picture, "front": _picture, "side": _picture, "top": _picture,
    "section": _picture, "block": _block, "flow": _flow, "sequence": _sequence, "circuit": _circuit,
}  # fmt: skip
