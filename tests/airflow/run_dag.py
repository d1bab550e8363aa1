"""Runs in the Airflow environment: ``run_dag.py DAG DAY PARAMS`` does what ``airflow dags test`` does.

`airflow dags test` of 3.3.2 fails at the end of each green run of a DAG that has a deadline: it looks for the alert in
the database by the alert itself instead of by its id. So the DAG that is run here has none.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk import conf


def main(name: str, day: str, params: str) -> int:
    folder = conf.get("core", "dags_folder")
    dag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder").dags[name]
    dag.deadline = None
    date = datetime.now(UTC) if day == "now" else datetime.fromisoformat(day).replace(tzinfo=UTC)
    run = dag.test(logical_date=date, run_conf=json.loads(params))
    for task in sorted(run.get_task_instances(), key=lambda task: (task.task_id, task.map_index)):
        print(
            "ended",
            task.task_id,
            task.map_index,
            task.state,
            "after",
            task.try_number,
            "in",
            f"{task.duration or 0:.1f} s",
        )
    return 0 if run.state == "success" else 1


sys.exit(main(*sys.argv[1:]))
