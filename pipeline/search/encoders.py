"""The encoders of queries: given from outside, or the ones that the release's manifest names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pipeline.config import LimitSettings, Settings
from pipeline.errors import RejectedItemError, UsageError
from pipeline.pixels import Sheet, decode


class Encoder(Protocol):
    """Turns pictures (H x W uint8, 0 ink and 255 paper) or sentences into vectors."""

    def encode(self, items: Sequence[Any]) -> NDArray[np.float32]:
        """Unit vectors, float32 (n, dimension)."""


@runtime_checkable
class TextTower(Protocol):
    """What an encoder of drawings has besides where its model was trained on pictures with their words."""

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the space of the drawings, float32 (n, dimension)."""


def read_picture(path: Path) -> bytes:
    """The file of a query's picture. Raises UsageError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot search with {path}: {error.strerror}") from None


def load_picture(data: bytes, limits: LimitSettings, name: str) -> Sheet:
    """Decode a query's picture. Raises UsageError when it is none or too large."""
    try:
        return decode(data, limits.image_mpixels)
    except RejectedItemError as error:
        raise UsageError(f"cannot search with {name}: {error.detail}") from None


def encoder_for(modality: str, model: str, revision: str, settings: Settings) -> Encoder:
    """The encoder that made a modality's vectors. Raises ModelNotFoundError when it is not to be had.

    The settings say how to run it (batch size, number format), the manifest which one it is.
    """
    from pipeline.embedding.models import image_encoder, text_encoder

    if modality in ("image", "region"):
        return image_encoder(replace(settings.models, image=model, image_revision=revision))
    return text_encoder(replace(settings.models, text=model, text_revision=revision))
