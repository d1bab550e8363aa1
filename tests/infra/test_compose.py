"""The compose files are valid, give away nothing, and name only what exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from jobs.cli import app
from pipeline.config import load_settings
from pipeline.engines.java import find_java
from tests.infra.commands import ray_options, spark_options, typer_problem

ROOT = Path(__file__).resolve().parent.parent.parent
INFRA = ROOT / "infra"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
#: ${NAME}, ${NAME:-default} and ${NAME:?message}.
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
FIGLAKE_VARIABLE = re.compile(r"var\.value\.(?:get\(')?(figlake_\w+)")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY", re.IGNORECASE)


def load(name: str) -> dict[str, Any]:
    """A compose file as it is written, anchors followed, variables left."""
    return dict(yaml.safe_load((INFRA / name).read_text(encoding="utf-8")))


def filled(tree: Any) -> Any:
    """The same with every variable at its default, or at a word where it has none."""
    if isinstance(tree, dict):
        return {key: filled(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [filled(value) for value in tree]
    if isinstance(tree, str):
        return VARIABLE.sub(lambda found: found[3] if found[2] == "-" else "chosen", tree)
    return tree


ALERTS = load("compose.alerts.yaml")
SERVICES: dict[str, Any] = load("compose.yaml")["services"] | {"alertmanager": ALERTS["services"]["alertmanager"]}
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}


@pytest.mark.parametrize("file", ["compose.yaml", "compose.gpu.yaml", "compose.alerts.yaml", "compose.fetch.yaml"])
def test_the_file_is_valid_under_the_compose_specification(file: str) -> None:
    PyCompose.from_yaml(yaml.safe_dump(filled(load(file))))


def test_the_validator_knows_a_key_that_does_not_exist() -> None:
    broken = filled(load("compose.yaml"))
    broken["services"]["airflow"]["privilegd"] = True
    with pytest.raises(ValueError, match="privilegd"):
        PyCompose.from_yaml(yaml.safe_dump(broken))


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_keeps_few_rights_and_has_a_ceiling(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not {"privileged", "pid", "ipc", "userns_mode", "devices"} & set(service)
    assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    if str(service.get("user", "10001")).startswith("0"):  # the one that hands a volume over, without a network
        assert (service["cap_add"], service["network_mode"]) == (["CHOWN"], "none")
    else:
        assert not {"cap_add", "network_mode"} & set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_pinned_and_figlakes_own_has_the_version_of_the_project(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert re.search(r"\d+\.\d+\.\d+|RELEASE\.\d{4}-\d\d-\d\d", tag), f"{image}:{tag}"
    if image == "figlake":
        assert tag.startswith(f"{VERSION}-")
    else:
        assert "user" in SERVICES[name], "its own user may be root"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_each_service_that_stays_has_a_health_check(name: str) -> None:
    service = SERVICES[name]
    if service["image"].startswith("figlake:"):  # the images' own asks the addresses that are named
        assert re.fullmatch(r"((http|tcp)://[\w.-]+:\d+[\w/]* ?)+", service["environment"]["FIGLAKE_HEALTH"])
    else:
        assert service["healthcheck"]["test"][0] == "CMD"


def test_services_wait_for_services_that_can_be_waited_for() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] == ("service_completed_successfully" if other in ONCE else "service_healthy"), name


def test_secrets_are_references_that_must_be_set_and_the_example_names_each_without_a_value() -> None:
    lines = (INFRA / ".env.example").read_text(encoding="utf-8").splitlines()
    example = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert set(example.values()) == {""}
    required = {found[0] for found in VARIABLE.findall((INFRA / "compose.yaml").read_text("utf-8")) if found[1] == "?"}
    assert required == set(example)
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key):
                assert VARIABLE.fullmatch(value), f"{name}: {key}"
                assert value.startswith("${" + VARIABLE.fullmatch(value)[1] + ":?")  # type: ignore[index]
    assert "infra/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_pages_are_for_this_machine_only_and_no_two_share_a_port() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len({port.split(":")[1] for port in ports}) == len(ports)


def test_volumes_are_declared_and_files_of_the_host_exist_and_are_read_only() -> None:
    named = set()
    for service in SERVICES.values():
        for volume in filled(service.get("volumes", [])):
            source, *rest = volume.split(":")
            if source.startswith("."):
                assert rest[-1] == "ro", volume
                assert (INFRA / source).exists() or source.startswith("../demo"), volume
            elif not source.startswith("/"):
                named.add(source)
    assert named == set(load("compose.yaml")["volumes"])


@pytest.mark.parametrize("name", [name for name in SERVICES if "FIGLAKE_LAKE" in SERVICES[name].get("environment", {})])
def test_the_settings_in_the_environment_are_settings(name: str) -> None:
    environment = filled(SERVICES[name]["environment"])
    settings = load_settings(environment["FIGLAKE_PROFILE"], environment=environment)
    if name == "metrics":  # it reads the lake, and has the means for nothing else
        assert "RAY_AUTH_TOKEN" not in environment
        key, own = "AWS_ACCESS_KEY_ID", SERVICES[name]["environment"]
        assert own[key] != SERVICES["airflow"]["environment"][key]
        return
    assert settings.spark.master == "spark://spark-master:7077"
    assert "spark-master" in SERVICES


def test_each_image_is_built_by_a_service_that_starts_by_itself() -> None:
    built = {service["image"] for service in SERVICES.values() if "build" in service and "profiles" not in service}
    assert {service["image"] for service in SERVICES.values() if service["image"].startswith("figlake:")} <= built


def test_what_the_services_run_takes_the_options_that_they_are_given() -> None:
    java = find_java()
    for name, service in SERVICES.items():
        program, *words = service.get("command", [""])
        if program == "sh":
            commands = [shlex.split(command.removeprefix(" exec")) for command in words[1].split("&&")]
            assert {command[0] for command in commands} == {"airflow"}
            pools = next(Path(command[-1]).name for command in commands if command[1] == "pools")
            assert (ROOT / "airflow_dags" / pools).is_file()
        options = {word.split("=")[0] for word in words if word.startswith("--")}
        if program == "ray":
            assert options <= ray_options(words[0]), name
        elif program in ("master", "worker"):
            assert options <= spark_options(program, java), name
        elif SERVICES[name]["image"].endswith("-serve") and "entrypoint" not in service:
            assert not typer_problem(app, [program, *words, "--lake", "."]), name


def test_airflow_and_every_worker_of_spark_see_the_deliveries_and_each_reader_the_models() -> None:
    for folder, names in (
        ("/deliveries", ("airflow", "spark-worker")),
        ("/models", ("ray-head", "ray-worker", "airflow")),
    ):
        for name in names:
            assert [volume for volume in SERVICES[name]["volumes"] if folder in volume.split(":")], f"{name}: {folder}"


def test_the_runner_of_airflow_is_told_of_services_that_are_there() -> None:
    told = SERVICES["airflow"]["environment"]
    assert told["AIRFLOW_VAR_FIGLAKE_RUNNER"] == "cluster"
    for address in (told["AIRFLOW_VAR_FIGLAKE_SPARK_OPTIONS"].split()[1], told["AIRFLOW_VAR_FIGLAKE_RAY_ADDRESS"]):
        assert re.fullmatch(r"\w+://([\w-]+):\d+", address)[1] in SERVICES  # type: ignore[index]


def test_prometheus_scrapes_the_metrics_and_grafana_shows_them() -> None:
    (job,) = yaml.safe_load((INFRA / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    name, port = target.split(":")
    assert SERVICES[name]["command"][:3] == ["metrics", "--serve", port]
    (source,) = yaml.safe_load((INFRA / "grafana" / "datasource.yaml").read_text("utf-8"))["datasources"]
    name, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()  # type: ignore[union-attr]
    assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
    (provider,) = yaml.safe_load((INFRA / "grafana" / "dashboards.yaml").read_text("utf-8"))["providers"]
    mounted = {volume.split(":")[0]: volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]}
    assert Path(mounted["./grafana/figlake.json"]).parent == Path(provider["options"]["path"])


def test_alerts_reach_somebody_and_the_address_is_a_secret() -> None:
    prometheus = yaml.safe_load((INFRA / "prometheus" / "prometheus.yml").read_text("utf-8"))
    (manager,) = prometheus["alerting"]["alertmanagers"]
    (target,) = manager["static_configs"][0]["targets"]
    assert target.split(":")[0] in SERVICES
    told = yaml.safe_load((INFRA / "prometheus" / "alertmanager.yml").read_text("utf-8"))
    (receiver,) = told["receivers"]
    assert {told["route"]["receiver"], *(route["receiver"] for route in told["route"]["routes"])} == {receiver["name"]}
    manager, variable = SERVICES["alertmanager"], "FIGLAKE_ALERT_URL"
    assert VARIABLE.fullmatch(manager["environment"][variable])[1] == variable  # type: ignore[index]
    assert f'"$${variable}" > {receiver["slack_configs"][0]["api_url_file"]} ' in manager["command"][0]
    assert not any("secrets" in service for service in SERVICES.values()), "compose refuses them where all is read-only"
    assert variable in (INFRA / ".env.example").read_text("utf-8")
    assert (
        VARIABLE.fullmatch(ALERTS["services"]["airflow"]["environment"]["AIRFLOW_VAR_FIGLAKE_ALERT_URL"])[1] == variable
    )  # type: ignore[index]
    severities = {matcher for route in told["route"]["routes"] for matcher in route["matchers"]}
    rules = yaml.safe_load((INFRA / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
    assert {f'severity = "{rule["labels"]["severity"]}"' for rule in rules} - severities == {'severity = "ticket"'}


def test_fetching_changes_airflow_alone_and_gives_it_the_deliveries_to_write_to() -> None:
    ((name, service),) = load("compose.fetch.yaml")["services"].items()
    (folder,) = filled(service["volumes"])
    assert f"{folder}:ro" in filled(SERVICES[name]["volumes"])
    named = set(FIGLAKE_VARIABLE.findall((ROOT / "airflow_dags" / "figlake_operators.py").read_text("utf-8")))
    assert {key.removeprefix("AIRFLOW_VAR_").lower() for key in service["environment"]} <= named


def test_images_are_built_from_targets_that_exist() -> None:
    targets = re.findall(r"^FROM .* AS ([\w-]+)$", (INFRA / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    built = {}
    for service in SERVICES.values():
        if "build" in service:
            assert service["build"]["target"] in targets
            assert (
                INFRA / service["build"]["context"] / service["build"]["dockerfile"]
            ).resolve() == INFRA / "Dockerfile"
            built[service["image"]] = service["build"]["target"]
    own = {service["image"] for service in SERVICES.values() if service["image"].startswith("figlake:")}
    assert own == set(built), "an image that no service builds"


@pytest.mark.parametrize("file", ["policy.json", "read-policy.json"])
def test_a_user_of_the_lake_may_do_in_its_bucket_what_it_needs_and_nothing_elsewhere(file: str) -> None:
    statements = yaml.safe_load((INFRA / "object-store" / file).read_text(encoding="utf-8"))["Statement"]
    for statement in statements:
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action or "Policy" in action]
        assert all(re.fullmatch(r"arn:aws:s3:::figlake(/\*)?", where) for where in statement["Resource"])
        if file == "read-policy.json":
            assert all(re.match("s3:(Get|List)", action) for action in statement["Action"])
