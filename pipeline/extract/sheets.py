"""Images of a package become rows of sheets, with the bytes as delivered."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pipeline.config import Settings
from pipeline.errors import Reject, RejectedItemError
from pipeline.extract.images import image_facts
from pipeline.extract.model import Package, Picture
from pipeline.extract.pdf import recover

_IMAGE = re.compile(r".*\.(tiff?|jpe?g|png|gif|bmp)", re.IGNORECASE)
_TIFF = re.compile(r".*\.tiff?", re.IGNORECASE)
_PDF = re.compile(r".*\.pdf", re.IGNORECASE)
#: What file names tell of images that the XML does not name: of the EPO, then of the USPTO.
_ROLE_BY_NAME = (
    (re.compile(r"imgaf", re.I), "abstract figure"),
    (re.compile(r"imgf", re.I), "drawing"),
    (re.compile(r"srep", re.I), "search report"),
    (re.compile(r".*-D0+\.\w+$", re.I), "front page"),
    (re.compile(r".*-D\d+\.\w+$", re.I), "drawing"),
    (re.compile(r"\d+\.\w+$|page", re.I), "page"),
)


def sheet_rows(
    package: Package, doc_id: str, pictures: list[Picture], settings: Settings
) -> Iterator[dict[str, Any] | Reject]:
    """Rows of ``sheets``, or the reject of a sheet that is missing, unreadable or too large.

    Images that lie in the package unnamed follow those that the XML names.
    """
    files = {name.lower(): name for name in package.names() if _IMAGE.fullmatch(name)}
    named = {picture.file.lower() for picture in pictures}
    unnamed = [Picture(name, _role(name)) for key, name in sorted(files.items()) if key not in named]
    recovered: dict[str, bytes] = {}
    if pdf := _needed_pdf(package, pictures, settings):
        try:
            recovered = recover(package.read(pdf), pictures)
        except RejectedItemError as error:
            yield error.reject(package.member_path(pdf))
    ordinals: Counter[str] = Counter()
    for picture in [*pictures, *unnamed]:
        ordinal, name = ordinals[picture.role], files.get(picture.file.lower(), picture.file)
        ordinals[picture.role] += 1
        digest = None
        try:
            data = recovered[picture.file] if picture.file in recovered else package.read(name)
            digest = hashlib.sha256(data).hexdigest()
            facts = image_facts(data, settings.limits.image_mpixels)
        except RejectedItemError as error:
            yield Reject(package.member_path(name), error.reason, error.detail, error.sha256 or digest)
            continue
        yield {
            "sheet_id": f"{doc_id}/{name}",
            "doc_id": doc_id,
            "file": name,
            "ordinal": ordinal,
            "role": picture.role,
            "declared_labels": list(picture.labels),
            "width_px": facts.width_px,
            "height_px": facts.height_px,
            "dpi": facts.dpi,
            "media_type": facts.media_type,
            "source": "pdf" if picture.file in recovered else "tiff",
            "image": data,
            "sha256": digest,
        }


def _role(name: str) -> str:
    return next((role for pattern, role in _ROLE_BY_NAME if pattern.match(name)), "in-text")


def _needed_pdf(package: Package, pictures: list[Picture], settings: Settings) -> str | None:
    """The PDF of a package whose XML has drawings and which holds no TIFF at all, where the settings allow it."""
    names = package.names()
    wanted = settings.extract.pdf_fallback and any(picture.role == "drawing" for picture in pictures)
    if not wanted or any(_TIFF.fullmatch(name) for name in names):
        return None
    return next((name for name in names if _PDF.fullmatch(name)), None)
