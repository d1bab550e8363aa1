"""The families of objects that a machine document can be about."""

from __future__ import annotations

import random
from collections.abc import Callable

from pipeline.synth.kit import Assembly
from pipeline.synth.moving_things import cart, mechanism
from pipeline.synth.round_things import handheld, turned_unit
from pipeline.synth.upright_things import cabinet, machine_stand

FAMILIES: tuple[Callable[[random.Random], Assembly], ...] = (
    turned_unit, cabinet, machine_stand, cart, mechanism, handheld,
)  # fmt: skip
