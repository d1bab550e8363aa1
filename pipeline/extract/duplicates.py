"""One document delivered twice in an archive: the first in the archive's order stays, whoever read which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config import LakeSettings
from pipeline.errors import Reason, Reject
from pipeline.parts import Outcome, Part, PartWriter
from pipeline.storage import Storage


def duplicate(doc_id: str, member: str, first: str, sha256: str | None = None) -> Reject:
    """The reject of a document that another member of the archive has delivered before it."""
    return Reject(member, Reason.DUPLICATE_DOCUMENT, f"{doc_id} is delivered by {first} as well and taken from there",
                  sha256)  # fmt: skip


def drop_duplicates(outcome: Outcome, storage: Storage, settings: LakeSettings, standing: Mapping[str, str]) -> None:
    """Take out of the parts what an earlier task, or a row that stands, holds of the same document.

    Each task's note gives its place in the archive (``shard``), its parts, and its documents as (doc_id,
    member). ``standing`` maps documents that come first anyway to their member. Usually there is nothing
    to do; else only the losing tasks' parts are written anew.
    """
    first = dict(standing)
    for note in sorted(outcome.notes, key=lambda note: int(note["shard"])):
        losers = [(doc_id, member) for doc_id, member in note["documents"] if first.get(doc_id, member) != member]
        for doc_id, member in note["documents"]:
            first.setdefault(doc_id, member)
        if not losers:
            continue
        outcome.rejects += [duplicate(doc_id, member, first[doc_id]) for doc_id, member in losers]
        lost, own = pa.array([doc_id for doc_id, _ in losers], pa.string()), set(note["parts"])
        outcome.parts = [
            kept for part in outcome.parts
            for kept in (_without(part, lost, storage, settings) if part.path in own else [part])
        ]  # fmt: skip


def task_note(shard: int, documents: Mapping[str, str], parts: Sequence[Part]) -> dict[str, Any]:
    """What :func:`drop_duplicates` has to know of a task."""
    return {"shard": shard, "documents": list(documents.items()), "parts": [part.path for part in parts]}


def _without(part: Part, doc_ids: pa.Array, storage: Storage, settings: LakeSettings) -> list[Part]:
    """The part without these documents; as it is when it holds none of them."""
    with storage.open_input("tables", part.table, part.path) as stream:
        reader = pq.ParquetFile(stream)
        if not pc.any(pc.is_in(reader.read(["doc_id"])["doc_id"], doc_ids)).as_py():
            return [part]
        with PartWriter(storage, part.table, part.partition, settings) as writer:
            for group in range(reader.num_row_groups):
                rows = reader.read_row_group(group)
                writer.write(rows.filter(pc.invert(pc.is_in(rows["doc_id"], doc_ids))))
    storage.delete("tables", part.table, part.path)
    return writer.parts
