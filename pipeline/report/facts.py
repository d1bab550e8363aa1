"""The facts of a night, from the lake's own tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import CostSettings, Settings
from pipeline.errors import UsageError
from pipeline.flow import BY_NAME, STEPS
from pipeline.indexing.drift import Drift, drifts
from pipeline.lake import Lake
from pipeline.ledger import Ledger, Run
from pipeline.merge import rows_of
from pipeline.status import current_release, state_of
from pipeline.withdrawal import withdrawn

_EXAMPLES = 3
_SLOWEST = 8


@dataclass(frozen=True)
class StepFacts:
    """One step over all its runs of the night; ``cost_per_1000_figures`` None where no figure came in.

    ``utilisation``: the accelerators' mean, 0 to 1; None where it is not known.
    """

    name: str
    runs: int
    failed: int
    rows_in: int
    rows_out: int
    rejects: int
    seconds: float
    memory_mb: float
    cost: float
    cost_per_1000_figures: float | None
    utilisation: float | None

    @property
    def items_per_second(self) -> float | None:
        return self.rows_in / self.seconds if self.seconds else None


@dataclass(frozen=True)
class Rejects:
    """Items rejected for one reason in one step."""

    step: str
    reason: str
    count: int
    examples: tuple[tuple[str, str], ...]  # item, detail


@dataclass(frozen=True)
class Night:
    """Everything that the page shows."""

    lake: str
    since: datetime | None
    until: datetime | None
    steps: Sequence[StepFacts]
    archives: Mapping[str, Mapping[str, int]]  # archive → rows by table
    rejects: Sequence[Rejects]  # last seen in the night
    failures: Sequence[Run]
    unended: Sequence[Run]  # begun and neither done nor failed: at work, or killed
    slowest: Sequence[Run]
    slowest_documents: Sequence[tuple[str, str, float]]  # doc_id, archive, seconds of reading its sheets
    checked: int  # expectations
    quality: Sequence[Mapping[str, Any]]  # those that do not hold
    drift: Mapping[str, Drift]
    release: Mapping[str, Any] | None
    currency: str

    @property
    def cost(self) -> float:
        return sum(step.cost for step in self.steps)

    @property
    def figures(self) -> int:
        """Figures of the archives that the night worked on."""
        return sum(rows.get("figures", 0) for rows in self.archives.values())


def night(lake: Lake, settings: Settings, since: datetime | None = None) -> Night:
    """The runs that ended from ``since`` on (default: all), and how the lake stands now."""
    lake = lake.snapshot()
    ledger = Ledger.read(lake)
    runs = [run for run in ledger.runs if run.at and (since is None or run.at >= since)]
    ended = [run for run in runs if run.state != "started"]
    touched = sorted({run.archive for run in ended if run.archive != "_lake"})
    archives = _archives(lake, touched)
    quality = _quality(lake, since)
    return Night(
        lake=lake.storage.root,
        since=min((run.at for run in runs if run.at), default=None),
        until=max((run.at for run in runs if run.at), default=None),
        steps=_steps(ended, archives, settings.cost),
        archives=archives,
        rejects=_rejects(lake, touched, since),
        failures=_standing(lake, settings, ledger, runs, "failed"),
        unended=_standing(lake, settings, ledger, runs, "interrupted"),
        slowest=sorted((run for run in ended if run.seconds), key=lambda run: -(run.seconds or 0))[:_SLOWEST],
        slowest_documents=_slowest_documents(ended, withdrawn(lake)),
        checked=len(quality),
        quality=[row for row in quality if not row["passed"]],
        drift=drifts(lake, settings.indexing) if lake.version("codebooks") is not None else {},
        release=current_release(lake),
        currency=settings.cost.currency,
    )


def cost_of(run: Run, cost: CostSettings) -> float:
    """Processors and accelerators of the whole machine for as long as the step ran."""
    have = run.detail.get("resources") or {}
    price = have.get("cpus", 0.0) * cost.cpu_hour + have.get("gpus", 0.0) * cost.gpu_hour
    return float((run.seconds or 0.0) / 3600 * price)


def _steps(
    ended: Sequence[Run], archives: Mapping[str, Mapping[str, int]], cost: CostSettings
) -> list[StepFacts]:  # fmt: skip
    found = []
    for step in STEPS:
        own = [run for run in ended if run.step == step.name]
        done = [run for run in own if run.state == "done"]
        if not own:
            continue
        spent = sum(cost_of(run, cost) for run in own)
        # A step of the lake is worth the figures of every archive, one of an archive those of the archives it came to.
        figures = sum(
            rows.get("figures", 0)
            for name, rows in archives.items()
            if step.scope == "lake" or any(run.archive == name for run in own)
        )
        found.append(
            StepFacts(
                step.name, len(done), len(own) - len(done), sum(run.rows_in or 0 for run in done),
                sum(sum(run.rows_out.values()) for run in done), sum(run.rejects or 0 for run in done),
                sum(run.seconds or 0.0 for run in done), max((run.peak_memory_mb or 0.0 for run in done), default=0.0),
                spent, 1000 * spent / figures if figures else None, _utilisation(done),
            )
        )  # fmt: skip
    return found


def _utilisation(done: Sequence[Run]) -> float | None:
    """The mean over the time of the runs that know it."""
    known = [(run.detail["accelerator_utilisation"], run.seconds or 0.0) for run in done
             if "accelerator_utilisation" in run.detail]  # fmt: skip
    seconds = sum(each for _, each in known)
    return sum(share * each for share, each in known) / seconds if seconds else None


def _standing(lake: Lake, settings: Settings, ledger: Ledger, runs: Sequence[Run], state: str) -> list[Run]:
    """The newest run of each task among these whose task is in that state: what was made good, or given up, is not."""
    newest = {(run.step, run.archive): run for run in runs}
    return [run for run in newest.values() if _state(lake, settings, ledger, run) == state]


def _state(lake: Lake, settings: Settings, ledger: Ledger, run: Run) -> str:
    if run.step not in BY_NAME:  # of another version of figlake
        return ""
    try:
        return state_of(lake, settings, BY_NAME[run.step], run.archive, ledger)
    except UsageError:  # an archive that the lake does not know any more
        return ""


def _archives(lake: Lake, names: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    for table in ("documents", "sheets", "figures", "links", "rejects"):
        for file in lake.files(table):
            if (name := file.partition["archive"]) in found:
                found[name][table] = found[name].get(table, 0) + file.rows
    return found


def _slowest_documents(ended: Sequence[Run], gone: Collection[str]) -> list[tuple[str, str, float]]:
    found = [
        (doc_id, run.archive, seconds)
        for run in ended
        for doc_id, seconds in run.detail.get("slowest", [])
        if doc_id not in gone
    ]
    return sorted(found, key=lambda one: -one[2])[:_SLOWEST]


def _rejects(lake: Lake, archives: Sequence[str], since: datetime | None) -> list[Rejects]:
    if lake.version("rejects") is None:
        return []
    wanted = pc.field("archive").isin(pa.array(archives, pa.string()))
    if since is not None:
        wanted &= pc.field("last_seen") >= since
    if gone := withdrawn(lake):
        wanted &= ~rows_of("rejects", gone)
    rows = lake.dataset("rejects").to_table(columns=["step", "reason", "item", "detail"], filter=wanted)
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in rows.to_pylist():
        key = row["step"], row["reason"]
        counts[key] += 1
        if len(examples[key]) < _EXAMPLES:
            examples[key].append((row["item"], row["detail"] or ""))
    return [Rejects(*key, count, tuple(examples[key])) for key, count in counts.most_common()]


def _quality(lake: Lake, since: datetime | None) -> list[dict[str, Any]]:
    """The newest finding of each expectation and archive."""
    if lake.version("quality") is None:
        return []
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(lake.read("quality").to_pylist(), key=lambda row: str(row["at"])):
        if since is None or row["at"] >= since:
            newest[row["archive"], row["expectation"]] = row
    return list(newest.values())
