"""XML is parsed whoever wrote it: entities, networks and huge texts get nothing."""

from __future__ import annotations

import pytest

from pipeline.errors import Reason, RejectedItemError
from pipeline.extract.text import plain
from pipeline.extract.xml import parse


def reason_of(data: bytes, max_mb: int = 10) -> Reason:
    with pytest.raises(RejectedItemError) as caught:
        parse(data, max_mb)
    return caught.value.reason


def bomb(use: str) -> bytes:
    levels = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE a [<!ENTITY x0 "lol">{levels}]>{use}'.encode()


@pytest.mark.parametrize("use", ["<a>&x11;</a>", '<a b="&x11;"/>', "<a/>"])
def test_an_entity_bomb_is_forbidden_wherever_it_is_used(use: str) -> None:
    assert reason_of(bomb(use)) is Reason.XML_FORBIDDEN


@pytest.mark.parametrize("declaration", [
    '<!ENTITY b SYSTEM "file:///etc/passwd">',
    '<!ENTITY b PUBLIC "x" "http://127.0.0.1:9/x">',
    '<!ENTITY % b SYSTEM "file:///etc/passwd"> %b;',
])  # fmt: skip
def test_external_entities_are_forbidden(declaration: str) -> None:
    assert reason_of(f"<!DOCTYPE a [{declaration}]><a>&b;</a>".encode()) is Reason.XML_FORBIDDEN


def test_a_bomb_in_utf_16_is_forbidden_too() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?>' + bomb("<a>&x11;</a>").decode()
    assert reason_of(text.encode("utf-16")) is Reason.XML_FORBIDDEN


def test_a_bomb_cannot_hide_behind_the_size_that_lifts_the_limits_of_the_parser() -> None:
    data = bomb('<a b="&x11;">' + "x" * (9 << 20) + "</a>")
    assert reason_of(data, max_mb=100) is Reason.XML_FORBIDDEN


@pytest.mark.parametrize("doctype", [
    "", '<!DOCTYPE a PUBLIC "-//EPO//X//EN" "nowhere.dtd">', '<!DOCTYPE a SYSTEM "nowhere.dtd" [ ]>',
])  # fmt: skip
def test_a_doctype_without_declarations_is_harmless_and_fetches_nothing(doctype: str) -> None:
    assert plain(parse(f"{doctype}<a>x</a>".encode(), 1)) == "x"


def test_character_references_and_named_characters_of_html_are_read() -> None:
    assert plain(parse(b"<a>&#8220;5&#xb0;&#8221; &lt; 6&nbsp;mm &alpha;</a>", 1)) == "“5°” < 6 mm α"


def test_named_characters_are_read_under_a_doctype_as_well() -> None:
    assert plain(parse(b'<!DOCTYPE a SYSTEM "x.dtd"><a>5&deg;C</a>', 1)) == "5°C"


def test_a_bare_ampersand_and_an_unknown_name_stay_as_printed() -> None:
    assert plain(parse(b"<a>Kador & Partner, AT&T; &nosuch;</a>", 1)) == "Kador & Partner, AT&T; &nosuch;"


@pytest.mark.parametrize("data", [
    b"", b"\0\0\0\0", b"not xml", b"<a><b></a>", b"<a>", b"<a>\xff</a>", b'<?xml version="1.0" encoding="foo"?><a/>',
    b'<?xml version="1.0" encoding="UTF-7"?><a/>', "<a>".encode("utf-16")[:-1], b"<a/>trailing",
    b"<a>" * 300 + b"</a>" * 300,
])  # fmt: skip
def test_what_is_not_well_formed_is_malformed(data: bytes) -> None:
    assert reason_of(data) is Reason.XML_MALFORMED


def test_a_document_over_the_limit_is_too_large_before_it_is_parsed() -> None:
    assert reason_of(b"<a>" + b" " * (1 << 20) + b"</a>", max_mb=1) is Reason.TOO_LARGE


def test_a_text_of_many_megabytes_is_read_within_the_limit() -> None:
    assert len(plain(parse(b"<a>" + b"x" * (11 << 20) + b"</a>", 20))) == 11 << 20


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
def test_the_usual_encodings_are_read(encoding: str) -> None:
    declared = encoding.removesuffix("-sig").upper()
    assert plain(parse(f'<?xml version="1.0" encoding="{declared}"?><a>é</a>'.encode(encoding), 1)) == "é"


def test_comments_and_processing_instructions_leave_no_seam() -> None:
    assert plain(parse(b'<a>hous<!-- EPO <DP n="1"> -->ing<?x y?>s</a>', 1)) == "housings"


def test_cdata_is_left_alone_when_ampersands_are_mended() -> None:
    assert plain(parse(b"<a>R & D <![CDATA[x & y]]></a>", 1)) == "R & D x & y"


def test_a_text_about_entities_is_no_declaration() -> None:
    assert plain(parse(b"<a><![CDATA[<!ENTITY x 'y'>]]></a>", 1)) == "<!ENTITY x 'y'>"
