"""### figlake: a range of weeks, with its plan before it starts

Takes in the deliveries of a range of weeks: fetches those that the source still offers (into the folder `.backfill`
among the deliveries, of which the night takes nothing), adds those that lie in the folder, and brings them through
all steps to a release. **Before anything starts, the task `plan` logs what is to come**: hours, bytes and cost of
each step, by the rates of the lake's own runs. With `dry_run`, which is how the form comes, that is all. A plan
beyond `max_hours`, `max_gigabytes` or `max_cost` fails, and nothing starts.

A backfill may run beside the night: it takes at most four task slots, and of two runs of the same archive the later
one stands. What `max_archives` leaves is taken by triggering it again: done archives are not pending any more. When a
delivery's name does not say its week, the day counts on which the source published it; in the folder, such a one is
left out.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, TriggerRule
from figlake_operators import BACKFILLED, DELIVERIES, LAST
from figlake_planning import PLANNED, FetchWeeksOperator, PlanOperator, WeeksOperator
from figlake_policy import common, deadline
from figlake_tasks import REPLACE, through_steps, watch

PLACES = ("--archives", DELIVERIES, "--archives", BACKFILLED)
WEEK = {"type": "string", "pattern": r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$"}
PARAMS = {
    "first_week": Param("2026-W01", **WEEK, title="First week", description="Such as 2026-W01."),
    "last_week": Param("2026-W01", **WEEK, title="Last week", description="It is taken in too."),
    "dry_run": Param(True, type="boolean", title="Only the plan", description="Fetch nothing, start nothing."),
    "max_archives": Param(26, type="integer", minimum=1, maximum=1000, title="Archives at most",
                          description="The oldest first; trigger again for the rest."),
    "max_hours": Param(240, type="number", exclusiveMinimum=0, title="Hours at most",
                       description="A plan that takes longer fails."),
    "max_gigabytes": Param(1000, type="number", exclusiveMinimum=0, title="Gigabytes at most",
                           description="A plan that stores more fails."),
    "max_cost": Param(500, type="number", minimum=0, title="Cost at most",
                      description="In the currency of the settings; a plan that costs more fails."),
}  # fmt: skip

with DAG(
    dag_id="figlake_backfill",
    description="The deliveries of a range of weeks, planned, then taken in",
    schedule=None,
    params=PARAMS | REPLACE,
    max_active_tasks=4,
    deadline=deadline(24 * 14),
    **common(__doc__, "backfill"),
) as dag:
    fetch = FetchWeeksOperator(task_id="fetch", retries=4)
    choose = WeeksOperator(
        task_id="choose",
        arguments=["pending", "--to", LAST, *PLACES],
        trigger_rule=TriggerRule.ALL_DONE,  # a file that cannot be had keeps back no other
    )
    plan = PlanOperator(task_id="plan", arguments=["plan", *PLACES], names=choose.output)
    fetch >> choose >> plan
    through_steps([plan], first=choose.output, gate=PLANNED, places=PLACES)
    list(dag.tasks) >> watch()
