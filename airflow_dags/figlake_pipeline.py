"""### figlake: from new archives to a published release

Every night: finds the archives that have work to do (new deliveries in the configured folder, and known
ones that changed settings or models made stale), brings each through its steps, then publishes a
release from all of them. The tasks are made from `pipeline.flow.STEPS`: runs of steps that work on one
archive are a task group, mapped over the archives; a step that works on the lake as a whole runs once
after them.

**A night without anything new** skips every archive and costs seconds. **One archive that fails** stops
neither the others nor the release; the task `watch` then turns the run red, and the next night tries the
archive again. Every task may be killed and run again at any time: figlake commits a step's work once.

**Variables** (or `AIRFLOW_VAR_…` in the environment), read when a task runs:

| Variable | meaning | default |
|---|---|---|
| `figlake_lake` | root of the lake: an absolute path or a URI | none; must be set |
| `figlake_archives` | the folder or URI where archives are delivered | none; must be set |
| `figlake_command` | figlake in its own environment, e.g. `/opt/figlake/.venv/bin/figlake` | `figlake` |
| `figlake_profile` | `laptop` or `cluster` | `laptop` |
| `figlake_config` | a TOML file laid over the profile | none |

How many archives are worked on at once is Airflow's `core.max_active_tasks_per_dag`: each task starts an
engine of its own, so one machine wants a small number.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from airflow.sdk import DAG, Param, TriggerRule, chain, task, task_group
from airflow.sdk.exceptions import AirflowFailException
from figlake_operators import FiglakeOperator, PendingArchivesOperator

from pipeline.flow import STEPS, Step

DEFAULTS = {
    "owner": "figlake",
    "retries": 2,
    "retry_delay": timedelta(minutes=5),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(hours=1),
    "execution_timeout": timedelta(hours=24),
}
PARAMS = {
    "only": Param([], type="array", items={"type": "string"}, title="Only these archives",
                  description="Names of archives; empty means all that have work to do."),
    "max_archives": Param(200, type="integer", minimum=1, maximum=1000, title="Archives at most",
                          description="What is beyond waits for the next run."),
}  # fmt: skip
DELIVERIES = "{{ var.value.figlake_archives }}"


def over_archives(steps: list[Step], before: list[Any]) -> list[Any]:
    """Steps of one archive, one after the other, mapped over the archives that have some of them to do.

    Returns what a later step has to wait for: the search for archives, and the group.
    """
    first = steps[0].name
    pending = PendingArchivesOperator(
        task_id=f"pending_{first}", arguments=["pending", "--from", first, "--archives", DELIVERIES, "--json"]
    )

    @task_group(group_id=f"archives_{first}", prefix_group_id=False)
    def each_archive(archive: str) -> None:
        chain(*(archive_step(step, archive) for step in steps))

    before >> pending
    return [pending, each_archive.expand(archive=pending.output)]


def archive_step(step: Step, archive: str) -> FiglakeOperator:
    """One step of one archive. The step that reads the delivery itself is told where it lies."""
    source = [] if step.reads else ["--archives", DELIVERIES]
    return FiglakeOperator(
        task_id=step.name,
        arguments=["step", step.name, "--archive", archive, *source],
        doc_md=step.summary,
        map_index_template="{{ task.arguments[3] }}",
        do_xcom_push=False,
    )


def over_lake(steps: list[Step], before: list[Any]) -> list[Any]:
    """Steps of the whole lake. They run whatever became of single archives: the others are worth a release."""
    for step in steps:
        operator = FiglakeOperator(
            task_id=step.name,
            arguments=["step", step.name],
            doc_md=step.summary,
            trigger_rule=TriggerRule.ALL_DONE,
            do_xcom_push=False,
        )
        before >> operator
        before = [operator]
    return before


@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
def watch() -> None:
    """Turn the run red when any task failed; the release that could be made is published all the same."""
    raise AirflowFailException("a task failed: see the red ones above")


with DAG(
    dag_id="figlake",
    description="Patent bulk archives in, a searchable release of figures out",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    params=PARAMS,
    tags=["figlake", "patents"],
    doc_md=__doc__,
) as dag:
    done: list[Any] = []
    for scope, group in groupby(STEPS, key=attrgetter("scope")):
        generate = over_archives if scope == "archive" else over_lake
        done = generate(list(group), done)
    list(dag.tasks) >> watch()
