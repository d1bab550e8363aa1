"""The one decoder: whatever the bytes are, pixels or a reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import Reason, RejectedItemError
from pipeline.pixels import decode
from tests.ocr.drawn import sheet, tiff

PAGE = sheet([("12a", 20, 30, 0)], width=200, height=120)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("compression", ["group4", "group3", "raw", "tiff_lzw"])
def test_ink_is_zero_whichever_way_the_tiff_says_it(photometric: int, compression: str) -> None:
    data = tiff(PAGE, photometric, compression)
    assert Image.open(io.BytesIO(data)).tag_v2[262] == photometric
    assert np.array_equal(decode(data, 1), PAGE)


def test_transparency_is_paper_and_colour_becomes_luminance() -> None:
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    image.putpixel((2, 0), (255, 0, 0, 255))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    assert decode(stream.getvalue(), 1).tolist() == [[255, 0, 76]]


def test_sixteen_bits_are_scaled_to_eight() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.array([[0, 65535, 32768]], dtype=np.uint16)).save(stream, "TIFF")
    assert decode(stream.getvalue(), 1).tolist() == [[0, 255, 127]]


def test_an_image_over_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(RejectedItemError) as raised:
        decode(tiff(np.full((2000, 1000), 255, np.uint8)), 1)
    assert raised.value.reason is Reason.IMAGE_TOO_LARGE
    assert raised.value.detail == "1000 x 2000 pixels; limits.image_mpixels allows 1 million"


@pytest.mark.parametrize("data", [b"", b"not an image", b"II*\x00\x08\x00\x00\x00", tiff(PAGE)[:60]])
def test_what_is_no_image_is_rejected_as_unreadable(data: bytes) -> None:
    with pytest.raises(RejectedItemError) as raised:
        decode(data, 1)
    assert raised.value.reason is Reason.IMAGE_UNREADABLE


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_damaged_bytes_give_pixels_or_a_reject_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(tiff(PAGE))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = decode(bytes(damaged), 1)
    except RejectedItemError as error:
        assert error.reason in (Reason.IMAGE_UNREADABLE, Reason.IMAGE_TOO_LARGE)
    else:
        assert pixels.ndim == 2 and pixels.dtype == np.uint8
