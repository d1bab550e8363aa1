"""What a document is about: its parts with their names and reference signs, and the figures it needs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.synth.assemblies import FAMILIES
from pipeline.synth.kit import Assembly
from pipeline.synth.lexicon import (
    CIRCUIT_PARTS,
    CIRCUITS,
    DECISIONS,
    STEPS,
    SYSTEM_PARTS,
    SYSTEMS,
    TERMS,
    Step,
    Term,
)


@dataclass(frozen=True)
class Part:
    """A part or step with its signs; ``members`` are its keys in the drawings, one per sign or all for one sign."""

    key: str
    term: Term
    signs: tuple[str, ...]
    members: tuple[str, ...]
    parent: str = ""


@dataclass(frozen=True)
class MethodStep:
    """A step of the method with its sign (S10)."""

    key: str
    step: Step
    sign: str
    decision: bool


@dataclass(frozen=True)
class Plan:
    """One figure to draw: its label and its kind."""

    label: str
    kind: str
    yaw: float = 0.0
    pitch: float = 0.0


@dataclass(frozen=True)
class Invention:
    """The whole, its parts (the whole first), its method, its object, and the figures."""

    whole: Part
    parts: tuple[Part, ...]
    steps: tuple[MethodStep, ...]
    assembly: Assembly | None
    circuit: tuple[tuple[str, str], ...]
    plans: tuple[Plan, ...]

    def signs(self) -> dict[str, str]:
        """Key in the drawings → reference sign."""
        pairs = {}
        for part in (self.whole, *self.parts):
            for index, member in enumerate(part.members):
                pairs[member] = part.signs[min(index, len(part.signs) - 1)]
        return pairs | {step.key: step.sign for step in self.steps}


#: (first sign, stride) of usual numberings
_SCHEMES = ((1, 1), (10, 2), (10, 1), (10, 10), (100, 10), (100, 2), (2, 2), (20, 2), (210, 5))
_MEMBERS = ("abcdefgh", ("", "'", "''"), ())


def invent(rng: random.Random, figures: int) -> Invention:
    """Make up an invention with about ``figures`` figures."""
    if rng.random() < 0.68:
        return _machine(rng, figures)
    return _circuit(rng, figures) if rng.random() < 0.3 else _system(rng, figures)


class _Numbers:
    """Hands out reference signs in the document's scheme."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.next, self.stride = rng.choice(_SCHEMES)
        self.members = rng.choice(_MEMBERS)

    def take(self, count: int = 1) -> tuple[str, ...]:
        """Signs for a part of ``count`` members: 14a, 14b or 14, 14' or one for all."""
        number = self.next
        self.next += self.stride if self.rng.random() < 0.9 else 2 * self.stride
        if count == 1 or not self.members or count > len(self.members):
            return (str(number),)
        return tuple(f"{number}{suffix}" for suffix in self.members[:count])


def _machine(rng: random.Random, figures: int) -> Invention:
    assembly = rng.choice(FAMILIES)(rng)
    numbers = _Numbers(rng)
    name = rng.choice(assembly.names)
    whole = Part("", TERMS[name], numbers.take(), ("",))
    used = {name}
    parts = []
    for spec in assembly.specs:
        free = [key for key in spec.names if key not in used]
        if not free:
            continue
        chosen = rng.choice(free)
        used.add(chosen)
        members = tuple(p.key for p in assembly.thing.pieces if p.key.split("#")[0] == spec.key)
        parts.append(Part(spec.key, TERMS[chosen], numbers.take(len(members)), members, spec.parent))
    known = {part.key for part in parts}
    parts = [part if part.parent in known else _orphan(part) for part in parts]
    # Every machine document has a view and a section; what follows is drawn by lot.
    kinds = ["perspective", rng.choice(("section", "exploded"))]
    others = ("front", "side", "top", "perspective", "exploded", "section", "detail", "flow", "graph")
    kinds += rng.sample(others, len(others))
    plans = _labelled(_distinct(kinds)[:figures], rng)
    steps = _method(rng) if any(plan.kind == "flow" for plan in plans) else ()
    curves = _curves(numbers) if any(plan.kind == "graph" for plan in plans) else ()
    return Invention(whole, (*parts, *curves), steps, assembly, (), plans)


def _orphan(part: Part) -> Part:
    return Part(part.key, part.term, part.signs, part.members)


def _distinct(kinds: Sequence[str]) -> list[str]:
    """At most two perspectives and one of everything else, in the order given."""
    kept: list[str] = []
    for kind in kinds:
        if kept.count(kind) < (2 if kind == "perspective" else 1):
            kept.append(kind)
    return kept


def _system(rng: random.Random, figures: int) -> Invention:
    numbers = _Numbers(rng)
    whole = Part("", TERMS[rng.choice(SYSTEMS)], numbers.take(), ("",))
    chosen = rng.sample(SYSTEM_PARTS, rng.randint(6, 9))
    chosen.sort(key=lambda key: key != "control_unit")
    parts = [Part(key, TERMS[key], numbers.take(), (key,)) for key in chosen]
    kinds = ["block", "flow", *rng.sample(("sequence", "graph", "block"), 3)]
    plans = _labelled(kinds[:figures], rng)
    curves = _curves(numbers) if any(plan.kind == "graph" for plan in plans) else ()
    return Invention(whole, (*parts, *curves), _method(rng), None, (), plans)


def _circuit(rng: random.Random, figures: int) -> Invention:
    numbers = _Numbers(rng)
    whole = Part("", TERMS[rng.choice(CIRCUITS)], numbers.take(), ("",))
    parts, elements = [], []
    lettered = rng.random() < 0.6
    for kind in rng.sample(sorted(CIRCUIT_PARTS), rng.randint(4, 6)):
        count = rng.choice((1, 1, 2))
        members = tuple(f"{kind}#{i + 1}" for i in range(count))
        letter = CIRCUIT_PARTS[kind]
        signs = tuple(f"{letter}{i + 1}" for i in range(count)) if lettered else numbers.take(count)
        parts.append(Part(kind, TERMS[kind], signs, members))
        elements += [(member, kind) for member in members]
    rng.shuffle(elements)
    plans = _labelled(["circuit", *rng.sample(("graph", "flow", "circuit"), 3)][:figures], rng)
    curves = _curves(numbers) if any(plan.kind == "graph" for plan in plans) else ()
    steps = _method(rng) if any(plan.kind == "flow" for plan in plans) else ()
    return Invention(whole, (*parts, *curves), steps, None, tuple(elements), plans)


def _curves(numbers: _Numbers) -> tuple[Part, ...]:
    curves = Part("curve", TERMS["curve"], numbers.take(2), ("curve#1", "curve#2"))
    return (curves, Part("threshold", TERMS["threshold"], numbers.take(), ("threshold",)))


def _method(rng: random.Random) -> tuple[MethodStep, ...]:
    """Four to six steps, one of them a decision, numbered S1, S2 … or S10, S20 …, or S101, S102 …"""
    first, stride = rng.choice(((1, 1), (10, 10), (100, 10), (101, 1), (210, 10)))
    chosen: list[tuple[Step, bool]] = [(step, False) for step in rng.sample(STEPS, rng.randint(3, 5))]
    chosen.insert(rng.randint(2, len(chosen)), (rng.choice(DECISIONS), True))
    return tuple(
        MethodStep(f"step:{step.key}", step, f"S{first + i * stride}", decision)
        for i, (step, decision) in enumerate(chosen)
    )


def _labelled(kinds: Sequence[str], rng: random.Random) -> tuple[Plan, ...]:
    """Number the figures; neighbours of one kind of view may share a number (2A, 2B or 2(a), 2(b))."""
    style = rng.choice(("plain", "plain", "capital", "bracket"))
    plans: list[Plan] = []
    number, index = 0, 0
    while index < len(kinds):
        number += 1
        group = rng.choice((1, 2, 2, 3)) if style != "plain" else 1
        group = min(group, len(kinds) - index)
        for member in range(group):
            suffix = "" if group == 1 else (f"{'ABC'[member]}" if style == "capital" else f"({'abc'[member]})")
            plans.append(_view(f"{number}{suffix}", kinds[index], rng))
            index += 1
    return tuple(plans)


def _view(label: str, kind: str, rng: random.Random) -> Plan:
    if kind in ("perspective", "exploded", "detail"):
        side = rng.choice((-1, 1))
        return Plan(label, kind, side * rng.uniform(25, 58), rng.uniform(15, 36))
    return Plan(label, kind, *{"front": (0.0, 0.0), "side": (90.0, 0.0), "top": (0.0, 90.0)}.get(kind, (0.0, 0.0)))
