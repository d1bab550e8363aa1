"""Every parser of foreign bytes, fed with damaged copies of good input: a result or a reject, soon, in bounded memory.

Damage is blind (bits, cuts, splices, repeats) and after the format: elements of XML change places, fields of a TIFF's
directory lie. hypothesis draws it and makes what breaks a parser small. :func:`fuzz` is the call for longer hunts.
"""

from __future__ import annotations

import io
import json
import re
import resource
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.config import FetchSettings, LimitSettings, Settings
from pipeline.errors import Reason, Reject, RejectedItemError
from pipeline.extract.documents import extract_package
from pipeline.extract.figure_mentions import declared_labels, figure_refs
from pipeline.extract.images import image_facts
from pipeline.extract.model import Picture
from pipeline.extract.pdf import recover
from pipeline.extract.sentences import split
from pipeline.fetch.bdds import Bdds
from pipeline.fetch.transport import FetchError, Transport
from pipeline.linking.languages import LANGUAGES
from pipeline.linking.mentions import find_mentions
from pipeline.linking.references import read_references
from pipeline.pixels import decode
from tests.archives.build import package, streamed_zip_bytes, tar_bytes, zip_bytes
from tests.archives.test_properties import read_all
from tests.extract.packages import MemoryPackage, ep_document, tiff
from tests.extract.test_epo import SDOBI
from tests.extract.test_offices import GRANT
from tests.extract.test_pdf import drawing, pdf

#: Examples of a parser in `make test`; each of them may take this long and all of them this much more memory.
EXAMPLES = 150
SECONDS_EACH = 5.0
MEMORY_MB = 1024
_LIMITS = LimitSettings(image_mpixels=4, xml_mb=1, member_mb=1, package_mb=4)
_SETTINGS = Settings(limits=_LIMITS)
_NUMBERS = (0, 1, 2, 3, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)


@dataclass(frozen=True)
class Parser:
    """Good inputs, what such an input is made of, and the call that must take any other."""

    seeds: Callable[[], list[bytes]]
    call: Callable[[bytes], None]
    tokens: tuple[bytes, ...] = (b"\0" * 8, b"\xff" * 8)
    structure: Callable[[bytes, st.DrawFn], bytes] | None = None


# Damage


@st.composite
def damaged(draw: st.DrawFn, name: str) -> bytes:
    """A good input of the parser after one to six kinds of damage."""
    parser, seeds = PARSERS[name], _seeds(name)
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 6))):
        kinds = ["flip", "put", "cut", "drop", "repeat", "splice", *["structure"] * 3 * (parser.structure is not None)]
        kind = draw(st.sampled_from(kinds))
        if kind == "structure" and parser.structure:
            data = parser.structure(data, draw)
            continue
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(1, 64))
        if kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]
        elif kind == "put":
            token = draw(st.sampled_from(parser.tokens) | st.binary(min_size=1, max_size=8))
            data = data[:at] + token + data[at + (len(token) if draw(st.booleans()) else 0) :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + length :]
        elif kind == "repeat":
            data = data[:at] + data[at : at + length] * draw(st.sampled_from((2, 3, 20, 400))) + data[at + length :]
        elif kind == "splice":
            other = draw(st.sampled_from(seeds))
            data = data[:at] + other[draw(st.integers(0, max(0, len(other) - 1))) :]
    return data


def _elements(data: bytes, draw: st.DrawFn) -> bytes:
    """One element of XML is doubled, dropped, emptied, renamed or wrapped, or the text of another put in its place."""
    found = [match.span() for match in re.finditer(rb"<([\w-]+)\b[^<>]*(?:/>|>(?:[^<]*</\1>)?)", data)]
    if len(found) < 2:
        return data
    start, end = draw(st.sampled_from(found))
    element, (other_start, other_end) = data[start:end], draw(st.sampled_from(found))
    new = draw(
        st.sampled_from([
            b"", element * 2, element * 50, data[other_start:other_end], re.sub(rb">[^<]*<", b"><", element),
            re.sub(rb"\w", b"9", element, count=12), b"<p>" + element + b"</p>", re.sub(rb'"[^"]*"', b'""', element),
            re.sub(rb">[^<]*<", b">" + "²½Ⅳ٣".encode() * 9 + b"<", element),
        ])
    )  # fmt: skip
    return data[:start] + new + data[end:]


def _directory(data: bytes, draw: st.DrawFn) -> bytes:
    """One field of a TIFF's directory gets another tag, type, count or value."""
    order = ">" if data[:2] == b"MM" else "<"
    if len(data) < 10 or data[2:4] not in (b"*\0", b"\0*"):
        return data
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 14 > len(data):
        return data
    fields = min(struct.unpack_from(order + "H", data, start)[0], (len(data) - start - 2) // 12)
    if fields < 1:
        return data
    at = start + 2 + 12 * draw(st.integers(0, fields - 1))
    offset, code = draw(st.sampled_from(((0, "H"), (2, "H"), (4, "I"), (8, "I"))))
    value = draw(st.sampled_from((*_NUMBERS, 256, 257, 259, 262, 273, 279, 282, 320, 322)))
    changed = bytearray(data)
    struct.pack_into(order + code, changed, at + offset, value & (0xFFFF if code == "H" else 0xFFFFFFFF))
    return bytes(changed)


def _json(data: bytes, draw: st.DrawFn) -> bytes:
    """One value of a JSON answer becomes another."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            walk(node[key])

    walk(tree)
    if places:
        node, key = draw(st.sampled_from(places))
        odd = [None, True, 0, -1, 1e308, "", "x", "0001-01-01T00:00:00", "9999-12-31T23:59:59-23:59", [], {}, [None]]
        node[key] = draw(st.sampled_from(odd))
    return json.dumps(tree).encode()


# Calls


def _document(name: str) -> Callable[[bytes], None]:
    def call(data: bytes) -> None:
        found = list(extract_package(MemoryPackage({name: data, "imgf0001.tif": tiff()}), _SETTINGS))
        rejects = [each for each in found if isinstance(each, Reject)]
        assert len(found) - len(rejects) == 1 or any(each.item.endswith(name) for each in rejects), "silently lost"
        assert not [each for each in rejects if each.reason is Reason.STEP_ERROR], rejects

    return call


def _image(data: bytes) -> None:
    for read in (image_facts, decode):
        try:
            read(data, _LIMITS.image_mpixels)
        except RejectedItemError as error:
            assert error.reason in (Reason.IMAGE_UNREADABLE, Reason.IMAGE_TOO_LARGE)


def _pdf(data: bytes) -> None:
    try:
        recover(data, [Picture("imgf0001.tif", "drawing", (), 17.0, 17.0)])
    except RejectedItemError as error:
        assert error.reason is Reason.MEMBER_UNREADABLE


class _Answered(Transport):
    """A connection on which the service answers these bytes to everything."""

    def __init__(self, data: bytes) -> None:
        super().__init__(FetchSettings(attempts=1, backoff_s=0.0))
        self._data = data

    @contextmanager
    def open(self, *_: Any, **__: Any) -> Iterator[Any]:
        yield io.BytesIO(self._data)


def _list_of_deliveries(data: bytes) -> None:
    try:
        for offer in Bdds(32, _Answered(data)).offers():
            assert offer.published.tzinfo is not None
    except FetchError:
        pass


def _text(data: bytes) -> None:
    text = " ".join(data.decode("utf-8", "replace").split())
    for name in LANGUAGES:
        assert " ".join(split(text, name)) == text
        labels = figure_refs(text, name)
        read_references(text, labels)
        find_mentions(text, LANGUAGES[name])
    declared_labels(text)


# Parsers


def _saved(form: str, mode: str = "L", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).convert(mode).save(stream, form, **options)
    return stream.getvalue()


_BODY = """<abstract lang="en"><p num="0001">A lid 10 (see Fig. 1).</p></abstract><description lang="en"><heading>Lids
</heading><p num="0001">Figures 1a to 3b show a lid 10 with a rim 12.<ul><li>one</li></ul><maths><math><mi>x</mi>
</math></maths></p></description><claims lang="en"><claim num="0001"><claim-text>A lid (10).</claim-text></claim>
</claims><drawings><figure num="1,2A"><img id="i" file="imgf0001.tif" wi="17" he="17" img-content="drawing"/></figure>
</drawings>"""
_DELIVERIES = {"Deliveries": [{"DeliveryID": 7, "DeliveryName": "2019/07", "DeliveryExpiryDatetime": None, "Files": [
    {"FileID": 9, "FileName": "EPRTBJV2019000007001001.zip", "FileSize": "216.6 MB", "FileChecksum": "a" * 40,
     "FilePublicationDatetime": "2019-02-13T14:00:00Z"}]}]}  # fmt: skip
_XML_TOKENS = (
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?x?>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"\0",
    b"\xff\xfe", b"&#0;", b"&#x110000;", b'xmlns:a="b"', "²".encode(), "٣".encode(), b"<img/>", b"<p>", b"</p>",
)  # fmt: skip

PARSERS: dict[str, Parser] = {
    "zip": Parser(
        lambda: [
            zip_bytes({"DOC/EP.zip": package("EP"), "c/US.xml": b"<a/>"}), streamed_zip_bytes({"EP.xml": b"<a/>"}),
        ],
        lambda data: read_all(data, "week.zip"),
        (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08", b"\xff" * 4),
    ),
    "tar": Parser(
        lambda: [tar_bytes({"DOC/EP.zip": package("EP"), "é" * 150: b"x", "c/US.xml": b"<a/>"})],
        lambda data: read_all(data, "week.tar"),
        (b"ustar", b"x", b"L", b"K", b"S", b"g", b"7777777\0", b"\x80\0\0\0\xff\xff\xff\xff", b"30 path=../x\n"),
    ),
    "EPO XML": Parser(
        lambda: [ep_document(_BODY, sdobi=SDOBI)], _document("EP18000001NWA1.xml"), _XML_TOKENS, _elements
    ),
    "USPTO XML": Parser(
        lambda: [GRANT.format(number="D0836424", kind="S1", body=_BODY).encode()],
        _document("USD0836424.XML"), _XML_TOKENS, _elements,
    ),
    "TIFF": Parser(
        lambda: [tiff(), tiff(order=">"), *(
            _saved("TIFF", mode, compression=way)
            for mode, way in (("1", "group4"), ("1", "packbits"), ("L", "tiff_lzw"), ("RGB", "tiff_adobe_deflate"))
        )],
        _image, structure=_directory,
    ),
    "PNG": Parser(
        lambda: [_saved("PNG"), _saved("PNG", "P"), _saved("PNG", "RGBA")], _image,
        (b"IHDR", b"IDAT", b"IEND", b"tRNS", b"PLTE", b"zTXt", b"iCCP", b"acTL", b"fcTL", b"\0\0\0\0", b"\xff" * 4),
    ),
    "JPEG and GIF": Parser(
        lambda: [_saved("JPEG"), _saved("GIF"), _saved("BMP"), _saved("WEBP"), _saved("JPEG2000")], _image,
        (b"\xff\xd8", b"\xff\xd9", b"\xff\xc0", b"\xff\xc4", b"\xff\xda", b"\xff\xe1", b"\x2c", b"\x3b", b"\xff" * 4),
    ),
    "PDF": Parser(
        lambda: [pdf([[drawing(200, 200, 1)], [drawing(200, 200, 2)]])], _pdf,
        (b"obj", b"endobj", b"stream", b"1 0 R", b"2 0 R", b"3 0 R", b"/Kids", b"/Parent", b"/Length", b"xref", b"<<",
         b"/Filter", b"[", b"-1", b"99999999999", b"/Columns"),
    ),
    "BDDS": Parser(lambda: [json.dumps(_DELIVERIES).encode()], _list_of_deliveries, (b"null", b"[", b"{"), _json),
    "text": Parser(
        lambda: [
            b"The lid 10, 12 and 14' (see Figs. 1a to 3b and FIG. 4(c)) of Fig. 3 of US 4,183,715. A rim 12a-c.",
            b"Die Deckel (10, 12) nach Abb. 2 bis 4 zeigen z. B. den Rand 14. Bild 3 zeigt ihn.",
            "Le couvercle 10 (voir fig. 1 à 3), p. ex. le bord 12.".encode(),
        ],
        _text,
        (b"Fig. ", b"Figs. 1-", b" to ", b" and ", b"(", b")", b". ", b"1", b"'", b", ", "²".encode(), "½".encode(),
         "٣".encode(), b"9999999999"),
    ),
}  # fmt: skip


@cache
def _seeds(name: str) -> list[bytes]:
    return PARSERS[name].seeds()


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """More than this beyond what the process has mapped already is a MemoryError."""
    with open("/proc/self/statm") as stream:
        mapped = int(stream.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + (megabytes << 20), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def check(name: str, data: bytes) -> None:
    """One input: a result or a reject within the time. Raises what the parser should not have."""
    started = time.perf_counter()
    PARSERS[name].call(data)
    took = time.perf_counter() - started
    assert took < SECONDS_EACH, f"{took:.1f} s for {len(data):,} bytes"


def fuzz(name: str, seconds: float = 0.0, start: int = 0) -> int:
    """Feed the parser, the same way each time without ``seconds``, else for so long and from ``start`` on.

    Returns how many inputs it took. Raises what broke it, the smallest input in its notes.
    """
    taken, end = 0, time.monotonic() + seconds

    def one(data: bytes) -> None:
        nonlocal taken
        taken += 1
        check(name, data)

    for number in range(start, start + (1 << 30 if seconds else 1)):
        test = given(damaged(name))(one)
        run = settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink), derandomize=not seconds,
        )(seed(number)(test) if seconds else test)  # fmt: skip
        with memory_limit(MEMORY_MB):
            run()
        if time.monotonic() >= end:
            break
    return taken
