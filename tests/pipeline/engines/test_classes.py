"""Spark's classes kept ready in a file: real JVMs, which say themselves where each class came from."""

import os
import shutil
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from pipeline.config import load_settings
from pipeline.engines import classes, spark
from pipeline.engines.java import find_java

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "prefix", str(folder))
        assert classes.options(find_java()) == ""
        file = classes.write(load_settings("laptop"))
        if file is None:
            pytest.skip("this Java keeps no classes ready, as 21 does not; 17 does")
        yield file


def sources(options: str, log: Path) -> list[str]:
    """What the JVM of a session notes of each of Spark's classes."""
    settings = load_settings("laptop")
    told = {"spark.driver.extraJavaOptions": f"{options} -Xlog:class+load:file={log}"}
    with spark.session(replace(settings, spark=replace(settings.spark, conf=told))) as session:
        assert session.range(3).count() == 3
    return [line for line in log.read_text().splitlines() if " org.apache.spark." in line]


def test_a_session_finds_its_classes_in_the_file(kept, tmp_path):
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    found = sources(classes.options(find_java()), tmp_path / "log")
    ready = [line for line in found if "shared objects file (top)" in line]
    assert len(ready) > 1000
    assert sum(".jar" in line for line in found) < 0.05 * len(ready)


def test_a_local_session_is_told_of_the_file(kept):
    assert str(kept) in spark._local(find_java())["spark.driver.extraJavaOptions"]


def test_a_damaged_file_costs_time_and_nothing_else(kept, tmp_path):
    whole = kept.read_bytes()
    kept.chmod(0o644)
    try:
        with kept.open("r+b") as file:
            file.seek(len(whole) // 2)
            file.write(b"A" * 100_000)
        found = sources(classes.options(find_java()), tmp_path / "log")
        assert found
        assert not any("shared objects file (top)" in line for line in found)
        with kept.open("r+b") as file:
            file.truncate(len(whole) // 2)
        assert classes.options(find_java()) == ""
    finally:
        kept.write_bytes(whole)


def test_a_file_of_another_java_is_not_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "release").write_text("17")
    (tmp_path / f"{classes._name(tmp_path)}-3.jsa").write_text("abc")
    assert classes.options(tmp_path)
    os.utime(tmp_path / "release", (1, 1))
    assert classes.options(tmp_path) == ""


def test_it_is_written_once_and_a_java_that_keeps_none_is_asked_once(kept, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(classes, "write", lambda settings: pytest.fail("it is there"))
    classes.main()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / f"{classes._name(find_java())}.none").touch()
    classes.main()
    assert capsys.readouterr().out == ""


def test_a_failure_is_said_and_tried_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(classes, "write", lambda settings: (_ for _ in ()).throw(OSError("no room")))
    for _ in range(2):
        classes.main()
        assert "could not be kept ready: no room; Spark takes" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_file_that_a_java_does_not_take_is_found_out(kept, tmp_path):
    assert not classes._is_taken(find_java(), kept, str(tmp_path / "another.jar"))


@pytest.mark.parametrize("free", [0, 1 << 40])
def test_a_disk_that_was_full_is_not_taken_for_such_a_java(tmp_path, monkeypatch, free):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(spark, "session", lambda *_, **__: nullcontext(MagicMock()))
    monkeypatch.setattr(classes, "_rehearse", lambda session: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    assert classes.write(load_settings("laptop")) is None
    assert bool(list(tmp_path.glob("*.none"))) == bool(free)
