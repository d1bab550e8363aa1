"""Which Java is taken, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engines.java import find_java, install_line
from pipeline.errors import FiglakeError


def _runtime(home: Path, version: str) -> Path:
    """A program that answers what a Java of this version answers."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!/bin/sh\nprintf '    java.home = {home}\\n    java.specification.version = {version}\\n' >&2\n"
    )
    program.chmod(0o755)
    return home


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    return tmp_path / "nothing"


def test_java_home_is_taken_first(tmp_path: Path) -> None:
    wanted, other, private = (_runtime(tmp_path / name, "17") for name in ("home", "path", "jdk"))
    environment = {"JAVA_HOME": str(wanted), "PATH": f"{other}/bin:/usr/bin:/bin"}
    assert find_java(environment, private) == wanted


def test_an_old_java_home_gives_way_to_a_newer_java_on_the_path(tmp_path: Path, nothing: Path) -> None:
    old, new = _runtime(tmp_path / "old", "11"), _runtime(tmp_path / "new", "21")
    assert find_java({"JAVA_HOME": str(old), "PATH": f"{new}/bin:/usr/bin:/bin"}, nothing) == new


def test_a_link_on_the_path_leads_to_the_runtime_itself(tmp_path: Path, nothing: Path) -> None:
    home, links = _runtime(tmp_path / "jvm", "17"), tmp_path / "links"
    links.mkdir()
    (links / "java").symlink_to(home / "bin" / "java")
    assert find_java({"PATH": f"{links}:/usr/bin:/bin"}, nothing) == home


def test_the_private_runtime_is_the_last_resort(tmp_path: Path) -> None:
    private = tmp_path / ".jdk"
    home = _runtime(private / "any" / "runtime", "21")
    assert find_java({"PATH": ""}, private) == home


def test_without_java_the_message_is_one_line_that_says_how_to_install_it(nothing: Path) -> None:
    with pytest.raises(FiglakeError) as raised:
        find_java({"PATH": ""}, nothing)
    assert str(raised.value) == (
        "Spark needs Java 17 or newer, and there is none in JAVA_HOME or on the PATH. Install it: " + install_line()
    )
    assert "openjdk" in install_line() and "\n" not in install_line()


def test_a_java_too_old_is_named_with_its_version(tmp_path: Path, nothing: Path) -> None:
    old = _runtime(tmp_path / "old", "1.8")
    with pytest.raises(FiglakeError, match="old/bin/java is version 8"):
        find_java({"JAVA_HOME": str(old), "PATH": ""}, nothing)


def test_a_java_home_that_holds_no_java_is_named(tmp_path: Path, nothing: Path) -> None:
    with pytest.raises(FiglakeError, match="gone/bin/java does not run"):
        find_java({"JAVA_HOME": str(tmp_path / "gone"), "PATH": ""}, nothing)
