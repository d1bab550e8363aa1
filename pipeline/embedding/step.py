"""embed on Ray: figures and sentences → figure_vectors, text_vectors, passage_vectors, region_vectors."""

from __future__ import annotations

from dataclasses import replace

from pipeline.config import ModelSettings
from pipeline.context import StepContext
from pipeline.embedding.figures_on_ray import encode_figures
from pipeline.embedding.models import pinned
from pipeline.embedding.texts_on_ray import encode_texts
from pipeline.engines import ray as ray_engine
from pipeline.engines.accelerators import sampled
from pipeline.errors import UsageError
from pipeline.parts import Outcome


def run(ctx: StepContext) -> Outcome:
    """Encode every figure and sentence of the archive.

    Raises ModelNotFoundError or UsageError before any worker starts.
    """
    check(ctx.settings.models)
    settings = replace(ctx.settings, models=pinned(ctx.settings.models))
    # A replay takes in all rows of a document again: they replace those of the whole document.
    documents = frozenset(item.split("/", 1)[0] for item in ctx.only)
    known = ctx.settings.models.passages == "all" and not documents and not ctx.settings.models.regions
    total = sum(file.rows for table in ("figures", "passages") for file in ctx.lake.files(table, ctx.archive))
    with ray_engine.counting(ctx.progress, total if known else None) as counter, sampled() as accelerators:
        figures = encode_figures(ctx.lake, ctx.archive, settings, documents, counter)
        regions = Outcome()
        if ctx.settings.models.regions:
            regions = encode_figures(ctx.lake, ctx.archive, settings, documents, counter, "region_vectors")
        texts = encode_texts(ctx.lake, ctx.archive, settings, documents, counter)
    return Outcome(
        parts=[*figures.parts, *regions.parts, *texts.parts],
        rejects=figures.rejects,
        rows_in=figures.rows_in + texts.rows_in,
        peak_memory_mb=max(figures.peak_memory_mb, regions.peak_memory_mb, texts.peak_memory_mb),
        metrics={"figures": figures.rows_in, "sentences": texts.rows_in, **texts.metrics, **accelerators},
    )


def check(models: ModelSettings) -> None:
    """Raises UsageError for a choice that is not known."""
    for key, known in (("passages", ("all", "linked")), ("sentence_weights", ("equal", "score"))):
        if (value := getattr(models, key)) not in known:
            raise UsageError(f"models.{key} = {value!r} is not known; choose one of: {', '.join(known)}")
