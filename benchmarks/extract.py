"""The Spark extract against a plain loop over the same archive: documents per second, and memory.

    python -m benchmarks.extract [--documents 1000] [--archive ZIP] [--no-tenfold]

Both write the same rows through the same adapters. The peer is the loop one writes first: zipfile, lxml and
pyarrow in one process. Session start is excluded: Spark's two Python workers are warm, and so is the loop.
The shares of the stages are those of the step's own task function, run here under a clock. An archive ten
times larger shows that a worker's memory does not follow the archive's size.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tempfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.archive import draw_archive
from pipeline import archives
from pipeline.archives import ArchiveSource, Package, list_archive
from pipeline.config import Settings, SparkSettings
from pipeline.context import StepContext
from pipeline.engines.spark import session
from pipeline.errors import Reject
from pipeline.extract import documents, passages, sheets, step
from pipeline.extract.rows import TABLES, DocumentWriter
from pipeline.lake import Lake
from pipeline.parts import Outcome
from pipeline.storage import Storage
from schemas import TABLES as SCHEMAS

SETTINGS = Settings(spark=SparkSettings(master="local[2]"))
REPEATS = 3


class ZipPackage:
    """A package of the plain loop: an inner zip, as zipfile reads it."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path, self.rejects = path, list[Reject]()
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self.document = next(name for name in self.names() if name.endswith(".xml") and name != "TOC.xml")

    def names(self) -> list[str]:
        return self._zip.namelist()

    def member_path(self, name: str) -> str:
        return f"{self.path}!/{name}"

    def read(self, name: str) -> bytes:
        return self._zip.read(name)


def plain_loop(archive: Path, out: Path) -> Counter[str]:
    """Extract in one process and write one Parquet file per table; returns rows by table."""
    out.mkdir(parents=True)
    written: Counter[str] = Counter()
    schemas = {table: SCHEMAS[table].part_schema for table in TABLES}
    with ExitStack() as stack, zipfile.ZipFile(archive) as outer:
        writers = {table: stack.enter_context(pq.ParquetWriter(out / f"{table}.parquet", schemas[table],
                                                               compression="zstd")) for table in TABLES}  # fmt: skip
        waiting: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}

        def flush() -> None:
            for table, rows in waiting.items():
                if rows:
                    writers[table].write_table(pa.Table.from_pylist(rows, schema=schemas[table]))
                written[table] += len(rows)
                rows.clear()

        for name in outer.namelist():
            if not name.endswith(".zip"):
                continue
            for found in documents.extract_package(ZipPackage(name, outer.read(name)), SETTINGS):
                if isinstance(found, Reject):
                    continue
                waiting["documents"].append(found.document)
                waiting["passages"] += found.passages
                waiting["sheets"] += found.sheets
            if len(waiting["documents"]) >= 100:
                flush()
        flush()
    return written


def spark_extract(spark: Any, archive: Path, lake: Path) -> Outcome:
    """The step as the pipeline runs it."""
    context = StepContext(Lake.at(lake), SETTINGS, "bench", str(archive), 1, lambda *_: None, spark)
    return step.run(context)


@contextmanager
def clock() -> Iterator[dict[str, float]]:
    """Seconds by stage while the block runs the task function in this process."""
    spent: defaultdict[str, float] = defaultdict(float)

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[stage] += time.perf_counter() - start

        return call

    def opened(*arguments: Any) -> Iterator[Any]:
        following = timed("reading", iter(open_packages(*arguments)).__next__)
        while True:
            try:
                package = following()
            except StopIteration:
                return
            yield package

    open_packages = archives.open_packages
    places = [
        ("reading", Package, "read"), ("parsing", documents, "parse"), ("parsing", documents, "read_document"),
        ("splitting", passages, "split"), ("figure mentions", passages, "figure_refs"),
        ("image headers", sheets, "image_facts"), ("writing", DocumentWriter, "write"),
        ("writing", DocumentWriter, "__exit__"),
    ]  # fmt: skip
    with ExitStack() as stack:
        stack.enter_context(patch.object(step, "open_packages", opened))
        for stage, owner, name in places:
            stack.enter_context(patch.object(owner, name, timed(stage, getattr(owner, name))))
        yield spent


def stage_shares(archive: Path, lake: Path) -> dict[str, float]:
    """Share of each stage in the time of the task function."""
    listing = list_archive(ArchiveSource("bench", str(archive), {}), SETTINGS.limits, SETTINGS.extract)
    start = time.perf_counter()
    with clock() as spent:
        for place, shard in enumerate(listing.shards):
            item = json.dumps([place, shard.to_json()])
            step.extract_shard(item, Storage.at(lake), "bench", SETTINGS, None, frozenset())
    total = time.perf_counter() - start
    return {**{stage: seconds / total for stage, seconds in spent.items()}, "rest": 1 - sum(spent.values()) / total}


def seconds_of(measure: Callable[[Path], Any], out: Path) -> tuple[float, Any]:
    """Seconds of one run into a fresh folder, and what it returned."""
    start = time.perf_counter()
    result = measure(out)
    seconds = time.perf_counter() - start
    shutil.rmtree(out)
    return seconds, result


def main() -> None:
    """Measure and print; exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="The Spark extract against a plain loop.")
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--archive", type=Path, help="measure with this zip of packages instead of a drawn one")
    parser.add_argument("--no-tenfold", dest="tenfold", action="store_false")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, session(SETTINGS) as spark:
        folder, missed = Path(name), []
        archive = options.archive or draw_archive(folder / "week.zip", options.documents, seed=1)
        warm = draw_archive(folder / "warm.zip", 130, seed=2)
        spark_extract(spark, warm, folder / "warm-lake")
        plain_loop(warm, folder / "warm-loop")
        print(f"{archive.stat().st_size / 1e6:.0f} MB")
        loop_seconds = spark_seconds = float("inf")
        for _ in range(REPEATS):  # in turns, so that what else the machine does weighs on both
            seconds, rows = seconds_of(lambda out: plain_loop(archive, out), folder / "out")
            loop_seconds = min(loop_seconds, seconds)
            seconds, outcome = seconds_of(lambda out: spark_extract(spark, archive, out), folder / "out")
            spark_seconds = min(spark_seconds, seconds)
        assert outcome.rows_out(TABLES) == rows, (outcome.rows_out(TABLES), rows)
        number = rows["documents"]
        ratio = loop_seconds / spark_seconds
        print(f"rows                 {dict(rows)}")
        print(f"plain loop           {number / loop_seconds:8.1f} documents/s  ({loop_seconds:.1f} s)")
        print(f"Spark, 2 cores       {number / spark_seconds:8.1f} documents/s  ({spark_seconds:.1f} s)")
        print(f"ratio                {ratio:8.2f}  (target 1.5)")
        shares = stage_shares(archive, folder / "shares")
        print("stages               " + ", ".join(f"{stage} {share:.0%}" for stage, share in shares.items()))
        print(f"splitting            {shares['splitting']:8.0%}  (target under 30 %)")
        print(f"peak of any worker   {outcome.peak_memory_mb:8.0f} MB")
        if ratio < 1.5 or shares["splitting"] >= 0.3:
            missed.append("speed")
        if options.tenfold and not options.archive:
            larger = draw_archive(folder / "ten.zip", 10 * options.documents, seed=3)
            peak = spark_extract(spark, larger, folder / "ten-lake").peak_memory_mb
            growth = peak / outcome.peak_memory_mb
            print(f"ten times the size   {peak:8.0f} MB  ({growth:.2f} times; target within 0.8 to 1.2)")
            if not 0.8 <= growth <= 1.2:
                missed.append("memory")
    raise SystemExit(f"missed: {', '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()
