"""What is pending, in which order; one step run and committed.

A step of an archive is *standing* when all tables it writes carry the same generation; it is *done*
when the ledger says that this generation had today's fingerprint. Everything else is pending.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pipeline import registry
from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.engines.resources import resources
from pipeline.errors import FiglakeError, SupersededError, UsageError, storage_refusal
from pipeline.flow import LAKE_SCOPE, STEPS, Step, covers_lake
from pipeline.lake import Lake, next_generation
from pipeline.ledger import Ledger, Run
from pipeline.merge import merge
from pipeline.observe import tell, write_down
from pipeline.observe.floor import Floor
from pipeline.observe.secrecy import hide
from pipeline.parts import Outcome
from pipeline.rejects import write_rejects

#: An error in a report or the ledger is one line of at most this length.
_ERROR_CHARACTERS = 400

#: Tables that no step of the pipeline writes: what commits to them.
_BESIDE = {"tombstones": "withdraw", "compacted": "compact"}

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Task:
    """One step of one archive (or of the lake), and whether it has to run."""

    step: Step
    archive: str
    fingerprint: str
    standing: int | None
    done: bool
    pins: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StepReport:
    """What a run of one task came to."""

    step: str
    archive: str
    state: str  # done, skipped, failed
    rows_in: int = 0
    rows_out: Mapping[str, int] = field(default_factory=dict)
    rejects: int = 0
    seconds: float = 0.0
    over_limit: bool = False
    error: str = ""


def plan(lake: Lake, settings: Settings, step: Step, archive: str, ledger: Ledger | None = None) -> Task:
    """Fix the snapshot that the step would read, fingerprint it, and compare with what stands.

    Raises UsageError when an archive-scoped step names an archive that the lake does not know.
    """
    ledger = ledger or Ledger.read(lake)
    versions = {table: lake.version(table) for table in step.reads}
    pins = {table: version for table, version in versions.items() if version is not None}
    fingerprint = _fingerprint(lake.pinned(pins), settings, step, archive, ledger)
    standing = standing_generation(lake, step, archive, ledger)
    done = standing is not None and ledger.fingerprint(step.name, archive, standing) == fingerprint
    return Task(step, archive, fingerprint, standing, done, pins)


def standing_generation(lake: Lake, step: Step, archive: str, ledger: Ledger) -> int | None:
    """The generation that all of a step's tables carry; None when they differ or there is none.

    A step that writes no table (publish) stands by its last completed row in the ledger.
    """
    if not step.writes:
        run = ledger.latest(step.name, archive, "done")
        return run.generation if run else None
    found = {lake.generation(table, step.name, archive) for table in (*step.writes, "rejects")}
    return found.pop() if len(found) == 1 else None


def execute(
    lake: Lake,
    settings: Settings,
    task: Task,
    engine: Any,
    progress: Progress,
    only: frozenset[str] = frozenset(),
    source: str | None = None,
) -> StepReport:
    """Run a pending task and commit what it wrote; exceptions become a failed report and ledger row.

    Raises FiglakeError where the ledger cannot take that row.

    ``only`` and ``source`` serve a replay: these items again, perhaps from another file, added to
    the rows that stand.
    """
    step, archive = task.step, task.archive
    tables = (*step.writes, "rejects")
    standing = [lake.generation(table, step.name, archive) for table in tables]
    generation = next_generation([*standing, *_ledger_generations(lake, step, archive)])
    known = registry.known_one(lake, archive) if step.scope == "archive" else None
    run = Run(
        archive, step.name, generation, task.fingerprint, "started", archive_sha256=known.sha256 if known else None,
        detail=_resources(step, engine),
    )  # fmt: skip
    write_down(lake, settings, step, run)
    started = time.monotonic()
    least = float(settings.observe.floor.get(step.name, "0"))
    floor = Floor(progress, step.name, least, settings.observe.floor_after_s)
    context = StepContext(
        lake=lake.pinned(task.pins),
        settings=settings,
        archive=archive,
        generation=generation,
        source=source or (known.uri if known else None),
        progress=floor,
        engine=engine,
        only=only,
    )
    try:
        outcome: Outcome = step.load().run(context)
        replaying = bool(only)
        reject_parts = write_rejects(
            lake, archive, step.name, outcome.rejects, datetime.now(UTC), keep_others=replaying, replayed=only
        )
        for table in step.writes:
            parts, gone = [part for part in outcome.parts if part.table == table], None
            if replaying:
                parts, gone = merge(lake, table, archive, parts, settings)
            lake.commit(table, step.name, archive, generation, parts, instead_of=gone)
        lake.commit("rejects", step.name, archive, generation, reject_parts)
    except KeyboardInterrupt:
        if floor.error is None:
            tell(lake, settings, step, replace(run, state="aborted", seconds=time.monotonic() - started))
            raise
        return _failed(lake, settings, step, run, floor.error, time.monotonic() - started)
    except Exception as error:  # one bad archive never stops the others
        return _failed(lake, settings, step, run, error, time.monotonic() - started)
    seconds = time.monotonic() - started
    rows_out = outcome.rows_out(step.writes)
    write_down(
        lake,
        settings,
        step,
        Run(
            archive,
            step.name,
            generation,
            task.fingerprint,
            "done",
            run.archive_sha256,
            outcome.rows_in,
            rows_out,
            len(outcome.rejects),
            seconds,
            outcome.peak_memory_mb,
            {
                **outcome.metrics,
                **_resources(step, engine),
                **({"replayed": len(only)} if only else {}),
            },
        ),
    )
    rejected = len(outcome.rejects) / max(outcome.rows_in, len(outcome.rejects), 1)
    return StepReport(
        step.name,
        archive,
        "done",
        outcome.rows_in,
        rows_out,
        len(outcome.rejects),
        seconds,
        # A replay is made of rejects; what share of them fails again says nothing about the archive.
        over_limit=not only and rejected > settings.lake.rejects_limit,
    )


def skipped(lake: Lake, settings: Settings, task: Task, ledger: Ledger | None = None) -> StepReport:
    """The report of a task that is up to date. More rejects than the limit stay more until somebody deals with them:
    by a replay, by raising the limit, or by forgetting them."""
    step, archive = task.step, task.archive
    done = (ledger or Ledger.read(lake)).done(step.name, archive, task.fingerprint)
    rejected = 0
    if not done or any(run.rejects for run in done):
        files = lake.files("rejects", archive)
        rejected = sum(file.rows for file in files if file.partition["step"] == step.name)
    whole = max([run.rows_in or 0 for run in done], default=0)  # of a replay only what it took
    if not done and rejected:  # killed after its last commit and before it could say so
        table = step.reads[0] if step.reads else step.writes[0]
        whole = sum(file.rows for file in lake.files(table, archive)) + (0 if step.reads else rejected)
    over = rejected / max(whole, rejected, 1) > settings.lake.rejects_limit
    return StepReport(step.name, archive, "skipped", rejects=rejected, over_limit=over)


def archives_for(
    lake: Lake, step: Step, archives: Sequence[str], broken: Iterable[str] = (), alone: bool = False
) -> list[str]:
    """The archives that a step runs over: those asked for, or the lake as a whole.

    A step that ``covers_lake`` takes every archive of the lake along, unless those asked for are to stay ``alone``.
    """
    if step.scope == "lake":
        return [name for name in (LAKE_SCOPE,) if name not in set(broken)]
    names = list(archives)
    if covers_lake(step) and not alone:
        names += [name for name in registry.known(lake) if name not in names]
    return [name for name in names if name not in set(broken)]


def _fingerprint(lake: Lake, settings: Settings, step: Step, archive: str, ledger: Ledger) -> str:
    """Digest of content hashes, generations read, the step's own settings, and its version.

    A lake-wide table counts as a whole: each archive's generation of the step that writes it.
    """
    inputs: dict[str, Any] = {"step": step.name, "version": step.version}
    inputs["settings"] = {section: settings.meaning(section) for section in step.settings}
    if step.scope == "archive" and not step.reads:
        archive_known = registry.known_one(lake, archive)
        if archive_known is None:
            names = ", ".join(registry.known(lake)) or "none"
            raise UsageError(f"the lake knows no archive {archive!r} (known: {names}); name its file with --archives")
        inputs["archive"] = archive_known.sha256
    if step.name == "codebook":
        # Codebooks are frozen: which is in force depends on the size class and models of the vectors only.
        inputs["reads"] = step.load().state(lake, settings)
    else:
        inputs["reads"] = {table: _generations(lake, table, step, archive) for table in step.reads}
    text = json.dumps(inputs, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _generations(lake: Lake, table: str, reader: Step, archive: str) -> Any:
    writer = next((step for step in STEPS if table in step.writes), None)
    if writer is None:
        return lake.generation(table, _BESIDE[table], LAKE_SCOPE)
    if writer.scope == "lake":
        # By content: a codebook step that finds its codebooks still fitting must not make every shard stale.
        names = lake.once(("names", table), lambda: lake.read(table, ["codebook"])["codebook"].to_pylist())
        return sorted(names)
    if reader.scope == "archive":
        return lake.generation(table, writer.name, archive)
    found = {name: lake.generation(table, writer.name, name) for name in registry.known(lake)}
    if table == "documents":  # rows that were purged are to leave what is published, too
        purged = {f"{name} purged": lake.generation(table, "withdraw", name) for name in found}
        found |= {name: generation for name, generation in purged.items() if generation is not None}
    return found


def _resources(step: Step, engine: Any) -> dict[str, Any]:
    """What the engine has; nothing where it has died and cannot say, which is for the step to find out."""
    try:
        return {"resources": resources(step.engine, engine)}
    except Exception:
        return {}


def _ledger_generations(lake: Lake, step: Step, archive: str) -> list[int]:
    """Generations that only the ledger knows: of a step without tables."""
    if step.writes:
        return []
    return [run.generation for run in Ledger.read(lake).runs if (run.step, run.archive) == (step.name, archive)]


def _in_one_line(error: Exception) -> str:
    """What went wrong at the bottom of an engine's chain of wrapped exceptions; the log has the rest."""
    lines = [line.strip() for line in str(getattr(error, "cause", None) or error).splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Interrupt)\b", line)]
    line = next((line for line in named if "UserCodeException" not in line), (named or lines or [""])[0])
    kind = type(error).__name__
    return (line if line.split(":")[0].endswith(("Error", "Exception")) else f"{kind}: {line}")[:_ERROR_CHARACTERS]


def _failed(lake: Lake, settings: Settings, step: Step, run: Run, error: Exception, seconds: float) -> StepReport:
    """The report of a failed step, written down. Raises FiglakeError, which tells of both, where that fails, too."""
    text = _told(error, settings)
    if not isinstance(error, FiglakeError):
        import traceback

        traceback.print_exception(error)
    ended = replace(run, state="failed", seconds=seconds, detail={**run.detail, "error": text})
    if isinstance(error, SupersededError):  # another run has done it
        tell(lake, settings, step, replace(ended, state="aborted"))
    else:
        try:
            write_down(lake, settings, step, ended)
        except Exception as second:  # a full disk is the ledger's, too
            both = f"{run.step} of {run.archive}: {text}; the ledger could not take it down: {_told(second, settings)}"
            raise FiglakeError(storage_refusal(error) or both) from error
    return StepReport(run.step, run.archive, "failed", seconds=seconds, error=text)


def _told(error: Exception, settings: Settings) -> str:
    """What reports, the ledger and everyone who is told of the run may read."""
    return hide(str(error) if isinstance(error, FiglakeError) else _in_one_line(error), settings.storage)
