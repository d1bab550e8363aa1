"""A weekly delivery in the EPO's shape, drawn fast: real proportions of text and sheets, no real drawing.

A document has about 70 KB of XML (a description of 80 paragraphs, 15 claims, half of them patents with
three languages of claims) and eight sheets of 24 KB. ``pipeline.synth`` draws far better documents, at a
hundred times the price; here only sizes and structure matter.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

_VOCABULARY = (
    "the a of and to in with for said first second upper lower inner housing lid hinge spring valve sensor module "
    "controller signal surface portion element member plate shaft bearing groove opening channel layer unit which is "
    "are may be configured arranged connected coupled provided formed adapted receive transmit rotate move between"
)
_WORDS = _VOCABULARY.split()
_TITLES = {"de": "GEHÄUSE MIT DECKEL", "en": "HOUSING WITH A LID", "fr": "BOÎTIER À COUVERCLE"}
_SHEET_BYTES, _SHEETS, _PARAGRAPHS, _CLAIMS = 24_000, 8, 80, 15


def draw_archive(path: Path, documents: int, seed: int) -> Path:
    """Write a zip of packages; the same seed gives the same documents."""
    rng = random.Random(seed)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as outer:
        for number in range(documents):
            kind = "B1" if number % 2 else "A1"
            stem = f"EP{18_000_000 + number}NW{kind}"
            outer.writestr(f"DOC/EPNW{kind}/{stem}.zip", _package(rng, stem, 3_000_000 + number, kind))
    return path


def _package(rng: random.Random, stem: str, number: int, kind: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(f"{stem}.xml", _document(rng, number, kind))
        for sheet in range(1, _SHEETS + 1):
            archive.writestr(f"imgf{sheet:04}.tif", _tiff(rng.randbytes(_SHEET_BYTES)))
    return buffer.getvalue()


def _document(rng: random.Random, number: int, kind: str) -> str:
    titles = "".join(f"<B541>{language}</B541><B542>{title}</B542>" for language, title in _TITLES.items())
    paragraphs = "\n".join(f'<p id="p{n:04}" num="{n:04}">{_paragraph(rng)}</p>' for n in range(1, _PARAGRAPHS + 1))
    languages = ("en", "de", "fr") if kind == "B1" else ("en",)
    claims = "".join(
        f'<claims id="claims{language}" lang="{language}">'
        + "".join(
            f'<claim num="{n:04}"><claim-text>{_sentence(rng)}</claim-text></claim>' for n in range(1, _CLAIMS + 1)
        )
        + "</claims>"
        for language in languages
    )
    figures = "".join(
        f'<figure id="f{n:04}" num="{n}"><img id="if{n:04}" file="imgf{n:04}.tif" wi="165" he="240"/></figure>'
        for n in range(1, _SHEETS + 1)
    )
    head = (
        f"<B100><B110>{number}</B110><B130>{kind}</B130></B100><B200><B210>{number}.4</B210></B200><B500><B510EP>"
        f"<classification-ipcr><text>G06F  21/62        20130101AFI</text></classification-ipcr></B510EP>"
        f"<B540>{titles}</B540></B500>"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<!DOCTYPE ep-patent-document PUBLIC "-//EPO//EP PATENT DOCUMENT 1.5//EN" "ep-patent-document-v1-5.dtd">\n'
        f'<ep-patent-document lang="en" country="EP" doc-number="{number}" kind="{kind}" date-publ="20190213">'
        f'<SDOBI lang="en">{head}</SDOBI><abstract lang="en"><p num="0001">{_paragraph(rng)}</p></abstract>'
        f'<description lang="en"><heading>DESCRIPTION</heading>{paragraphs}</description>{claims}'
        f'<drawings id="draw">{figures}</drawings></ep-patent-document>'
    )


def _paragraph(rng: random.Random) -> str:
    return " ".join(_sentence(rng) for _ in range(rng.randint(2, 7)))


def _sentence(rng: random.Random) -> str:
    words = [f"{word} <b>{rng.randint(1, 99)}</b>" if rng.random() < 0.08 else word
             for word in rng.choices(_WORDS, k=rng.randint(10, 35))]  # fmt: skip
    figure = rng.randint(1, _SHEETS)
    head = f'As shown in <figref idref="f{figure:04}">FIG. {figure}</figref>, ' if rng.random() < 0.2 else "The "
    return f"{head}{' '.join(words)}."


def _tiff(pixels: bytes) -> bytes:
    """A group 4 sheet of A4 size by its header; the pixels are noise that nothing here decodes."""
    fields = [(256, 4, 1949), (257, 4, 2835), (258, 3, 1), (259, 3, 4), (262, 3, 0), (273, 4, 0), (277, 3, 1),
              (278, 4, 2835), (279, 4, len(pixels)), (282, 5, 0), (283, 5, 0), (296, 3, 2)]  # fmt: skip
    behind = 8 + 2 + 12 * len(fields) + 4
    places = {273: behind + 8, 282: behind, 283: behind}
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, places.get(tag, value)) for tag, kind, value in fields)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(fields)) + entries
    return head + struct.pack("<III", 0, 300, 1) + pixels
