"""Small lakes made on the spot: documents, figures and vectors written and committed like any step's."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import IndexSettings, PublishSettings, Settings
from pipeline.context import StepContext
from pipeline.flow import STEPS
from pipeline.indexing import codebook_step, encode_step
from pipeline.indexing.modalities import MODALITIES
from pipeline.indexing.train import SampleFilter
from pipeline.lake import Lake
from pipeline.parts import PartWriter, gather
from pipeline.publishing import step as publish_step

Vectors = NDArray[np.float32]
MODEL = {"image": "builtin:test-image", "text": "builtin:test-text", "passage": "builtin:test-text"}
_STEP_OF = {table: step.name for step in STEPS for table in step.writes}
_generation = iter(range(1, 1_000_000))


def small_settings(**changes: Any) -> Settings:
    """Settings whose releases need few queries; ``changes`` are sections."""
    return replace(Settings(publish=PublishSettings(queries=20)), **changes)


def write(lake: Lake, table: str, archive: str, rows: Sequence[dict[str, Any]]) -> None:
    """Replace an archive's partition by these rows, as the table's step would."""
    with PartWriter(lake.storage, table, {"archive": archive}) as writer:
        writer.write_rows([_complete(writer, row) for row in rows])
    lake.commit(table, _STEP_OF.get(table, "test"), archive, next(_generation), writer.parts)


def _complete(writer: PartWriter, row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in writer.schema.names}


def unit(vectors: Any) -> Vectors:
    """Unit vectors whose values float16 can hold."""
    found = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float16).astype(np.float32)


def clustered(rows: int, dimension: int, clusters: int, seed: int) -> Vectors:
    """Vectors drawn around random centres, as embeddings of real things lie."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dimension), dtype=np.float32)
    noise = rng.standard_normal((rows, dimension), dtype=np.float32)
    return unit(centres[rng.integers(0, clusters, rows)] + 0.5 * noise)


def write_vectors(
    lake: Lake, modality: str, archive: str, vectors: Mapping[str, Any], revision: str = "1", model: str = ""
) -> None:
    """Vectors by key; the document is the key's part before the first slash."""
    found = MODALITIES[modality]
    rows = [
        {found.key: key, "doc_id": key.split("/")[0], "model": model or MODEL[modality], "revision": revision,
         "vector": unit(vector)[0].tolist()}
        for key, vector in vectors.items()
    ]  # fmt: skip
    write(lake, found.table, archive, rows)


def sheet_file(text: str) -> bytes:
    """A drawing of 300 x 400 pixels as a G4 TIFF: a ring, a box and the text, each text another drawing."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("1", (300, 400), 1)
    draw, shift = ImageDraw.Draw(image), sum(map(ord, text)) % 90
    draw.ellipse((30 + shift, 60, 150 + shift, 180), outline=0, width=3)
    draw.rectangle((60, 200 + shift, 220, 280 + shift), outline=0, width=2)
    draw.text((40, 20), text, fill=0, font=ImageFont.load_default(20))
    stream = io.BytesIO()
    image.save(stream, format="TIFF", compression="group4", dpi=(300, 300))
    return stream.getvalue()


def add_archive(
    lake: Lake, archive: str, documents: Mapping[str, Mapping[str, tuple[Any, Any]]], delivered: date,
    passages: Mapping[str, Any] | None = None, drawn: bool = True,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:  # fmt: skip
    """An archive's tables. ``documents``: doc_id → label → (image vector, text vector or None).

    Without ``drawn`` all sheets hold the same few bytes, for lakes of thousands. ``facts`` by doc_id
    replace columns of ``documents`` and of its figures' ``facets``.
    """
    figures = [
        (doc_id, label, f"{doc_id}/s{label}.tif", vectors)
        for doc_id, labels in documents.items()
        for label, vectors in labels.items()
    ]
    facts = facts or {}
    write(lake, "documents", archive, [{**_document(doc_id, delivered), **facts.get(doc_id, {})} for doc_id in
                                       documents])  # fmt: skip
    write(lake, "sheets", archive, [_sheet(doc_id, sheet, number, drawn) for number, (doc_id, _, sheet, _) in
                                    enumerate(figures)])  # fmt: skip
    write(lake, "figures", archive, [_figure(doc_id, sheet, label) for doc_id, label, sheet, _ in figures])
    write(lake, "links", archive, [link for doc_id, label, sheet, _ in figures
                                   for link in _links(doc_id, sheet, label)])  # fmt: skip
    write(lake, "facets", archive, [
        {"figure_id": f"{sheet}#{label}", "doc_id": doc_id, "figure_type": "block diagram", "type_probability": 0.9,
         "perspective": "unknown", "perspective_probability": 0.0, "source": "caption", "model": "rules-1",
         **facts.get(doc_id, {})}
        for doc_id, label, sheet, _ in figures
    ])  # fmt: skip
    for position, modality in enumerate(("image", "text")):
        found = {f"{sheet}#{label}": vectors[position] for _, label, sheet, vectors in figures}
        write_vectors(lake, modality, archive, {key: v for key, v in found.items() if v is not None})
    write_vectors(lake, "passage", archive, passages or {})


def _document(doc_id: str, delivered: date) -> dict[str, Any]:
    return {
        "doc_id": doc_id, "member": f"{doc_id}.xml", "office": "EP", "country": "EP", "number": doc_id[2:-2],
        "kind": doc_id[-2:], "publication_date": delivered, "delivery_date": delivered, "language": "en",
        "titles": {"de": f"Pumpe {doc_id}", "en": f"Pump {doc_id}"}, "n_sheets": 1, "scanned": False,
        "xml_sha256": "0" * 64,
    }  # fmt: skip


def _sheet(doc_id: str, sheet_id: str, number: int, drawn: bool) -> dict[str, Any]:
    image = sheet_file(sheet_id) if drawn else b"no picture"
    return {
        "sheet_id": sheet_id, "doc_id": doc_id, "file": sheet_id.split("/")[1], "ordinal": number, "role": "drawing",
        "declared_labels": [], "width_px": 300, "height_px": 400, "dpi": 300.0, "media_type": "image/tiff",
        "source": "tiff", "image": image, "sha256": hashlib.sha256(image).hexdigest(),
    }  # fmt: skip


def _figure(doc_id: str, sheet_id: str, label: str) -> dict[str, Any]:
    return {
        "figure_id": f"{sheet_id}#{label}", "sheet_id": sheet_id, "doc_id": doc_id, "label": label,
        "label_source": "office", "ordinal": 0, "x0": 10, "y0": 10, "x1": 290, "y1": 390,
        "caption": f"view {label} of the pump",
    }  # fmt: skip


def _links(doc_id: str, sheet_id: str, label: str) -> list[dict[str, Any]]:
    common = {"figure_id": f"{sheet_id}#{label}", "doc_id": doc_id}
    return [
        {**common, "sign": "10", "passage_id": f"{doc_id}/d/1/0", "term": "housing", "region_ordinal": 0,
         "match": "exact", "ocr_confidence": 0.9, "score": 0.5, "text": "The housing 10 is closed."},
        {**common, "sign": "", "passage_id": f"{doc_id}/d/1/1", "match": "figure mention", "score": 0.9,
         "text": f"Figure {label} shows the pump."},
    ]  # fmt: skip


def build_index(lake: Lake, settings: Settings) -> None:
    """Codebooks and shards of the whole lake by the steps' own functions, without Ray."""
    standing = {row["modality"]: row for row in lake.read("codebooks").to_pylist()}
    rows = []
    for name, (space, recipe) in codebook_step.wanted_codebooks(lake, settings).items():
        row = standing.get(name)
        if row is None or not codebook_step.still_fits(row, space, recipe, settings):
            modality, index = MODALITIES[name], settings.indexing
            keep = SampleFilter(modality.key, space.model, space.revision, space.rows, index.sample, index.seed)
            blocks = [keep(lake.read(modality.table))] if recipe != "Flat" else []
            row = codebook_step.train_and_save(
                lake.storage, name, recipe, space, index.sample, index.seed, *blocks
            )  # fmt: skip
        rows.append(row)
    write(lake, "codebooks", "_lake", rows)
    archives = {f.partition["archive"] for m in MODALITIES.values() for f in lake.files(m.table)}
    archives |= {f.partition["archive"] for f in lake.files("shards")}
    for archive in sorted(archives):
        encode(lake, archive)


def encode(lake: Lake, archive: str) -> None:
    """The archive's shards under the codebooks in force."""
    notes = []
    for row in lake.read("codebooks").to_pylist():
        batch = encode_step.encode_archive(lake, archive, row)
        notes += gather(zip(batch["kind"].to_pylist(), batch["payload"].to_pylist(), strict=True)).notes
    write(lake, "shards", archive, notes)


def publish(lake: Lake, settings: Settings) -> dict[str, Any]:
    """Run the publish step; returns its metrics. These lakes lack the tables that an index does not need."""
    settings = replace(settings, quality=replace(settings.quality, off=("references", *settings.quality.off)))
    context = StepContext(lake, settings, "_lake", None, next(_generation), lambda done, total: None)
    return publish_step.run(context).metrics


def tiny_index(factory: str = "IVF64,PQ16x4fs") -> IndexSettings:
    """Inverted lists for a few thousand vectors."""
    return IndexSettings(factory=factory, sample=5_000)
