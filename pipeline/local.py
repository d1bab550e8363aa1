"""The local runner: step by step over all pending archives, each engine group in its own process."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from pipeline import room
from pipeline.config import Settings, settings_to_json
from pipeline.errors import FiglakeError
from pipeline.flow import BY_NAME, Step, engine_groups
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.observe import run_id, say, write_down
from pipeline.observe.secrecy import hide
from pipeline.runner import StepReport, archives_for, plan, skipped

Emit = Callable[[dict[str, Any]], None]

_PR_SET_PDEATHSIG = 1
#: Lines of a failed engine's log that an error shows.
_LOG_TAIL = 15
#: Age in seconds at which an empty log counts as left behind; a younger one may be about to be locked.
_JUST_MADE_S = 60


@dataclass
class RunSummary:
    """Reports of one run, in order; ``started`` names the engines that had to start."""

    reports: list[StepReport] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 done, 1 something failed, 3 done with rejects over the limit."""
        if any(report.state == "failed" for report in self.reports):
            return 1
        return 3 if any(report.over_limit for report in self.reports) else 0


def run_all(
    lake: Lake,
    settings: Settings,
    archives: Sequence[str],
    steps: tuple[Step, ...],
    emit: Emit,
    *,
    again: bool = False,
    alone: bool = False,
) -> RunSummary:
    """Bring the archives up to date; returns a report per step and archive.

    An engine is started only for a group in which something is pending, or ``again`` asks for what is up to date.
    ``alone``: no step takes other archives along (see ``archives_for``).
    Raises FiglakeError when a group cannot start at all.
    """
    run_id()  # before the first process that shares it
    summary = RunSummary()
    broken: set[str] = set()
    for group in engine_groups(steps):
        skipped = None if again else _all_done(lake, settings, group, archives, broken, alone)
        if skipped is not None:
            for report in skipped:
                summary.reports.append(report)
                emit({"event": "report", **vars(report)})
            continue
        summary.started.append(group[0].engine)
        reports = _run_group(lake, settings, group, archives, emit, broken=broken, again=again, alone=alone)
        summary.reports += reports
        broken |= {report.archive for report in reports if report.state == "failed"}
    return summary


def run_replay(
    lake: Lake, settings: Settings, step: Step, archive: str, items: list[str], source: str | None, emit: Emit
) -> RunSummary:
    """Run one step again for these items of an archive only, and merge what passes."""
    reports = _run_group(lake, settings, (step,), [archive], emit, {"only": items, "source": source}, alone=True)
    return RunSummary(reports, [step.engine])


def _all_done(
    lake: Lake, settings: Settings, group: tuple[Step, ...], archives: Sequence[str], broken: set[str], alone: bool
) -> list[StepReport] | None:
    """A skipped report per task when nothing in the group is pending; None when something is."""
    lake = lake.snapshot()
    reports, ledger = [], Ledger.read(lake)
    for step in group:
        for archive in archives_for(lake, step, archives, broken, alone):
            task = plan(lake, settings, step, archive, ledger)
            if not task.done:
                return None
            reports.append(skipped(lake, settings, task, ledger))
    return reports


def _run_group(
    lake: Lake,
    settings: Settings,
    group: tuple[Step, ...],
    archives: Sequence[str],
    emit: Emit,
    replay: dict[str, Any] | None = None,
    broken: Iterable[str] = (),
    again: bool = False,
    alone: bool = False,
) -> list[StepReport]:
    job = {
        "lake": lake.storage.root,
        "settings": settings_to_json(settings),
        "archives": list(archives),
        "broken": sorted(broken),
        "steps": [step.name for step in group],
        "replay": replay,
        "again": again,
        "alone": alone,
    }
    reports: list[StepReport] = []
    at_work: tuple[str, str] | None = None
    room.check()
    with _new_log(group[0].name) as log:
        try:
            for event in _events(job, log, f"the {group[0].engine} process of {group[0].name}"):
                if event["event"] == "start":
                    at_work = event["step"], event["archive"]
                if event["event"] == "report":
                    at_work = None
                    if event["state"] == "failed":
                        event["error"] += _hints(log)
                    reports.append(StepReport(**{k: v for k, v in event.items() if k != "event"}))
                emit(event)
        except FiglakeError as error:
            if at_work is not None:
                _write_down_death(lake, settings, *at_work, error)
            raise
        if not any(report.state == "failed" for report in reports):
            Path(log.name).unlink(missing_ok=True)
    return reports


def _write_down_death(lake: Lake, settings: Settings, step: str, archive: str, error: FiglakeError) -> None:
    """What an engine's process that died could not write itself: that the run it had begun has failed."""
    with suppress(Exception):  # where the ledger takes nothing, that may be why it died
        begun = Ledger.read(lake).latest(step, archive)
        if begun is not None and begun.state == "started":
            text = hide(str(error).splitlines()[0], settings.storage)
            seconds = (datetime.now(UTC) - begun.at).total_seconds() if begun.at else None
            died = replace(begun, at=None, state="failed", seconds=seconds, detail={**begun.detail, "error": text})
            write_down(lake, settings, BY_NAME[step], died)


@contextmanager
def _new_log(step: str) -> Iterator[IO[str]]:
    """A log that nobody else can read, under a name that nobody can have put a link in place of. Gone if it is empty.

    Locked as long as it is open, here or in the engine's processes: what a killed run leaves behind is not.
    """
    _remove_abandoned_logs()
    prefix = f"figlake-{os.getpid()}-{step}-"
    with tempfile.NamedTemporaryFile("w", prefix=prefix, suffix=".log", delete=False, encoding="utf-8") as log:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(log, fcntl.LOCK_SH)
        try:
            yield log
        finally:
            if not _named(log):
                Path(log.name).unlink(missing_ok=True)


def _remove_abandoned_logs() -> None:
    """Remove the empty logs that no process has open any more; those that say something stay."""
    for path in Path(tempfile.gettempdir()).glob("figlake-*.log"):
        with suppress(OSError):  # locked, gone, or somebody else's
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) and not found.st_size and time.time() - found.st_mtime > _JUST_MADE_S:
                with path.open("rb") as log:
                    fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()


def _hints(log: IO[str]) -> str:
    """What an error adds: that the temporary folder is full, if it is, and where the log is."""
    return room.note() + _named(log)


def _named(log: IO[str]) -> str:
    """How an error points to the log; empty while the log is."""
    return f"  (log: {log.name})" if os.fstat(log.fileno()).st_size else ""


def _events(job: dict[str, Any], log: IO[str], name: str) -> Iterator[dict[str, Any]]:
    """Start an engine process on a job and yield its events until it ends; end it if the caller stops.

    Raises FiglakeError with the process's own message, or with how it died and the end of its log.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="utf-8",
        preexec_fn=_die_with_parent,
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101 - both are pipes
    try:
        with room.watched(lambda: _end(process)) as watch:
            process.stdin.write(json.dumps(job, default=dict))
            process.stdin.close()
            last = None
            for line in process.stdout:
                if line != last:  # of a step that stands still the same count is told over and over
                    watch.moved()
                last, event = line, json.loads(line)
                if event["event"] == "error":
                    raise FiglakeError(event["message"] + _hints(log))
                if event["event"] == "line":
                    say(event["text"])
                else:
                    yield event
            code = process.wait()
        if watch.error is not None:
            raise watch.error
    except BaseException:
        _end(process)
        raise
    if code:
        tail = "".join(Path(log.name).read_text(encoding="utf-8", errors="replace").splitlines(True)[-_LOG_TAIL:])
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise FiglakeError(f"{name} ended with {how}{_hints(log)}\n{tail}".rstrip())


def _die_with_parent() -> None:
    """Linux: the engine process gets SIGTERM when the runner dies, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(process: subprocess.Popen[str]) -> None:
    """Ask the engine process to end, wait, and insist."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
