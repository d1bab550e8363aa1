"""figures on Spark: sheets, their regions and their documents' captions → figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.engines import spark as spark_engine
from pipeline.errors import Reject, RejectedItemError
from pipeline.figures.build import REPEATING, Repeats, figure_rows
from pipeline.figures.captions import Sentence, captions
from pipeline.parts import Outcome, PartWriter, result_batch
from pipeline.pixels import decode
from pipeline.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: A passage that can begin a figure's description; the rest need not travel.
_DESCRIBES = r"(?i)^\W*((in|the|der|die|den|la|las|les|el|en|dans)\s+)*(fig|abb)"


def run(ctx: StepContext) -> Outcome:
    """Split every sheet whose role may become a figure."""
    frame = _sheets_with_text(ctx)
    worker = partial(_split_sheets, ctx.lake.storage, ctx.archive, ctx.settings)
    return spark_engine.run(frame, worker, ctx.progress)


def _sheets_with_text(ctx: StepContext) -> DataFrame:
    """One row per sheet with its regions and its document's sentences; a document's sheets together, the
    drawings first, so that a worker can tell what repeats them."""
    from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

    read: Callable[..., DataFrame] = partial(spark_engine.read, ctx.engine, ctx.lake, archive=ctx.archive)
    regions = (
        read(table="regions", columns=["sheet_id", "polygon", "text", "confidence", "role"])
        .where(F.col("role") == "figure label")
        .groupBy("sheet_id")
        .agg(F.collect_list(F.struct("polygon", "text", "confidence", "role")).alias("regions"))
    )
    passages = (
        read(table="passages", columns=["doc_id", "section", "paragraph_index", "sentence", "language", "heading", "text"])
        .where((F.col("section") == "description") & F.col("text").rlike(_DESCRIBES))
        .groupBy("doc_id")
        .agg(F.sort_array(F.collect_list(F.struct("paragraph_index", "sentence", "text", "heading", "language")))
             .alias("sentences"))
    )  # fmt: skip
    sheets = read(table="sheets", columns=["sheet_id", "doc_id", "ordinal", "role", "declared_labels", "image"]).where(
        F.col("role").isin(*ctx.settings.figures.roles)
    )
    if ctx.only:
        documents = sheets.where(F.col("sheet_id").isin(*ctx.only)).select("doc_id").distinct()
        sheets = sheets.join(documents, on="doc_id", how="left_semi")
    return (
        sheets.join(regions, on="sheet_id", how="left")
        .join(passages, on="doc_id", how="left")
        .repartition("doc_id")
        .sortWithinPartitions(F.col("doc_id"), F.col("role").isin(*REPEATING), F.col("role"), F.col("ordinal"))
    )


def _split_sheets(
    storage: Storage, archive: str, settings: Settings, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    rejects: list[Reject] = []
    repeats, rows_in = Repeats(), 0
    with PartWriter(storage, "figures", {"archive": archive}, settings.lake) as writer:
        for batch in batches:
            rows_in += batch.num_rows
            for row in batch.to_pylist():
                try:
                    writer.write_rows(_figures(row, repeats, settings))
                except RejectedItemError as error:
                    rejects.append(error.reject(row["sheet_id"]))
    yield result_batch(writer.parts, rejects, rows_in=rows_in)


def _figures(row: dict[str, Any], repeats: Repeats, settings: Settings) -> list[dict[str, Any]]:
    sheet = decode(row["image"], settings.limits.image_mpixels)
    if repeats.is_repeat(row["doc_id"], row["role"], sheet):
        return []
    sentences = tuple(Sentence(s["text"], s["heading"] or "", s["language"]) for s in row["sentences"] or ())
    return figure_rows(row, sheet, row["regions"] or (), _captions(sentences), settings.figures)


@lru_cache(maxsize=1)  # a document's sheets come one after another
def _captions(sentences: tuple[Sentence, ...]) -> dict[str, str]:
    return captions(sentences)
