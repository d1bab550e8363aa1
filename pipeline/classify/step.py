"""classify on Ray: figures → facets."""

from __future__ import annotations

import pyarrow as pa

from pipeline.classify.caption import MODEL, facets
from pipeline.context import StepContext
from pipeline.engines import ray as ray_engine
from pipeline.errors import UsageError
from pipeline.parts import Outcome
from schemas import TABLES

_ROWS_PER_BATCH = 4096


def classify(batch: pa.Table) -> pa.Table:
    """Facet rows for figures given with figure_id, doc_id and caption."""
    rows = []
    for figure in batch.to_pylist():
        found = facets(figure["caption"])
        rows.append({
            "figure_id": figure["figure_id"], "doc_id": figure["doc_id"],
            "figure_type": found.figure_type, "type_probability": found.type_probability,
            "perspective": found.perspective, "perspective_probability": found.perspective_probability,
            "source": found.source, "model": MODEL,
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=TABLES["facets"].part_schema)


def run(ctx: StepContext) -> Outcome:
    """Classify every figure of the archive. Raises UsageError for a method that is not there."""
    if ctx.settings.classify.method != "caption":
        raise UsageError(f"classify.method = {ctx.settings.classify.method!r} is not known; choose one of: caption")
    # A replay takes in all figures of a document again: its rows replace those of the whole document.
    where = {"doc_id": sorted({figure_id.split("/", 1)[0] for figure_id in ctx.only})} if ctx.only else None
    figures = ray_engine.read(ctx.lake, "figures", ctx.archive, ["figure_id", "doc_id", "caption"], where=where)
    rows = figures.map_batches(classify, batch_format="pyarrow", batch_size=_ROWS_PER_BATCH)
    return ray_engine.run(ray_engine.sink(rows, ctx.lake, "facets", ctx.archive, ctx.settings), ctx.progress)
