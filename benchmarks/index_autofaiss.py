"""The contender autofaiss of `benchmarks/index.py`; its environment has neither figlake nor its libraries."""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import time
from pathlib import Path

import numpy as np


def main() -> None:
    """Build with autofaiss' own choice of index, search with its own choice of parameters, print one line of JSON."""
    import autofaiss
    import faiss

    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    dimension, k = queries.shape[1], truth.shape[1]
    rows = (folder / "vectors.f32").stat().st_size // (4 * dimension)
    given = folder / "autofaiss"
    given.mkdir()
    header = {"descr": "<f4", "fortran_order": False, "shape": (rows, dimension)}
    with (given / "0.npy").open("wb") as target, (folder / "vectors.f32").open("rb") as source:
        np.lib.format.write_array_header_1_0(target, header)  # the format that it reads
        shutil.copyfileobj(source, target)
    started, worked = time.perf_counter(), time.process_time()
    autofaiss.build_index(
        str(given), index_path=str(folder / "autofaiss.faiss"), index_infos_path=str(folder / "autofaiss.json"),
        max_index_memory_usage="100MB", metric_type="ip", verbose=40,
    )  # fmt: skip
    build_s, cpu_s = time.perf_counter() - started, time.process_time() - worked
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    infos = json.loads((folder / "autofaiss.json").read_text())
    index = faiss.read_index(str(folder / "autofaiss.faiss"))
    faiss.ParameterSpace().set_index_parameters(index, infos["index_param"])
    index.search(queries[:10], k)
    best_s = np.inf
    for _ in range(3):
        started = time.perf_counter()
        found = index.search(queries, k)[1]
        best_s = min(best_s, time.perf_counter() - started)
    single_ms = []
    for query in queries[:200]:
        started = time.perf_counter()
        index.search(query[None, :], k)
        single_ms.append((time.perf_counter() - started) * 1000)
    right = sum(len(set(row) & set(best)) for row, best in zip(found.tolist(), truth.tolist(), strict=True))
    result = {
        "recipe": f"{infos['index_key']}, {infos['index_param']}", "build_s": build_s,
        "cpu_s": cpu_s, "train_s": float("nan"),
        "bytes": (folder / "autofaiss.faiss").stat().st_size, "recall": right / truth.size,
        "qps": len(queries) / best_s, "single_ms": float(np.median(single_ms)), "memory_mb": memory_mb,
    }  # fmt: skip
    sys.stdout.write("\n" + json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
