"""What is asked: the parts of a query, how they are joined, what may be found, and which page of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.search.encoders import read_picture
from pipeline.search.filters import Filter
from pipeline.search.fusion import check_method
from pipeline.search.lexical_query import plain_words

Vectors = NDArray[np.float32]
Box = tuple[int, int, int, int]
#: What a query may be given as: a picture's path, its file's bytes, a decoded picture, or its vector.
Picture = Any

GROUPS = ("figure", "document", "family")
#: The parts that a query may have; hits carry a score by each that theirs has and that they can be compared in.
PARTS = ("image", "text", "passage", "depicts", "region", "lexical")
MOST_HITS = 1000


@dataclass(frozen=True, eq=False)
class Query:
    """A query of one part or several at once.

    image:    a drawing; its figures' image vectors. Bytes of a sheet of the release search with its figures.
    figure:   a figure_id of the release: its image vector, and its text vector where no words are given.
    text:     words, compared with the mean of each figure's linked sentences.
    box:      (x0, y0, x1, y1) in pixels of the image, or of the figure's sheet: only what it holds is looked for,
              in the regions of figures.
    passage:  words, compared with every linked sentence; a figure is as near as the nearest of its own.
    depicts:  words, compared with the drawings themselves by the text tower of the release's image model.
    lexical:  words as they stand, with fields and AND, OR, NOT (``lexical_query.parse``).

    ``weights`` by part, 1 where none is given. ``fusion`` one of fusion.METHODS, the settings' where it is
    None. ``group`` keeps the best figure of each document or family. ``cursor`` is an earlier page's
    ``next``. ``vectors`` adds the stored vectors to the hits. Raises UsageError for what cannot be right.
    """

    image: Picture | None = None
    figure: str | None = None
    box: Box | None = None
    text: str | Vectors | None = None
    passage: str | Vectors | None = None
    depicts: str | Vectors | None = None
    lexical: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    fusion: str | None = None
    filter: Filter = field(default_factory=Filter)
    k: int = 10
    group: str = "figure"
    cursor: str | None = None
    vectors: bool = False

    def __post_init__(self) -> None:
        if self.fusion is not None:
            check_method(self.fusion)
        if self.group not in GROUPS:
            raise UsageError(f"unknown group {self.group!r}; choose one of: {', '.join(GROUPS)}")
        if not 1 <= self.k <= MOST_HITS:
            raise UsageError(f"k = {self.k}: a page has 1 to {MOST_HITS} hits; ask for more with its cursor")
        if self.box is not None:
            _check_box(self.box, self.image, self.figure)
        for name, weight in self.weights.items():
            if name not in PARTS:
                raise UsageError(f"no part of a query is called {name!r}; a weight is given to: {', '.join(PARTS)}")
            if not (math.isfinite(weight) and weight > 0):
                raise UsageError(f"the weight of {name} is {weight}; weights are numbers above 0")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to search with; blank words are nothing."""
        parts = (self.image, self.figure, self.text, self.passage, self.depicts, self.lexical)
        return not any(given(part) for part in parts)

    @property
    def words(self) -> str:
        """All words that the query has, to be looked for in sentences and part names."""
        written = [part for part in (self.text, self.passage, self.depicts) if isinstance(part, str)]
        return " ".join([*written, plain_words(self.lexical)] if self.lexical else written)

    def fingerprint(self) -> str:
        """Equal for queries that order the same figures in the same way; the page, its size and vectors are left out.

        Raises UsageError for a picture that cannot be read.
        """
        image = Path(self.image) if isinstance(self.image, str) else self.image
        asked = [image, self.figure, self.text, self.passage, self.depicts, self.lexical, str(self.box)]
        parts = [_digest(part) for part in asked]
        meaning = [parts, sorted(self.weights.items()), self.fusion, asdict(self.filter), self.group]
        return hashlib.sha256(json.dumps(meaning, default=str).encode()).hexdigest()[:16]


def parse_box(text: str) -> Box:
    """A box from ``x0,y0,x1,y1``. Raises UsageError for anything else."""
    try:
        x0, y0, x1, y1 = (int(number) for number in text.split(","))
    except ValueError:
        raise UsageError(f"a box is given as x0,y0,x1,y1 in whole pixels; got {text!r}") from None
    return x0, y0, x1, y1


def _check_box(box: Box, image: Picture | None, figure: str | None) -> None:
    x0, y0, x1, y1 = box
    if not (0 <= x0 < x1 and 0 <= y0 < y1):
        raise UsageError(f"the box {x0},{y0},{x1},{y1} is empty; its corners are x0,y0 at the top left, then x1,y1")
    if (image is None) == (figure is None):
        raise UsageError("a box is of one image or of one figure; give exactly one of the two with it")


def parse_weights(texts: Sequence[str]) -> dict[str, float]:
    """Weights from ``part=number``. Raises UsageError for anything else."""
    found = {}
    for text in texts:
        name, sign, number = text.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            sign = ""
        if not sign:
            raise UsageError(f"a weight is given as part=number, such as text=2; got {text!r}")
    return found


def given(part: Any) -> bool:
    """Whether a part of a query is there; blank words are not."""
    return part is not None and not (isinstance(part, str) and not part.strip())


def _digest(part: Any) -> str | None:
    if part is None or isinstance(part, str):
        return part
    if isinstance(part, Path):
        part = read_picture(part)
    if isinstance(part, np.ndarray):
        part = f"{part.dtype}{part.shape}".encode() + part.tobytes()
    return hashlib.sha256(part).hexdigest()
