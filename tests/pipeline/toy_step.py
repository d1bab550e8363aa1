"""A step small enough to reason about: writes as many facets as the setting publish.queries says."""

from __future__ import annotations

import os

from pipeline.context import StepContext
from pipeline.errors import Reason, Reject
from pipeline.parts import Outcome, PartWriter

#: How often the step ran in this process.
RUNS: list[str] = []


def row(figure_id: str, doc_id: str = "EP1A1") -> dict[str, object]:
    return {
        "figure_id": figure_id,
        "doc_id": doc_id,
        "figure_type": "graph",
        "type_probability": 1.0,
        "perspective": "unknown",
        "perspective_probability": 0.0,
        "source": "none",
        "model": "toy",
    }


def run(ctx: StepContext) -> Outcome:
    RUNS.append(ctx.archive)
    if os.environ.get("TOY_STEP_FAILS"):
        raise RuntimeError("the toy broke")
    with PartWriter(ctx.lake.storage, "facets", {"archive": ctx.archive}) as writer:
        writer.write_rows([row(f"f{i}") for i in range(ctx.settings.publish.queries)])
    rejects = [Reject("bad", Reason.IMAGE_UNREADABLE, "not an image")] if ctx.settings.publish.keep == 1 else []
    return Outcome(parts=writer.parts, rejects=rejects, rows_in=ctx.settings.publish.queries)
