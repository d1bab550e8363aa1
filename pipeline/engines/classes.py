"""Spark's classes, read and verified once for all its JVMs: ``python -m pipeline.engines.classes``.

A JVM that starts Spark spends most of its time reading ten thousand classes. Java keeps them ready in a file (class
data sharing, JEP 350), which the JVM checks against its own version and Spark's jars and leaves alone where they
differ. The file, of about 165 MB, lies in the virtual environment; ``make install`` writes it, and without it
everything works as well, more slowly.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from pipeline.config import Settings, load_settings
from pipeline.engines.java import find_java

#: The JVM's remarks on classes that it cannot keep would stand among Spark's lines.
_QUIET = "-Xlog:disable -Xlog:all=error:stderr"
#: The file that says that a Java keeps none, so that it is not tried again and again.
_NONE = ".none"
#: Age in seconds at which an unfinished file is nobody's any more.
_LEFT_BEHIND_S = 3600
#: Seconds that a JVM may take to write its classes down, which it does as it ends.
_PATIENCE_S = 300
#: What a disk has free that was not full when the classes were written.
_ROOM_BYTES = 64 << 20


def options(java: Path) -> str:
    """What a JVM of this home is told so that it finds its classes ready; nothing where they are not."""
    for file in _folder().glob(f"{_name(java)}-*.jsa"):
        with suppress(OSError):  # another process may be writing a new one
            # A JVM notices bytes that have changed, if told to look, and dies of those that are missing.
            if file.stem.endswith(f"-{file.stat().st_size}"):
                return f'"-XX:SharedArchiveFile={file}" -XX:+VerifySharedSpaces {_QUIET}'
    return ""


def write(settings: Settings) -> Path | None:
    """Start Spark, let it do what the steps do, and keep the classes; None where this Java cannot.

    Raises FiglakeError when there is no Java 17 or newer.
    """
    from pipeline.engines import spark

    java = find_java()
    name = _name(java)
    unfinished = _folder() / f"{name}.{os.getpid()}"
    conf = {
        **dict(settings.spark.conf),
        "spark.driver.extraJavaOptions": f'"-XX:ArchiveClassesAtExit={unfinished}" {_QUIET}',
    }
    try:
        with spark.session(
            replace(settings, spark=replace(settings.spark, conf=conf)), patience_s=_PATIENCE_S
        ) as session:
            _rehearse(session)
            class_path = session._jvm.java.lang.System.getProperty("java.class.path")
        for old in _folder().glob("spark-classes-*"):
            if old.suffix in (".jsa", _NONE) or old.stat().st_mtime < time.time() - _LEFT_BEHIND_S:
                old.unlink(missing_ok=True)
        if not unfinished.exists() or not _is_taken(java, unfinished, class_path):
            if shutil.disk_usage(_folder()).free > _ROOM_BYTES:  # on a full disk it is not Java's doing
                (_folder() / f"{name}{_NONE}").touch()
            return None
        return unfinished.rename(_folder() / f"{name}-{unfinished.stat().st_size}.jsa")
    finally:
        unfinished.unlink(missing_ok=True)


def _is_taken(java: Path, file: Path, class_path: str) -> bool:
    """Whether a JVM takes such a file: Java 21 does not where a jar is twice on the class path, as Spark has it."""
    asked = [f"-XX:SharedArchiveFile={file}", "-Xshare:on", "-cp", class_path, "-version"]
    return not subprocess.run([java / "bin" / "java", *asked], capture_output=True, check=False).returncode


def _folder() -> Path:
    return Path(sys.prefix)


def _name(java: Path) -> str:
    """By Java and Spark, so that another of either asks for another file."""
    spark = find_spec("pyspark")
    known = (str(java), _stamp(java / "release"), version("pyspark"), str(spark and spark.origin))
    return f"spark-classes-{hashlib.sha256(repr(known).encode()).hexdigest()[:16]}"


def _stamp(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


def _rehearse(session: object) -> None:
    """A job with what the steps' jobs are made of, so that their classes are among those kept."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

    from pipeline.engines import spark
    from pipeline.parts import result_batch

    with tempfile.TemporaryDirectory(prefix="figlake-") as folder:
        path = f"{folder}/rows.parquet"
        pq.write_table(pa.table({"key": ["a", "b"], "value": [[1.0], None], "image": [b"1", b"2"]}), path)
        rows = session.read.parquet(path).withColumn("archive", F.lit("rehearsal"))  # type: ignore[attr-defined]
        lists = rows.where(F.col("key") != "c").groupBy("key").agg(F.collect_list(F.struct("value")).alias("values"))
        joined = (
            rows.join(rows.select("key").distinct(), on="key", how="left_semi")
            .join(lists, on="key", how="left")
            .unionByName(rows, allowMissingColumns=True)
            .repartition("key")
            .sortWithinPartitions("key")
        )
        spark.run(joined, lambda batches: iter(()))
        spark.run_items(session, ["a"], lambda item: result_batch())


def main() -> None:
    """Write the file, unless it is there, and say how large it is. No failure of it is one of figlake's."""
    try:
        java = find_java()
        if options(java) or (_folder() / f"{_name(java)}{_NONE}").exists():
            return
        # What this machine is told of a cluster is not meant for a rehearsal.
        file = write(load_settings("laptop", environment={}))
    except Exception as error:
        file, why = None, f"Spark's classes could not be kept ready: {error}"
    else:
        why = "this Java keeps no classes ready"
    ready = f"kept Spark's classes ready ({file.stat().st_size >> 20} MB)" if file else ""
    print(ready or f"{why}; Spark takes some seconds more to start")  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
