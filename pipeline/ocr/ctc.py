"""Connectionist temporal classification, read out greedily (Graves et al., ICML 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Char(NamedTuple):
    """A character, its probability, and where it stands as a share of the crop's width."""

    text: str
    confidence: float
    at: float


#: What a recogniser reads in one crop.
Chars = tuple[Char, ...]


def decode(probabilities: NDArray[np.float32], alphabet: Sequence[str], filled: Sequence[float]) -> list[Chars]:
    """The characters in each row of a batch.

    ``probabilities``: N x T x C, float; class 0 is the blank, class i is ``alphabet[i - 1]``. ``filled``: the
    share of each row's width that its crop fills, the rest being padding.
    """
    best = probabilities.argmax(axis=2)
    value = probabilities.max(axis=2)
    steps = best.shape[1]
    rows = []
    for classes, values, share in zip(best, value, filled, strict=True):
        keep = classes != 0
        keep[1:] &= classes[1:] != classes[:-1]
        rows.append(tuple(
            Char(alphabet[classes[step] - 1], float(values[step]), min(1.0, (step + 0.5) / (steps * share)))
            for step in np.flatnonzero(keep)
        ))  # fmt: skip
    return rows


def confidence(chars: Sequence[Char]) -> float:
    """Mean probability of the characters; 0 when there are none."""
    return sum(char.confidence for char in chars) / len(chars) if chars else 0.0
