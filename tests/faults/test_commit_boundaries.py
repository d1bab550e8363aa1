"""SIGKILL at every commit boundary of a night: whatever stands is right, and the next run ends with everything once."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Sequence
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import pytest

from pipeline.flow import STEPS
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.runner import archives_for, plan
from pipeline.search import open_release
from tests.faults.boundaries import REJECT, SETTINGS, night
from tests.faults.verdict import assert_nothing_twice_and_current_readable, assert_whole
from tests.indexing.lakes import add_archive, build_index, clustered

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ARCHIVES = ("A", "B")
VECTORS = clustered(12, 16, 3, seed=1)
#: A night has fewer boundaries than this; a test that reached it would go round for ever.
_MOST = 400


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """What two nights are to bring about, made without faults."""
    lake = Lake.at(tmp_path_factory.mktemp("whole"))
    for place, archive in enumerate(ARCHIVES):
        numbers = range(6 * place, 6 * place + 6)
        documents = {f"EP{n}A1": {"1": (VECTORS[n], VECTORS[n])} for n in numbers}
        passages = {f"EP{n}A1/d/1/0": VECTORS[n] for n in numbers}
        add_archive(lake, archive, documents, date(2019, 2, 13 + 7 * place), passages=passages)
        text = f'{{"name": "{archive}", "uri": "{archive}.zip", "sha256": "{"a" * 64}", "stamp": "1"}}'
        lake.storage.write_bytes(text.encode(), "archives", f"{archive}.json")
    build_index(lake, SETTINGS)
    return lake


def started(whole: Lake, root: Path) -> Lake:
    """An empty lake that knows the archives; the index's files lie there as workers would have left them."""
    for folder in ("archives", "index"):
        shutil.copytree(Path(whole.storage.root) / folder, root / folder)
    return Lake.at(root)


def run(lake: Lake, whole: Lake, archives: Sequence[str], kill_at: int, last: str = STEPS[-1].name) -> bool:
    """A night in a process of its own; False when it was killed. Fails the test when it ended otherwise."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.boundaries"])
    process = context.Process(target=night, args=(lake.storage.root, whole.storage.root, archives, last, kill_at))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), f"boundary {kill_at}: exit code {process.exitcode}"
    return process.exitcode == 0


def finished(lake: Lake, archives: Sequence[str]) -> list[tuple[str, str]]:
    """The steps that the next night will find up to date."""
    return [
        (step.name, archive)
        for step in STEPS
        for archive in archives_for(lake, step, archives)
        if plan(lake, SETTINGS, step, archive).done
    ]


def killed_everywhere(lake: Lake, whole: Lake, archives: Sequence[str]) -> int:
    """Nights until one is not killed; returns how many were.

    After each kill the next night begins at the step that was killed, and is killed one boundary further in it: so
    every boundary of every step is one that a night ended at. When a step stands, the count begins anew.
    """
    kills, boundary, documents, standing = 0, 0, [0], finished(lake, archives)
    shown = released(lake)
    while boundary < _MOST:
        boundary += 1
        if run(lake, whole, archives, boundary):
            break
        kills += 1
        assert shown <= (shown := released(lake)), "a release fell back"
        documents.append(assert_nothing_twice_and_current_readable(lake, whole, SETTINGS))
        if (done := finished(lake, archives)) != standing:
            standing, boundary = done, 0
    assert documents == sorted(documents)  # what stood once stays
    return kills


def released(lake: Lake) -> set[str]:
    """The archives that the release in force shows; none without one."""
    if pointer.current(lake) is None:
        return set()
    return set(open_release(lake, SETTINGS, verify=True).release.facets["archive"].to_pylist())


def test_a_kill_at_any_boundary_of_a_first_publish_leaves_no_half_release(whole: Lake, tmp_path: Path) -> None:
    lake = started(whole, tmp_path / "lake")
    assert run(lake, whole, ARCHIVES, 0, last="encode")
    kills = killed_everywhere(lake, whole, ARCHIVES)
    assert_whole(lake, whole)
    assert released(lake) == {"A", "B"}
    print(f"killed at {kills} boundaries: 0 lost, 0 doubled")
    assert kills >= 6


def test_a_kill_at_any_boundary_of_a_night_loses_and_doubles_nothing(whole: Lake, tmp_path: Path) -> None:
    """The night after a release: what was published stays until all of the new archive is."""
    lake = started(whole, tmp_path / "lake")
    assert run(lake, whole, ["A"], 0)
    first = pointer.current(lake)
    kills = killed_everywhere(lake, whole, ARCHIVES)
    assert_whole(lake, whole)
    assert pointer.current(lake) != first
    assert released(lake) == {"A", "B"}
    engine = open_release(lake, SETTINGS)
    assert [engine.search(image=VECTORS[n], k=1)[0].doc_id for n in (0, 6)] == ["EP0A1", "EP6A1"]
    rejects = lake.read("rejects", ["archive", "step", "item"]).to_pylist()
    wanted = [{"archive": archive, "step": "extract", "item": REJECT.item} for archive in ARCHIVES]
    assert sorted(rejects, key=lambda row: row["archive"]) == wanted
    print(f"killed at {kills} boundaries: 0 lost, 0 doubled")
    assert kills >= 60
    before = {name: lake.version(name) for name in ("documents", "shards", "runs", "rejects")}
    assert run(lake, whole, ARCHIVES, 0)
    assert before == {name: lake.version(name) for name in before}  # nothing is left to do
