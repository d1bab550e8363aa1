"""CURRENT and the releases it may name: list, swap, roll back, prune."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.config import PublishSettings
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.publishing.lock import is_held, read_pointer, replace_pointer
from pipeline.publishing.manifest import RELEASES, Manifest, read_manifest
from pipeline.storage import Storage

CURRENT = f"{RELEASES}/CURRENT"
_MANIFEST = "manifest.json"


def current(lake: Lake) -> str | None:
    """The release that CURRENT names; None before the first."""
    return read_pointer(lake.storage, CURRENT)


def manifest_path(release: str) -> str:
    """Where the manifest of a release lies, below the lake."""
    return f"{RELEASES}/{release}/{_MANIFEST}"


def manifests(lake: Lake) -> list[Manifest]:
    """Every complete release, newest first. The manifest is written last, so a half-made one is not listed."""
    names = {name for name, file in _release_files(lake.storage) if file == _MANIFEST}
    found = [read_manifest(lake.storage, name) for name in names]
    return sorted(found, key=lambda manifest: (manifest.published_at, manifest.release), reverse=True)


def list_releases(lake: Lake) -> list[dict[str, Any]]:
    """Name, time, figures and lowest recall of every release, newest first."""
    rows = []
    for manifest in manifests(lake):
        recalls = [m.recall_at_10 for m in manifest.modalities.values() if m.recall_at_10 is not None]
        rows.append(
            {
                "release": manifest.release,
                "published_at": manifest.published_at,
                "figures": manifest.counts["figures"],
                "recall": min(recalls, default=None),
            }
        )
    return rows


def swap(lake: Lake, release: str, expected: str | None) -> None:
    """Point CURRENT at a release if it still names ``expected``. Raises SupersededError when it does not."""
    replace_pointer(lake.storage, CURRENT, expected, release)


def rollback(lake: Lake, to: str | None = None) -> str:
    """Point CURRENT at an earlier release (default: the one before) and return its name.

    Raises UsageError when there is no such release.
    """
    now, names = current(lake), [manifest.release for manifest in manifests(lake)]
    if to is None:
        older = names[names.index(now) + 1 :] if now in names else []
        if not older:
            raise UsageError(f"no release is older than the current one ({now or 'none'})")
        to = older[0]
    elif to not in names:
        raise UsageError(f"no release {to!r}; there are: {', '.join(names) or 'none'}")
    if to != now:
        swap(lake, to, now)
    return to


def prune(lake: Lake, settings: PublishSettings, now: datetime | None = None) -> list[str]:
    """Remove releases but the newest ``keep``, all younger than ``keep_days``, CURRENT, and those that are open in a
    process of this machine (readers of an object store work on copies); return their names.

    Files of the index that neither a remaining release nor the tables name go as well, once they are
    older than ``keep_days``: a step at work may not have committed the newer ones yet.
    """
    now = now or datetime.now(UTC)
    before, standing = now - timedelta(days=settings.keep_days), current(lake)
    removed = []
    for manifest in manifests(lake)[settings.keep :]:
        old = datetime.fromisoformat(manifest.published_at) < before
        if old and manifest.release != standing and not is_held(lake.storage, manifest_path(manifest.release)):
            lake.storage.delete(RELEASES, manifest.release, _MANIFEST)  # from here on it is no release
            removed.append(manifest.release)
    _remove_leftovers(lake, removed, before)
    _remove_unnamed_index_files(lake, before)
    return removed


def kept_versions(lake: Lake) -> dict[str, Sequence[int]]:
    """The versions of each table that some release names; cleaning spares them."""
    kept: dict[str, set[int]] = {}
    for manifest in manifests(lake):
        for table, version in manifest.tables.items():
            kept.setdefault(table, set()).add(version)
    return {table: sorted(versions) for table, versions in kept.items()}


def _release_files(storage: Storage) -> list[tuple[str, str]]:
    """(release, file name) of every file in a release's folder."""
    root = storage.path(RELEASES)
    paths = (info.path.removeprefix(root).strip("/").split("/") for info in storage.walk(RELEASES))
    return [(parts[0], "/".join(parts[1:])) for parts in paths if len(parts) > 1]


def _remove_leftovers(lake: Lake, removed: list[str], before: datetime) -> None:
    """Files of removed releases, and old ones that no manifest names: a publisher was killed, or came second."""
    complete = {manifest.release: {file.path for file in manifest.all_files()} for manifest in manifests(lake)}
    for name, file in _release_files(lake.storage):
        needed = name in complete and (file == _MANIFEST or f"{RELEASES}/{name}/{file}" in complete[name])
        if not needed and (name in removed or _is_older(lake.storage, before, RELEASES, name, file)):
            lake.storage.delete(RELEASES, name, file)
    if lake.storage.is_local:
        _remove_empty_folders(lake.storage, RELEASES)


def _remove_unnamed_index_files(lake: Lake, before: datetime) -> None:
    named = {file.path for manifest in manifests(lake) for file in manifest.all_files()}
    named |= set(lake.read("codebooks", ["path"])["path"].to_pylist())
    packs, covered = lake.read("compacted").to_pylist(), _covered(lake)
    rows = [row for row in lake.read("shards").to_pylist() if (row["archive"], row["vectors_sha256"]) not in covered]
    named |= {row[path] for row in (*rows, *packs) for path in ("lists_path", "vectors_path", "keys_path")}
    root = lake.storage.path("")
    for info in lake.storage.walk("index"):
        path = info.path.removeprefix(root)
        if path not in named and _is_older(lake.storage, before, path):
            lake.storage.delete(path)
    if lake.storage.is_local:
        _remove_empty_folders(lake.storage, "index")


def _covered(lake: Lake) -> set[tuple[str, str]]:
    """Archives' own shards that a compacted one in CURRENT stands for, for good.

    What it lacks because another archive has it newer may come back when that one is corrected, and for that the
    archive's own shard is kept; not where that would keep what was withdrawn. Then `step encode --again` makes it anew.
    """
    standing = current(lake)
    in_use = {file.path for file in read_manifest(lake.storage, standing).all_files()} if standing else set()
    withdrawn = set(lake.read("tombstones", ["doc_id"])["doc_id"].to_pylist())
    return {
        (member["archive"], member["shard"])
        for row in lake.read("compacted").to_pylist()
        if row["vectors_path"] in in_use
        for member in row["members"]
        if withdrawn.issuperset(member["dropped"]) or not withdrawn.isdisjoint(member["dropped"])
    }


def _is_older(storage: Storage, before: datetime, *parts: str) -> bool:
    changed = storage.filesystem().get_file_info(storage.path(*parts)).mtime
    return changed is not None and changed.astimezone(UTC) < before


def _remove_empty_folders(storage: Storage, folder: str) -> None:
    """Deepest first; a folder that a writer has just filled refuses, and stays."""
    import contextlib
    from pathlib import Path

    folders = [path for path in Path(storage.path(folder)).rglob("*") if path.is_dir()]
    for path in sorted(folders, key=lambda p: len(p.parts), reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir()
