"""CLIP and its family (Radford et al. 2021; SigLIP, Zhai et al. 2023) through transformers.

Drawings and sentences land in one space; the image tower fills ``figure_vectors``, the text tower lets a
sentence search among them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.embedding.drawing import Canvas, Preparation
from pipeline.embedding.image import encode_drawings
from pipeline.embedding.vectors import Vectors, unit
from pipeline.errors import ModelNotFoundError
from pipeline.hardware import device, in_batches, number_format, quiet_loading
from pipeline.pixels import Sheet

#: Pillow's numbers for its filters, as preprocessor files give them.
_FILTERS: Mapping[int, Literal["bicubic", "bilinear", "lanczos"]] = {1: "lanczos", 2: "bilinear", 3: "bicubic"}


class ClipEncoder:
    """A checkpoint of the family: a folder as ``save_pretrained`` writes it, weights in safetensors.

    ``batch`` is how many images or sentences go through a tower at once.
    """

    def __init__(self, folder: Path, name: str, revision: str, dtype: str = "auto", batch: int = 32) -> None:
        from transformers import AutoModel

        self.name, self.revision, self.batch, self._folder = name, revision, batch, folder
        self._config = preprocessing(folder)
        self.preparation = preparation(folder)
        self._dtype, self._device = number_format(dtype), device()
        quiet_loading()
        model = AutoModel.from_pretrained(folder, dtype=self._dtype, use_safetensors=True, local_files_only=True)
        if not hasattr(model, "get_image_features"):
            raise ModelNotFoundError(f"{name} is a {type(model).__name__}, not a model of the CLIP family")
        self._model = model.eval().to(self._device)
        self._tokenizer: Any = None
        self.dimension: int = getattr(model.config, "projection_dim", None) or model.config.vision_config.hidden_size

    def encode_prepared(self, canvases: Sequence[Canvas]) -> Vectors:
        """Vectors, n x dimension from the image tower."""
        found = in_batches(canvases, self.batch, lambda some: self._image_features(np.stack(some)))
        return unit(np.concatenate([*found]))

    def encode(self, drawings: Sequence[Sheet]) -> Vectors:
        """Vectors, n x dimension; see ImageEncoder."""
        return encode_drawings(self, drawings)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Vectors, n x dimension from the text tower: queries in words for vectors of drawings.

        Texts are cut where the tower's positions end (77 tokens in CLIP, 64 in SigLIP).
        """
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        return unit(np.concatenate([*in_batches(list(texts), self.batch, self._text_features)]))

    def _image_features(self, canvases: Canvas) -> Vectors:
        """The processor's arithmetic on one grey channel; its three colour channels differ by a line."""
        import torch

        deviation = torch.tensor(self._config["image_std"], device=self._device).view(1, -1, 1, 1)
        mean = torch.tensor(self._config["image_mean"], device=self._device).view(1, -1, 1, 1)
        with torch.inference_mode():
            grey = torch.from_numpy(canvases).to(self._device)[:, None].float()
            pixels = (grey * self._config.get("rescale_factor", 1 / 255) - mean) / deviation
            return _pooled(self._model.get_image_features(pixel_values=pixels.to(self._dtype)))

    def _text_features(self, texts: Sequence[str]) -> Vectors:
        import torch
        from transformers import AutoTokenizer

        self._tokenizer = self._tokenizer or AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
        config = self._model.config
        # SigLIP was trained on texts padded to the full length.
        padding = "max_length" if config.model_type.startswith("siglip") else True
        length = config.text_config.max_position_embeddings
        tokens = self._tokenizer(list(texts), padding=padding, truncation=True, max_length=length, return_tensors="pt")
        with torch.inference_mode():
            return _pooled(self._model.get_text_features(**tokens.to(self._device)))


def preparation(folder: Path) -> Preparation:
    """What the checkpoint's preprocessor file says of size and filter.

    Its centre crop has nothing to cut: the canvas is square and goes straight to the cropped size.
    """
    config = preprocessing(folder)
    cropped = config.get("do_center_crop", True) and config.get("crop_size")
    size: Any = cropped or config["size"]
    if isinstance(size, Mapping):
        size = size.get("height") or size["shortest_edge"]
    return Preparation(int(size), _FILTERS.get(config.get("resample", 3), "bicubic"))


def preprocessing(folder: Path) -> dict[str, Any]:
    """The checkpoint's image preprocessing, from either of the files that hold it.

    Read without transformers, whose import takes seconds that a worker without the model need not spend.
    """
    for file in ("preprocessor_config.json", "processor_config.json"):
        if (folder / file).is_file():
            config: dict[str, Any] = json.loads((folder / file).read_text(encoding="utf-8"))
            config = config.get("image_processor", config)
            if {"size", "image_mean", "image_std"} <= config.keys():
                return config
    raise ModelNotFoundError(f"{folder} holds no preprocessor_config.json with size, image_mean and image_std")


def _pooled(output: Any) -> Vectors:
    """The projected vectors on the CPU; some releases of transformers wrap them."""
    features = getattr(output, "pooler_output", output)
    found: Vectors = features.float().cpu().numpy()
    return found
