"""Runs in the Airflow environment: imports a folder of DAGs, prints what they are and what importing did, as JSON."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

#: What a DAG file has no business doing while it is parsed; reading Python files is what importing is.
FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "sqlite3.connect", "open")


class Witness:
    """Notes input and output while it is awake."""

    def __init__(self) -> None:
        self.awake, self.seen = False, []
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.awake or event not in FORBIDDEN:
            return
        if event == "open" and str(arguments[0]).endswith((".py", ".pyc", ".pyi")):
            return
        self.seen.append(f"{event} {arguments[0]!r}")


def imported(folder: Path, witness: Witness) -> dict[str, Any]:
    """Import each file from nothing, Airflow itself aside: seconds, input and output, engines."""
    sys.path.insert(0, str(folder))
    found = {}
    for path in sorted(folder.glob("*.py")):
        for name in [name for name in sys.modules if name.startswith("figlake") or name.split(".")[0] == "pipeline"]:
            del sys.modules[name]
        witness.seen, witness.awake = [], True
        started = time.perf_counter()
        importlib.import_module(path.stem)
        seconds, witness.awake = time.perf_counter() - started, False
        found[path.name] = {"seconds": seconds, "io": witness.seen}
    return found


def facts(dag: Any) -> dict[str, Any]:
    return {
        "file": Path(dag.fileloc).name,
        "doc": dag.doc_md,
        "description": dag.description,
        "tags": sorted(dag.tags),
        "start_date": dag.start_date.isoformat(),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "deadlines": [(alert.interval.total_seconds(), alert.callback.path) for alert in dag.deadline or []],
        "params": {name: param.schema | {"about": param.description} for name, param in dag.params.items()},
        "tasks": {task.task_id: task_facts(task) for task in dag.tasks},
    }


def task_facts(task: Any) -> dict[str, Any]:
    return {
        "owner": task.owner,
        "retries": task.retries,
        "timeout_s": task.execution_timeout and task.execution_timeout.total_seconds(),
        "upstream": sorted(task.upstream_task_ids),
        "mapped": task.get_closest_mapped_task_group() is not None,
        "trigger_rule": str(task.trigger_rule.value),
        "pool": task.pool,
        "engine": getattr(task, "engine", None),
        "outlets": sorted(asset.name for asset in task.outlets),
        "on_failure": [callback.__name__ for callback in task.on_failure_callback or []],
    }


def main(folder: Path) -> None:
    from airflow.dag_processing.dagbag import BundleDagBag  # also what a DAG file finds loaded when it is parsed

    sys.dont_write_bytecode = True  # that is no doing of the DAGs'
    files = imported(folder, Witness())
    bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags")
    dags = {name: facts(dag) for name, dag in bag.dags.items()}
    engines = sorted({"pyspark", "ray", "torch", "pyarrow", "faiss"} & sys.modules.keys())
    print(json.dumps({"errors": bag.import_errors, "files": files, "engines": engines, "dags": dags}))


main(Path(sys.argv[1]))
