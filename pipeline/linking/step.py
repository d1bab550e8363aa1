"""The link step: a document's sentences, regions and figures, brought together, become signs, signs in
figures, and links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.errors import Reason, Reject
from pipeline.linking.printed import printed_rows
from pipeline.linking.resolve import resolve
from pipeline.linking.signs import find_signs
from pipeline.parts import Outcome, PartWriter, result_batch
from pipeline.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

COLUMNS = {
    "passages": ["doc_id", "passage_id", "section", "paragraph_index", "sentence", "language", "heading", "text",
                 "figure_refs"],
    "regions": ["doc_id", "sheet_id", "ordinal", "polygon", "text", "confidence", "role", "sign", "alternatives"],
    "figures": ["doc_id", "figure_id", "sheet_id", "label", "caption", "x0", "y0", "x1", "y1"],
}  # fmt: skip
_SECTIONS = ("title", "abstract", "description", "claims")


def run(ctx: StepContext) -> Outcome:
    """Link every document of the archive; the work is spread by document."""
    from pipeline.engines import spark

    return spark.run(_documents(ctx), Linker(ctx.lake.storage, ctx.settings, ctx.archive), ctx.progress)


def _documents(ctx: StepContext) -> DataFrame:
    """One row per document: doc_id and its passages, regions and figures as lists of structs."""
    from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

    from pipeline.engines import spark

    def grouped(table: str) -> DataFrame:
        columns = COLUMNS[table]
        rows = spark.read(ctx.engine, ctx.lake, table, ctx.archive, columns).select(*columns)
        if ctx.only:
            rows = rows.where(F.col("doc_id").isin(sorted(ctx.only)))
        return rows.groupBy("doc_id").agg(F.collect_list(F.struct(*columns)).alias(table))

    # A document without text has no signs and no links: passages lead.
    joined = grouped("passages")
    for table in ("regions", "figures"):
        joined = joined.join(grouped(table), on="doc_id", how="left")
    return joined


class Linker:
    """The Spark worker: reads documents, writes parts of ``signs``, ``figure_signs`` and ``links``."""

    def __init__(self, storage: Storage, settings: Settings, archive: str) -> None:
        self.storage, self.settings, self.archive = storage, settings, archive

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rejects: list[Reject] = []
        count = 0
        partition = {"archive": self.archive}
        with (
            PartWriter(self.storage, "signs", partition, self.settings.lake) as signs,
            PartWriter(self.storage, "figure_signs", partition, self.settings.lake) as printed,
            PartWriter(self.storage, "links", partition, self.settings.lake) as links,
        ):
            for document in (row for batch in batches for row in batch.to_pylist()):
                count += 1
                try:
                    linked = link_document(document, self.settings)
                except Exception as error:  # one bad document never stops an archive
                    rejects.append(Reject(document["doc_id"], Reason.STEP_ERROR, f"{type(error).__name__}: {error}"))
                    continue
                signs.write_rows(linked.signs)
                printed.write_rows(linked.printed)
                links.write_rows(linked.links)
        yield result_batch([*signs.parts, *printed.parts, *links.parts], rejects, rows_in=count)


class LinkedDocument(NamedTuple):
    """Rows of ``signs``, ``figure_signs`` and ``links`` of one document."""

    signs: list[dict[str, Any]]
    printed: list[dict[str, Any]]
    links: list[dict[str, Any]]


def link_document(document: Mapping[str, Any], settings: Settings) -> LinkedDocument:
    """Link one document given as its passages, regions and figures."""
    passages = sorted(document["passages"], key=_reading_order)
    figures = document["figures"] or []
    signs = find_signs(passages)
    terms = {row["sign"]: row["term"] for row in signs.rows}
    described = any(p["section"] == "description" for p in passages)
    least = settings.linking.min_confidence
    printed = printed_rows(figures, document["regions"] or [], terms, described, least)
    return LinkedDocument(signs.rows, printed, resolve(figures, printed, passages, signs, settings.linking))


def _reading_order(passage: Mapping[str, Any]) -> tuple[int, str, int, int]:
    return (_SECTIONS.index(passage["section"]), passage["language"], passage["paragraph_index"], passage["sentence"])
