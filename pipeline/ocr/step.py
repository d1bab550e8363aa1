"""ocr on Ray: sheets → regions."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.engines import ray as ray_engine
from pipeline.ocr.engines import load_engine
from pipeline.ocr.reading import regions
from pipeline.parts import Outcome
from schemas import TABLES

_COLUMNS = ("sheet_id", "doc_id", "role", "image")
#: Region rows on their way to the sink; a rejected sheet is a row with nothing but its reject.
_ROWS = pa.schema([*(f.with_nullable(True) for f in TABLES["regions"].part_schema), ("reject", pa.string())])


class SheetReader:
    """A Ray actor: loads the engine once, then turns batches of sheets into region rows."""

    def __init__(self, settings: Settings, counter: Any) -> None:
        self.settings, self.counter = settings, counter
        self.engine = load_engine(settings.ocr)

    def __call__(self, batch: pa.Table) -> pa.Table:
        limit_mpixels, least = self.settings.limits.image_mpixels, self.settings.ocr.min_confidence
        sheets = [sheet for sheet in batch.to_pylist() if sheet["role"] in self.settings.figures.roles]
        rows, rejects = regions(sheets, self.engine, limit_mpixels, least)
        self.counter.add.remote(len(sheets))
        return pa.Table.from_pylist([*rows, *({"reject": ray_engine.reject_text(r)} for r in rejects)], schema=_ROWS)


def run(ctx: StepContext) -> Outcome:
    """Read every sheet whose role may become a figure."""
    import ray

    # A replay takes in all sheets of a document again: its rows replace those of the whole document.
    documents = sorted({sheet_id.split("/", 1)[0] for sheet_id in ctx.only})
    where = ("doc_id", documents) if documents else ("role", ctx.settings.figures.roles)
    total = ray_engine.count(ctx.lake, "sheets", ctx.archive, where)
    if not total:
        return Outcome()
    sheets = ray_engine.read(ctx.lake, "sheets", ctx.archive, _COLUMNS, where=where)
    with ray_engine.counting(ctx.progress, total) as counter:
        rows = sheets.map_batches(
            SheetReader,
            fn_constructor_args=(ctx.settings, counter),
            batch_format="pyarrow",
            batch_size=ctx.settings.ocr.batch_size,
            **ray_engine.actor_options(ctx.settings, ctx.settings.ocr.actors),
        )
        outcome = ray_engine.run(
            ray_engine.sink(rows, ctx.lake, "regions", ctx.archive, ctx.settings, rejects_column="reject")
        )
        outcome.rows_in = ray.get(counter.value.remote())
        return outcome
