"""More faults than `make test` has time for, seeded, and one table of them at the end.

    python -m tests.faults.soak [--seed N] [--kills 25] [--only FAULT ...]

Each case is a night of real processes (``tests/faults/nights.py``) that meets a fault. Then nothing may be there twice
or never have been, what CURRENT names must open with its checksums, and the next night must end with every row of an
undisturbed one. Exit code 1 when any case falls short of that.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pipeline.lake import Lake
from tests.disturbed_store import Disturbance, disturbed
from tests.faults import clock, nights, small_disk
from tests.faults.verdict import assert_nothing_twice_and_current_readable, assert_whole
from tests.object_store import object_store

#: A case gets what a night is to bring about, a folder of its own, and its own chance.
Case = Callable[[Lake, Path, random.Random], None]
#: KiB that are left on the disk; with 700 the night ends well.
_LEFT = ("0", "40", "150", "250", "400")
FIGURES = ("cases", "lost", "doubled", "hung", "seconds")


def killed(whole: Lake, folder: Path, rng: random.Random) -> None:
    """SIGKILL to the whole process group at an instant of the night."""
    lake = nights.started(whole, folder / "lake")
    process = nights.start(lake, whole)
    time.sleep(rng.uniform(0.5, _undisturbed_s(whole)))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert_nothing_twice_and_current_readable(lake, whole, nights.SETTINGS)
    nights.assert_next_night_ends_whole(lake, whole)


def refused(fault: str) -> Case:
    """A disk that is full but for some KiB, or read-only."""

    def case(whole: Lake, folder: Path, _: random.Random) -> None:
        done = small_disk.in_namespace(whole, folder / "lake", fault)
        assert done.returncode == 0, done.stdout + done.stderr

    return case


def two_at_once(whole: Lake, folder: Path, rng: random.Random) -> None:
    """Two runs of one archive, the second somewhat later."""
    lake = nights.started(whole, folder / "lake")
    first = nights.start(lake, whole)
    time.sleep(rng.uniform(0.0, 3.0))
    ends = [nights.end(process) for process in (first, nights.start(lake, whole))]
    assert all(code in (0, 1) and "Traceback" not in said for code, said in ends), ends
    assert_nothing_twice_and_current_readable(lake, whole, nights.SETTINGS)
    nights.assert_next_night_ends_whole(lake, whole)


def jumping_clock(whole: Lake, folder: Path, rng: random.Random) -> None:
    """A clock that goes a year on and a day back."""
    lake = nights.started(whole, folder / "lake")
    code, said, _ = clock.night_with_jumps(lake, whole, folder, rng)
    assert code == 0, said
    assert_whole(lake, whole)


def disturbed_store(whole: Lake, _: Path, rng: random.Random) -> None:
    """An object store that throttles, fails and loses answers."""
    root = Path(whole.storage.root)
    with object_store() as options:
        lake = Lake.at("s3://figlake/lake", options)
        for path in sorted((root / "index").rglob("*")):
            if path.is_file():
                lake.storage.write_bytes(path.read_bytes(), *path.relative_to(root).parts)
        with disturbed(options, Disturbance(seed=rng.randrange(1 << 30))) as through:
            code, said = nights.run(lake, whole, environment=through)
        assert code == 0, said
        assert_whole(lake, whole)


def cases(kills: int) -> dict[str, list[Case]]:
    """Every fault with its cases."""
    return {
        "SIGKILL at seeded instants": [killed] * kills,
        "full disk": [refused(left) for left in _LEFT],
        "read-only lake": [refused("read-only")],
        "two runs at once": [two_at_once] * 3,
        "clock that jumps": [jumping_clock] * 3,
        "object store that throttles, fails, loses answers": [disturbed_store] * 2,
    }


def _undisturbed_s(whole: Lake) -> float:
    return float((Path(whole.storage.root) / "seconds").read_text())


def main() -> int:
    """Run the cases, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=20190213)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--only", nargs="+", default=(), help="faults whose names begin so")
    arguments = parser.parse_args()
    if not small_disk.permitted():
        sys.stderr.write("no mount namespace may be made here: full and read-only disks will count as lost\n")
    found: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="figlake-soak-") as name:
        whole = nights.make_whole(Path(name) / "whole")
        started = time.monotonic()
        nights.assert_next_night_ends_whole(nights.started(whole, Path(name) / "undisturbed"), whole)
        (Path(whole.storage.root) / "seconds").write_text(str(time.monotonic() - started))
        for fault, listed in cases(arguments.kills).items():
            if not arguments.only or fault.startswith(tuple(arguments.only)):
                found[fault] = _tried(fault, listed, whole, Path(name), arguments.seed)
    print("| fault | " + " | ".join(FIGURES) + " |\n|" + "---|" * (len(FIGURES) + 1))
    for fault, counts in found.items():
        print(f"| {fault} | " + " | ".join(f"{counts[figure]:,}" for figure in FIGURES) + " |")
    return int(any(counts["lost"] + counts["doubled"] + counts["hung"] for counts in found.values()))


def _tried(fault: str, listed: list[Case], whole: Lake, folder: Path, seed: int) -> Counter[str]:
    counts, started = Counter[str](), time.monotonic()
    for number, case in enumerate(listed):
        place = folder / f"{fault}-{number}".replace(" ", "-")
        place.mkdir()
        counts["cases"] += 1
        try:
            case(whole, place, random.Random(f"{seed}/{fault}/{number}"))
        except subprocess.TimeoutExpired:
            counts["hung"] += 1
            sys.stderr.write(f"{fault}, case {number}: hung\n")
        except Exception as error:
            counts["doubled" if "twice" in str(error) else "lost"] += 1
            sys.stderr.write(f"{fault}, case {number}: {error}\n")
    counts["seconds"] = round(time.monotonic() - started)
    sys.stderr.write(f"{fault}: {dict(counts)}\n")
    return counts


if __name__ == "__main__":
    sys.exit(main())
