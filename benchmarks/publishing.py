"""How a night's publish grows with the lake: seconds and memory for one new archive in lakes of several sizes.

    python -m benchmarks.publishing [--documents 60] [--archives 25 100] [--lake DIR] [--folder DIR]

A drawn archive goes through the pipeline, or one of ``--lake`` is taken; its rows are then written as so many archives,
with documents of their own. Everything is published, one more archive is added, and what publishing costs then is what
a night costs: once for the archive and once for all that lies there, which the two sizes tell apart.

Each publish is a process of its own. Its memory is what it allocated (RssAnon, looked at a hundred times a second):
mapped files, which the machine may drop at any time, are not in it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.growth import in_process
from benchmarks.nightly import SEED, night
from pipeline.config import Settings, load_settings
from pipeline.context import StepContext
from pipeline.flow import BY_NAME, STEPS
from pipeline.lake import Lake
from pipeline.local import run_all
from pipeline.parts import PartWriter
from pipeline.publishing import step as publish
from pipeline.synth import draw_archive
from schemas import TABLES

#: Columns that name a document, or begin with its name.
NAMES = ("doc_id", "sheet_id", "figure_id", "passage_id", "region_id")
COPIED = {table: step.name for step in STEPS for table in step.writes if "archive" in TABLES[table].partition_by}
MADE = ("codebooks", "shards", "compacted")


def main() -> None:
    """Measure each size, print the lines and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=60, help="of the archive that is drawn")
    parser.add_argument("--archives", type=int, nargs=2, default=[25, 100], help="the two sizes of the lake")
    parser.add_argument("--lake", type=Path, help="take the archive of this lake, and draw none")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        print(json.dumps(published(Lake.at(arguments.folder))))
        return
    with tempfile.TemporaryDirectory(prefix="figlake-", dir=arguments.folder) as name:
        folder, settings = Path(name), load_settings("laptop")
        source = Lake.at(arguments.lake or folder / "source")
        if not arguments.lake:
            night(source, settings, draw_archive(folder / "week", arguments.documents, SEED), "classify")
        found = [
            (many, *grown(source, Lake.at(folder / f"lake-{many}"), settings, many)) for many in arguments.archives
        ]
    documents = sum(file.rows for file in source.files("documents")) if arguments.lake else arguments.documents
    print(f"{'documents':>10} {'vectors':>11} {'first':>9} {'memory':>9} {'one more':>9} {'memory':>9}")
    for many, first, second in found:
        print(
            f"{many * documents:10,} {first['vectors']:11,.0f} {first['seconds']:7.1f} s {first['memory_mb']:6,.0f} MB "
            f"{second['seconds']:7.1f} s {second['memory_mb']:6,.0f} MB"
        )
    (few, _, small), (more, _, large) = found
    each = (large["seconds"] - small["seconds"]) / ((more - few) * documents)
    print(
        f"a night: {1000 * each:.2f} s for each 1,000 documents that lie there, and "
        f"{small['seconds'] - each * few * documents:.1f} s for {documents:,} new ones"
    )


def grown(source: Lake, lake: Lake, settings: Settings, many: int) -> tuple[dict[str, float], dict[str, float]]:
    """What the first publish of so many archives took, and the one after one more had come."""
    found = []
    for numbers in (range(many), range(many, many + 1)):
        for number in numbers:
            copy_archive(source, lake, number)
        names = [f"A{number:05}" for number in numbers]
        run_all(lake, settings, names, [BY_NAME["codebook"], BY_NAME["encode"]], lambda event: None)
        found.append(in_process("benchmarks.publishing", "publish", Path(lake.storage.root)))
    return found[0], found[1]


def copy_archive(source: Lake, lake: Lake, number: int) -> None:
    """The rows of the source's archive, as those of another with other documents."""
    archive = f"A{number:05}"
    for table, step in COPIED.items():
        if table in MADE:
            continue
        rows = source.read(table)
        for place, name in enumerate(rows.column_names):
            if name in NAMES:
                renamed = pc.replace_substring(rows[name], "EP", f"EP{number:05}", max_replacements=1)
                rows = rows.set_column(place, name, renamed)
        with PartWriter(lake.storage, table, {"archive": archive}) as writer:
            for batch in rows.to_batches(max_chunksize=10_000):
                writer.write(pa.Table.from_batches([batch]))
        lake.commit(table, step, archive, number + 1, writer.parts)


def published(lake: Lake) -> dict[str, float]:
    """Publish in this process: seconds, the most memory that was allocated, and vectors in the release."""
    settings = load_settings("laptop", overrides=["publish.recall_at_10=0.5"])
    most, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            most[0] = max(most[0], allocated_mb())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        began = time.perf_counter()
        outcome = publish.run(StepContext(lake, settings, "lake", None, 0, lambda done, total: None, None))
        seconds = time.perf_counter() - began
    finally:
        done.set()
        watcher.join()
    return {"seconds": seconds, "memory_mb": most[0], "vectors": outcome.rows_in}


def allocated_mb() -> float:
    """This process's own memory, without files that are mapped."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1]) / 1024


if __name__ == "__main__":
    main()
