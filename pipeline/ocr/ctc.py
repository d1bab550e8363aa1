"""Connectionist temporal classification, read out greedily (Graves et al., ICML 2006)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def decode(probabilities: NDArray[np.float32], alphabet: Sequence[str]) -> list[tuple[str, float]]:
    """Text and mean probability of its characters for each row of a batch.

    ``probabilities``: N x T x C, float; class 0 is the blank, class i is ``alphabet[i - 1]``.
    A row without characters is ("", 0.0).
    """
    best = probabilities.argmax(axis=2)
    value = probabilities.max(axis=2)
    results = []
    for classes, values in zip(best, value, strict=True):
        keep = classes != 0
        keep[1:] &= classes[1:] != classes[:-1]
        text = "".join(alphabet[index - 1] for index in classes[keep])
        results.append((text, float(values[keep].mean()) if text else 0.0))
    return results
