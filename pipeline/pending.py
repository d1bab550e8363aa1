"""Which archives have work to do: what an orchestrator asks before it hands out steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow.fs as pafs

from pipeline import registry
from pipeline.archives import ArchiveSource, discover
from pipeline.archives.sources import is_empty
from pipeline.config import Settings
from pipeline.flow import STEPS, Step
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.runner import plan
from pipeline.storage import Storage


def deliveries(uris: Iterable[str], options: Mapping[str, str]) -> list[ArchiveSource]:
    """The archives that lie at these places now; a folder that is still empty holds none, and in an object store such
    a one is not there. Of a name that lies at several places the first counts: night and backfill may both fetch it.

    Raises UsageError for a local place that is not there, and where two deliveries of one place share a name.
    """
    found: dict[str, ArchiveSource] = {}
    for uri in uris:
        if not _is_empty_folder(uri, options):
            for source in registry.refuse_twins(discover([uri], options)):
                found.setdefault(source.name, source)
    return list(found.values())


def pending_archives(
    lake: Lake, settings: Settings, delivered: Iterable[ArchiveSource], steps: tuple[Step, ...]
) -> list[str]:
    """Names of the archives for which one of ``steps`` is pending and every earlier step is done.

    A delivery that the lake does not know yet, or knows with other content, is pending for the first step.
    Lake-wide steps do not count.
    """
    lake = lake.snapshot()
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
        pending |= {source.name for source in delivered if (source.uri, registry.stamp_of(source)) not in taken}
    return sorted(pending)


def _is_empty_folder(uri: str, options: Mapping[str, str]) -> bool:
    storage = Storage.at(uri, options)
    found = storage.filesystem().get_file_info(storage.path()).type
    if found == pafs.FileType.NotFound:
        return not storage.is_local
    return found == pafs.FileType.Directory and is_empty(storage)
