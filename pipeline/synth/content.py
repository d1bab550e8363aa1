"""Everything a document holds, whatever office publishes it: text, sheets and their ground truth."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from pipeline.synth.description import write_body
from pipeline.synth.figures import Figure, draw
from pipeline.synth.geometry import Affine
from pipeline.synth.invention import Plan, invent
from pipeline.synth.raster import Canvas, rasterise
from pipeline.synth.sheets import Sheet, Wear, choose_wear, compose, grouped
from pipeline.synth.sketch import Sketch
from pipeline.synth.style import DrawingStyle, choose_style
from pipeline.synth.text import Body
from pipeline.synth.tiff import PX_PER_MM, encode
from pipeline.synth.truth import Row, sheet_row, text_rows


@dataclass(frozen=True)
class Pace:
    """How much is drawn. ``figure_px``: least and greatest side of a picture; ``verbosity``: sentences per part."""

    figures: tuple[int, int]
    figure_px: tuple[int, int]
    verbosity: int
    pages: bool
    worn: bool


#: full: sheets as they come from the office. fast: two small clean sheets a document, for benchmarks.
PACES = {
    "full": Pace((2, 7), (650, 1150), 4, True, True),
    "fast": Pace((1, 2), (260, 340), 6, False, False),
}


@dataclass(frozen=True)
class Content:
    """A document's text and sheets. ``front`` is its first figure alone, ``formula`` an image in the text."""

    body: Body
    sheets: tuple[Sheet, ...]
    front: Sheet
    formula: Canvas | None


@dataclass(frozen=True)
class Image:
    """An image of a package and what the XML says of it; ``labels`` only for drawing sheets."""

    file: str
    width_mm: float
    height_mm: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """A finished document: where it lies in the delivery, its package, and the rows of its ground truth by file."""

    folder: str
    name: str
    package: bytes
    truth: dict[str, list[Row]]


def draw_content(language: str, pace: Pace, rng: random.Random) -> Content:
    """Make up a document in one language."""
    invention = invent(rng, rng.randint(*pace.figures))
    style = choose_style(language, pace.figure_px, rng)
    figures = [draw(invention, plan, language, style, rng) for plan in invention.plans]
    groups = grouped(figures, style, rng)
    sheets = []
    for i, (group, turn) in enumerate(groups, 1):
        wear = choose_wear(rng, pace.pages) if pace.worn else Wear()
        sheets.append(compose(group, style, replace(wear, turn=turn), rng, f"{i}/{len(groups)}"))
    places = {figure.plan.label: f"f{i:04d}" for i, (group, _) in enumerate(groups, 1) for figure in group}
    body = write_body(invention, figures, places, language, rng, pace.verbosity)
    bare = Figure(Plan("", figures[0].plan.kind), figures[0].sketch, figures[0].signs)
    front = compose([bare], style, Wear(), rng)
    formula = _formula(style) if any(paragraph.formula for paragraph in body.paragraphs) else None
    return Content(body, tuple(sheets), front, formula)


def _formula(style: DrawingStyle) -> Canvas:
    """A small in-text image."""
    sketch = Sketch()
    sketch.write("p = F / A + 0.5", (0.0, 0.0), 32, style.label_hand.suits("p"), "symbol")
    x0, y0, x1, y1 = sketch.bounds()
    return rasterise(sketch, round(x1 - x0) + 8, round(y1 - y0) + 8, Affine(c=4 - x0, f=4 - y0))


class Album:
    """Encodes a document's images in one variant of TIFF and keeps their truth."""

    def __init__(self, doc: str, rng: random.Random) -> None:
        self.doc = doc
        self.files: list[tuple[str, bytes]] = []
        self.rows: list[Row] = []
        self._big_endian, self._white_is_zero = rng.random() < 0.2, rng.random() < 0.5

    def add(self, file: str, sheet: Sheet, role: str) -> Image:
        """Put in a sheet that the ground truth tells about."""
        self.rows.append(sheet_row(self.doc, file, sheet, role))
        image = self.add_plain(file, sheet.image)
        return replace(image, labels=tuple(f.plan.label for f in sheet.figures if f.plan.label))

    def add_plain(self, file: str, canvas: Canvas) -> Image:
        """Put in an image without truth."""
        height, width = canvas.shape
        self.files.append((file, encode(canvas, self._big_endian, self._white_is_zero)))
        return Image(file, width / PX_PER_MM, height / PX_PER_MM)


def truth_rows(doc: str, content: Content, album: Album) -> dict[str, list[Row]]:
    """The ground truth of text and sheets."""
    body = content.body
    return text_rows(doc, body.language, body.paragraphs, body.account) | {"sheets": album.rows}
