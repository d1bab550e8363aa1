"""One document from one seed: its package and its ground truth."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipeline.synth.description import titles, write_body
from pipeline.synth.epo_xml import Identity, Image, document_xml, index_xml, stub_xml
from pipeline.synth.figures import Figure, draw
from pipeline.synth.geometry import Affine
from pipeline.synth.invention import Plan, invent
from pipeline.synth.lexicon import LANGUAGES
from pipeline.synth.packaging import packed
from pipeline.synth.raster import rasterise
from pipeline.synth.sheets import Sheet, Wear, choose_wear, compose, grouped
from pipeline.synth.sketch import Sketch
from pipeline.synth.style import Office, choose_office
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
class Drawn:
    """A document's package (name and files) and the rows of its ground truth by file."""

    identity: Identity
    files: tuple[tuple[str, bytes], ...]
    truth: dict[str, list[Row]]

    def package(self) -> bytes:
        """The zip as it lies in the delivery."""
        toc = index_xml([(name, len(data), ".") for name, data in self.files])
        return packed([*self.files, ("TOC.xml", toc)], self.identity.published)


def draw_document(seed: int, week: int, index: int, published: date, pace: Pace, stubs: float = 0.12) -> Drawn:
    """Document number ``index`` of a delivery; it depends on nothing but the arguments."""
    rng = random.Random(f"figlake/{seed}/{week}/{index}")  # noqa: S311
    language = rng.choices(LANGUAGES, (0.78, 0.14, 0.08))[0]
    kind = rng.choices(("A1", "A2", "B1"), (0.6, 0.1, 0.3))[0]
    block, serial = divmod(index, 10_000)
    application = f"{published.year % 100 - 2 - block:02d}{week:02d}{serial:04d}"
    number = f"{3 + block}{week:02d}{serial:04d}"
    if rng.random() < stubs:
        return _stub(Identity(application, number, "A1", published, language), rng)
    identity = Identity(application, number, kind, published, language)
    return _full(identity, pace, rng)


def _stub(identity: Identity, rng: random.Random) -> Drawn:
    named = titles(invent(rng, 1).whole, 0)
    xml = stub_xml(identity, named, rng)
    rows: dict[str, list[Row]] = {"documents": [_document_row(identity, named, 0, 0, True)]}
    return Drawn(identity, ((f"{identity.stem}.xml", xml),), rows)


def _full(identity: Identity, pace: Pace, rng: random.Random) -> Drawn:
    invention = invent(rng, rng.randint(*pace.figures))
    office = choose_office(identity.language, pace.figure_px, rng)
    figures = [draw(invention, plan, identity.language, office, rng) for plan in invention.plans]
    groups = grouped(figures, office, rng)
    sheets = []
    for i, (group, turn) in enumerate(groups, 1):
        wear = choose_wear(rng, pace.pages) if pace.worn else Wear()
        sheets.append(compose(group, office, replace(wear, turn=turn), rng, f"{i}/{len(groups)}"))
    places = {figure.plan.label: f"f{i:04d}" for i, (group, _) in enumerate(groups, 1) for figure in group}
    body = write_body(invention, figures, places, identity.language, rng, pace.verbosity)
    return _assembled(identity, body, sheets, figures, office, rng)


def _assembled(
    identity: Identity,
    body: Body,
    sheets: Sequence[Sheet],
    figures: Sequence[Figure],
    office: Office,
    rng: random.Random,
) -> Drawn:
    """Encode the images, write the XML, collect the truth."""
    big_endian, white_is_zero = rng.random() < 0.2, rng.random() < 0.5
    stem = identity.stem
    images: list[tuple[str, bytes]] = []
    rows: dict[str, list[Row]] = text_rows(stem, identity.language, body.paragraphs, body.account)
    rows["sheets"] = []

    def add(file: str, sheet: Sheet, role: str) -> Image:
        height, width = sheet.image.shape
        images.append((file, encode(sheet.image, big_endian, white_is_zero)))
        rows["sheets"].append(sheet_row(stem, file, sheet, role))
        labels = tuple(f.plan.label for f in sheet.figures if f.plan.label)
        return Image(file, round(width / PX_PER_MM), round(height / PX_PER_MM), labels)

    drawings = [add(f"imgf{i:04d}.tif", sheet, "drawing") for i, sheet in enumerate(sheets, 1)]
    abstract = None
    if identity.kind.startswith("A"):
        bare = Figure(Plan("", figures[0].plan.kind), figures[0].sketch, figures[0].signs)
        abstract = add("imgaf001.tif", compose([bare], office, Wear(), rng), "abstract figure")
    formula = None
    if any(paragraph.formula for paragraph in body.paragraphs):
        data, width, height = _formula(office, big_endian, white_is_zero)
        images.append(("imgb0001.tif", data))
        formula = Image("imgb0001.tif", width, height)
    xml = document_xml(identity, body, drawings, abstract, formula, rng)
    rows["documents"] = [_document_row(identity, body.titles, len(sheets), len(figures), False)]
    return Drawn(identity, ((f"{stem}.xml", xml), *sorted(images)), rows)


def _formula(office: Office, big_endian: bool, white_is_zero: bool) -> tuple[bytes, int, int]:
    """A small in-text image; returns the TIFF and its size in millimetres."""
    sketch = Sketch()
    sketch.write("p = F / A + 0.5", (0.0, 0.0), 32, office.label_hand.suits("p"), "symbol")
    x0, y0, x1, y1 = sketch.bounds()
    width, height = round(x1 - x0) + 8, round(y1 - y0) + 8
    image = rasterise(sketch, width, height, Affine(c=4 - x0, f=4 - y0))
    return encode(image, big_endian, white_is_zero), round(width / PX_PER_MM), round(height / PX_PER_MM)


def _document_row(identity: Identity, named: dict[str, str], sheets: int, figures: int, stub: bool) -> Row:
    return {
        "doc": identity.stem, "doc_id": f"EP{identity.number}{identity.kind}", "kind": identity.kind,
        "language": identity.language, "titles": named, "publication_date": identity.published.isoformat(),
        "n_sheets": sheets, "n_figures": figures, "stub": stub,
    }  # fmt: skip
