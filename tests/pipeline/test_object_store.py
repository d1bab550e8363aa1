"""The same lake behind an s3:// URI: a real server, the same calls."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import SupersededError
from pipeline.lake import Lake
from pipeline.ledger import Ledger, Run, record
from pipeline.storage import Storage
from tests.disturbed_store import FAULTS, Disturbance, disturbed
from tests.object_store import object_store
from tests.pipeline.test_lake import ids, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def options() -> Iterator[dict[str, str]]:
    with object_store() as found:
        yield found


def test_a_lake_in_a_bucket_commits_reads_and_cleans_like_a_local_one(options: dict[str, str]) -> None:
    lake = Lake.at("s3://figlake/one", options)
    assert lake.version("facets") is None
    assert lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    assert lake.commit("facets", "classify", "A", 11, write(lake, "A", ["a2"]))
    assert lake.commit("facets", "classify", "B", 10, write(lake, "B", ["b1"]))
    assert not lake.commit("facets", "classify", "A", 11, [])
    with pytest.raises(SupersededError):
        lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    assert ids(lake) == ["a2", "b1"]
    record(lake, Run("A", "classify", 11, "print", "done"))
    assert Ledger.read(lake).fingerprint("classify", "A", 11) == "print"
    assert lake.clean(0, {}) >= 2
    assert ids(lake) == ["a2", "b1"]


def test_writers_in_a_bucket_at_once_all_land_once(options: dict[str, str]) -> None:
    code = (
        "import json, sys; from pipeline.lake import Lake; from tests.pipeline.test_lake import write\n"
        "lake = Lake.at('s3://figlake/two', json.loads(sys.argv[2]))\n"
        "for g in range(3): lake.commit('facets', 'classify', sys.argv[1], g, write(lake, sys.argv[1], [f'{g}']))"
    )
    import json

    root = Path(__file__).resolve().parents[2]
    running = [subprocess.Popen([sys.executable, "-c", code, f"A{i}", json.dumps(options)], cwd=root) for i in range(3)]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    lake = Lake.at("s3://figlake/two", options)
    assert [ids(lake, f"A{i}") for i in range(3)] == [["2"], ["2"], ["2"]]


def test_files_are_written_read_sized_walked_and_deleted_in_a_bucket(options: dict[str, str]) -> None:
    storage = Lake.at("s3://figlake/three", options).storage
    storage.write_bytes(b"abc", "releases", "CURRENT")
    assert (storage.read_bytes("releases", "CURRENT"), storage.size("releases", "CURRENT")) == (b"abc", 3)
    assert [info.base_name for info in storage.walk("releases")] == ["CURRENT"]
    assert storage.size("releases", "NONE") is None
    storage.delete("releases", "CURRENT")
    assert not storage.exists("releases", "CURRENT")


def test_reads_shorter_than_a_refusal_outlast_it(options: dict[str, str]) -> None:
    Storage.at("s3://figlake/small", options).write_bytes(b"abcdef", "file")
    disturbance = Disturbance(seed=3)
    with disturbed(options, disturbance) as through:
        small = Storage.at("s3://figlake/small", through)
        for _ in range(30):
            with small.open_input("file") as stream:
                stream.seek(2)
                assert (stream.read(3), stream.tell()) == (b"cde", 5)
    assert all(disturbance.met["read", fault] for fault in FAULTS)


def test_short_columns_of_a_table_outlast_refusals(options: dict[str, str]) -> None:
    lake = Lake.at("s3://figlake/short", options)
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    disturbance = Disturbance(seed=11)
    with disturbed(options, disturbance) as through:
        found = Lake.at("s3://figlake/short", through)
        for _ in range(30):
            assert found.read("facets", ["figure_id"])["figure_id"].to_pylist() == ["a1"]
    assert all(disturbance.met["read", fault] for fault in FAULTS)
