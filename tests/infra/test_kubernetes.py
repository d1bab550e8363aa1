"""The manifests are what the API server takes, give least rights, and name only what exists."""

from __future__ import annotations

import copy
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from jobs.cli import app
from pipeline.config import load_settings
from pipeline.flow import STEPS
from tests.infra.commands import ray_options, typer_problem
from tests.infra.manifests import FOLDER, ROOT, load, problems

MANIFESTS = load()
OBJECTS = [(file, each) for file, objects in MANIFESTS.items() for each in objects]
VALUES: dict[str, Any] = yaml.safe_load((FOLDER / "airflow-values.yaml").read_text(encoding="utf-8"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
PINS = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
AIRFLOW_PINS = (ROOT / "constraints-airflow.txt").read_text(encoding="utf-8")
#: What a person makes, because it is no part of a repository; docs/operations.md says how.
SECRETS = {
    "figlake-object-store", "figlake-airflow-database", "figlake-airflow-fernet", "figlake-airflow-api",
    "figlake-airflow-jwt", "figlake-ray", "figlake-object-store-read",
}  # fmt: skip


def one(file: str) -> dict[str, Any]:
    (found,) = MANIFESTS[file]
    return found


def kind_in(file: str, kind: str) -> dict[str, Any]:
    (found,) = [each for each in MANIFESTS[file] if each["kind"] == kind]
    return found


def named(kind: str) -> set[str]:
    return {each["metadata"]["name"] for _, each in OBJECTS if each["kind"] == kind and "name" in each["metadata"]}


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every pod: where it is, its labels, and its specification in Kubernetes' own words."""
    job = one("steps/job.yaml")["spec"]["template"]
    ray = one("steps/ray-job.yaml")["spec"]
    metrics = kind_in("metrics.yaml", "Deployment")["spec"]["template"]
    templates = {"job": job, "metrics": metrics, "submitter": ray["submitterPodTemplate"]}
    for name, cluster in (("step", ray["rayClusterSpec"]), ("standing", one("ray-cluster.yaml")["spec"])):
        templates[f"{name} head"] = cluster["headGroupSpec"]["template"]
        templates |= {f"{name} {group['groupName']}": group["template"] for group in cluster["workerGroupSpecs"]}
    for name, template in templates.items():
        yield name, template["metadata"]["labels"], template["spec"]
    spark = one("steps/spark-application.yaml")["spec"]
    for role in ("driver", "executor"):
        pod = spark[role]
        container = {
            "image": spark["image"], "securityContext": pod["securityContext"], "envFrom": pod["envFrom"],
            "volumeMounts": pod["volumeMounts"],
            "resources": {"requests": {"cpu": pod["cores"], "memory": pod["memory"]},
                          "limits": {"cpu": pod["coreLimit"], "memory": pod["memoryOverhead"]}},
        }  # fmt: skip
        yield role, pod["labels"], {
            "serviceAccountName": pod["serviceAccount"], "securityContext": pod["podSecurityContext"],
            "containers": [container], "volumes": spark["volumes"],
        }  # fmt: skip


PODS = list(pods())
CONTAINERS = [(name, pod, container) for name, _, pod in PODS for container in pod["containers"]]
IDS = [name for name, _, _ in PODS]


@pytest.mark.parametrize(("file", "manifest"), OBJECTS, ids=[f"{f}-{o['kind']}" for f, o in OBJECTS])
def test_the_api_server_knows_every_field(file: str, manifest: dict[str, Any]) -> None:
    assert problems(manifest) == []
    assert ("name" in manifest["metadata"]) != ("generateName" in manifest["metadata"])


@pytest.mark.parametrize(
    ("file", "path", "value", "message"),
    [
        ("steps/job.yaml", "spec.template.spec.containers.0.image", 3, "is 3, not a str"),
        ("steps/job.yaml", "spec.template.spec.serviceAcount", "x", "serviceAcount is no field of it"),
        ("steps/ray-job.yaml", "spec.rayClusterSpec.headGroupSpec.rayStartParams.num-cpus", 0, "is 0, not a str"),
        ("steps/spark-application.yaml", "spec.driver.memmory", "1g", "memmory is no field of it"),
        ("storage.yaml", "spec.accessModes", "ReadOnlyMany", "is no list"),
    ],
)
def test_a_field_that_is_wrong_is_found(file: str, path: str, value: Any, message: str) -> None:
    manifest = copy.deepcopy(one(file))
    *parents, last = path.split(".")
    at: Any = manifest
    for step in parents:
        at = at[int(step)] if step.isdigit() else at[step]
    at[last] = value
    (found,) = problems(manifest)
    assert message in found


@pytest.mark.parametrize(("name", "labels", "pod"), PODS, ids=IDS)
def test_each_pod_passes_the_restricted_standard(name: str, labels: dict[str, str], pod: dict[str, Any]) -> None:
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, 10001)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
    assert not [volume for volume in pod["volumes"] if not {"emptyDir", "persistentVolumeClaim"} & set(volume)]
    for container in pod["containers"]:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}
    one_namespace = one("namespace.yaml")["metadata"]["labels"]
    assert one_namespace["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(("name", "pod", "container"), CONTAINERS, ids=IDS)
def test_each_container_is_pinned_bounded_and_can_write_where_it_must(
    name: str, pod: dict[str, Any], container: dict[str, Any]
) -> None:
    image, _, tag = container["image"].partition(":")
    assert (image, tag.split("-")[0]) == ("figlake", VERSION)
    for which in ("requests", "limits"):
        assert {"cpu", "memory"} <= set(container["resources"][which])
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert {mounts[volume]["mountPath"] for volume in ("home", "tmp")} == {"/home/figlake", "/tmp"}
    assert set(mounts) <= {volume["name"] for volume in pod["volumes"]}
    assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume)
    if "models" in mounts:
        assert mounts["models"]["readOnly"] is True
    else:
        assert name in ("driver", "executor", "submitter", "metrics"), "drivers of Ray and publish look for models too"


def test_secrets_are_named_and_never_held_and_everything_named_is_there() -> None:
    assert not named("Secret")
    for _, pod, container in CONTAINERS:
        assert pod["serviceAccountName"] in named("ServiceAccount")
        for source in container.get("envFrom", []):
            if "secretRef" in source:
                assert source["secretRef"]["name"] in SECRETS
            else:
                assert source["configMapRef"]["name"] in named("ConfigMap")
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in named("PersistentVolumeClaim")
    for text in [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.yaml")]:
        assert not re.search(r"(password|access_?key|token)\s*[:=]\s*[\"']?\w{6,}", text, re.IGNORECASE)


def test_roles_name_what_they_allow_and_none_reads_secrets_or_runs_in_pods() -> None:
    roles = {each["metadata"]["name"]: each["rules"] for _, each in OBJECTS if each["kind"] == "Role"}
    for rules in roles.values():
        for rule in rules:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert not {"secrets", "pods/exec", "pods/attach", "serviceaccounts/token"} & set(rule["resources"])
            assert not {"bind", "escalate", "impersonate"} & set(rule["verbs"])
    assert not {"ClusterRole", "ClusterRoleBinding"} & {each["kind"] for _, each in OBJECTS}
    bound = {each["roleRef"]["name"] for _, each in OBJECTS if each["kind"] == "RoleBinding"}
    assert bound == set(roles)
    for _, each in OBJECTS:
        if each["kind"] == "RoleBinding":
            assert {subject["name"] for subject in each["subjects"]} <= named("ServiceAccount")
    for _, each in OBJECTS:
        if each["kind"] == "ServiceAccount" and each["metadata"]["name"] != "figlake-spark":
            assert each["automountServiceAccountToken"] is False
    assert "figlake-spark" in str([each for _, each in OBJECTS if each["kind"] == "RoleBinding"])
    assert VALUES["rbac"] == {"create": False}
    assert VALUES["allowPodLaunching"] is False


def test_nothing_may_talk_to_anything_unless_a_policy_says_so_and_each_policy_meets_a_pod() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in MANIFESTS["network.yaml"]}
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    engines = {labels["figlake/engine"] for _, labels, _ in PODS} | {VALUES["labels"]["figlake/engine"]}
    for name, policy in policies.items():
        selector = policy["podSelector"]
        wanted = {selector.get("matchLabels", {}).get("figlake/engine")} - {None}
        wanted |= {value for e in selector.get("matchExpressions", []) for value in e["values"]}
        assert wanted <= engines, name
    for name in ("storage-and-api", "lake-metrics"):
        block = policies[name]["egress"][0]["to"][0]["ipBlock"]
        assert "169.254.169.254/32" in block["except"], "the cloud's metadata service hands out credentials"


def test_prometheus_reaches_the_metrics_of_the_lake_and_they_reach_the_storage_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment, service = (kind_in("metrics.yaml", kind) for kind in ("Deployment", "Service"))
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    monkeypatch.setenv("FIGLAKE_LAKE", one("settings.yaml")["data"]["FIGLAKE_LAKE"])
    assert typer_problem(app, container["args"]) == ""
    (port,) = container["ports"]
    served = int(container["args"][container["args"].index("--serve") + 1])
    assert port["containerPort"] == served
    (entry,) = service["spec"]["ports"]
    assert (entry["port"], entry["targetPort"]) == (served, port["name"])
    assert service["metadata"]["annotations"]["prometheus.io/port"] == str(served)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]
    policies = {each["metadata"]["name"]: each["spec"] for each in MANIFESTS["network.yaml"]}
    (ingress,), (egress,) = policies["lake-metrics"]["ingress"], policies["lake-metrics"]["egress"]
    assert [each["port"] for each in ingress["ports"]] == [served]
    assert [each["port"] for each in egress["ports"]] == [443]
    others = [name for name, policy in policies.items() if "metrics" in str(policy["podSelector"])]
    assert others == ["lake-metrics"]


def test_airflow_s_tasks_reach_its_api_server() -> None:
    (policy,) = [m for m in MANIFESTS["network.yaml"] if m["metadata"]["name"] == "airflow"]
    airflow = {"matchLabels": {"figlake/engine": "airflow"}}
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["spec"]["ingress"] == [{"from": [{"podSelector": airflow}]}]
    assert {"to": [{"podSelector": airflow}]} in policy["spec"]["egress"]


def test_the_models_can_be_written_once_and_are_read_only_for_every_pod() -> None:
    claim = one("storage.yaml")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    text = "".join(path.read_text("utf-8") for path in (ROOT / "infra" / "kubernetes").rglob("*.yaml"))
    assert text.count("mountPath: /models") == text.count("mountPath: /models, readOnly: true") > 0


def test_who_only_reads_the_lake_has_keys_and_an_account_that_allow_no_more() -> None:
    (container,) = kind_in("metrics.yaml", "Deployment")["spec"]["template"]["spec"]["containers"]
    sources = [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
    assert sources == ["figlake-object-store-read"]
    bound = [subject["name"] for _, each in OBJECTS for subject in each.get("subjects", [])]
    assert "figlake-metrics" not in bound


def test_kustomize_lists_every_object_that_stays() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert set(listed) == {file for file in MANIFESTS if "/" not in file}


def test_the_steps_are_figlakes_and_each_engine_gets_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIGLAKE_LAKE", one("settings.yaml")["data"]["FIGLAKE_LAKE"])
    program, *ray = shlex.split(one("steps/ray-job.yaml")["spec"]["entrypoint"])
    (container,) = one("steps/job.yaml")["spec"]["template"]["spec"]["containers"]
    commands = {
        "spark": ("spark-application.yaml", one("steps/spark-application.yaml")["spec"]["arguments"]),
        "ray": ("ray-job.yaml", ray),
        "driver": ("job.yaml", container["args"]),
    }
    assert program == "figlake"
    for step in STEPS:
        file, words = commands[step.engine]
        filled = [word.replace("STEP", step.name).replace("ARCHIVE", "A1") for word in words]
        assert typer_problem(app, filled) == "", step.name
        first_line = (FOLDER / "steps" / file).read_text(encoding="utf-8").splitlines()[0]
        assert step.name in first_line, f"{file} does not say that it runs {step.name}"


def test_settings_are_settings_and_hold_no_secret() -> None:
    data = one("settings.yaml")["data"]
    load_settings(data["FIGLAKE_PROFILE"], environment=data)
    assert not [name for name in data if re.search("SECRET|PASSWORD|TOKEN|ACCESS_KEY", name)]


def test_versions_are_those_that_are_installed() -> None:
    assert one("steps/spark-application.yaml")["spec"]["sparkVersion"] == PINS["pyspark"]
    assert one("steps/ray-job.yaml")["spec"]["rayClusterSpec"]["rayVersion"] == PINS["ray"]
    assert one("ray-cluster.yaml")["spec"]["rayVersion"] == PINS["ray"]
    assert f"apache-airflow=={VALUES['airflowVersion']}\n" in AIRFLOW_PINS
    assert Version(VALUES["airflowVersion"]).major == 3
    assert VALUES["images"]["airflow"]["tag"] == f"{VERSION}-airflow"


def test_ray_takes_the_parameters_that_its_nodes_are_started_with() -> None:
    clusters = [one("steps/ray-job.yaml")["spec"]["rayClusterSpec"], one("ray-cluster.yaml")["spec"]]
    groups = [group for cluster in clusters for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]
    for cluster in clusters:
        assert cluster["authOptions"]["mode"] == "token", "whoever reaches Ray's ports could run what he likes"
    given = {f"--{name}" for group in groups for name in group["rayStartParams"]}
    assert given <= ray_options("start")


def test_airflow_runs_as_figlake_with_the_same_rights_and_secrets_by_name() -> None:
    assert VALUES["uid"] == VALUES["securityContexts"]["pod"]["runAsUser"] == 10001
    assert VALUES["securityContexts"]["containers"]["readOnlyRootFilesystem"] is True
    assert {mount["name"] for mount in VALUES["volumeMounts"]} == {volume["name"] for volume in VALUES["volumes"]}
    names = {VALUES[f"{which}SecretName"] for which in ("fernetKey", "apiSecretKey", "jwt")}
    names |= {VALUES["data"]["metadataSecretName"], *(each["secretName"] for each in VALUES["secret"])}
    assert one("ray-cluster.yaml")["spec"]["authOptions"]["secretName"] in names
    variables = {each["name"]: each["value"] for each in VALUES["env"]}
    head = f"http://{one('ray-cluster.yaml')['metadata']['name']}-head-svc:8265"
    assert variables["AIRFLOW_VAR_FIGLAKE_RAY_ADDRESS"] == head
    names |= {s["secretRef"]["name"] for s in yaml.safe_load(VALUES["extraEnvFrom"]) if "secretRef" in s}
    assert names == SECRETS - {"figlake-object-store-read"}
    for part in ("scheduler", "triggerer"):
        assert VALUES[part]["serviceAccount"] == {"create": False, "name": "figlake-airflow"}
        assert set(VALUES[part]["resources"]) == {"requests", "limits"}
    for part in ("scheduler", "triggerer", "dagProcessor"):  # its script is in Airflow's own image alone
        assert VALUES[part]["logGroomerSidecar"] == {"enabled": False}
    home = f"AIRFLOW_HOME={VALUES['airflowHome']}"
    assert home in (Path(ROOT) / "infra" / "Dockerfile").read_text(encoding="utf-8")
