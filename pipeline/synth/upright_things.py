"""Objects that stand: cabinets, presses, stands; proportions are drawn by lot."""

from __future__ import annotations

import random

from pipeline.synth.kit import Assembly, Kit, finish
from pipeline.synth.solids import Axis, Hose, block, cylinder, prism, ring_on


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
    cut: tuple[Axis, float] = (0, w * 0.5) if rng.random() < 0.5 else (1, d * 0.5)
    if rng.random() < 0.5:
        cord = ((w, d * 0.7, h * 0.15), (w + 18, d * 0.7, h * 0.1), (w + 30, d * 0.6, -feet), (w + 60, d * 0.3, -feet))
        kit.add("cord", "cable hose", Hose(cord, 2.5), apart=(30, 0, 0))
    return finish(kit, 1, (w / 2, split / 2), cut, rng)


def machine_stand(rng: random.Random) -> Assembly:
    """Columns on a base plate carry a crossbeam, a carriage and a tool: press, drill, gripper station."""
    kit = Kit(("press", "drilling_device", "test_stand", "lifting_device", "printing_device"))
    w, d, h = rng.uniform(100, 170), rng.uniform(60, 100), rng.uniform(110, 190)
    screws = tuple(ring_on(2, (x, y), 0.0, 4.0, 1) for x in (8.0, w - 8) for y in (8.0, d - 8))
    kit.add("base", "base_plate base", block((0, 0, -12), (w, d, 0)), decor=screws if rng.random() < 0.5 else ())
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
    return finish(kit, 2, (w / 2, d / 2), (1, d * 0.5), rng)
