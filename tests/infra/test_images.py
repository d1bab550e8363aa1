"""The images and the compose file keep their promises, as far as can be told without a container engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def stages() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Each stage of the Dockerfile: what it starts from, and its instructions in order."""
    text = (ROOT / "infra" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    found: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = (base, [])
        elif found:
            list(found.values())[-1][1].append((word, rest))
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text(encoding="utf-8")))


def test_the_base_image_is_pinned_to_a_patch_release_of_an_allowed_python() -> None:
    dockerfile = (ROOT / "infra" / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG PYTHON=3\.11\.\d+-slim-bookworm$", dockerfile, re.MULTILINE)


@pytest.mark.parametrize("target", ["cpu", "gpu", "airflow"])
def test_every_image_runs_as_a_numbered_user_and_holds_no_build_stage(stages: Any, target: str) -> None:
    base, instructions = stages[target]
    assert base == "runtime"
    assert stages["runtime"][0] == "python:${PYTHON}"
    assert ("USER", "10001") in stages["runtime"][1]
    assert not [rest for word, rest in instructions if word == "USER"]
    assert all(
        rest.startswith("--from=") or rest == "airflow_dags /opt/dags" for w, rest in instructions if w == "COPY"
    )


def test_the_runtime_brings_a_java_without_a_desktop_and_leaves_no_package_lists(stages: Any) -> None:
    (install,) = [rest for word, rest in stages["runtime"][1] if word == "RUN"]
    assert "--no-install-recommends openjdk-17-jre-headless" in install
    assert "rm -rf /var/lib/apt/lists/*" in install


def test_faiss_for_cpu_and_for_gpu_are_never_in_one_image(stages: Any) -> None:
    extras = {
        name: re.findall(r"--extra (\w+)", " ".join(rest for _, rest in instructions))
        for name, (_, instructions) in stages.items()
    }
    assert extras["cpu-environment"] == ["cpu"]
    assert extras["gpu-environment"] == ["gpu"]
    assert extras["airflow-environment"] == []


def test_airflow_has_an_environment_of_its_own_and_calls_figlake_by_path(stages: Any) -> None:
    _, instructions = stages["airflow"]
    copies = [rest.split()[-1] for word, rest in instructions if word == "COPY"]
    assert copies == ["/opt/figlake", "/opt/airflow", "/opt/dags"]
    assert "AIRFLOW_VAR_FIGLAKE_COMMAND=/opt/figlake/bin/figlake" in dict(instructions)["ENV"]
    assert ("ENTRYPOINT", '["/opt/airflow/bin/airflow"]') in instructions


def test_everything_an_image_copies_exists_and_passes_the_ignore_file(stages: Any) -> None:
    ignore = (ROOT / "infra" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {
        source
        for _, instructions in stages.values()
        for word, rest in instructions
        if word == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    assert copied == {line.removeprefix("!") for line in ignore if line.startswith("!")}


def test_each_service_builds_a_target_that_exists_and_keeps_few_rights(compose: dict[str, Any], stages: Any) -> None:
    assert set(compose["services"]) == {"figlake", "airflow"}
    for service in compose["services"].values():
        build = service["build"]
        assert build["target"] in stages
        assert (ROOT / "infra" / build["context"] / build["dockerfile"]).resolve() == ROOT / "infra" / "Dockerfile"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.get("privileged")


def test_services_share_the_lake_read_deliveries_only_and_open_ports_on_this_machine_only(
    compose: dict[str, Any],
) -> None:
    for service in compose["services"].values():
        mounts = dict(volume.rsplit(":/", 1) for volume in service["volumes"])
        assert mounts["lake"] == "lake"
        assert "deliveries:ro" in mounts.values()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    named = {volume.split(":")[0] for s in compose["services"].values() for volume in s["volumes"]} - {
        "${FIGLAKE_DELIVERIES"
    }
    assert named == set(compose["volumes"])


def test_images_are_tagged_with_the_version_of_the_project(compose: dict[str, Any]) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)
    assert {s["image"] for s in compose["services"].values()} == {
        f"figlake:{version}-cpu",
        f"figlake:{version}-airflow",
    }
