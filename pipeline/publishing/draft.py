"""A release in the making: its files written, its manifest filled but for the measurements."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.flow import STEPS
from pipeline.indexing.files import put, sha256_of
from pipeline.indexing.modalities import MODALITIES
from pipeline.lake import Lake
from pipeline.publishing import manifest as m
from pipeline.publishing.entries import FOLDER, files_in
from pipeline.publishing.live import live_documents, write_details, write_facets
from pipeline.publishing.rows import IDS_SCHEMA, MASKED_SCHEMA, LiveRows, select_rows
from pipeline.publishing.units import Shards, Unit, standing_units
from pipeline.storage import Storage
from schemas import TABLES

#: Tables whose versions are no part of a release: they change with every run.
_BOOKKEEPING = ("runs", "rejects", "quality")


@dataclass(frozen=True)
class Draft:
    """Files in ``folder`` that wait for a release's name, and what the manifest will say of them."""

    folder: Path
    modalities: dict[str, m.Modality]
    meanings: dict[str, str]
    counts: dict[str, int]
    tables: dict[str, int]

    @property
    def content(self) -> str:
        """Digest of what the release will hold, however it is laid out."""
        codebooks = {name: modality.codebook.name for name, modality in self.modalities.items()}
        return m.content_digest(codebooks, self.meanings, self.files(""))

    def files(self, release: str) -> dict[str, m.File]:
        """The release's own files under their final paths."""
        found = {}
        for name in m.FILES:
            local = self.folder / f"{name}.arrow"
            path = f"{m.RELEASES}/{release}/{name}.arrow"
            found[name] = m.File(path, local.stat().st_size, sha256_of(local), _ipc_rows(local))
        return found

    def lexical_files(self, release: str) -> tuple[m.File, ...]:
        """The files of the lexical index under their final paths.

        Their folder is named by what they hold: two publishers of one lake, or a second one after a killed one, make
        the same release with segments of other names, and neither may replace what the other's manifest says.
        """
        found = [(path.name, path.stat().st_size, sha256_of(path)) for path in files_in(self.folder / FOLDER)]
        folder = f"{m.RELEASES}/{release}/{FOLDER}-{hashlib.sha256(repr(found).encode()).hexdigest()[:12]}"
        return tuple(m.File(f"{folder}/{name}", size, sha256) for name, size, sha256 in found)

    def put_files(self, storage: Storage, manifest: m.Manifest) -> None:
        """Move the release's own files to where its manifest says."""
        for file in manifest.lexical:
            put(storage, self.folder / FOLDER / Path(file.path).name, file.path)
        for name, file in manifest.files.items():
            put(storage, self.folder / f"{name}.arrow", file.path)


def snapshot(lake: Lake) -> Lake:
    """The lake with every table of a release fixed at the version it has now (or is pinned at already)."""
    versions = {table: lake.version(table) for table in TABLES if table not in _BOOKKEEPING}
    return lake.pinned({table: version for table, version in versions.items() if version is not None})


def unfinished(lake: Lake, standing: m.Manifest | None) -> list[str]:
    """Archives that are on their way, in another run or since one failed: they have documents, and not all else yet.

    A release without them keeps showing the earlier deliveries of their documents. What the release in force shows
    already is never left out.
    """
    shown = {archive for part in (standing.modalities if standing else {}).values() for shard in part.shards
             for archive in shard.archives}  # fmt: skip
    names = _archives(lake, "documents") - shown
    classified, encoded = _archives(lake, "facets"), _archives(lake, "shards")
    with_vectors = {name for modality in MODALITIES.values() for name in _archives(lake, modality.table)}
    last = next(step for step in STEPS if "facets" in step.writes)
    return sorted(
        name
        for name in names
        if (name not in classified and lake.generation("facets", last.name, name) is None)
        or (name in with_vectors and name not in encoded)
    )


def _archives(lake: Lake, table: str) -> set[str]:
    return {file.partition["archive"] for file in lake.files(table) if file.rows}


def assemble(lake: Lake, folder: Path) -> Draft:
    """Write ids, masked, facets and details from a pinned lake. Raises as :func:`select_rows` does."""
    figures = write_facets(lake, folder / "facets.arrow")
    existing = {"image": figures.id, "text": figures.id}
    details = {name: write_details(lake, name, folder / f"{name}s.arrow") for name in m.DETAILS}
    existing["region"] = details["region"]
    documents = live_documents(lake)
    codebooks = {row["modality"]: row for row in lake.read("codebooks").to_pylist()}
    modalities: dict[str, m.Modality] = {}
    selected: list[LiveRows] = []
    meanings = {}
    units = standing_units(lake, documents)
    for name in MODALITIES:
        if name not in units:
            continue
        rows = select_rows(name, Shards(lake.storage, units[name]), documents, existing.get(name), folder)
        selected.append(rows)
        modalities[name] = _modality(lake.storage, len(selected), codebooks[name], units[name], rows)
        meanings[name] = _meaning(units[name], rows)
    everything = [figures, *selected]
    _write_batches(folder / "ids.arrow", IDS_SCHEMA, [rows.batch for rows in everything])
    masked = [pa.record_batch([rows.masked], schema=MASKED_SCHEMA) for rows in everything]
    _write_batches(folder / "masked.arrow", MASKED_SCHEMA, masked)
    counts = {"documents": sum(len(ids) for ids in documents.values()), "figures": len(figures.id)}
    return Draft(folder, modalities, meanings, counts, dict(sorted(lake.pins.items())))


def _modality(
    storage: Storage, batch: int, codebook: dict[str, Any], units: Sequence[Unit], rows: LiveRows
) -> m.Modality:
    entry = m.Codebook(
        codebook["codebook"], codebook["recipe"], codebook["dimension"], codebook["model"], codebook["revision"],
        codebook["trained_on"], _stored(storage, codebook["path"], codebook["sha256"], None),
    )  # fmt: skip
    parts = tuple(
        m.Shard(
            tuple(member.archive for member in unit.members if member.stands), row["rows"],
            _stored(storage, row["vectors_path"], row["vectors_sha256"], row["rows"]),
            _stored(storage, row["keys_path"], row["keys_sha256"], row["rows"]),
            _stored(storage, row["lists_path"], row["lists_sha256"], row["rows"]) if row["lists_path"] else None,
        )
        for unit, row in ((unit, unit.files) for unit in units)
    )  # fmt: skip
    return m.Modality(batch, entry, parts, len(rows.id), sum(part.rows for part in parts) - len(rows.id))


def _meaning(units: Sequence[Unit], rows: LiveRows) -> str:
    """Digest of the vectors that are seen, wherever they lie."""
    sources = sorted((member.archive, member.shard) for unit in units for member in unit.members if member.stands)
    digest = hashlib.sha256(repr(sources).encode())
    digest.update(rows.id.data)
    return digest.hexdigest()


def _stored(storage: Storage, path: str, sha256: str, rows: int | None) -> m.File:
    """An index file as its table says it is; a missing one has size -1, which the checksum gate names."""
    size = storage.size(path)
    return m.File(path, -1 if size is None else size, sha256, rows)


def _write_batches(path: Path, schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> None:
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _ipc_rows(path: Path) -> int:
    with pa.memory_map(str(path)) as stream:
        reader = pa.ipc.open_file(stream)
        return sum(reader.get_batch(number).num_rows for number in range(reader.num_record_batches))
