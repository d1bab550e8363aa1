"""Documents and deliveries of the EPO: ``EPRTBJV<year><week>001001.zip``, a package of XML and TIFF a document."""

from __future__ import annotations

import random
import zipfile
from datetime import date
from pathlib import Path
from types import TracebackType

from pipeline.synth.content import Album, Content, Drawn, Pace, draw_content, truth_rows
from pipeline.synth.description import titles
from pipeline.synth.epo_xml import Identity, document_xml, index_xml, stub_xml
from pipeline.synth.invention import invent
from pipeline.synth.lexicon import LANGUAGES
from pipeline.synth.packaging import packed, write_member
from pipeline.synth.truth import Row

WEEKDAY = 3  # the bulletin appears on Wednesdays


def stem(published: date) -> str:
    """Name of the delivery without its suffix."""
    year, week, _ = published.isocalendar()
    return f"EPRTBJV{year}{week:06d}001001"


def draw_document(seed: int, index: int, published: date, pace: Pace, stubs: float = 0.12) -> Drawn:
    """Document number ``index`` of a delivery; ``stubs`` is the share of Euro-PCT entries without text."""
    week = published.isocalendar().week
    rng = random.Random(f"figlake/{seed}/{week}/{index}")  # noqa: S311
    language = rng.choices(LANGUAGES, (0.78, 0.14, 0.08))[0]
    kind = rng.choices(("A1", "A2", "B1"), (0.6, 0.1, 0.3))[0]
    block, serial = divmod(index, 10_000)
    application = f"{published.year % 100 - 2 - block:02d}{week:02d}{serial:04d}"
    number = f"{3 + block}{week:02d}{serial:04d}"
    if rng.random() < stubs:
        return _stub(Identity(application, number, "A1", published, language), rng)
    identity = Identity(application, number, kind, published, language)
    return _full(identity, draw_content(language, pace, rng), rng)


def _stub(identity: Identity, rng: random.Random) -> Drawn:
    named = titles(invent(rng, 1).whole, 0)
    xml = stub_xml(identity, named, rng)
    return _packed(identity, [(f"{identity.stem}.xml", xml)], {"documents": [_row(identity, named, None)]})


def _full(identity: Identity, content: Content, rng: random.Random) -> Drawn:
    album = Album(identity.stem, rng)
    drawings = [album.add(f"imgf{i:04d}.tif", sheet, "drawing") for i, sheet in enumerate(content.sheets, 1)]
    abstract = album.add("imgaf001.tif", content.front, "abstract figure") if identity.kind.startswith("A") else None
    formula = album.add_plain("imgb0001.tif", content.formula) if content.formula is not None else None
    xml = document_xml(identity, content.body, drawings, abstract, formula, rng)
    rows = truth_rows(identity.stem, content, album)
    rows["documents"] = [_row(identity, content.body.titles, content)]
    return _packed(identity, [(f"{identity.stem}.xml", xml), *sorted(album.files)], rows)


def _packed(identity: Identity, files: list[tuple[str, bytes]], rows: dict[str, list[Row]]) -> Drawn:
    toc = index_xml([(name, len(data), ".") for name, data in files])
    package = packed([*files, ("TOC.xml", toc)], identity.published)
    return Drawn(f"DOC/EPNW{identity.kind}", f"{identity.stem}.zip", package, rows)


def _row(identity: Identity, named: dict[str, str], content: Content | None) -> Row:
    return {
        "doc": identity.stem, "doc_id": f"EP{identity.number}{identity.kind}", "kind": identity.kind,
        "language": identity.language, "titles": named, "publication_date": identity.published.isoformat(),
        "n_sheets": len(content.sheets) if content else 0,
        "n_figures": sum(len(sheet.figures) for sheet in content.sheets) if content else 0, "stub": content is None,
    }  # fmt: skip


class Tree:
    """The outer zip, written package after package."""

    suffix = ".zip"

    def __init__(self, path: Path, published: date) -> None:
        self.published = published
        self._zip = zipfile.ZipFile(path, "w")
        self._listed: list[tuple[str, int, str]] = []

    def __enter__(self) -> Tree:
        return self

    def add(self, drawn: Drawn) -> None:
        """Put in a document's package as it is."""
        path = f"{drawn.folder}/{drawn.name}"
        write_member(self._zip, path, drawn.package, self.published, zipfile.ZIP_STORED)
        self._listed.append((drawn.name, len(drawn.package), "\\" + drawn.folder.replace("/", "\\")))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the delivery with its own files."""
        for name, data in (
            ("index.xml", index_xml(self._listed)),
            ("CONTENTS", b"Synthetic full-text documents in the tree of the EPO's weekly delivery\n"),
            ("VOLUMEID", stem(self.published).encode()),
            ("DTDS/README", b"The documents follow ep-patent-document-v1-5.dtd of the EPO.\n"),
        ):
            write_member(self._zip, name, data, self.published, zipfile.ZIP_DEFLATED)
        self._zip.close()
