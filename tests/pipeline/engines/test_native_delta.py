"""A Spark session that carries Delta's extension reads the tables natively; runs where its jars are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.lake import Lake
from tests.pipeline.test_lake import write

ROOT = Path(__file__).resolve().parents[3]


def delta_jars() -> list[Path]:
    """Delta's jars among PySpark's own or in the folder that DELTA_JARS names."""
    import pyspark

    folders = [Path(pyspark.__file__).parent / "jars", Path(os.environ.get("DELTA_JARS", "/nonexistent"))]
    return [jar for folder in folders for jar in folder.glob("delta-*.jar")]


_READ = """
import json, sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]").config("spark.jars", sys.argv[2])
builder = builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
builder = builder.config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
rows = builder.getOrCreate().read.format("delta").load(sys.argv[1]).select("archive", "figure_id").collect()
print(json.dumps(sorted([row.archive, row.figure_id] for row in rows)))
"""


@pytest.mark.slow
def test_sparks_own_delta_reader_sees_the_same_rows(tmp_path: Path) -> None:
    jars = delta_jars()
    if not jars:
        pytest.skip("Delta's jars are not here (the package registry has none); put them into DELTA_JARS to run this")
    lake = Lake.at(tmp_path)
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["old"]))
    lake.commit("facets", "classify", "A", 11, write(lake, "A", ["new"]))
    table = lake.storage.uri("tables", "facets")
    done = subprocess.run(
        [sys.executable, "-c", _READ, table, ",".join(map(str, jars))], cwd=ROOT, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [["A", "new"]]
