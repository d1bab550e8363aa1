"""What stands in a lake, as Prometheus metrics, asked of the tables every minute: no process has to remember it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.config import Settings
from pipeline.flow import STEPS
from pipeline.indexing.drift import drifts
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.observe.secrecy import hide
from pipeline.registry import known
from pipeline.runner import archives_for
from pipeline.status import current_release, state_of
from schemas import TABLES

#: Name, help, labels: all that is exported. Dashboards and alerts are held to this list.
METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "figlake_table_rows": ("Rows of a table.", ("table",)),
    "figlake_rejects": ("Items that stand rejected.", ("step", "reason")),
    "figlake_step_seconds": ("Seconds of the longest run that ended well, of the last day with one.", ("step",)),
    "figlake_step_items_per_second": ("Items a second of that run.", ("step",)),
    "figlake_step_peak_memory_bytes": ("Largest resident set of a worker in that run.", ("step",)),
    "figlake_step_accelerators": ("Accelerators that that run had.", ("step",)),
    "figlake_accelerator_utilisation_ratio": ("Mean use of the accelerators in that run.", ("step",)),
    "figlake_accelerator_idle_ratio": ("Share of its samples in which an accelerator did nothing.", ("step",)),
    "figlake_step_last_done_timestamp_seconds": ("When a run last ended well.", ("step",)),
    "figlake_step_failed": ("Archives that are not done because their newest run failed.", ("step",)),
    "figlake_step_unended": ("Archives whose newest run has begun and not ended: at work, or killed.", ("step",)),
    "figlake_step_unended_since_timestamp_seconds": ("When such runs began to follow each other.", ("step",)),
    "figlake_pending_tasks": ("Steps of archives that are not up to date: the queue.", ("step",)),
    "figlake_release_timestamp_seconds": ("When the release in service was published.", ()),
    "figlake_release_figures": ("Figures of the release in service.", ()),
    "figlake_release_recall_at_10": ("Recall@10 measured when it was published.", ("modality",)),
    "figlake_codebook_error_ratio": ("How much worse codes are than in training; 0: as good.", ("modality",)),
    "figlake_codebook_imbalance_ratio": ("How many times as uneven the lists are.", ("modality",)),
    "figlake_read_timestamp_seconds": ("When the lake was last read for all of these.", ()),
}  # fmt: skip

Sample = tuple[str, dict[str, str], float]

#: How often a service reads the lake; a scrape costs nothing.
READ_EVERY_S = 60.0
#: How long a scrape waits for the first reading; Prometheus itself waits 30 s here.
_FIRST_S = 25.0


def samples(lake: Lake, settings: Settings) -> Iterator[Sample]:
    """(metric, labels, value). What is not known is left out, never 0. The tables are opened once each."""
    lake = lake.snapshot()
    for table in TABLES:
        if lake.version(table) is not None:
            yield "figlake_table_rows", {"table": table}, sum(file.rows for file in lake.files(table))
    if lake.version("rejects") is not None:
        standing = lake.read("rejects", ["step", "reason"]).group_by(["step", "reason"]).aggregate([([], "count_all")])
        for row in sorted(standing.to_pylist(), key=lambda row: (row["step"], row["reason"])):
            yield "figlake_rejects", {"step": row["step"], "reason": row["reason"]}, row["count_all"]
    ledger, archives = Ledger.read(lake), list(known(lake))
    yield from _steps(ledger)
    for step in STEPS:
        names = archives_for(lake, step, archives) if archives else []
        states = {name: state_of(lake, settings, step, name, ledger) for name in names}
        found, labels = Counter(states.values()), {"step": step.name}
        yield "figlake_pending_tasks", labels, found.total() - found["done"]
        yield "figlake_step_failed", labels, found["failed"]
        yield "figlake_step_unended", labels, found["interrupted"]
        unended = [ledger.unended_since(step.name, name) for name, state in states.items() if state == "interrupted"]
        if since := [at.timestamp() for at in unended if at]:
            yield "figlake_step_unended_since_timestamp_seconds", labels, min(since)
    yield from _release(lake)
    for name, drift in drifts(lake, settings.indexing).items() if lake.version("codebooks") is not None else ():
        for metric, value in (("error", drift.error), ("imbalance", drift.imbalance)):
            if value is not None:
                yield f"figlake_codebook_{metric}_ratio", {"modality": name}, value


def _steps(ledger: Ledger) -> Iterator[Sample]:
    """A short run mostly loads its models, and a replay takes a few items: the longest of a day says most."""
    for step in STEPS:
        done = [run for run in ledger.runs if (run.step, run.state) == (step.name, "done") and run.at]
        newest = max((run.at for run in done if run.at), default=None)
        if newest is None:
            continue
        recent = [run for run in done if run.at and newest - run.at <= timedelta(days=1)]
        last = max(recent, key=lambda run: run.seconds or 0.0)
        found: dict[str, Any] = {
            "step_seconds": last.seconds,
            "step_items_per_second": last.rows_in / last.seconds if last.rows_in is not None and last.seconds else None,
            "step_peak_memory_bytes": last.peak_memory_mb * 2**20 if last.peak_memory_mb else None,
            "step_last_done_timestamp_seconds": newest.timestamp(),
            "step_accelerators": (last.detail.get("resources") or {}).get("gpus"),
            "accelerator_utilisation_ratio": last.detail.get("accelerator_utilisation"),
            "accelerator_idle_ratio": last.detail.get("accelerator_idle"),
        }
        for name, value in found.items():
            if value is not None:
                yield f"figlake_{name}", {"step": step.name}, float(value)


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
    """A collector of prometheus_client: gives what was read last, so that a scrape never waits for a large lake."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self._lake, self._settings = lake, settings
        self._samples: list[Sample] = []
        self._tried = threading.Event()

    def read(self) -> None:
        """Read the lake now; raises what the lake raises, and keeps what was read before."""
        try:
            found = list(samples(self._lake, self._settings))
            self._samples = [*found, ("figlake_read_timestamp_seconds", {}, time.time())]
        finally:
            self._tried.set()

    def read_on(self, say: Callable[[str], object], every_s: float = READ_EVERY_S) -> None:
        """Read again and again in a thread, until the process ends; what cannot be read is said, once."""

        def reads() -> None:
            told = ""
            while True:
                try:
                    self.read()
                    told = ""
                except Exception as error:  # a store that does not answer now may answer in a minute
                    if (text := f"{type(error).__name__}: {error}") != told:
                        say(hide(text, self._settings.storage))
                    told = text
                time.sleep(every_s)

        threading.Thread(target=reads, daemon=True, name="figlake-metrics").start()

    def collect(self) -> Iterator[Any]:
        """The families of metrics that have a value."""
        from prometheus_client.core import GaugeMetricFamily

        self._tried.wait(_FIRST_S)
        families: dict[str, Any] = {}
        for name, labels, value in self._samples:
            text, names = METRICS[name]
            family = families.setdefault(name, GaugeMetricFamily(name, text, labels=names))
            family.add_metric([labels[label] for label in names], value)
        yield from families.values()


def registry(collector: LakeCollector) -> Any:
    """A registry of the lake's metrics alone."""
    from prometheus_client import CollectorRegistry

    found = CollectorRegistry(auto_describe=False)
    found.register(collector)
    return found
