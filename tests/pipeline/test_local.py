"""Logs of engine processes: told of where they say something, and none left behind by runs that were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.errors import FiglakeError
from pipeline.flow import BY_NAME
from pipeline.lake import Lake
from pipeline.local import _new_log, run_all, run_replay

ROOT = Path(__file__).resolve().parents[2]
#: A run with an engine process, as far as its log is concerned.
_RUN = """
import subprocess, sys, time
from pipeline.local import _new_log
with _new_log("ocr") as log:
    engine = subprocess.Popen(["sleep", "600"], stderr=log, stdout=subprocess.DEVNULL)
    print(log.name, engine.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where logs go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def left_after_another_run(folder: Path) -> set[Path]:
    """The logs an hour later, when another run has come and gone."""
    for path in folder.glob("*.log"):
        os.utime(path, (time.time() - 3600,) * 2)
    with _new_log("link"):
        pass
    return set(folder.glob("*.log"))


def test_the_empty_log_of_a_killed_run_goes_with_the_next_run_but_none_that_is_in_use_or_says_something(
    folder: Path,
) -> None:
    run = subprocess.Popen([sys.executable, "-c", _RUN], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    name, engine = run.stdout.readline().split()
    (says := folder / "figlake-1-embed-x.log").write_text("out of memory")
    try:
        assert left_after_another_run(folder) == {Path(name), says}
        run.kill()
        run.communicate()
        assert left_after_another_run(folder) == {Path(name), says}  # its engine is still at it
    finally:
        run.kill()
        os.kill(int(engine), signal.SIGKILL)
    until = time.monotonic() + 10
    while Path(f"/proc/{engine}/fd/2").exists() and time.monotonic() < until:
        time.sleep(0.05)
    Path(folder, "figlake-2-ocr-x.log").touch()
    with _new_log("link"):  # that one was made just now: its run may be about to lock it
        assert Path(folder, "figlake-2-ocr-x.log").exists()
    assert left_after_another_run(folder) == {says}


@pytest.mark.slow
def test_an_error_points_to_the_log_where_it_says_something_and_else_none_is_left(folder: Path) -> None:
    lake = Lake.at(folder / "lake")
    publish = BY_NAME["publish"]
    (report,) = run_replay(lake, Settings(), publish, "_lake", ["x"], None, lambda event: None).reports
    assert report.error == "publish is not up to date; `figlake run` first, then replay"
    assert list(folder.glob("*.log")) == []
    (folder / "lake" / "tables").mkdir(parents=True)
    (folder / "lake" / "tables" / "shards").write_text("a file in the table's place")
    with pytest.raises(FiglakeError, match="ended with exit code 1  \\(log: ") as raised:
        run_all(lake, Settings(), [], (publish,), lambda event: None, again=True)
    (log,) = folder.glob("*.log")
    assert str(log) in str(raised.value)
    assert "Traceback" in log.read_text()
