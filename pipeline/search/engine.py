"""One search engine behind the library and the command line."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.config import SearchSettings, Settings
from pipeline.errors import RejectedItemError, UsageError
from pipeline.indexing.ids import vector_id
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.publishing.manifest import Manifest, read_manifest
from pipeline.search.encoders import Encoder, encoder_for, load_picture, read_picture
from pipeline.search.fusion import fuse
from pipeline.search.hits import Hit, HitTables
from pipeline.search.nearest import Found, nearest, similarities
from pipeline.search.release import Release, open_files

Vectors = NDArray[np.float32]
#: What a query may be given as: a picture's path, its file's bytes, a decoded picture, or its vector.
Picture = Any

#: Modalities whose vectors stand for figures; hits are figures.
FIGURE_MODALITIES = ("image", "text")


def open_release(
    lake: Lake, settings: Settings, release: str | None = None, *,
    encoders: Mapping[str, Encoder] | None = None, cache: Path | None = None, verify: bool = True,
) -> SearchEngine:  # fmt: skip
    """Open a release (default: the current one) for searching; hits come from its own table versions.

    ``encoders`` (by modality) replace those that the manifest names. Without ``verify`` only sizes are
    checked. Raises UsageError when nothing is published, DamagedReleaseError when a file is not what
    the manifest says.
    """
    name = release or pointer.current(lake)
    if name is None:
        raise UsageError(f"nothing is published in {lake.storage.root} yet; `figlake run` publishes a release")
    manifest = read_manifest(lake.storage, name)
    opened = open_files(lake.storage, manifest, cache, verify=verify)
    return SearchEngine(lake.pinned(manifest.tables), settings, opened, encoders)


class SearchEngine:
    """A release that answers queries. Safe to share between threads."""

    def __init__(
        self, lake: Lake, settings: Settings, release: Release, encoders: Mapping[str, Encoder] | None = None
    ) -> None:
        self.settings, self.release = settings, release
        self.tables = HitTables(lake)
        self._encoders = dict(encoders or {})

    @property
    def name(self) -> str:
        """The release that answers."""
        return self.release.name

    @property
    def manifest(self) -> Manifest:
        return self.release.manifest

    def search(
        self, image: Picture | None = None, text: str | Vectors | None = None, figure: str | None = None,
        k: int = 10, fusion: str | None = None,
    ) -> list[Hit]:  # fmt: skip
        """The ``k`` best figures for a picture, words, a figure of the release, or several of them at once.

        A picture that is byte for byte a sheet of the release searches with that sheet's figures, since
        a sheet may show several; any other picture is one drawing. Raises UsageError when the query is
        empty, names an unknown figure, or asks a modality that the release lacks.
        """
        queries: dict[str, Vectors] = {}
        if image is not None:
            queries["image"] = self._image_vectors(image)
        if text is not None and not (isinstance(text, str) and not text.strip()):
            queries["text"] = self._text_vectors(text)
        if figure is not None:
            for name, vectors in self._figure_vectors(figure).items():
                queries.setdefault(name, vectors)
        if not queries:
            raise UsageError("nothing to search with: give an image, words, or a figure")
        for name in queries:
            if name not in self.release.modalities:
                raise UsageError(f"release {self.name} has no {name} vectors to search in")
        return self._hits(*self.rank(queries, k, fusion))

    def nearest(self, modality: str, vectors: Vectors, k: int, search: SearchSettings | None = None) -> Found:
        """The ``k`` most similar vectors of one modality: (similarities, positions), each (queries, k)."""
        return nearest(self.release.modalities[modality], vectors, k, search or self.settings.search)

    def rank(
        self, queries: Mapping[str, Vectors], k: int, fusion: str | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], dict[str, Vectors]]:
        """The ``k`` best figures: ids, fused scores, and their similarity by modality (NaN: has no vector).

        ``queries`` holds vectors (m, dimension) by modality; of several in one modality the most similar
        counts. Every candidate of any modality is scored exactly in each modality of the query.
        """
        modalities = self.release.modalities
        candidates = max(k, self.settings.search.candidates)
        found = [
            modalities[name].ids[positions[positions >= 0]]
            for name, vectors in queries.items()
            for positions in [self.nearest(name, vectors, candidates)[1]]
        ]
        ids = np.unique(np.concatenate(found))
        scores = {}
        for name, vectors in queries.items():
            positions = np.broadcast_to(modalities[name].positions_of(ids), (len(vectors), len(ids)))
            best = similarities(modalities[name], vectors, positions).max(axis=0)
            scores[name] = np.where(np.isneginf(best), np.float32(np.nan), best)
        calibrations = {name: modalities[name].entry.calibration for name in queries}
        fused = fuse(scores, fusion or self.settings.search.fusion, calibrations)
        order = np.lexsort((ids, -fused))[:k]
        return ids[order], fused[order], {name: values[order] for name, values in scores.items()}

    def pictures(self, hits: Sequence[Hit]) -> list[bytes]:
        """The original image file of each hit's sheet."""
        sheets = self.tables.sheets([(hit.archive, hit.sheet_id) for hit in hits])
        return [sheets[hit.archive, hit.sheet_id] for hit in hits]

    def _hits(self, ids: NDArray[np.int64], fused: NDArray[np.float64], scores: Mapping[str, Vectors]) -> list[Hit]:
        facets = self.release.figure_facets(ids.tolist())
        details = self.tables.details([(f["archive"], f["doc_id"], f["figure_id"]) for f in facets])
        return [
            Hit(
                rank=number + 1, score=float(fused[number]), release=self.name,
                scores={name: float(v[number]) for name, v in scores.items() if not np.isnan(v[number])},
                **{name: facet[name] for name in ("archive", "doc_id", "figure_id", "figure_type", "perspective")},
                **details[facet["figure_id"]],
            )
            for number, facet in enumerate(facets)
        ]  # fmt: skip

    def _image_vectors(self, image: Picture) -> Vectors:
        if isinstance(image, np.ndarray) and image.ndim <= 2 and image.dtype.kind == "f":
            return self._checked("image", image)
        data = read_picture(Path(image)) if isinstance(image, str | Path) else image
        if isinstance(data, bytes):
            known = self._vectors_of_sheet(data)
            if known is not None:
                return known
            data = load_picture(data, self.settings.limits, str(image) if isinstance(image, str | Path) else "image")
        try:
            return self._checked("image", self._encoder("image").encode([data]))
        except RejectedItemError as error:
            raise UsageError(f"cannot search with this image: {error.detail}") from None

    def _text_vectors(self, text: str | Vectors) -> Vectors:
        return self._checked("text", self._encoder("text").encode([text]) if isinstance(text, str) else text)

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
            raise UsageError(f"release {self.name} has no vectors of a figure {figure!r}")
        return found

    def _checked(self, modality: str, vectors: Vectors) -> Vectors:
        """Unit vectors, float32 (m, dimension). Raises UsageError for another dimension than the release's."""
        found = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        opened = self.release.modalities.get(modality)
        if opened is not None and found.shape[1] != opened.dimension:
            raise UsageError(
                f"the {modality} query has {found.shape[1]} dimensions, release {self.name} has {opened.dimension} "
                f"({opened.entry.codebook.model}); use the encoder that the manifest names"
            )
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _encoder(self, modality: str) -> Encoder:
        if modality not in self._encoders:
            opened = self.release.modalities.get(modality)
            if opened is None:
                raise UsageError(f"release {self.name} has no {modality} vectors to search in")
            codebook = opened.entry.codebook
            self._encoders[modality] = encoder_for(modality, codebook.model, codebook.revision, self.settings)
        return self._encoders[modality]


def sheet_hash(sha256: str) -> int:
    """The first 63 bits of a sheet's SHA-256 (hex), as ``facets.arrow`` holds it."""
    return int(sha256[:16], 16) >> 1
