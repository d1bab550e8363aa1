"""EPO publications: bibliography, text and pictures of every shape the weekly delivery has."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.errors import Reason, RejectedItemError
from pipeline.extract.documents import read_document
from pipeline.extract.model import Parsed, Picture
from pipeline.extract.xml import parse
from tests.extract.packages import ep_document

SDOBI = """<B200><B210>15906245.4</B210><B220><date>20151014</date></B220></B200>
<B500><B510EP><classification-ipcr sequence="1"><text>G06F  21/62        20130101AFI20170504BHEP  </text>
</classification-ipcr></B510EP>
<B520EP><classifications-cpc><classification-cpc sequence="1"><text>C07D 271/113       20130101 LI20200617BCEP  </text>
</classification-cpc></classifications-cpc></B520EP>
<B540><B541>de</B541><B542>DECKEL</B542><B541>en</B541><B542>LID</B542></B540>
<B560><B561><text>EP-A- 0 206 021</text></B561><B562><text>SMITH: "Lids"</text></B562></B560>
<B590><B598>2A</B598></B590></B500>
<B700><B710><B711><snm>Lids, Inc.</snm></B711></B710><B720><B721><snm>DOE, Jane</snm></B721></B720>
<B730><B731><snm>Lids Holding</snm></B731></B730></B700>"""


def read(body: str, kind: str = "A1", sdobi: str = "", lang: str = "en") -> Parsed:
    return read_document(parse(ep_document(body, kind, sdobi=sdobi, lang=lang), 1))


def test_the_bibliography_is_read_from_sdobi() -> None:
    known = read("", sdobi=SDOBI).bibliography
    assert (known.doc_id, known.office, known.language) == ("EP3000001A1", "EP", "en")
    assert (known.publication_date, known.filing_date) == (date(2019, 2, 13), date(2015, 10, 14))
    assert known.application_number == "15906245.4"
    assert known.titles == {"de": "DECKEL", "en": "LID"}
    assert (known.applicants, known.inventors) == (["Lids, Inc."], ["DOE, Jane"])
    assert (known.ipc, known.cpc) == (["G06F21/62"], ["C07D271/113"])
    assert known.citations == [
        {"kind": "patent", "text": "EP-A- 0 206 021"}, {"kind": "literature", "text": 'SMITH: "Lids"'},
    ]  # fmt: skip
    assert known.corrects is None


def test_a_patent_names_its_proprietors() -> None:
    assert read("", "B1", SDOBI).bibliography.applicants == ["Lids Holding"]


def test_the_classification_of_the_old_documents_is_read() -> None:
    old = "<B500><B510><B516>7</B516><B511> 7C 07C  29/44   A</B511><B512>2A 01N 43/08 -</B512></B510></B500>"
    assert read("", sdobi=old).bibliography.ipc == ["C07C29/44", "A01N43/08"]


@pytest.mark.parametrize(("kind", "original", "corrects"), [
    ("A8", "", "EP3000001A1"), ("A9", "", "EP3000001A1"), ("B8", "", "EP3000001B1"), ("B9", "", "EP3000001B1"),
    ("A9", "<B132EP>A2</B132EP>", "EP3000001A2"), ("B9", "<B132EP>B2</B132EP>", "EP3000001B2"),
    ("B8", "<B132EP>A1</B132EP>", "EP3000001B1"), ("A1", "", None), ("B1", "", None), ("A3", "", None),
])  # fmt: skip
def test_a_correction_names_what_it_corrects(kind: str, original: str, corrects: str | None) -> None:
    data = ep_document("", kind).replace(b"<B190>", original.encode() + b"<B190>")
    assert read_document(parse(data, 1)).bibliography.corrects == corrects


def test_claims_of_a_patent_stand_in_their_three_languages() -> None:
    blocks = "".join(f'<claims lang="{x}"><claim num="0001"><claim-text>{x} lid</claim-text></claim></claims>'
                     for x in ("en", "de", "fr"))  # fmt: skip
    found = [(p.group, p.language, p.number, p.blocks) for p in read(blocks, "B1").paragraphs]
    assert found == [("claims", x, "0001", [f"{x} lid"]) for x in ("en", "de", "fr")]


def test_paragraphs_stand_under_the_nearest_heading() -> None:
    body = """<abstract lang="en"><p num="0001">A lid.</p></abstract>
    <description lang="en"><p num="0001">Text.</p><heading><b>DRAWINGS</b></heading><p num="0002">Fig. 1.</p>
    <heading>SIGNS</heading><ul><li>10 lid</li></ul><p num="0003"/></description>
    <amended-claims lang="en"><heading>Amended claims</heading><claim num="0001"><claim-text>A.</claim-text></claim>
    </amended-claims>"""
    found = [(p.group, p.number, p.heading, p.blocks) for p in read(body).paragraphs]
    assert found == [
        ("abstract", "0001", None, ["A lid."]),
        ("description", "0001", None, ["Text."]),
        ("description", "0002", "DRAWINGS", ["Fig. 1."]),
        ("description", "", "SIGNS", ["10 lid"]),
        ("amended-claims", "0001", "Amended claims", ["A."]),
    ]


def test_pictures_have_the_role_of_their_place_and_the_labels_of_the_office() -> None:
    body = """<abstract lang="en"><p num="1">A.<img file="imgaf001.tif" wi="100" he="83"/>
      <chemistry><img file="imga0001.tif"/></chemistry></p></abstract>
    <description lang="en"><p num="1"><maths><img file="imgb0001.tif"/></maths></p></description>
    <claims lang="en"><claim num="1"><claim-text><img file="imgb0001.tif"/></claim-text></claim></claims>
    <drawings><figure num="2,2A"><img file="imgf0001.tif" wi="126" he="221"/></figure>
      <figure num=""><img file="imgf0002.tif"/></figure></drawings>
    <search-report-data><doc-page file="srep0001.tif"/></search-report-data>"""
    assert read(body, sdobi=SDOBI).pictures == [
        Picture("imgf0001.tif", "drawing", ("2", "2A"), 126.0, 221.0),
        Picture("imgf0002.tif", "drawing"),
        Picture("imgaf001.tif", "abstract figure", ("2A",), 100.0, 83.0),
        Picture("imga0001.tif", "in-text"),
        Picture("imgb0001.tif", "in-text"),
        Picture("srep0001.tif", "search report"),
    ]


def test_a_scanned_document_has_its_bibliography_in_the_root_alone() -> None:
    data = (b'<ep-patent-document lang="de" country="EP" doc-number="0000002" kind="A1" date-publ="19781220">'
            b'<doc-page id="p1" file="0001.tif" wi="210" he="297" type="tif"/></ep-patent-document>')  # fmt: skip
    parsed = read_document(parse(data, 1))
    assert (parsed.bibliography.doc_id, parsed.bibliography.publication_date) == ("EP0000002A1", date(1978, 12, 20))
    assert parsed.pictures == [Picture("0001.tif", "page", (), 210.0, 297.0)]
    assert parsed.paragraphs == []


def test_the_newer_bibliographic_data_is_read_as_well() -> None:
    data = b"""<ep-patent-document lang="fr" country="EP" doc-number="4000001" kind="B1"><bibliographic-data>
    <publication-reference><document-id><country>EP</country><doc-number>4000001</doc-number><kind>B1</kind>
    <date>20260107</date></document-id></publication-reference>
    <classifications-ipcr><classification-ipcr><text>H01Q   1/12        20060101AFI</text></classification-ipcr>
    </classifications-ipcr>
    <application-reference><document-id><doc-number>20123456</doc-number><date>20200203</date></document-id>
    </application-reference>
    <parties><applicants><applicant><addressbook><orgname>Couvercles SA</orgname></addressbook></applicant></applicants>
    <inventors><inventor><addressbook><last-name>DUPONT</last-name><first-name>Anne</first-name></addressbook></inventor>
    </inventors></parties><invention-title lang="fr">COUVERCLE</invention-title></bibliographic-data>
    </ep-patent-document>"""
    known = read_document(parse(data, 1)).bibliography
    assert (known.doc_id, known.publication_date, known.filing_date) == (
        "EP4000001B1",
        date(2026, 1, 7),
        date(2020, 2, 3),
    )
    assert (known.titles, known.applicants, known.inventors, known.ipc) == (
        {"fr": "COUVERCLE"}, ["Couvercles SA"], ["DUPONT, Anne"], ["H01Q1/12"],
    )  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), [
    (b'<ep-patent-document country="EP" kind="A1"/>', Reason.DOCUMENT_INCOMPLETE),
    (b"<package-index/>", Reason.DOCUMENT_UNKNOWN_FORMAT),
    (b"<fulltext-document/>", Reason.DOCUMENT_INCOMPLETE),
    (b"<us-patent-grant/>", Reason.DOCUMENT_INCOMPLETE),
])  # fmt: skip
def test_what_cannot_be_a_document_says_why(data: bytes, reason: Reason) -> None:
    with pytest.raises(RejectedItemError) as caught:
        read_document(parse(data, 1))
    assert caught.value.reason is reason
