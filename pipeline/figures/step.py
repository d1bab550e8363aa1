"""figures on Spark: sheets, their regions and their documents' captions → figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.engines import spark as spark_engine
from pipeline.errors import Reject, RejectedItemError
from pipeline.figures.build import REPEATING, Repeats, figure_rows
from pipeline.figures.captions import Captions
from pipeline.parts import Outcome, PartWriter, result_batch
from pipeline.pixels import decode
from pipeline.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_Row = dict[str, Any]
_REGION = ("polygon", "text", "confidence", "role")
_SHEET = ("sheet_id", "doc_id", "ordinal", "role", "declared_labels", "image")
_PASSAGE = ("doc_id", "section", "language", "paragraph_index", "sentence", "heading", "text")


def run(ctx: StepContext) -> Outcome:
    """Split every sheet whose role may become a figure."""
    worker = partial(_split_sheets, ctx.lake.storage, ctx.archive, ctx.settings)
    return spark_engine.run(_documents(ctx), worker, ctx.progress)


def _documents(ctx: StepContext) -> DataFrame:
    """A document's rows one after another: its description's sentences, its drawings with the text read on
    them, then the images that may repeat a drawing. A worker holds one document's sentences and one batch."""
    from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

    read: Callable[..., DataFrame] = partial(spark_engine.read, ctx.engine, ctx.lake, archive=ctx.archive)
    texts = (
        read(table="regions", columns=["sheet_id", *_REGION])
        .where(F.col("role") != "sign")
        .groupBy("sheet_id")
        .agg(F.collect_list(F.struct(*_REGION)).alias("regions"))
    )
    sheets = read(table="sheets", columns=_SHEET).where(F.col("role").isin(*ctx.settings.figures.roles))
    passages = read(table="passages", columns=_PASSAGE).where(F.col("section") == "description")
    if ctx.only:
        documents = sheets.where(F.col("sheet_id").isin(*ctx.only)).select("doc_id").distinct()
        sheets = sheets.join(documents, on="doc_id", how="left_semi")
    passages = passages.join(sheets.select("doc_id").distinct(), on="doc_id", how="left_semi")
    turn = F.when(F.col("role").isNull(), 0).when(F.col("role").isin(*REPEATING), 2).otherwise(1)
    return (
        sheets.join(texts, on="sheet_id", how="left")
        .unionByName(passages, allowMissingColumns=True)
        .repartition("doc_id")
        .sortWithinPartitions(F.col("doc_id"), turn, "language", "paragraph_index", "sentence", "role", "ordinal")
    )


def _split_sheets(
    storage: Storage, archive: str, settings: Settings, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    rejects: list[Reject] = []
    rows = (row for batch in batches for row in batch.to_pylist())
    sheets = 0
    with PartWriter(storage, "figures", {"archive": archive}, settings.lake) as writer:
        for _, document in groupby(rows, key=itemgetter("doc_id")):
            sentences, drawings = _until(document, lambda row: row["role"] is not None)
            captions, repeats = Captions(sentences), Repeats()
            for row in drawings:
                sheets += 1
                try:
                    sheet = decode(row["image"], settings.limits.image_mpixels)
                    if not repeats.is_repeat(row["role"], sheet):
                        writer.write_rows(figure_rows(row, sheet, row["regions"] or (), captions, settings.figures))
                except RejectedItemError as error:
                    rejects.append(error.reject(row["sheet_id"]))
    yield result_batch(writer.parts, rejects, rows_in=sheets)


def _until(rows: Iterator[_Row], turns: Callable[[_Row], bool]) -> tuple[list[_Row], Iterator[_Row]]:
    """The rows before the first that ``turns``, gathered, and the rest, still streaming."""
    gathered: list[_Row] = []
    for row in rows:
        if turns(row):
            return gathered, chain([row], rows)
        gathered.append(row)
    return gathered, iter(())
