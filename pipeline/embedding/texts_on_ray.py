"""Sentence and figure text vectors on Ray: a pool of model actors takes units of documents.

Actors rather than a dataset, because the pool first encodes the shared sentences and then everything else
with the same loaded model, and because a unit must stay whole: a figure's mean needs all its sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.config import Settings
from pipeline.embedding.sentences import shared_sentences
from pipeline.embedding.text_worker import TextWorker, join_shared
from pipeline.embedding.units import Run, Unit, cut, document_runs, rows_per_unit
from pipeline.engines import ray as ray_engine
from pipeline.lake import Lake
from pipeline.parts import Outcome, gather

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
    options = ray_engine.actor_options(settings, -(-sentences // _ROWS_PER_WORKER))
    actors: int = options.pop("concurrency")
    units = units_of(lake, archive, documents, actors)
    if not units:
        return Outcome(metrics={"shared_sentences": 0})
    actor = ray.remote(TextWorker).options(**options, max_restarts=3, max_task_retries=3, max_concurrency=2)
    workers = [actor.remote(lake.storage, archive, settings, counter) for _ in range(min(actors, len(units)))]
    find = ray.remote(shared_sentences).options(**_BESIDE, num_returns=2)
    found, counted = find.remote(lake.storage, units, settings.models.passages == "linked")
    shared, count = None, ray.get(counted)
    if count:
        step = -(-count // len(workers))
        starts = range(0, count, step)
        pieces = [
            worker.encode_shared.remote(found, start, start + step)
            for worker, start in zip(workers, starts, strict=False)
        ]
        shared = ray.remote(join_shared).options(**_BESIDE).remote(*pieces)
    outcome = gather(_results(workers, units, shared))
    for worker in workers:  # to tidy a model's libraries up takes a worker as long as hundreds of sentences
        ray.kill(worker)
    outcome.metrics = {"shared_sentences": count}
    return outcome


def units_of(lake: Lake, archive: str, documents: frozenset[str], actors: int) -> list[Unit]:
    """The archive's documents, or these, cut into units."""
    import ray

    task = ray.remote(document_runs).options(**_BESIDE)

    def runs(table: str) -> list[Run]:
        found: Iterable[list[Run]] = ray.get([task.remote(lake.storage, f.path) for f in lake.files(table, archive)])
        return [run for some in found for run in some if not documents or run[0] in documents]

    passages = runs("passages")
    sentences = sum(span.stop - span.start for _, span in passages)
    return cut(passages, runs("links"), rows_per_unit(sentences, actors))


def _results(workers: list[Any], units: list[Unit], shared: Any) -> Iterator[tuple[str, str]]:
    """Result rows as units are finished; each worker has the next unit waiting while it is busy."""
    from ray.util import ActorPool

    pool = ActorPool([*workers, *workers])
    for batch in pool.map_unordered(lambda worker, unit: worker.embed.remote(unit, shared), units):
        yield from zip(batch["kind"].to_pylist(), batch["payload"].to_pylist(), strict=True)
