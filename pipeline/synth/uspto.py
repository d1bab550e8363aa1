"""Documents and deliveries of the USPTO: ``I<yyyymmdd>.tar`` of zips, XML v4.6 and TIFF a document, in English."""

from __future__ import annotations

import io
import random
import re
import tarfile
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from types import TracebackType

from pipeline.synth.content import Album, Drawn, Image, Pace, draw_content, truth_rows
from pipeline.synth.packaging import packed
from pipeline.synth.text import Body, Paragraph

WEEKDAY = 4  # applications are published on Thursdays
_PEOPLE = (("Hollis", "Mara"), ("Yamada", "Ken"), ("Brandt", "Jonas"), ("Okoye", "Ada"), ("Silva", "Rui"))
_TOWNS = (("Dayton", "OH", "US"), ("Boise", "ID", "US"), ("Osaka", "", "JP"), ("Aalborg", "", "DK"))
_CLASSES = ("F04B17/03", "F16K1/22", "A47B67/02", "B25J9/16", "G05B19/042", "H02M3/158", "B62B5/00")


def stem(published: date) -> str:
    """Name of the delivery without its suffix."""
    return f"I{published:%Y%m%d}"


def draw_document(seed: int, index: int, published: date, pace: Pace) -> Drawn:
    """Document number ``index`` of a delivery."""
    week = published.isocalendar().week
    rng = random.Random(f"figlake/us/{seed}/{week}/{index}")  # noqa: S311
    number = f"{published.year}{week:02d}{index:05d}"
    doc = f"US{number}A1"
    stem_of_files = f"{doc}-{published:%Y%m%d}"
    content = draw_content("en", pace, rng)
    album = Album(doc, rng)
    images = [album.add(f"{stem_of_files}-D00000.TIF", content.front, "front page")]
    for i, sheet in enumerate(content.sheets, 1):
        images.append(album.add(f"{stem_of_files}-D{i:05d}.TIF", sheet, "drawing"))
    xml = _document(number, f"{stem_of_files}.XML", published, content.body, images, rng)
    files = [(f"{stem_of_files}/{name}", data) for name, data in (*album.files, (f"{stem_of_files}.XML", xml))]
    rows = truth_rows(doc, content, album)
    rows["documents"] = [{
        "doc": doc, "doc_id": doc, "kind": "A1", "language": "en", "titles": {"en": content.body.titles["en"]},
        "publication_date": published.isoformat(), "n_sheets": len(content.sheets),
        "n_figures": sum(len(sheet.figures) for sheet in content.sheets), "stub": False,
    }]  # fmt: skip
    folder = f"{stem(published)}/UTIL{number[4:8]}"
    return Drawn(folder, f"{stem_of_files}.ZIP", packed(files, published), rows)


def _document(number: str, file: str, published: date, body: Body, images: list[Image], rng: random.Random) -> bytes:
    """us-patent-application, v4.6."""
    day = f"{published:%Y%m%d}"
    figures = "".join(
        f'<figure id="Fig-EMI-D{i:05d}" num="{i:05d}">\n<img id="EMI-D{i:05d}" he="{image.height_mm:.2f}mm" '
        f'wi="{image.width_mm:.2f}mm" file="{image.file}" alt="embedded image" img-content="drawing" '
        'img-format="tif"/>\n</figure>\n'
        for i, image in enumerate(images)
    )
    claims = "".join(
        f'<claim id="CLM-{i:05d}" num="{i:05d}">\n<claim-text><b>{i}</b>. {_claim(text)}</claim-text>\n</claim>\n'
        for i, text in enumerate(body.claims["en"], 1)
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE us-patent-application SYSTEM "us-patent-application-v46-2022-02-17.dtd" [ ]>\n'
        f'<us-patent-application lang="EN" dtd-version="v4.6 2022-02-17" file="{file}" status="PRODUCTION" '
        f'id="us-patent-application" country="US" date-produced="{day}" date-publ="{day}">\n'
        f"{_bibliography(number, published, body.titles['en'], rng)}"
        f'<abstract id="abstract">\n<p id="p-0001" num="0000">{body.abstract}</p>\n</abstract>\n'
        f'<drawings id="DRAWINGS">\n{figures}</drawings>\n'
        f'<description id="description">\n{_description(body.paragraphs)}</description>\n'
        f'<us-claim-statement>What is claimed is:</us-claim-statement>\n<claims id="claims">\n{claims}</claims>\n'
        "</us-patent-application>\n"
    )
    return text.encode()


def _bibliography(number: str, published: date, title: str, rng: random.Random) -> str:
    filed = published - timedelta(days=rng.randint(180, 560))
    last, first = rng.choice(_PEOPLE)
    city, state, country = rng.choice(_TOWNS)
    place = f"<city>{city}</city>{f'<state>{state}</state>' if state else ''}<country>{country}</country>"
    person = (
        f"<addressbook><last-name>{last}</last-name><first-name>{first}</first-name>"
        f"<address>{place}</address></addressbook>"
    )
    match = re.fullmatch(r"(.)(..)(.)(\d+)/(\d+)", rng.choice(_CLASSES))
    section, main_class, subclass, group, subgroup = match.groups() if match else ("", "", "", "", "")
    symbol = (
        f"<section>{section}</section><class>{main_class}</class><subclass>{subclass}</subclass>"
        f"<main-group>{group}</main-group><subgroup>{subgroup}</subgroup><symbol-position>F</symbol-position>"
        "<classification-value>I</classification-value>"
    )
    return (
        '<us-bibliographic-data-application lang="EN" country="US">\n'
        f"<publication-reference><document-id><country>US</country><doc-number>{number}</doc-number><kind>A1</kind>"
        f"<date>{published:%Y%m%d}</date></document-id></publication-reference>\n"
        '<application-reference appl-type="utility"><document-id><country>US</country>'
        f"<doc-number>18{rng.randint(100_000, 999_999)}</doc-number><date>{filed:%Y%m%d}</date></document-id>"
        "</application-reference>\n<us-application-series-code>18</us-application-series-code>\n"
        "<classifications-ipcr><classification-ipcr><ipc-version-indicator><date>20060101</date>"
        f"</ipc-version-indicator><classification-level>A</classification-level>{symbol}</classification-ipcr>"
        "</classifications-ipcr>\n<classifications-cpc><main-cpc><classification-cpc><cpc-version-indicator>"
        f"<date>20130101</date></cpc-version-indicator>{symbol}</classification-cpc></main-cpc></classifications-cpc>\n"
        f'<invention-title id="d2e43">{escape(title.upper(), quote=False)}</invention-title>\n'
        f'<us-parties><us-applicants><us-applicant sequence="00" app-type="applicant" designation="us-only">{person}'
        f"<residence><country>{country}</country></residence></us-applicant></us-applicants>"
        f'<inventors><inventor sequence="00" designation="us-only">{person}</inventor></inventors></us-parties>\n'
        "</us-bibliographic-data-application>\n"
    )


def _description(paragraphs: list[Paragraph]) -> str:
    """Headings and paragraphs; the brief description of the drawings has an element of its own."""
    parts: list[str] = []
    for index, paragraph in enumerate(paragraphs):
        drawings = paragraph.items and "<figref" in paragraph.statements[0].xml
        heading = (
            f'<heading id="h-{index + 1:04d}" level="1">{escape(paragraph.heading.upper())}</heading>\n'
            if paragraph.heading
            else ""
        )
        if paragraph.items:
            rows = "\n".join(f"<li>{_american(s.xml)}</li>" for s in paragraph.statements)
            text = f'<ul id="ul{index + 1:04d}" list-style="none">\n{rows}\n</ul>'
        else:
            text = " ".join(_american(s.xml) for s in paragraph.statements)
        block = f'{heading}<p id="p-{index + 2:04d}" num="{paragraph.number}">{text}</p>\n'
        parts.append(f"<description-of-drawings>\n{block}</description-of-drawings>\n" if drawings else block)
    return "".join(parts)


def _american(xml: str) -> str:
    """Figure references as the USPTO tags them: they name no sheet, and the number is bold."""
    return re.sub(r'<figref idref="f\d+">(\D+)(.+?)</figref>', r'<figref idref="DRAWINGS">\1<b>\2</b></figref>', xml)


def _claim(text: str) -> str:
    """A claim with its reference to another one tagged."""
    return re.sub(
        r"claim (\d+)", lambda m: f'<claim-ref idref="CLM-{int(m[1]):05d}">claim {m[1]}</claim-ref>', text, count=1
    )


class Tree:
    """The tar, written package after package."""

    suffix = ".tar"

    def __init__(self, path: Path, published: date) -> None:
        self._time = int(datetime(published.year, published.month, published.day, 14, tzinfo=UTC).timestamp())
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 (closed on exit)

    def __enter__(self) -> Tree:
        return self

    def add(self, drawn: Drawn) -> None:
        """Put in a document's package with a fixed time, owner and mode."""
        info = tarfile.TarInfo(f"{drawn.folder}/{drawn.name}")
        info.size, info.mtime, info.mode = len(drawn.package), self._time, 0o644
        self._tar.addfile(info, io.BytesIO(drawn.package))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the tar."""
        self._tar.close()
