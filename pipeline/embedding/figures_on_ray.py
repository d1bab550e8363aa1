"""Figure vectors on Ray Data: CPU tasks decode and cut, actors hold the model, a sink writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Settings
from pipeline.embedding.drawing import Preparation
from pipeline.embedding.figures import prepared_figures
from pipeline.embedding.models import image_encoder, image_preparation
from pipeline.embedding.vectors import vector_rows
from pipeline.engines import ray as ray_engine
from pipeline.lake import Lake
from pipeline.parts import Outcome
from schemas import TABLES

_BOX_COLUMNS = ("figure_id", "sheet_id", "doc_id", "x0", "y0", "x1", "y1")
_SHEETS_PER_TASK = 16
_PREPARED = pa.schema(
    [("figure_id", pa.string()), ("doc_id", pa.string()), ("canvas", pa.binary()), ("reject", pa.string())]
)
#: Vector rows on their way to the sink; a rejected figure or sheet is a row with nothing but its reject.
_ROWS = pa.schema([*(f.with_nullable(True) for f in TABLES["figure_vectors"].part_schema), ("reject", pa.string())])


def encode_figures(
    lake: Lake, archive: str, settings: Settings, documents: frozenset[str], counter: Any
) -> Outcome:  # fmt: skip
    """Parts of figure_vectors for the archive, or for these documents of it."""
    import ray

    boxes = ray.remote(figure_boxes).remote(lake, archive, documents)
    where = {"doc_id": sorted(documents)} if documents else None
    sheets = ray_engine.read(lake, "sheets", archive, ["sheet_id", "image"], where=where)
    canvases = sheets.map_batches(
        prepare_sheets,
        fn_args=([boxes], image_preparation(settings.models), settings.limits.image_mpixels),
        batch_format="pyarrow",
        batch_size=_SHEETS_PER_TASK,
    )
    rows = canvases.map_batches(
        FigureEncoder,
        fn_constructor_args=(settings, counter),
        batch_format="pyarrow",
        batch_size=settings.models.image_batch,
        **ray_engine.actor_options(settings),
    )
    return ray_engine.run(
        ray_engine.sink(rows, lake, "figure_vectors", archive, settings, rejects_column="reject")
    )  # fmt: skip


def figure_boxes(lake: Lake, archive: str, documents: frozenset[str]) -> pa.Table:
    """The archive's figures: few and small, so every worker is given them all. Runs as a Ray task."""
    figures = lake.read("figures", _BOX_COLUMNS, archive)
    if documents:
        figures = figures.filter(pc.is_in(figures["doc_id"], value_set=pa.array(sorted(documents))))
    return figures


def prepare_sheets(batch: pa.Table, boxes: list[Any], preparation: Preparation, limit_mpixels: int) -> pa.Table:
    """Canvases of the figures on some sheets. ``boxes`` holds a reference to the table of figures.

    In a list, because Ray resolves a bare reference only where it does not fuse this stage with the next. It
    fuses them where the actors ask for no GPU: then a canvas never leaves the process that encodes it.
    """
    import ray

    return canvases_on(batch, ray.get(boxes[0]), preparation, limit_mpixels)


def canvases_on(sheets: pa.Table, boxes: pa.Table, preparation: Preparation, limit_mpixels: int) -> pa.Table:
    """Rows of figure_id, doc_id and canvas, and rows with a reject alone."""
    figures = boxes.filter(pc.is_in(boxes["sheet_id"], value_set=sheets["sheet_id"])).to_pylist()
    rows, rejects = prepared_figures(sheets.to_pylist(), figures, preparation, limit_mpixels)
    rejected = [{"reject": ray_engine.reject_text(reject)} for reject in rejects]
    return pa.Table.from_pylist([*rows, *rejected], schema=_PREPARED)


class FigureEncoder:
    """A Ray actor: loads the image encoder once, then turns canvases into vector rows."""

    def __init__(self, settings: Settings, counter: Any) -> None:
        self.encoder, self.counter = image_encoder(settings.models), counter

    def __call__(self, batch: pa.Table) -> pa.Table:
        rejected = pa.table({"reject": batch["reject"].drop_null()})
        tables = [_ROWS.empty_table(), rejected]
        rows, side = batch.filter(pc.is_valid(batch["canvas"])), self.encoder.preparation.side
        if rows.num_rows:
            canvases = [np.frombuffer(data, np.uint8).reshape(side, side) for data in rows["canvas"].to_pylist()]
            vectors = self.encoder.encode_prepared(canvases)
            tables.append(
                vector_rows(
                    "figure_id", rows["figure_id"], rows["doc_id"], self.encoder.name, self.encoder.revision, vectors
                )
            )
        self.counter.add.remote(batch.num_rows)
        return pa.concat_tables(tables, promote_options="default")
