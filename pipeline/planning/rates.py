"""What a document takes in each step, measured: from the ledger and the sizes of the tables' files."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.flow import STEPS
from pipeline.indexing.modalities import MODALITIES
from pipeline.lake import Lake
from pipeline.ledger import Ledger, Run

REFERENCE = Path(__file__).with_name("reference.toml")
#: The newest runs of a step speak for it: models, machines and versions change.
_NEWEST = 50


@dataclass(frozen=True)
class Rate:
    """One step. ``seconds`` for one document on the whole machine that was measured, which had ``cpus`` processors and
    ``gpus``; ``low`` and ``high`` of single runs; ``fixed`` seconds however many there are. ``runs`` 0: taken from the
    reference."""

    step: str
    seconds: float
    low: float
    high: float
    memory_mb: float
    cpus: float
    gpus: float
    runs: int
    fixed: float = 0.0


@dataclass(frozen=True)
class Rates:
    """``steps`` by name; ``table_bytes`` and ``vectors`` for one document, by table and by modality; ``dimensions`` by
    modality. ``reference`` says where and on what the figures were taken that this lake lacks; empty: none were."""

    steps: Mapping[str, Rate]
    table_bytes: Mapping[str, float]
    vectors: Mapping[str, float]
    dimensions: Mapping[str, int]
    package_documents: float
    reference: str = ""


def rates_of(lake: Lake | None) -> Rates:
    """The lake's own rates; those that it lacks, or all without a lake, are the reference's."""
    reference = read_reference()
    lake = lake.snapshot() if lake else None
    if lake is None or lake.version("documents") is None:
        return reference
    documents = _rows_by_archive(lake, "documents")
    if not sum(documents.values()):
        return reference
    table_bytes: dict[str, float] = {}
    rows: dict[str, float] = {}
    for step in STEPS:
        # A step that has not come to every archive yet says nothing of those that it has not come to.
        names = {file.partition["archive"] for table in step.writes for file in lake.files(table)}
        reached = sum(count for name, count in documents.items() if name in names or step.scope == "lake")
        for table in step.writes if reached else ():
            table_bytes[table] = sum(file.size for file in lake.files(table)) / reached
            rows[table] = sum(file.rows for file in lake.files(table)) / reached
    vectors = {name: rows.get(one.table, reference.vectors[name]) for name, one in MODALITIES.items()}
    steps = _measured(Ledger.read(lake).runs, documents, sum(vectors.values()))
    lacking = [name for name in reference.steps if name not in steps]
    dimensions = {row["modality"]: row["dimension"] for row in lake.read("codebooks").to_pylist()}
    return Rates(
        steps={name: steps.get(name, rate) for name, rate in reference.steps.items()},
        table_bytes={**reference.table_bytes, **table_bytes},
        vectors=vectors,
        dimensions={name: dimensions.get(name, reference.dimensions[name]) for name in MODALITIES},
        package_documents=reference.package_documents,
        reference=f"{', '.join(lacking)}: {reference.reference}" if lacking else "",
    )


def read_reference(path: Path = REFERENCE) -> Rates:
    """The rates that ship with figlake; `python -m benchmarks.nightly --reference` writes them."""
    tree = tomllib.loads(path.read_text(encoding="utf-8"))
    machine = tree["cpus"], tree["gpus"]
    steps = {}
    for name, row in tree["steps"].items():
        seconds = row["seconds"]
        steps[name] = Rate(name, seconds, seconds, seconds, row["memory_mb"], *machine, 0, row.get("fixed", 0.0))
    return Rates(
        steps, tree["table_bytes"], tree["vectors"], tree["dimensions"], tree["package_documents"], tree["machine"]
    )


def with_gpus(rate: Rate, gpus: float) -> Rate:
    """The step on so many accelerators instead of those it was measured on, if it was measured on any."""
    if not rate.gpus or not gpus:
        return rate
    share = rate.gpus / gpus
    return replace(rate, seconds=rate.seconds * share, low=rate.low * share, high=rate.high * share, gpus=gpus)


def _measured(runs: Iterable[Run], documents: Mapping[str, int], vectors: float) -> dict[str, Rate]:
    by_step: dict[str, list[tuple[float, float, Run]]] = defaultdict(list)
    for run in runs:
        amount = amount_of(run, documents, vectors)
        if run.state == "done" and run.seconds and amount:
            by_step[run.step].append((amount, run.seconds, run))
    return {name: _rate(name, _alike(found)[-_NEWEST:]) for name, found in by_step.items()}


def _alike(found: list[tuple[float, float, Run]]) -> list[tuple[float, float, Run]]:
    """The runs on as many processors and accelerators as the newest one had: others say nothing of its seconds."""

    def machine(run: Run) -> tuple[float, float]:
        have = run.detail.get("resources") or {}
        return float(have.get("cpus", 1)), float(have.get("gpus", 0))

    return [one for one in found if machine(one[2]) == machine(found[-1][2])]


def amount_of(run: Run, documents: Mapping[str, int], vectors: float) -> float:
    """What a run's time is divided by: the documents of its archive, or, for one that published so many vectors, of the
    lake as it was then. 0: the run says nothing, as of a codebook step that trained none, or of a replay."""
    if run.detail.get("replayed"):
        return 0.0
    if run.step == "codebook":
        return 1.0 if run.detail.get("trained") else 0.0
    if run.step == "publish":
        return (run.rows_in or 0) / vectors if vectors else 0.0
    return float(documents.get(run.archive, 0))


def _rate(name: str, found: list[tuple[float, float, Run]]) -> Rate:
    amounts, times = (np.array(values, float) for values in zip(*((a, s) for a, s, _ in found), strict=True))
    slope, fixed = _line(name, amounts, times)
    each = (times - fixed).clip(0) / amounts
    newest: Mapping[str, Any] = found[-1][2].detail.get("resources") or {}
    return Rate(
        step=name,
        seconds=slope,
        low=float(each.min()) if slope else 0.0,
        high=float(each.max()) if slope else 0.0,
        memory_mb=max((run.peak_memory_mb or 0.0) for _, _, run in found),
        cpus=float(newest.get("cpus", 1)),
        gpus=float(newest.get("gpus", 0)),
        runs=len(found),
        fixed=fixed,
    )


def _line(name: str, amounts: NDArray[np.float64], times: NDArray[np.float64]) -> tuple[float, float]:
    """Seconds for one more document, and whatever their number. Training looks at a bounded sample: it is all fixed."""
    if name == "codebook":
        return 0.0, float(times.max())
    if name == "publish" and amounts.max() > 2 * amounts.min():
        slope, fixed = np.polyfit(amounts, times, 1)
        if slope > 0 and fixed > 0:
            return float(slope), float(fixed)
    return float(times.sum() / amounts.sum()), 0.0


def _rows_by_archive(lake: Lake, table: str) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for file in lake.files(table):
        found[file.partition["archive"]] += file.rows
    return found
