"""Runs in the Airflow environment: imports a folder of DAGs as Airflow does and prints what they are, as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag


def main(folder: Path) -> None:
    seconds = []
    for _ in range(3):
        sys.modules.pop("figlake_operators", None)
        started = time.perf_counter()
        bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags")
        seconds.append(time.perf_counter() - started)
    print(
        json.dumps(
            {
                "errors": bag.import_errors,
                "seconds": min(seconds),
                "engines": sorted({"pyspark", "ray", "torch", "pyarrow", "faiss"} & sys.modules.keys()),
                "dags": {name: facts(dag) for name, dag in bag.dags.items()},
            }
        )
    )


def facts(dag) -> dict:
    return {
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "start_date": dag.start_date.isoformat(),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": {name: param.schema for name, param in dag.params.items()} if dag.params else {},
        "tasks": {
            task.task_id: {
                "owner": task.owner,
                "retries": task.retries,
                "timeout": bool(task.execution_timeout),
                "upstream": sorted(task.upstream_task_ids),
                "mapped": task.get_closest_mapped_task_group() is not None,
                "trigger_rule": str(task.trigger_rule.value),
            }
            for task in dag.tasks
        },
    }


main(Path(sys.argv[1]))
