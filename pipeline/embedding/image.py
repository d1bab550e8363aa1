"""What every encoder of drawings offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from pipeline.embedding.drawing import Canvas, Preparation
from pipeline.embedding.vectors import Vectors
from pipeline.pixels import Sheet


class ImageEncoder(Protocol):
    """Turns drawings into unit vectors.

    The work has two halves, so that they can run in different places: ``preparation`` makes a small canvas
    of each drawing and needs no weights, ``encode_prepared`` is the model.
    """

    name: str
    revision: str
    dimension: int
    preparation: Preparation

    def encode_prepared(self, canvases: Sequence[Canvas]) -> Vectors:
        """Vectors, n x dimension, float32, unit length, values of float16; canvases are side x side, uint8."""

    def encode(self, drawings: Sequence[Sheet]) -> Vectors:
        """Vectors, n x dimension for drawings of any size, H x W uint8, 0 ink and 255 paper.

        Raises RejectedItemError when one of them holds no ink.
        """


def encode_drawings(encoder: ImageEncoder, drawings: Sequence[Sheet]) -> Vectors:
    """The two halves one after the other: how every encoder's ``encode`` works."""
    if not len(drawings):
        return np.empty((0, encoder.dimension), np.float32)
    return encoder.encode_prepared([encoder.preparation(drawing) for drawing in drawings])
