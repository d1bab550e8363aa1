"""One engine group in a process of its own: ``python -m pipeline.worker`` reads a job, writes events.

A JVM and a Ray object store never share the memory: the runner starts one such process per group of
neighbouring steps and waits for its end. The job comes as JSON on standard input, events leave as
JSON lines on the descriptor that standard output had; whatever an engine prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from typing import IO, Any

from pipeline import observe
from pipeline.config import Settings, settings_from_json
from pipeline.ending import leave
from pipeline.errors import FiglakeError, storage_refusal
from pipeline.flow import BY_NAME, Step
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.runner import StepReport, archives_for, execute, plan, skipped

Emit = Callable[[dict[str, Any]], None]

#: A progress event at most this often, in seconds.
_EVENT_INTERVAL_S = 0.2


@contextmanager
def engine_session(name: str, settings: Settings) -> Iterator[Any]:
    """The engine that a step asks for, started for the block and ended with it."""
    if name == "spark":
        from pipeline.engines.spark import session

        with session(settings) as spark:
            yield spark
    elif name == "ray":
        from pipeline.engines.ray import session as ray_session

        with ray_session(settings):
            yield None
    else:
        yield None


def run_group(
    lake: Lake,
    settings: Settings,
    steps: list[str],
    archives: list[str],
    emit: Emit,
    replay: Mapping[str, Any] | None = None,
    broken: Iterable[str] = (),
    again: bool = False,
    alone: bool = False,
) -> None:
    """Run neighbouring steps of one engine over the archives, each planned just before it runs.

    An archive whose step fails takes no further steps, nor do those in ``broken``. ``replay`` (items,
    source) runs a step that stands once more for these items only; ``again`` runs it whole. ``alone``: see
    ``archives_for``.
    """
    failed = set(broken)
    group = [BY_NAME[name] for name in steps]
    with ExitStack() as stack:
        engine = stack.enter_context(engine_session(group[0].engine, settings))
        for step in group:
            names = archives_for(lake, step, archives, failed, alone)
            up_to_date = {} if again or replay else _up_to_date(lake, settings, step, names)
            for archive in names:
                if archive in up_to_date:
                    emit({"event": "report", **asdict(up_to_date[archive])})
                    continue
                if failed and step.engine == "spark" and not _answers(engine):  # what the last archive left behind
                    stack.close()
                    try:
                        engine = stack.enter_context(engine_session(step.engine, settings))
                    except Exception as error:
                        failed.add(archive)
                        report = StepReport(step.name, archive, "failed", error=f"Spark did not start again: {error}")
                        emit({"event": "report", **asdict(report)})
                        continue
                report = _run_one(lake, settings, step.name, archive, engine, emit, replay, again)
                if report.state == "failed":
                    failed.add(archive)
                emit({"event": "report", **asdict(report)})


def _up_to_date(lake: Lake, settings: Settings, step: Step, archives: list[str]) -> dict[str, StepReport]:
    """Reports of what has nothing to do. One look for all: a lake has thousands of archives, each reads the ledger."""
    lake = lake.snapshot()
    ledger, found = Ledger.read(lake), {}
    for archive in archives:
        with suppress(FiglakeError):  # it is told when the archive's turn comes
            task = plan(lake, settings, step, archive, ledger)
            if task.done:
                found[archive] = skipped(lake, settings, task, ledger)
    return found


def _answers(spark: Any) -> bool:
    from pipeline.engines.spark import is_alive

    return is_alive(spark)


def _run_one(
    lake: Lake,
    settings: Settings,
    name: str,
    archive: str,
    engine: Any,
    emit: Emit,
    replay: Mapping[str, Any] | None,
    again: bool,
) -> StepReport:
    last = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVENT_INTERVAL_S or done == total:
            last = time.monotonic()
            emit({"event": "progress", "step": name, "archive": archive, "done": done, "total": total})

    emit({"event": "start", "step": name, "archive": archive})
    try:
        task = plan(lake, settings, BY_NAME[name], archive)
    except FiglakeError as error:
        return StepReport(name, archive, "failed", error=str(error))
    if replay is not None and not task.done:
        return StepReport(name, archive, "failed", error=f"{name} is not up to date; `figlake run` first, then replay")
    if replay is not None:
        return execute(lake, settings, task, engine, progress, frozenset(replay["only"]), replay["source"])
    if task.done and not again:
        return skipped(lake, settings, task)
    return execute(lake, settings, task, engine, progress)


def main() -> int:
    """Read the job from standard input and run it."""
    events: IO[str] = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # engines print as they like; the event stream stays clean
    job = json.loads(sys.stdin.read())
    lake = Lake.at(job["lake"], job["settings"]["storage"])

    def emit(event: dict[str, Any]) -> None:
        events.write(json.dumps(event, default=str) + "\n")

    observe.say = lambda line: emit({"event": "line", "text": line})
    try:
        settings = settings_from_json(job["settings"])
        run_group(
            lake, settings, job["steps"], job["archives"], emit,
            job["replay"], job["broken"], job["again"], job["alone"],
        )  # fmt: skip
    except FiglakeError as error:
        emit({"event": "error", "message": str(error), "exit_code": error.exit_code})
        return error.exit_code
    except Exception as error:
        if (refusal := storage_refusal(error)) is None:
            raise
        emit({"event": "error", "message": refusal, "exit_code": 1})
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
