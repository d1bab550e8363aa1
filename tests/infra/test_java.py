"""A machine without Java gets a private one, or the line that installs it."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

from pipeline.engines.java import find_java, install_line
from pipeline.errors import FiglakeError

ROOT = Path(__file__).resolve().parent.parent.parent
_spec = importlib.util.spec_from_file_location("infra_java", ROOT / "infra" / "java.py")
assert _spec is not None and _spec.loader is not None
infra_java = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(infra_java)

NO_JAVA = {"PATH": ""}


def _runtime(home: Path, *, refuses: str = "nothing") -> None:
    """A Java 21 that prints its arguments, and fails when it is given the one it refuses."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"""#!/bin/sh
        for word; do [ "$word" = {refuses} ] && exit 1; done
        printf '    java.home = {home}\\n    java.specification.version = 21\\n' >&2
        printf '%s|' "$@"
        """
    )
    program.chmod(0o755)


def test_a_java_that_is_there_is_taken_and_nothing_is_fetched(tmp_path: Path) -> None:
    _runtime(tmp_path / "home")
    found = infra_java.ensure_java(
        {"JAVA_HOME": str(tmp_path / "home"), "PATH": ""}, tmp_path / ".jdk", {"none": _fail}
    )
    assert found == tmp_path / "home"
    assert not (tmp_path / ".jdk").exists()


def test_the_second_way_is_tried_when_the_first_fails_and_its_leavings_are_gone(tmp_path: Path) -> None:
    private = tmp_path / ".jdk"
    ways = {"half": _half, "whole": lambda folder: _runtime(folder / "jdk-21")}
    assert infra_java.ensure_java(NO_JAVA, private, ways) == private / "jdk-21"
    assert [path.name for path in private.iterdir()] == ["jdk-21"]
    assert find_java(NO_JAVA, private) == private / "jdk-21"


def test_where_none_can_be_fetched_the_error_is_the_line_that_installs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FiglakeError) as raised:
        infra_java.ensure_java(NO_JAVA, tmp_path / ".jdk", {"install-jdk": _fail})
    assert str(raised.value).endswith(install_line())
    assert "fetching a private one with install-jdk\n  that failed: no route to host" in capsys.readouterr().err
    assert not (tmp_path / ".jdk").exists()


def test_a_runtime_without_the_vector_module_passes_over_it_and_takes_every_other_argument(tmp_path: Path) -> None:
    module = infra_java.VECTOR_MODULE
    _runtime(tmp_path / "home", refuses=module)
    infra_java.spare_vector_module(tmp_path / "home")
    command = [str(tmp_path / "home" / "bin" / "java"), module, "-cp", "a b", "", "Main"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "-cp|a b||Main|"


def test_a_runtime_with_the_vector_module_is_left_as_it_is(tmp_path: Path) -> None:
    _runtime(tmp_path / "home")
    before = (tmp_path / "home" / "bin" / "java").read_bytes()
    infra_java.spare_vector_module(tmp_path / "home")
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "home" / "bin").iterdir()] == [("java", before)]


def _fail(folder: Path) -> None:
    raise OSError("no route to host")


def _half(folder: Path) -> None:
    (folder / "tools").mkdir(parents=True)
    raise OSError("the connection broke")
