"""Spark: a session, a table as a DataFrame, and a job whose workers write parts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.config import Settings
from pipeline.engines import classes
from pipeline.engines.java import find_java
from pipeline.lake import Lake
from pipeline.parts import Outcome, gather
from schemas import TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Worker = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
Progress = Callable[[int, int | None], None]

#: Seconds that a JVM is given to end by itself.
_PATIENCE_S = 30
_RESULT = "kind string, payload string"
#: Rows between the JVM and a Python worker travel in batches of at most this size, so that a batch
#: of sheets with their bytes stays small.
_BATCH_BYTES = 32 << 20
#: Characters of items that a closure brings along; Spark makes a broadcast of a closure of a megabyte.
_CLOSURE_BYTES = 1 << 18
#: What a JVM of this process's own is told besides, unless the settings say otherwise.
_LOCAL = {
    # Loopback: a laptop's name may not resolve.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
#: The quick compiler alone: Python workers do the work, and the thorough one takes half of a short session's time.
_QUICK = "-XX:TieredStopAtLevel=1"


@contextmanager
def session(settings: Settings, *, patience_s: float = _PATIENCE_S) -> Iterator[SparkSession]:
    """A Spark session sized by the settings, stopped with its JVM on the way out, which ``patience_s`` may take.

    Under spark-submit the JVM is there already: its master, memory and addresses are those that were submitted.
    Raises FiglakeError when there is no Java 17 or newer.
    """
    from pyspark.sql import SparkSession

    java = find_java()
    os.environ["JAVA_HOME"] = str(java)
    # Executors must run this very interpreter: another Python may have other libraries.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    conf = {
        "spark.driver.memory": f"{settings.spark.driver_memory_mb}m",
        "spark.sql.shuffle.partitions": str(settings.spark.shuffle_partitions),
        # Spark joins partitions that have fewer bytes than this, though cores then stand by. A document has much work
        # and few bytes: with the usual megabyte a small archive would be left to one core.
        "spark.sql.adaptive.coalescePartitions.minPartitionSize": "64k",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.maxBytesPerBatch": str(_BATCH_BYTES),
        "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",
        "spark.sql.parquet.columnarReaderBatchSize": "512",
        "spark.python.daemon.module": "pipeline.engines.spark_daemon",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **(_local(java) if settings.spark.master.startswith("local") and not submitted else {}),
        **dict(settings.spark.conf),
    }
    builder = SparkSession.builder.appName("figlake")
    if not submitted:
        builder = builder.master(settings.spark.master)
    for name, value in conf.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        # A JVM that was killed, by a system without memory perhaps, cannot say goodbye; what was committed stands.
        with suppress(Exception):
            spark.stop()
        _end_jvm(patience_s)


def _local(java: Path) -> dict[str, str]:
    return {**_LOCAL, "spark.driver.extraJavaOptions": f"{_QUICK} {classes.options(java)}".rstrip()}


def is_alive(spark: SparkSession) -> bool:
    """Whether the session's JVM still answers."""
    try:
        return bool(spark.sparkContext.defaultParallelism)
    except Exception:
        return False


def _end_jvm(patience_s: float) -> None:
    """End the JVM, which ``stop`` leaves running, and forget it, so that a next session starts its own."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    gateway = SparkContext._gateway
    if gateway is None or gateway.proc is None:  # spark-submit's JVM, which ends with the program it runs
        return
    with suppress(Exception):
        gateway.shutdown()
    with suppress(OSError):
        gateway.proc.stdin.close()
    try:
        gateway.proc.wait(timeout=patience_s)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = None


def read(spark: SparkSession, lake: Lake, table: str, archive: str, columns: Sequence[str] | None = None) -> DataFrame:
    """An archive's rows of a table, the archive column included.

    Spark's own Parquet scan reads local files; PySpark brings no client for object stores, so there
    the Python workers read with pyarrow.
    """
    from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

    part_schema = TABLES[table].part_schema
    wanted = [name for name in (columns or TABLES[table].schema.names) if name != "archive"]
    schema = pa.schema([part_schema.field(name) for name in wanted])
    paths = [file.path for file in lake.files(table, archive)]
    spark_schema = _spark_schema(schema)
    if not paths:
        frame = spark.createDataFrame([], spark_schema)
    elif lake.storage.is_local:
        frame = spark.read.schema(spark_schema).parquet(*paths)
    else:
        frame = _read_on_workers(spark, lake, paths, schema)
    return frame.select(*wanted).withColumn("archive", F.lit(archive))


def run(frame: DataFrame, worker: Worker, progress: Progress | None = None) -> Outcome:
    """Run ``worker`` over the frame's Arrow batches and gather the result rows it yields.

    Only result rows reach the driver. Progress counts Spark tasks.
    """
    return _collect(frame.mapInArrow(worker, _RESULT), progress)


def run_items(
    spark: SparkSession, items: Sequence[str], worker: Callable[[str], pa.RecordBatch], progress: Progress | None = None
) -> Outcome:
    """Run ``worker`` over the items, one task for each, and gather the result rows that it returns."""
    if not items:
        return Outcome()
    with _without_compiler(spark):
        return _collect(_each(spark, items, lambda item: iter((worker(item),)), _RESULT), progress)


def _collect(rows: DataFrame, progress: Progress | None) -> Outcome:
    with _watching(rows.sparkSession, progress):
        collected = rows.collect()
    return gather((row.kind, row.payload) for row in collected)


def _each(
    spark: SparkSession, items: Sequence[str], work: Callable[[str], Iterator[pa.RecordBatch]], schema: Any
) -> DataFrame:
    """What ``work`` yields for each item, each in a task of its own.

    Tasks are numbered and bring few items along in their closure: a frame of strings takes Python workers to make. Many
    items go in a frame, for Spark writes a large closure to its disks, and ours may hold the store's keys.
    """
    given = list(items)
    frame: DataFrame
    column: str
    item_of: Callable[[Any], str]
    if sum(map(len, given)) > _CLOSURE_BYTES:
        rows = spark.sparkContext.parallelize([(item,) for item in given], len(given))
        frame, column, item_of = spark.createDataFrame(rows, "item string"), "item", str
    else:
        frame, column, item_of = spark.range(0, len(given), 1, len(given)), "id", given.__getitem__

    def worker(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for value in batch[column].to_pylist():
                yield from work(item_of(value))

    return frame.mapInArrow(worker, schema)


@contextmanager
def _without_compiler(spark: SparkSession) -> Iterator[None]:
    """For jobs that hand out a few numbers: to compile Java for them takes Spark longer than to interpret them."""
    name = "spark.sql.codegen.factoryMode"
    before = spark.conf.get(name)
    spark.conf.set(name, "NO_CODEGEN")
    try:
        yield
    finally:
        with suppress(Exception):  # the JVM may be gone, and that is told elsewhere
            spark.conf.set(name, before)


def _spark_schema(schema: pa.Schema) -> object:
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructField, StructType

    # Nullable throughout: Parquet files written elsewhere need not repeat our promises.
    return StructType([StructField(f.name, f.dataType, True) for f in from_arrow_schema(schema.remove_metadata())])


def _read_on_workers(spark: SparkSession, lake: Lake, paths: list[str], schema: pa.Schema) -> DataFrame:
    import pyarrow.dataset as ds

    storage = lake.storage

    def scan(path: str) -> Iterator[pa.RecordBatch]:
        dataset = ds.dataset(path, schema=schema, format="parquet", filesystem=storage.filesystem())
        yield from dataset.to_batches(batch_size=512, batch_readahead=1, fragment_readahead=1)

    return _each(spark, paths, scan, _spark_schema(schema))


@contextmanager
def _watching(spark: SparkSession, progress: Progress | None) -> Iterator[None]:
    """Poll Spark's status tracker while a job runs; one thread, ended with the job."""
    if progress is None:
        yield
        return
    stop, tracker = threading.Event(), spark.sparkContext.statusTracker()

    def poll() -> None:
        while not stop.wait(0.3):
            infos = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            total = sum(info.numTasks for info in infos if info)
            if total:
                progress(sum(info.numCompletedTasks for info in infos if info), total)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
