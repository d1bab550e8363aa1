"""Which archives have work to do: what an orchestrator asks before it hands out steps."""

from __future__ import annotations

import time
from collections import Counter
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

#: A file that has not changed for so long is whole; one that changed since is looked at twice, so far apart.
_SETTLED_S, _PAUSE_S = 60.0, 5.0


def deliveries(uris: Iterable[str], options: Mapping[str, str]) -> list[ArchiveSource]:
    """The archives that lie at these places now; a folder that is still empty holds none, and in an object store such
    a one is not there. Of a name that lies at several places the first counts: night and backfill may both fetch it.
    Two of one place that share a name are both there: who takes one in has to refuse them.

    Raises UsageError for a local place that is not there.
    """
    found: list[ArchiveSource] = []
    for uri in uris:
        before = {source.name for source in found}
        if not _is_empty_folder(uri, options):
            found += [source for source in discover([uri], options) if source.name not in before]
    return found


def new_deliveries(lake: Lake, delivered: Iterable[ArchiveSource]) -> list[str]:
    """Names of the deliveries that a wait is for: of the rest, what the lake knows under that name with other content,
    and two of one name, somebody has to say what is to become of them."""
    delivered = list(delivered)
    known, often = registry.known(lake), Counter(source.name for source in delivered)
    return [name for name in changed_deliveries(lake, delivered) if name not in known and often[name] == 1]


def changed_deliveries(lake: Lake, delivered: Iterable[ArchiveSource]) -> list[str]:
    """Names of the deliveries that the lake does not know yet, or knows with other content.

    A local one that is still being copied is left out: it is looked at twice if it has changed within the last minute.
    """
    # A delivery taken in under another name is known by its place; one that has changed since is not.
    taken = {(archive.uri, archive.stamp) for archive in registry.known(lake).values()}
    stamps = [(source, registry.stamp_of(source)) for source in delivered]
    new = [(source, stamp) for source, stamp in stamps if (source.uri, stamp) not in taken]
    fresh = [(source, stamp) for source, stamp in new if registry.age_s(source) < _SETTLED_S]
    if fresh:
        time.sleep(_PAUSE_S)
    growing = {source.uri for source, stamp in fresh if registry.stamp_of(source) != stamp}
    return sorted({source.name for source, _ in new if source.uri not in growing})


def pending_archives(
    lake: Lake, settings: Settings, delivered: Iterable[ArchiveSource], steps: tuple[Step, ...]
) -> list[str]:
    """Names of the archives for which one of ``steps`` is pending and every earlier step is done.

    New deliveries (see ``changed_deliveries``) are pending for the first step, and come first. Lake-wide steps do not
    count.
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
    new = [] if earlier else changed_deliveries(lake, delivered)
    return [*new, *sorted(pending.difference(new))]


def _is_empty_folder(uri: str, options: Mapping[str, str]) -> bool:
    storage = Storage.at(uri, options)
    found = storage.filesystem().get_file_info(storage.path()).type
    if found == pafs.FileType.NotFound:
        return not storage.is_local
    return found == pafs.FileType.Directory and is_empty(storage)
