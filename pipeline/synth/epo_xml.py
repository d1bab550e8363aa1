"""A document as the EPO publishes it: ep-patent-document, DTD 1-5, and the weekly tree around it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from pipeline.synth.content import Image
from pipeline.synth.text import Body, Paragraph

_STATES = (
    "AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MC MK MT NL NO PL PT RO RS SE SI SK SM TR"
)
_COMPANIES = ("Halden Pumpen GmbH", "Norvik Instruments AS", "Atelier Mécanique du Lac SA", "Brightwell Devices Ltd",
              "Takeda & Mori Works", "Ostermann Maschinenbau AG", "Lindqvist Robotics AB",
              "Corvane Systems, Inc.")  # fmt: skip
_PEOPLE = ("Berger, Anna", "Lindqvist, Jonas", "Moreau, Élise", "Okafor, Chidi", "Tanaka, Yui", "Kowalska, Ewa",
           "Smith, Jordan", "Rossi, Marco", "Müller, Jürgen", "Nguyen, Minh")  # fmt: skip
_TOWNS = (("80331 München", "DE"), ("0150 Oslo", "NO"), ("1003 Lausanne", "CH"), ("Leeds LS1 4AP", "GB"),
          ("Kyoto 600-8216", "JP"), ("411 05 Göteborg", "SE"), ("Austin, TX 78701", "US"),
          ("10123 Torino", "IT"))  # fmt: skip
_CLASSES = ("F04B  17/03", "F16K   1/22", "A47B  67/02", "B25J   9/16", "G05B  19/042", "H02M   3/158", "B62B   5/00",
            "F16H  55/17", "B65D  41/04", "G06F  16/27")  # fmt: skip
_TITLES_OF_KIND = {
    "A1": "EUROPEAN PATENT APPLICATION",
    "A2": "EUROPEAN PATENT APPLICATION",
    "B1": "EUROPEAN PATENT SPECIFICATION",
}


@dataclass(frozen=True)
class Identity:
    """Numbers and dates of a publication. ``application`` has eight digits, ``number`` seven."""

    application: str
    number: str
    kind: str
    published: date
    language: str

    @property
    def stem(self) -> str:
        """Name of its package and XML."""
        return f"EP{self.application}NW{self.kind}"

    @property
    def application_number(self) -> str:
        """With its check digit: 17001379.1."""
        digits = [int(d) * (1 + i % 2) for i, d in enumerate(self.application)]
        total = sum(d // 10 + d % 10 for d in digits)
        return f"{self.application}.{-total % 10}"


def _image(image: Image, name: str, content: str = "drawing") -> str:
    """The img element."""
    return (
        f'<img id="{name}" file="{image.file}" wi="{round(image.width_mm)}" he="{round(image.height_mm)}" '
        f'img-content="{content}" img-format="tif"/>'
    )


def document_xml(
    identity: Identity,
    body: Body,
    sheets: Sequence[Image],
    abstract: Image | None,
    formula: Image | None,
    rng: random.Random,
) -> bytes:
    """The whole XML of a document with text."""
    pages = iter(range(1, 10_000))
    parts = [_root(identity, f"{identity.stem}.xml"), _sdobi(identity, body.titles, body.cited, rng)]
    if identity.kind.startswith("A"):
        picture = f"\n{_image(abstract, 'iaf01')}" if abstract else ""
        parts.append(
            f'<abstract id="abst" lang="{body.language}">\n<p id="pa01" num="0001">{body.abstract}{picture}</p>\n'
            "</abstract>\n"
        )
    parts.append(f'<description id="desc" lang="{body.language}">{_page(pages)}')
    parts.append(_description(body.paragraphs, formula, pages))
    parts.append("</description>\n")
    languages = (
        [body.language, *(x for x in body.claims if x != body.language)] if identity.kind == "B1" else [body.language]
    )
    for index, language in enumerate(languages):
        parts.append(_claims(body.claims[language], language, index + 1, len(languages) > 1, pages))
    if sheets:
        figures = "".join(
            f'{_page(pages)}\n<figure id="f{i:04d}" num="{escape(",".join(s.labels))}">'
            f"{_image(s, f'if{i:04d}')}</figure>"
            for i, s in enumerate(sheets, 1)
        )
        parts.append(f'<drawings id="draw" lang="{body.language}">{figures}\n</drawings>\n')
    parts.append("</ep-patent-document>\n")
    return "".join(parts).encode()


def stub_xml(identity: Identity, titles: dict[str, str], rng: random.Random) -> bytes:
    """A Euro-PCT application: bibliography only; its root's file attribute is no file name, as in reality."""
    root = _root(identity, identity.application_number)
    return (root + _sdobi(identity, titles, (), rng, pct=True) + "</ep-patent-document>\n").encode()


def _root(identity: Identity, file: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE ep-patent-document PUBLIC "-//EPO//EP PATENT DOCUMENT 1.5//EN" "ep-patent-document-v1-5.dtd">\n'
        f'<ep-patent-document id="EP{identity.application}{identity.kind}" file="{file}" lang="{identity.language}" '
        f'country="EP" doc-number="{identity.number}" kind="{identity.kind}" date-publ="{identity.published:%Y%m%d}" '
        'status="n" dtd-version="ep-patent-document-v1-5">\n'
    )


def _page(pages: object) -> str:
    """The EPO's page mark."""
    return f'<!-- EPO <DP n="{next(pages)}"> -->'  # type: ignore[call-overload]


def _party(tag: str, name: str, town: tuple[str, str], number: int) -> str:
    address = f"<adr><city>{escape(town[0])}</city><ctry>{town[1]}</ctry></adr>"
    iid = f"<iid>{number}</iid>" if tag != "B721" else ""
    return f"<{tag}><snm>{escape(name)}</snm>{iid}{address}</{tag}>"


def _sdobi(
    identity: Identity, titles: dict[str, str], cited: Sequence[str], rng: random.Random, pct: bool = False
) -> str:
    filed = identity.published - timedelta(days=rng.randint(500, 900))
    day, bulletin = f"{identity.published:%Y%m%d}", "{}{:02d}".format(*identity.published.isocalendar()[:2])
    classes = rng.sample(_CLASSES, 2)
    ipc = "".join(
        f'<classification-ipcr sequence="{i}"><text>{symbol:<19}20060101A{"FL"[i > 1]}I{filed:%Y%m%d}BHEP        '
        "</text></classification-ipcr>"
        for i, symbol in enumerate(classes, 1)
    )
    title = "".join(
        f"<B541>{language}</B541><B542>{escape(titles[language].upper(), quote=False)}</B542>"
        for language in ("de", "en", "fr")
    )
    kind_title = f"<B120><B121>{_TITLES_OF_KIND[identity.kind]}</B121></B120>" if not pct else ""
    citations = "".join(f"<B561><text>{escape(text)}</text></B561>" for text in cited) if identity.kind == "B1" else ""
    town = rng.choice(_TOWNS)
    applicant = _party("B711", rng.choice(_COMPANIES), town, rng.randint(100_000_000, 101_999_999))
    owner = _party("B731", rng.choice(_COMPANIES), town, rng.randint(100_000_000, 101_999_999))
    people = "".join(_party("B721", name, rng.choice(_TOWNS), 0) for name in rng.sample(_PEOPLE, rng.randint(1, 3)))
    agent = _party("B741", "Feder & Tinte Patentanwälte", ("80333 München", "DE"), 101_999_000)
    states = "".join(f"<ctry>{state}</ctry>" for state in _STATES.split())
    world = (
        f"<B860><B861><dnum><anum>EP{filed.year}0{rng.randint(10_000, 99_999)}</anum></dnum>"
        f"<date>{filed:%Y%m%d}</date></B861><B862>{identity.language}</B862></B860>"
        f"<B870><B871><dnum><pnum>WO{filed.year}{rng.randint(100_000, 199_999)}</pnum></dnum>"
        f"<date>{filed:%Y%m%d}</date></B871></B870>"
        if pct
        else ""
    )
    return (
        f'<SDOBI lang="{identity.language}"><B000><eptags><B001EP>{"".join(_STATES.split())}</B001EP></eptags></B000>'
        f"<B100><B110>{identity.number}</B110>{kind_title}<B130>{identity.kind}</B130><B140><date>{day}</date></B140>"
        f"<B190>EP</B190></B100><B200><B210>{identity.application_number}</B210><B220><date>{filed:%Y%m%d}</date></B220>"
        f"<B250>{identity.language}</B250><B251EP>{identity.language}</B251EP><B260>{identity.language}</B260></B200>"
        f"<B400><B405><date>{day}</date><bnum>{bulletin}</bnum></B405><B430><date>{day}</date><bnum>{bulletin}</bnum></B430></B400>"
        f"<B500><B510EP>{ipc}</B510EP><B540>{title}</B540>{f'<B560>{citations}</B560>' if citations else ''}</B500>"
        f"<B700><B710>{applicant}</B710><B720>{people}</B720>"
        f"{f'<B730>{owner}</B730>' if identity.kind == 'B1' else ''}<B740>{agent}</B740></B700>"
        f"<B800><B840>{states}</B840>{world}</B800></SDOBI>\n"
    )


def _description(paragraphs: Sequence[Paragraph], formula: Image | None, pages: object) -> str:
    parts: list[str] = []
    headings = lists = 0
    for index, paragraph in enumerate(paragraphs):
        if paragraph.heading:
            headings += 1
            parts.append(f'<heading id="h{headings:04d}"><b>{escape(paragraph.heading)}</b></heading>\n')
        if paragraph.items:
            lists += 1
            rows = "\n".join(f"<li>{s.xml}</li>" for s in paragraph.statements)
            text = f'\n<ul id="ul{lists:04d}" list-style="none" compact="compact">\n{rows}\n</ul>'
        else:
            text = " ".join(s.xml for s in paragraph.statements)
        if paragraph.formula and formula:
            text += f'<maths id="math0001" num="">{_image(formula, "ib0001", "math")}</maths>'
        mark = _page(pages) if index % 4 == 3 else ""
        parts.append(f'<p id="p{paragraph.number}" num="{paragraph.number}">{text}{mark}</p>\n')
    return "".join(parts)


def _claims(claims: Sequence[str], language: str, index: int, several: bool, pages: object) -> str:
    infix = f"{index:02d}-" if several else ""
    rows = "".join(
        f'<claim id="c-{language}-{infix}{i:04d}" num="{i:04d}">\n<claim-text>{text}</claim-text></claim>\n'
        for i, text in enumerate(claims, 1)
    )
    return f'<claims id="claims{index:02d}" lang="{language}">{_page(pages)}\n{rows}</claims>\n'


def index_xml(files: Sequence[tuple[str, int, str]]) -> bytes:
    """TOC.xml of a package or index.xml of the delivery: (name, size, folder) of each file."""
    rows = "".join(
        f'<package-file size="{size}"><filename>{name}</filename><file-location>{folder}</file-location>'
        "</package-file>\n"
        for name, size, folder in files
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE package-index PUBLIC "-//EPO//PACKAGE INDEX 1.2//EN" "package-index-v1-2.dtd">\n'
        f"<package-index>\n{rows}</package-index>"
    ).encode()
