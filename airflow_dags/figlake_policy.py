"""What all of figlake's DAGs keep to: owners, retries, time limits, the pool of GPUs, assets, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, DeadlineAlert, DeadlineReference, SyncCallback
from figlake_alerts import announce_failure, announce_lateness

from pipeline.flow import STEPS

#: By engine, where its tasks wait for a slot; `airflow pools import pools.json` makes them.
POOLS = {"spark": "figlake_spark", "ray": "figlake_gpu"}
START = datetime(2026, 1, 1, tzinfo=UTC)

#: How long a retry waits at first is Airflow's core.default_task_retry_delay.
DEFAULTS: dict[str, Any] = {
    "owner": "figlake",
    "retries": 2,
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(hours=1),
    "execution_timeout": timedelta(hours=24),
    "on_failure_callback": announce_failure,
}

#: A downstream DAG says `schedule=[Asset("figlake_links")]`, or waits for the release.
TABLES: dict[str, Asset] = {
    table: Asset(name=f"figlake_{table}", uri=f"figlake://lake/tables/{table}", group="figlake")
    for step in STEPS
    for table in step.writes
}
RELEASE = Asset(name="figlake_release", uri="figlake://lake/releases/CURRENT", group="figlake")


def deadline(hours: float) -> DeadlineAlert:
    """Somebody is told when a run is not done so long after it was queued; the run goes on."""
    return DeadlineAlert(
        name=f"done within {hours:g} hours",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=SyncCallback(announce_lateness, kwargs={"hours": hours}),
    )


def common(doc: str | None, *tags: str) -> dict[str, Any]:
    """Arguments that every DAG has; ``doc`` is its module's docstring."""
    return {
        "start_date": START,
        "catchup": False,
        "max_active_runs": 1,
        "default_args": DEFAULTS,
        "tags": ["figlake", "patents", *tags],
        "doc_md": doc,
    }
