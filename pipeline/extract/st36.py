"""The XML vocabulary that the offices share (WIPO ST.36): bibliography, paragraphs, claims, pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import PurePosixPath

from lxml import etree

from pipeline.errors import Reason, RejectedItemError
from pipeline.extract.figure_mentions import declared_labels
from pipeline.extract.model import Bibliography, Paragraph, Picture
from pipeline.extract.text import blocks, plain

_MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72, "px": 25.4 / 300, "": 1.0}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)")
_SYMBOL = re.compile(r"([A-HY]\s?\d{2}\s?[A-Z])\s*(\d{1,4})\s*/\s*(\d{2,6})")
#: What may hold text outside a paragraph.
_LISTS = ("ul", "ol", "dl", "sl", "tables")
#: The sections that hold images, with the role of theirs; the first that names a file decides.
_ROLES = {
    "drawings": "drawing", "abstract": "abstract figure", "description": "in-text", "claims": "in-text",
    "amended-claims": "in-text", "search-report-data": "search report", "doc-page": "page",
}  # fmt: skip


def to_date(text: str | None) -> date | None:
    """A date written YYYYMMDD or YYYY-MM-DD; None for anything else (offices print 00 for unknown days)."""
    digits = (text or "").replace("-", "").strip()
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) if len(digits) >= 8 else None
    except ValueError:
        return None


def millimetres(text: str | None) -> float | None:
    """A length with or without its unit: ``126``, ``134.62mm``."""
    match = _SIZE.match(text or "")
    return float(match[1]) * _MM_PER_UNIT.get(match[2], 1.0) if match and float(match[1]) > 0 else None


def language_code(text: str | None, default: str = "en") -> str:
    """ISO 639-1 in lower case."""
    code = (text or "").strip().lower()[:2]
    return code if code.isalpha() and len(code) == 2 else default


def value(element: etree._Element | None, path: str) -> str | None:
    """The text at a path below an element, folded; None where there is none."""
    found = None if element is None else element.find(path)
    return (plain(found) or None) if found is not None else None


def required(text: str | None, what: str) -> str:
    """The text. Raises RejectedItemError DOCUMENT_INCOMPLETE when it is missing."""
    if not text or not text.strip():
        raise RejectedItemError(Reason.DOCUMENT_INCOMPLETE, f"the XML does not state {what}")
    return re.sub(r"\s+", "", text)


def unique(texts: Iterable[str | None]) -> list[str]:
    """The non-empty texts, each once, in order."""
    return list(dict.fromkeys(text for text in texts if text))


def symbol(text: str) -> str | None:
    """The classification symbol at the head of a fixed-width entry: ``G05B  17/02`` is G05B17/02."""
    match = _SYMBOL.search(text)
    return f"{match[1].replace(' ', '')}{match[2]}/{match[3]}" if match else None


def classification(element: etree._Element) -> str | None:
    """The symbol of a ``classification-ipcr`` or ``classification-cpc``: in parts, or as one text."""
    if (section := value(element, "section")) is None:
        return symbol(plain(element))
    parts = [section, *(value(element, tag) or "" for tag in ("class", "subclass", "main-group"))]
    return "".join(parts) + "/" + (value(element, "subgroup") or "00")


def party(element: etree._Element) -> str | None:
    """Name of an applicant, inventor or assignee: ``Last, First``, or the organisation."""
    book = element.find("addressbook")
    book = element if book is None else book
    organisation = value(book, "orgname")
    person = [value(book, "last-name"), value(book, "first-name")]
    return organisation or ", ".join(part for part in person if part) or value(book, "name")


def citations(root: etree._Element) -> list[dict[str, str]]:
    """The documents and literature that a search report or a front page cites, each once."""
    found: dict[tuple[str, str], None] = {}
    for citation in root.iter("citation", "us-citation"):
        patent, literature = citation.find("patcit"), citation.find("nplcit")
        if patent is not None:
            identity = patent.find("document-id")
            parts = [value(identity, tag) for tag in ("country", "doc-number", "kind")]
            if text := "".join(part for part in parts if part) or value(patent, "text"):
                found["patent", text] = None
        elif literature is not None:
            words = " ".join(text for part in literature.itertext() if (text := str(part).strip()))
            if words:
                found["literature", words] = None
    return [{"kind": kind, "text": text} for kind, text in found]


def bibliography(root: etree._Element, data: etree._Element, office: str | None = None) -> Bibliography:
    """The columns that ``bibliographic-data`` (or the USPTO's two) states.

    Raises RejectedItemError DOCUMENT_INCOMPLETE when the publication has no country, number or kind.
    """
    publication, application = data.find("publication-reference/document-id"), data.find("application-reference")
    country = required(value(publication, "country") or root.get("country"), "the country of publication")
    kind = required(value(publication, "kind") or root.get("kind"), "the kind of document")
    language = language_code(value(data, "language-of-publication") or root.get("lang") or _text_language(root))
    people = list(data.iter("inventor")) or [e for e in data.iter("applicant") if "inventor" in e.get("app-type", "")]
    owners = list(data.iter("assignee")) if kind[0] in "BCS" else []
    return Bibliography(
        country=country,
        number=required(value(publication, "doc-number") or root.get("doc-number"), "the number of publication"),
        kind=kind,
        office=office or country,
        language=language,
        publication_date=to_date(value(publication, "date") or root.get("date-publ")),
        application_number=value(application, "document-id/doc-number"),
        filing_date=to_date(value(application, "document-id/date")),
        titles={language_code(e.get("lang"), language): plain(e) for e in data.iter("invention-title") if plain(e)},
        applicants=unique(map(party, owners or data.iter("applicant", "us-applicant"))),
        inventors=unique(map(party, people)),
        ipc=unique(map(classification, data.iter("classification-ipcr"))),
        cpc=unique(map(classification, data.iter("classification-cpc"))),
        citations=citations(data),
    )


def paragraphs(root: etree._Element, known: Bibliography) -> Iterator[Paragraph]:
    """The title in each language, then the sections in order, each in the language that it states."""
    for language, text in known.titles.items():
        yield Paragraph("title", language, "", None, [text])
    for section in root.iterchildren("abstract", "description", "claims", "amended-claims"):
        yield from _section(section, language_code(section.get("lang"), known.language))


def _section(section: etree._Element, language: str) -> Iterator[Paragraph]:
    """Paragraphs or claims, each under the nearest heading above it.

    Lists and tables that stand outside any paragraph count as paragraphs without a number.
    """
    heading: str | None = None
    for element in section.iter("heading", "p", "claim", *_LISTS):
        if element.tag == "heading":
            heading = plain(element) or None
        elif element.tag in _LISTS and next(element.iterancestors("p", "claim", *_LISTS), None) is not None:
            continue
        elif pieces := blocks(element):
            yield Paragraph(section.tag, language, (element.get("num") or "").strip(), heading, pieces)


def pictures(root: etree._Element, abstract_labels: Iterable[str] = ()) -> list[Picture]:
    """Every image that the XML names, each file once: as a drawing if it is one, else by where it stands.

    Must be called before the text is flattened, which takes formulae out of the tree.
    """
    found: dict[str, Picture] = {}
    for tag, role in _ROLES.items():
        for section in root.iterchildren(tag):
            for image in [section] if tag == "doc-page" else section.iter("img", "doc-page"):
                picture = _picture(image, role, tuple(abstract_labels))
                if picture.file:
                    found.setdefault(picture.file.lower(), picture)
    return list(found.values())


def _picture(image: etree._Element, role: str, abstract_labels: tuple[str, ...]) -> Picture:
    labels: tuple[str, ...] = ()
    figure = image.getparent()
    if role == "drawing" and figure is not None:
        labels = tuple(declared_labels(figure.get("figure-labels") or figure.get("num") or ""))
    elif role == "abstract figure":
        formula = next(image.iterancestors("chemistry", "maths", "tables"), None) is not None
        role, labels = ("in-text", ()) if formula else (role, abstract_labels)
    file = PurePosixPath((image.get("file") or "").replace("\\", "/").strip()).name
    return Picture(file, role, labels, millimetres(image.get("wi")), millimetres(image.get("he")))


def _text_language(root: etree._Element) -> str | None:
    """The language of the first section that names its own."""
    return next((e.get("lang") for e in root.iter("description", "claims", "abstract") if e.get("lang")), None)
