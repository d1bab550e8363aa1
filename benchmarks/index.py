"""Building, growing and searching an index against autofaiss and plain faiss: time, memory, recall, queries per second.

    python -m benchmarks.index [--rows 1000000] [--append 50000] [--skip-autofaiss] [--folder DIR]

Vectors of 512 dimensions drawn to resemble normalised CLIP embeddings (`benchmarks/vectors.py`, seed given), 1,000
queries of the same groups. Each contender builds and searches in a process of its own with all cores:

- figlake: the recipe that the size asks for, trained on a bounded sample; a shard with codes, float16 vectors and
  keys; the search's effort tuned on held-out stored vectors, as publishing does it; candidates scored by their vectors;
- plain faiss: `index_factory` with the same recipe, `train` and `add` of everything, `write_index`; no refinement;
- autofaiss: `build_index` with `max_index_memory_usage="100MB"`, in an environment of its own (`.venv-autofaiss`, made
  when it is missing, because it wants numpy below 2), searched with the parameters that it chose; no refinement.

Times are wall-clock; beside them stand the processor seconds of the build, which another load on the machine changes
little. Recall@10 is against exact search. Peak memory is the process's greatest resident set, mapped files included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.vectors import DIMENSION, Vectors, batches, blocks, describe, opened, some

SEED, QUERIES, K, BLOCK = 20190213, 1000, 10, 50_000
ENVIRONMENT = Path(".venv-autofaiss")
PEER = ("autofaiss==2.18.0", "faiss-cpu==1.8.0", "numpy<2", "pyarrow<18", "packaging")
ROWS, APPENDED, ASKED, TRUTH = "vectors.f32", "appended.f32", "queries.npy", "truth.npy"


def main() -> None:
    """Draw the data, run the contenders, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--append", type=int, default=50_000)
    parser.add_argument("--skip-autofaiss", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        print(json.dumps(ROLES[arguments.role](arguments.folder) | {"memory_mb": peak_memory_mb()}))
        return
    with tempfile.TemporaryDirectory(prefix="figlake-", dir=arguments.folder) as name:
        compare(Path(name), arguments.rows, arguments.append, autofaiss=not arguments.skip_autofaiss)


def compare(folder: Path, rows: int, append: int, autofaiss: bool) -> None:
    """Run each contender in its own process and print the table."""
    draw(folder, rows, append)
    contenders = {name: [sys.executable, "-m", "benchmarks.index", "--role", name] for name in ROLES}
    if autofaiss:
        if not (ENVIRONMENT / "bin/python").exists():
            subprocess.run(["infra/install.sh", str(ENVIRONMENT), *PEER], check=True, stdout=subprocess.DEVNULL)
        contenders["autofaiss"] = [str(ENVIRONMENT / "bin/python"), "benchmarks/index_autofaiss.py"]
    found = {}
    for name, command in contenders.items():
        done = subprocess.run([*command, "--folder", str(folder)], check=True, stdout=subprocess.PIPE, text=True)
        found[name] = json.loads(done.stdout.strip().splitlines()[-1])
        print(line(name, found[name]), flush=True)
    print(verdict(found))


def draw(folder: Path, rows: int, append: int) -> None:
    """Write the vectors, those to append, the queries and the exact answers."""
    import faiss

    queries = some(rows, SEED, QUERIES, stream=1)
    best = np.full((QUERIES, K), -np.inf, np.float32), np.full((QUERIES, K), -1)
    with (folder / ROWS).open("wb") as stream:
        for number, block in enumerate(blocks(rows, SEED)):
            stream.write(block.tobytes())
            similar, where = faiss.knn(queries, block, K, faiss.METRIC_INNER_PRODUCT)
            best = merged(best, (similar, where + number * BLOCK))
            if not number:
                print(f"{rows:,} vectors, seed {SEED}: {describe(block)}; {QUERIES:,} queries", flush=True)
    some(rows, SEED, append, stream=2).tofile(folder / APPENDED)
    np.save(folder / ASKED, queries)
    np.save(folder / TRUTH, best[1])


def merged(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any]:
    """The ten best of two answers to the same queries."""
    scores, where = (np.concatenate(pair, axis=1) for pair in zip(one, other, strict=True))
    order = np.argsort(-scores, axis=1)[:, :K]
    return np.take_along_axis(scores, order, 1), np.take_along_axis(where, order, 1)


def read(path: Path) -> Iterator[Vectors]:
    """The vectors of a file, block by block."""
    with path.open("rb") as stream:
        while data := stream.read(BLOCK * DIMENSION * 4):
            yield np.frombuffer(data, np.float32).reshape(-1, DIMENSION)


def figlake(folder: Path) -> dict[str, Any]:
    """Train, encode, append; then search as a release does."""
    from pipeline.config import IndexSettings, PublishSettings, SearchSettings
    from pipeline.indexing import codebook, recipe
    from pipeline.indexing.shard import Source, write_shard
    from pipeline.indexing.spaces import Space
    from pipeline.indexing.train import train
    from pipeline.publishing.measure import try_out, tune
    from pipeline.search.nearest import effort_of, nearest
    from pipeline.storage import Storage

    rows, settings = count(folder), IndexSettings()
    storage, space = Storage.at(str(folder / "lake")), Space("benchmark", "1", DIMENSION, rows)
    started, worked = time.perf_counter(), time.process_time()
    text = recipe.choose(rows, DIMENSION, settings)
    sample = drawn(folder, rows, settings.sample)
    book = codebook.save(storage, train(sample, text, DIMENSION, SEED), "image", text, space, len(sample))
    trained_s = time.perf_counter() - started

    def shard(name: str, path: Path) -> dict[str, Any]:
        source = Source(name, "figure_id", batches(read(path), name))
        row = write_shard(storage, book, codebook.load(storage, book), source)
        assert row is not None
        return row

    first = shard("A", folder / ROWS)
    build_s, cpu_s = time.perf_counter() - started, time.process_time() - worked
    started = time.perf_counter()
    shard("B", folder / APPENDED)
    append_s = time.perf_counter() - started

    modality = opened(folder / "lake", book, [first])
    keys = np.array([int(key[3:].split("A1")[0]) for key in keys_of(folder / "lake" / first["keys_path"])])
    modality.entry = replace_effort(modality.entry, tune(try_out(modality, 200, SEED), PublishSettings().aim))
    effort = effort_of(modality, SearchSettings())

    def search(queries: Vectors) -> NDArray[np.int64]:
        positions = nearest(modality, queries, K, SearchSettings())[1]
        return np.where(positions >= 0, keys[modality.row[positions]], -1)

    return {
        "recipe": f"{text}, nprobe {effort.nprobe}, {effort.candidates} refined", "build_s": build_s,
        "cpu_s": cpu_s, "train_s": trained_s, "append_s": append_s, "bytes": first_bytes(folder / "lake", first),
        **measured(folder, search),
    }  # fmt: skip


def plain(folder: Path) -> dict[str, Any]:
    """The library as its own examples use it."""
    import faiss

    from pipeline.config import IndexSettings
    from pipeline.indexing import recipe

    rows = count(folder)
    started, worked = time.perf_counter(), time.process_time()
    text = recipe.choose(rows, DIMENSION, IndexSettings())
    vectors = np.fromfile(folder / ROWS, np.float32).reshape(rows, DIMENSION)
    index = faiss.index_factory(DIMENSION, text, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    trained_s = time.perf_counter() - started
    index.add(vectors)
    faiss.write_index(index, str(folder / "plain.faiss"))
    build_s, cpu_s = time.perf_counter() - started, time.process_time() - worked
    faiss.extract_index_ivf(index).nprobe = 32
    return {
        "recipe": f"{text}, nprobe 32", "build_s": build_s, "cpu_s": cpu_s, "train_s": trained_s,
        "bytes": (folder / "plain.faiss").stat().st_size,
        **measured(folder, lambda queries: index.search(queries, K)[1]),
    }  # fmt: skip


ROLES: dict[str, Callable[[Path], dict[str, Any]]] = {"figlake": figlake, "plain": plain}


def count(folder: Path) -> int:
    """How many vectors there are."""
    return (folder / ROWS).stat().st_size // (4 * DIMENSION)


def drawn(folder: Path, rows: int, sample: int) -> Vectors:
    """A sample without replacement, read block by block."""
    chosen = np.sort(np.random.default_rng(SEED).choice(rows, min(rows, sample), replace=False))
    found = np.empty((len(chosen), DIMENSION), np.float32)
    for number, block in enumerate(read(folder / ROWS)):
        low, high = np.searchsorted(chosen, [number * BLOCK, (number + 1) * BLOCK])
        found[low:high] = block[chosen[low:high] - number * BLOCK]
    return found


def keys_of(path: Path) -> list[str]:
    """The keys of a shard, row by row."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as stream:
        found: list[str] = pa.ipc.open_file(stream).read_all()["key"].to_pylist()
    return found


def replace_effort(entry: Any, effort: Any) -> Any:
    """The modality's entry with another effort."""
    from dataclasses import replace

    return replace(entry, effort=effort)


def first_bytes(lake: Path, row: dict[str, Any]) -> int:
    """Size of a shard's codes: what a search holds in memory."""
    return (lake / row["lists_path"]).stat().st_size


def measured(folder: Path, search: Callable[[Vectors], NDArray[np.int64]]) -> dict[str, Any]:
    """Recall@10, queries per second in one batch (best of three), median milliseconds of a single query."""
    queries, truth = np.load(folder / ASKED), np.load(folder / TRUTH)
    search(queries[:10])
    best_s = np.inf
    for _ in range(3):
        started = time.perf_counter()
        found = search(queries)
        best_s = min(best_s, time.perf_counter() - started)
    single_ms = []
    for query in queries[:200]:
        started = time.perf_counter()
        search(query[None, :])
        single_ms.append((time.perf_counter() - started) * 1000)
    right = sum(len(set(row) & set(best)) for row, best in zip(found.tolist(), truth.tolist(), strict=True))
    return {"recall": right / truth.size, "qps": len(queries) / best_s, "single_ms": float(np.median(single_ms))}


def peak_memory_mb() -> float:
    """The greatest resident set of this process."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def line(name: str, found: dict[str, Any]) -> str:
    """One row of the table."""
    appended = f", append {found['append_s']:.1f} s" if "append_s" in found else ""
    return (
        f"{name:9}  build {found['build_s']:7.1f} s, {found['cpu_s']:,.0f} processor seconds "
        f"(training {found['train_s']:.1f} s{appended}), "
        f"peak {found['memory_mb']:,.0f} MB, codes {found['bytes'] / 2**20:,.0f} MiB, "
        f"recall@{K} {found['recall']:.4f}, {found['qps']:,.0f} queries/s in a batch, "
        f"{found['single_ms']:.2f} ms alone   {found['recipe']}"
    )


def verdict(found: dict[str, Any]) -> str:
    """Each target and what was reached."""
    own, plain_found = found["figlake"], found["plain"]
    rows = [
        ("recall@10", own["recall"], ">=", 0.99),
        ("build time / plain faiss", own["build_s"] / plain_found["build_s"], "<=", 1.2),
        ("processor seconds / plain", own["cpu_s"] / plain_found["cpu_s"], "<=", 1.2),
        ("append / build", own["append_s"] / own["build_s"], "<=", 1 / 15),
    ]
    if peer := found.get("autofaiss"):
        rows += [
            ("build time / autofaiss", own["build_s"] / peer["build_s"], "<=", 0.1),
            ("processor seconds / autofaiss", own["cpu_s"] / peer["cpu_s"], "<=", 0.1),
            ("peak memory / autofaiss", own["memory_mb"] / peer["memory_mb"], "<=", 1.0),
            ("queries per second / autofaiss", own["qps"] / peer["qps"], ">=", 10.0),
        ]
    return "\n".join(
        f"{name:32} {value:8.3f}  asked: {sign} {target:.3f}  "
        + ("met" if (value >= target if sign == ">=" else value <= target) else "MISSED")
        for name, value, sign, target in rows
    )


if __name__ == "__main__":
    main()
