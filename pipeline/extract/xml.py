"""XML as delivered: parsed without DTD, network or entities, whoever wrote it."""

from __future__ import annotations

import codecs
import html
import re

from lxml import etree

from pipeline.errors import Reason, RejectedItemError

#: Above this size libxml2 wants its own limits on text and depth lifted; ``limits.xml_mb`` bounds us then.
_HUGE_BYTES = 8 << 20
_DECLARATION = re.compile(rb"""\A<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
#: Encodings in which the bytes of mark-up are those of ASCII, so that looking for it in the bytes is enough.
_ENCODINGS = re.compile(r"utf-?8|(us-)?ascii|iso-?8859-\d+|latin-?\d|windows-125\d|cp125\d", re.IGNORECASE)
#: An ampersand that begins none of XML's own references; CDATA sections and comments pass as they are.
_STRAY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)")
_STRAY_IN_TEXT = re.compile(
    rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)(?:([A-Za-z][A-Za-z0-9]*);)?",
    re.DOTALL,
)


def parse(data: bytes, max_mb: int) -> etree._Element:
    """The root element of a document, without comments and processing instructions.

    No DTD is loaded and nothing is fetched. Two faults of real deliveries are mended: a bare ``&`` is read
    as itself, and a named character of HTML (``&nbsp;``) as that character. Raises RejectedItemError:
    TOO_LARGE, XML_FORBIDDEN (the document declares entities), XML_MALFORMED.
    """
    if len(data) > max_mb << 20:
        raise RejectedItemError(Reason.TOO_LARGE, f"XML of {len(data) >> 20} MB; limits.xml_mb is {max_mb}")
    data = _ascii_compatible(data)
    declares = b"<!ENTITY" in data
    if not declares and _STRAY.search(data):
        data = _STRAY_IN_TEXT.sub(_mended, data)
    parser = etree.XMLParser(
        load_dtd=False, no_network=True, resolve_entities=False, remove_comments=True, remove_pis=True,
        # Without the flag libxml2 stops an entity that grows; where none is declared, nothing can grow.
        huge_tree=len(data) > _HUGE_BYTES and not declares,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if declares:
            raise RejectedItemError(Reason.XML_FORBIDDEN, f"declares entities: {error}") from None
        raise RejectedItemError(Reason.XML_MALFORMED, str(error)) from None
    _refuse_entities(root)
    return root


def _refuse_entities(root: etree._Element) -> None:
    internal = root.getroottree().docinfo.internalDTD
    names = [entity.name for entity in internal.entities()] if internal is not None else []  # type: ignore[attr-defined]
    if names:
        raise RejectedItemError(Reason.XML_FORBIDDEN, f"declares entities: {', '.join(sorted(names)[:5])}")


def _ascii_compatible(data: bytes) -> bytes:
    """The same document in an encoding whose mark-up is ASCII: UTF-16 and UTF-32 become UTF-8."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]
    if wide:
        name = "utf-32" if b"\0\0" in data[:4] else "utf-16"
        if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
            name += "-be" if data[:1] == b"\0" else "-le"
        try:
            text = data.decode(name)
        except UnicodeDecodeError as error:
            raise RejectedItemError(Reason.XML_MALFORMED, f"not {name}: {error.reason}") from None
        return re.sub(r"\A\ufeff?\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL).encode("utf-8", "replace")
    declared = _DECLARATION.match(data.removeprefix(codecs.BOM_UTF8))
    if declared and not _ENCODINGS.fullmatch(declared[1].decode()):
        raise RejectedItemError(Reason.XML_MALFORMED, f"encoding {declared[1].decode()} is not read")
    return data


def _mended(match: re.Match[bytes]) -> bytes:
    whole, name = match[0], match[1]
    if not whole.startswith(b"&"):
        return whole
    character = html.unescape(whole.decode()) if name else ""
    if name and character != whole.decode():
        return "".join(f"&#{ord(c)};" for c in character).encode()
    return b"&amp;" + whole[1:]
