"""Sentence and figure text vectors on Ray: a pool of model actors takes units of documents.

Actors rather than a dataset, because the pool first encodes the shared sentences and then everything else
with the same loaded model, and because a unit must stay whole: a figure's mean needs all its sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from pipeline.config import Settings
from pipeline.embedding.sentences import shared_sentences
from pipeline.embedding.text_worker import TextWorker
from pipeline.embedding.units import Run, Unit, cut, document_runs, rows_per_unit
from pipeline.engines import ray as ray_engine
from pipeline.lake import Lake
from pipeline.parts import Outcome, gather
from pipeline.storage import Storage

#: The model actors hold all CPUs while they live; what runs beside them briefly asks for none.
_BESIDE = {"num_cpus": 0}
#: Sentences that one more worker is loaded for: it costs the processor time that so many of them do.
_ROWS_PER_WORKER = 2_048


def encode_texts(
    lake: Lake, archive: str, settings: Settings, documents: frozenset[str], counter: Any
) -> Outcome:  # fmt: skip
    """Parts of passage_vectors and text_vectors; the driver sees ranges of rows, counts and results."""
    import ray

    sentences = sum(file.rows for file in lake.files("passages", archive))
    if not sentences:
        return Outcome(metrics={"shared_sentences": 0})
    most = -(-sentences // _ROWS_PER_WORKER)
    options = ray_engine.actor_options(settings, min(most, len(documents)) if documents else most)
    actors: int = options.pop("concurrency")
    actor = ray.remote(TextWorker).options(**options, max_restarts=3, max_task_retries=3, max_concurrency=2)
    workers = [actor.remote(lake.storage, archive, settings, counter) for _ in range(actors)]
    # One task, for it runs while the workers load, and each process more is one more that loads.
    seek = ray.remote(units_and_shared).options(**_BESIDE, num_returns=3)
    paths = [[file.path for file in lake.files(table, archive)] for table in ("passages", "links")]
    cut_up, found, counted = seek.remote(
        lake.storage, *paths, documents, actors, settings.models.passages == "linked"
    )  # fmt: skip
    units, count = ray.get([cut_up, counted])
    outcome = gather(_results(workers, units, _encode_shared(workers, found, count)))
    for worker in workers:  # to tidy a model's libraries up takes a worker as long as hundreds of sentences
        ray.kill(worker)
    outcome.metrics = {"shared_sentences": count}
    return outcome


def units_and_shared(
    storage: Storage, passages: Sequence[str], links: Sequence[str], documents: frozenset[str], workers: int,
    linked_only: bool,
) -> tuple[list[Unit], pa.Table, int]:  # fmt: skip
    """The archive's documents, or these, cut into units; its shared sentences (digest, text), and how many they are."""

    def runs(paths: Sequence[str]) -> list[Run]:
        found = [run for path in paths for run in document_runs(storage, path)]
        return [run for run in found if not documents or run[0] in documents]

    units = cut(runs(passages), runs(links), partial(rows_per_unit, workers=workers))
    return units, *shared_sentences(storage, units, linked_only)


def _encode_shared(workers: Sequence[Any], found: Any, count: int) -> Any:
    """A reference to the vectors of the shared sentences, to which every worker gives its part; None without any."""
    if not count:
        return None
    step = -(-count // len(workers))
    starts = range(0, count, step)
    pieces = [worker.encode_shared.remote(found, at, at + step) for worker, at in zip(workers, starts, strict=False)]
    return workers[0].join_shared.remote(*pieces)


def _results(workers: list[Any], units: list[Unit], shared: Any) -> Iterator[tuple[str, str]]:
    """Result rows as units are finished; each worker has the next unit waiting while it is busy."""
    from ray.util import ActorPool

    pool = ActorPool([*workers, *workers])
    for batch in pool.map_unordered(lambda worker, unit: worker.embed.remote(unit, shared), units):
        yield from zip(batch["kind"].to_pylist(), batch["payload"].to_pylist(), strict=True)
