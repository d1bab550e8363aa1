"""A line of JSON for each step that starts, ends, fails or is broken off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pipeline import observe
from pipeline.flow import Step
from pipeline.lake import Lake
from pipeline.ledger import Run
from pipeline.observe.secrecy import hide_all


class JsonLog:
    """``place`` is a file, appended to line by line, or ``-`` for standard error. Secrets are hidden."""

    def __init__(self, place: str, storage: Mapping[str, str] | None = None) -> None:
        self.place, self._storage = place, storage or {}

    def take(self, lake: Lake, step: Step, run: Run) -> None:
        """Write the line in one call, so that lines of several processes do not mix."""
        found = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": observe.run_id(),
            "level": "error" if run.state == "failed" else "info", "event": run.state, "lake": lake.storage.root,
            "archive": run.archive, "step": run.step, "engine": step.engine, "generation": run.generation,
            "rows_in": run.rows_in, "rows_out": dict(run.rows_out), "rejects": run.rejects, "seconds": run.seconds,
            "peak_memory_mb": run.peak_memory_mb, **dict(run.detail),
        }  # fmt: skip
        line = json.dumps(hide_all(found, self._storage), ensure_ascii=False, default=str) + "\n"
        if self.place == "-":
            observe.say(line)
            return
        Path(self.place).parent.mkdir(parents=True, exist_ok=True)
        with open(self.place, "a", encoding="utf-8") as stream:
            stream.write(line)
