"""Step encode: an archive's vectors become one shard per modality under the frozen codebooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipeline.context import StepContext
from pipeline.indexing import codebook
from pipeline.indexing.drift import drift_of, plain
from pipeline.indexing.modalities import MODALITIES
from pipeline.indexing.shard import Source, write_shard
from pipeline.lake import Lake
from pipeline.parts import Outcome, PartWriter, result_batch


def run(ctx: StepContext) -> Outcome:
    """Write the archive's shards, a Ray task per modality, and their rows of the table ``shards``."""
    import ray

    from pipeline.engines import ray as engine

    codebooks = [json.dumps(row) for row in ctx.lake.read("codebooks").to_pylist()]
    ctx.progress(0, len(codebooks))
    if not codebooks:
        return Outcome()
    lake, archive = ctx.lake, ctx.archive

    def encode(batch: pa.Table) -> Iterator[pa.Table]:
        for text in batch["codebook"].to_pylist():
            yield pa.Table.from_batches([encode_archive(lake, archive, json.loads(text))])

    tasks = ray.data.from_items([{"codebook": text} for text in codebooks], override_num_blocks=len(codebooks))
    outcome = engine.run(tasks.map_batches(encode, batch_format="pyarrow", batch_size=1), ctx.progress)
    with PartWriter(ctx.lake.storage, "shards", {"archive": ctx.archive}, ctx.settings.lake) as writer:
        writer.write_rows(sorted(outcome.notes, key=lambda row: str(row["modality"])))
    books = {row["modality"]: row for row in map(json.loads, codebooks)}
    found = {row["modality"]: drift_of(books[row["modality"]], [row], ctx.settings.indexing) for row in outcome.notes}
    outcome.metrics = {"drift": plain(found)}
    outcome.parts, outcome.notes = writer.parts, []
    ctx.progress(len(codebooks), len(codebooks))
    return outcome


def encode_archive(lake: Lake, archive: str, row: dict[str, Any]) -> pa.RecordBatch:
    """Encode one modality; the result carries the shard's row as a note, none where there are no vectors."""
    modality = MODALITIES[row["modality"]]
    columns = [modality.key, "doc_id", "model", "revision", "vector"]
    source = Source(archive, modality.key, lake.batches(modality.table, columns, archive))
    shard = write_shard(lake.storage, row, codebook.load(lake.storage, row), source)
    return result_batch(notes=[shard] if shard else [], rows_in=shard["rows"] if shard else 0)
