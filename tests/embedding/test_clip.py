"""CLIP's and SigLIP's real code path, on small checkpoints with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.embedding.clip import ClipEncoder, preparation
from pipeline.embedding.drawing import Preparation
from pipeline.errors import ModelNotFoundError
from tests.embedding.checkpoints import clip_checkpoint, sentence_checkpoint, siglip_checkpoint
from tests.embedding.test_drawing import drawing

DRAWINGS = [drawing(900, 300), drawing(200, 640, 1), drawing(400, 400, 2)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_checkpoint(tmp_path_factory.mktemp("clip"))


def squared(picture: np.ndarray) -> Image.Image:
    """What a user hands to the processor so that it crops nothing: the drawing on a white square."""
    height, width = picture.shape
    side = max(height, width)
    image = Image.new("RGB", (side, side), "white")
    image.paste(Image.fromarray(picture).convert("RGB"), ((side - width) // 2, (side - height) // 2))
    return image


def plain_features(folder: Path, inputs: dict[str, Any]) -> np.ndarray:
    """transformers used as its documentation shows, in float32."""
    import torch
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        if "images" in inputs:
            processor = AutoImageProcessor.from_pretrained(folder)
            found = model.get_image_features(**processor(inputs["images"], return_tensors="pt"))
        else:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            found = model.get_text_features(**tokenizer(inputs["texts"], padding=True, return_tensors="pt"))
    return found.pooler_output.numpy()


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """The least cosine between the rows of the two."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / lengths).min())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_drawings_get_the_vectors_that_the_plain_loop_gives(clip: Path, dtype: str) -> None:
    encoder = ClipEncoder(clip, "clip", "1", dtype, batch=2)
    vectors = encoder.encode(DRAWINGS)
    plain = plain_features(clip, {"images": [squared(picture) for picture in DRAWINGS]})
    assert cosine(vectors, plain) > 0.999
    assert cosine(vectors, np.roll(vectors, 1, axis=0)) < 0.95
    assert (vectors.shape, encoder.dimension) == ((3, 48), 48)


def test_texts_get_the_vectors_that_the_plain_loop_gives(clip: Path) -> None:
    texts = ["a valve", "a shaft"]
    encoder = ClipEncoder(clip, "clip", "1", "float32")
    vectors = encoder.encode_texts([*texts, "words without end " * 9])
    assert cosine(vectors[:2], plain_features(clip, {"texts": texts})) > 0.99999
    assert vectors.shape == (3, 48)
    assert encoder.encode_texts([]).shape == (0, 48)


def test_siglip_runs_through_the_same_code(tmp_path: Path) -> None:
    folder = siglip_checkpoint(tmp_path / "siglip")
    vectors = ClipEncoder(folder, "siglip", "1", "float32").encode(DRAWINGS)
    plain = plain_features(folder, {"images": [squared(picture) for picture in DRAWINGS]})
    assert cosine(vectors, plain) > 0.999


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"size": 224, "crop_size": 224, "resample": 3, %s}', Preparation(224, "bicubic")),
        ('{"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, %s}', Preparation(224)),
        ('{"size": {"height": 384, "width": 384}, "resample": 2, %s}', Preparation(384, "bilinear")),
        ('{"image_processor": {"size": {"shortest_edge": 336}, "do_center_crop": false, %s}}', Preparation(336)),
    ],
)
def test_the_size_and_filter_come_from_the_preprocessor_file(tmp_path: Path, text: str, expected: Preparation) -> None:
    (tmp_path / "preprocessor_config.json").write_text(text % '"image_mean": [0, 0, 0], "image_std": [1, 1, 1]')
    assert preparation(tmp_path) == expected


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = sentence_checkpoint(tmp_path / "sentences")
    with pytest.raises(ModelNotFoundError, match=r"preprocessor_config\.json"):
        ClipEncoder(folder, "sentences", "1")
    numbers = '{"size": 32, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}'
    (folder / "preprocessor_config.json").write_text(numbers)
    with pytest.raises(ModelNotFoundError, match="not a model of the CLIP family"):
        ClipEncoder(folder, "sentences", "1")
