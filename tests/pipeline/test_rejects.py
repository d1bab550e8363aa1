"""Rejects are forgotten when nobody has seen them for long, and nothing is done again for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.errors import Reason, Reject
from pipeline.lake import Lake
from pipeline.rejects import expire, write_rejects

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def rejected(lake: Lake, archive: str, step: str, item: str, days_ago: int) -> None:
    rejects = [Reject(item, Reason.MEMBER_UNREADABLE, "line 1")]
    parts = write_rejects(lake, archive, step, rejects, NOW - timedelta(days=days_ago))
    lake.commit("rejects", step, archive, 7 + days_ago, parts)


def items(lake: Lake) -> list[str]:
    return sorted(lake.read("rejects")["item"].to_pylist())


def test_only_what_was_last_seen_before_then_is_forgotten_and_no_step_becomes_stale(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    rejected(lake, "a", "extract", "old", 400)
    rejected(lake, "a", "ocr", "new", 10)
    rejected(lake, "b", "extract", "older", 500)
    standing = lake.generation("rejects", "extract", "a")
    assert expire(lake, NOW - timedelta(days=365), dry_run=True) == 2
    assert items(lake) == ["new", "old", "older"]
    assert expire(lake, NOW - timedelta(days=365)) == 2
    assert items(lake) == ["new"]
    assert lake.generation("rejects", "extract", "a") == standing == 407
    assert expire(lake, NOW - timedelta(days=365)) == 0


def test_a_step_that_rejects_again_after_that_counts_from_one(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    rejected(lake, "a", "extract", "bad", 400)
    expire(lake, NOW)
    lake.commit(
        "rejects",
        "extract",
        "a",
        999,
        write_rejects(lake, "a", "extract", [Reject("bad", Reason.MEMBER_UNREADABLE, "")], NOW),
    )
    assert lake.read("rejects")["attempt"].to_pylist() == [1]
