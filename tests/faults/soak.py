"""More faults than `make test` has time for, seeded, and one table of them at the end.

    python -m tests.faults.soak [--seed N] [--kills 25] [--only FAULT ...] [--minutes N]

Each case is a night of real processes (``tests/faults/nights.py``) that meets a fault. Then nothing may be there twice
or never have been, what CURRENT names must open with its checksums, and the next night must end with every row of an
undisturbed one. A case that falls short of that is lost (rows are missing), doubled (rows are there twice), hung, or
failed (anything else); then the exit code is 1.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.flow import STEPS
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from tests.disturbed_store import Disturbance, disturbed
from tests.faults import clock, nights, small_disk
from tests.faults.verdict import (
    RowsLostError,
    RowsTwiceError,
    assert_nothing_twice_and_current_readable,
    assert_whole,
)
from tests.object_store import object_store

FIGURES = ("cases", "missed", "lost", "doubled", "hung", "failed", "left out", "seconds")
#: Those that must be 0.
_WRONG = ("lost", "doubled", "hung", "failed")
#: KiB that are left on the disk; with 700 the night ends well.
_LEFT = ("0", "40", "150", "250", "400")
#: The least that a night has run when it is killed, in seconds.
_EARLIEST_S = 0.5


@dataclass
class Tally:
    """What came of a fault's cases: the table's figures, and the steps that SIGKILL met."""

    figures: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)


#: A case gets what a night is to bring about, a folder of its own, its own chance, and notes what it met.
Case = Callable[[Lake, Path, random.Random, Tally], None]


def killed(whole: Lake, folder: Path, rng: random.Random, tally: Tally) -> None:
    """SIGKILL to the whole process group at an instant of the night; earlier, when it had ended by then."""
    after_s = rng.uniform(_EARLIEST_S, _undisturbed_s(whole))
    for attempt in range(2):
        lake = nights.started(whole, folder / f"lake-{attempt}")
        if _killed_while_running(nights.start(lake, whole), after_s):
            tally.hit[_step_of(lake)] += 1
            assert_nothing_twice_and_current_readable(lake, whole, nights.SETTINGS)
            nights.assert_next_night_ends_whole(lake, whole)
            return
        tally.figures["missed"] += 1
        after_s = (_EARLIEST_S + after_s) / 2


def _killed_while_running(process: subprocess.Popen[str], after_s: float) -> bool:
    time.sleep(after_s)
    if running := process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return running and process.returncode == -signal.SIGKILL


def _step_of(lake: Lake) -> str:
    """The step that a night was in, or after which it was, by the last row of its ledger."""
    runs = Ledger.read(lake).runs
    if not runs:
        return f"before {STEPS[0].name}"
    return runs[-1].step if runs[-1].state == "started" else f"after {runs[-1].step}"


def refused(fault: str) -> Case:
    """A disk that is full but for some KiB, or read-only."""

    def case(whole: Lake, folder: Path, *_: object) -> None:
        done = small_disk.in_namespace(whole, folder / "lake", fault)
        assert done.returncode == 0, done.stdout + done.stderr

    return case


def two_at_once(whole: Lake, folder: Path, rng: random.Random, _: Tally) -> None:
    """Two runs of one archive, the second somewhat later."""
    lake = nights.started(whole, folder / "lake")
    first = nights.start(lake, whole)
    time.sleep(rng.uniform(0.0, 3.0))
    ends = [nights.end(process) for process in (first, nights.start(lake, whole))]
    assert all(code in (0, 1) and "Traceback" not in said for code, said in ends), ends
    assert_nothing_twice_and_current_readable(lake, whole, nights.SETTINGS)
    nights.assert_next_night_ends_whole(lake, whole)


def jumping_clock(whole: Lake, folder: Path, rng: random.Random, _: Tally) -> None:
    """A clock that goes a year on and a day back."""
    lake = nights.started(whole, folder / "lake")
    code, said, _ = clock.night_with_jumps(lake, whole, folder, rng)
    assert code == 0, said
    assert_whole(lake, whole)


def disturbed_store(whole: Lake, _: Path, rng: random.Random, __: Tally) -> None:
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
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which no case is begun")
    arguments = parser.parse_args()
    until = time.monotonic() + 60 * arguments.minutes
    if not small_disk.permitted():
        sys.stderr.write("no mount namespace may be made here: full and read-only disks will count as failed\n")
    found: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory(prefix="figlake-soak-") as name:
        whole = nights.make_whole(Path(name) / "whole")
        started = time.monotonic()
        nights.assert_next_night_ends_whole(nights.started(whole, Path(name) / "undisturbed"), whole)
        (Path(whole.storage.root) / "seconds").write_text(str(time.monotonic() - started))
        for fault, listed in cases(arguments.kills).items():
            if not arguments.only or fault.startswith(tuple(arguments.only)):
                found[fault] = tried(fault, listed, whole, Path(name), arguments.seed, until)
    print(table(found))
    return int(any(tally.figures[figure] for tally in found.values() for figure in _WRONG))


def tried(fault: str, listed: Sequence[Case], whole: Lake, folder: Path, seed: int, until: float) -> Tally:
    """The cases of a fault, each begun only before ``until`` (by time.monotonic)."""
    tally, started = Tally(), time.monotonic()
    for number, case in enumerate(listed):
        if time.monotonic() >= until:
            tally.figures["left out"] = len(listed) - number
            break
        place = folder / f"{fault}-{number}".replace(" ", "-")
        place.mkdir()
        tally.figures["cases"] += 1
        try:
            case(whole, place, random.Random(f"{seed}/{fault}/{number}"), tally)
        except Exception as error:
            tally.figures[_figure(error)] += 1
            sys.stderr.write(f"{fault}, case {number}: {error}\n")
    tally.figures["seconds"] = round(time.monotonic() - started)
    sys.stderr.write(f"{fault}: {dict(tally.figures)}\n")
    return tally


def table(found: dict[str, Tally]) -> str:
    """A row for each fault, in Markdown; below it the steps that SIGKILL met, in the order of a night."""
    lines = ["| fault | " + " | ".join(FIGURES) + " |", "|" + "---|" * (len(FIGURES) + 1)]
    hit = Counter[str]()
    for fault, tally in found.items():
        lines.append(f"| {fault} | " + " | ".join(f"{tally.figures[figure]:,}" for figure in FIGURES) + " |")
        hit += tally.hit
    order = [f"{when}{step.name}" for step in STEPS for when in ("before ", "", "after ")]
    steps = ", ".join(f"{name} {hit[name]}" for name in order if hit[name])
    return "\n".join([*lines, "", f"steps hit: {steps or 'none'}"])


def _figure(error: Exception) -> str:
    """What an error counts as. Of one in a process of its own there is the text, which names it."""
    kinds = ((RowsLostError, "lost"), (RowsTwiceError, "doubled"), (subprocess.TimeoutExpired, "hung"))
    for kind, figure in kinds:
        if isinstance(error, kind) or f".{kind.__name__}: " in str(error):
            return figure
    return "failed"


if __name__ == "__main__":
    sys.exit(main())
