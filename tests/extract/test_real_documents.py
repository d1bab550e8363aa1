"""Real publications of three offices, counted against a plain reading of the same XML."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from pipeline.archives import ArchiveSource, list_archive, open_packages
from pipeline.config import Settings
from pipeline.errors import Reason, Reject
from pipeline.extract.documents import extract_package, read_document
from pipeline.extract.model import ExtractedDocument
from pipeline.extract.passages import passage_rows
from pipeline.extract.xml import parse
from tests.shared_data import SHARED, needs_shared

pytestmark = needs_shared
_XML = sorted((SHARED / "ep_xml").glob("*.xml")) if SHARED else []


def extract(folder: str, file: str) -> tuple[dict[str, ExtractedDocument], list[Reject]]:
    assert SHARED is not None
    settings, source = Settings(), ArchiveSource("archive", str(SHARED / folder / file), {})
    listing = list_archive(source, settings.limits, settings.extract)
    assert listing.rejects == []
    found = [item for shard in listing.shards for package in open_packages(shard, settings.limits)
             for item in ([package] if isinstance(package, Reject)
                          else extract_package(package, settings, listing.delivery_date))]  # fmt: skip
    documents = [item for item in found if isinstance(item, ExtractedDocument)]
    return {d.document["doc_id"]: d for d in documents}, [item for item in found if isinstance(item, Reject)]


def roles(documents: dict[str, ExtractedDocument]) -> Counter[str]:
    return Counter(sheet["role"] for document in documents.values() for sheet in document.sheets)


def test_the_epo_delivery_gives_eleven_documents_and_48_drawing_sheets() -> None:
    documents, rejects = extract("epo", "EPRTBJV2019000007001001.zip")
    assert len(documents) == 11
    assert roles(documents) == {"drawing": 48, "in-text": 27, "search report": 16, "abstract figure": 4}
    assert sum(d.document["n_sheets"] for d in documents.values()) == 48
    assert [(r.item, r.reason) for r in rejects] == [
        ("DOC/EPNWA1/EP17184735NWA1.zip!/imgb0013.tif", Reason.IMAGE_MISSING)
    ]
    labels = {s["file"]: s["declared_labels"] for s in documents["EP3441555A1"].sheets if s["role"] == "drawing"}
    assert (labels["imgf0001.tif"], labels["imgf0004.tif"]) == (["1"], ["4(a)", "4(b)", "4(c)"])
    assert {s["dpi"] for d in documents.values() for s in d.sheets} == {300.0}


def test_the_front_of_a_real_document_is_read() -> None:
    documents, _ = extract("epo", "EPRTBJV2019000007001001.zip")
    known = documents["EP3441903A1"].document
    assert known["publication_date"] == known["delivery_date"] == date(2019, 2, 13)
    assert (known["filing_date"], known["application_number"]) == (date(2015, 10, 14), "15906245.4")
    assert (known["ipc"], known["applicants"]) == (["G06F21/62"], ["FinalCode, Inc."])
    assert known["inventors"] == ["DOGU, Toshio", "TAKAHASHI, Noriyuki", "MATSUMOTO, Takuya"]
    texts = {p["passage_id"]: p for p in documents["EP3441555A1"].passages}
    listed = [p["text"] for p in texts.values() if p["heading"] == "[Brief description of symbols]"]
    assert listed[:3] == ["100: tracking-type window blind apparatus", "110: solar module", "120: sunshade"]


def test_the_uspto_delivery_gives_one_document_with_15_sheets() -> None:
    documents, rejects = extract("uspto", "I20250626.tar")
    assert rejects == []
    assert list(documents) == ["US20250204297A1"]
    assert roles(documents) == {"front page": 1, "drawing": 14}
    document = documents["US20250204297A1"]
    assert all(sheet["declared_labels"] == [] for sheet in document.sheets)
    assert document.document["cpc"] == ["A01B63/32", "A01B63/008"]
    named = {label for p in document.passages for label in p["figure_refs"]}
    assert {str(n) for n in range(1, 20)} <= named


def test_the_spanish_delivery_gives_one_document_with_17_images_in_its_text() -> None:
    documents, rejects = extract("es_fulltext", "Full_Text_ES_frontfile.zip")
    assert rejects == []
    assert list(documents) == ["ES2993312T1"]
    assert roles(documents) == {"in-text": 17}
    assert {p["language"] for p in documents["ES2993312T1"].passages} == {"es"}


def plain_reading(xml: str) -> dict[str, int]:
    """Counts by regular expressions over the text of the file."""
    body = re.sub(r"<search-report-data.*?</search-report-data>|<ep-reference-list.*?</ep-reference-list>", "", xml,
                  flags=re.DOTALL)  # fmt: skip
    tags = {"claims": "claim", "paragraphs": "p"}
    counts = {name: len(re.findall(rf"<{tag}[ >]", body)) for name, tag in tags.items()}
    images = re.findall(r'<(?:img|doc-page)\s[^>]*file="([^"]+)"', xml)
    return {**counts, "images": len(set(images)), "titles": len(re.findall(r"<B542", xml))}


@pytest.mark.parametrize("path", _XML, ids=lambda path: path.stem)
def test_every_dtd_version_parses_and_nothing_is_lost(path: Path) -> None:
    data = path.read_bytes()
    parsed = read_document(parse(data, 10))
    expected = plain_reading(data.decode())
    groups = Counter(p.group for p in parsed.paragraphs)
    assert groups["title"] == expected["titles"]
    assert groups["claims"] + groups["amended-claims"] == expected["claims"]
    empty = len(re.findall(r"<p [^>]*?(?:/>|>\s*(?:<(?:img|chemistry|maths)\b.*?)?</p>)", data.decode(), re.DOTALL))
    assert 0 <= expected["paragraphs"] - groups["abstract"] - groups["description"] <= empty
    assert len(parsed.pictures) == expected["images"]
    known = parsed.bibliography
    assert re.fullmatch(r"EP\d{7}[AB][1-9]", known.doc_id)
    assert known.publication_date and known.filing_date and known.application_number
    assert known.inventors and known.applicants and known.ipc
    rows = passage_rows(known.doc_id, parsed.paragraphs)
    assert len({row["passage_id"] for row in rows}) == len(rows)
    assert not any(mark in row["text"] for row in rows for mark in ("\ufdd0", "\ufdd1", "  "))
