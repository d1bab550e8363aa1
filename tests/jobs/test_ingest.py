"""Which delivery a step of one archive takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.ingest import _register
from pipeline import registry
from pipeline.archives import ArchiveSource
from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from pipeline.pending import deliveries


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.at(tmp_path / "lake")


def deliver(folder: Path, name: str, content: str = "1") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.zip"
    path.write_text(content)
    return path


def step(lake: Lake, archive: str, *places: Path, replace: bool = False) -> list[str]:
    return _register([str(place) for place in places], lake, Settings(), None, replace, wanted=archive)


def test_the_one_of_its_name_is_taken_from_any_of_the_places(lake: Lake, tmp_path: Path) -> None:
    for folder, name in (("night", "week07"), ("night", "week08"), ("night/.backfill", "week01")):
        deliver(tmp_path / folder, name)
    places = tmp_path / "night", tmp_path / "night" / ".backfill"
    assert step(lake, "week01", *places) == ["week01"]
    assert list(registry.known(lake)) == ["week01"]
    with pytest.raises(UsageError, match="no archive found"):
        step(lake, "week02", *places)


def test_an_empty_place_is_none_of_them(lake: Lake, tmp_path: Path) -> None:
    deliver(tmp_path / "night", "week07")
    (tmp_path / "night" / ".backfill").mkdir()
    (tmp_path / "night" / ".backfill" / ".fetch.lock").touch()
    assert step(lake, "week07", tmp_path / "night", tmp_path / "night" / ".backfill") == ["week07"]


def test_one_that_came_from_elsewhere_stands_and_no_other_takes_its_name(lake: Lake, tmp_path: Path) -> None:
    path = deliver(tmp_path / "elsewhere", "week01")
    registry.register(lake, ArchiveSource("week01", str(path), {}))
    deliver(tmp_path / "night", "week07", "other content")
    assert step(lake, "week01", tmp_path / "night") == ["week01"]
    assert step(lake, "week01", tmp_path / "night", replace=True) == ["week01"]
    assert [archive.uri for archive in registry.known(lake).values()] == [str(path)]
    with pytest.raises(UsageError, match="no archive found"):
        step(lake, "week02", tmp_path / "night")


def test_what_night_and_backfill_have_both_fetched_is_one_delivery(lake: Lake, tmp_path: Path) -> None:
    first = deliver(tmp_path / "night", "week07")
    deliver(tmp_path / "night" / ".backfill", "week07")
    places = tmp_path / "night", tmp_path / "night" / ".backfill"
    assert [source.uri for source in deliveries(map(str, places), {})] == [str(first)]
    assert step(lake, "week07", *places) == ["week07"]
    assert registry.known(lake)["week07"].uri == str(first)


def test_a_single_file_may_be_given_another_name_and_be_corrected_under_it(lake: Lake, tmp_path: Path) -> None:
    path = deliver(tmp_path, "delivery")
    assert step(lake, "week09", path) == ["week09"]
    assert step(lake, "week09", path) == ["week09"]
    corrected = deliver(tmp_path / "later", "delivery", "corrected")
    assert step(lake, "week09", corrected, replace=True) == ["week09"]
    assert registry.known(lake)["week09"].uri == str(corrected)


def test_of_two_deliveries_of_one_name_only_that_archive_is_refused(lake: Lake, tmp_path: Path) -> None:
    deliver(tmp_path / "night", "week07").rename(tmp_path / "night" / "week07.tar")
    deliver(tmp_path / "night", "week07")
    deliver(tmp_path / "night", "week08")
    assert step(lake, "week08", tmp_path / "night") == ["week08"]
    with pytest.raises(UsageError, match="would both be the archive 'week07'"):
        step(lake, "week07", tmp_path / "night")


def test_a_run_leaves_out_what_is_still_being_copied_unless_there_is_nothing_else(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    growing, whole = deliver(tmp_path / "night", "a-growing"), deliver(tmp_path / "night", "b-whole")
    digest = registry.content_sha256

    def grow(source: ArchiveSource) -> str:
        if source.name == "a-growing":
            growing.write_text(growing.read_text() + "more")
        return digest(source)

    monkeypatch.setattr(registry, "content_sha256", grow)
    assert _register([str(growing), str(whole)], lake, Settings(), None, False) == ["b-whole"]
    assert "changes while it is read" in capsys.readouterr().err
    with pytest.raises(registry.ChangingError):
        _register([str(growing)], lake, Settings(), None, False)


def test_a_step_of_an_archive_that_the_lake_does_not_know_is_refused(lake: Lake, tmp_path: Path) -> None:
    step(lake, "week07", deliver(tmp_path / "night", "week07"))
    record(lake, Run("week07", "extract", 1, "f", "done"))  # the ledger makes it a lake
    refused = CliRunner().invoke(app, ["step", "encode", "--archive", "week08", "--lake", lake.storage.root])
    assert (refused.exit_code, "knows no archive 'week08'; it knows: week07" in refused.output) == (2, True)
