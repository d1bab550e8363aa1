"""What stands in a lake, as Prometheus metrics, asked of the tables at each scrape: no process has to remember it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pipeline.config import Settings
from pipeline.flow import STEPS
from pipeline.indexing.drift import drifts
from pipeline.lake import Lake
from pipeline.ledger import Ledger, Run
from pipeline.registry import known
from pipeline.runner import archives_for, plan
from pipeline.status import current_release
from schemas import TABLES

#: Name, help, labels: all that is exported. Dashboards and alerts are held to this list.
METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "figlake_table_rows": ("Rows of a table.", ("table",)),
    "figlake_rejects": ("Items that stand rejected.", ("step", "reason")),
    "figlake_step_seconds": ("Seconds of the newest finished run, over its archives the greatest.", ("step",)),
    "figlake_step_items_per_second": ("Items a second of the newest finished run.", ("step",)),
    "figlake_step_peak_memory_bytes": ("Largest resident set of a worker in the newest finished run.", ("step",)),
    "figlake_step_last_done_timestamp_seconds": ("When a run was last finished.", ("step",)),
    "figlake_step_failed": ("Archives whose newest run failed.", ("step",)),
    "figlake_step_accelerators": ("Accelerators that the newest finished run had.", ("step",)),
    "figlake_accelerator_utilisation_ratio": ("Mean use of the accelerators in the newest finished run.", ("step",)),
    "figlake_accelerator_idle_ratio": ("Share of its samples in which an accelerator did nothing.", ("step",)),
    "figlake_pending_tasks": ("Steps of archives that are not up to date: the queue.", ("step",)),
    "figlake_release_timestamp_seconds": ("When the release in service was published.", ()),
    "figlake_release_figures": ("Figures of the release in service.", ()),
    "figlake_release_recall_at_10": ("Recall@10 measured when it was published.", ("modality",)),
    "figlake_codebook_error_ratio": ("How much worse codes are than in training; 0: as good.", ("modality",)),
    "figlake_codebook_imbalance_ratio": ("How many times as uneven the lists are.", ("modality",)),
}  # fmt: skip

Sample = tuple[str, dict[str, str], float]


def samples(lake: Lake, settings: Settings) -> Iterator[Sample]:
    """(metric, labels, value). What is not known is left out, never 0. The tables are opened once each."""
    lake = lake.snapshot()
    for table in TABLES:
        if lake.version(table) is not None:
            yield "figlake_table_rows", {"table": table}, sum(file.rows for file in lake.files(table))
    rejects = lake.read("rejects", ["step", "reason"]).to_pylist() if lake.version("rejects") is not None else []
    for (name, reason), count in sorted(Counter((row["step"], row["reason"]) for row in rejects).items()):
        yield "figlake_rejects", {"step": name, "reason": reason}, count
    ledger, archives = Ledger.read(lake), list(known(lake))
    yield from _steps(ledger)
    for step in STEPS:
        tasks = archives_for(lake, step, archives) if archives else []
        waiting = sum(not plan(lake, settings, step, archive, ledger).done for archive in tasks)
        yield "figlake_pending_tasks", {"step": step.name}, waiting
    yield from _release(lake)
    for name, drift in drifts(lake, settings.indexing).items() if lake.version("codebooks") is not None else ():
        for metric, value in (("error", drift.error), ("imbalance", drift.imbalance)):
            if value is not None:
                yield f"figlake_codebook_{metric}_ratio", {"modality": name}, value


def _steps(ledger: Ledger) -> Iterator[Sample]:
    ended = [run for run in ledger.runs if run.state != "started"]
    newest: dict[str, dict[str, Run]] = {}
    for run in ended:
        newest.setdefault(run.step, {})[run.archive] = run
    for step, by_archive in sorted(newest.items()):
        labels = {"step": step}
        yield "figlake_step_failed", labels, sum(run.state == "failed" for run in by_archive.values())
        done = [run for run in ended if run.step == step and run.state == "done"]
        if not done:
            continue
        last = done[-1]
        found: dict[str, Any] = {
            "step_seconds": last.seconds,
            "step_items_per_second": last.rows_in / last.seconds if last.rows_in is not None and last.seconds else None,
            "step_peak_memory_bytes": last.peak_memory_mb * 2**20 if last.peak_memory_mb else None,
            "step_last_done_timestamp_seconds": last.at.timestamp() if last.at else None,
            "step_accelerators": (last.detail.get("resources") or {}).get("gpus"),
            "accelerator_utilisation_ratio": last.detail.get("accelerator_utilisation"),
            "accelerator_idle_ratio": last.detail.get("accelerator_idle"),
        }
        for name, value in found.items():
            if value is not None:
                yield f"figlake_{name}", labels, float(value)


def _release(lake: Lake) -> Iterator[Sample]:
    release = current_release(lake)
    if release is None:
        return
    published = datetime.fromisoformat(release["published_at"]).astimezone(UTC)
    yield "figlake_release_timestamp_seconds", {}, published.timestamp()
    yield "figlake_release_figures", {}, release["counts"]["figures"]
    for name, modality in release["modalities"].items():
        if modality.get("recall_at_10") is not None:
            yield "figlake_release_recall_at_10", {"modality": name}, modality["recall_at_10"]


class LakeCollector:
    """A collector of prometheus_client: reads the lake at each scrape."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self._lake, self._settings = lake, settings

    def collect(self) -> Iterator[Any]:
        """The families of metrics that have a value."""
        from prometheus_client.core import GaugeMetricFamily

        families: dict[str, Any] = {}
        for name, labels, value in samples(self._lake, self._settings):
            text, names = METRICS[name]
            family = families.setdefault(name, GaugeMetricFamily(name, text, labels=names))
            family.add_metric([labels[label] for label in names], value)
        yield from families.values()


def registry(lake: Lake, settings: Settings) -> Any:
    """A registry of the lake's metrics alone."""
    from prometheus_client import CollectorRegistry

    found = CollectorRegistry(auto_describe=False)
    found.register(LakeCollector(lake, settings))
    return found
