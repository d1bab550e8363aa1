"""SIGKILL at every commit boundary of a night: whatever stands is right, and the next run ends with everything once."""

from __future__ import annotations

import shutil
import signal
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import pytest

from pipeline.flow import STEPS
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.runner import archives_for, plan
from pipeline.search import open_release
from tests.faults.boundaries import SETTINGS, night
from tests.faults.verdict import assert_nothing_twice_and_current_readable, assert_whole
from tests.indexing.lakes import add_archive, build_index, clustered

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

VECTORS = clustered(6, 16, 3, seed=1)
#: A night has fewer boundaries than this; a test that reached it would go round for ever.
_MOST = 400


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """What the night is to bring about, made without faults."""
    lake = Lake.at(tmp_path_factory.mktemp("whole"))
    documents = {f"EP{n}A1": {"1": (VECTORS[n], VECTORS[n])} for n in range(6)}
    passages = {f"EP{n}A1/d/1/0": VECTORS[n] for n in range(6)}
    add_archive(lake, "A", documents, date(2019, 2, 13), passages=passages)
    text = f'{{"name": "A", "uri": "A.zip", "sha256": "{"a" * 64}", "stamp": "1"}}'
    lake.storage.write_bytes(text.encode(), "archives", "A.json")
    build_index(lake, SETTINGS)
    return lake


def started(whole: Lake, root: Path) -> Lake:
    """An empty lake that knows the archives; the index's files lie there as workers would have left them."""
    for folder in ("archives", "index"):
        shutil.copytree(Path(whole.storage.root) / folder, root / folder)
    return Lake.at(root)


def run(lake: Lake, whole: Lake, kill_at: int) -> bool:
    """A night in a process of its own; False when it was killed. Fails the test when it ended otherwise."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.boundaries"])
    process = context.Process(target=night, args=(lake.storage.root, whole.storage.root, kill_at))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), f"boundary {kill_at}: exit code {process.exitcode}"
    return process.exitcode == 0


def finished(lake: Lake) -> list[str]:
    """The steps that the next night will find up to date."""
    return [
        step.name for step in STEPS if plan(lake, SETTINGS, step, next(iter(archives_for(lake, step, ("A",))))).done
    ]


def test_a_kill_at_any_boundary_loses_and_doubles_nothing(whole: Lake, tmp_path: Path) -> None:
    lake, kills, boundary = started(whole, tmp_path / "lake"), 0, 0
    documents = [0]
    # After each kill the next night begins at the step that was killed, and is killed one boundary further in it: so
    # every boundary of every step is one that a night ended at. When a step stands, the count begins anew.
    standing: list[str] = []
    while boundary < _MOST:
        boundary += 1
        if run(lake, whole, boundary):
            break
        kills += 1
        documents.append(assert_nothing_twice_and_current_readable(lake, whole, SETTINGS))
        if (done := finished(lake)) != standing:
            standing, boundary = done, 0
    assert documents == sorted(documents)  # what stood once stays
    assert_whole(lake, whole)
    assert pointer.current(lake) is not None
    assert open_release(lake, SETTINGS).search(image=VECTORS[0], k=1)[0].doc_id == "EP0A1"
    print(f"killed at {kills} boundaries: 0 lost, 0 doubled")
    assert kills >= 60
    before = {name: lake.version(name) for name in ("documents", "shards", "runs")}
    assert run(lake, whole, 0)
    assert before == {name: lake.version(name) for name in before}  # nothing is left to do
