"""Tasks made from ``pipeline.flow.STEPS``, for every DAG that brings archives in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Param, TriggerRule, chain, task, task_group
from airflow.sdk.exceptions import AirflowFailException
from figlake_operators import DELIVERIES, LAST, FiglakeOperator, PendingArchivesOperator
from figlake_policy import RELEASE, TABLES

from pipeline.flow import STEPS, Step, covers_lake

PARAMS = {
    "only": Param(
        [],
        type="array",
        items={"type": "string"},
        title="Only these archives",
        description="Names of archives; empty means all that have work to do.",
    ),
    "max_archives": Param(
        200,
        type="integer",
        minimum=1,
        maximum=1000,
        title="Archives at most",
        description="What is beyond waits for the next run.",
    ),
}
#: Of a delivery that has come again with other content; until then such a one stops its archive, red every night.
REPLACE = {
    "replace": Param(False, type="boolean", title="Take corrected deliveries",
                     description="A delivery whose content has changed under its name replaces what it gave."),
}  # fmt: skip
NIGHTLY = ("--archives", DELIVERIES)


def through_steps(
    before: list[Any], first: Any = None, gate: str = "open", places: Sequence[str] = NIGHTLY
) -> list[Any]:
    """All steps after ``before``; returns what has to be done before they are.

    ``first`` gives the names of the archives for the first steps; by default figlake is asked what is pending.
    ``gate``: see FiglakeOperator; of the steps of the lake. ``places``: the options that say where deliveries lie.
    """
    before = over_archives([step for step in STEPS if not covers_lake(step)], before, first, places)
    return over_lake([step for step in STEPS if covers_lake(step)], before, gate)


def over_archives(
    steps: Sequence[Step], before: list[Any], names: Any = None, places: Sequence[str] = NIGHTLY
) -> list[Any]:
    """Steps of one archive, one after the other, mapped over the archives that have some of them to do."""
    first = steps[0].name
    if names is None:
        pending = PendingArchivesOperator(
            task_id=f"pending_{first}",
            arguments=["pending", "--to", LAST, *places],
            # What failed or was skipped before must not keep what is there from being worked on.
            trigger_rule=TriggerRule.ALL_DONE,
        )
        before >> pending
        before, names = [pending], pending.output

    @task_group(group_id=f"archives_{first}", prefix_group_id=False)
    def each_archive(archive: str) -> None:
        chain(*(archive_step(step, archive, places) for step in steps))

    group = each_archive.expand(archive=names)
    before >> group
    return [*before, group]


def archive_step(step: Step, archive: str, places: Sequence[str]) -> FiglakeOperator:
    """One step of one archive. The step that reads the delivery itself is told where it lies."""
    source = () if step.reads else (*places, "{{ '--replace' if params.replace else '' }}")
    return FiglakeOperator(
        task_id=step.name,
        engine=step.engine,
        arguments=["step", step.name, "--archive", archive, *source],
        doc_md=step.summary,
        map_index_template="{{ task.arguments[3] }}",
        outlets=[TABLES[name] for name in step.writes],
        do_xcom_push=False,
    )


def over_lake(steps: Sequence[Step], before: list[Any], gate: str = "open") -> list[Any]:
    """Steps of the whole lake. They run whatever became of single archives: the others are worth a release."""
    for step in steps:
        operator = lake_step(step, gate=gate, trigger_rule=TriggerRule.ALL_DONE)
        before >> operator
        before = [operator]
    return before


def lake_step(step: Step, **kwargs: Any) -> FiglakeOperator:
    """One step of the whole lake. With nothing to do it is skipped, and tells no DAG that waits for it."""
    return FiglakeOperator(
        task_id=step.name,
        engine=step.engine,
        arguments=["step", step.name],
        doc_md=step.summary,
        outlets=[TABLES[name] for name in step.writes] or [RELEASE],
        skip_idle=True,
        do_xcom_push=False,
        **kwargs,
    )


@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0, on_failure_callback=None)
def watch() -> None:
    """Turn the run red when any task failed; the release that could be made is published all the same."""
    raise AirflowFailException("a task failed: see the red ones above")
