"""A disk that fills while Spark's or Ray's own workers are at it: ``python -m tests.faults.filling_disk``.

Runs in a private mount namespace, as ``small_disk`` does.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from pipeline.lake import Lake
from pipeline.ledger import Ledger
from tests.equality import assert_equal
from tests.faults import nights, small_disk
from tests.faults.verdict import assert_nothing_twice_and_current_readable

#: No lake of three documents needs more.
_ROOM_KB = 131_072
#: A step of each engine's workers: Python beside the JVM, Ray Data's actors, actors that Ray Data does not know.
STEPS = ("extract", "ocr", "embed")


def main(archives: str, undisturbed: str, place: str, *options: str) -> None:
    """Each step finds the disk full once it has begun, and the next night goes on; the last one ends whole."""
    whole, lake = Lake.at(undisturbed), Lake.at(place)
    small_disk.mount(place, "-t", "tmpfs", "-o", f"size={_ROOM_KB}k", "tmpfs")
    command = [sys.executable, "-m", "jobs.cli", "run", "--archives", archives, "--lake", place, *options]
    for step in STEPS:
        code, said = _night_on_a_disk_that_fills(command, lake, step)
        small_disk.assert_told_in_one_line(code, said)
        assert step in said, said
        assert_nothing_twice_and_current_readable(lake, whole, nights.SETTINGS)
    done = subprocess.run(command, text=True, capture_output=True, timeout=nights.HUNG_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_equal(whole, lake)


def _night_on_a_disk_that_fills(command: list[str], lake: Lake, step: str) -> tuple[int, str]:
    """Exit code and all that was said of a night whose disk takes nothing more once the step has begun."""
    night = subprocess.Popen(
        command, text=True, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )  # fmt: skip
    while not any(run.step == step for run in Ledger.read(lake).runs):
        assert night.poll() is None, nights.end(night)
        time.sleep(0.02)
    filler = Path(lake.storage.root) / "filler"
    small_disk.fill(filler, 0)
    try:
        return nights.end(night)
    finally:
        filler.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
