"""Codebooks as files: saved under a name made from their content, checked when they are loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from pipeline.errors import FiglakeError
from pipeline.indexing.drift import Gauges
from pipeline.indexing.files import put, sha256_of, workspace
from pipeline.indexing.spaces import Space
from pipeline.storage import Storage

#: Hex digits of a content hash that a file name carries.
NAME_DIGITS = 16
NO_GAUGES = Gauges()


def save(
    storage: Storage, index: Any, modality: str, recipe: str, space: Space, trained_on: int, gauges: Gauges = NO_GAUGES
) -> dict[str, Any]:
    """Write a trained, empty index and return its row of the table ``codebooks``."""
    import faiss

    with workspace(storage) as folder:
        local = folder / "codebook.faiss"
        faiss.write_index(index, str(local))
        sha256 = sha256_of(local)
        meaning = [modality, recipe, space.model, space.revision, space.dimension, sha256]
        digest = hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:NAME_DIGITS]
        name = f"{modality}-{digest}"
        path = f"index/{name}/codebook.faiss"
        put(storage, local, path)
    return {
        "modality": modality, "codebook": name, "recipe": recipe, "dimension": space.dimension, "model": space.model,
        "revision": space.revision, "trained_on": trained_on, "vectors_seen": space.rows, "path": path,
        "sha256": sha256, **asdict(gauges), "replaces": None,
    }  # fmt: skip


def load(storage: Storage, row: dict[str, Any]) -> Any:
    """The faiss index of a codebook row. Raises FiglakeError when the file is not the one that was saved."""
    import faiss

    data = storage.read_bytes(row["path"])
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise FiglakeError(f"{storage.uri(row['path'])} is damaged: its SHA-256 is not the one in the table codebooks")
    return faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
