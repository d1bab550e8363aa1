"""The rows that a release shows, chosen from the keys of all shards."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import FiglakeError
from pipeline.indexing.ids import ID_BITS, IdCollisionError, are_in, vector_ids
from pipeline.publishing.spool import Spool
from pipeline.publishing.units import Piece, Shards

#: Record batch 0 is of the figures (``row``: in facets.arrow), then comes one per modality.
IDS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
    ]
)
MASKED_SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False)])
#: Rows of a release that are sorted at a time, and files that they are dealt to at most.
_SORTED_ROWS, _MOST_BITS = 1 << 23, 8
#: Keys made Python strings at a time.
_BATCH_ROWS = 1 << 16
_SEEN = np.dtype([("id", np.int64), ("shard", np.int32), ("row", np.int32)])
_HIDDEN = np.dtype([("id", np.int64), ("shard", np.int32)])
_KEY = np.dtype([("id", np.int64), ("key", np.int64)])


@dataclass(frozen=True)
class LiveRows:
    """One modality: the vectors that are seen, by ascending id, and the ids that are masked, ascending too.

    Of a large modality these are mappings of files.
    """

    id: NDArray[np.int64]
    shard: NDArray[np.int32]
    row: NDArray[np.int32]
    masked: NDArray[np.int64]

    @property
    def batch(self) -> pa.RecordBatch:
        return pa.record_batch([self.id, self.shard, self.row], schema=IDS_SCHEMA)


def select_rows(
    modality: str, shards: Shards, documents: Mapping[str, pa.Array], existing: NDArray[np.int64] | None, folder: Path
) -> LiveRows:
    """The vectors of a modality that a release shows: of live documents, and with an ``existing`` id (None: any).

    Rows are dealt to files in ``folder`` by the first bits of their ids, which are uniform, and sorted file by file.
    Memory: a batch of keys, :data:`_SORTED_ROWS` rows of 40 bytes, or a 256th of all where that is more, and 16 bytes
    for each id that came twice. Disk: 32 bytes for each row. Raises IdCollisionError when two keys share an id,
    FiglakeError when a row would be seen twice.
    """
    bits = min((shards.rows // _SORTED_ROWS).bit_length(), _MOST_BITS)
    parts, shift = 1 << bits, ID_BITS - bits
    seen = Spool(folder, f"{modality}-seen", _SEEN, parts)
    hidden = Spool(folder, f"{modality}-hidden", _HIDDEN, parts)
    columns = {name: Spool(folder, f"{modality}-{name}", _SEEN[name]) for name in ("id", "shard", "row")}
    masked = Spool(folder, f"{modality}-masked", np.int64)
    for piece in shards.read(("id", "doc_id")):
        keep = _is_seen(piece, documents, existing)
        ids, places = piece.rows["id"].to_numpy(), piece.first + np.arange(len(keep))
        _deal(seen, shift, id=ids[keep], shard=piece.shard, row=places[keep])
        _deal(hidden, shift, id=ids[~keep], shard=piece.shard)
    repeated, holders, twice = [], set(), []
    for part in range(parts):
        live, unseen = seen.read(part), hidden.read(part)
        live, unseen = live[np.argsort(live["id"], kind="stable")], unseen[np.argsort(unseen["id"], kind="stable")]
        again = are_in(unseen["id"], live["id"])
        twice.append(_repeated(live["id"]))
        repeated.append(np.unique(np.concatenate([twice[-1], unseen["id"][again], _repeated(unseen["id"])])))
        for rows in (live, unseen):
            holders |= set(np.unique(rows["shard"][are_in(rows["id"], repeated[-1])]).tolist())
        for name, column in columns.items():
            column.append(live[name])
        masked.append(np.unique(unseen["id"][~again]))
    if holders:
        keys = Spool(folder, f"{modality}-keys", _KEY, parts)
        _require_one_key_per_id(modality, shards, holders, np.concatenate(repeated), keys, shift)
    if len(doubled := np.concatenate(twice)):
        raise FiglakeError(f"{modality}: {_keys_of(shards, int(doubled[0]))[0]!r} would be in the release twice")
    return LiveRows(**{name: column.mapped() for name, column in columns.items()}, masked=masked.mapped())


def _is_seen(
    piece: Piece, documents: Mapping[str, pa.Array], existing: NDArray[np.int64] | None
) -> NDArray[np.bool_]:  # fmt: skip
    shown = pc.is_in(piece.rows["doc_id"], value_set=documents.get(piece.archive, pa.array([], pa.string())))
    keep: NDArray[np.bool_] = shown.to_numpy(zero_copy_only=False)
    return keep if existing is None else keep & are_in(piece.rows["id"].to_numpy(), existing)


def _deal(spool: Spool, shift: int, **columns: Any) -> None:
    """Append rows to the parts of their ids."""
    rows = np.empty(len(columns["id"]), spool.dtype)
    for name, values in columns.items():
        rows[name] = values
    parts = rows["id"] >> shift
    order = np.argsort(parts, kind="stable")
    numbers, starts = np.unique(parts[order], return_index=True)
    for part, places in zip(numbers, np.split(order, starts)[1:], strict=True):
        spool.append(rows[places], int(part))


def _repeated(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """The values that repeat the one before."""
    return np.unique(ascending[1:][ascending[1:] == ascending[:-1]])


def _require_one_key_per_id(
    modality: str, shards: Shards, holders: Container[int], repeated: NDArray[np.int64], keys: Spool, shift: int
) -> None:
    """Look at the keys of ids that came more than once, and refuse two keys for one id.

    Keys are compared by another hash: of a delivery that came twice there may be millions.
    """
    for piece in shards.read(("id", "key"), holders):
        rows = piece.rows.filter(pa.array(are_in(piece.rows["id"].to_numpy(), repeated)))
        for start in range(0, len(rows), _BATCH_ROWS):
            some = rows.slice(start, _BATCH_ROWS)
            _deal(keys, shift, id=some["id"].to_numpy(), key=vector_ids(some["key"].to_pylist(), seed=1))
    for part in range(keys.parts):
        pairs = keys.read(part)
        pairs = pairs[np.lexsort((pairs["key"], pairs["id"]))]
        same = (pairs["id"][1:] == pairs["id"][:-1]) & (pairs["key"][1:] != pairs["key"][:-1])
        if same.any():
            vector = int(pairs["id"][1:][same][0])
            first, second = _keys_of(shards, vector)[:2]
            raise IdCollisionError(f"{modality}: {first!r} and {second!r} have the same vector id {vector}")


def _keys_of(shards: Shards, vector: int) -> list[str]:
    """The distinct keys with an id, in the order of the shards."""
    pieces = (piece.rows for piece in shards.read(("id", "key")))
    found = (rows["key"].filter(pc.equal(rows["id"], vector)).to_pylist() for rows in pieces)
    return list(dict.fromkeys(key for keys in found for key in keys))
