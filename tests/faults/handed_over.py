"""Steps without engines: each hands over the rows of a lake that was made before, as its workers would have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from pipeline.context import StepContext
from pipeline.errors import Reject
from pipeline.flow import Step
from pipeline.lake import Lake
from pipeline.parts import Outcome, PartWriter


def handed_over(
    source: Lake, writes: tuple[str, ...], rejects: Sequence[Reject] = ()
) -> Callable[[StepContext], Outcome]:
    """Workers' parts: the archive's rows of each table that the step writes, in files of their own, and its rejects.

    Of an archive whose vectors are not there yet there are no shards: `encode` runs over all archives of a lake.
    """

    def run(context: StepContext) -> Outcome:
        parts = []
        if "shards" in writes and not context.lake.files("figure_vectors", context.archive):
            return Outcome(rows_in=0)
        for table in writes:
            with PartWriter(context.lake.storage, table, {"archive": context.archive}) as writer:
                rows = source.read(table, archive=context.archive).to_pylist()
                writer.write_rows([{name: row[name] for name in writer.schema.names} for row in rows])
            parts += writer.parts
        return Outcome(parts=parts, rejects=list(rejects), rows_in=1 + 99 * len(rejects))

    return run


def hand_over(source: str) -> None:
    """From now on this process starts no engine, and every step but publish hands over the rows of ``source``."""
    import pipeline.engines.ray
    import pipeline.engines.spark
    import pipeline.runner

    for engine in (pipeline.engines.ray, pipeline.engines.spark):
        engine.session = lambda settings: nullcontext()  # type: ignore[attr-defined]
    pipeline.runner.resources = lambda *_: {}  # type: ignore[attr-defined]
    load = Step.load

    def ready(step: Step) -> Any:
        if step.name == "publish":
            return load(step)
        state = load(step).state if step.name == "codebook" else None
        return SimpleNamespace(run=handed_over(Lake.at(source), step.writes), state=state)

    Step.load = ready  # type: ignore[method-assign, assignment]
