"""Documents of the USPTO and national full text: what differs from the EPO's."""

from __future__ import annotations

from datetime import date

from pipeline.extract.documents import read_document
from pipeline.extract.model import Parsed, Picture
from pipeline.extract.xml import parse

GRANT = """<?xml version="1.0"?><!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45-2014-04-03.dtd" [ ]>
<us-patent-grant lang="EN" country="US" date-publ="20181127"><us-bibliographic-data-grant>
<publication-reference><document-id><country>US</country><doc-number>{number}</doc-number><kind>{kind}</kind>
<date>20181127</date></document-id></publication-reference>
<application-reference><document-id><doc-number>29600000</doc-number><date>20170411</date></document-id>
</application-reference>
<classification-locarno><edition>11</edition><main-classification>0101</main-classification></classification-locarno>
<classifications-ipcr><classification-ipcr><section>A</section><class>01</class><subclass>B</subclass>
<main-group>63</main-group><subgroup>32</subgroup></classification-ipcr></classifications-ipcr>
<invention-title id="d0">Lid</invention-title>
<us-references-cited><us-citation><patcit num="00001"><document-id><country>US</country><doc-number>4183715</doc-number>
<kind>A</kind></document-id></patcit></us-citation><us-citation><nplcit num="00002"><othercit>Smith, Lids.</othercit>
</nplcit></us-citation></us-references-cited>
<us-parties><us-applicants><us-applicant><addressbook><orgname>Lids Inc.</orgname></addressbook></us-applicant>
</us-applicants><inventors><inventor><addressbook><last-name>Doe</last-name><first-name>Jane</first-name></addressbook>
</inventor></inventors></us-parties>
<assignees><assignee><addressbook><orgname>Lids Holding</orgname></addressbook></assignee></assignees>
</us-bibliographic-data-grant>{body}</us-patent-grant>"""


def grant(body: str = "", number: str = "10123456", kind: str = "B2") -> Parsed:
    return read_document(parse(GRANT.format(body=body, number=number, kind=kind).encode(), 1))


def test_a_grant_states_its_owners_symbols_and_citations() -> None:
    known = grant().bibliography
    assert (known.doc_id, known.office, known.language) == ("US10123456B2", "US", "en")
    assert (known.publication_date, known.filing_date) == (date(2018, 11, 27), date(2017, 4, 11))
    assert (known.applicants, known.inventors, known.ipc) == (["Lids Holding"], ["Doe, Jane"], ["A01B63/32"])
    assert known.citations == [
        {"kind": "patent", "text": "US4183715A"}, {"kind": "literature", "text": "Smith, Lids."},
    ]  # fmt: skip


def test_a_design_patent_is_read_with_its_views() -> None:
    parsed = grant(
        """<drawings><figure num="00001"><img wi="134.62mm" he="10in" file="USD0834581-20181127-D00001.TIF"/></figure>
        </drawings><description><description-of-drawings><p num="1"><figref>FIG. <b>1</b></figref> is a view;
        and</p></description-of-drawings></description>
        <claims><claim num="00001"><claim-text>The ornamental design for a lid.</claim-text></claim></claims>""",
        "D0834581", "S1",
    )  # fmt: skip
    assert parsed.bibliography.doc_id == "USD0834581S1"
    assert parsed.pictures == [Picture("USD0834581-20181127-D00001.TIF", "drawing", (), 134.62, 254.0)]
    assert [(p.group, p.blocks) for p in parsed.paragraphs] == [
        ("title", ["Lid"]), ("description", ["FIG. 1 is a view; and"]),
        ("claims", ["The ornamental design for a lid."]),
    ]  # fmt: skip


def test_sheet_zero_is_the_front_page_and_figure_numbers_are_no_labels() -> None:
    sheets = "".join(f'<figure num="0000{n}"><img file="US1-D0000{n}.TIF"/></figure>' for n in (0, 1))
    assert grant(f"<drawings>{sheets}</drawings>").pictures == [
        Picture("US1-D00000.TIF", "front page"), Picture("US1-D00001.TIF", "drawing"),
    ]  # fmt: skip


FULLTEXT = """<fulltext-document><bibliographic-data><publication-reference><document-id><country>ES</country>
<doc-number>2993312</doc-number><kind>T1</kind><date>20241227</date></document-id></publication-reference>
</bibliographic-data><description lang="ES"><p num="0001"><b>DESCRIPCIÓN</b></p><p num="0002"/>
<p num="0003">La figura 3 muestra una tapa.<img file="imgf000032_0001.tif" wi="161" he="42"/></p></description>
<claims lang="ES"><claim num="1"><claim-text>Una tapa; y</claim-text><claim-text>El método</claim-text></claim></claims>
</fulltext-document>"""


def test_national_full_text_takes_bold_lines_for_headings_and_claim_lines_apart() -> None:
    parsed = read_document(parse(FULLTEXT.encode(), 1))
    assert (parsed.bibliography.doc_id, parsed.bibliography.office) == ("ES2993312T1", "ES")
    assert (parsed.bibliography.language, parsed.bibliography.titles) == ("es", {})
    assert [(p.group, p.language, p.number, p.heading, p.blocks) for p in parsed.paragraphs] == [
        ("description", "es", "0001", "DESCRIPCIÓN", ["DESCRIPCIÓN"]),
        ("description", "es", "0003", "DESCRIPCIÓN", ["La figura 3 muestra una tapa."]),
        ("claims", "es", "1", None, ["Una tapa; y", "El método"]),
    ]
    assert parsed.pictures == [Picture("imgf000032_0001.tif", "in-text", (), 161.0, 42.0)]
