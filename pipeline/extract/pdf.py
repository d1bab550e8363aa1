"""Sheets out of a publication's PDF: its CCITT images, wrapped as TIFF without decoding them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pipeline.errors import Reason, RejectedItemError
from pipeline.extract.model import Picture

#: The EPO prints sheets at 300 dots per inch and rounds sizes up to whole millimetres.
_DPI = 300
_PX_PER_MM = _DPI / 25.4
_TOLERANCE_PX = 18
_MAX_PAGES = 2000


@dataclass(frozen=True, slots=True)
class FaxImage:
    """A CCITT group 4 stream of a page. ``black_is_zero``: the photometric sense that a TIFF has to state."""

    page: int
    width_px: int
    height_px: int
    black_is_zero: bool
    data: bytes


def recover(data: bytes, pictures: list[Picture]) -> dict[str, bytes]:
    """TIFF files for the pictures that the PDF holds, by the file names that the XML gives them.

    Images of the description, claims and drawings are matched in their order by size; the pages behind the
    last of them are the search report, and the first page shows the abstract's figure. Raises
    RejectedItemError MEMBER_UNREADABLE when the PDF cannot be read.
    """
    images = fax_images(data)
    body = [p for role in ("in-text", "drawing") for p in pictures if p.role == role]
    matched = _align(body, images)
    found = {body[i].file: wrap_tiff(images[j], _DPI) for i, j in matched}
    last = max((images[j].page for _, j in matched), default=-1)
    reports, behind = [p for p in pictures if p.role == "search report"], [m for m in images if m.page > last]
    if matched and len(reports) == len(behind):
        found.update((p.file, wrap_tiff(m, _resolution(p, m))) for p, m in zip(reports, behind, strict=True))
    abstract, front = [p for p in pictures if p.role == "abstract figure"], [m for m in images if m.page == 0]
    if len(abstract) == len(front) == 1:
        found[abstract[0].file] = wrap_tiff(front[0], _resolution(abstract[0], front[0]))
    return found


def fax_images(data: bytes) -> list[FaxImage]:
    """The group 4 images of a PDF, by page and by their names within it (Im0, Im1 … Im10)."""
    import pypdf

    found: list[FaxImage] = []
    try:
        pages = pypdf.PdfReader(BytesIO(data)).pages
        for number, page in enumerate(pages[:_MAX_PAGES]):
            resources = page.get("/Resources", {})
            objects = resources.get("/XObject", {}) if resources else {}
            named = {str(name): objects[name] for name in objects}
            ordered = sorted(named, key=lambda n: [int(d) for d in re.findall(r"\d+", n)])
            found += [image for name in ordered if (image := _fax_image(number, named[name]))]
    except Exception as error:  # pypdf raises whatever a broken file makes it stumble over
        raise RejectedItemError(Reason.MEMBER_UNREADABLE, f"PDF: {type(error).__name__}: {error}") from None
    return found


def _fax_image(page: int, image: Any) -> FaxImage | None:
    """The image if it is one that a TIFF can carry as it stands."""
    filters, parameters = image.get("/Filter"), image.get("/DecodeParms")
    if isinstance(filters, list):
        filters, parameters = (filters[0], (parameters or [None])[0]) if len(filters) == 1 else (None, None)
    parameters = parameters.get_object() if parameters is not None else {}
    if image.get("/Subtype") != "/Image" or filters != "/CCITTFaxDecode" or int(parameters.get("/K", 0)) >= 0:
        return None
    if _is_set(parameters, "/EncodedByteAlign"):
        return None
    inverted = list(image.get("/Decode", [0, 1])) == [1, 0]
    black_is_zero = _is_set(parameters, "/BlackIs1") != inverted
    width = int(parameters.get("/Columns", image["/Width"]))
    return FaxImage(page, width, int(image["/Height"]), black_is_zero, image._data)


def _is_set(parameters: Any, name: str) -> bool:
    """A flag of the PDF; pypdf's own object for false is true to Python."""
    flag = parameters.get(name)
    return bool(getattr(flag, "value", flag))


def wrap_tiff(image: FaxImage, dpi: float) -> bytes:
    """A little-endian TIFF of one strip around the stream (TIFF 6.0, compression 4)."""
    fields = [
        (256, 4, 1, image.width_px), (257, 4, 1, image.height_px), (258, 3, 1, 1), (259, 3, 1, 4),
        (262, 3, 1, int(image.black_is_zero)), (273, 4, 1, 0), (277, 3, 1, 1), (278, 4, 1, image.height_px),
        (279, 4, 1, len(image.data)), (282, 5, 1, 0), (283, 5, 1, 0), (296, 3, 1, 2),
    ]  # fmt: skip
    behind = 8 + 2 + 12 * len(fields) + 4
    places = {273: behind + 8, 282: behind, 283: behind}
    entries = b"".join(struct.pack("<HHII", tag, kind, n, places.get(tag, value)) for tag, kind, n, value in fields)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(fields)) + entries + struct.pack("<I", 0)
    return head + struct.pack("<II", round(dpi * 100), 100) + image.data


def _resolution(picture: Picture, image: FaxImage) -> float:
    """Dots per inch at which the image has the size that the XML prints it in."""
    return image.width_px / picture.width_mm * 25.4 if picture.width_mm else float(_DPI)


def _align(pictures: list[Picture], images: list[FaxImage]) -> list[tuple[int, int]]:
    """Pairs (picture, image) of the longest common subsequence under equality of size."""
    rows, columns = len(pictures), len(images)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            same = best[i + 1][j + 1] + 1 if _alike(pictures[i], images[j]) else 0
            best[i][j] = max(same, best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < rows and j < columns:
        if best[i][j] == best[i][j + 1]:
            j += 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return pairs


def _alike(picture: Picture, image: FaxImage) -> bool:
    if picture.width_mm is None or picture.height_mm is None:
        return False
    off = abs(picture.width_mm * _PX_PER_MM - image.width_px), abs(picture.height_mm * _PX_PER_MM - image.height_px)
    return max(off) <= _TOLERANCE_PX
