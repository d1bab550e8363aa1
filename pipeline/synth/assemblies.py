"""Objects to draw: families of assemblies whose parts and proportions are drawn by lot.

Lengths are in units of no particular size; x points right, y away, z up. A key like ``foot#2`` is the
second of several like parts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.synth.geometry import Point
from pipeline.synth.solids import Solid, Vector, bar, block, cylinder, gear, prism, regular
from pipeline.synth.views import Piece, Thing


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
        *solids: Solid,
        parent: str = "",
        inside: bool = False,
        apart: Vector = (0.0, 0.0, 0.0),
        solid_cut: bool = False,
        core: tuple[Solid, ...] = (),
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


def turned_unit(rng: random.Random) -> Assembly:
    """Coaxial parts in a round housing on a horizontal axis: pump, valve, motor."""
    kit = Kit(("pump", "valve", "motor", "actuator", "coupling", "compressor"))
    radius, length = rng.uniform(38, 60), rng.uniform(90, 190)
    bore, rod = radius * rng.uniform(0.6, 0.8), radius * rng.uniform(0.12, 0.22)
    cover, reach = rng.uniform(10, 24), rng.uniform(25, 70)
    kit.add("housing", "housing casing", cylinder(0, radius, 0, length, bore=bore))
    kit.add(
        "cover",
        "cover end_cap",
        cylinder(0, radius * rng.uniform(0.8, 1.0), -cover, 0),
        apart=(-90, 0, 0),
        core=(cylinder(0, radius * 0.95, -cover, 0),),
    )
    rim = radius * rng.uniform(1.25, 1.5)
    thick = rng.uniform(8, 14)
    kit.add(
        "flange",
        "flange",
        cylinder(0, rim, length, length + thick),
        apart=(150, 0, 0),
        parent="housing",
        core=(cylinder(0, rim, length, length + thick, bore=rod),),
    )
    kit.add(
        "shaft",
        "shaft spindle piston_rod",
        cylinder(0, rod, length + thick, length + thick + reach),
        core=(cylinder(0, rod, 6, length + thick + reach),),
        apart=(70, 0, 0),
        solid_cut=True,
    )
    bolts = rng.choice((2, 4, 6))
    for i in range(bolts):
        angle = math.tau * (i + 0.5) / bolts
        at = (math.cos(angle) * (radius + rim) / 2, math.sin(angle) * (radius + rim) / 2)
        kit.add(
            f"bolt#{i + 1}",
            "bolt screw",
            regular(0, 5, length + thick, length + thick + 6, 6, at),
            parent="flange",
            apart=(190, 0, 0),
            solid_cut=True,
        )
    disc = length * rng.uniform(0.35, 0.6)
    kit.add(
        "piston",
        "piston rotor valve_body",
        cylinder(0, bore * 0.97, disc, disc + 18, bore=rod),
        inside=True,
        apart=(10, 0, 0),
    )
    kit.add("bearing#1", "bearing seal", cylinder(0, bore, 8, 18, bore=rod), inside=True, apart=(-45, 0, 0))
    kit.add(
        "bearing#2", "bearing seal", cylinder(0, bore, length - 14, length - 2, bore=rod), inside=True, apart=(75, 0, 0)
    )
    if rng.random() < 0.7:
        at = rng.uniform(0.25, 0.7) * length
        kit.add(
            "port", "inlet nozzle outlet", cylinder(2, radius * 0.28, radius, radius * 1.45, (at, 0)), parent="housing"
        )
    if rng.random() < 0.6:
        half = radius * 0.75
        kit.add("base", "base foot bracket", block((length * 0.2, -half, -radius - 14), (length * 0.8, half, -radius)))
    if rng.random() < 0.5:
        x = length + thick + reach
        kit.add(
            "wheel",
            "gear pulley handwheel",
            gear(0, radius * 0.8, rng.randint(12, 20), x, x + 14)
            if rng.random() < 0.5
            else cylinder(0, radius * 0.9, x, x + 10),
            apart=(230, 0, 0),
        )
    return _finish(kit, 0, (0.0, 0.0), (1, 0.0), rng)


def cabinet(rng: random.Random) -> Assembly:
    """A housing with a door, feet and controls: an appliance."""
    kit = Kit(("cabinet", "oven", "charging_station", "dispenser", "control_cabinet", "dryer"))
    w, d, h = rng.uniform(70, 150), rng.uniform(50, 100), rng.uniform(80, 190)
    t = 5.0
    walls = (
        block((0, 0, 0), (t, d, h)),
        block((w - t, 0, 0), (w, d, h)),
        block((t, 0, 0), (w - t, d, t)),
        block((t, 0, h - t), (w - t, d, h)),
        block((t, d - t, t), (w - t, d, h - t)),
    )
    slots = rng.randint(3, 7)
    decor = tuple(
        ((w, d * 0.25, z), (w, d * 0.75, z), (w, d * 0.75, z + 3), (w, d * 0.25, z + 3))
        for z in (h * 0.6 + i * 8 for i in range(slots))
        if z + 3 < h * 0.97
    )
    kit.add("housing", "housing body casing", block((0, 0, 0), (w, d, h)), core=walls, decor=decor)
    split = rng.uniform(0.6, 0.8) * h
    window = tuple(
        ((w * 0.2, -6.0, z0), (w * 0.8, -6.0, z0), (w * 0.8, -6.0, z1), (w * 0.2, -6.0, z1))
        for z0, z1 in ((split * 0.35, split * 0.8),)
    )
    kit.add("door", "door flap front_panel", block((4, -6, 6), (w - 4, 0, split)), apart=(0, -70, 0), decor=window)
    if rng.random() < 0.5:
        kit.add(
            "handle",
            "handle grip",
            block((w * 0.84, -14, split * 0.3), (w * 0.89, -6, split * 0.75)),
            parent="door",
            apart=(0, -95, 0),
        )
    else:
        kit.add(
            "handle",
            "handle grip",
            block((w * 0.2, -14, split * 0.88), (w * 0.8, -6, split * 0.93)),
            parent="door",
            apart=(0, -95, 0),
        )
    kit.add("panel", "control_panel display_unit", block((6, -5, split + 5), (w - 6, 0, h - 6)), apart=(0, -50, 0))
    for i in range(rng.randint(2, 4)):
        kit.add(
            f"knob#{i + 1}",
            "knob push_button rotary_switch",
            cylinder(1, 5, -12, -5, (w * (0.2 + 0.2 * i), (split + h) / 2)),
            parent="panel",
            apart=(0, -75, 0),
        )
    feet = rng.uniform(8, 20)
    for i, (x, y) in enumerate(((0.12, 0.15), (0.88, 0.15), (0.88, 0.85), (0.12, 0.85))):
        kit.add(f"foot#{i + 1}", "foot support caster", cylinder(2, 5.5, -feet, 0, (w * x, d * y)), apart=(0, 0, -45))
    over = rng.uniform(0, 8)
    kit.add(
        "lid",
        "lid top_plate hood",
        block((-over, -over, h), (w + over, d + over, h + rng.uniform(5, 14))),
        apart=(0, 0, 70),
    )
    for i in range(rng.randint(1, 3)):
        z = h * (0.2 + 0.22 * i)
        kit.add(
            f"shelf#{i + 1}",
            "shelf tray",
            block((t, t, z), (w - t, d - t, z + 4)),
            inside=True,
            apart=(0, -150 - 20 * i, 0),
        )
    kit.add(
        "fan",
        "fan heating_element heat_exchanger",
        cylinder(2, w * 0.16, h * 0.8, h * 0.88, (w / 2, d / 2)),
        inside=True,
        apart=(0, 0, 130),
        solid_cut=True,
    )
    cut = (0, w * 0.5) if rng.random() < 0.5 else (1, d * 0.5)
    return _finish(kit, 1, (w / 2, split / 2), cut, rng)


def machine_stand(rng: random.Random) -> Assembly:
    """Columns on a base plate carry a crossbeam, a carriage and a tool: press, drill, gripper station."""
    kit = Kit(("press", "drilling_device", "test_stand", "lifting_device", "printing_device"))
    w, d, h = rng.uniform(100, 170), rng.uniform(60, 100), rng.uniform(110, 190)
    kit.add("base", "base_plate base", block((0, 0, -12), (w, d, 0)))
    r = rng.uniform(5, 9)
    round_columns = rng.random() < 0.6
    for i, x in enumerate((0.15, 0.85)):
        low, high = (w * x - r, d / 2 - r, 0.0), (w * x + r, d / 2 + r, h)
        column = cylinder(2, r, 0, h, (w * x, d / 2)) if round_columns else block(low, high)
        kit.add(f"column#{i + 1}", "column guide_rod pillar", column, apart=(0, 0, 45), solid_cut=True)
    kit.add(
        "beam",
        "crossbeam yoke top_plate",
        block((w * 0.04, d * 0.2, h), (w * 0.96, d * 0.8, h + 16)),
        apart=(0, 0, 110),
    )
    kit.add(
        "drive",
        "motor drive_unit cylinder",
        cylinder(2, w * 0.11, h + 16, h + 16 + rng.uniform(30, 60), (w / 2, d / 2)),
        apart=(0, 0, 160),
        solid_cut=True,
    )
    kit.add(
        "rod",
        "spindle piston_rod plunger",
        cylinder(2, w * 0.035, h * 0.66, h, (w / 2, d / 2)),
        apart=(0, 0, 75),
        solid_cut=True,
    )
    kit.add(
        "carriage",
        "carriage slide tool_holder",
        block((w * 0.3, d * 0.28, h * 0.5), (w * 0.7, d * 0.72, h * 0.66)),
        apart=(0, 0, 40),
    )
    kit.add(
        "tool",
        "tool punch gripper",
        cylinder(2, w * 0.05, h * 0.32, h * 0.5, (w / 2, d / 2), taper=2.0),
        parent="carriage",
        apart=(0, 0, 10),
        solid_cut=True,
    )
    kit.add(
        "table",
        "table workpiece_carrier",
        block((w * 0.26, d * 0.15, 0), (w * 0.74, d * 0.85, h * 0.08)),
        apart=(0, 0, 18),
    )
    kit.add(
        "workpiece",
        "workpiece substrate",
        block((w * 0.36, d * 0.3, h * 0.08), (w * 0.64, d * 0.7, h * 0.15)),
        apart=(0, 0, 30),
    )
    if rng.random() < 0.6:
        profile = ((0.0, 0.0), (d * 0.35, 0.0), (d * 0.35, 6.0), (6.0, 6.0), (6.0, h * 0.3), (0.0, h * 0.3))
        kit.add(
            "bracket", "bracket sensor_holder", prism(0, profile, w + 0.1, w + 20, (d * 0.3, -12)), apart=(60, 0, 0)
        )
    if rng.random() < 0.6:
        kit.add(
            "control",
            "control_unit operating_unit",
            block((-34, d * 0.2, -12), (-0.1, d * 0.75, 34)),
            apart=(-60, 0, 0),
        )
    return _finish(kit, 2, (w / 2, d / 2), (1, d * 0.5), rng)


def cart(rng: random.Random) -> Assembly:
    """A container on wheels."""
    kit = Kit(("vehicle", "trolley", "cleaning_device", "robot", "transport_cart"))
    w, d, h = rng.uniform(110, 170), rng.uniform(60, 95), rng.uniform(40, 90)
    r = rng.uniform(14, 24)
    kit.add("chassis", "chassis frame base_plate", block((0, 0, r * 1.1), (w, d, r * 1.1 + 10)))
    for i, (x, y) in enumerate(((0.18, -11.0), (0.82, -11.0), (0.18, d + 1), (0.82, d + 1))):
        kit.add(
            f"wheel#{i + 1}",
            "wheel roller",
            cylinder(1, r, y, y + 10, (w * x, r)),
            apart=(0, -40 if i < 2 else 40, -10),
        )
    for i, x in enumerate((0.18, 0.82)):
        kit.add(
            f"axle#{i + 1}",
            "axle shaft",
            cylinder(1, 3.5, -11, d + 11, (w * x, r)),
            inside=True,
            solid_cut=True,
            apart=(0, 0, -45),
        )
    base = r * 1.1 + 10
    taper = rng.uniform(1.0, 1.25)
    half = ((-w * 0.36, -d * 0.36), (w * 0.36, -d * 0.36), (w * 0.36, d * 0.36), (-w * 0.36, d * 0.36))
    kit.add(
        "tank",
        "container tank housing",
        Solid(2, base, base + h, half, (w * 0.45, d / 2), False, taper, wall=5.0),
        apart=(0, 0, 40),
    )
    top = base + h
    kit.add("lid", "lid cover", block((w * 0.1, d * 0.12, top), (w * 0.8, d * 0.88, top + 7)), apart=(0, 0, 85))
    kit.add(
        "knob",
        "knob filler_neck",
        cylinder(2, 7, top + 7, top + 18, (w * 0.45, d / 2)),
        parent="lid",
        apart=(0, 0, 105),
    )
    rod = rng.uniform(1.0, 1.5)
    for i, y in enumerate((0.15, 0.8)):
        arm = bar(1, (w * 0.93, base + 4), (w * 1.15, base + h * rod), 7, d * y, d * y + 6)
        kit.add(f"arm#{i + 1}", "strut arm", arm, apart=(55, 0, 0))
    kit.add(
        "grip", "handle push_bar", cylinder(1, 5, d * 0.05, d * 0.96, (w * 1.15 + 9, base + h * rod)), apart=(90, 0, 0)
    )
    if rng.random() < 0.6:
        kit.add(
            "bumper",
            "bumper brush sensor_strip",
            block((-14, d * 0.05, r * 0.8), (-0.1, d * 0.95, r * 0.8 + 18)),
            apart=(-45, 0, 0),
        )
    kit.add(
        "battery",
        "battery pump drive_unit",
        block((w * 0.3, d * 0.3, r * 0.3), (w * 0.66, d * 0.7, r * 1.1)),
        apart=(0, 0, -70),
        solid_cut=True,
    )
    return _finish(kit, 2, (w * 0.45, d / 2), (1, d * 0.5), rng)


def mechanism(rng: random.Random) -> Assembly:
    """Levers, gears and pins on a plate, seen best from the front."""
    kit = Kit(("locking_mechanism", "transmission", "clamping_device", "hinge", "adjusting_device"))
    w, h = rng.uniform(130, 200), rng.uniform(90, 140)
    cut = 18.0
    plate = ((0.0, cut), (cut, 0.0), (w - cut, 0.0), (w, cut), (w, h - cut), (w - cut, h), (cut, h), (0.0, h - cut))
    kit.add("plate", "base_plate carrier_plate frame", prism(1, plate, 0, 8))
    first, second = (w * 0.28, h * rng.uniform(0.3, 0.5)), (w * 0.68, h * rng.uniform(0.55, 0.75))
    big, small = h * rng.uniform(0.24, 0.3), h * rng.uniform(0.14, 0.2)
    kit.add("gear#1", "gear toothed_wheel cam", gear(1, big, rng.randint(14, 24), -8, 0, first), apart=(0, -50, 0))
    kit.add("gear#2", "gear toothed_wheel cam", gear(1, small, rng.randint(8, 13), -8, 0, second), apart=(0, -50, 0))
    kit.add(
        "pin#1",
        "pin bolt",
        cylinder(1, 6, -26, -8, first),
        core=(cylinder(1, 6, -26, 6, first),),
        apart=(0, -130, 0),
        solid_cut=True,
    )
    kit.add(
        "pin#2",
        "pin bolt",
        cylinder(1, 5, -26, -17, second),
        core=(cylinder(1, 5, -26, 6, second),),
        apart=(0, -130, 0),
        solid_cut=True,
    )
    angle = rng.uniform(-0.5, 0.6)
    tip = (second[0] + w * 0.34 * math.cos(angle), second[1] + w * 0.34 * math.sin(angle))
    kit.add("lever", "lever arm pawl", bar(1, second, tip, 17, -17, -8), apart=(0, -90, 0))
    kit.add("roller", "roller stop", cylinder(1, 8, -26, -17, tip), parent="lever", apart=(0, -115, 0))
    low = (w * rng.uniform(0.62, 0.85), h * 0.14)
    kit.add(
        "slider",
        "slide locking_bolt",
        block((low[0] - 42, -10, low[1] - 8), (low[0] + 42, 0, low[1] + 8)),
        apart=(0, -60, 0),
    )
    kit.add(
        "stop",
        "stop abutment",
        block((w * 0.06, -12, h * 0.8), (w * 0.06 + 26, 0, h * 0.92)),
        parent="plate",
        apart=(0, -35, 0),
    )
    if rng.random() < 0.7:
        kit.add("cover", "cover housing", prism(1, [(x, y) for x, y in plate], 20, 26), inside=True, apart=(0, 60, 0))
    return _finish(kit, 1, first, (2, first[1]), rng)


def handheld(rng: random.Random) -> Assembly:
    """Turned parts on an upright axis: bottle, lamp, applicator, injector."""
    kit = Kit(("container_assembly", "lamp", "applicator", "injection_device", "filter_device", "probe"))
    radius, height = rng.uniform(28, 46), rng.uniform(70, 130)
    wall = radius * 0.8
    kit.add("base", "base foot bottom_part", cylinder(2, radius * rng.uniform(1.05, 1.4), -12, 0), apart=(0, 0, -60))
    waist = height * 0.4
    kit.add(
        "body",
        "body sleeve housing",
        cylinder(2, radius, 0, waist, bore=wall),
        cylinder(2, radius, waist + 6, height, bore=wall),
        core=(cylinder(2, radius, 0, height, bore=wall),),
    )
    neck = radius * rng.uniform(0.35, 0.6)
    z = height
    kit.add(
        "shoulder",
        "shoulder upper_part",
        cylinder(2, radius, z, z + 22, taper=neck / radius),
        parent="body",
        apart=(0, 0, 55),
        core=(cylinder(2, radius, z, z + 22, taper=neck / radius, bore=neck * 0.6),),
    )
    kit.add(
        "ring",
        "ring collar seal",
        cylinder(2, neck * 1.35, z + 22, z + 30),
        apart=(0, 0, 85),
        core=(cylinder(2, neck * 1.35, z + 22, z + 30, bore=neck * 0.6),),
    )
    cap = rng.uniform(20, 45)
    kit.add(
        "cap",
        "cap closure lens",
        cylinder(2, neck * 1.1, z + 30, z + 30 + cap, taper=rng.uniform(0.6, 1.0)),
        apart=(0, 0, 115),
    )
    kit.add(
        "button",
        "push_button tip actuating_element",
        cylinder(2, neck * 0.4, z + 30 + cap, z + 40 + cap),
        apart=(0, 0, 140),
    )
    if rng.random() < 0.5:
        r = radius * 0.9
        kit.add(
            "grip",
            "handle grip",
            block((radius, -6, height * 0.7), (radius + r, 6, height * 0.8)),
            block((radius + r - 8, -6, height * 0.2), (radius + r, 6, height * 0.7)),
            block((radius, -6, height * 0.12), (radius + r, 6, height * 0.2)),
            apart=(50, 0, 0),
        )
    kit.add(
        "piston",
        "piston plunger filter_element",
        cylinder(2, wall * 0.98, height * 0.4, height * 0.55),
        inside=True,
        apart=(0, 0, -95),
    )
    kit.add(
        "spring",
        "spring spacer",
        cylinder(2, wall * 0.7, 4, height * 0.4, bore=wall * 0.5),
        inside=True,
        apart=(0, 0, -150),
    )
    kit.add(
        "rib",
        "rib holding_ring",
        cylinder(2, radius * 1.08, waist, waist + 6, bore=radius),
        parent="body",
        apart=(0, 0, -30),
    )
    return _finish(kit, 2, (0.0, 0.0), (1, 0.0), rng)


FAMILIES: tuple[Callable[[random.Random], Assembly], ...] = (
    turned_unit, cabinet, machine_stand, cart, mechanism, handheld,
)  # fmt: skip


def _finish(kit: Kit, axis: int, middle: Point, cut: tuple[int, float], rng: random.Random) -> Assembly:
    thing = Thing(tuple(kit.pieces), axis, middle, cut, shaded=rng.random() < 0.12)  # type: ignore[arg-type]
    return Assembly(thing, tuple(kit.specs), kit.names)
