"""Rejects as the lake keeps them: one row per item and reason, with how often and since when."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import Reject
from pipeline.lake import Lake, LakeFile, next_generation
from pipeline.parts import Part, PartWriter

EXPIRE = "expire"


def write_rejects(
    lake: Lake,
    archive: str,
    step: str,
    rejects: Iterable[Reject],
    now: datetime,
    *,
    keep_others: bool = False,
    replayed: frozenset[str] = frozenset(),
) -> list[Part]:
    """Write the rejects of a run as parts of the archive's and step's partition; not committed yet.

    An item that stood there before keeps its first date and counts one attempt more; one that
    passed this time is gone. With ``keep_others`` (replay) items outside ``replayed`` stay as they are.
    """
    standing = _standing(lake, archive, step)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    if keep_others:
        rows = {key: row for key, row in standing.items() if row["item"] not in replayed}
    for reject in rejects:
        key = (reject.item, reject.reason.value)
        before = standing.get(key)
        rows[key] = {
            "item": reject.item,
            "reason": reject.reason.value,
            "detail": reject.detail,
            "sha256": reject.sha256,
            "attempt": before["attempt"] + 1 if before else 1,
            "first_seen": before["first_seen"] if before else now,
            "last_seen": now,
        }
    with PartWriter(lake.storage, "rejects", {"archive": archive, "step": step}) as writer:
        writer.write_rows([rows[key] for key in sorted(rows)])
    return writer.parts


def expire(lake: Lake, before: datetime, *, dry_run: bool = False) -> int:
    """Forget rejects last seen before then; returns their number. No step becomes stale by it.

    A file goes as a whole, when the newest of its rows is that old: what one run of a step rejected. The bytes stay
    until `figlake clean`. Raises CommitError when a step replaced an archive's rejects meanwhile; run it again then.
    """
    old: dict[str, list[LakeFile]] = {}
    for file in lake.files("rejects"):
        with lake.storage.open_path(file.path) as stream:
            newest = pc.max(pq.ParquetFile(stream).read(["last_seen"])["last_seen"]).as_py()
        if newest is not None and newest < before:
            old.setdefault(file.partition["archive"], []).append(file)
    root = lake.storage.path("tables", "rejects") + "/"
    for archive, files in sorted(old.items() if not dry_run else ()):
        standing = lake.generation("rejects", EXPIRE, archive)
        generation = next_generation([standing], random.Random())  # noqa: S311 - tells writers apart
        lake.commit("rejects", EXPIRE, archive, generation, [], instead_of=[f.path.removeprefix(root) for f in files])
    return sum(file.rows for files in old.values() for file in files)


def _standing(lake: Lake, archive: str, step: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = lake.read("rejects", archive=archive).to_pylist()
    return {(row["item"], row["reason"]): row for row in rows if row["step"] == step}
