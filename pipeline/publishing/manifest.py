"""The manifest: everything a reader must know about a release. ``docs/release-format.md`` describes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FiglakeError
from pipeline.storage import Storage

FORMAT = 1
#: The record batch of ids.arrow that leads from a figure's id to its row of facets.arrow.
FIGURES_BATCH = 0
RELEASES = "releases"
#: Modalities whose vectors stand for details of figures; the file ``<name>s`` says which figure has which.
DETAILS = ("passage", "region")
#: The release's own files, each NAME.arrow.
FILES = ("ids", "masked", "facets", *(f"{name}s" for name in DETAILS))
_DIGEST_DIGITS = 12
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class File:
    """One immutable file of a release; ``path`` is below the lake."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True)
class Codebook:
    """The trained, empty faiss index that all shards of a modality share."""

    name: str
    recipe: str
    dimension: int
    model: str
    revision: str
    trained_on: int
    file: File


@dataclass(frozen=True)
class Shard:
    """Vectors of a modality, of one archive or, compacted, of several. ``lists`` is None under a flat codebook."""

    archives: tuple[str, ...]
    rows: int
    vectors: File
    keys: File
    lists: File | None


@dataclass(frozen=True)
class Calibration:
    """Similarities of random pairs: what a similarity means in this modality."""

    pairs: int
    mean: float
    std: float
    quantiles: Mapping[str, float]

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Calibration:
        """From the similarities of random pairs, (n,), at least one."""
        quantiles = {str(q): round(float(np.quantile(values, q)), 6) for q in _QUANTILES}
        return cls(len(values), round(float(values.mean()), 6), round(float(values.std()), 6), quantiles)


@dataclass(frozen=True)
class Effort:
    """How hard a search looks: inverted lists looked into, candidates scored exactly."""

    nprobe: int
    candidates: int


@dataclass(frozen=True)
class Modality:
    """One index. ``rows`` vectors answer queries; ``masked`` ones lie in the shards and do not.

    ``batch`` numbers its record batch in ids.arrow and in masked.arrow.
    """

    batch: int
    codebook: Codebook
    shards: tuple[Shard, ...]
    rows: int
    masked: int
    effort: Effort | None = None
    calibration: Calibration | None = None
    recall_at_10: float | None = None
    queries: int = 0
    latency_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """A release. ``content`` digests its index files and rows, whatever order they came in;
    ``tables`` are the Delta versions that its hits are looked up in."""

    release: str
    content: str
    published_at: str
    modalities: Mapping[str, Modality]
    files: Mapping[str, File]
    tables: Mapping[str, int]
    counts: Mapping[str, int]
    lexical: tuple[File, ...] = ()
    format: int = FORMAT
    metric: str = "inner_product"
    vector_dtype: str = "float16"
    vector_id: str = "xxh3_64(utf-8 key) >> 1"

    def all_files(self) -> list[File]:
        """Every file the release consists of, the manifest itself left out."""
        found = [*self.files.values(), *self.lexical]
        for modality in self.modalities.values():
            found.append(modality.codebook.file)
            for shard in modality.shards:
                found += [shard.vectors, shard.keys, *([shard.lists] if shard.lists else [])]
        return found

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)


def content_digest(codebooks: Mapping[str, str], rows: Mapping[str, str], files: Mapping[str, File]) -> str:
    """Digest of what a release holds, wherever it lies: no shards, times, measurements or table versions.

    ``codebooks`` are names by modality, ``rows`` digests of the vectors that are seen; of the files only those that
    do not say where a vector lies count.
    """
    found = {name: file.sha256 for name, file in files.items() if name not in ("ids", "masked")}
    meaning = {"files": found, "codebooks": dict(codebooks), "rows": dict(rows)}
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def release_suffix(content: str, tables: Mapping[str, int]) -> str:
    """The part of a release's name that follows from the lake alone: the same lake, the same suffix."""
    meaning = json.dumps([FORMAT, content, sorted(tables.items())])
    return hashlib.sha256(meaning.encode()).hexdigest()[:_DIGEST_DIGITS]


def read_manifest(storage: Storage, release: str) -> Manifest:
    """The manifest of a published release. Raises FiglakeError when there is none or it cannot be understood."""
    try:
        return parse_manifest(json.loads(storage.read_bytes(RELEASES, release, "manifest.json")))
    except FileNotFoundError:
        raise FiglakeError(
            f"no release {release!r} in {storage.root}; `figlake releases` lists what there is"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise FiglakeError(f"the manifest of release {release!r} cannot be read: {error}") from None


def parse_manifest(tree: dict[str, Any]) -> Manifest:
    """Build a manifest from its JSON. Raises ValueError for a format this version does not know."""
    if tree["format"] != FORMAT:
        raise ValueError(f"its format is {tree['format']}, this version reads {FORMAT}")
    modalities = {name: _modality(part) for name, part in tree["modalities"].items()}
    files = {name: File(**part) for name, part in tree["files"].items()}
    lexical = tuple(File(**part) for part in tree["lexical"])
    return Manifest(**{**tree, "modalities": modalities, "files": files, "lexical": lexical})


def _modality(tree: dict[str, Any]) -> Modality:
    codebook = Codebook(**{**tree["codebook"], "file": File(**tree["codebook"]["file"])})
    shards = tuple(
        Shard(
            tuple(part["archives"]), part["rows"], File(**part["vectors"]), File(**part["keys"]),
            File(**part["lists"]) if part["lists"] else None,
        )
        for part in tree["shards"]
    )  # fmt: skip
    calibration = Calibration(**tree["calibration"]) if tree["calibration"] else None
    effort = Effort(**tree["effort"]) if tree["effort"] else None
    return Modality(**{**tree, "codebook": codebook, "shards": shards, "calibration": calibration, "effort": effort})
