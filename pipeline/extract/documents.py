"""A package becomes a document with its passages and sheets; the root element chooses the adapter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date

from lxml import etree

from pipeline.config import Settings
from pipeline.errors import Reason, Reject, RejectedItemError
from pipeline.extract import epo, fulltext, uspto
from pipeline.extract.model import ExtractedDocument, Package, Parsed
from pipeline.extract.passages import passage_rows
from pipeline.extract.sheets import sheet_rows
from pipeline.extract.xml import parse

ADAPTERS: dict[str, Callable[[etree._Element], Parsed]] = {
    "ep-patent-document": epo.read,
    "fulltext-document": fulltext.read,
    "us-patent-application": uspto.read,
    "us-patent-grant": uspto.read,
}

__all__ = ["ADAPTERS", "ExtractedDocument", "extract_package"]


def extract_package(
    package: Package, settings: Settings, delivery_date: date | None = None
) -> Iterator[ExtractedDocument | Reject]:
    """The document of a package and the rejects of its parts; or the one reject of the whole.

    Nothing that a package holds raises: what is unforeseen becomes a reject of reason STEP_ERROR.
    """
    yield from package.rejects
    name = package.path
    try:
        name = package.document
        data = package.read(name)
        parsed = read_document(parse(data, settings.limits.xml_mb))
        yield from _assemble(package, name, data, parsed, settings, delivery_date)
    except RejectedItemError as error:
        yield error.reject(package.member_path(name))
    except MemoryError:
        yield Reject(package.member_path(name), Reason.OUT_OF_MEMORY, "the document does not fit the worker's memory")
    except Exception as error:  # a document that breaks our code must not stop its archive
        yield Reject(package.member_path(name), Reason.STEP_ERROR, f"{type(error).__name__}: {error}")


def read_document(root: etree._Element) -> Parsed:
    """Read the XML with its office's adapter. Raises RejectedItemError DOCUMENT_UNKNOWN_FORMAT."""
    adapter = ADAPTERS.get(root.tag)
    if adapter is None:
        raise RejectedItemError(
            Reason.DOCUMENT_UNKNOWN_FORMAT, f"root element {root.tag!r}; known: {', '.join(sorted(ADAPTERS))}"
        )
    return adapter(root)


def _assemble(
    package: Package, name: str, data: bytes, parsed: Parsed, settings: Settings, delivery_date: date | None
) -> Iterator[ExtractedDocument | Reject]:
    known = parsed.bibliography
    sheets = []
    for row in sheet_rows(package, known.doc_id, parsed.pictures, settings):
        if isinstance(row, Reject):
            yield row
        else:
            sheets.append(row)
    passages = passage_rows(known.doc_id, parsed.paragraphs)
    document = {
        **{field: getattr(known, field) for field in known.__dataclass_fields__},
        "doc_id": known.doc_id,
        "member": package.member_path(name),
        "delivery_date": delivery_date or known.publication_date,
        "titles": list(known.titles.items()),
        "n_sheets": sum(row["role"] == "drawing" for row in sheets),
        "scanned": any(p.role == "page" for p in parsed.pictures) and all(p["section"] == "title" for p in passages),
        "xml_sha256": hashlib.sha256(data).hexdigest(),
    }
    yield ExtractedDocument(document, passages, sheets)
