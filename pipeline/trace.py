"""Lineage of one item: archive member → document → sheet → figure → vectors → rows of shards → releases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import registry
from pipeline.errors import UsageError
from pipeline.indexing.ids import vector_id
from pipeline.indexing.modalities import MODALITIES
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.publishing.live import live_documents
from pipeline.publishing.units import read_keys, standing_units
from pipeline.withdrawal import reasons

#: Each table and its key, from the document to what is made of it.
_KEYS = {"sheets": "sheet_id", "figures": "figure_id", "passages": "passage_id"}


def trace(lake: Lake, item: str) -> dict[str, Any]:
    """Where a document, sheet, figure or sentence comes from and where its vectors lie, in the newest tables.

    ``item`` is a doc_id, sheet_id, figure_id, passage_id or region_id. Of a document that was withdrawn and purged
    nothing is left but that it was. Raises UsageError when the lake knows none.
    """
    lake = lake.snapshot()
    doc_id = item.split("/", 1)[0]
    withdrawn = reasons(lake).get(doc_id)
    known = registry.known(lake)
    documents = []
    for row in _rows(lake, "documents", pc.field("doc_id") == doc_id, ["archive", "member", "delivery_date"]):
        archive = known.get(row["archive"])
        documents.append({
            "archive": row["archive"], "uri": archive.uri if archive else None,
            "sha256": archive.sha256 if archive else None, "member": row["member"],
            "delivery_date": row["delivery_date"],
        })  # fmt: skip
    if not documents and withdrawn is None:
        raise UsageError(
            f"no document {doc_id!r} in the newest tables; an id is EP3441903A1, or begins with that and a slash"
        )
    found = {table: _items(lake, table, key, doc_id, item) for table, key in _KEYS.items()}
    if "#" in item and not found["figures"]:  # a region of a figure
        found["figures"] = _items(lake, "figures", "figure_id", doc_id, item.rpartition("/")[0])
    vectors = [row for name in MODALITIES for row in _vectors(lake, name, doc_id, item)]
    if documents and item != doc_id and not any(found.values()) and not vectors:
        raise UsageError(f"{doc_id} has no {item!r}; `figlake trace {doc_id}` lists what it has")
    return {
        "item": item, "doc_id": doc_id, "withdrawn": withdrawn, "documents": documents, **found,
        "vectors": vectors, "shards": list(_shard_rows(lake, doc_id, vectors)),
    }  # fmt: skip


def _rows(lake: Lake, table: str, where: pc.Expression, columns: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = lake.dataset(table).to_table(columns=columns, filter=where).to_pylist()
    return rows


def _of(key: str, item: str, doc_id: str) -> pc.Expression:
    """Rows of the document; of a part of it, those that carry its id or lie on or in it."""
    where = pc.field("doc_id") == doc_id
    if item == doc_id:
        return where
    parts = pc.starts_with(pc.field(key), item + "#") | pc.starts_with(pc.field(key), item + "/")
    return where & ((pc.field(key) == item) | parts)


def _items(lake: Lake, table: str, key: str, doc_id: str, item: str) -> list[dict[str, Any]]:
    extra = {"sheets": ["file", "role", "sha256"], "figures": ["sheet_id", "label"], "passages": ["section"]}[table]
    if table == "sheets":
        item = item.split("#", 1)[0]
    if table == "passages" and item == doc_id:
        return []  # hundreds; their vectors are told
    return sorted(_rows(lake, table, _of(key, item, doc_id), ["archive", key, *extra]), key=lambda row: str(row[key]))


def _vectors(lake: Lake, name: str, doc_id: str, item: str) -> list[dict[str, Any]]:
    modality = MODALITIES[name]
    rows = _rows(lake, modality.table, _of(modality.key, item, doc_id), ["archive", modality.key, "model", "revision"])
    return [
        {"modality": name, "table": modality.table, "archive": row["archive"], "key": row[modality.key],
         "id": str(vector_id(row[modality.key])), "model": row["model"], "revision": row["revision"]}
        for row in rows
    ]  # fmt: skip


def _shard_rows(lake: Lake, doc_id: str, vectors: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The row of each vector in the shards that a release made now would hold, and which releases hold those."""
    holders: dict[str, list[str]] = {}
    for manifest in pointer.manifests(lake):
        for file in manifest.all_files():
            holders.setdefault(file.path, []).append(manifest.release)
    wanted = pa.array(sorted({row["key"] for row in vectors}), pa.string())
    archives = {row["archive"] for row in vectors}
    for name, units in standing_units(lake, live_documents(lake)).items():
        # A lake has thousands of shards, and the vectors lie in those of their archives.
        for unit in (one for one in units if any(m.stands and m.archive in archives for m in one.members)):
            path = unit.files["vectors_path"]
            for member, first, rows in unit.slices(read_keys(lake.storage, unit)):
                if not (member.stands and member.archive in archives):
                    continue
                here = pc.and_(pc.equal(rows["doc_id"], doc_id), pc.is_in(rows["key"], value_set=wanted))
                for place in pc.indices_nonzero(here).to_pylist():
                    yield {
                        "modality": name, "key": rows["key"][place].as_py(), "codebook": unit.files["codebook"],
                        "shard": path, "row": first + place, "releases": holders.get(path, []),
                    }  # fmt: skip
