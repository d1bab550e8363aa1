"""The process from which Spark forks its Python workers (``spark.python.daemon.module``), with the steps loaded.

PySpark's own imports PySpark out of an archive, which keeps no bytecode, and leaves it to each worker to import a step
and its libraries: with this one the first job of a session began three seconds sooner, of six.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path


def main() -> None:
    """Load what workers need, then be PySpark's daemon."""
    # Where the archive is that of the environment's PySpark, the same modules lie beside it, compiled.
    sys.path[:] = [place for place in sys.path if not _is_beside_its_modules(Path(place))]
    port = os.dup(1)  # Spark reads the daemon's port from standard output, and nothing else must come there
    os.dup2(2, 1)

    import pandas  # noqa: F401 - PySpark's conversions import it
    import pyspark.worker  # noqa: F401
    from pyspark.daemon import manager

    from pipeline.flow import STEPS

    for step in STEPS:
        if step.engine == "spark":
            with suppress(ImportError):  # the step that needs it will say so
                step.load()
    gc.freeze()  # a worker's collection must not copy the pages that it shares with the others
    os.dup2(port, 1)
    os.close(port)
    manager()


def _is_beside_its_modules(place: Path) -> bool:
    """Whether this is ``…/pyspark/python/lib/pyspark.zip`` below a folder that modules are imported from."""
    return place.parts[-4:] == ("pyspark", "python", "lib", "pyspark.zip") and str(place.parents[3]) in sys.path


if __name__ == "__main__":
    main()
