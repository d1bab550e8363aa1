"""The run ledger: which fingerprint each generation had, and what each run did."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

import pyarrow.compute as pc

from pipeline.lake import RANDOM_BITS, Lake
from pipeline.parts import PartWriter

#: ``aborted`` is for those who are told of runs; in the ledger such a run has started and did not end.
State = Literal["started", "done", "failed", "aborted"]


@dataclass(frozen=True)
class Run:
    """One row of ``runs``; see schemas/runs.py for units."""

    archive: str
    step: str
    generation: int
    fingerprint: str
    state: State
    archive_sha256: str | None = None
    rows_in: int | None = None
    rows_out: Mapping[str, int] = field(default_factory=dict)
    rejects: int | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


def record(lake: Lake, run: Run, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Append one row."""
    at = run.at or now()
    month = f"{at:%Y-%m}"
    rate = run.rows_in / run.seconds if run.rows_in is not None and run.seconds else None
    row = {
        "archive": run.archive,
        "step": run.step,
        "generation": run.generation,
        "fingerprint": run.fingerprint,
        "state": run.state,
        "at": at,
        "archive_sha256": run.archive_sha256,
        "rows_in": run.rows_in,
        "rows_out": list(run.rows_out.items()),
        "rejects": run.rejects,
        "seconds": run.seconds,
        "peak_memory_mb": run.peak_memory_mb,
        "items_per_second": rate,
        "host": socket.gethostname(),
        "detail": json.dumps(dict(run.detail), ensure_ascii=False, default=str) if run.detail else None,
    }
    with PartWriter(lake.storage, "runs", {"month": month}) as writer:
        writer.write_rows([row])
    lake.append("runs", writer.parts)


@dataclass(frozen=True)
class Ledger:
    """The ledger as read once; later rows are not seen."""

    runs: tuple[Run, ...]

    @classmethod
    def read(cls, lake: Lake) -> Ledger:
        """All rows, oldest first. A few hundred bytes a row; a decade of nights fits in memory."""
        columns = [
            "archive",
            "step",
            "generation",
            "fingerprint",
            "state",
            "archive_sha256",
            "rows_in",
            "rows_out",
            "rejects",
            "seconds",
            "peak_memory_mb",
            "detail",
            "at",
        ]
        table = lake.read("runs", columns)
        table = table.take(pc.sort_indices(table, [("at", "ascending")]))
        return cls(
            tuple(
                Run(
                    **{
                        **row,
                        "rows_out": dict(row["rows_out"] or []),
                        "detail": json.loads(row["detail"]) if row["detail"] else {},
                    }
                )
                for row in table.to_pylist()
            )
        )

    def fingerprint(self, step: str, archive: str, generation: int) -> str | None:
        """The fingerprint that a generation was started with; None when the ledger does not know it."""
        found = (r.fingerprint for r in reversed(self._of(step, archive)) if r.generation == generation)
        return next(found, None)

    def done(self, step: str, archive: str, fingerprint: str) -> list[Run]:
        """The rows of a step that ended well on an archive, with the same fingerprint; replays too."""
        return [run for run in self._of(step, archive) if (run.state, run.fingerprint) == ("done", fingerprint)]

    def latest(self, step: str, archive: str, state: State | None = None) -> Run | None:
        """The newest row of a step and archive, of any state or of one: by its generation, for clocks are set back."""
        found = (run for run in self._of(step, archive) if state in (None, run.state))
        return max(found, key=_age, default=None)

    def unended_since(self, step: str, archive: str) -> datetime | None:
        """When the first of the newest runs began that all did not end; None where the newest run has ended."""
        since = None
        for run in sorted(self._of(step, archive), key=_age, reverse=True):
            if run.state != "started":
                break
            since = run.at
        return since

    def _of(self, step: str, archive: str) -> list[Run]:
        return self._by_task.get((step, archive), [])

    @cached_property
    def _by_task(self) -> dict[tuple[str, str], list[Run]]:
        found: dict[tuple[str, str], list[Run]] = {}
        for run in self.runs:
            found.setdefault((run.step, run.archive), []).append(run)
        return found


def _age(run: Run) -> tuple[int, bool, float]:
    """Grows with every run, whatever the clock says; time settles only between writers that raced."""
    return run.generation >> RANDOM_BITS, run.state != "started", run.at.timestamp() if run.at else 0.0
