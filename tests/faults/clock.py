"""A clock that jumps under every process of a night: libfaketime reads it from a file at each look at the time."""

from __future__ import annotations

import random
import time
from importlib.util import find_spec
from pathlib import Path

from pipeline.lake import Lake
from tests.faults import nights

JUMPS = ("+365d", "-1d")


def environment_of(jump: Path) -> dict[str, str]:
    """What a process needs in its environment to see the clock as ``jump`` says. Waiting goes by the real clock."""
    spec = find_spec("libfaketime")
    assert spec is not None and spec.submodule_search_locations, "libfaketime is not installed; `make install`"
    (library,) = Path(spec.submodule_search_locations[0]).rglob("libfaketime.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(jump), "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1"}  # fmt: skip


def set_clock(jump: Path, offset: str) -> None:
    """Jump. At once: a process never reads half a file."""
    fresh = jump.with_suffix(".new")
    fresh.write_text(offset)
    fresh.replace(jump)


def night_with_jumps(lake: Lake, whole: Lake, folder: Path, rng: random.Random) -> tuple[int, str, int]:
    """A night whose clock goes a year on and a day back, over and over. Returns exit code, output, jumps."""
    jump, jumps = folder / "jump", 0
    set_clock(jump, "+0d")
    process = nights.start(lake, whole, environment=environment_of(jump))
    deadline = time.monotonic() + nights.HUNG_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(rng.uniform(0.1, 1.0))
        set_clock(jump, JUMPS[jumps % 2])
        jumps += 1
    return *nights.end(process), jumps
