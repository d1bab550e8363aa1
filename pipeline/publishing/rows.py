"""The rows that a release shows, chosen from the keys of all shards."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
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
from pipeline.publishing.units import ShardKeys, Shards

#: Record batch 0 is of the figures (``row``: in facets.arrow), then comes one per modality.
IDS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
    ]
)
MASKED_SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False)])
#: Rows of a release that are sorted at a time.
_SORTED_ROWS = 1 << 23
_ROW = np.dtype([("id", np.int64), ("shard", np.int32), ("row", np.int32)])


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

    Rows are dealt to files in ``folder`` by the first bits of their ids, which are uniform, and sorted file by file:
    memory holds one shard's keys and :data:`_SORTED_ROWS` rows, 40 bytes each.
    Raises IdCollisionError when two keys share an id, FiglakeError when a row would be seen twice.
    """
    bits = (shards.rows // _SORTED_ROWS).bit_length()
    with ExitStack() as stack:

        def spool(name: str, dtype: Any, parts: int = 1) -> Spool:
            return stack.enter_context(Spool(folder, f"{modality}-{name}", dtype, parts))

        seen, hidden = spool("seen", _ROW, 1 << bits), spool("hidden", np.int64, 1 << bits)
        columns, masked = {name: spool(name, _ROW[name]) for name in _ROW.names or ()}, spool("masked", np.int64)
        for shard in shards:
            _deal(shard, documents, existing, (seen, hidden), ID_BITS - bits)
        twice, repeated = [], []
        for part in range(1 << bits):
            live, unseen = seen.read(part), np.sort(hidden.read(part))
            live = live[np.argsort(live["id"], kind="stable")]
            again = are_in(unseen, live["id"])
            twice.append(_repeated(live["id"]))
            repeated += [unseen[again], _repeated(unseen)]
            for name, column in columns.items():
                column.append(live[name])
            masked.append(np.unique(unseen[~again]))
        _require_one_key_per_id(modality, shards, np.unique(np.concatenate(twice + repeated)))
        if len(doubled := np.concatenate(twice)):
            raise FiglakeError(f"{modality}: {_keys_of(shards, int(doubled[0]))[0]!r} would be in the release twice")
        return LiveRows(**{name: column.mapped() for name, column in columns.items()}, masked=masked.mapped())


def _deal(
    shard: ShardKeys, documents: Mapping[str, pa.Array], existing: NDArray[np.int64] | None,
    spools: tuple[Spool, Spool], shift: int,
) -> None:  # fmt: skip
    """Append one archive's rows to the files of their ids: those that are seen, and the ids of the others."""
    own = shard.rows["id"].to_numpy()
    shown = pc.is_in(shard.rows["doc_id"], value_set=documents.get(shard.archive, pa.array([], pa.string())))
    keep = shown.to_numpy(zero_copy_only=False)
    if existing is not None:
        keep = keep & are_in(own, existing)
    where = np.flatnonzero(keep)
    found = np.empty(len(where), _ROW)
    found["id"], found["shard"], found["row"] = own[where], shard.shard, shard.first + where
    for spool, values, keys in ((spools[0], found, found["id"]), (spools[1], own[~keep], own[~keep])):
        parts = keys >> shift
        order = np.argsort(parts, kind="stable")
        numbers, starts = np.unique(parts[order], return_index=True)
        for part, places in zip(numbers, np.split(order, starts)[1:], strict=True):
            spool.append(values[places], int(part))


def _repeated(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """The values that repeat the one before."""
    return np.unique(ascending[1:][ascending[1:] == ascending[:-1]])


def _require_one_key_per_id(modality: str, shards: Shards, repeated: NDArray[np.int64]) -> None:
    """Look at the keys of ids that came more than once, and refuse two keys for one id.

    Keys are compared by another hash: of a delivery that came twice there may be millions.
    """
    if not len(repeated):
        return
    found = []
    for shard in shards:
        rows = shard.rows.filter(pa.array(are_in(shard.rows["id"].to_numpy(), repeated)))
        found.append(np.stack([rows["id"].to_numpy(), vector_ids(rows["key"].to_pylist(), seed=1)], axis=1))
    if len(same := _repeated(np.unique(np.concatenate(found), axis=0)[:, 0])):
        first, second = _keys_of(shards, int(same[0]))[:2]
        raise IdCollisionError(f"{modality}: {first!r} and {second!r} have the same vector id {same[0]}")


def _keys_of(shards: Shards, vector: int) -> list[str]:
    """The distinct keys with an id, in the order of the shards."""
    found = (shard.rows["key"].filter(pc.equal(shard.rows["id"], vector)).to_pylist() for shard in shards)
    return list(dict.fromkeys(key for keys in found for key in keys))
