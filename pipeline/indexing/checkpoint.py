"""What a training has done so far, kept in the lake, so that one that is killed goes on instead of starting again."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.indexing.spaces import Space
from pipeline.storage import Storage

_FOLDER = "index/_training"
#: Seconds between two writes: what a kill costs at most, beside one iteration.
_PAUSE_S = 20.0


@dataclass(frozen=True)
class Progress:
    """``index``: the serialised faiss index with its transforms trained, uint8; ``centroids`` float32 (lists, d) after
    so many ``iterations`` of k-means."""

    index: NDArray[np.uint8]
    centroids: NDArray[np.float32]
    iterations: int


@dataclass
class Checkpoint:
    """One training's file, named by everything that its result follows from."""

    storage: Storage
    name: str
    pause_s: float = _PAUSE_S
    _written: float = field(default_factory=time.monotonic)

    @classmethod
    def of(
        cls, storage: Storage, modality: str, recipe: str, space: Space, seed: int, sample: NDArray[np.float32],
        pause_s: float = _PAUSE_S,
    ) -> Checkpoint:  # fmt: skip
        """The checkpoint of this training, whether there is one or not."""
        import faiss

        digest = hashlib.sha256(np.ascontiguousarray(sample).view(np.uint8).data).hexdigest()
        meaning = [modality, recipe, space.model, space.revision, space.dimension, seed, digest, faiss.__version__]
        return cls(storage, hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:32], pause_s)

    @property
    def path(self) -> str:
        """Below the lake. One that nobody comes back to goes with the next `figlake releases --prune`."""
        return f"{_FOLDER}/{self.name}.npz"

    def read(self) -> Progress | None:
        """What was done; None where nothing was, or where the file is damaged."""
        try:
            with np.load(io.BytesIO(self.storage.read_bytes(self.path))) as found:
                return Progress(found["index"], found["centroids"], int(found["iterations"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, index: Any, centroids: NDArray[np.float32], iterations: int) -> None:
        """Keep this state, unless the last was kept a moment ago."""
        if time.monotonic() - self._written < self.pause_s:
            return
        import faiss

        stream = io.BytesIO()
        np.savez(stream, index=faiss.serialize_index(index), centroids=centroids, iterations=iterations)
        self.storage.write_bytes(stream.getvalue(), self.path)
        self._written = time.monotonic()

    def remove(self) -> None:
        """Forget it: the training is done."""
        if self.storage.exists(self.path):
            self.storage.delete(self.path)
