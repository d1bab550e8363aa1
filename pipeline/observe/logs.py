"""A line of JSON for each step that starts, ends or fails."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import observe
from pipeline.flow import Step
from pipeline.lake import Lake
from pipeline.ledger import Run

_SECRET_NAME = re.compile(r"SECRET|PASSWORD|TOKEN|CREDENTIAL|_KEY\b|KEY_ID", re.IGNORECASE)
#: ``scheme://user:password@host``
_IN_URL = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_HIDDEN = "***"
#: Values shorter than this are words, not secrets; to hide them would hide the log.
_SHORTEST_SECRET = 6


class JsonLog:
    """``place`` is a file, appended to line by line, or ``-`` for standard error. Secrets are hidden."""

    def __init__(self, place: str, storage: Mapping[str, str] | None = None) -> None:
        self.place, self._secrets = place, secrets(storage or {}, os.environ)

    def take(self, lake: Lake, step: Step, run: Run) -> None:
        """Write the line in one call, so that lines of several processes do not mix."""
        found = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": observe.run_id(),
            "level": "error" if run.state == "failed" else "info", "event": run.state, "lake": lake.storage.root,
            "archive": run.archive, "step": run.step, "engine": step.engine, "generation": run.generation,
            "rows_in": run.rows_in, "rows_out": dict(run.rows_out), "rejects": run.rejects, "seconds": run.seconds,
            "peak_memory_mb": run.peak_memory_mb, **dict(run.detail),
        }  # fmt: skip
        line = json.dumps(_without(found, self._secrets), ensure_ascii=False, default=str) + "\n"
        if self.place == "-":
            observe.say(line)
            return
        Path(self.place).parent.mkdir(parents=True, exist_ok=True)
        with open(self.place, "a", encoding="utf-8") as stream:
            stream.write(line)


def secrets(storage: Mapping[str, str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values that no line may hold, the longest first: of secret names among storage options and variables."""
    named = [*storage.items(), *environment.items()]
    found = {value for name, value in named if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET}
    return tuple(sorted(found, key=len, reverse=True))


def _without(value: Any, hidden: Iterable[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(item, hidden) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without(item, hidden) for item in value]
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, _HIDDEN)
        return _IN_URL.sub(_HIDDEN, value)
    return value
