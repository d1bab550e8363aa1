"""The sentences of a unit, each distinct one encoded once per archive.

Most sentences occur once in an archive; those are encoded where they stand. The few that several places
share (standard phrases of applicants and attorneys) are found beforehand by their digests, encoded once, and
looked up. Memory: 16 bytes for each sentence of the archive while they are counted, then the vectors of the
shared ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.embedding.units import Unit, read_spans
from pipeline.embedding.vectors import Vectors
from pipeline.storage import Storage
from schemas import TABLES

#: Shared sentences beyond this many, the rarest ones, are encoded wherever they stand: it bounds the vectors
#: that every worker of an archive has at hand.
SHARED_LIMIT = 200_000

_PASSAGES = ("passage_id", "doc_id", "text")
_LINKS = ("figure_id", "doc_id", "passage_id", "score")
_DIGEST = pa.binary(16)


@dataclass(frozen=True)
class Shared:
    """Vectors of sentences that occur in several places: digests and, row by row, float16 vectors."""

    digests: pa.Array
    vectors: NDArray[np.float16]


def read_unit(storage: Storage, unit: Unit, linked_only: bool) -> tuple[pa.Table, pa.Table]:
    """The unit's passages (passage_id, doc_id, text) and links (figure_id, doc_id, passage_id, score).

    With ``linked_only``, only passages that a link names.
    """
    links = read_spans(storage, unit.links, _LINKS, TABLES["links"].schema)
    passages = read_spans(storage, unit.passages, _PASSAGES, TABLES["passages"].schema)
    if linked_only:
        passages = passages.filter(pc.is_in(passages["passage_id"], value_set=links["passage_id"]))
    return passages, links


def digests(texts: Iterable[str]) -> pa.Array:
    """128-bit digests of sentences."""
    from xxhash import xxh3_128_digest

    return pa.array((xxh3_128_digest(text.encode()) for text in texts), _DIGEST)


def shared_sentences(
    storage: Storage, units: Sequence[Unit], linked_only: bool, limit: int = SHARED_LIMIT
) -> tuple[pa.Table, int]:
    """The distinct sentences that occur more than once (digest, text), and how many they are.

    Runs as one task: reading the text twice costs a small part of what encoding it does.
    """
    counted = pa.chunked_array([_unit_digests(storage, unit, linked_only) for unit in units], _DIGEST).value_counts()
    counted = counted.filter(pc.greater(counted.field("counts"), 1))
    order = pc.sort_indices(pc.negate(counted.field("counts")))
    wanted = counted.field("values").take(order)[:limit]
    found = pa.table({"digest": pa.array([], _DIGEST), "text": pa.array([], pa.string())})
    for unit in units if len(wanted) else ():
        texts = read_unit(storage, unit, linked_only)[0]["text"]
        rows = pa.table({"digest": digests(texts.to_pylist()), "text": texts})
        rows = rows.filter(pc.is_in(rows["digest"], value_set=wanted))
        found = pa.concat_tables([found, rows]).group_by("digest").aggregate([("text", "min")])
        found = found.rename_columns(["digest", "text"])
    return found.combine_chunks(), found.num_rows


def sentence_vectors(
    texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors], dimension: int, shared: Shared | None
) -> Vectors:
    """Vectors of the texts, those of shared sentences looked up and all others encoded."""
    if shared is None or not len(texts):
        return encode(texts)
    rows = pc.index_in(digests(texts), value_set=shared.digests)
    known = rows.is_valid().to_numpy(zero_copy_only=False)
    vectors = np.empty((len(texts), dimension), np.float32)
    vectors[known] = shared.vectors[rows.drop_null().to_numpy()]
    vectors[~known] = encode([text for text, found in zip(texts, known, strict=True) if not found])
    return vectors


def _unit_digests(storage: Storage, unit: Unit, linked_only: bool) -> pa.Array:
    return digests(read_unit(storage, unit, linked_only)[0]["text"].to_pylist())
