"""Facts of images from their headers, and what is refused there."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import Reason, RejectedItemError
from pipeline.extract.images import ImageFacts, image_facts
from tests.extract.packages import tiff


def reason_of(data: bytes, max_mpixels: int = 300) -> Reason:
    with pytest.raises(RejectedItemError) as caught:
        image_facts(data, max_mpixels)
    return caught.value.reason


def saved(kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    Image.new("1" if kind == "TIFF" else "L", (120, 80), 1).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
def test_size_and_resolution_are_read_in_both_byte_orders(order: str) -> None:
    assert image_facts(tiff(100, 50, 300, order), 300) == ImageFacts(100, 50, 300.0, "image/tiff")


def test_other_writers_and_formats_are_read() -> None:
    fax = saved("TIFF", compression="group4", dpi=(200, 200))
    assert image_facts(fax, 300) == ImageFacts(120, 80, 200.0, "image/tiff")
    assert image_facts(saved("TIFF", resolution=118.11, resolution_unit="cm"), 300).dpi == pytest.approx(300, abs=0.1)
    assert image_facts(saved("PNG"), 300) == ImageFacts(120, 80, None, "image/png")
    assert image_facts(saved("JPEG"), 300).media_type == "image/jpeg"


def test_an_image_over_the_limit_of_pixels_is_refused_unopened() -> None:
    assert reason_of(tiff(40_000, 10_000, pixels=b"\0"), 300) is Reason.IMAGE_TOO_LARGE


@pytest.mark.parametrize("data", [
    b"", b"not an image", b"II*\0", b"II*\0\xff\xff\xff\x7f", b"%PDF-1.4", tiff()[:-1], tiff()[:60], tiff(0, 50),
    saved("TIFF", compression="group4")[:-30], saved("PNG")[:20],
])  # fmt: skip
def test_what_is_no_whole_image_is_unreadable(data: bytes) -> None:
    assert reason_of(data) is Reason.IMAGE_UNREADABLE


@given(st.binary(max_size=300), st.integers(0, 300), st.binary(max_size=12))
def test_no_bytes_raise_anything_but_a_reject(head: bytes, at: int, patch: bytes) -> None:
    whole = tiff()
    for data in (b"II*\0" + head, b"MM\0*" + head, whole[:at] + patch + whole[at + len(patch) :]):
        try:
            image_facts(data, 300)
        except RejectedItemError as error:
            assert error.reason in (Reason.IMAGE_UNREADABLE, Reason.IMAGE_TOO_LARGE)


@pytest.mark.parametrize("tag", [282, 296])
def test_a_field_without_values_costs_the_resolution_only(tag: int) -> None:
    data = bytearray(saved("TIFF", dpi=(300, 300)))
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    places = [start + 2 + 12 * n for n in range(count)]
    (place,) = [at for at in places if struct.unpack_from(order + "H", data, at)[0] == tag]
    struct.pack_into(order + "I", data, place + 4, 0)
    facts = image_facts(bytes(data), 300)
    assert (facts.width_px, facts.height_px) == (120, 80)
    assert facts.dpi is None or tag == 296
