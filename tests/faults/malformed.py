"""Malformed packages and archives by name, built on the spot, each with the reasons that its rejects must have."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from tests.archives.build import tar_bytes, zip_bytes
from tests.archives.test_malformed import quoted_bomb, twice, with_flag
from tests.extract.packages import tiff as plain_tiff
from tests.faults.archives import ENTITY_BOMB, EXTERNAL_ENTITY, good_package, tiff, xml

STORED = zipfile.ZIP_STORED


@dataclass(frozen=True)
class Malformed:
    """``build`` makes it from a publication number. ``lands``: its document is there all the same, once."""

    build: Callable[[str], bytes]
    reasons: frozenset[str]
    lands: bool = False


def _bad(build: Callable[[str], bytes], *reasons: str, lands: bool = False) -> Malformed:
    return Malformed(build, frozenset(reasons), lands)


def _name(number: str) -> str:
    return f"EP{number}NWA1.xml"


def _files(number: str, **others: bytes) -> dict[str, bytes]:
    return {_name(number): xml(number), "imgf0001.tif": tiff(), **others}


def _zip(number: str, method: int = STORED) -> bytes:
    return zip_bytes(_files(number), method)


def _document(made: Callable[[bytes], bytes], *reasons: str) -> Malformed:
    """A whole package whose XML is not."""
    return _bad(lambda n: zip_bytes({_name(n): made(xml(n)), "imgf0001.tif": tiff()}), *reasons)


def _sheet(data: Callable[[], bytes], reason: str = "image_unreadable", suffix: str = "tif") -> Malformed:
    """A whole document whose sheet is not an image."""

    def build(number: str) -> bytes:
        file = f"imgf0001.{suffix}"
        return zip_bytes({_name(number): xml(number).replace(b"imgf0001.tif", file.encode()), file: data()})

    return _bad(build, reason, lands=True)


def _damaged(data: bytes, needle: bytes, at: int = 0) -> bytes:
    """One byte behind ``needle`` is another."""
    changed = bytearray(data)
    changed[data.index(needle) + at] ^= 0xFF
    return bytes(changed)


def _damaged_at_last(data: bytes, needle: bytes) -> bytes:
    return data[: data.rindex(needle)] + b"??" + data[data.rindex(needle) + 2 :]


def _sized(data: bytes, full: int) -> bytes:
    """A zip of one member whose headers claim another inflated size."""
    changed = bytearray(data)
    struct.pack_into("<L", changed, 22, full)
    struct.pack_into("<L", changed, changed.index(b"PK\x01\x02") + 24, full)
    return bytes(changed)


def _with_link(number: str, target: str = "/etc/passwd") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("imgf0002.tif")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, target)
        for name, data in _files(number).items():
            archive.writestr(name, data)
    return stream.getvalue()


def _tar_with(kind: bytes, files: dict[str, bytes], name: str, size: int = 0) -> bytes:
    """A tar with one member of an odd kind (or size) between good ones."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for position, (each, data) in enumerate(files.items()):
            if position == 1:
                odd = tarfile.TarInfo(name)
                odd.type, odd.linkname, odd.size = kind, "/etc/passwd", size
                stream.write(odd.tobuf(tarfile.GNU_FORMAT))
                archive.offset = stream.tell()
            info = tarfile.TarInfo(each)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def _nested(number: str, times: int) -> bytes:
    data = good_package(number)
    for level in range(times):
        data = zip_bytes({f"level{level}.zip": data})
    return data


def _field(tag: int, value: int, count: int = 1, kind: int = 4) -> bytes:
    """A TIFF whose directory says something else in one field."""
    data = bytearray(plain_tiff())
    (fields,) = struct.unpack_from("<H", data, 8)
    for at in range(10, 10 + 12 * fields, 12):
        if struct.unpack_from("<H", data, at)[0] == tag:
            struct.pack_into("<HII", data, at + 2, kind, count, value)
    return bytes(data)


def _image(form: str, width: int = 40, height: int = 40) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (width, height), 255).save(stream, form)
    return stream.getvalue()


def _png(width: int, height: int) -> bytes:
    """A PNG of any size, without the pixels."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = (b"IHDR" + header, b"IDAT" + zlib.compress(b""), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def _with_pdf(pdf: Callable[[], bytes]) -> Malformed:
    """A package without TIFFs, whose sheets would have to come out of this PDF."""
    return _bad(
        lambda n: zip_bytes({_name(n): xml(n), f"EP{n}NWA1.pdf": pdf()}), "member_unreadable", "image_missing",
        lands=True,
    )  # fmt: skip


#: Packages of a weekly delivery: what lies at ``DOC/EPNWA1/EP<number>NWA1.zip``.
PACKAGES: dict[str, Malformed] = {
    # Nothing to read
    "a file of no bytes": _bad(lambda n: b"", "package_without_document"),
    "a zip of no members": _bad(lambda n: zip_bytes({}), "package_without_document"),
    "a table of contents alone": _bad(lambda n: zip_bytes({"TOC.xml": xml(n)}), "package_without_document"),
    "images without a document": _bad(lambda n: zip_bytes({"imgf0001.tif": tiff()}), "package_without_document"),
    "a text": _bad(lambda n: b"this is no zip", "package_unreadable"),
    "zeros": _bad(lambda n: bytes(100_000), "package_unreadable"),
    "gzip called zip": _bad(lambda n: gzip.compress(_zip(n)), "package_unreadable"),
    "a page of an error": _bad(lambda n: b"<html><body>504 Gateway Timeout</body></html>", "package_unreadable"),
    # Cut
    "a zip without its last byte": _bad(lambda n: _zip(n)[:-1], "package_truncated"),
    "a zip cut in its first member": _bad(lambda n: _zip(n)[:200], "package_truncated"),
    "a zip cut in its directory": _bad(lambda n: _zip(n)[: _zip(n).index(b"PK\x01\x02") + 20], "package_truncated"),
    "a tar cut in a member": _bad(lambda n: tar_bytes(_files(n))[:1800], "package_truncated"),
    # Damaged
    "a wrong checksum of the XML": _bad(lambda n: _damaged(_zip(n), b"Figure 1"), "member_unreadable"),
    "a wrong checksum of a sheet": _bad(lambda n: _damaged(_zip(n), b"II*\0", 9), "member_unreadable", lands=True),
    "a damaged deflate stream": _bad(
        lambda n: _damaged(_zip(n, zipfile.ZIP_DEFLATED), _name(n).encode(), 60), "member_unreadable"
    ),
    "an unknown compression": _bad(lambda n: with_flag(zip_bytes({_name(n): xml(n)}), 0, 9), "member_unreadable"),
    "an encrypted document": _bad(lambda n: with_flag(zip_bytes({_name(n): xml(n)}), 1), "member_encrypted"),
    "two sheets of one name": _bad(
        lambda n: twice(_files(n), {"imgf0001.tif": tiff(7)}), "member_unreadable", lands=True
    ),
    "more bytes than declared": _bad(lambda n: _sized(zip_bytes({_name(n): xml(n)}), 100), "member_unreadable"),
    "fewer bytes than declared": _bad(lambda n: _sized(zip_bytes({_name(n): xml(n)}), 9000), "member_unreadable"),
    # Hostile
    "a size of two gigabytes": _bad(lambda n: _sized(zip_bytes({_name(n): xml(n)}), 0x7FFFFFFF), "too_large"),
    "a sheet of 17 MB of zeros": _bad(
        lambda n: zip_bytes({_name(n): xml(n), "imgf0001.tif": bytes(17 << 20)}), "ratio_too_high", lands=True
    ),
    "members that overlap": _bad(
        lambda n: quoted_bomb(bytes(1000), 50), "member_unreadable", "package_without_document"
    ),
    "six archives in each other": _bad(lambda n: _nested(n, 6), "too_deep"),
    "a path that climbs": _bad(lambda n: zip_bytes(_files(n, **{"../x.tif": tiff()})), "unsafe_path", lands=True),
    "an absolute path": _bad(lambda n: zip_bytes(_files(n, **{"/etc/x.tif": tiff()})), "unsafe_path", lands=True),
    "a drive": _bad(lambda n: zip_bytes(_files(n, **{"C:\\x.tif": tiff()})), "unsafe_path", lands=True),
    "a NUL in a name": _bad(
        lambda n: zip_bytes(_files(n, **{"x#y.tif": tiff()})).replace(b"x#y", b"x\0y"), "unsafe_path", lands=True
    ),
    "a link in a zip": _bad(_with_link, "unsafe_path", lands=True),
    "a link in a tar": _bad(lambda n: _tar_with(tarfile.SYMTYPE, _files(n), "imgf0002.tif"), "unsafe_path", lands=True),
    "a device in a tar": _bad(
        lambda n: _tar_with(tarfile.CHRTYPE, _files(n), "imgf0002.tif"), "unsafe_path", lands=True
    ),
    # XML
    "XML of no bytes": _document(lambda x: b"", "xml_malformed"),
    "XML that is a text": _document(lambda x: b"EP 3 000 001 A1", "xml_malformed"),
    "XML cut in half": _document(lambda x: x[: len(x) // 2], "xml_malformed"),
    "a tag that is not closed": _document(lambda x: x.replace(b"</description>", b""), "xml_malformed"),
    "an attribute twice": _document(lambda x: x.replace(b'kind="A1"', b'kind="A1" kind="A2"', 1), "xml_malformed"),
    "two roots": _document(lambda x: x + b"<a/>", "xml_malformed"),
    "bytes that are not UTF-8": _document(lambda x: x.replace(b"Pump", b"P\xfcmp"), "xml_malformed"),
    "an unknown encoding": _document(lambda x: x.replace(b"UTF-8", b"EBCDIC-X"), "xml_malformed"),
    "UTF-7": _document(lambda x: x.replace(b"UTF-8", b"UTF-7"), "xml_malformed"),
    "half a letter of UTF-16": _document(lambda x: x.decode().encode("utf-16")[:-1], "xml_malformed"),
    "a NUL in the text": _document(lambda x: x.replace(b"Pump", b"Pu\0mp"), "xml_malformed"),
    "a control character by reference": _document(lambda x: x.replace(b"Pump", b"Pu&#1;mp"), "xml_malformed"),
    "tags 5,000 deep": _document(
        lambda x: x.replace(b"Figure 1", b"<b>" * 5000 + b"Figure 1" + b"</b>" * 5000), "xml_malformed"
    ),
    "entities that grow": _document(lambda x: ENTITY_BOMB, "xml_forbidden"),
    "entities that grow, in UTF-16": _document(
        lambda x: ENTITY_BOMB.decode().removeprefix('<?xml version="1.0"?>').encode("utf-16"), "xml_forbidden"
    ),
    "an entity that is a file": _document(lambda x: EXTERNAL_ENTITY, "xml_forbidden"),
    "a parameter entity": _document(
        lambda x: b'<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///etc/passwd"> %b;]><a/>', "xml_forbidden"
    ),
    "XML over the limit": _document(
        lambda x: x.replace(b"Figure 1", bytes(range(65, 91)) * (3 << 20 >> 4)), "too_large"
    ),
    "another office's root": _document(lambda x: b"<cn-patent-document/>", "document_unknown_format"),
    "a web page": _document(lambda x: b"<html><body/></html>", "document_unknown_format"),
    "no number": _document(
        lambda x: x.replace(b"doc-number=", b"number=").replace(b"B110", b"B119"), "document_incomplete"
    ),
    "a document that was there before": _document(lambda x: xml("3900000"), "duplicate_document"),
    # TIFF
    "a sheet of no bytes": _sheet(lambda: b""),
    "a sheet that is a text": _sheet(lambda: b"no image at all"),
    "a TIFF of four bytes": _sheet(lambda: b"II*\0"),
    "a TIFF cut in its directory": _sheet(lambda: plain_tiff()[:60]),
    "a TIFF cut in its pixels": _sheet(lambda: plain_tiff()[:-40]),
    "a directory beyond the end": _sheet(lambda: b"II*\0" + struct.pack("<I", 1 << 30) + bytes(200)),
    "a TIFF without a width": _sheet(lambda: _field(256, 0)),
    "a TIFF of no height": _sheet(lambda: _field(257, 0)),
    "a TIFF of ten gigapixels": _sheet(
        lambda: plain_tiff(width=100_000, height=100_000, pixels=bytes(64)), "image_too_large"
    ),
    "pixels beyond the end": _sheet(lambda: _field(273, 1 << 31)),
    "pixels in the header": _sheet(lambda: _field(273, 0)),
    "four billion strips": _sheet(lambda: _field(273, 8, count=0xFFFFFFFF)),
    "a field of an unknown type": _sheet(lambda: _field(256, 100, kind=99)),
    "a sheet that is PostScript": _sheet(lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"),
    # Other images
    "a PNG of ten gigapixels": _sheet(lambda: _png(100_000, 100_000), "image_too_large", "png"),
    "a PNG of no pixels": _sheet(lambda: _png(0, 0), suffix="png"),
    "a PNG cut in its header": _sheet(lambda: _image("PNG")[:20], suffix="png"),
    "a PNG with a damaged header": _sheet(lambda: _damaged(_image("PNG"), b"IHDR", 6), suffix="png"),
    "a JPEG without a frame": _sheet(lambda: b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9", suffix="jpg"),
    "a GIF cut in its header": _sheet(lambda: _image("GIF")[:8], suffix="gif"),
    "a sheet that is not there": _bad(lambda n: zip_bytes({_name(n): xml(n)}), "image_missing", lands=True),
    # PDF
    "a PDF that is a text": _with_pdf(lambda: b"no PDF"),
    "a PDF of no bytes": _with_pdf(lambda: b""),
    "a PDF that is a header": _with_pdf(lambda: b"%PDF-1.4\n%%EOF\n"),
}


def _week(numbers: list[str], **others: bytes) -> dict[str, bytes]:
    """Good packages of a delivery, and others behind the first."""
    good = {f"DOC/EPNWA1/EP{n}NWA1.zip": good_package(n) for n in numbers}
    first = next(iter(good))
    return {first: good.pop(first), **others, **good}


def _zipped(files: dict[str, bytes]) -> bytes:
    return zip_bytes(files, STORED)


def _cut_before_the_end(data: bytes, marker: bytes) -> bytes:
    return data[: data.rindex(marker) + len(marker)]


@dataclass(frozen=True)
class Archive:
    """A delivery made of good packages with these three numbers; the first ``kept`` of them, or others, must land."""

    build: Callable[[list[str]], bytes]
    reasons: frozenset[str]
    kept: tuple[int, ...] = (0, 1, 2)
    suffix: str = "zip"


def _archive(
    build: Callable[[list[str]], bytes], *reasons: str, kept: tuple[int, ...] = (0, 1, 2), suffix: str = "zip"
) -> Archive:
    return Archive(build, frozenset(reasons), kept, suffix)


def _link_outside(numbers: list[str]) -> bytes:
    stream = io.BytesIO(_zipped(_week(numbers)))
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("DOC/EPNWA1/EP9.zip")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


def _pax_of_gigabytes(numbers: list[str]) -> bytes:
    return _tar_with(tarfile.XHDTYPE, _week(numbers), "pax", 3 << 30)


ODD = "DOC/EPNWA1/EP9.zip"
#: Whole deliveries.
ARCHIVES: dict[str, Archive] = {
    "no bytes": _archive(lambda n: b"", "archive_empty", kept=()),
    "no members": _archive(lambda n: zip_bytes({}), "archive_empty", kept=()),
    "folders alone": _archive(lambda n: zip_bytes({"DOC/": b"", "DOC/EPNWA1/": b""}), "archive_empty", kept=()),
    "a text": _archive(lambda n: b"I am no archive", "archive_unreadable", kept=()),
    "gzip": _archive(lambda n: gzip.compress(tar_bytes(_week(n))), "archive_unreadable", kept=(), suffix="tar"),
    "RAR": _archive(lambda n: b"Rar!\x1a\x07\0" + bytes(900), "archive_unreadable", kept=()),
    "zip cut in its last package": _archive(
        lambda n: _cut_before_the_end(_zipped(_week(n)), b"PK\x03\x04"), "archive_truncated", kept=(0, 1)
    ),
    "zip without its directory": _archive(
        lambda n: _zipped(_week(n))[:-60], "archive_truncated"
    ),
    "zip with a damaged directory": _archive(
        lambda n: _damaged_at_last(_zipped(_week(n)), b"PK\x01\x02"), "archive_truncated"
    ),
    "an encrypted package": _archive(
        lambda n: _encrypted_among(n), "member_encrypted"
    ),
    "a package called 7z": _archive(
        lambda n: _zipped(_week(n, **{"DOC/EPNWA1/EP9.7z": b"7z\xbc\xaf\x27\x1c" + bytes(99)})), "package_unreadable"
    ),
    "a package at a climbing path": _archive(
        lambda n: _zipped(_week(n, **{"../../EP9.zip": good_package("9")})), "unsafe_path"
    ),
    "a link": _archive(_link_outside, "unsafe_path"),
    "a package twice": _archive(
        lambda n: twice({f"DOC/EPNWA1/EP{n[0]}NWA1.zip": b"old"}, _week(n)), "duplicate_document"
    ),
    "6,000 members": _archive(
        lambda n: _zipped(_week(n, **{f"x/{i}": b"" for i in range(6000)})), "too_many_entries", kept=()
    ),
    "tar cut in its last package": _archive(
        lambda n: tar_bytes(_week(n))[: tar_bytes(_week(n)).rindex(b"PK\x05\x06") - 100], "archive_truncated",
        kept=(0, 1), suffix="tar",
    ),
    "tar with a damaged header": _archive(
        lambda n: _damaged(tar_bytes(_week(n)), f"EP{n[1]}NWA1.zip".encode()), "archive_truncated", kept=(0,),
        suffix="tar",
    ),
    "tar with an extension of gigabytes": _archive(_pax_of_gigabytes, "archive_truncated", kept=(0,), suffix="tar"),
    "tar with a link": _archive(
        lambda n: _tar_with(tarfile.LNKTYPE, _week(n), ODD), "unsafe_path", suffix="tar"
    ),
    "tar with a pipe": _archive(
        lambda n: _tar_with(tarfile.FIFOTYPE, _week(n), ODD), "unsafe_path", suffix="tar"
    ),
    "tar with a sparse member": _archive(
        lambda n: _tar_with(tarfile.GNUTYPE_SPARSE, _week(n), ODD), "archive_truncated", kept=(0,), suffix="tar"
    ),
}  # fmt: skip


def _encrypted_among(numbers: list[str]) -> bytes:
    """The package behind the first says that it is encrypted, in both its headers."""
    data = bytearray(_zipped(_week(numbers, **{ODD: good_package("9")})))
    for mark, flags, name in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        at = data.find(mark)
        while data[at + name : at + name + len(ODD)] != ODD.encode():
            at = data.index(mark, at + 1)
        data[at + flags] |= 1
    return bytes(data)
