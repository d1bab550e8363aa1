"""Vectors of figures and regions on Ray Data: CPU tasks decode and cut, actors hold the model, a sink writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Settings
from pipeline.embedding.drawing import Preparation
from pipeline.embedding.figures import prepared_figures, prepared_regions
from pipeline.embedding.models import image_encoder, image_preparation
from pipeline.embedding.vectors import vector_rows
from pipeline.engines import ray as ray_engine
from pipeline.errors import Reject
from pipeline.lake import Lake
from pipeline.parts import Outcome
from schemas import TABLES

_BOX_COLUMNS = ("figure_id", "sheet_id", "doc_id", "x0", "y0", "x1", "y1")
_SHEETS_PER_TASK = 16
#: What the model adds to a prepared row.
_MODEL_COLUMNS = ("model", "revision", "vector")


def encode_figures(
    lake: Lake, archive: str, settings: Settings, documents: frozenset[str], counter: Any, table: str = "figure_vectors"
) -> Outcome:
    """Parts of figure_vectors or region_vectors for the archive, or for these documents of it."""
    import ray

    boxes = ray.remote(figure_boxes).remote(lake, archive, documents)
    where = {"doc_id": sorted(documents)} if documents else None
    sheets = ray_engine.read(lake, "sheets", archive, ["sheet_id", "image"], where=where)
    batches = -(-sum(file.rows for file in lake.files("sheets", archive)) // _SHEETS_PER_TASK)
    canvases = sheets.map_batches(
        prepare_sheets,
        fn_args=([boxes], image_preparation(settings.models), settings.limits.image_mpixels, table),
        batch_format="pyarrow",
        batch_size=_SHEETS_PER_TASK,
    )
    rows = canvases.map_batches(
        FigureEncoder,
        fn_constructor_args=(settings, counter, table),
        batch_format="pyarrow",
        batch_size=settings.models.image_batch,
        **ray_engine.actor_options(settings, batches),
    )
    return ray_engine.run(
        ray_engine.sink(rows, lake, table, archive, settings, rejects_column="reject")
    )  # fmt: skip


def figure_boxes(lake: Lake, archive: str, documents: frozenset[str]) -> pa.Table:
    """The archive's figures: few and small, so every worker is given them all. Runs as a Ray task."""
    figures = lake.read("figures", _BOX_COLUMNS, archive)
    if documents:
        figures = figures.filter(pc.is_in(figures["doc_id"], value_set=pa.array(sorted(documents))))
    return figures


def prepare_sheets(
    batch: pa.Table, boxes: list[Any], preparation: Preparation, limit_mpixels: int, table: str
) -> pa.Table:
    """Canvases of the figures on some sheets. ``boxes`` holds a reference to the table of figures.

    In a list, because Ray resolves a bare reference only where it does not fuse this stage with the next. It
    fuses them where the actors ask for no GPU: then a canvas never leaves the process that encodes it.
    """
    import ray

    return canvases_on(batch, ray.get(boxes[0]), preparation, limit_mpixels, table)


def canvases_on(
    sheets: pa.Table, boxes: pa.Table, preparation: Preparation, limit_mpixels: int, table: str = "figure_vectors"
) -> pa.Table:
    """Rows of the table with a canvas in place of the vector, and rows with a reject alone."""
    figures = boxes.filter(pc.is_in(boxes["sheet_id"], value_set=sheets["sheet_id"])).to_pylist()
    rejects: list[Reject] = []
    if table == "region_vectors":
        rows = prepared_regions(sheets.to_pylist(), figures, preparation, limit_mpixels)
    else:
        rows, rejects = prepared_figures(sheets.to_pylist(), figures, preparation, limit_mpixels)
    rejected = [{"reject": ray_engine.reject_text(reject)} for reject in rejects]
    return pa.Table.from_pylist([*rows, *rejected], schema=_prepared_schema(table))


def _prepared_schema(table: str) -> pa.Schema:
    own = [field.with_nullable(True) for field in TABLES[table].part_schema if field.name not in _MODEL_COLUMNS]
    return pa.schema([*own, pa.field("canvas", pa.binary()), pa.field("reject", pa.string())])


class FigureEncoder:
    """A Ray actor: loads the image encoder once, then turns canvases into vector rows.

    Rows on their way to the sink; a rejected figure or sheet is a row with nothing but its reject.
    """

    def __init__(self, settings: Settings, counter: Any, table: str = "figure_vectors") -> None:
        self.encoder, self.counter = image_encoder(settings.models), counter
        self.schema = pa.schema(
            [*(field.with_nullable(True) for field in TABLES[table].part_schema), ("reject", pa.string())]
        )
        self.key = TABLES[table].key[-1]

    def __call__(self, batch: pa.Table) -> pa.Table:
        rejected = pa.table({"reject": batch["reject"].drop_null()})
        tables = [self.schema.empty_table(), rejected]
        rows, side = batch.filter(pc.is_valid(batch["canvas"])), self.encoder.preparation.side
        if rows.num_rows:
            canvases = [np.frombuffer(data, np.uint8).reshape(side, side) for data in rows["canvas"].to_pylist()]
            vectors = self.encoder.encode_prepared(canvases)
            found = vector_rows(
                self.key, rows[self.key], rows["doc_id"], self.encoder.name, self.encoder.revision, vectors
            )
            for name in rows.column_names:
                if name in self.schema.names and name not in found.column_names and name != "reject":
                    found = found.append_column(name, rows[name])
            tables.append(found)
        self.counter.add.remote(batch.num_rows)
        return pa.concat_tables(tables, promote_options="default")
