"""What holds for every DAG, in a real Airflow 3."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from pipeline.flow import BY_NAME, STEPS, covers_lake
from tests.airflow.conftest import ROOT

DAGS = ("figlake_nightly", "figlake_backfill", "figlake_retrain", "figlake_maintenance")


def test_each_file_imports_in_under_a_second_without_input_or_output_and_loads_no_engine(facts: dict[str, Any]) -> None:
    assert facts["errors"] == {}
    assert {name: found["io"] for name, found in facts["files"].items() if found["io"]} == {}
    assert {name: found["seconds"] for name, found in facts["files"].items() if found["seconds"] >= 1} == {}
    assert facts["engines"] == []
    assert set(facts["dags"]) == set(DAGS)


@pytest.mark.parametrize("name", DAGS)
def test_a_dag_is_documented_tagged_and_starts_on_a_fixed_day(facts: dict[str, Any], name: str) -> None:
    dag = facts["dags"][name]
    assert dag["file"] == f"{name}.py"
    assert dag["doc"].startswith("### figlake: ")
    assert dag["description"]
    assert dag["tags"] == sorted(["figlake", "patents", name.removeprefix("figlake_")])
    assert dag["start_date"] == "2026-01-01T00:00:00+00:00"
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
    (deadline,) = dag["deadlines"]
    assert deadline[0] > 0
    assert deadline[1] == "figlake_alerts.announce_lateness"


@pytest.mark.parametrize("name", DAGS)
def test_parameters_have_a_form_that_says_what_they_take(facts: dict[str, Any], name: str) -> None:
    for param in facts["dags"][name]["params"].values():
        assert param["title"]
        assert param["about"]
        assert param["type"]
        assert param["type"] not in ("integer", "number") or {"minimum", "exclusiveMinimum"} & param.keys()


@pytest.mark.parametrize("name", DAGS)
def test_a_task_has_an_owner_a_plain_name_a_time_limit_retries_and_somebody_who_is_told(
    facts: dict[str, Any], name: str
) -> None:
    tasks = facts["dags"][name]["tasks"]
    for task_id, task in tasks.items():
        assert re.fullmatch(r"[a-z][a-z_]*", task_id)
        assert task["owner"] == "figlake"
        assert 0 < task["timeout_s"] <= 24 * 3600
        assert task["retries"] >= 2 or task_id == "watch"
        assert task["on_failure"] == (["announce_failure"] if task_id != "watch" else [])
    assert tasks["watch"]["upstream"] == sorted(set(tasks) - {"watch"})
    assert (tasks["watch"]["trigger_rule"], tasks["watch"]["retries"]) == ("one_failed", 0)


@pytest.mark.parametrize("name", DAGS)
def test_steps_on_ray_wait_for_the_pool_of_gpus_and_tell_which_tables_they_wrote(
    facts: dict[str, Any], name: str
) -> None:
    for task_id, task in facts["dags"][name]["tasks"].items():
        assert task["pool"] == {"ray": "figlake_gpu", "spark": "figlake_spark"}.get(task["engine"], "default_pool"), (
            task_id
        )
        if step := BY_NAME.get(task_id):
            assert task["engine"] == step.engine
            wrote = [f"figlake_{table}" for table in step.writes] or ["figlake_release"]
            assert task["outlets"] == sorted(wrote)
    retrain = facts["dags"]["figlake_retrain"]["tasks"]["retrain"]
    assert (retrain["engine"], retrain["pool"]) == ("ray", "figlake_gpu")
    assert retrain["outlets"] == ["figlake_codebooks", "figlake_shards"]


def test_the_pool_of_gpus_is_in_the_file_that_is_imported() -> None:
    pools = json.loads((ROOT / "airflow_dags" / "pools.json").read_text(encoding="utf-8"))
    assert pools["figlake_gpu"]["slots"] == pools["figlake_spark"]["slots"] == 1


def test_the_night_is_the_steps_in_their_order_after_wait_and_fetch(facts: dict[str, Any]) -> None:
    tasks = facts["dags"]["figlake_nightly"]["tasks"]
    assert {name for name, task in tasks.items() if task["mapped"]} == {s.name for s in STEPS if not covers_lake(s)}
    others = {"await_delivery", "fetch", "pending_extract", "watch"}
    assert set(tasks) == {step.name for step in STEPS} | others
    assert [tasks["fetch"]["upstream"], tasks["pending_extract"]["upstream"]] == [["await_delivery"], ["fetch"]]
    for before, after in pairwise(STEPS):
        search = f"pending_{after.name}"
        assert before.name in tasks[search if search in tasks else after.name]["upstream"]


def test_a_backfill_plans_before_the_first_step(facts: dict[str, Any]) -> None:
    tasks = facts["dags"]["figlake_backfill"]["tasks"]
    assert tasks["plan"]["upstream"] == ["choose"]
    assert {"plan", "choose"} <= set(tasks["extract"]["upstream"])
    assert facts["dags"]["figlake_backfill"]["params"]["first_week"]["pattern"].startswith(r"^\d{4}-W")


def test_maintenance_publishes_what_it_compacted_before_it_lets_files_go(facts: dict[str, Any]) -> None:
    tasks = facts["dags"]["figlake_maintenance"]["tasks"]
    order = ["compact", "expire_rejects", "publish", "prune_releases", "clean"]
    assert [tasks[name]["upstream"] for name in order] == [[], *([name] for name in order[:-1])]
