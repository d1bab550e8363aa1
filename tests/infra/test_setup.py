"""The set-up of a fresh machine: which Python, which mirror, which versions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent.parent
INSTALL = ROOT / "infra" / "install.sh"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment whose Python notes what it is asked to install, and through which mirror."""
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f"""#!/bin/sh
        case "$*" in
            "- pyproject.toml") exec {sys.executable} "$@";;
            "-m pip --version") ;;
            "-m pip config get $PIP_SAYS") echo https://mirror.example/simple;;
            "-m pip config get"*) exit 1;;
            "-m uv"*)
                echo "uv${{UV_DEFAULT_INDEX:+ from $UV_DEFAULT_INDEX}}: $*" >> {tmp_path}/log
                exit ${{UV_ENDS:-0}};;
            *) echo "pip: $*" >> {tmp_path}/log;;
        esac
        """
    )
    python.chmod(0o755)
    return tmp_path / "env"


def install(environment: Path, **variables: str) -> list[str]:
    """Run the set-up for the package ``something``; what was asked of uv and pip after uv was there."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_", "PYTHON"))}
    subprocess.run([INSTALL, environment, "something"], cwd=ROOT, env=inherited | variables, check=True)
    first, *rest = (environment.parent / "log").read_text().splitlines()
    assert first.endswith("-c constraints.txt uv")
    return [line.replace(str(environment), "ENV") for line in rest]


@pytest.mark.parametrize("setting", [":env:.index-url", "install.index-url", "global.index-url"])
def test_a_mirror_that_pip_was_told_of_is_given_to_uv(environment: Path, setting: str) -> None:
    assert install(environment, PIP_SAYS=setting) == [
        "uv from https://mirror.example/simple: -m uv pip install --python ENV/bin/python something"
    ]


def test_where_no_import_writes_bytecode_the_installation_does(environment: Path) -> None:
    assert install(environment, PYTHONDONTWRITEBYTECODE="1")[1:] == ["pip: -m compileall -q -j 0 -x /tests?/ ENV/lib"]


def test_without_a_mirror_uv_takes_the_registry(environment: Path) -> None:
    assert install(environment) == ["uv: -m uv pip install --python ENV/bin/python something"]


def test_what_uv_was_told_itself_wins(environment: Path) -> None:
    (line,) = install(environment, PIP_SAYS="global.index-url", UV_DEFAULT_INDEX="https://own.example/simple")
    assert line.startswith("uv from https://own.example/simple:")


def test_plain_pip_installs_where_uv_cannot(environment: Path) -> None:
    assert install(environment, UV_ENDS="2") == [
        "uv: -m uv pip install --python ENV/bin/python something",
        "pip: -m pip install --disable-pip-version-check something",
    ]


def test_a_machine_without_a_suitable_python_is_told_which_it_needs(tmp_path: Path) -> None:
    done = subprocess.run(
        [INSTALL, tmp_path / "env", "something"], cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHON": "false"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"figlake needs Python {PROJECT['requires-python']}")
    assert "make install PYTHON=" in done.stderr
    assert not (tmp_path / "env").exists()


def test_every_dependency_is_pinned_to_a_version_that_the_project_allows() -> None:
    extras = PROJECT["optional-dependencies"]
    pins = _pins("constraints.txt")
    for text in [*PROJECT["dependencies"], *extras["cpu"], *extras["dev"]]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pins[_normal(requirement.name)]), text


def test_airflow_is_pinned_without_pyspark_and_spark_without_airflow() -> None:
    airflow, own = _pins("constraints-airflow.txt"), _pins("constraints.txt")
    for requirement in map(Requirement, PROJECT["optional-dependencies"]["airflow"]):
        assert requirement.specifier.contains(airflow[requirement.name])
    assert "pyspark" not in airflow
    assert not [name for name in own if name.startswith("apache-airflow")]


def _pins(file: str) -> dict[str, str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return {_normal(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
