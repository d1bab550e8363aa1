"""Objects turned about an axis: pumps, valves, bottles, lamps; proportions are drawn by lot."""

from __future__ import annotations

import math
import random

from pipeline.synth.kit import Assembly, Kit, finish
from pipeline.synth.solids import Hose, block, cylinder, gear, regular


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
        along = rng.uniform(0.25, 0.7) * length
        kit.add(
            "port",
            "inlet nozzle outlet",
            cylinder(2, radius * 0.28, radius, radius * 1.45, (along, 0)),
            parent="housing",
        )
        if rng.random() < 0.5:
            top = radius * 1.45
            bend = (
                (along, 0.0, top),
                (along, 0.0, top + 22),
                (along - 30, 8.0, top + 38),
                (along - 75, 20.0, top + 20),
            )
            kit.add("hose", "hose cable", Hose(bend, radius * 0.13), apart=(0, 0, 20))
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
    return finish(kit, 0, (0.0, 0.0), (1, 0.0), rng)


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
    return finish(kit, 2, (0.0, 0.0), (1, 0.0), rng)
