"""What an orchestrator is told to do, with toy steps on a real lake."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from pipeline import pending, registry
from pipeline.archives import ArchiveSource
from pipeline.errors import FiglakeError, UsageError
from pipeline.lake import Lake
from tests.pipeline.test_runner import TOY, bring, settings

FIRST = dataclasses.replace(TOY, name="classify")
WHOLE = dataclasses.replace(TOY, name="codebook", scope="lake")
LAST = dataclasses.replace(TOY, name="encode")
ALL = (FIRST, WHOLE, LAST)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(pending, "STEPS", ALL)
    monkeypatch.setattr(pending, "_PAUSE_S", 0.0)
    return Lake.at(tmp_path / "lake")


def deliver(tmp_path: Path, name: str, content: str = "1") -> ArchiveSource:
    path = tmp_path / f"{name}.zip"
    path.write_text(content)
    return ArchiveSource(name, str(path), {})


def names(lake: Lake, *delivered: ArchiveSource, queries: int = 1) -> list[str]:
    return pending.pending_archives(lake, settings(queries), delivered, ALL)


def finish(lake: Lake, *archives: str) -> None:
    for step in (FIRST, LAST):
        for archive in archives:
            bring(lake, settings(1), step, archive)


def test_where_there_is_no_lake_yet_every_delivery_is_pending(lake: Lake, tmp_path: Path) -> None:
    assert names(lake, deliver(tmp_path, "week08"), deliver(tmp_path, "week07")) == ["week07", "week08"]


def test_an_archive_is_pending_until_all_its_steps_are_done(lake: Lake, tmp_path: Path) -> None:
    source = deliver(tmp_path, "week07")
    registry.register(lake, source)
    assert names(lake, source) == ["week07"]
    bring(lake, settings(1), FIRST, "week07")
    assert names(lake, source) == ["week07"]
    bring(lake, settings(1), LAST, "week07")
    assert names(lake, source) == []


def test_a_change_of_settings_makes_a_known_archive_pending_although_it_is_delivered_no_more(
    lake: Lake, tmp_path: Path
) -> None:
    registry.register(lake, deliver(tmp_path, "week07"))
    finish(lake, "week07")
    assert (names(lake), names(lake, queries=2)) == ([], ["week07"])


def test_other_content_under_a_known_name_is_pending_so_that_it_cannot_be_missed(lake: Lake, tmp_path: Path) -> None:
    registry.register(lake, deliver(tmp_path, "frontfile"))
    finish(lake, "frontfile")
    assert names(lake, deliver(tmp_path, "frontfile", "other content")) == ["frontfile"]


def test_a_delivery_taken_in_under_another_name_is_known(lake: Lake, tmp_path: Path) -> None:
    source = deliver(tmp_path, "frontfile")
    registry.register(lake, source, name="frontfile-2026-07")
    finish(lake, "frontfile-2026-07")
    assert names(lake, source) == []


def test_a_later_step_waits_for_the_archives_own_earlier_steps_only(lake: Lake, tmp_path: Path) -> None:
    ready, failed = deliver(tmp_path, "ready"), deliver(tmp_path, "failed")
    registry.register(lake, ready)
    registry.register(lake, failed)
    bring(lake, settings(1), FIRST, "ready")
    assert pending.pending_archives(lake, settings(1), [ready, failed, deliver(tmp_path, "new")], (LAST,)) == ["ready"]


def test_new_deliveries_come_first_and_are_asked_for_alone(lake: Lake, tmp_path: Path) -> None:
    known, new = deliver(tmp_path, "a-known"), deliver(tmp_path, "b-new")
    registry.register(lake, known)
    assert names(lake, known, new) == ["b-new", "a-known"]
    assert pending.new_deliveries(lake, [known, new]) == ["b-new"]


def test_no_wait_is_for_what_somebody_has_to_decide(lake: Lake, tmp_path: Path) -> None:
    corrected = deliver(tmp_path, "corrected")
    registry.register(lake, corrected)
    deliver(tmp_path, "corrected", "other content")
    twins = [deliver(tmp_path, "week07"), dataclasses.replace(deliver(tmp_path, "other"), name="week07")]
    assert pending.new_deliveries(lake, [corrected, *twins]) == []
    assert names(lake, corrected, *twins) == ["corrected", "week07"], "they are tried, and say what is wrong"


def test_a_delivery_that_is_still_being_copied_is_not_there_yet(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, growing, whole = (deliver(tmp_path, name) for name in ("old", "growing", "whole"))
    os.utime(old.uri, (1_700_000_000, 1_700_000_000))
    paused = []

    def grow(seconds: float) -> None:
        paused.append(seconds)
        with Path(growing.uri).open("a") as file:
            file.write("more")

    monkeypatch.setattr("time.sleep", grow)
    assert pending.new_deliveries(lake, [old]) == ["old"] and not paused
    assert pending.new_deliveries(lake, [old, growing, whole]) == ["old", "whole"] and len(paused) == 1


def test_what_changes_while_it_is_read_is_not_registered(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = deliver(tmp_path, "week07")

    def grow(of: ArchiveSource) -> str:
        Path(of.uri).write_text("longer")
        return "0" * 64

    with monkeypatch.context() as change:
        change.setattr(registry, "content_sha256", grow)
        with pytest.raises(FiglakeError, match="changes while it is read") as caught:
            registry.register(lake, source)
    assert caught.value.exit_code == 1, "worth another try"
    assert registry.known(lake) == {}
    assert registry.register(lake, source).name == "week07"


def test_two_deliveries_of_one_name_keep_nothing_else_back(tmp_path: Path) -> None:
    for name in ("week07.zip", "week07.tar", "week08.zip"):
        (tmp_path / name).write_bytes(b"PK" * 100)
    found = pending.deliveries([str(tmp_path)], {})
    assert sorted({source.name for source in found}) == ["week07", "week08"]
    with pytest.raises(UsageError, match="would both be the archive 'week07'"):
        registry.refuse_twins(source for source in found if source.name == "week07")


def test_an_empty_folder_holds_no_delivery_yet_but_a_missing_one_is_an_error(tmp_path: Path) -> None:
    assert pending.deliveries([str(tmp_path)], {}) == []
    deliver(tmp_path, "week07")
    assert [source.name for source in pending.deliveries([str(tmp_path)], {})] == ["week07"]
    with pytest.raises(UsageError, match="there is nothing at"):
        pending.deliveries([str(tmp_path / "gone")], {})
