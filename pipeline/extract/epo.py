"""EPO weekly publications: ``ep-patent-document``, DTD 1-0 to 1-7."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from pipeline.extract import st36
from pipeline.extract.figure_mentions import declared_labels
from pipeline.extract.model import Bibliography, Parsed
from pipeline.extract.st36 import language_code, required, symbol, to_date, unique, value
from pipeline.extract.text import flatten, plain

#: Kinds that correct another publication: reprint of the title page (8) or of the whole document (9).
_CORRECTIONS = frozenset({"A8", "A9", "B8", "B9"})


def read(root: etree._Element) -> Parsed:
    """Read a document; a scanned one has its bibliography in the attributes of the root alone."""
    sdobi, data = root.find("SDOBI"), root.find("bibliographic-data")
    figure = value(sdobi, "B500/B590/B598")
    pictures = st36.pictures(root, declared_labels(figure or ""))
    flatten(root)
    if sdobi is None and data is not None:
        bibliography = st36.bibliography(root, data, office="EP")
    else:
        bibliography = _bibliography(root, etree.Element("SDOBI") if sdobi is None else sdobi)
    return Parsed(bibliography, list(st36.paragraphs(root, bibliography)), pictures)


def _bibliography(root: etree._Element, sdobi: etree._Element) -> Bibliography:
    """The columns that SDOBI states; its fields are numbered after WIPO ST.9 (INID) codes."""
    country = required(root.get("country") or value(sdobi, "B100/B190"), "the country of publication")
    number = required(root.get("doc-number") or value(sdobi, "B100/B110"), "the number of publication")
    kind = required(root.get("kind") or value(sdobi, "B100/B130"), "the kind of document")
    language = language_code(root.get("lang") or sdobi.get("lang"))
    owners = sdobi.iter("B731") if kind[0] == "B" else ()
    return Bibliography(
        country=country,
        number=number,
        kind=kind,
        office="EP",
        language=language,
        publication_date=to_date(root.get("date-publ") or value(sdobi, "B100/B140/date")),
        application_number=value(sdobi, "B200/B210"),
        filing_date=to_date(value(sdobi, "B200/B220/date")),
        titles=_titles(sdobi.find("B500/B540")),
        applicants=unique(map(_name, owners)) or unique(map(_name, sdobi.iter("B711"))),
        inventors=unique(map(_name, sdobi.iter("B721"))),
        ipc=unique(_symbols(sdobi, "classification-ipcr", "B511", "B512", "B513")),
        cpc=unique(_symbols(sdobi, "classification-cpc")),
        citations=_citations(root, sdobi),
        corrects=_corrected(country, number, kind, sdobi),
    )


def _corrected(country: str, number: str, kind: str, sdobi: etree._Element) -> str | None:
    """The publication that this one corrects: of the original kind where B132EP states it, else the first."""
    if kind not in _CORRECTIONS:
        return None
    original = value(sdobi, "B100/B132EP") or ""
    return f"{country}{number}{original if original[:1] == kind[0] and len(original) == 2 else kind[0] + '1'}"


def _titles(element: etree._Element | None) -> dict[str, str]:
    """Titles by language: B541 names the language of the B542 behind it."""
    titles: dict[str, str] = {}
    language = ""
    for child in element if element is not None else ():
        if child.tag == "B541":
            language = language_code(plain(child))
        elif child.tag == "B542" and language and plain(child):
            titles.setdefault(language, plain(child))
    return titles


def _name(element: etree._Element) -> str | None:
    return ", ".join(text for tag in ("snm", "fnm") if (text := value(element, tag))) or value(element, "onm")


def _symbols(sdobi: etree._Element, *tags: str) -> Iterator[str | None]:
    for element in sdobi.iter(*tags):
        yield st36.classification(element) if element.tag.startswith("class") else symbol(plain(element))


def _citations(root: etree._Element, sdobi: etree._Element) -> list[dict[str, str]]:
    """What the front page of a patent cites (B561, B562), then what the search report does."""
    kinds = {"B561": "patent", "B562": "literature"}
    found = [{"kind": kinds[e.tag], "text": text} for e in sdobi.iter(*kinds) if (text := value(e, "text"))]
    for report in root.iterchildren("search-report-data"):
        found += [citation for citation in st36.citations(report) if citation not in found]
    return found
