"""Connectionist temporal classification (Graves et al., ICML 2006): what a recogniser's steps spell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Classes kept of each step; what is less probable than the fifth never makes a reading.
_KEPT = 5
_BLANK = 0
#: Beams of the search for other readings, and the probability of a class below which it is not followed.
_BEAMS, _FAINT = 12, 1e-3


class Char(NamedTuple):
    """A character, its probability, and where it stands as a share of the crop's width."""

    text: str
    confidence: float
    at: float


#: What a recogniser reads in one crop.
Chars = tuple[Char, ...]


class Steps(NamedTuple):
    """One crop's steps from left to right, the most probable classes of each.

    ``classes``: T x K int32, most probable first; 0 is the blank, i is the i-th character of the alphabet.
    ``values``: T x K float32, their probabilities. ``filled``: share of the steps' width that the crop fills, the
    rest being padding.
    """

    classes: NDArray[np.int32]
    values: NDArray[np.float32]
    filled: float


class Alternative(NamedTuple):
    """Another way to read a text, and its probability."""

    text: str
    probability: float


def steps(probabilities: NDArray[np.float32], filled: Sequence[float]) -> list[Steps]:
    """The rows of a batch of probabilities, N x T x C, one for each of ``filled``."""
    kept = min(_KEPT, probabilities.shape[2])
    some = np.argpartition(probabilities, -kept, axis=2)[..., -kept:]
    values = np.take_along_axis(probabilities, some, axis=2)
    order = np.argsort(-values, axis=2)
    classes = np.take_along_axis(some, order, axis=2).astype(np.int32)
    values = np.take_along_axis(values, order, axis=2)
    return [Steps(*row) for row in zip(classes, values, filled, strict=True)]


def greedy(found: Steps, alphabet: Sequence[str]) -> Chars:
    """The characters on the most probable path."""
    classes, values = found.classes[:, 0], found.values[:, 0]
    keep = classes != _BLANK
    keep[1:] &= classes[1:] != classes[:-1]
    width = len(classes) * found.filled
    return tuple(
        Char(alphabet[classes[step] - 1], float(values[step]), min(1.0, (step + 0.5) / width))
        for step in np.flatnonzero(keep)
    )


def confidence(chars: Sequence[Char]) -> float:
    """Mean probability of the characters; 0 when there are none."""
    return sum(char.confidence for char in chars) / len(chars) if chars else 0.0


def alternatives(found: Steps, alphabet: Sequence[str], start: float, stop: float, most: int) -> list[Alternative]:
    """The most probable texts between two shares of the crop's width, by prefix beam search (Hannun et al. 2014).

    A text's probability is that of all paths that spell it, so it may exceed that of the greedy path.
    """
    width = len(found.classes) * found.filled
    first, last = round(start * width), max(round(start * width) + 1, round(stop * width))
    beams: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}  # text → probability of ending in a blank, or not
    for classes, values in zip(found.classes[first:last], found.values[first:last], strict=True):
        grown: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for text, (blank, spoken) in beams.items():
            for index, value in zip(classes.tolist(), values.tolist(), strict=True):
                if index == _BLANK:
                    grown[text][0] += (blank + spoken) * value
                elif value >= _FAINT:
                    char = alphabet[index - 1]
                    if text.endswith(char):
                        grown[text][1] += spoken * value
                        grown[text + char][1] += blank * value
                    else:
                        grown[text + char][1] += (blank + spoken) * value
        best = sorted(grown.items(), key=lambda item: -sum(item[1]))[:_BEAMS]
        beams = {text: (odds[0], odds[1]) for text, odds in best}
    return [Alternative(text, min(1.0, sum(odds))) for text, odds in beams.items() if text and sum(odds) > 0][:most]
