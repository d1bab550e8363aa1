"""Documents withdrawn: named in ``tombstones``, out of every answer at once, out of every table's files when purged."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow.compute as pc

from pipeline.config import Settings
from pipeline.errors import SupersededError, UsageError
from pipeline.flow import LAKE_SCOPE
from pipeline.lake import Lake, next_generation
from pipeline.merge import rows_of, without
from pipeline.parts import PartWriter
from schemas import TABLES

STEP = "withdraw"
#: Tables with rows of documents, those first that name rows of others: no row ever names one that is gone.
#: ``documents`` comes last: while it has the document the purge is not done.
_PURGED = (
    *(n for n in reversed(TABLES) if "doc_id" in TABLES[n].schema.names and n not in ("documents", "tombstones")),
    "rejects",
    "documents",
)


def withdrawn(lake: Lake) -> frozenset[str]:
    """The documents withdrawn by now, whatever version the lake is pinned to."""
    newest = lake.pinned({})
    return frozenset(newest.read("tombstones", ["doc_id"])["doc_id"].to_pylist())


def reasons(lake: Lake) -> dict[str, str]:
    """Why each was withdrawn."""
    rows = lake.pinned({}).read("tombstones", ["doc_id", "reason"]).to_pylist()
    return {row["doc_id"]: row["reason"] for row in rows}


def withdraw(lake: Lake, doc_ids: Sequence[str], reason: str) -> list[str]:
    """Add tombstones; returns the documents that had none. All or none are added.

    Raises UsageError for a document that no archive holds and none held when it was withdrawn, and for an empty reason.
    """
    if not reason.strip():
        raise UsageError("say why with --reason: it is what others will read in the table tombstones")
    wanted = sorted(set(doc_ids))
    known = lake.dataset("documents").to_table(columns=["doc_id"], filter=pc.field("doc_id").isin(wanted))
    if unknown := sorted(set(wanted) - set(known["doc_id"].to_pylist()) - withdrawn(lake)):
        raise UsageError(
            f"the lake holds no document {unknown[0]!r}; a doc_id is country, number and kind: EP3441903A1"
        )
    while True:
        new = [doc_id for doc_id in wanted if doc_id not in withdrawn(lake)]
        if not new:
            return []
        with PartWriter(lake.storage, "tombstones", {"archive": LAKE_SCOPE}) as writer:
            at = datetime.now(UTC)
            writer.write_rows([{"doc_id": doc_id, "reason": reason.strip(), "at": at} for doc_id in new])
        standing = lake.generation("tombstones", STEP, LAKE_SCOPE)
        generation = next_generation([standing], random.Random())  # noqa: S311 - tells writers apart
        try:
            if lake.commit("tombstones", STEP, LAKE_SCOPE, generation, writer.parts, instead_of=()):
                return new
        except SupersededError:  # somebody else withdrew something meanwhile
            continue


def purge(lake: Lake, settings: Settings) -> dict[str, int]:
    """Write the files that hold rows of withdrawn documents anew without them; returns the rows removed by table.

    The old files stay until `figlake clean` removes them. No step becomes stale by it. Killed, it goes on when it is
    run again. Raises CommitError when a step replaced an archive's rows meanwhile; run it again then.
    """
    gone = sorted(withdrawn(lake))
    # Of every table: a step that was at work during an earlier purge may have written rows again after it.
    held: set[str] = set()
    for table in _PURGED:
        found = lake.dataset(table).to_table(columns=["archive"], filter=rows_of(table, gone))
        held.update(found["archive"].unique().to_pylist())
    removed: dict[str, int] = {}
    for archive in sorted(held):
        for table in _PURGED:
            parts, files, rows = without(lake, table, archive, gone, settings)
            if not files:
                continue
            standing = lake.generation(table, STEP, archive)
            generation = next_generation([standing], random.Random())  # noqa: S311 - tells writers apart
            lake.commit(table, STEP, archive, generation, parts, instead_of=files)
            removed[table] = removed.get(table, 0) + rows
    return removed
