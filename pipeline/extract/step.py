"""The extract on Spark: one task reads one shard of the archive and writes its parts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pyarrow as pa

from pipeline.archives import INSIDE, ArchiveSource, Shard, list_archive, open_packages
from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.engines import spark
from pipeline.errors import Reject
from pipeline.extract.documents import extract_package
from pipeline.extract.duplicates import drop_duplicates, duplicate, task_note
from pipeline.extract.rows import DocumentWriter
from pipeline.parts import Outcome, result_batch
from pipeline.storage import Storage

#: A task costs Spark about as much as three documents do; fewer packages than this are not worth one.
_LEAST_PACKAGES, _TASKS_PER_CORE = 8, 3


def run(ctx: StepContext) -> Outcome:
    """Extract ``ctx.source`` into documents, passages and sheets; ``ctx.only`` restricts it to those items.

    The driver lists the archive; tasks open their members by byte range and hold one package at a time.
    Raises FiglakeError when there is no such archive.
    """
    settings, archive, storage = ctx.settings, ctx.archive, ctx.lake.storage
    listing = list_archive(ArchiveSource(archive, ctx.source or "", settings.storage), settings.limits,
                           settings.extract)  # fmt: skip
    shards, rejects, standing = listing.shards, listing.rejects, dict[str, str]()
    only: frozenset[str] = frozenset()
    if ctx.only and archive not in ctx.only:
        known = dict(zip(*ctx.lake.read("documents", ["doc_id", "member"], archive).to_pydict().values(), strict=True))
        only = ctx.only | {member for doc_id, member in known.items() if _names(doc_id, ctx.only)}
        standing = {doc_id: member for doc_id, member in known.items() if not _names(member, only)}
        shards = [s for shard in shards if (s := _restricted(shard, only)).members]
        rejects = [reject for reject in rejects if _names(reject.item, only)]
    delivered = listing.delivery_date

    def work(item: str) -> pa.RecordBatch:
        return extract_shard(item, storage, archive, settings, delivered, only)

    shards = spread(shards, ctx.engine.sparkContext.defaultParallelism)
    items = [json.dumps([place, shard.to_json()]) for place, shard in enumerate(shards)]
    outcome = spark.run_items(ctx.engine, items, work, ctx.progress)
    outcome.rejects = rejects + outcome.rejects
    drop_duplicates(outcome, storage, settings.lake, standing)
    outcome.notes = []
    return outcome


def spread(shards: list[Shard], cores: int) -> list[Shard]:
    """Cut shards further where an archive has too few of them to keep every core busy to the end."""
    most = max(_LEAST_PACKAGES, -(-sum(len(shard.members) for shard in shards) // (_TASKS_PER_CORE * cores)))
    return [
        replace(shard, members=shard.members[start : start + most])
        for shard in shards
        for start in range(0, len(shard.members), most)
    ]


def extract_shard(
    item: str, storage: Storage, archive: str, settings: Settings, delivered: date | None, only: frozenset[str]
) -> pa.RecordBatch:
    """Extract one shard, given as JSON (place in the archive, shard), and return its result rows."""
    place, text = json.loads(item)
    documents: dict[str, str] = {}
    rejects: list[Reject] = []
    packages = 0
    with DocumentWriter(storage, archive, settings.lake) as writer:
        for package in open_packages(Shard.from_json(text, settings.storage), settings.limits):
            if only and not _names(package.item if isinstance(package, Reject) else package.path, only):
                continue
            packages += 1
            for found in [package] if isinstance(package, Reject) else extract_package(package, settings, delivered):
                if isinstance(found, Reject):
                    rejects.append(found)
                    continue
                doc_id, member = found.document["doc_id"], found.document["member"]
                if documents.setdefault(doc_id, member) != member:
                    rejects.append(duplicate(doc_id, member, documents[doc_id], found.document["xml_sha256"]))
                else:
                    writer.write(found)
    return result_batch(writer.parts, rejects, [task_note(place, documents, writer.parts)], packages)


def _restricted(shard: Shard, only: Iterable[str]) -> Shard:
    return replace(shard, members=tuple(member for member in shard.members if _names(member.path, only)))


def _names(path: str, items: Iterable[str]) -> bool:
    """Whether an item is this path, lies in it, or holds it."""
    return any(
        item == path
        or item.startswith((path + "/", path + INSIDE))
        or path.startswith((item + "/", item + INSIDE))
        for item in items
    )  # fmt: skip
