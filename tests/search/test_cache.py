"""Copies of releases that lie in an object store: used again, and removed when nobody has opened them for long."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

from pipeline.lake import Lake
from pipeline.search import open_release
from tests.indexing.lakes import add_archive, build_index, clustered, publish, small_settings
from tests.object_store import object_store

SETTINGS = small_settings()
VECTORS = clustered(8, 32, 4, seed=4)


def test_copies_that_nobody_opens_any_more_are_removed(tmp_path: Path) -> None:
    with object_store() as options:
        lake = Lake.at("s3://figlake/lake", options)
        add_archive(lake, "A", {"EP1A1": {"1": (VECTORS[0], VECTORS[0][:16])}}, date(2019, 2, 13))
        build_index(lake, SETTINGS)
        publish(lake, SETTINGS)
        cache = tmp_path / "cache"
        open_release(lake, SETTINGS, cache=cache)
        first = files(cache)
        month_ago = time.time() - 30 * 86_400
        for path in first:
            os.utime(path, (month_ago, month_ago))
        left = cache / "ab" / "abandoned.partial"
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b"half")
        os.utime(left, (month_ago, month_ago))
        assert open_release(lake, SETTINGS, cache=cache).search(image=VECTORS[0], k=1)
        assert files(cache) == first, "what is in use stays"
        add_archive(lake, "B", {"EP2A1": {"1": (VECTORS[1], VECTORS[1][:16])}}, date(2019, 2, 20))
        build_index(lake, SETTINGS)
        publish(lake, SETTINGS)
        for path in first:
            os.utime(path, (month_ago, month_ago))
        assert open_release(lake, SETTINGS, cache=cache).search(image=VECTORS[1], k=1)
        now = files(cache)
        assert all(path.stat().st_mtime > month_ago + 60 for path in now)
        assert first - now


def files(cache: Path) -> set[Path]:
    return {path for path in cache.rglob("*") if path.is_file()}
