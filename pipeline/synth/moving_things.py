"""Objects that move: carts, levers and gears; proportions are drawn by lot."""

from __future__ import annotations

import math
import random

from pipeline.synth.kit import Assembly, Kit, finish
from pipeline.synth.solids import Hose, Solid, bar, block, cylinder, gear, prism, ring_on


def cart(rng: random.Random) -> Assembly:
    """A container on wheels."""
    kit = Kit(("vehicle", "trolley", "cleaning_device", "robot", "transport_cart"))
    w, d, h = rng.uniform(110, 170), rng.uniform(60, 95), rng.uniform(40, 90)
    r = rng.uniform(14, 24)
    kit.add("chassis", "chassis frame base_plate", block((0, 0, r * 1.1), (w, d, r * 1.1 + 10)))
    hub = rng.choice(((), (0.3,), (0.75, 0.2)))
    for i, (x, y) in enumerate(((0.18, -11.0), (0.82, -11.0), (0.18, d + 1), (0.82, d + 1))):
        kit.add(
            f"wheel#{i + 1}",
            "wheel roller",
            cylinder(1, r, y, y + 10, (w * x, r)),
            apart=(0, -40 if i < 2 else 40, -10),
            decor=tuple(ring_on(1, (w * x, r), y if i < 2 else y + 10, r * share, -1 if i < 2 else 1) for share in hub),
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
    if rng.random() < 0.5:
        bend = (
            (w * 0.45, d * 0.2, top + 7),
            (w * 0.4, d * 0.1, top + 26),
            (w * 0.1, -8.0, top + 14),
            (-6.0, -14.0, base),
        )
        kit.add("hose", "hose cable", Hose(bend, 3.0), apart=(0, -35, 60))
    kit.add(
        "battery",
        "battery pump drive_unit",
        block((w * 0.3, d * 0.3, r * 0.3), (w * 0.66, d * 0.7, r * 1.1)),
        apart=(0, 0, -70),
        solid_cut=True,
    )
    return finish(kit, 2, (w * 0.45, d / 2), (1, d * 0.5), rng)


def mechanism(rng: random.Random) -> Assembly:
    """Levers, gears and pins on a plate, seen best from the front."""
    kit = Kit(("locking_mechanism", "transmission", "clamping_device", "hinge", "adjusting_device"))
    w, h = rng.uniform(130, 200), rng.uniform(90, 140)
    cut = 18.0
    plate = ((0.0, cut), (cut, 0.0), (w - cut, 0.0), (w, cut), (w, h - cut), (w - cut, h), (cut, h), (0.0, h - cut))
    corners = [(x, z) for x in (cut, w - cut) for z in (cut, h - cut)]
    screws = tuple(ring_on(1, at, 0.0, 4.5, -1) for at in corners) if rng.random() < 0.6 else ()
    kit.add("plate", "base_plate carrier_plate frame", prism(1, plate, 0, 8), decor=screws)
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
    return finish(kit, 1, first, (2, first[1]), rng)
