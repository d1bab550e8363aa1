"""How busy accelerators are reaches the ledger, the metrics and the page; nothing is said where no driver tells.

The driver is a library compiled here (``nvml.c``), which the real binding, and Ray, load in its place.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from pipeline.lake import Lake
from pipeline.ledger import Ledger, Run, record
from pipeline.observe.accelerators import Use
from tests.ocr.drawn import sheet
from tests.ocr.sheets import lake_with, sheet_row
from tests.pipeline.test_runner import know

ROOT = Path(__file__).resolve().parents[2]
_SAMPLES = """
import json, time
from pipeline.observe import accelerators
accelerators.INTERVAL_S = 0.01
sampler, until = accelerators.Sampler(), time.monotonic() + 1
while time.monotonic() < until or 0 < sampler.use().samples < 100:
    time.sleep(0.01)
print(json.dumps(sampler.use().metrics()))
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the driver's library is the one of this test."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here: the use of accelerators is NOT tried")
    folder = tmp_path_factory.mktemp("driver")
    library = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, Path(__file__).with_name("nvml.c")], check=True)
    return {**os.environ, "PYTHONPATH": str(ROOT), "LD_LIBRARY_PATH": str(folder)}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0"}, {"accelerator_utilisation": 1.0, "accelerator_idle": 0.0}),
        ({"CUDA_VISIBLE_DEVICES": "GPU-second"}, {"accelerator_utilisation": 0.3, "accelerator_idle": 0.5}),
        ({}, {"accelerator_utilisation": 0.65, "accelerator_idle": 0.25}),
        ({"CUDA_VISIBLE_DEVICES": ""}, {}),
        ({"CUDA_VISIBLE_DEVICES": "7"}, {}),
        ({"FIGLAKE_TEST_NVML": "absent"}, {}),
    ],
)
def test_the_driver_is_asked_of_the_devices_that_the_process_may_see(
    driver: dict[str, str], variables: dict[str, str], expected: dict[str, float]
) -> None:
    environment = {name: value for name, value in driver.items() if name != "CUDA_VISIBLE_DEVICES"} | variables
    done = subprocess.run([sys.executable, "-c", _SAMPLES], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    assert json.loads(done.stdout) == pytest.approx(expected, abs=0.01)


def test_samples_of_several_nodes_count_alike() -> None:
    assert (Use(3, 150, 0) + Use(1, 0, 1)).metrics() == {"accelerator_utilisation": 0.375, "accelerator_idle": 0.25}
    assert Use().metrics() == {}


@pytest.mark.slow
def test_a_step_on_ray_notes_how_busy_its_gpu_was_and_the_metrics_and_the_page_say_so(
    driver: dict[str, str], tmp_path: Path
) -> None:
    drawn = [sheet_row(f"EP{n}A1", "imgf0001.tif", sheet([(f"{110 + n}", 200, 100, 0)], 500, 400)) for n in range(3)]
    lake = lake_with(tmp_path / "lake", {"sheets": drawn})
    know(lake, "week", "1")
    record(lake, Run("week", "extract", 1, "f", "done"))
    command = [
        sys.executable, "-m", "jobs.cli", "step", "ocr", "--archive", "week", "--lake", lake.storage.root,
        *("--set", "ray.gpus_per_actor=1", "--set", "ray.num_cpus=4", "--set", "ray.object_store_mb=200"),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env={**driver, "CUDA_VISIBLE_DEVICES": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    run = Ledger.read(Lake.at(tmp_path / "lake")).latest("ocr", "week", "done")
    assert run is not None and run.detail["resources"]["gpus"] == 1  # the second; the first is always busy
    busy, idle = run.detail["accelerator_utilisation"], run.detail["accelerator_idle"]
    assert 0 < idle < 1
    assert busy == pytest.approx(0.6 * (1 - idle), abs=0.001)
    said = CliRunner().invoke(app, ["metrics", "--lake", lake.storage.root]).output.splitlines()
    assert f'figlake_accelerator_utilisation_ratio{{step="ocr"}} {busy}' in said
    assert f'figlake_accelerator_idle_ratio{{step="ocr"}} {idle}' in said
    CliRunner().invoke(app, ["report", "--out", str(tmp_path / "night.html"), "--lake", lake.storage.root])
    assert f"<td class=n>{busy:.0%}</td>" in (tmp_path / "night.html").read_text()
