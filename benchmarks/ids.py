"""Vector ids of a hundred million figures: no two alike, and every one found again in the sorted column.

    python -m benchmarks.ids [--millions 100]

Keys are figure ids as the lake makes them, of documents with a few sheets each. The ids are sorted as a release's
`ids.arrow` is and looked up by binary search, as the search does. Memory: 24 bytes an id.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from pipeline.indexing.ids import are_in, vector_ids

_BLOCK, _SHEETS, _LOOKED_UP = 1_000_000, 8, 1_000_000


def keys(start: int, count: int) -> Iterator[str]:
    """Figure ids number ``start`` and after."""
    for number in range(start, start + count):
        document, sheet = divmod(number, _SHEETS)
        yield f"EP{document:08d}A1/imgf{sheet:04d}.tif#{sheet + 1}"


def main() -> None:
    """Make, sort, compare, look up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, default=100)
    millions = parser.parse_args().millions
    started = time.perf_counter()
    ids = np.empty(millions * _BLOCK, np.int64)
    for block in range(millions):
        ids[block * _BLOCK : (block + 1) * _BLOCK] = vector_ids(keys(block * _BLOCK, _BLOCK))
    made_s = time.perf_counter() - started
    drawn = ids[np.random.default_rng(0).integers(0, len(ids), _LOOKED_UP)]
    started = time.perf_counter()
    ids.sort()
    sorted_s = time.perf_counter() - started
    alike = int(np.count_nonzero(ids[1:] == ids[:-1]))
    started = time.perf_counter()
    lost = int(np.count_nonzero(~are_in(drawn, ids)))
    found_s = time.perf_counter() - started
    strangers = int(np.count_nonzero(are_in(vector_ids(keys(len(ids), _BLOCK)), ids)))
    print(f"{len(ids):,} ids: {alike} alike, {int(ids[0] < 0)} negative, {lost} of {_LOOKED_UP:,} not found again")
    print(f"{strangers} of {_BLOCK:,} ids that are not there were found")
    print(f"made in {made_s:.0f} s, sorted in {sorted_s:.1f} s, {found_s / _LOOKED_UP * 1e6:.2f} µs a look-up")
    if alike or lost or strangers or ids[0] < 0:
        raise SystemExit("ids are not what they must be")


if __name__ == "__main__":
    main()
