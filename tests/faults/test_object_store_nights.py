"""Whole nights on object storage that throttles, fails and loses answers, alone and three at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.search import open_release
from pipeline.storage import Storage
from tests.disturbed_store import FAULTS, Disturbance, disturbed
from tests.faults import nights
from tests.faults.verdict import assert_nothing_twice_and_current_readable, assert_whole
from tests.object_store import object_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return nights.make_whole(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def whole_of_two(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return nights.make_whole(tmp_path_factory.mktemp("whole-of-two"), "AB")


@contextmanager
def bucket_of(whole: Lake) -> Iterator[dict[str, str]]:
    """A store that holds the deliveries, and the index's files as workers would have left them."""
    root = Path(whole.storage.root)
    with object_store() as options:
        for path in sorted((root / "index").rglob("*")):
            if path.is_file():
                Storage.at("s3://figlake/lake", options).write_bytes(path.read_bytes(), *path.relative_to(root).parts)
        for path in root.glob("*.zip"):
            Storage.at("s3://figlake/week", options).write_bytes(path.read_bytes(), path.name)
        yield options


@pytest.fixture
def bucket(whole: Lake) -> Iterator[dict[str, str]]:
    with bucket_of(whole) as options:
        yield options


def assert_every_kind_met_every_fault(disturbance: Disturbance) -> None:
    print({" ".join(kind): count for kind, count in sorted(disturbance.met.items())})
    for kind in ("read", "write", "conditional write", "list", "look"):
        for fault in FAULTS:
            assert disturbance.met[kind, fault], f"no {kind} met {fault}"


@pytest.mark.soak
def test_a_night_in_a_store_that_throttles_fails_and_loses_answers(bucket: dict[str, str], whole: Lake) -> None:
    disturbance = Disturbance(seed=20190213)
    with disturbed(bucket, disturbance) as options:
        lake = Lake.at("s3://figlake/lake", options)
        code, said = nights.run(lake, whole, archive="s3://figlake/week/A.zip", environment=options)
    assert code == 0, said
    assert "Traceback" not in said, said
    assert_every_kind_met_every_fault(disturbance)
    lake = Lake.at("s3://figlake/lake", bucket)
    assert_whole(lake, whole)
    figure = whole.read("figures", ["figure_id"])["figure_id"][0].as_py()
    hits = open_release(lake, nights.SETTINGS, verify=True).search(figure=figure, k=3)
    assert len(hits) == 3


def test_three_nights_at_once_in_such_a_store_two_of_one_archive_end_with_every_row_once(whole_of_two: Lake) -> None:
    first, second = "s3://figlake/week/A.zip", "s3://figlake/week/B.zip"
    disturbance = Disturbance(seed=5)
    with bucket_of(whole_of_two) as bucket:
        with disturbed(bucket, disturbance) as options:
            lake = Lake.at("s3://figlake/lake", options)
            all_three = [
                nights.start(lake, whole_of_two, archive=archive, environment=options)
                for archive in (first, second, first)
            ]
            ends = [nights.end(process) for process in all_three]
        assert_every_kind_met_every_fault(disturbance)
        lake = Lake.at("s3://figlake/lake", bucket)
        assert_nothing_twice_and_current_readable(lake, whole_of_two, nights.SETTINGS)
        for code, said in ends:
            assert "Traceback" not in said, said
            assert code == 0 or "is newer than this run's" in said or "another writer" in said, said
        code, said = nights.run(lake, whole_of_two, "--archives", second, archive=first, environment=bucket)
        assert code == 0, said
        assert_whole(lake, whole_of_two)
