"""A table through Spark and through Ray and back into the lake."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config import load_settings
from pipeline.engines import ray as ray_engine
from pipeline.engines import spark as spark_engine
from pipeline.errors import Reason, Reject
from pipeline.lake import Lake
from pipeline.parts import PartWriter, result_batch
from schemas import TABLES
from tests.object_store import object_store
from tests.pipeline.test_lake import ids, write

pytestmark = pytest.mark.slow

SETTINGS = load_settings(environment={}, overrides=["ray.object_store_mb=100", "ray.num_cpus=2"])


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with spark_engine.session(SETTINGS) as session:
        yield session


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    with ray_engine.session(SETTINGS):
        yield


def copier(lake: Lake, to: str) -> spark_engine.Worker:
    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with PartWriter(lake.storage, "facets", {"archive": to}) as writer:
            rows = 0
            for batch in batches:
                writer.write(batch)
                rows += batch.num_rows
        yield result_batch(writer.parts, [Reject("x", Reason.STEP_ERROR, "for show")], rows_in=rows)

    return work


def test_spark_reads_an_archive_and_its_workers_write_parts(spark: Any, tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1", "a2"]))
    lake.commit("facets", "classify", "B", 10, write(lake, "B", ["b1"]))
    frame = spark_engine.read(spark, lake, "facets", "A")
    assert frame.columns[-1] == "archive"
    assert {row.archive for row in frame.select("archive").collect()} == {"A"}
    outcome = spark_engine.run(frame.coalesce(1), copier(lake, "C"), lambda done, total: None)
    lake.commit("facets", "classify", "C", 10, outcome.parts)
    assert (ids(lake, "C"), outcome.rows_in, len(outcome.rejects)) == (["a1", "a2"], 2, 1)
    assert outcome.peak_memory_mb > 10


def test_spark_reads_an_archive_that_is_not_there_as_empty(spark: Any, tmp_path: Path) -> None:
    assert spark_engine.read(spark, Lake.at(tmp_path), "facets", "A").count() == 0


def test_spark_reads_a_bucket_through_its_python_workers(spark: Any) -> None:
    with object_store("spark") as options:
        lake = Lake.at("s3://spark/lake", options)
        lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1", "a2"]))
        rows = spark_engine.read(spark, lake, "facets", "A", ["figure_id", "type_probability"]).collect()
    assert sorted((r.figure_id, r.type_probability, r.archive) for r in rows) == [("a1", 1.0, "A"), ("a2", 1.0, "A")]


def test_spark_gives_each_item_to_a_task_whose_worker_has_the_steps_loaded(spark: Any) -> None:
    def work(item: str) -> pa.RecordBatch:
        import pyspark

        loaded = str("pipeline.linking.step" in sys.modules and "pyspark.zip" not in pyspark.__file__)
        return result_batch((), [Reject(item, Reason.STEP_ERROR, loaded)], rows_in=1)

    outcome = spark_engine.run_items(spark, ["a", "b", "c"], work)
    assert sorted((reject.item, reject.detail) for reject in outcome.rejects) == [(item, "True") for item in "abc"]
    assert outcome.rows_in == 3
    assert spark_engine.run_items(spark, [], work).rows_in == 0
    large = [letter * 100_000 for letter in "abc"]  # more than a closure takes along
    assert sorted(reject.item for reject in spark_engine.run_items(spark, large, work).rejects) == large
    assert spark.conf.get("spark.sql.codegen.factoryMode") == "FALLBACK"


def test_spark_leaves_a_small_archive_to_more_than_one_core(spark: Any) -> None:
    rows = [(f"EP{number}", random.Random(number).randbytes(8192)) for number in range(40)]

    def tell(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        count = sum(batch.num_rows for batch in batches)
        yield result_batch(notes=[{"rows": count}] if count else [], rows_in=count)

    outcome = spark_engine.run(spark.createDataFrame(rows, "doc_id string, image binary").repartition("doc_id"), tell)
    assert outcome.rows_in == 40
    assert len(outcome.notes) > 1


@pytest.mark.parametrize("table", ["documents", "sheets", "links", "figure_vectors"])
def test_spark_knows_every_kind_of_column(spark: Any, tmp_path: Path, table: str) -> None:
    assert spark_engine.read(spark, Lake.at(tmp_path), table, "A").columns == [
        *TABLES[table].part_schema.names,
        "archive",
    ]


def test_ray_reads_slices_and_its_sink_writes_parts_and_rejects(ray: None, tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    lake.commit("facets", "classify", "A", 10, write(lake, "A", [f"a{i}" for i in range(20)]))

    def mark(batch: pa.Table) -> pa.Table:
        names = batch["figure_id"].to_pylist()
        rejects = [ray_engine.reject_text(Reject(n, Reason.STEP_ERROR, "odd")) if n == "a7" else None for n in names]
        return batch.drop_columns(["archive"]).append_column("reject", pa.array(rejects, pa.string()))

    dataset = ray_engine.read(lake, "facets", "A")
    assert dataset.count() == 20
    dataset = dataset.map_batches(mark, batch_format="pyarrow")
    outcome = ray_engine.run(
        ray_engine.sink(dataset, lake, "facets", "B", SETTINGS, rows_per_part=8, rejects_column="reject")
    )
    lake.commit("facets", "classify", "B", 10, outcome.parts)
    assert ids(lake, "B") == sorted(f"a{i}" for i in range(20) if i != 7)
    assert outcome.rejects == [Reject("a7", Reason.STEP_ERROR, "odd")]
    assert len(outcome.parts) == 3


def test_ray_reads_an_archive_that_is_not_there_as_empty(ray: None, tmp_path: Path) -> None:
    dataset = ray_engine.read(Lake.at(tmp_path), "facets", "A")
    assert dataset.count() == 0
    assert ray_engine.run(ray_engine.sink(dataset, Lake.at(tmp_path), "facets", "A", SETTINGS)).parts == []


def test_ray_filters_rows_on_the_workers(ray: None, tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1", "a2", "a3"]))
    found = ray_engine.read(lake, "facets", "A", ["doc_id"], where={"figure_id": ["a1", "a3"]})
    assert (found.count(), found.schema().names) == (2, ["doc_id", "archive"])


def test_ray_cuts_a_small_archive_for_every_actor(ray: None, tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    lake.commit("facets", "classify", "A", 10, write(lake, "A", [f"a{i:02}" for i in range(20)]))

    class Reader:
        """Waits until another actor has rows too: a machine may be done before its second actor has started."""

        def __call__(self, batch: pa.Table) -> pa.Table:
            from ray import get_runtime_context

            (tmp_path / f"{get_runtime_context().get_actor_id()}.actor").touch()
            until = time.monotonic() + 60
            while (actors := len(list(tmp_path.glob("*.actor")))) < 2 and time.monotonic() < until:
                time.sleep(0.05)
            return pa.table({"rows": [batch.num_rows], "actors": [actors]})

    dataset = ray_engine.read(lake, "facets", "A", ["figure_id"])
    options = ray_engine.actor_options(SETTINGS, 2)
    found = dataset.map_batches(Reader, batch_format="pyarrow", batch_size=8, **options).take_all()
    assert sum(row["rows"] for row in found) == 20
    assert {row["actors"] for row in found} == {2}  # the 8 slices that it is read in are not one batch of 8


def test_model_actors_are_as_many_as_the_cluster_has_processors(ray: None) -> None:
    assert ray_engine.actor_options(SETTINGS, 100) == {"concurrency": 2, "num_cpus": 1}
    wants_gpu = load_settings(environment={}, overrides=["ray.gpus_per_actor=1"])
    assert ray_engine.actor_options(wants_gpu, 100) == {"concurrency": 2, "num_cpus": 1}


def test_model_actors_are_no_more_than_have_something_to_do(ray: None) -> None:
    found = [
        ray_engine.actor_options(SETTINGS, most, actors)["concurrency"] for most, actors in ((0, 0), (1, 3), (9, 3))
    ]
    assert found == [1, 1, 3]


def test_what_spark_forks_its_workers_from_has_no_threads_but_those_that_survive_it() -> None:
    # OpenBLAS (named like the process) and jemalloc put theirs in order around a fork; Python's and others would hang.
    script = (
        "import os, threading\n"
        "from unittest.mock import patch\n"
        "import pyspark.daemon\n"
        "from pipeline.engines import spark_daemon\n"
        "def manager():\n"
        "    names = {open(f'/proc/self/task/{t}/comm').read().strip() for t in os.listdir('/proc/self/task')}\n"
        "    own = open('/proc/self/comm').read().strip()\n"
        "    print(threading.active_count(), sorted(names - {own, 'jemalloc_bg_thd'}))\n"
        "with patch('pyspark.daemon.manager', manager):\n"
        "    spark_daemon.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "1 []\n", done.stdout + done.stderr


def test_a_spark_session_can_follow_another_in_one_process() -> None:
    code = (
        "from pipeline.config import load_settings; from pipeline.engines.spark import session\n"
        "for _ in range(2):\n"
        "    with session(load_settings(environment={})) as spark: print(spark.range(3).count())"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, text=True, capture_output=True)
    assert done.stdout.split() == ["3", "3"], done.stderr
