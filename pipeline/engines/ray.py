"""Ray: a session, a table as a Ray dataset, and a sink whose workers write parts."""

from __future__ import annotations

import heapq
import json
import operator
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import observe
from pipeline.config import LakeSettings, Settings
from pipeline.errors import FiglakeError, Reason, Reject
from pipeline.lake import Lake, LakeFile
from pipeline.parts import Outcome, PartWriter, gather, read_group, result_batch
from pipeline.storage import Storage
from schemas import TABLES

if TYPE_CHECKING:
    import ray.data

Progress = Callable[[int, int | None], None]
#: Column → the values that a row must have one of.
Where = Mapping[str, Sequence[str]]

#: Tasks per CPU that a read is cut into, so that a small archive still uses every core.
_TASKS_PER_CPU = 4
#: No stage's batches have more rows.
_LARGEST_BATCH = 4096


@contextmanager
def session(settings: Settings) -> Iterator[None]:
    """A Ray session: the cluster at ``ray.address``, or a private one that ends with this process.

    Raises FiglakeError when the cluster does not let this process in.
    """
    import logging

    if settings.ray.address and _has_token():
        # `ray start` asks for a token where there is one, and ray.init offers it only when told to, before its import.
        os.environ.setdefault("RAY_AUTH_MODE", "token")

    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    common: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
    if settings.ray.address:
        try:
            ray.init(address=settings.ray.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ray.exceptions.AuthenticationError) as error:
            raise FiglakeError(
                f"cannot join the Ray cluster at {settings.ray.address!r} (ray.address): "
                f"{str(error).strip().splitlines()[0]}. A step on Ray starts on a node of the cluster, and with the "
                "token that its nodes have in RAY_AUTH_TOKEN"
            ) from None
    else:
        ray.init(
            address="local",  # else a cluster that happens to run on this machine would be joined
            num_cpus=settings.ray.num_cpus or None,
            object_store_memory=settings.ray.object_store_mb << 20,
            **common,
        )
    _find_gpus(settings)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_consecutive_actor_init_deaths = 3  # a node that dies takes those along that were just starting on it
    if not has_gpus(settings):
        # An actor that is ready first must not take what those that still load could do; waiting for a batch costs it
        # nothing beside the batch.
        context.max_tasks_in_flight_per_actor = 1
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


def _find_gpus(settings: Settings) -> None:
    """Wait for the GPUs that the settings ask a cluster for; on one machine say that there is none.

    A cluster whose GPUs are gone would do a night's work on processors for days without a word. Raises FiglakeError.
    """
    import ray

    if not settings.ray.gpus_per_actor or has_gpus(settings):
        return
    if not settings.ray.address:
        observe.say("no GPU here, so the models run on processors, although ray.gpus_per_actor asks for one\n")
        return
    until = time.monotonic() + settings.ray.gpus_wait_s
    while not has_gpus(settings):
        if time.monotonic() > until:
            ray.shutdown()
            raise FiglakeError(
                f"the Ray cluster at {settings.ray.address!r} has had no GPU for {settings.ray.gpus_wait_s:g} s; "
                "mend it, or set ray.gpus_per_actor=0 to run the models on processors"
            )
        time.sleep(1)


def _has_token() -> bool:
    """Whether a token is at hand, in one of the places where Ray looks for it."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return (Path(path) if path else Path.home() / ".ray" / "auth_token").is_file()


def read(
    lake: Lake,
    table: str,
    archive: str | None,
    columns: Sequence[str] | None = None,
    where: Where | None = None,
    rows_per_task: int = 0,
) -> ray.data.Dataset:
    """An archive's rows of a table (None: every archive's), the archive column included, read on the workers.

    ``where``: column → values that a row must have one of. A task reads one row group or, when the archive is small
    or ``rows_per_task`` asks for it, a slice of one; a row group is its memory bound.
    """
    import ray

    wanted = [name for name in (columns or TABLES[table].schema.names) if name != "archive"]
    files = lake.files(table, archive)
    archives = {file.path: file.partition["archive"] for file in files}
    items = _slices(lake.storage, files, int(ray.cluster_resources().get("CPU", 1)) * _TASKS_PER_CPU, rows_per_task)
    part_schema = TABLES[table].part_schema
    read_columns = pa.schema([part_schema.field(name) for name in dict.fromkeys([*wanted, *(where or {})])])

    def scan(batch: pa.Table) -> Iterator[pa.Table]:
        for item in dict.fromkeys(batch["item"].to_pylist()):
            path, group, start, stop = json.loads(item)
            with lake.storage.open_path(path) as stream:
                rows = read_group(pq.ParquetFile(stream), group, read_columns).slice(start, stop - start)
            for column, values in (where or {}).items():
                rows = rows.filter(pc.is_in(rows[column], pa.array(list(values), pa.string())))
            rows = rows.select(wanted)
            yield rows.append_column("archive", pa.repeat(pa.scalar(archives[path]), rows.num_rows))

    if not items:
        empty = pa.schema([*(part_schema.field(n) for n in wanted), pa.field("archive", pa.string())])
        return ray.data.from_arrow(empty.empty_table())
    return ray.data.from_blocks([_block(item) for item in items]).map_batches(
        scan, batch_format="pyarrow", batch_size=None
    )


def _block(item: str) -> pa.Table:
    """The slice's name once for each of its rows, of which a byte is kept.

    Where Ray fuses the reading with the next stage, it hands a task as many of these rows as that stage's batches have:
    a name that counted as one row would have it hand all of a small archive to one actor.
    """
    _, _, start, stop = json.loads(item)
    indices = pa.repeat(pa.scalar(0, pa.int8()), min(stop - start, _LARGEST_BATCH))
    return pa.table({"item": pa.DictionaryArray.from_arrays(indices, [item])})


def count(lake: Lake, table: str, archive: str, where: Where) -> int:
    """How many rows ``read`` would give; reads only what it filters by, so an archive without any starts no actor."""
    wanted = [pc.field(column).isin(list(values)) for column, values in where.items()]
    return int(lake.dataset(table, archive).count_rows(filter=reduce(operator.and_, wanted)))


def run(dataset: ray.data.Dataset, progress: Progress | None = None) -> Outcome:
    """Execute a dataset whose rows are result rows and gather them; nothing else reaches the driver."""

    def rows() -> Iterator[tuple[str, str]]:
        for batch in dataset.iter_batches(batch_format="pyarrow", batch_size=None, prefetch_batches=0):
            if batch.num_rows:
                yield from zip(batch["kind"].to_pylist(), batch["payload"].to_pylist(), strict=True)

    return gather(rows())


class PartSink:
    """Last stage of a dataset: writes each batch as one part of ``table`` and returns result rows.

    A batch holds the table's part columns, and may hold ``rejects_column``: a string, JSON of a
    :class:`Reject` or null. Rows with a reject are returned as rejects and not written.
    """

    def __init__(
        self, storage: Storage, table: str, archive: str, settings: LakeSettings, rejects_column: str | None = None
    ) -> None:
        self.storage, self.table, self.archive = storage, table, archive
        self.settings, self.rejects_column = settings, rejects_column

    def __call__(self, batch: pa.Table) -> pa.Table:
        rejects: list[Reject] = []
        rows = batch
        if self.rejects_column and self.rejects_column in batch.column_names:
            column = batch[self.rejects_column]
            rejects = [read_reject(text) for text in column.drop_null().to_pylist()]
            rows = batch.filter(column.is_null())
        with PartWriter(self.storage, self.table, {"archive": self.archive}, self.settings) as writer:
            if rows.num_rows:
                writer.write(rows)
        return pa.Table.from_batches([result_batch(writer.parts, rejects, rows_in=batch.num_rows)])


def sink(
    dataset: ray.data.Dataset,
    lake: Lake,
    table: str,
    archive: str,
    settings: Settings,
    *,
    rows_per_part: int = 100_000,
    rejects_column: str | None = None,
) -> ray.data.Dataset:
    """The dataset's rows gathered to parts of at most ``rows_per_part`` rows and written."""
    return dataset.repartition(target_num_rows_per_block=rows_per_part, strict=True).map_batches(
        PartSink(lake.storage, table, archive, settings.lake, rejects_column),
        batch_format="pyarrow",
        batch_size=None,
    )


def reject_text(reject: Reject) -> str:
    """A reject as it travels in a column of rows."""
    return json.dumps([reject.item, reject.reason.value, reject.detail, reject.sha256])


def read_reject(text: str) -> Reject:
    """The reject that ``reject_text`` wrote."""
    item, reason, detail, sha256 = json.loads(text)
    return Reject(item, Reason(reason), detail, sha256)


def has_gpus(settings: Settings) -> bool:
    """Whether the settings ask for GPUs and the running cluster has them."""
    import ray

    return bool(settings.ray.gpus_per_actor and ray.cluster_resources().get("GPU", 0))


def actor_options(settings: Settings, most: int, actors: int = 0, pools: int = 1) -> dict[str, Any]:
    """How many model actors to run and what each asks for, from what the running cluster has.

    One actor per GPU where the settings ask for GPUs and the cluster has them, else one per CPU, or ``actors``; never
    more than ``most``, the number that have something to do: an actor costs seconds before its first item. ``pools``
    of actors that run at the same time share the GPUs, or the CPUs.
    """
    import ray

    have = ray.cluster_resources()
    share = settings.ray.gpus_per_actor
    asks = {"num_gpus": share / pools, "num_cpus": 1} if has_gpus(settings) else {"num_cpus": 1 / pools}
    places = have["GPU"] / share if has_gpus(settings) else have.get("CPU", 1)
    return {"concurrency": max(1, min(most, actors or int(places))), **asks}


def cpu_options() -> dict[str, Any]:
    """A pool of actors beside those of models that grows as far as the cluster's CPUs go."""
    import ray

    return {"concurrency": (1, max(1, int(ray.cluster_resources().get("CPU", 1)))), "num_cpus": 1}


class Counter:
    """Counts what model actors have finished, for the progress bar, and the seconds that each document took them."""

    def __init__(self) -> None:
        self.done = 0
        self.peak_memory_mb = 0.0
        self.seconds: dict[str, float] = defaultdict(float)

    def add(self, items: int, seconds: Mapping[str, float] | None = None, peak_memory_mb: float = 0.0) -> None:
        self.done += items
        self.peak_memory_mb = max(self.peak_memory_mb, peak_memory_mb)
        for name, each in (seconds or {}).items():
            self.seconds[name] += each

    def value(self) -> int:
        return self.done

    def found(self, most: int) -> tuple[list[tuple[str, float]], float]:
        """The documents that took longest, with their seconds, and the memory of the largest child, in MB."""
        return heapq.nlargest(most, self.seconds.items(), key=operator.itemgetter(1)), self.peak_memory_mb


@contextmanager
def counting(progress: Progress, total: int | None) -> Iterator[Any]:
    """An actor handle whose ``add.remote(n)`` moves the bar; polled until the block ends.

    It lives on the driver's node: a node that dies with it would take the step along, for the sake of a bar.
    """
    import threading

    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    counter = ray.remote(num_cpus=0, scheduling_strategy=here)(Counter).remote()
    stop = threading.Event()

    def tell() -> None:
        with suppress(ray.exceptions.RayActorError):  # gone with its node: the bar stands still, the step goes on
            progress(ray.get(counter.value.remote()), total)

    def poll() -> None:
        while not stop.wait(0.5):
            tell()

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield counter
    finally:
        stop.set()
        thread.join()
        tell()
        ray.kill(counter)


def note(counter: Any, outcome: Outcome, most: int = 8) -> None:
    """Add to the outcome what the counter has found; nothing where it has gone with its node."""
    import ray

    with suppress(ray.exceptions.RayActorError):
        slowest, peak_memory_mb = ray.get(counter.found.remote(most))
        outcome.metrics["slowest"] = [[name, round(seconds, 3)] for name, seconds in slowest]
        outcome.peak_memory_mb = max(outcome.peak_memory_mb, peak_memory_mb)


def _slices(storage: Storage, files: list[LakeFile], tasks: int, rows_per_task: int) -> list[str]:
    """Row groups, cut further while there are fewer than ``tasks`` or they hold more rows than a task may.

    JSON [path, group, start, stop].
    """
    groups: list[tuple[str, int, int]] = []
    for file in files:
        with storage.open_path(file.path) as stream:
            metadata = pq.ParquetFile(stream).metadata
        groups += [(file.path, g, metadata.row_group(g).num_rows) for g in range(metadata.num_row_groups)]
    pieces = max(1, -(-tasks // max(1, len(groups))))
    items = []
    for path, group, rows in groups:
        step = max(1, -(-rows // pieces))
        step = min(step, rows_per_task) if rows_per_task else step
        items += [json.dumps([path, group, at, min(rows, at + step)]) for at in range(0, rows, step)]
    return items
