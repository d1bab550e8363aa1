"""How the index grows: build time, memory, latency at several sizes; and opening a release of ten million vectors.

    python -m benchmarks.growth [--rows 250000 500000 1000000 2000000] [--open 10000000] [--folder DIR] [--chart SVG]

The growth is figlake's part of `benchmarks/index.py` at each size, each in a process of its own. The opening takes
place in a fresh process too: its files are ten shards with ids of their own, whose vectors are the same million (one
file, linked ten times; each mapping is a mapping of its own). What is timed is what a service does: map the vectors and
ids, map the lists, answer a first query; beside it stands the resident memory, against the size of the files.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import index
from benchmarks.vectors import DIMENSION, batches, blocks, opened, some

SHARDS, IDS = 10, ("ids", "shard", "row")


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[250_000, 500_000, 1_000_000, 2_000_000])
    parser.add_argument("--open", type=int, default=10_000_000, help="vectors of the release to open; 0: none")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--chart", type=Path, help="write the growth as SVG")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        print(json.dumps(first_query(arguments.folder)))
        return
    found = {rows: grown(rows, arguments.folder) for rows in arguments.rows}
    if arguments.chart and found:
        arguments.chart.write_text(chart(found), encoding="utf-8")
    if arguments.open:
        with tempfile.TemporaryDirectory(prefix="figlake-", dir=arguments.folder) as name:
            large(Path(name), arguments.open)


def grown(rows: int, folder: Path | None) -> dict[str, Any]:
    """One size, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="figlake-", dir=folder) as name:
        index.draw(Path(name), rows, rows // 20)
        found = in_process("benchmarks.index", "figlake", Path(name))
    print(f"{rows:,} vectors: {index.line('figlake', found)}", flush=True)
    return found


def in_process(module: str, role: str, folder: Path) -> dict[str, Any]:
    """What a module prints as its last line when it runs in another process."""
    command = [sys.executable, "-m", module, "--role", role, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def large(folder: Path, rows: int) -> None:
    """Make the files of a release and open them in a fresh process."""
    from pipeline.config import IndexSettings
    from pipeline.indexing import codebook, recipe
    from pipeline.indexing.shard import Source, write_shard
    from pipeline.indexing.spaces import Space
    from pipeline.indexing.train import train
    from pipeline.storage import Storage

    each, storage = rows // SHARDS, Storage.at(str(folder / "lake"))
    sample = next(blocks(each, index.SEED))
    text = recipe.choose(each, DIMENSION, IndexSettings(sample=len(sample)))
    space = Space("benchmark", "1", DIMENSION, rows)
    book = codebook.save(storage, train(sample, text, DIMENSION, index.SEED), "image", text, space, len(sample))
    vectors = blocks(each, index.SEED)
    first = write_shard(storage, book, codebook.load(storage, book), Source("0", "figure_id", batches(vectors, "0")))
    assert first is not None
    shards = [first, *(copied(folder / "lake", book, first, number) for number in range(1, SHARDS))]
    (folder / "catalogue.json").write_text(json.dumps([book, shards], default=str))
    joined = opened(folder / "lake", book, shards)
    for name in IDS:
        np.save(folder / f"{name}.npy", getattr(joined, name))  # what ids.arrow is in a release
    np.save(folder / "query.npy", some(each, index.SEED, 1, stream=1))
    files = {path for path in (folder / "lake").rglob("*") if path.is_file()}
    size = sum(path.stat().st_size for path in files)
    os.sync()
    found = in_process("benchmarks.growth", "open", folder)
    print(
        f"{SHARDS * each:,} vectors, {size / 1e9:.1f} GB of files: opened in {found['open_s']:.2f} s (asked: < 2), "
        f"first query after {found['first_s']:.2f} s more, the next {found['next_ms']:.1f} ms each; "
        f"resident {found['memory_mb']:,.0f} MB  {text}"
    )


def copied(lake: Path, book: dict[str, Any], first: dict[str, Any], number: int) -> dict[str, Any]:
    """Another archive's shard with the same vectors and ids of its own."""
    import faiss
    import pyarrow as pa

    from pipeline.indexing.ids import vector_ids

    row = {key: value.replace("/0-", f"/{number}-") if key.endswith("_path") else value for key, value in first.items()}
    with pa.memory_map(str(lake / first["keys_path"])) as stream:
        keys = pa.ipc.open_file(stream).read_all().combine_chunks()
    names = [f"EP{number}{name[3:]}" for name in keys["key"].to_pylist()]
    old, new = keys["id"].to_numpy(), np.asarray(vector_ids(names), np.int64)
    table = pa.table([pa.array(new), pa.array(names), pa.array(names)], schema=keys.schema)
    with pa.OSFile(str(lake / row["keys_path"]), "wb") as sink, pa.ipc.new_file(sink, keys.schema) as writer:
        writer.write_table(table)
    os.link(lake / first["vectors_path"], lake / row["vectors_path"])
    order = np.argsort(old)
    reader = faiss.FileIOReader(str(lake / first["lists_path"]))
    lists: Any = faiss.downcast_InvertedLists(faiss.read_InvertedLists(reader))
    for place in range(lists.nlist):
        count = lists.list_size(place)
        if count:
            ids = faiss.rev_swig_ptr(lists.get_ids(place), count)
            ids[:] = new[order[np.searchsorted(old[order], ids)]]
    writer = faiss.FileIOWriter(str(lake / row["lists_path"]))
    faiss.write_InvertedLists(lists, writer)
    del writer
    return row


def first_query(folder: Path) -> dict[str, Any]:
    """Open the files and ask."""
    from pipeline.config import SearchSettings
    from pipeline.search.nearest import nearest

    book, shards = json.loads((folder / "catalogue.json").read_text())
    query = np.load(folder / "query.npy")
    started = time.perf_counter()
    modality = opened(folder / "lake", book, shards, [np.load(folder / f"{name}.npy", mmap_mode="r") for name in IDS])
    modality.index()
    open_s = time.perf_counter() - started
    started = time.perf_counter()
    nearest(modality, query, 10, SearchSettings())
    first_s = time.perf_counter() - started
    started = time.perf_counter()
    for _ in range(20):
        nearest(modality, query, 10, SearchSettings())
    return {
        "open_s": open_s, "first_s": first_s, "next_ms": (time.perf_counter() - started) / 20 * 1000,
        "memory_mb": index.peak_memory_mb(),
    }  # fmt: skip


def chart(found: dict[int, dict[str, Any]]) -> str:
    """Three panels of lines over the number of vectors."""
    panels = (("build, s", "build_s"), ("peak memory, MB", "memory_mb"), ("one query alone, ms", "single_ms"))
    width, height, gap = 240, 150, 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {3 * (width + gap)} {height + 80}" '
        'font-family="sans-serif" font-size="11" fill="#444">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for place, (title, key) in enumerate(panels):
        parts.append(panel(title, [(rows, float(one[key])) for rows, one in found.items()], place * (width + gap) + 45))
    return "\n".join([*parts, "</svg>"]) + "\n"


def panel(title: str, points: Sequence[tuple[int, float]], left: int) -> str:
    """One line with its values written at the points; sizes that double stand at equal distances."""
    width, height, top = 240, 150, 40
    least_x, most_y = min(x for x, _ in points), max(y for _, y in points)
    octaves = max(1.0, math.log2(max(x for x, _ in points) / least_x))
    placed = [
        (left + 30 + 160 * math.log2(x / least_x) / octaves, top + height - 130 * y / most_y, x, y) for x, y in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in placed)
    lines = [
        f'<text x="{left}" y="{top - 14}" font-weight="bold">{title}</text>',
        f'<path d="M{left} {top} V{top + height} H{left + width - 20}" stroke="#999" fill="none"/>',
        f'<polyline points="{line}" stroke="#1f6feb" stroke-width="2" fill="none"/>',
    ]
    for x, y, rows, value in placed:
        label = f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#1f6feb"/>')
        lines.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{label}</text>')
        lines.append(f'<text x="{x:.1f}" y="{top + height + 15}" text-anchor="middle">{rows / 1e6:g} M</text>')
    return "\n".join(lines)


if __name__ == "__main__":
    main()
