"""Step codebook: keep the frozen codebooks, train those that are missing or outgrown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.errors import UsageError
from pipeline.flow import LAKE_SCOPE
from pipeline.indexing import codebook, recipe
from pipeline.indexing.checkpoint import Checkpoint
from pipeline.indexing.drift import SAMPLE, assigned, drift_of, gauges_of
from pipeline.indexing.modalities import MODALITIES, Modality
from pipeline.indexing.spaces import Space, find_space
from pipeline.indexing.train import SampleFilter, gather_sample, train
from pipeline.lake import Lake
from pipeline.parts import Outcome, PartWriter
from pipeline.storage import Storage

#: One in so many vectors of the sample is held out of the training, to tell how well the codes fit what they have not
#: seen.
_HELD_OUT = 20


def state(lake: Lake, settings: Settings) -> dict[str, list[Any]]:
    """What decides which codebooks are in force: encoder and dimension of each modality, and which codebook had to give
    way, or has to now.

    While this stays the same the step has nothing to do, however many archives arrive; and it is the same before and
    after a codebook was replaced.
    """
    found = {}
    standing, shards = _standing(lake)
    for name, (space, wanted) in wanted_codebooks(lake, settings).items():
        row = standing.get(name)
        replaced = None
        if row is not None:
            fits = still_fits(row, space, wanted, settings, shards)
            replaced = row["replaces"] if fits else row["codebook"]
        found[name] = [space.model, space.revision, space.dimension, replaced]
    return found


def run(ctx: StepContext) -> Outcome:
    """Write the table ``codebooks``: one row per modality that has vectors. Training runs in Ray tasks."""
    standing, shards = _standing(ctx.lake)
    wanted = wanted_codebooks(ctx.lake, ctx.settings)
    rows, trained = [], []
    for done, (name, (space, text)) in enumerate(wanted.items()):
        ctx.progress(done, len(wanted))
        row = standing.get(name)
        if row is None or not still_fits(row, space, text, ctx.settings, shards):
            replaced = row["codebook"] if row else None
            row = _train_on_workers(ctx, MODALITIES[name], space, text) | {"replaces": replaced}
            trained.append(name)
        rows.append({key: value for key, value in row.items() if key != "archive"})
    with PartWriter(ctx.lake.storage, "codebooks", {"archive": LAKE_SCOPE}, ctx.settings.lake) as writer:
        writer.write_rows(rows)
    ctx.progress(len(wanted), len(wanted))
    recipes = {row["modality"]: row["recipe"] for row in rows}
    return Outcome(parts=writer.parts, rows_in=len(wanted), metrics={"trained": trained, "recipes": recipes})


def wanted_codebooks(lake: Lake, settings: Settings) -> dict[str, tuple[Space, str]]:
    """The space and recipe that each modality asks for now; modalities without vectors are left out."""
    found = {}
    for name, modality in MODALITIES.items():
        space = find_space(lake, modality, modality.configured_encoder(settings.models))
        if space is not None:
            found[name] = (space, recipe.choose(space.rows, space.dimension, settings.indexing))
    return found


def still_fits(
    row: dict[str, Any], space: Space, wanted: str, settings: Settings, shards: Sequence[dict[str, Any]] = ()
) -> bool:
    """Whether a frozen codebook stays: same encoder and dimension, not outgrown, its shards not drifted away, and
    nobody asks for another."""
    same_space = (row["model"], row["revision"], row["dimension"]) == (space.model, space.revision, space.dimension)
    if not same_space or recipe.outgrown(row["recipe"], wanted, settings.indexing):
        return False
    return not (row["codebook"] in settings.indexing.retrain or drift_of(row, shards, settings.indexing).retrain)


def to_retrain(lake: Lake, settings: Settings, modalities: Sequence[str] | None = None) -> Settings:
    """The settings under which the codebooks that stand, of all or of these modalities, are trained anew.

    Raises UsageError for a modality without a codebook.
    """
    standing, _ = _standing(lake)
    if unknown := sorted(set(modalities or ()) - set(standing)):
        raise UsageError(f"there is no codebook for {unknown[0]!r}; there are: {', '.join(sorted(standing)) or 'none'}")
    names = tuple(row["codebook"] for name, row in standing.items() if not modalities or name in modalities)
    return replace(settings, indexing=replace(settings.indexing, retrain=names))


def _standing(lake: Lake) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """The codebooks in force by modality, and what is known of the shards."""
    codebooks = {row["modality"]: row for row in lake.read("codebooks").to_pylist()}
    return codebooks, lake.read("shards", ["codebook", "rows", "quantisation_error", "imbalance"]).to_pylist()


def _train_on_workers(ctx: StepContext, modality: Modality, space: Space, wanted: str) -> dict[str, Any]:
    """Sample on every worker, train in one task; only the codebook's row comes back."""
    import ray

    from pipeline.engines.ray import read

    settings = ctx.settings.indexing
    blocks: list[Any] = []
    if wanted != recipe.FLAT:
        keep = SampleFilter(modality.key, space.model, space.revision, space.rows, settings.sample, settings.seed)
        columns = [modality.key, "model", "revision", "vector"]
        vectors = read(ctx.lake, modality.table, None, columns)
        blocks = vectors.map_batches(keep, batch_format="pyarrow", batch_size=None).to_arrow_refs()
    task = ray.remote(train_and_save)
    arguments = (ctx.lake.storage, modality.name, wanted, space, settings.sample, settings.seed)
    row: dict[str, Any] = ray.get(task.remote(*arguments, *blocks))
    return row


def train_and_save(
    storage: Storage, modality: str, wanted: str, space: Space, sample: int, seed: int, *blocks: Any
) -> dict[str, Any]:
    """Runs on a worker, alone: it takes all cores of its machine."""
    import os

    import faiss

    faiss.omp_set_num_threads(os.cpu_count() or 1)
    vectors = gather_sample(blocks, space.dimension, sample)
    if wanted == recipe.FLAT:
        return codebook.save(storage, train(vectors, wanted, space.dimension, seed), modality, wanted, space, 0)
    held_out = min(SAMPLE, len(vectors) // _HELD_OUT)
    known, unknown = vectors[held_out:], vectors[:held_out]
    checkpoint = Checkpoint.of(storage, modality, wanted, space, seed, known)
    index = train(known, wanted, space.dimension, seed, checkpoint)
    gauges = gauges_of(index, unknown, assigned(index, unknown))
    return codebook.save(storage, index, modality, wanted, space, len(known), gauges)
