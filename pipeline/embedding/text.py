"""Sentence encoders: any sentence-transformers model (Reimers and Gurevych 2019), run for throughput."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.embedding.vectors import Vectors, unit
from pipeline.hardware import device, in_batches, number_format, quiet_loading

#: ``batch`` counts sentences of this many tokens; longer ones share a batch with fewer.
_TOKENS_PER_SENTENCE = 32


class TextEncoder(Protocol):
    """Turns sentences into unit vectors."""

    name: str
    revision: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors, n x dimension, float32, unit length, values of float16, in the order of ``texts``."""


class SentenceEncoder:
    """A sentence-transformers folder, weights in safetensors.

    Against ``SentenceTransformer.encode``: each distinct sentence once; all sentences tokenised in one call;
    batches of equal cost in tokens rather than of equal count, filled by length; the transformer in
    bfloat16 where that is fast, pooling and what follows in float32.
    """

    def __init__(self, folder: Path, name: str, revision: str, dtype: str = "auto", batch: int = 64) -> None:
        from sentence_transformers import SentenceTransformer

        self.name, self.revision = name, revision
        self._budget_tokens = batch * _TOKENS_PER_SENTENCE
        quiet_loading()
        self._model = SentenceTransformer(
            str(folder), device=str(device()), local_files_only=True, model_kwargs={"use_safetensors": True}
        )
        self._model.eval()
        self._model[0].to(number_format(dtype))
        self._prompt = self._model.prompts.get(self._model.default_prompt_name or "", "")
        self.dimension = int(self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors, n x dimension; a sentence longer than the model's window is cut at its end."""
        if not len(texts):
            return np.empty((0, self.dimension), np.float32)
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        tokens = self._tokens(list(rows))
        found = np.empty((len(rows), self.dimension), np.float32)
        order = sorted(range(len(rows)), key=lambda row: len(tokens[row]))
        for batch in token_batches([len(tokens[row]) for row in order], self._budget_tokens):
            members = order[batch]
            vectors = in_batches(members, len(members), lambda some: self._forward([tokens[row] for row in some]))
            found[members] = np.concatenate([*vectors])
        return unit(found)[[rows[text] for text in texts]]

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        limit = self._model.max_seq_length
        encoded = self._model.tokenizer(
            [self._prompt + text.strip() for text in texts],
            padding=False, truncation=limit is not None, max_length=limit,
            return_attention_mask=False, return_token_type_ids=False,
        )  # fmt: skip
        ids: list[list[int]] = encoded["input_ids"]
        return ids

    def _forward(self, tokens: list[list[int]]) -> Vectors:
        import torch

        ids = np.full((len(tokens), max(map(len, tokens))), self._model.tokenizer.pad_token_id or 0, np.int64)
        mask = np.zeros_like(ids)
        for row, some in enumerate(tokens):
            ids[row, : len(some)], mask[row, : len(some)] = some, 1
        features: dict[str, Any] = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with torch.inference_mode():
            features = self._model[0]({key: value.to(self._model.device) for key, value in features.items()})
            features["token_embeddings"] = features["token_embeddings"].float()
            for module in list(self._model)[1:]:
                features = module(features)
            found: Vectors = features["sentence_embedding"].float().cpu().numpy()
        return found


def token_batches(lengths: Sequence[int], budget: int) -> list[slice]:
    """Consecutive batches of ascending ``lengths`` whose padded size, count x longest, keeps to the budget."""
    batches, start = [], 0
    for end in range(1, len(lengths) + 1):
        if end == len(lengths) or (end + 1 - start) * lengths[end] > budget:
            batches.append(slice(start, end))
            start = end
    return batches
