"""Kubernetes manifests as the API server would see them: unknown fields and wrong types found without a cluster.

Fields of Kubernetes' own objects come from its Python client, which is made from its OpenAPI description; those of
the two operators' objects are the ones listed here, which is more than figlake's manifests use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import models

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "infra" / "kubernetes"
#: (apiVersion, kind) → the client's name of it.
KINDS = {
    ("v1", "Namespace"): "V1Namespace",
    ("v1", "ServiceAccount"): "V1ServiceAccount",
    ("v1", "ConfigMap"): "V1ConfigMap",
    ("v1", "PersistentVolumeClaim"): "V1PersistentVolumeClaim",
    ("v1", "Service"): "V1Service",
    ("apps/v1", "Deployment"): "V1Deployment",
    ("batch/v1", "Job"): "V1Job",
    ("rbac.authorization.k8s.io/v1", "Role"): "V1Role",
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): "V1RoleBinding",
    ("networking.k8s.io/v1", "NetworkPolicy"): "V1NetworkPolicy",
}
_SPARK_POD = {
    "cores": "object", "coreRequest": "str", "coreLimit": "str", "memory": "str", "memoryOverhead": "str",
    "serviceAccount": "str", "labels": "Dict[str, str]", "annotations": "Dict[str, str]",
    "env": "List[V1EnvVar]", "envFrom": "List[V1EnvFromSource]", "volumeMounts": "List[V1VolumeMount]",
    "podSecurityContext": "V1PodSecurityContext", "securityContext": "V1SecurityContext",
    "nodeSelector": "Dict[str, str]", "tolerations": "List[V1Toleration]", "affinity": "V1Affinity",
}  # fmt: skip
_RAY_CLUSTER = {
    "rayVersion": "str", "enableInTreeAutoscaling": "bool", "suspend": "bool",
    "authOptions": {"mode": "str", "secretName": "str"},
    "headGroupSpec": {"serviceType": "str", "rayStartParams": "Dict[str, str]", "template": "V1PodTemplateSpec"},
    "workerGroupSpecs": [{
        "groupName": "str", "replicas": "int", "minReplicas": "int", "maxReplicas": "int",
        "rayStartParams": "Dict[str, str]", "template": "V1PodTemplateSpec",
    }],
}  # fmt: skip
#: The operators' objects: field → type, in the client's spelling, or the fields of what is in there.
OPERATORS: dict[tuple[str, str], dict[str, Any]] = {
    ("sparkoperator.k8s.io/v1beta2", "SparkApplication"): {
        "type": "str", "mode": "str", "sparkVersion": "str", "image": "str", "imagePullPolicy": "str",
        "mainApplicationFile": "str", "arguments": "List[str]", "timeToLiveSeconds": "int",
        "sparkConf": "Dict[str, str]", "volumes": "List[V1Volume]", "deps": "object", "dynamicAllocation": "object",
        "restartPolicy": {
            "type": "str", "onFailureRetries": "int", "onFailureRetryInterval": "int",
            "onSubmissionFailureRetries": "int", "onSubmissionFailureRetryInterval": "int",
        },
        "driver": _SPARK_POD, "executor": {**_SPARK_POD, "instances": "int", "deleteOnTermination": "bool"},
    },
    ("ray.io/v1", "RayJob"): {
        "entrypoint": "str", "submissionMode": "str", "shutdownAfterJobFinishes": "bool",
        "ttlSecondsAfterFinished": "int", "activeDeadlineSeconds": "int", "backoffLimit": "int",
        "suspend": "bool", "runtimeEnvYAML": "str",
        "submitterPodTemplate": "V1PodTemplateSpec",
        "rayClusterSpec": _RAY_CLUSTER,
    },
    ("ray.io/v1", "RayCluster"): _RAY_CLUSTER,
}  # fmt: skip


def load() -> dict[str, list[dict[str, Any]]]:
    """Every manifest by file, as one or more objects; Helm's values and kustomize's list left out."""
    others = {"kustomization.yaml", "airflow-values.yaml"}
    return {
        path.relative_to(FOLDER).as_posix(): list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        for path in sorted(FOLDER.rglob("*.yaml"))
        if path.name not in others
    }


def problems(manifest: dict[str, Any]) -> list[str]:
    """Fields that the API server does not know, or that have another type than it wants."""
    kind = (manifest["apiVersion"], manifest["kind"])
    if kind in KINDS:
        return list(_faults(manifest, KINDS[kind], manifest["kind"]))
    if kind not in OPERATORS:
        return [f"no such kind: {kind}"]
    head = {"apiVersion": "str", "kind": "str", "metadata": "V1ObjectMeta", "spec": OPERATORS[kind]}
    return list(_faults(manifest, head, manifest["kind"]))


def _faults(value: Any, wanted: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, dict):
        yield from _fields(value, wanted, where)
    elif isinstance(wanted, list):
        yield from _each(value, wanted[0], where)
    elif found := re.fullmatch(r"[Ll]ist\[(.+)\]", wanted):
        yield from _each(value, found[1], where)
    elif found := re.fullmatch(r"[Dd]ict[\[(]str, (.+)[\])]", wanted):
        if not isinstance(value, dict):
            yield f"{where} is no mapping"
        else:
            for key, each in value.items():
                yield from _faults(each, found[1], f"{where}.{key}")
    elif hasattr(models, wanted):
        model = getattr(models, wanted)
        yield from _fields(value, {model.attribute_map[k]: kind for k, kind in model.openapi_types.items()}, where)
    elif wanted in ("str", "int", "bool", "float") and type(value).__name__ != wanted:
        yield f"{where} is {value!r}, not a {wanted}"


def _fields(value: Any, wanted: dict[str, Any], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is {value!r}, not an object"
        return
    for key, each in value.items():
        if key in wanted:
            yield from _faults(each, wanted[key], f"{where}.{key}")
        else:
            yield f"{where}.{key} is no field of it"


def _each(value: Any, wanted: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where} is no list"
        return
    for number, each in enumerate(value):
        yield from _faults(each, wanted, f"{where}[{number}]")
