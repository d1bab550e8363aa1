"""What the images start: Spark's roles, and the health check, as real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pyspark
import pytest

from pipeline.engines.java import find_java
from tests.e2e.clusters import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / "infra" / "images"
SPARK_HOME = Path(pyspark.__file__).parent
#: What Spark on Kubernetes puts into the environment of an executor.
EXECUTOR = {
    "SPARK_DRIVER_URL": "spark://driver@10.0.0.1:7078", "SPARK_EXECUTOR_ID": "3", "SPARK_EXECUTOR_CORES": "2",
    "SPARK_EXECUTOR_MEMORY": "1g", "SPARK_APPLICATION_ID": "app-1", "SPARK_EXECUTOR_POD_IP": "10.0.0.2",
    "SPARK_RESOURCE_PROFILE_ID": "0", "SPARK_EXECUTOR_POD_NAME": "pod-3", "SPARK_CONF_DIR": "/opt/spark/conf",
    **{f"SPARK_JAVA_OPT_{number}": f"-Dn={number} x" for number in range(11)},
}  # fmt: skip


def healthy(address: str | None) -> tuple[int, str]:
    environment = {"PATH": os.environ["PATH"]} | ({"FIGLAKE_HEALTH": address} if address else {})
    done = subprocess.run(
        [sys.executable, IMAGES / "healthy.py"], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.strip()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/well" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    found = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{found.server_address[1]}"
    found.shutdown()


def test_a_server_that_answers_is_healthy_by_page_and_by_port(server: str) -> None:
    assert healthy(f"http://{server}/well") == (0, "")
    assert healthy(f"tcp://{server}") == (0, "")
    assert healthy(f"http://{server}/well tcp://{server}") == (0, "")


def test_a_server_that_refuses_or_is_gone_is_not_and_the_reason_is_told(server: str) -> None:
    assert healthy(f"http://{server}/ill") == (1, f"http://{server}/ill: HTTP Error 503: Service Unavailable")
    for scheme in ("http", "tcp"):
        code, said = healthy(f"{scheme}://127.0.0.1:9")
        assert code == 1
        assert "Connection refused" in said
    assert healthy(f"tcp://{server} http://{server}/ill")[0] == 1
    assert healthy("file:///etc/passwd") == (1, "file:///etc/passwd is neither http:// nor tcp://")


def test_a_container_that_serves_nothing_is_healthy() -> None:
    assert healthy(None) == (0, "")


@pytest.fixture
def noting(tmp_path: Path) -> Path:
    """A Spark and a Java that print their arguments, one a line."""
    for program in ("bin/spark-submit", "bin/java"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / program).write_text('#!/bin/sh\nprintf \'%s\\n\' "$0" "$@"\n')
        (tmp_path / program).chmod(0o755)
    return tmp_path


def spark(home: Path, *words: str, **variables: str) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "SPARK_HOME": str(home), "JAVA_HOME": str(home), **variables}
    done = subprocess.run([IMAGES / "spark.sh", *words], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_driver_on_kubernetes_is_submitted_in_its_own_pod(noting: Path) -> None:
    words = ["--properties-file", "/opt/spark/conf/spark.properties", "local:///opt/submit.py", "step", "extract"]
    assert spark(noting, "driver", *words, SPARK_DRIVER_BIND_ADDRESS="10.0.0.1") == [
        f"{noting}/bin/spark-submit", "--deploy-mode", "client", "--conf", "spark.driver.bindAddress=10.0.0.1",
        "--conf", "spark.executorEnv.SPARK_DRIVER_POD_IP=10.0.0.1", *words,
    ]  # fmt: skip


def test_an_executor_on_kubernetes_gets_its_options_in_order_and_whole(noting: Path) -> None:
    said = spark(noting, "executor", **EXECUTOR)
    assert said[1:12] == [f"-Dn={number} x" for number in range(11)]
    assert said[12:16] == ["-Xms1g", "-Xmx1g", "-cp", f"/opt/spark/conf:{noting}/jars/*"]
    assert said[16:] == [
        "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
        "--driver-url", "spark://driver@10.0.0.1:7078", "--executor-id", "3", "--cores", "2", "--app-id", "app-1",
        "--hostname", "10.0.0.2", "--resourceProfileId", "0", "--podName", "pod-3",
    ]  # fmt: skip


def test_an_executor_that_lacks_a_variable_says_which(noting: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as raised:
        spark(noting, "executor", **{**EXECUTOR, "SPARK_DRIVER_URL": ""})
    assert "SPARK_DRIVER_URL" in raised.value.stderr


def test_any_other_words_are_a_command(noting: Path) -> None:
    assert spark(noting, "echo", "a b", "c") == ["a b c"]


def test_the_classes_and_options_that_the_script_names_are_in_this_spark() -> None:
    script = (IMAGES / "spark.sh").read_text(encoding="utf-8")
    jars = {jar.name: zipfile.ZipFile(jar) for jar in (SPARK_HOME / "jars").glob("spark-*_2.13-*.jar")}
    files = {name for jar in jars.values() for name in jar.namelist()}
    for name in re.findall(r"org\.apache\.spark[\w.]+", script):
        assert f"{name.replace('.', '/')}.class" in files
    (kubernetes,) = [jar for name, jar in jars.items() if name.startswith("spark-kubernetes")]
    constants = kubernetes.read("org/apache/spark/deploy/k8s/Constants$.class")
    for variable in re.findall(r"SPARK_(?:EXECUTOR|DRIVER_B|APPL|RESOURCE|DRIVER_URL)\w*", script):
        assert variable.encode() in constants, variable


@pytest.mark.slow
def test_a_master_and_a_worker_find_each_other_and_are_healthy(tmp_path: Path) -> None:
    port, page, worker_page = (free_port() for _ in range(3))
    environment = {"PATH": os.environ["PATH"], "SPARK_HOME": str(SPARK_HOME), "JAVA_HOME": str(find_java())}
    environment |= {"SPARK_WORKER_DIR": str(tmp_path), "SPARK_LOCAL_IP": "127.0.0.1"}
    master = ["master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)]
    worker = ["worker", "--host", "127.0.0.1", "--webui-port", str(worker_page), "--cores", "1", "--memory", "512m"]
    started = []
    try:
        for words in (master, [*worker, f"spark://127.0.0.1:{port}"]):
            with (tmp_path / f"{words[0]}.log").open("wb") as log:
                started.append(subprocess.Popen([IMAGES / "spark.sh", *words], env=environment, stdout=log, stderr=log))
        deadline = time.monotonic() + 90
        while "Registering worker" not in (tmp_path / "master.log").read_text() and time.monotonic() < deadline:
            time.sleep(0.3)
        for number in (page, worker_page):
            while healthy(f"http://127.0.0.1:{number}/json/")[0] and time.monotonic() < deadline:
                time.sleep(0.3)
            assert healthy(f"http://127.0.0.1:{number}/json/") == (0, "")
        assert "Registering worker" in (tmp_path / "master.log").read_text()
    finally:
        for process in started:
            process.terminate()
            process.wait(30)
