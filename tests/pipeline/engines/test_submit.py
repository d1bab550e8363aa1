"""A step that spark-submit runs, as Spark on Kubernetes and Airflow's submit operator do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from pipeline.engines.java import find_java
from pipeline.lake import Lake
from pipeline.synth import draw_archive

ROOT = Path(__file__).resolve().parents[3]
SUBMIT = Path(pyspark.__file__).parent / "bin" / "spark-submit"


@pytest.mark.slow
def test_a_submitted_step_takes_the_submitted_master_and_ends_well(tmp_path: Path) -> None:
    archive = draw_archive(tmp_path, documents=2, seed=3)
    done = subprocess.run(
        [SUBMIT, "--master", "local[2]", ROOT / "infra" / "images" / "submit.py", "step", "extract", "--archive",
         archive.stem, "--archives", archive, "--lake", tmp_path / "lake", "--set", "spark.master=spark://nobody:1"],
        env={**os.environ, "JAVA_HOME": str(find_java()), "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert Lake.at(tmp_path / "lake").read("documents", ["doc_id"]).num_rows == 2
