"""The gates: a release that fails one is not published, and the error says which and by how much."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.config import SearchSettings
from pipeline.errors import GateError
from pipeline.indexing.modalities import MODALITIES
from pipeline.lake import Lake
from pipeline.publishing.draft import Draft
from pipeline.publishing.live import live_documents
from pipeline.publishing.manifest import Manifest
from pipeline.publishing.measure import TIE, Measured
from pipeline.publishing.units import read_keys, standing_units
from pipeline.search.nearest import nearest
from pipeline.search.release import DamagedReleaseError, OpenModality, Release, open_files
from pipeline.storage import Storage
from pipeline.withdrawal import STEP as WITHDRAW
from pipeline.withdrawal import withdrawn

#: Rows looked at in one step.
_BLOCK_ROWS = 1 << 20


def check_counts(lake: Lake, draft: Draft, standing: Manifest | None) -> None:
    """Each archive's shard holds as many vectors as its table, under the codebook in force.

    A release without any vector is refused where an earlier one had some.
    """
    for name, modality in MODALITIES.items():
        in_tables: dict[str, int] = {}
        for file in lake.files(modality.table):
            archive = file.partition["archive"]
            in_tables[archive] = in_tables.get(archive, 0) + file.rows
        entry = draft.modalities.get(name)
        in_shards = {
            row["archive"]: row["rows"]
            for row in lake.read("shards", ["archive", "modality", "codebook", "rows"]).to_pylist()
            if entry and (row["modality"], row["codebook"]) == (name, entry.codebook.name)
        }
        for archive in sorted(in_tables.keys() | in_shards.keys()):
            wanted, found = in_tables.get(archive, 0), in_shards.get(archive, 0)
            if wanted != found and lake.generation(modality.table, WITHDRAW, archive) is not None:
                wanted, found = _beside_withdrawn(lake, name, archive)
            if wanted != found:
                raise GateError(
                    f"gate counts: archive {archive} has {wanted} rows in {modality.table} and {found} in the {name} "
                    f"shards of the codebook in force; `figlake run` without --archives brings every archive up to date"
                )
    if standing and sum(m.rows for m in standing.modalities.values()) and not draft.modalities:
        raise GateError(f"gate counts: no vectors are left, release {standing.release} has some")


def _beside_withdrawn(lake: Lake, name: str, archive: str) -> tuple[int, int]:
    """Rows of an archive's table and of its part of the shards, but for documents that were withdrawn.

    The archive's own shard keeps the rows of a document that its table has lost; so rows are counted, not files.
    """
    gone = set(withdrawn(lake))
    found = 0
    for unit in standing_units(lake, live_documents(lake)).get(name, []):
        for member, _, rows in unit.slices(read_keys(lake.storage, unit)):
            if member.stands and member.archive == archive:
                gone |= set(member.dropped)
                hidden = pc.sum(pc.is_in(rows["doc_id"], value_set=pa.array(sorted(gone), pa.string()))).as_py()
                found += rows.num_rows - (hidden or 0)
    in_table = lake.dataset(MODALITIES[name].table, archive)
    return in_table.count_rows(filter=~pc.field("doc_id").isin(sorted(gone))), found


def check_files(storage: Storage, manifest: Manifest, standing: Manifest | None) -> Release:
    """Open the release: every file is there and has its size, every file new since CURRENT its SHA-256."""
    known = frozenset(standing.all_files()) if standing else frozenset()
    try:
        return open_files(storage, manifest, trusted=known)
    except DamagedReleaseError as error:
        raise GateError(f"gate checksums: {error}") from None


def check_keys(release: Release) -> None:
    """Ids ascend without repeating, rows point into their shards, and as many as the manifest says."""
    for name, modality in release.modalities.items():
        if len(modality.ids) != modality.entry.rows:
            raise GateError(f"gate keys: {name} lists {len(modality.ids)} ids, the manifest {modality.entry.rows}")
        sizes = np.array([shard.rows for shard in modality.entry.shards])
        for start in range(0, len(modality.ids), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            if not np.all(np.diff(modality.ids[start : start + _BLOCK_ROWS + 1]) > 0):
                raise GateError(f"gate keys: the {name} ids are not unique and ascending")
            if np.any(modality.row[block] >= sizes[modality.shard[block]]):
                raise GateError(f"gate keys: a row of the {name} ids lies outside its shard")


def check_recall(measured: Mapping[str, Measured], at_least: float) -> None:
    """Recall@10 of every modality reaches the configured one."""
    for name, found in measured.items():
        if found.recall_at_10 is not None and found.recall_at_10 < at_least:
            raise GateError(
                f"gate recall: recall@10 of {name} is {found.recall_at_10:.4f} over {found.queries} queries, "
                f"publish.recall_at_10 asks {at_least}; raise publish.aim, or choose a finer "
                f"indexing.factory"
            )


def check_latency(measured: Mapping[str, Measured], at_most_ms: float) -> None:
    """The 95th percentile of a single query's time keeps to the configured one; 0 asks nothing."""
    for name, found in measured.items():
        p95 = found.latency_ms.get("p95", 0.0)
        if at_most_ms and p95 > at_most_ms:
            raise GateError(
                f"gate latency: one in twenty queries of {name} takes {p95:.1f} ms or more, publish.latency_ms allows "
                f"{at_most_ms:g}; lower publish.aim, or choose an indexing.factory with shorter codes"
            )


def check_canaries(release: Release, search: SearchSettings) -> None:
    """A stored vector of every shard finds itself, or a twin as similar, first."""
    for name, modality in release.modalities.items():
        positions = _canaries(modality)
        vectors = modality.gather(positions)
        own = np.einsum("nd,nd->n", vectors, vectors)
        first = nearest(modality, vectors, 1, search)[0][:, 0]
        lost = np.flatnonzero(first < own - TIE)
        if lost.size:
            shard = modality.entry.shards[int(modality.shard[positions[lost[0]]])]
            raise GateError(
                f"gate canaries: {lost.size} of {len(positions)} stored {name} vectors do not find themselves, the "
                f"first in the shard of archive {', '.join(shard.archives)}; run encode for it"
            )


def _canaries(modality: OpenModality) -> NDArray[np.int64]:
    """The first seen row of every shard."""
    seen = np.zeros(len(modality.entry.shards), np.int64)
    for start in range(0, len(modality.shard), _BLOCK_ROWS):
        seen += np.bincount(modality.shard[start : start + _BLOCK_ROWS], minlength=len(seen))
    first = np.cumsum(seen) - seen
    positions: NDArray[np.int64] = modality.stored_order[first[seen > 0]].astype(np.int64)
    return positions
