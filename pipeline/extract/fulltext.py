"""National full text as the EPO delivers it (``fulltext-document``; Spain and others)."""

from __future__ import annotations

from lxml import etree

from pipeline.errors import Reason, RejectedItemError
from pipeline.extract import st36
from pipeline.extract.model import Parsed
from pipeline.extract.text import flatten, plain

#: A paragraph all in bold, of at most this many characters and without a full stop, works as a heading.
_HEADING_LENGTH = 120


def read(root: etree._Element) -> Parsed:
    """Read a document. Raises RejectedItemError DOCUMENT_INCOMPLETE without bibliographic data."""
    data = root.find("bibliographic-data")
    if data is None:
        raise RejectedItemError(Reason.DOCUMENT_INCOMPLETE, "the XML has no bibliographic-data")
    pictures = st36.pictures(root)
    _mark_headings(root)
    _part_claims(root)
    flatten(root)
    bibliography = st36.bibliography(root, data)
    return Parsed(bibliography, list(st36.paragraphs(root, bibliography)), pictures)


def _mark_headings(root: etree._Element) -> None:
    """Recognised text has no headings: put one before each short bold paragraph, which stays a paragraph."""
    for paragraph in root.iterfind("description/p"):
        if len(paragraph) == 1 and paragraph[0].tag in ("b", "u") and not (paragraph.text or "").strip():
            text = plain(paragraph)
            if 0 < len(text) <= _HEADING_LENGTH and text == plain(paragraph[0]) and text[-1] not in ".;,":
                heading = etree.Element("heading")
                heading.text = text
                paragraph.addprevious(heading)


def _part_claims(root: etree._Element) -> None:
    """Recognised claims are lines under one number: make them list items, which sentences do not cross."""
    for claim in root.iter("claim"):
        lines = claim.findall("claim-text")
        for line in lines if len(lines) > 1 else ():
            line.tag = "li"
