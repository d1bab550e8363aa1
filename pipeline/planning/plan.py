"""From rates and a number of documents to hours, memory, bytes and cost of every step, and to the index's recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline import registry
from pipeline.archives import ArchiveSource, list_archive
from pipeline.config import CostSettings, Settings
from pipeline.flow import LAKE_SCOPE, STEPS, Step
from pipeline.indexing import recipe
from pipeline.indexing.modalities import MODALITIES
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.planning.rates import Rate, Rates, with_gpus
from pipeline.runner import plan as plan_task

#: Key, document and Arrow's offsets of one vector in a shard's keys, bytes.
_KEY_BYTES = 80
_GIB = 1 << 30


@dataclass(frozen=True)
class StepPlan:
    """``hours`` of wall-clock time, between ``hours_low`` and ``hours_high`` if all runs go as the best or the worst
    measured; ``memory_mb`` of the largest worker; ``bytes`` stored. ``measured_runs`` 0: the reference's rate."""

    documents: int
    hours: float
    hours_low: float
    hours_high: float
    cpu_hours: float
    gpu_hours: float
    memory_mb: float
    bytes: float
    cost: float
    measured_runs: int


@dataclass(frozen=True)
class IndexPlan:
    """One modality when all is done. ``memory_mb`` to hold the whole index, ``latency_ms`` of a query on one core;
    None for a configured recipe that is not one of the usual ones."""

    vectors: int
    recipe: str
    bytes: float
    memory_mb: float | None
    latency_ms: float | None


@dataclass(frozen=True)
class Plan:
    """What is to come, and what it rests on."""

    documents: int
    archives: Mapping[str, int]
    steps: Mapping[str, StepPlan]
    index: Mapping[str, IndexPlan]
    currency: str
    assumptions: tuple[str, ...]

    @property
    def total(self) -> dict[str, float]:
        """Hours one after another, processor and GPU hours, bytes and cost."""
        names = ("hours", "hours_low", "hours_high", "cpu_hours", "gpu_hours", "bytes", "cost")
        return {name: sum(getattr(step, name) for step in self.steps.values()) for name in names}

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self) | {"total": self.total}


def plan_documents(
    documents: int, rates: Rates, settings: Settings, *, standing: int = 0, gpus: float = 0, machines: int = 1
) -> Plan:
    """So many new documents beside ``standing`` ones, on ``machines`` like the measured one."""
    return _plan({}, {step.name: documents for step in STEPS}, documents, rates, settings, standing, gpus, machines)


def plan_archives(
    sources: Iterable[ArchiveSource], lake: Lake | None, rates: Rates, settings: Settings, *, gpus: float = 0,
    machines: int = 1,
) -> Plan:  # fmt: skip
    """These archives: their directories are read, nothing else of them. What the lake has done already is left out.

    Raises FiglakeError when an archive is gone.
    """
    lake = lake.snapshot() if lake else None
    # An archive is known by its place: it may have been taken in under another name, or have changed since.
    known = {(one.uri, one.stamp): name for name, one in registry.known(lake).items()} if lake else {}
    stored = standing_documents(lake) if lake else {}
    ledger = Ledger.read(lake) if lake else None
    archives: dict[str, int] = {}
    pending = dict.fromkeys((step.name for step in STEPS), 0)
    for source in sources:
        name = known.get((source.uri, registry.stamp_of(source)))
        count = stored.get(name, 0) if name else 0
        count = count or round(_packages(source, settings) * rates.package_documents)
        archives[name or source.name] = count
        for step in STEPS:
            done = name and lake and ledger and step.scope == "archive"
            if not (done and plan_task(lake, settings, step, name, ledger).done):  # type: ignore[arg-type]
                pending[step.name] += count
    standing = sum(count for name, count in stored.items() if name not in archives)
    if not any(pending[step.name] for step in STEPS if step.scope == "archive"):
        pending = dict.fromkeys(pending, 0)
    return _plan(archives, pending, sum(archives.values()), rates, settings, standing, gpus, machines)


def _plan(
    archives: Mapping[str, int], pending: Mapping[str, int], documents: int, rates: Rates, settings: Settings,
    standing: int, gpus: float, machines: int,
) -> Plan:  # fmt: skip
    index = {
        name: found
        for name in MODALITIES
        if (found := _index(name, round(rates.vectors.get(name, 0.0) * (standing + documents)), rates, settings))
    }
    index_bytes = sum(one.bytes for one in index.values()) / max(1, standing + documents)
    steps = {}
    for step in STEPS:
        rate = with_gpus(rates.steps[step.name], gpus)
        count = pending[step.name]
        covered = standing + count if step.name == "publish" and count else count
        stored = sum(rates.table_bytes.get(table, 0.0) for table in step.writes) * count
        stored += index_bytes * count if step.name == "encode" else 0
        steps[step.name] = _step(step, rate, covered, stored, settings.cost, machines)
    return Plan(
        documents, archives, steps, index, settings.cost.currency, _assumptions(rates, gpus, machines, settings)
    )


def _step(step: Step, rate: Rate, documents: int, stored: float, cost: CostSettings, machines: int) -> StepPlan:
    spread = machines if step.scope == "archive" else 1
    fixed = rate.fixed if documents else 0.0
    seconds, low, high = (fixed + documents * each for each in (rate.seconds, rate.low, rate.high))
    cpu_hours, gpu_hours = seconds * rate.cpus / 3600, seconds * rate.gpus / 3600
    price = cpu_hours * cost.cpu_hour + gpu_hours * cost.gpu_hour + stored / _GIB * cost.storage_gb_month
    return StepPlan(
        documents, seconds / spread / 3600, low / spread / 3600, high / spread / 3600,
        cpu_hours, gpu_hours, rate.memory_mb, stored, price, rate.runs,
    )  # fmt: skip


def _index(name: str, vectors: int, rates: Rates, settings: Settings) -> IndexPlan | None:
    if not vectors:
        return None
    dimension = rates.dimensions[name]
    text = recipe.choose(vectors, dimension, settings.indexing)
    found = recipe.estimate(text, vectors, dimension)
    codes = found.memory_bytes if found and text != recipe.FLAT else 0
    return IndexPlan(
        vectors, text, float(vectors * (2 * dimension + _KEY_BYTES) + codes),
        found.memory_bytes / 2**20 if found else None, found.latency_ms if found else None,
    )  # fmt: skip


def _assumptions(rates: Rates, gpus: float, machines: int, settings: Settings) -> tuple[str, ...]:
    cost = settings.cost
    found = [
        f"prices: {cost.cpu_hour:g} {cost.currency} for a processor's hour, {cost.gpu_hour:g} for a GPU's, "
        f"{cost.storage_gb_month:g} for a GiB stored for a month (settings cost.*); one month's storage is counted",
        "time grows with documents, and `hours` are of the steps one after another; engines' start-up is not counted",
    ]
    if machines > 1:
        found.append(f"{machines} machines like the measured one share the work of archives evenly")
    without = [name for name, rate in rates.steps.items() if not rate.gpus and _step_of(name).engine == "ray"]
    if gpus and without:
        found.append(f"no measured run of {', '.join(without)} had a GPU: their hours are for processors alone")
    if rates.reference:
        found.append(f"not measured in this lake, taken from the reference: {rates.reference}")
    return tuple(found)


def _step_of(name: str) -> Step:
    return next(step for step in STEPS if step.name == name)


def _packages(source: ArchiveSource, settings: Settings) -> int:
    return sum(len(shard.members) for shard in list_archive(source, settings.limits, settings.extract).shards)


def standing_documents(lake: Lake) -> dict[str, int]:
    """Documents of each archive."""
    found: dict[str, int] = {}
    for file in lake.files("documents"):
        name = file.partition["archive"]
        found[name] = found.get(name, 0) + file.rows
    found.pop(LAKE_SCOPE, None)
    return found
