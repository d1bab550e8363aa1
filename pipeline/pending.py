"""Which archives have work to do: what an orchestrator asks before it hands out steps."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline import registry
from pipeline.archives import ArchiveSource
from pipeline.config import Settings
from pipeline.flow import STEPS, Step
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.runner import plan


def pending_archives(
    lake: Lake, settings: Settings, delivered: Iterable[ArchiveSource], steps: tuple[Step, ...]
) -> list[str]:
    """Names of the archives for which one of ``steps`` is pending and every earlier step is done.

    A delivery that the lake does not know yet, or knows with other content, is pending for the first step.
    Lake-wide steps do not count.
    """
    ledger, known = Ledger.read(lake), registry.known(lake)
    wanted = [step for step in steps if step.scope == "archive"]
    earlier = [step for step in STEPS[: STEPS.index(steps[0])] if step.scope == "archive"]

    def done(step: Step, archive: str) -> bool:
        return plan(lake, settings, step, archive, ledger).done

    pending = {
        name
        for name in known
        if all(done(step, name) for step in earlier) and not all(done(step, name) for step in wanted)
    }
    if not earlier:
        # A delivery taken in under another name is known by its place; one that has changed since is not.
        taken = {(archive.uri, archive.stamp) for archive in known.values()}
        pending |= {source.name for source in delivered if (source.uri, registry._stamp(source)) not in taken}
    return sorted(pending)
