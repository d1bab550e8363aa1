"""The work on a unit of documents: its sentences' vectors, its figures' means, written as parts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.config import Settings
from pipeline.embedding.models import text_encoder
from pipeline.embedding.sentences import Shared, read_unit, sentence_vectors
from pipeline.embedding.units import Unit
from pipeline.embedding.vectors import Vectors, figure_means, vector_rows
from pipeline.parts import PartWriter, result_batch
from pipeline.storage import Storage


class TextWorker:
    """Holds the sentence encoder. Two calls may overlap: one reads or writes while the other has the model.

    ``counter.add.remote(n)`` is told of finished sentences.
    """

    def __init__(self, storage: Storage, archive: str, settings: Settings, counter: Any) -> None:
        self._storage, self._archive, self._settings, self._counter = storage, archive, settings, counter
        self._encoder = text_encoder(settings.models)
        self._model_in_use = threading.Lock()

    def encode_shared(self, sentences: pa.Table, start: int, stop: int) -> Shared:
        """Vectors of some of the sentences (digest, text) that several places share."""
        some = sentences.slice(start, stop - start).combine_chunks()
        vectors = self._encode(some["text"].to_pylist())
        return Shared(pa.concat_arrays(some["digest"].chunks), vectors.astype(np.float16))

    def join_shared(self, *some: Shared) -> Shared:
        """All vectors of shared sentences as one table."""
        return Shared(pa.concat_arrays([s.digests for s in some]), np.concatenate([s.vectors for s in some]))

    def embed(self, unit: Unit, shared: Shared | None) -> pa.RecordBatch:
        """Write the unit's rows of passage_vectors and text_vectors; returns a result batch."""
        models = self._settings.models
        passages, links = read_unit(self._storage, unit, models.passages == "linked")
        ids = passages["passage_id"].combine_chunks()
        vectors = sentence_vectors(passages["text"].to_pylist(), self._encode, self._encoder.dimension, shared)
        figures, means = figure_means(links, ids, vectors, weighted=models.sentence_weights == "score")
        parts = [
            *self._write("passage_vectors", "passage_id", passages, vectors),
            *self._write("text_vectors", "figure_id", figures, means),
        ]
        self._counter.add.remote(passages.num_rows)
        return result_batch(parts, rows_in=passages.num_rows)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        with self._model_in_use:
            return self._encoder.encode(texts)

    def _write(self, table: str, key: str, rows: pa.Table, vectors: Vectors) -> list[Any]:
        with PartWriter(self._storage, table, {"archive": self._archive}, self._settings.lake) as writer:
            if rows.num_rows:
                encoder = self._encoder
                writer.write(vector_rows(key, rows[key], rows["doc_id"], encoder.name, encoder.revision, vectors))
        return list(writer.parts)
