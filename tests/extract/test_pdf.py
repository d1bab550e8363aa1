"""Sheets out of a PDF: the fax stream as it lies there, in a TIFF of the name that the XML gives."""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, NameObject, NumberObject, StreamObject

from pipeline.config import Settings
from pipeline.errors import Reason, Reject, RejectedItemError
from pipeline.extract.documents import extract_package
from pipeline.extract.model import ExtractedDocument, Picture
from pipeline.extract.pdf import recover
from tests.extract.packages import MemoryPackage
from tests.shared_data import SHARED, needs_shared


def drawing(width: int, height: int, seed: int) -> Image.Image:
    """White paper with black strokes."""
    pixels = np.full((height, width), 255, np.uint8)
    for row in np.random.default_rng(seed).integers(0, height - 4, 6):
        pixels[row : row + 3, width // 8 : width // 2] = 0
    return Image.fromarray(pixels).convert("1")


def fax(image: Image.Image) -> bytes:
    """The group 4 stream of the image, black being what is drawn."""
    buffer = BytesIO()
    image.save(buffer, "TIFF", compression="group4", strip_size=1 << 30, tiffinfo={262: 0})
    with Image.open(buffer) as saved:
        offset, length = saved.tag_v2[273][0], saved.tag_v2[279][0]
    return buffer.getvalue()[offset : offset + length]


def pdf(pages: list[list[Image.Image]], **options: object) -> bytes:
    """A PDF whose pages hold the images as fax streams, named in reverse to their order in the file."""
    writer = PdfWriter()
    for images in pages:
        page = writer.add_blank_page(600, 800)
        objects = DictionaryObject()
        for number, image in reversed(list(enumerate(images))):
            stream = StreamObject()
            stream._data = fax(image)
            parameters = DictionaryObject({
                NameObject("/K"): NumberObject(options.get("k", -1)), NameObject("/Columns"): NumberObject(image.width),
                NameObject("/BlackIs1"): BooleanObject(bool(options.get("black_is_1", False))),
            })  # fmt: skip
            stream.update({
                NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Image"),
                NameObject("/Width"): NumberObject(image.width), NameObject("/Height"): NumberObject(image.height),
                NameObject("/BitsPerComponent"): NumberObject(1), NameObject("/ColorSpace"): NameObject("/DeviceGray"),
                NameObject("/Filter"): NameObject("/CCITTFaxDecode"), NameObject("/DecodeParms"): parameters,
            })  # fmt: skip
            if options.get("inverted"):
                stream[NameObject("/Decode")] = ArrayObject([NumberObject(1), NumberObject(0)])
            objects[NameObject(f"/Im{number}")] = writer._add_object(stream)
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): objects})
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def picture(file: str, role: str, image: Image.Image) -> Picture:
    """As the XML states it: millimetres at 300 dots per inch, rounded up."""
    return Picture(file, role, (), *(float(-(-size * 254 // 3000)) for size in image.size))


def pixels(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("L"))


def test_drawings_are_found_in_their_order_between_other_images() -> None:
    formula, first, second, third, report = (
        drawing(*size, seed) for seed, size in enumerate([(400, 120), (600, 900), (640, 700), (600, 900), (1000, 1400)])
    )
    data = pdf([[drawing(901, 555, 9)], [formula, drawing(77, 77, 8)], [first], [second, third], [report]])
    listed = [picture("imgf0001.tif", "drawing", first), picture("imgf0002.tif", "drawing", second),
              picture("imgf0003.tif", "drawing", third), picture("imgb0001.tif", "in-text", formula),
              picture("imgf0009.tif", "drawing", drawing(1200, 1300, 0)),
              picture("srep0001.tif", "search report", drawing(950, 1300, 5)),
              picture("imgaf001.tif", "abstract figure", drawing(450, 278, 9))]  # fmt: skip
    found = recover(data, listed)
    assert sorted(found) == [
        "imgaf001.tif",
        "imgb0001.tif",
        "imgf0001.tif",
        "imgf0002.tif",
        "imgf0003.tif",
        "srep0001.tif",
    ]
    for name, image in (("imgf0001.tif", first), ("imgf0002.tif", second), ("imgf0003.tif", third),
                        ("imgb0001.tif", formula), ("srep0001.tif", report)):  # fmt: skip
        assert np.array_equal(pixels(found[name]), np.asarray(image.convert("L"))), name
    with Image.open(BytesIO(found["imgf0001.tif"])) as sheet:
        assert sheet.info["dpi"] == (300, 300)
        assert sheet.info["compression"] == "group4"


@pytest.mark.parametrize(("options", "white"), [
    ({}, True), ({"black_is_1": True}, False), ({"inverted": True}, False),
    ({"black_is_1": True, "inverted": True}, True),
])  # fmt: skip
def test_the_sense_of_black_is_that_of_the_pdf(options: dict[str, object], white: bool) -> None:
    image = drawing(600, 900, 1)
    (sheet,) = recover(pdf([[image]], **options), [picture("a.tif", "drawing", image)]).values()
    assert (pixels(sheet).mean() > 128) == white


def test_streams_that_a_tiff_cannot_carry_are_left() -> None:
    image = drawing(600, 900, 1)
    assert recover(pdf([[image]], k=4), [picture("a.tif", "drawing", image)]) == {}
    assert recover(pdf([[]]), [picture("a.tif", "drawing", image)]) == {}


def test_a_file_that_is_no_pdf_is_unreadable() -> None:
    with pytest.raises(RejectedItemError) as caught:
        recover(b"%PDF-1.4 broken", [])
    assert caught.value.reason is Reason.MEMBER_UNREADABLE


@needs_shared
@pytest.mark.parametrize("stem", ["EP16898049NWA1", "EP17184735NWA1", "EP18151178NWA1"])
def test_the_real_pdfs_hold_the_very_drawings_of_the_tiffs(stem: str) -> None:
    assert SHARED is not None
    with zipfile.ZipFile(next((SHARED / "epo").glob("*.zip"))) as outer:
        inner = zipfile.ZipFile(BytesIO(outer.read(f"DOC/EPNWA1/{stem}.zip")))
    files = {name: inner.read(name) for name in inner.namelist() if name != "TOC.xml"}
    bare = MemoryPackage({name: data for name, data in files.items() if not name.endswith(".tif")})
    document, *rejects = sorted(extract_package(bare, Settings()), key=lambda x: isinstance(x, Reject))
    assert isinstance(document, ExtractedDocument)
    assert {r.item.split("/")[-1] for r in rejects if isinstance(r, Reject)} <= {"imgb0013.tif"}
    drawings = [sheet for sheet in document.sheets if sheet["role"] == "drawing"]
    assert len(drawings) == sum(name.startswith("imgf") for name in files)
    for sheet in drawings:
        assert sheet["source"] == "pdf"
        assert np.array_equal(pixels(sheet["image"]), pixels(files[sheet["file"]])), sheet["file"]
