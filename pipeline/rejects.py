"""Rejects as the lake keeps them: one row per item and reason, with how often and since when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipeline.errors import Reject
from pipeline.lake import Lake
from pipeline.parts import Part, PartWriter


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


def _standing(lake: Lake, archive: str, step: str) -> dict[tuple[str, str], dict[str, Any]]:
    rows = lake.read("rejects", archive=archive).to_pylist()
    return {(row["item"], row["reason"]): row for row in rows if row["step"] == step}
