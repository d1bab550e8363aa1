from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.config import PublishSettings
from pipeline.errors import SupersededError, UsageError
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.publishing.lock import read_pointer, replace_pointer
from pipeline.publishing.manifest import Manifest
from pipeline.storage import Storage
from tests.object_store import object_store

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def release(lake: Lake, name: str, days_ago: int = 0, version: int = 0) -> None:
    """A complete, empty release."""
    published = (NOW - timedelta(days=days_ago)).isoformat()
    manifest = Manifest(name, "0" * 64, published, {}, {}, {"figures": version}, {"documents": 1, "figures": 2})
    lake.storage.write_bytes(b"facets", "releases", name, "facets.arrow")
    lake.storage.write_bytes(manifest.to_json().encode(), "releases", name, "manifest.json")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    found = Lake.at(tmp_path)
    for number, name in enumerate(("r1", "r2", "r3")):
        release(found, name, days_ago=30 - 10 * number, version=number)
        pointer.swap(found, name, pointer.current(found))
    return found


def test_a_new_lake_has_no_release(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    assert pointer.current(lake) is None
    assert pointer.list_releases(lake) == []
    with pytest.raises(UsageError, match="no release is older"):
        pointer.rollback(lake)


def test_releases_are_listed_newest_first(lake: Lake) -> None:
    assert [row["release"] for row in pointer.list_releases(lake)] == ["r3", "r2", "r1"]
    assert pointer.list_releases(lake)[0] == {
        "release": "r3", "published_at": "2026-03-21T12:00:00+00:00", "figures": 2, "recall": None
    }  # fmt: skip


def test_a_release_without_its_manifest_is_none(lake: Lake) -> None:
    lake.storage.write_bytes(b"half", "releases", "r4", "facets.arrow")
    assert [row["release"] for row in pointer.list_releases(lake)] == ["r3", "r2", "r1"]


def test_rollback_goes_one_back_or_where_it_is_told(lake: Lake) -> None:
    assert pointer.rollback(lake) == "r2"
    assert pointer.current(lake) == "r2"
    assert pointer.rollback(lake) == "r1"
    assert pointer.rollback(lake, "r3") == "r3"
    assert pointer.rollback(lake, "r3") == "r3"
    with pytest.raises(UsageError, match="no release 'r9'; there are: r3, r2, r1"):
        pointer.rollback(lake, "r9")
    assert pointer.current(lake) == "r3"


def test_a_swap_from_another_release_than_the_standing_one_is_refused(lake: Lake) -> None:
    with pytest.raises(SupersededError, match="now says r3, not r2"):
        pointer.swap(lake, "r1", "r2")
    assert pointer.current(lake) == "r3"


def test_pruning_keeps_the_newest_the_young_and_the_current(lake: Lake) -> None:
    pointer.rollback(lake, "r1")
    assert pointer.prune(lake, PublishSettings(keep=1, keep_days=25), NOW) == []
    assert pointer.prune(lake, PublishSettings(keep=1, keep_days=5), NOW) == ["r2"]
    assert [row["release"] for row in pointer.list_releases(lake)] == ["r3", "r1"]
    assert not Path(lake.storage.path("releases", "r2")).exists()
    assert pointer.current(lake) == "r1"


def test_cleaning_spares_the_versions_of_every_release(lake: Lake) -> None:
    assert pointer.kept_versions(lake) == {"figures": [0, 1, 2]}


def test_pruning_removes_old_index_files_that_nothing_names(lake: Lake) -> None:
    old = time.time() - 40 * 86_400
    for path, age in (("index/image-1/A-1.f16", old), ("index/image-1/B-1.f16", time.time()),
                      ("index/.partial/1234/vectors", old), ("releases/half/ids.arrow", old)):  # fmt: skip
        lake.storage.write_bytes(b"x", path)
        os.utime(lake.storage.path(path), (age, age))
    pointer.prune(lake, PublishSettings())
    assert [info.base_name for info in lake.storage.walk("index")] == ["B-1.f16"]
    assert not lake.storage.exists("releases/half/ids.arrow")


RACER = """
import sys, time
from pipeline.errors import SupersededError
from pipeline.publishing.lock import replace_pointer
from pipeline.storage import Storage
import json
storage = Storage.at(sys.argv[1], json.loads(sys.argv[3]))
try:
    replace_pointer(storage, "releases/CURRENT", "r0", sys.argv[2])
    print("won")
except SupersededError:
    print("lost")
"""


def race(root: str, options: dict[str, str], writers: int) -> list[str]:
    processes = [
        subprocess.Popen([sys.executable, "-c", RACER, root, f"w{number}", json.dumps(options)], text=True,
                         stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2])
        for number in range(writers)
    ]  # fmt: skip
    return [process.communicate(timeout=120)[0].strip() for process in processes]


@pytest.mark.slow
def test_of_several_processes_that_swap_at_once_one_wins(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    storage.write_bytes(b"r0\n", "releases", "CURRENT")
    answers = race(str(tmp_path), {}, 4)
    assert sorted(answers) == ["lost", "lost", "lost", "won"]
    assert read_pointer(storage, "releases/CURRENT") == f"w{answers.index('won')}"


HOLDER = """
import sys, time
from pathlib import Path
from pipeline.publishing.lock import _locked
with _locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_publisher_leaves_no_lock_behind(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "releases" / "CURRENT.lock")], text=True, stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    replace_pointer(storage, "releases/CURRENT", None, "r1")
    assert read_pointer(storage, "releases/CURRENT") == "r1"


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    with object_store() as options:
        yield options


@pytest.mark.slow
def test_in_a_bucket_a_swap_is_a_conditional_put(bucket: dict[str, str]) -> None:
    lake = Lake.at("s3://figlake/pointer", bucket)
    for name in ("r1", "r2"):
        release(lake, name)
    pointer.swap(lake, "r1", None)
    with pytest.raises(SupersededError, match="now says r1, not nothing"):
        pointer.swap(lake, "r2", None)
    pointer.swap(lake, "r2", "r1")
    assert pointer.current(lake) == "r2"
    assert pointer.rollback(lake, "r1") == "r1"


@pytest.mark.slow
def test_in_a_bucket_a_write_whose_answer_was_lost_is_no_other_writer(
    bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    storage, real = Storage.at("s3://figlake/answer", bucket), obstore.put

    def sent_twice(*arguments: object, **named: object) -> object:
        real(*arguments, **named)  # type: ignore[call-overload]
        return real(*arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(obstore, "put", sent_twice)
    for expected, value in ((None, "r1"), ("r1", "r2")):
        replace_pointer(storage, "releases/CURRENT", expected, value)
        assert read_pointer(storage, "releases/CURRENT") == value
    with pytest.raises(SupersededError, match="now says r2, not r1"):
        replace_pointer(storage, "releases/CURRENT", "r1", "r3")


@pytest.mark.slow
def test_in_a_bucket_one_of_several_processes_wins(bucket: dict[str, str]) -> None:
    storage = Storage.at("s3://figlake/race", bucket)
    storage.write_bytes(b"r0\n", "releases", "CURRENT")
    answers = race("s3://figlake/race", bucket, 3)
    assert sorted(answers) == ["lost", "lost", "won"]
    assert read_pointer(storage, "releases/CURRENT") == f"w{answers.index('won')}"
