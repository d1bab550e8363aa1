"""The process from which Spark forks its Python workers (``spark.python.daemon.module``), with the steps loaded.

PySpark's own imports PySpark out of an archive, which keeps no bytecode, and leaves it to each worker to import a step
and its libraries: with this one the first job of a session began three seconds sooner, of six.
"""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Load what workers need, then be PySpark's daemon."""
    # The same PySpark lies among the packages of the environment, compiled.
    sys.path[:] = [place for place in sys.path if not place.endswith("pyspark.zip")]

    import pandas  # noqa: F401 - PySpark's conversions import it
    import pyspark.worker  # noqa: F401
    from pyspark.daemon import manager

    from pipeline.flow import STEPS

    for step in STEPS:
        if step.engine == "spark":
            step.load()
    gc.freeze()  # a worker's collection must not copy the pages that it shares with the others
    manager()


if __name__ == "__main__":
    main()
