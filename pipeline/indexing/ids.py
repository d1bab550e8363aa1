"""Vector ids: 63-bit hashes of figure and passage keys, so that no shard ever needs an offset.

The same key has the same id in every archive and release. With n keys the chance of any collision
is about n² / 2⁶⁴: 5·10⁻⁴ at 100 million. Collisions are looked for whenever an index is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipeline.errors import FiglakeError

#: Ids are positive int64: faiss keeps -1 for "nothing found".
ID_BITS = 63


class IdCollisionError(FiglakeError):
    """Two keys have the same vector id, or one key came twice."""


def vector_id(key: str, seed: int = 0) -> int:
    """The id of a key: the upper 63 bits of its XXH3-64, UTF-8; with another ``seed`` another hash."""
    return xxhash.xxh3_64_intdigest(key.encode(), seed) >> 1


def vector_ids(keys: Iterable[str], seed: int = 0) -> NDArray[np.int64]:
    """The ids of many keys, int64 of shape (n,)."""
    return np.fromiter((vector_id(key, seed) for key in keys), dtype=np.int64)


def are_in(ids: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the ids are among many ascending ones, by binary search."""
    if not len(ascending):
        return np.zeros(ids.shape, dtype=np.bool_)
    places = np.minimum(np.searchsorted(ascending, ids), len(ascending) - 1)
    return np.asarray(ascending[places] == ids)


def require_distinct(ids: NDArray[np.int64], keys: Sequence[str], where: str) -> None:
    """Raise IdCollisionError when two rows share an id; says whether the key or only the hash is the same."""
    order = np.argsort(ids, kind="stable")
    same = np.flatnonzero(ids[order][1:] == ids[order][:-1])
    if not same.size:
        return
    first, second = (str(keys[int(order[same[0] + step])]) for step in (0, 1))
    if first == second:
        raise IdCollisionError(f"{where} holds the key {first!r} twice")
    raise IdCollisionError(f"{where}: {first!r} and {second!r} have the same vector id {vector_id(first)}")


def draw(ids: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """A pseudo-random rank of each vector, the same whatever order and archive it comes in.

    The smallest ranks make the training sample, the largest the queries that are held out from it.
    Ids are uniform, and an exclusive or with a constant keeps them so.
    """
    mask = np.int64(xxhash.xxh3_64_intdigest(b"draw", seed=seed) >> 1)
    return ids ^ mask
