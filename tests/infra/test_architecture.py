"""docs/architecture.md shows the steps as they are declared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.flow import STEPS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "architecture.md"


def test_the_table_of_steps_is_current() -> None:
    command = "import runpy; print(runpy.run_path('infra/steps_table.py')['table'](), end='')"
    made = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert made in PAGE.read_text(encoding="utf-8"), "run: make docs"
    assert [line.split("`")[1] for line in made.splitlines()[2:]] == [step.name for step in STEPS]
