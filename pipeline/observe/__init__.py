"""What others are told of a run: log lines and lineage. Whoever listens never changes or ends a run."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable
from typing import Protocol

from pipeline.config import Settings
from pipeline.flow import Step
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from pipeline.observe.secrecy import hide

#: Names the run to all its processes; an orchestrator may set it.
RUN_ID = "FIGLAKE_RUN_ID"


def _to_standard_error(line: str) -> None:
    sys.stderr.write(line)


#: Takes whole lines for the user. An engine's process, whose standard error is a log, hands them to who started it.
say: Callable[[str], object] = _to_standard_error


class Observer(Protocol):
    """Told of each row of the ledger right after it was written, and of what was broken off."""

    def take(self, lake: Lake, step: Step, run: Run) -> None:
        """``run.state`` is started, done, failed or aborted."""


def run_id() -> str:
    """The id of this run, the same in all processes that it starts."""
    return os.environ.setdefault(RUN_ID, str(uuid.uuid4()))


def observers_of(settings: Settings) -> list[Observer]:
    """Those that the settings and the environment ask for."""
    found: list[Observer] = []
    if settings.observe.logs:
        from pipeline.observe.logs import JsonLog

        found.append(JsonLog(settings.observe.logs, settings.storage))
    from pipeline.observe.lineage import Lineage, is_configured

    if is_configured():
        found.append(Lineage())
    return found


def write_down(lake: Lake, settings: Settings, step: Step, run: Run) -> None:
    """Append a row to the ledger and tell the observers."""
    record(lake, run)
    tell(lake, settings, step, run)


def tell(lake: Lake, settings: Settings, step: Step, run: Run) -> None:
    """Tell the observers; one that fails says so on standard error."""
    try:
        for observer in observers_of(settings):
            observer.take(lake, step, run)
    except Exception as error:  # a log that cannot be written is no reason to lose a night
        text = f"figlake: the {run.step} of {run.archive} could not be told: {type(error).__name__}: {error}\n"
        say(hide(text, settings.storage))
