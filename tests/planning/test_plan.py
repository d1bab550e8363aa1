"""Plans reckon with what earlier runs took, leave out what is done, and say what they assume."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.plan import duration, size
from pipeline import registry
from pipeline.archives import discover
from pipeline.config import CostSettings, Settings
from pipeline.flow import BY_NAME, STEPS
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from pipeline.planning import plan_archives, plan_documents, rates_of
from pipeline.planning.rates import read_reference
from pipeline.runner import plan as plan_task
from tests.faults.archives import good_package, weekly
from tests.indexing.lakes import add_archive, clustered

SETTINGS = Settings(cost=CostSettings(cpu_hour=0.1, gpu_hour=2.0, storage_gb_month=0.0, currency="EUR"))


def done(lake: Lake, archive: str, step: str, seconds: float, **detail: Any) -> None:
    """A row of the ledger."""
    record(lake, Run(archive, step, 1, "f", "done", rows_in=1, seconds=seconds, peak_memory_mb=500, detail=detail))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two archives of two and four documents."""
    found, vectors = Lake.at(tmp_path / "lake"), clustered(6, 8, 2, seed=1)
    for archive, numbers in (("A", range(2)), ("B", range(2, 6))):
        documents = {f"EP{n}A1": {f"EP{n}A1/s.tif#1": (vectors[n], vectors[n])} for n in numbers}
        add_archive(found, archive, documents, date(2019, 1, 1))
    return found


def test_hours_memory_and_cost_follow_the_measured_rate(lake: Lake) -> None:
    done(lake, "A", "ocr", 20, resources={"cpus": 4, "gpus": 0})
    done(lake, "B", "ocr", 80, resources={"cpus": 4, "gpus": 0})
    step = plan_documents(360, rates_of(lake), SETTINGS).steps["ocr"]
    assert step.hours == pytest.approx(360 * 100 / 6 / 3600)
    assert (step.hours_low, step.hours_high) == (pytest.approx(1.0), pytest.approx(2.0))
    assert step.cpu_hours == pytest.approx(4 * step.hours)
    assert step.cost == pytest.approx(0.1 * step.cpu_hours)
    assert (step.memory_mb, step.measured_runs) == (500, 2)


def test_machines_share_archives_and_cost_the_same(lake: Lake) -> None:
    done(lake, "B", "ocr", 80, resources={"cpus": 4, "gpus": 0})
    one, eight = (plan_documents(100, rates_of(lake), SETTINGS, machines=n).steps["ocr"] for n in (1, 8))
    assert eight.hours == pytest.approx(one.hours / 8)
    assert eight.cost == pytest.approx(one.cost)


def test_runs_on_another_machine_say_nothing_of_the_newest_ones(lake: Lake) -> None:
    for _ in range(3):
        done(lake, "B", "ocr", 4000, resources={"cpus": 2, "gpus": 0})
    done(lake, "B", "ocr", 40, resources={"cpus": 8, "gpus": 1})
    rate = rates_of(lake).steps["ocr"]
    assert (rate.seconds, rate.gpus, rate.runs) == (pytest.approx(40 / 4), 1, 1)


def test_accelerators_count_only_where_they_were_measured(lake: Lake) -> None:
    done(lake, "B", "ocr", 80, resources={"cpus": 8, "gpus": 2})
    done(lake, "B", "embed", 40, resources={"cpus": 8, "gpus": 0})
    plain, four = (plan_documents(100, rates_of(lake), SETTINGS, gpus=gpus) for gpus in (0, 4))
    assert four.steps["ocr"].hours == pytest.approx(plain.steps["ocr"].hours / 2)
    assert four.steps["ocr"].gpu_hours == pytest.approx(plain.steps["ocr"].gpu_hours)
    assert four.steps["embed"].hours == pytest.approx(plain.steps["embed"].hours)
    assert any("embed" in line and "had a GPU" in line for line in four.assumptions)


def test_a_training_is_not_reckoned_from_a_run_that_trained_nothing(lake: Lake) -> None:
    done(lake, "_lake", "codebook", 60, trained=["image"])
    done(lake, "_lake", "codebook", 1, trained=[])
    rate = rates_of(lake).steps["codebook"]
    assert (rate.fixed, rate.seconds) == (60, 0)  # its sample is bounded, whatever the number of documents
    assert plan_documents(10_000, rates_of(lake), SETTINGS).steps["codebook"].hours == pytest.approx(60 / 3600)


def test_publishing_has_a_fixed_part_and_one_that_grows_with_the_lake(lake: Lake) -> None:
    each = sum(rates_of(lake).vectors.values())
    for documents, seconds in ((10, 5.0), (110, 15.0)):
        record(lake, Run("_lake", "publish", 1, "f", "done", rows_in=round(documents * each), seconds=seconds))
    rate = rates_of(lake).steps["publish"]
    assert rate.seconds == pytest.approx(0.1)
    assert rate.fixed == pytest.approx(4.0)


def test_what_the_lake_never_ran_is_the_references_and_says_so(lake: Lake) -> None:
    done(lake, "B", "ocr", 80)
    rates, reference = rates_of(lake), read_reference()
    assert rates.steps["extract"] == reference.steps["extract"]
    found = plan_documents(10, rates, SETTINGS)
    assert found.steps["extract"].measured_runs == 0
    assert any(
        line.startswith("not measured") and "extract" in line and "ocr" not in line for line in found.assumptions
    )


def test_the_reference_knows_every_step_table_and_modality() -> None:
    reference = read_reference()
    assert set(reference.steps) == set(BY_NAME)
    assert all(rate.seconds + rate.fixed > 0 for rate in reference.steps.values())
    assert {table for step in STEPS for table in step.writes} <= set(reference.table_bytes)
    assert reference.reference  # on which machine


def test_the_index_is_that_of_all_documents(lake: Lake) -> None:
    found = plan_documents(1_000_000, read_reference(), SETTINGS, standing=5_000_000)
    image = found.index["image"]
    assert image.vectors == round(6_000_000 * read_reference().vectors["image"])
    assert "RaBitQ" in image.recipe
    assert image.memory_mb and image.latency_ms


def test_what_a_step_has_not_come_to_yet_makes_no_rate_smaller(lake: Lake) -> None:
    whole = rates_of(lake)
    add_archive(lake, "C", {f"EP{n}A1": {} for n in range(10, 30)}, date(2019, 1, 1))
    half = rates_of(lake)
    assert half.vectors == whole.vectors
    assert {t: half.table_bytes[t] for t in BY_NAME["embed"].writes} == {
        t: whole.table_bytes[t] for t in BY_NAME["embed"].writes
    }
    assert half.table_bytes["documents"] != whole.table_bytes["documents"]


def test_archives_are_counted_and_what_is_done_is_left_out(tmp_path: Path) -> None:
    numbers = [f"{3_000_000 + n}" for n in range(8)]
    path = weekly(tmp_path / "week07.zip", {f"EP{number}NWA1": good_package(number) for number in numbers})
    sources, lake = discover([str(path)], {}), Lake.at(tmp_path / "lake")
    new = plan_archives(sources, lake, read_reference(), SETTINGS)
    assert new.archives == {"week07": round(8 * read_reference().package_documents)}
    assert all(step.documents for step in new.steps.values())
    archive = registry.register(lake, sources[0])
    step, name = BY_NAME["extract"], archive.name
    add_archive(lake, name, {f"EP{number}A1": {} for number in numbers}, date(2019, 1, 1))
    generation = 1 << 40  # newer than that of any row of a test
    for table in (*step.writes, "rejects"):
        lake.commit(table, "extract", name, generation, [])
    fingerprint = plan_task(lake, SETTINGS, step, name).fingerprint
    record(lake, Run(name, "extract", generation, fingerprint, "done", rows_in=8, seconds=1.0))
    half = plan_archives(
        [registry.renamed(sources[0], "called-otherwise")], lake, read_reference(), SETTINGS
    )  # known by its place, as `figlake run --as` leaves it
    assert half.archives == {"week07": 8}
    assert half.steps["extract"].documents == 0
    assert half.steps["ocr"].documents > 0


def test_the_command_prints_what_is_to_come(tmp_path: Path) -> None:
    path = weekly(tmp_path / "week07.zip", {"EP3000001NWA1": good_package("3000001")})
    shown = CliRunner().invoke(app, ["plan", "--archives", str(path)])
    assert shown.exit_code == 0, shown.output
    for word in ("extract", "publish", "reference", "prices", "The index when all is done"):
        assert word in shown.output
    plain = json.loads(CliRunner().invoke(app, ["plan", "--documents", "500000", "--json"]).stdout)
    assert plain["total"]["hours"] == pytest.approx(sum(step["hours"] for step in plain["steps"].values()))
    assert {"hours", "bytes", "cost"} <= set(plain["total"])


@pytest.mark.parametrize("arguments", [[], ["--documents", "3", "--archives", "x.zip"]])
def test_either_archives_or_documents(arguments: list[str]) -> None:
    found = CliRunner().invoke(app, ["plan", *arguments])
    assert found.exit_code == 2
    assert "either --archives or --documents" in found.output


def test_figures_are_written_as_people_read_them() -> None:
    assert [duration(hours) for hours in (0.01, 0.5, 24, 240)] == ["36 s", "30 min", "24 h", "10.0 d"]
    assert [size(count) for count in (12, 12_000, 3.4e9, 2e15)] == ["12 B", "12 KB", "3.4 GB", "2 PB"]
