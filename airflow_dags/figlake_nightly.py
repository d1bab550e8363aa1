"""### figlake: from new archives to a published release

Every night: waits for a delivery, fetches it, finds the archives that have work to do (new ones, and known
ones that changed settings or models made stale), brings each through its steps, then publishes a release from
all of them. The tasks are made from `pipeline.flow.STEPS`: runs of steps that work on one archive are a task
group, mapped over the archives; a step that works on the lake as a whole runs once after them.

**The wait** holds no slot and ends after `wait_hours`; a night without anything new then costs seconds, and a
run for the past does not wait. **One archive that fails** stops neither the others nor the release; the task
`watch` then turns the run red, and the next night tries the archive again. Every task may be killed and run again
at any time: figlake commits a step's work once.

Each table is an asset (`figlake_links`, `figlake_figures`, …), and so is the release (`figlake_release`): a DAG of
yours with `schedule=[Asset("figlake_release")]` runs when a new one is published.

Variables, pools and clusters: `docs/airflow.md`.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param
from figlake_operators import AwaitDeliveryOperator, FetchOperator
from figlake_policy import common, deadline
from figlake_tasks import PARAMS, REPLACE, through_steps, watch

WAIT = {
    "wait_hours": Param(4, type="number", minimum=0, maximum=20, title="Hours to wait for a delivery",
                        description="Counted from the start of the run; 0 looks once."),
    "look_every_minutes": Param(15, type="number", exclusiveMinimum=0, maximum=240, title="Minutes between two looks",
                                description="How often the source is asked."),
}  # fmt: skip

with DAG(
    dag_id="figlake_nightly",
    description="Patent bulk archives in, a searchable release of figures out",
    schedule="0 2 * * *",
    params=WAIT | PARAMS | REPLACE,
    deadline=deadline(20),
    **common(__doc__, "nightly"),
) as dag:
    delivery = AwaitDeliveryOperator(task_id="await_delivery", retries=4)
    fetch = FetchOperator(task_id="fetch", retries=4)
    delivery >> fetch
    through_steps([fetch])
    list(dag.tasks) >> watch()
