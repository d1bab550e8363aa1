"""What docs/operations.md says to do about lost and damaged files does help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.synth import draw_archive

ROOT = Path(__file__).resolve().parent.parent.parent


def figlake(*words: object) -> tuple[int, str]:
    """Exit code, and what was printed."""
    command = [sys.executable, "-m", "jobs.cli", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_a_file_that_was_lost_is_made_again_although_its_step_is_up_to_date(tmp_path: Path) -> None:
    archive, place = draw_archive(tmp_path, documents=2, seed=5), tmp_path / "lake"
    step = ["step", "extract", "--archive", archive.stem, "--lake", place]
    count = ["sql", "SELECT count(*) AS n FROM documents", "--latest", "--json", "--lake", place]
    assert figlake(*step, "--archives", archive)[0] == 0
    (lost,) = Lake.at(place).files("documents")
    Path(lost.path).unlink()
    assert figlake(*count)[0] != 0
    code, said = figlake(*step)
    assert (code, "is up to date" in said) == (0, True), "the tables' log does not know what the disk has lost"
    assert figlake(*step, "--again")[0] == 0
    code, said = figlake(*count)
    assert (code, json.loads(said)) == (0, [{"n": 2}])
