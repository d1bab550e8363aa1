"""How an object to draw is put together from parts.

Lengths are in units of no particular size; x points right, y away, z up. A key like ``foot#2`` is the
second of several like parts.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from pipeline.synth.geometry import Point
from pipeline.synth.solids import Axis, Vector
from pipeline.synth.views import Body, Piece, Thing


@dataclass(frozen=True)
class Spec:
    """What a part may be called (keys of the lexicon) and which part it belongs to ('' for the whole)."""

    key: str
    names: tuple[str, ...]
    parent: str = ""


@dataclass
class Kit:
    """An assembly in the making."""

    names: tuple[str, ...]
    pieces: list[Piece] = field(default_factory=list)
    specs: list[Spec] = field(default_factory=list)

    def add(
        self,
        key: str,
        names: str,
        *solids: Body,
        parent: str = "",
        inside: bool = False,
        apart: Vector = (0.0, 0.0, 0.0),
        solid_cut: bool = False,
        core: tuple[Body, ...] = (),
        decor: tuple[tuple[Vector, ...], ...] = (),
    ) -> None:
        """Put in one part; ``names`` are lexicon keys separated by spaces."""
        self.pieces.append(Piece(key, solids, inside, apart, solid_cut, core, decor))
        base = key.split("#")[0]
        if all(spec.key != base for spec in self.specs):
            self.specs.append(Spec(base, tuple(names.split()), parent))


@dataclass(frozen=True)
class Assembly:
    """A thing to draw, its parts to name, and what the whole may be called."""

    thing: Thing
    specs: tuple[Spec, ...]
    names: tuple[str, ...]


def finish(kit: Kit, axis: Axis, middle: Point, cut: tuple[Axis, float], rng: random.Random) -> Assembly:
    """The assembly made from a kit; some are shaded by dots, some have lines along round outlines."""
    thing = Thing(tuple(kit.pieces), axis, middle, cut, rng.random() < 0.12, rng.random() < 0.2)
    return Assembly(thing, tuple(kit.specs), kit.names)
