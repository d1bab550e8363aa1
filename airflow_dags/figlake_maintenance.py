"""### figlake: the lake kept small

Every Sunday: merges small shards of the index and takes withdrawn documents out of the tables (`figlake compact`),
forgets rejects that nobody will replay any more (`figlake rejects --expire`), publishes a release of the result, lets
old releases go (`figlake releases --prune`), and removes the files that no table and no kept release names
(`figlake clean`).

The tasks follow one another, because each makes the next one's work. What is kept how long is in figlake's settings:
`publish.keep`, `publish.keep_days`, `lake.retention_hours`. Files younger than that stay whatever happens, so the DAG
may run beside the night.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain
from figlake_operators import FiglakeOperator
from figlake_policy import TABLES, common, deadline
from figlake_tasks import lake_step, watch

from pipeline.flow import BY_NAME

PARAMS = {
    "rejects_days": Param(365, type="integer", minimum=1, title="Days that rejects are kept",
                          description="Counted from the last time that a step rejected the item."),
}  # fmt: skip

with DAG(
    dag_id="figlake_maintenance",
    description="Small shards merged, withdrawn documents removed, old releases and files let go",
    schedule="0 12 * * 0",
    params=PARAMS,
    deadline=deadline(24),
    **common(__doc__, "maintenance"),
) as dag:
    expire = ["rejects", "--expire", "{{ params.rejects_days }}"]
    chain(
        FiglakeOperator(task_id="compact", arguments=["compact"], outlets=[TABLES["shards"]]),
        FiglakeOperator(task_id="expire_rejects", arguments=expire),
        lake_step(BY_NAME["publish"]),
        FiglakeOperator(task_id="prune_releases", arguments=["releases", "--prune"], trigger_rule="none_failed"),
        FiglakeOperator(task_id="clean", arguments=["clean"]),
    )
    list(dag.tasks) >> watch()
