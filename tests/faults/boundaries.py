"""A night whose driver is killed at the n-th commit boundary, in a process of its own.

Engines take no part: each step's ``run`` hands over the rows of a lake that was made before, as its workers would have.
Planning, commits, ledger and the whole publishing are the product's own. A boundary lies before and after each write
that others can see: a Delta commit, a manifest, CURRENT.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import duckdb  # noqa: F401 - what the night imports on its way is here once for all nights
import faiss  # noqa: F401
import tantivy  # noqa: F401

from pipeline.context import StepContext
from pipeline.errors import Reason, Reject
from pipeline.flow import STEPS
from pipeline.lake import Lake
from pipeline.parts import Outcome
from pipeline.publishing import lock, pointer
from pipeline.publishing import step as publishing
from pipeline.runner import archives_for, execute, plan
from pipeline.storage import Storage
from tests.faults.handed_over import handed_over
from tests.faults.nights import SETTINGS

#: What `extract` rejects of each archive.
REJECT = Reject("EP9A1.zip", Reason.XML_MALFORMED, "no element found")
for _step in STEPS:
    _step.load()


def night(root: str, source: str, archives: Sequence[str], last: str, kill_at: int) -> None:
    """Bring the lake at ``root`` up to what ``source`` holds of some archives, and up to the step ``last``.

    SIGKILL at boundary ``kill_at``, from 1 on (0: none). Ends with exit code 0 when all is up to date, by signal 9 when
    it was killed; raises when a step fails.
    """
    lake, passed = Lake.at(root), 0

    def boundary() -> None:
        nonlocal passed
        passed += 1
        if passed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            boundary()
            result = function(*arguments, **named)
            boundary()
            return result

        return call

    def write_bytes(storage: Storage, data: bytes, *parts: str) -> None:
        wanted = guarded(written) if parts[-1] == "manifest.json" else written
        wanted(storage, data, *parts)

    written = Storage.write_bytes
    with (
        patch.object(Lake, "_try_commit", guarded(Lake._try_commit)),
        patch.object(Storage, "write_bytes", write_bytes),
        patch.object(pointer, "replace_pointer", guarded(lock.replace_pointer)),
        patch("pipeline.runner.resources", lambda *_: {}),
    ):
        for step in STEPS[: 1 + [step.name for step in STEPS].index(last)]:
            for archive in archives_for(lake, step, archives):
                task = plan(lake, SETTINGS, step, archive)
                if task.done:
                    continue
                rejects = [REJECT] if step.name == STEPS[0].name else []
                ready = handed_over(Lake.at(source), step.writes, rejects)
                run = publishing.run if step.name == "publish" else ready
                loaded = replace(task, step=_Loaded(step, run))
                report = execute(lake, SETTINGS, loaded, None, lambda done, total: None)  # type: ignore[arg-type]
                if report.state != "done":
                    raise RuntimeError(f"{step.name} of {archive}: {report.error}")


class _Loaded:
    """A step with another ``run``; everything else is the step's."""

    def __init__(self, step: Any, run: Callable[[StepContext], Outcome]) -> None:
        self._step, self.run = step, run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def load(self) -> Any:
        return self
