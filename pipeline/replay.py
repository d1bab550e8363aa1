"""Run rejected items again and merge what passes into the archive's partitions.

An item is named by its reject row: a member path, a document, a sheet or a figure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.archives import discover
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.flow import BY_NAME
from pipeline.lake import Lake


def rejected_items(lake: Lake, archive: str, step: str, reason: str | None) -> frozenset[str]:
    """Items of the archive that the step has rejected, of every reason or of one."""
    rows = lake.read("rejects", ["step", "item", "reason"], archive=archive).to_pylist()
    return frozenset(row["item"] for row in rows if row["step"] == step and reason in (None, row["reason"]))


def replay_source(uri: str | None, options: dict[str, str]) -> str | None:
    """The archive file that replaces the original for this replay. Raises UsageError unless it is one."""
    if uri is None:
        return None
    sources = discover([uri], options)
    if len(sources) != 1:
        raise UsageError(f"--with wants one archive, and {uri} holds {len(sources)}")
    return sources[0].uri


def replay_rejects(
    lake: Lake,
    settings: Settings,
    archive: str,
    step: str,
    reason: str | None,
    with_uri: str | None,
    emit: Callable[[dict[str, Any]], None],
) -> Any:
    """Replay in an engine process of its own; returns the run's summary, empty when nothing is rejected.

    Raises UsageError for a lake-wide step, or a step that does not take single items.
    """
    from pipeline.local import RunSummary, run_replay

    if BY_NAME[step].scope == "lake":
        raise UsageError(f"{step} works on the whole lake and rejects no items")
    items = rejected_items(lake, archive, step, reason)
    if not items:
        return RunSummary()
    source = replay_source(with_uri, dict(settings.storage))
    return run_replay(lake, settings, BY_NAME[step], archive, sorted(items), source, emit)
