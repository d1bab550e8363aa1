"""What a query compares, as vectors by modality: encoded, looked up in the release, or given."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipeline.config import Settings
from pipeline.errors import RejectedItemError, UsageError
from pipeline.indexing.ids import are_in, vector_id
from pipeline.pixels import Sheet
from pipeline.search.encoders import Encoder, TextTower, encoder_for, load_picture, read_picture
from pipeline.search.hits import HitTables
from pipeline.search.query import Box, Picture, Query, Vectors, given
from pipeline.search.release import OpenModality, Release

#: Modalities with one vector per figure.
FIGURE_MODALITIES = ("image", "text")
#: Parts of a query that search in the vectors of a modality of another name.
_SEARCHES_IN = {"depicts": "image"}
#: The model of the cluster profile.
_WITH_TEXT_TOWER = "openai/clip-vit-base-patch32"


def modality_of(part: str) -> str:
    """The modality whose vectors a part of a query is compared with."""
    return _SEARCHES_IN.get(part, part)


class QueryVectors:
    """Makes a release's queries into vectors. ``encoders`` by modality; the others are found when they are needed."""

    def __init__(
        self, release: Release, tables: HitTables, settings: Settings, encoders: Mapping[str, Encoder]
    ) -> None:
        self.release, self.tables, self.settings = release, tables, settings
        self.encoders = dict(encoders)

    def of(self, query: Query) -> dict[str, Vectors]:
        """Unit vectors, float32 (m, dimension), by part; more than one where a sheet shows several figures.

        Raises UsageError for what cannot be searched with in this release.
        """
        vectors: dict[str, Vectors] = {}
        if query.box is not None:
            vectors["region"] = self._crop_vectors(query, query.box)
        elif query.image is not None:
            vectors["image"] = self._image_vectors(query.image)
        if given(query.text):
            vectors["text"] = self._text_vectors("text", query.text)
        if given(query.passage):
            vectors["passage"] = self._text_vectors("passage", query.passage)
        if given(query.depicts):
            vectors["depicts"] = self._cross_modal_vectors(query.depicts)
        if query.figure is not None and query.box is None:
            for name, found in self._figure_vectors(query.figure).items():
                vectors.setdefault(name, found)
        return vectors

    def modality(self, name: str) -> OpenModality:
        """A modality of the release. Raises UsageError when there is none."""
        if name not in self.release.modalities:
            hint = "; set models.regions = true and run again" if name == "region" else ""
            raise UsageError(f"release {self.release.name} has no {name} vectors to search in{hint}")
        return self.release.modalities[name]

    def _image_vectors(self, image: Picture) -> Vectors:
        if isinstance(image, np.ndarray) and image.ndim <= 2 and image.dtype.kind == "f":
            return self._checked("image", image)
        data = read_picture(Path(image)) if isinstance(image, str | Path) else image
        if isinstance(data, bytes):
            known = self._vectors_of_sheet(data)
            if known is not None:
                return known
        return self._encoded("image", self._decoded(data, _name_of(image)))

    def _crop_vectors(self, query: Query, box: Box) -> Vectors:
        """The vector of what a box of the query's image, or of its figure's sheet, holds."""
        self.modality("region")
        if query.figure is not None:
            pixels, where = self._sheet_of(query.figure), "the figure's sheet"
        else:
            image = query.image
            data = read_picture(Path(image)) if isinstance(image, str | Path) else image
            pixels, where = self._decoded(data, _name_of(image)), "the image"
        x0, y0, x1, y1 = box
        crop = pixels[y0:y1, x0:x1]
        if not crop.size:
            height, width = pixels.shape
            raise UsageError(f"the box {x0},{y0},{x1},{y1} lies outside {where}, which has {width} x {height} pixels")
        return self._encoded("region", crop)

    def _sheet_of(self, figure: str) -> Sheet:
        ids = np.array([vector_id(figure)])
        if not are_in(ids, self.release.figures)[0]:
            raise UsageError(f"release {self.release.name} shows no figure {figure!r}")
        facet = self.release.figure_facets(ids.tolist())[0]
        detail = self.tables.details([(facet["archive"], facet["doc_id"], figure)])[figure]
        data = self.tables.sheets([(facet["archive"], detail["sheet_id"])])[facet["archive"], detail["sheet_id"]]
        return load_picture(data, self.settings.limits, detail["sheet_id"])

    def _decoded(self, data: Picture, name: str) -> Sheet:
        """The pixels of a file's bytes, or pixels as they are."""
        if isinstance(data, bytes):
            return load_picture(data, self.settings.limits, name)
        if not isinstance(data, np.ndarray) or data.ndim != 2 or data.dtype != np.uint8:
            raise UsageError("a picture is given as a file, its bytes, or its pixels (height x width, uint8)")
        return data

    def _encoded(self, modality: str, drawing: Sheet) -> Vectors:
        try:
            return self._checked(modality, self._encoder(modality).encode([drawing]))
        except RejectedItemError as error:
            raise UsageError(f"cannot search with this image: {error.detail}") from None

    def _text_vectors(self, modality: str, text: Any) -> Vectors:
        return self._checked(modality, self._encoder(modality).encode([text]) if isinstance(text, str) else text)

    def _cross_modal_vectors(self, text: Any) -> Vectors:
        """The vectors of words in the space of drawings."""
        if not isinstance(text, str):
            return self._checked("image", text)
        encoder = self._encoder("image")
        if not isinstance(encoder, TextTower):
            model, _ = self.modality("image").encoder
            raise UsageError(
                f"release {self.release.name} cannot compare words with drawings: its image model {model} has no "
                f"text tower; set models.image = {_WITH_TEXT_TOWER!r} (or another CLIP or SigLIP) and run again, "
                "or search in sentences with text or passage"
            )
        return self._checked("image", encoder.encode_texts([text]))

    def _vectors_of_sheet(self, data: bytes) -> Vectors | None:
        """The stored vectors of the figures on the sheet that this file is; None when it is none."""
        if "image" not in self.release.modalities:
            return None
        same = pc.equal(self.release.facets["sheet_hash"], sheet_hash(hashlib.sha256(data).hexdigest()))
        ids = self.release.facets["id"].filter(same).to_numpy()
        positions = self.release.modalities["image"].positions_of(ids)
        positions = positions[positions >= 0]
        return self.release.modalities["image"].gather(positions) if len(positions) else None

    def _figure_vectors(self, figure: str) -> dict[str, Vectors]:
        found, one = {}, np.array([vector_id(figure)], dtype=np.int64)
        for name in FIGURE_MODALITIES:
            modality = self.release.modalities.get(name)
            if modality is not None and (position := modality.positions_of(one))[0] >= 0:
                found[name] = modality.gather(position)
        if not found:
            raise UsageError(f"release {self.release.name} has no vectors of a figure {figure!r}")
        return found

    def _checked(self, modality: str, vectors: Vectors) -> Vectors:
        """Unit vectors, float32 (m, dimension). Raises UsageError for another dimension than the release's."""
        found = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        opened = self.release.modalities.get(modality)
        if opened is not None and found.shape[1] != opened.dimension:
            raise UsageError(
                f"the {modality} query has {found.shape[1]} dimensions, release {self.release.name} has "
                f"{opened.dimension} ({opened.entry.codebook.model}); use the encoder that the manifest names"
            )
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _encoder(self, modality: str) -> Encoder:
        """The encoder of a modality's queries; modalities made by the same one share it."""
        if modality not in self.encoders:
            wanted, known = self.modality(modality).encoder, self.release.modalities
            same = [name for name in self.encoders if name in known and known[name].encoder == wanted]
            encoder = self.encoders[same[0]] if same else encoder_for(modality, *wanted, self.settings)
            self.encoders[modality] = encoder
        return self.encoders[modality]


def _name_of(image: Picture) -> str:
    return str(image) if isinstance(image, str | Path) else "image"


def sheet_hash(sha256: str) -> int:
    """The first 63 bits of a sheet's SHA-256 (hex), as ``facets.arrow`` holds it."""
    return int(sha256[:16], 16) >> 1
