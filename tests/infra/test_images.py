"""The images keep their promises, as far as can be told without a container engine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.flow import STEPS
from tests.infra.imports import needed, normal, packages

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = ROOT / "infra" / "Dockerfile"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TARGETS = ("spark", "ray", "serve", "figlake", "airflow")
#: What each image runs. A worker of one engine never opens the other; resources.py asks only the one that runs.
RUNS = {
    "spark": [s.module for s in STEPS if s.engine == "spark"] + ["pipeline.engines.spark_daemon"],
    "ray-cpu": [s.module for s in STEPS if s.engine == "ray"] + ["pipeline.ocr.rapidocr", "pipeline.ocr.easyocr"],
    "serve": [s.module for s in STEPS if s.engine == "driver"]
    + ["pipeline.search", "pipeline.sql", "pipeline.fetch", "pipeline.report.metrics"],
}
OTHER_ENGINES = {
    "spark": ["pipeline.engines.ray", "pipeline.engines.resources"], "ray-cpu": ["pipeline.engines.spark"],
    "serve": ["pipeline.engines.ray", "pipeline.engines.spark", "pipeline.engines.resources"],
}  # fmt: skip
#: Imported for readers of other machines' data only, or a part of what is in the group.
BROUGHT_BY = {"huggingface-hub": "transformers", "faiss-cpu": "faiss-cpu"}


@pytest.fixture(scope="module")
def stages() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Each stage of the Dockerfile: what it starts from, and its instructions in order."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = (base, [])
        elif found:
            list(found.values())[-1][1].append((word, rest))
    return found


def whole(stages: Any, target: str) -> list[tuple[str, str]]:
    """A target's instructions after those of every stage that it starts from."""
    base, instructions = stages[target]
    return (whole(stages, base) if base in stages else []) + instructions


def last(stages: Any, target: str, word: str) -> str:
    return str([rest for each, rest in whole(stages, target) if each == word][-1])


def group(name: str) -> set[str]:
    """Names of the packages in a dependency group, groups that it includes followed."""
    names = set()
    for entry in PROJECT["dependency-groups"][name]:
        names |= group(entry["include-group"]) if isinstance(entry, dict) else {normal(entry.split("[")[0])}
    return names


def test_the_base_image_is_pinned_to_a_patch_release_of_an_allowed_python() -> None:
    assert re.search(r"^ARG PYTHON=3\.11\.\d+-slim-bookworm$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("target", TARGETS)
def test_every_image_runs_as_a_numbered_user_under_an_init_with_a_health_check(stages: Any, target: str) -> None:
    assert last(stages, target, "USER") == "10001"
    assert last(stages, target, "ENTRYPOINT").startswith('["tini", "--"')
    assert last(stages, target, "HEALTHCHECK").endswith('CMD ["python3", "/opt/healthy.py"]')


@pytest.mark.parametrize("target", TARGETS)
def test_no_image_holds_a_build_stage_or_a_secret(stages: Any, target: str) -> None:
    instructions = whole(stages, target)
    assert "build" not in [stages[target][0]]
    for word, rest in instructions:
        if word == "COPY":
            assert re.match(
                r"--from=[\w-]+-environment /opt/(\w+) /opt/\1$|infra/images/|airflow_dags /opt/dags$", rest
            )
        if word in ("ENV", "ARG"):
            assert not re.search(r"password|secret|token|credential|_key", rest, re.IGNORECASE)


def test_java_comes_without_a_desktop_to_spark_only_and_no_package_lists_stay(stages: Any) -> None:
    assert "openjdk" not in str(whole(stages, "ray")) + str(whole(stages, "serve"))
    for word, rest in whole(stages, "airflow"):
        if word == "RUN" and "apt-get" in rest:
            assert "--no-install-recommends" in rest
            assert rest.endswith("/var/lib/apt/lists/*") or "rm -rf /var/lib/apt/lists/* &&" in rest
    assert any("openjdk-17-jre-headless" in rest for _, rest in whole(stages, "spark"))


def test_each_environment_is_pinned_and_has_one_faiss_at_most(stages: Any) -> None:
    for name, (_, instructions) in stages.items():
        installs = [rest for word, rest in instructions if word == "RUN" and "uv pip install" in rest]
        if name.endswith("-environment") and installs:
            assert re.search(r"-[cr] constraints(-airflow)?\.txt", installs[0]), name
            for used in re.findall(r"--group ([\w-]+)", installs[0]):
                assert len(group(used) & {"faiss-cpu", "faiss-gpu-cu12"}) <= 1
                assert used in PROJECT["dependency-groups"]
    bases = {f"ray-{device}-environment" for device in ("cpu", "gpu")}
    assert stages["ray-environment"][0] == "ray-${DEVICE}-environment"
    assert bases <= set(stages)


@pytest.mark.parametrize("image", sorted(RUNS))
def test_an_image_holds_what_its_steps_import_and_no_other_engine(image: str) -> None:
    wanted = packages(needed([*RUNS[image], "pipeline.worker", "jobs.options"], OTHER_ENGINES[image]))
    wanted = {BROUGHT_BY.get(name, name) for name in wanted}
    assert wanted - group(image) == set()
    engines = {"spark": {"pyspark"}, "ray-cpu": {"ray"}, "serve": set()}
    assert group(image) & {"pyspark", "ray"} == engines[image]


def test_every_package_of_an_image_is_a_dependency_of_figlake_with_a_pinned_version() -> None:
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    extras = PROJECT["project"]["optional-dependencies"]
    known = {
        normal(re.split(r"[\[<>=]", text)[0])
        for text in [*PROJECT["project"]["dependencies"], *extras["cpu"], *extras["gpu"]]
    }
    for name in PROJECT["dependency-groups"]:
        assert group(name) <= known, name
        assert group(name) <= pinned, name


def test_everything_an_image_copies_exists_and_passes_the_ignore_file(stages: Any) -> None:
    ignore = (ROOT / "infra" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    passed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = {
        source
        for _, instructions in stages.values()
        for word, rest in instructions
        if word == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    assert {next(p for p in passed if each == p or each.startswith(f"{p}/")) for each in copied} == passed


def test_sparks_home_is_where_the_images_python_puts_it(stages: Any) -> None:
    python = re.search(r"^ARG PYTHON=(3\.\d+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert python is not None
    assert last(stages, "spark", "ENV") == f"SPARK_HOME=/opt/figlake/lib/python{python[1]}/site-packages/pyspark"


def test_airflow_has_an_environment_of_its_own_and_calls_figlake_by_path(stages: Any) -> None:
    _, instructions = stages["airflow"]
    assert stages["airflow"][0] == "figlake"
    copies = [rest.split()[-1] for word, rest in instructions if word == "COPY"]
    assert copies == ["/opt/airflow", "/opt/dags", "/entrypoint"]
    assert re.search(r"PATH=/opt/airflow/bin:/opt/figlake/bin:", dict(instructions)["ENV"]), "python is Airflow's"
    assert "rm /opt/airflow/bin/figlake" in str(stages["airflow-environment"]), "and figlake is not"
    assert "AIRFLOW_VAR_FIGLAKE_COMMAND=/opt/figlake/bin/figlake" in dict(instructions)["ENV"]


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "infra/Dockerfile"],
        ["shellcheck", ".ci/run", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "infra").rglob("*.sh"))],
    ],
    ids=["hadolint", "shellcheck"],
)
def test_the_linters_find_nothing(command: list[str]) -> None:
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
