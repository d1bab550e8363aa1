"""What a document takes in each step, measured: from the ledger and the sizes of the tables' files."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
    ``gpus``; ``low`` and ``high`` of single runs. ``runs`` 0: taken from the reference."""

    step: str
    seconds: float
    low: float
    high: float
    memory_mb: float
    cpus: float
    gpus: float
    runs: int


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
    if lake is None or lake.version("documents") is None:
        return reference
    documents = _rows_by_archive(lake, "documents")
    total = sum(documents.values())
    if not total:
        return reference
    steps = _measured(Ledger.read(lake).runs, documents)
    lacking = [name for name in reference.steps if name not in steps]
    vectors = {name: sum(_rows_by_archive(lake, one.table).values()) / total for name, one in MODALITIES.items()}
    dimensions = {row["modality"]: row["dimension"] for row in lake.read("codebooks").to_pylist()}
    return Rates(
        steps={name: steps.get(name, rate) for name, rate in reference.steps.items()},
        table_bytes={table: _bytes(lake, table) / total for step in STEPS for table in step.writes},
        vectors=vectors,
        dimensions={name: dimensions.get(name, reference.dimensions[name]) for name in MODALITIES},
        package_documents=reference.package_documents,
        reference=f"{', '.join(lacking)}: {reference.reference}" if lacking else "",
    )


def read_reference(path: Path = REFERENCE) -> Rates:
    """The rates that ship with figlake; `python -m benchmarks.nightly --reference` writes them."""
    tree = tomllib.loads(path.read_text(encoding="utf-8"))
    steps = {
        name: Rate(
            name, row["seconds"], row["seconds"], row["seconds"], row["memory_mb"], tree["cpus"], tree["gpus"], 0
        )
        for name, row in tree["steps"].items()
    }
    return Rates(
        steps, tree["table_bytes"], tree["vectors"], tree["dimensions"], tree["package_documents"], tree["machine"]
    )


def with_gpus(rate: Rate, gpus: float) -> Rate:
    """The step on so many accelerators instead of those it was measured on, if it was measured on any."""
    if not rate.gpus or not gpus:
        return rate
    share = rate.gpus / gpus
    return replace(rate, seconds=rate.seconds * share, low=rate.low * share, high=rate.high * share, gpus=gpus)


def _measured(runs: Iterable[Run], documents: Mapping[str, int]) -> dict[str, Rate]:
    by_step: dict[str, list[tuple[float, float, Run]]] = defaultdict(list)
    for run in runs:
        amount = amount_of(run, documents)
        if run.state == "done" and run.seconds and amount:
            by_step[run.step].append((amount, run.seconds, run))
    return {name: _rate(name, found[-_NEWEST:]) for name, found in by_step.items()}


def amount_of(run: Run, documents: Mapping[str, int]) -> float:
    """What a run's time is divided by: the documents of its archive, or of the lake for a lake-wide step."""
    step = next((one for one in STEPS if one.name == run.step), None)
    if step is None or _trained_nothing(run):
        return 0.0
    return float(sum(documents.values()) if step.scope == "lake" else documents.get(run.archive, 0))


def _trained_nothing(run: Run) -> bool:
    """A codebook step that found all codebooks fitting says nothing of what training takes."""
    return run.step == "codebook" and not run.detail.get("trained")


def _rate(name: str, found: list[tuple[float, float, Run]]) -> Rate:
    each = [seconds / amount for amount, seconds, _ in found]
    newest: Mapping[str, Any] = found[-1][2].detail.get("resources") or {}
    return Rate(
        step=name,
        seconds=sum(seconds for _, seconds, _ in found) / sum(amount for amount, _, _ in found),
        low=min(each),
        high=max(each),
        memory_mb=max((run.peak_memory_mb or 0.0) for _, _, run in found),
        cpus=float(newest.get("cpus", 1)),
        gpus=float(newest.get("gpus", 0)),
        runs=len(found),
    )


def _rows_by_archive(lake: Lake, table: str) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for file in lake.files(table):
        found[file.partition["archive"]] += file.rows
    return found


def _bytes(lake: Lake, table: str) -> int:
    return sum(file.size for file in lake.files(table))
