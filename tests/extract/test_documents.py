"""Packages become documents: what is lost with a bad file, and what is not."""

from __future__ import annotations

import hashlib
from datetime import date

import pyarrow as pa
import pytest

from pipeline.config import ExtractSettings, LimitSettings, Settings
from pipeline.errors import Reason, Reject
from pipeline.extract.documents import extract_package
from pipeline.extract.model import ExtractedDocument
from schemas import TABLES
from tests.extract.packages import MemoryPackage, ep_document, tiff

XML = "EP18000001NWA1.xml"
DRAWINGS = """<drawings><figure num="1"><img file="imgf0001.tif"/></figure>
<figure num="2A,2B"><img file="imgf0002.tif"/></figure></drawings>"""


def extract(files: dict[str, bytes], settings: Settings | None = None, **more: object) -> tuple[
    list[ExtractedDocument], list[Reject]
]:  # fmt: skip
    found = list(extract_package(MemoryPackage(files, **more), settings or Settings()))  # type: ignore[arg-type]
    return [x for x in found if isinstance(x, ExtractedDocument)], [x for x in found if isinstance(x, Reject)]


def test_a_whole_package_gives_rows_that_fit_the_tables() -> None:
    xml = ep_document('<abstract lang="en"><p num="0001">A lid. It is 3 mm.</p></abstract>' + DRAWINGS)
    (document,), rejects = extract({XML: xml, "imgf0001.tif": tiff(), "imgf0002.tif": tiff(200, 100)})
    assert rejects == []
    rows = {"documents": [document.document], "passages": document.passages, "sheets": document.sheets}
    for table, found in rows.items():
        schema = TABLES[table].part_schema
        assert all(set(row) == set(schema.names) for row in found)
        assert pa.Table.from_pylist(found, schema=schema).num_rows == len(found)
    assert document.document["member"] == f"DOC/EPNWA1/EP18000001NWA1.zip!/{XML}"
    assert document.document["n_sheets"] == 2
    assert document.document["scanned"] is False
    assert document.document["delivery_date"] == date(2019, 2, 13)
    assert document.document["xml_sha256"] == hashlib.sha256(xml).hexdigest()
    assert [p["passage_id"] for p in document.passages] == [f"EP3000001A1/abstract-en/0001/{n}" for n in (0, 1)]
    second = document.sheets[1]
    assert {name: second[name] for name in second if name not in ("image", "sha256")} == {
        "sheet_id": "EP3000001A1/imgf0002.tif", "doc_id": "EP3000001A1", "file": "imgf0002.tif", "ordinal": 1,
        "role": "drawing", "declared_labels": ["2A", "2B"], "width_px": 200, "height_px": 100, "dpi": 300.0,
        "media_type": "image/tiff", "source": "tiff",
    }  # fmt: skip
    assert second["image"] == tiff(200, 100)


def test_the_date_of_the_delivery_wins_over_the_publications() -> None:
    (found,) = extract_package(MemoryPackage({XML: ep_document("")}), Settings(), date(2020, 1, 1))
    assert isinstance(found, ExtractedDocument)
    assert found.document["delivery_date"] == date(2020, 1, 1)


@pytest.mark.parametrize(("image", "reason"), [
    (None, Reason.IMAGE_MISSING), (b"no image", Reason.IMAGE_UNREADABLE), (tiff()[:-1], Reason.IMAGE_UNREADABLE),
    (tiff(2000, 1000, pixels=b"\0"), Reason.IMAGE_TOO_LARGE),
])  # fmt: skip
def test_a_bad_sheet_costs_that_sheet_alone(image: bytes | None, reason: Reason) -> None:
    files = {XML: ep_document(DRAWINGS), "imgf0002.tif": tiff()}
    if image is not None:
        files["imgf0001.tif"] = image
    (document,), (reject,) = extract(files, Settings(limits=LimitSettings(image_mpixels=1)))
    assert (reject.item, reject.reason) == ("DOC/EPNWA1/EP18000001NWA1.zip!/imgf0001.tif", reason)
    assert reject.sha256 == (hashlib.sha256(image).hexdigest() if image else None)
    assert [(sheet["file"], sheet["ordinal"]) for sheet in document.sheets] == [("imgf0002.tif", 1)]
    assert document.document["n_sheets"] == 1


@pytest.mark.parametrize(("xml", "reason"), [
    (b"<ep-patent-document>", Reason.XML_MALFORMED),
    (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', Reason.XML_FORBIDDEN),
    (b"<html/>", Reason.DOCUMENT_UNKNOWN_FORMAT), (b"<ep-patent-document/>", Reason.DOCUMENT_INCOMPLETE),
    (b"<!--" + b"x" * (1 << 20) + b"--><a/>", Reason.TOO_LARGE),
])  # fmt: skip
def test_a_bad_document_is_one_reject(xml: bytes, reason: Reason) -> None:
    documents, (reject,) = extract({XML: xml, "imgf0001.tif": tiff()}, Settings(limits=LimitSettings(xml_mb=1)))
    assert documents == []
    assert (reject.item, reject.reason) == (f"DOC/EPNWA1/EP18000001NWA1.zip!/{XML}", reason)


def test_an_unforeseen_fault_is_a_reject_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryPackage, "names", lambda _: 1 / 0)
    documents, (reject,) = extract({XML: ep_document("")})
    assert documents == []
    assert (reject.reason, reject.detail) == (Reason.STEP_ERROR, "ZeroDivisionError: division by zero")


def test_trouble_that_the_listing_found_is_passed_on() -> None:
    trouble = Reject("DOC/x", Reason.UNSAFE_PATH, "climbs out")
    assert extract({XML: ep_document("")}, rejects=[trouble])[1] == [trouble]


def test_images_that_the_xml_does_not_name_follow_by_their_names() -> None:
    names = ("IMGF0001.TIF", "imgf0002.tif", "imgf0003.tif", "imgb0001.tif", "srep0001.tif", "other.tif")
    files = {XML: ep_document(DRAWINGS), "EP18000001NWA1.pdf": b"%PDF", **dict.fromkeys(names, tiff())}
    (document,), rejects = extract(files)
    assert rejects == []
    assert [(s["file"], s["role"], s["ordinal"], s["declared_labels"]) for s in document.sheets] == [
        ("IMGF0001.TIF", "drawing", 0, ["1"]), ("imgf0002.tif", "drawing", 1, ["2A", "2B"]),
        ("imgb0001.tif", "in-text", 0, []), ("imgf0003.tif", "drawing", 2, []), ("other.tif", "in-text", 1, []),
        ("srep0001.tif", "search report", 0, []),
    ]  # fmt: skip


def test_a_stub_is_a_document_without_text() -> None:
    titles = "<B500><B540><B541>en</B541><B542>LID</B542></B540></B500>"
    (document,), rejects = extract({XML: ep_document("", sdobi=titles)})
    assert rejects == []
    assert [p["text"] for p in document.passages] == ["LID"]
    assert (document.sheets, document.document["scanned"]) == ([], False)


def test_a_scanned_document_keeps_its_pages() -> None:
    xml = b'<ep-patent-document lang="de" country="EP" doc-number="0000002" kind="A1">' \
        b'<doc-page file="0001.tif"/><doc-page file="0002.tif"/></ep-patent-document>'  # fmt: skip
    (document,), rejects = extract({XML: xml, "0001.tif": tiff(), "0002.tif": tiff()})
    assert rejects == []
    assert document.document["scanned"] is True
    assert [(s["role"], s["ordinal"]) for s in document.sheets] == [("page", 0), ("page", 1)]


def test_a_broken_pdf_leaves_the_missing_sheets_missing() -> None:
    files = {XML: ep_document(DRAWINGS), "EP18000001NWA1.pdf": b"%PDF-1.4 broken"}
    (document,), rejects = extract(files)
    assert document.sheets == []
    assert [r.reason for r in rejects] == [Reason.MEMBER_UNREADABLE, *[Reason.IMAGE_MISSING] * 2]
    assert rejects[0].item == "DOC/EPNWA1/EP18000001NWA1.zip!/EP18000001NWA1.pdf"
    assert [r.reason for r in extract(files, Settings(extract=ExtractSettings(pdf_fallback=False)))[1]] == \
        [Reason.IMAGE_MISSING] * 2  # fmt: skip
